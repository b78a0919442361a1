"""Values sealed to members so that a complaint opens them, and nothing else.  Rule PV-33 (P2-1).

    E = kG, k fresh          part i = AEAD(HKDF(k·EKᵢ, E, header, i); associated data: header, E)
    proof of knowledge of k, bound to the header and to every sealed part

The header is a hash of the rest of the message: chain, committee, epoch, sender and purpose
included. Whoever complains publishes eᵢ·E. Were the proof missing, E′ = E + sG with garbage would
draw a complaint that opens what somebody else sealed under E; with it, nobody seals under a key
that he does not know, and no complaint is admissible before it was checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.proofs import Knowledge, prove_knowledge, unknown
from zk.curve.bn254 import G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes

TAG_BYTES: Final = 16
_NONCE: Final = bytes(12)
_INFO: Final = b"chiaro/v1/private/committee/part-key"
_PROOF: Final = "private/committee/ephemeral"


@dataclass(frozen=True, slots=True)
class Sealed:
    """Parts for several members under one ephemeral key.

    Attributes:
        ephemeral: E.
        parts: by receiver, ascending; which member a part is for, the message says.
        knows: proof for E.

    Raises:
        DecodeError: a point that is none.
    """

    ephemeral: G1Affine
    parts: tuple[bytes, ...]
    knows: Knowledge

    def __post_init__(self) -> None:
        check_g1(self.ephemeral, what="ephemeral key")

    def body(self) -> bytes:
        """Everything but the proof."""
        writer = Writer().raw(g1_to_bytes(self.ephemeral), G1_BYTES).u8(len(self.parts))
        for part in self.parts:
            writer.blob(part)
        return writer.done()

    def to_bytes(self) -> bytes:
        return self.body() + self.knows.to_bytes()

    @staticmethod
    def read(reader: Reader, most_parts: int, most_bytes: int) -> Sealed:
        """At most so many parts of at most so many bytes."""
        ephemeral = g1_from_bytes(reader.take(G1_BYTES), what="ephemeral key")
        count = reader.count(1, most_parts, "sealed parts")
        parts = tuple(reader.blob(most_bytes, "sealed part") for _ in range(count))
        return Sealed(ephemeral, parts, Knowledge.read(reader))


def seal(
    header: bytes,
    secret: int,
    keys: Mapping[int, G1Affine],
    plain: Mapping[int, bytes],
    entropy: bytes,
) -> Sealed:
    """Seal to every member in `plain`.

    Args:
        header: hash of the rest of the message, 32 bytes.
        secret: k; never used for another header.
        keys: encryption keys, by member.
        plain: what each is sealed, by member.
        entropy: for the proof's nonce.
    """
    receivers = sorted(plain)
    ephemeral = group.base_g1([secret])[0]
    shared = group.multiples_g1([secret], [keys[m] for m in receivers])
    parts = tuple(
        _cipher(key, ephemeral, header, member).encrypt(
            _NONCE, plain[member], _associated(header, ephemeral)
        )
        for member, key in zip(receivers, shared, strict=True)
    )
    binding = binding_of(header, ephemeral, parts)
    return Sealed(ephemeral, parts, prove_knowledge(secret, _PROOF, binding, entropy))


def open_part(
    sealed: Sealed, header: bytes, place: int, member: int, shared: G1Affine
) -> bytes | None:
    """What was sealed to this member, whose part is at `place`; None where it does not open."""
    cipher = _cipher(shared, sealed.ephemeral, header, member)
    try:
        return cipher.decrypt(_NONCE, sealed.parts[place], _associated(header, sealed.ephemeral))
    except InvalidTag:
        return None


def binding_of(header: bytes, ephemeral: G1Affine, parts: Sequence[bytes]) -> bytes:
    """What the proof of knowledge is bound to: the whole message but the proof."""
    return tagged_hash("private/committee/sealed", header, g1_to_bytes(ephemeral), *parts)


def unproved(items: Sequence[tuple[bytes, Sealed]]) -> list[int]:
    """Positions of those (header, sealed) whose proof does not hold; one sum for all of them."""
    return unknown(
        [(s.ephemeral, s.knows, binding_of(h, s.ephemeral, s.parts)) for h, s in items], _PROOF
    )


def _cipher(shared: G1Affine, ephemeral: G1Affine, header: bytes, member: int) -> ChaCha20Poly1305:
    info = _INFO + g1_to_bytes(ephemeral) + header + Writer().u8(member).done()
    key = HKDF(SHA256(), 32, salt=None, info=info).derive(g1_to_bytes(shared))
    return ChaCha20Poly1305(key)


def _associated(header: bytes, ephemeral: G1Affine) -> bytes:
    return header + g1_to_bytes(ephemeral)
