"""A made-up chain of outputs, and a wallet that looks for its own among them."""

from __future__ import annotations

import hashlib
from typing import Final

from node.core.ids import Kind
from shielded import spec
from shielded.encryption import Output, encrypt_dummy, encrypt_note, try_decrypt, viewers
from shielded.keys import SpendingKey
from shielded.notes import Note

_EVERY: Final = 100
_MEMO: Final = bytes(512)


class Chain:
    """Outputs made from a seed.

    Args:
        seed: any text; the same gives the same outputs.
        count: how many.
    """

    def __init__(self, seed: str, count: int) -> None:
        self._seed = seed
        self._key = SpendingKey.from_seed(self._bytes("wallet", 64)).full_viewing_key
        self.outputs = [self._output(index) for index in range(count)]

    def scan(self) -> list[int]:
        """Commitments of the notes that the wallet's external key opens, in order."""
        external = viewers(self._key)[0]
        return [
            output.commitment
            for output in self.outputs
            if try_decrypt(external, output) is not None
        ]

    def own_digest(self) -> str:
        """The digest of what a scan must find."""
        return digest([output.commitment for output in self.outputs[::_EVERY]])

    def _output(self, index: int) -> Output:
        nullifiers = (self._number(f"nf0/{index}"), self._number(f"nf1/{index}"))
        if index % _EVERY:
            cm = self._number(f"cm/{index}")
            return Output(nullifiers, 0, cm, encrypt_dummy(self._bytes(f"dummy/{index}", 32)))
        address = self._key.address(index // _EVERY)
        note = Note(
            Kind(0, 0),
            index,
            0,
            address.diversifier,
            address.owner,
            spec.created_nonce(0, *nullifiers),
            self._bytes(f"rseed/{index}", spec.RSEED_BYTES),
        )
        return Output(nullifiers, 0, note.commitment, encrypt_note(note, address, _MEMO, None))

    def _bytes(self, label: str, length: int) -> bytes:
        return hashlib.shake_256(f"{self._seed}/scan/{label}".encode()).digest(length)

    def _number(self, label: str) -> int:
        return int.from_bytes(self._bytes(label, 31), "little")


def digest(commitments: list[int]) -> str:
    """SHA-256 over commitments, 32 bytes each."""
    joined = b"".join(commitment.to_bytes(32, "little") for commitment in commitments)
    return hashlib.sha256(joined).hexdigest()
