"""Who may close a pool, and which chain a chain continues: the parts of genesis for emergencies.

Guardians are Ed25519 keys. A majority of them signs *orders* (`node.execution.orders`), which open,
narrow or close a pool. They hold no power over accounts, notes, blocks or genesis.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import is_proper
from node.core.ids import ID_BYTES, ChainId, Height, tagged_hash
from zk.errors import DecodeError, NonCanonical

MAX_GUARDIANS: Final = 64


def check_guardians(guardians: Sequence[bytes], threshold: int) -> None:
    """CH-28: sorted, unique, proper keys; a threshold of 0 without any, else of a majority.

    Raises:
        NonCanonical: not sorted, or a key twice.
        DecodeError: anything else.
    """
    if len(guardians) > MAX_GUARDIANS:
        raise DecodeError(f"CH-28: {len(guardians)} guardians, at most {MAX_GUARDIANS}")
    if any(not a < b for a, b in itertools.pairwise(guardians)):
        raise NonCanonical("CH-28: guardians are not sorted and unique", where="genesis")
    if not all(is_proper(key) for key in guardians):
        raise DecodeError(
            "CH-28: a guardian is no proper Ed25519 key",
            where="guardians",
            why="under a key of small order one signature fits many orders",
        )
    least, most = (len(guardians) // 2 + 1, len(guardians)) if guardians else (0, 0)
    if not least <= threshold <= most:
        raise DecodeError(
            f"CH-28: a threshold of {threshold} for {len(guardians)} guardians",
            where="guardian_threshold",
            why="two halves of the guardians could order opposite things",
            fix=f"use {least}" if least == most else f"use {least} to {most}",
        )


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The chain that this one continues, and where it left off.

    Attributes:
        chain_id: of that chain.
        height: last block whose balances this chain begins with.
        block_hash: hash of that block's header.
    """

    chain_id: ChainId
    height: Height
    block_hash: bytes

    def __post_init__(self) -> None:
        """CH-29: whole, and of a block: genesis is height 0 and has no header."""
        if len(self.chain_id) != ID_BYTES or len(self.block_hash) != ID_BYTES:
            raise DecodeError("CH-29: an id or hash is not 32 bytes", where="predecessor")
        if not 1 <= self.height < 2**63:
            raise DecodeError(f"CH-29: height {self.height} names no block", where="predecessor")

    def write(self, writer: Writer) -> None:
        writer.raw(self.chain_id, ID_BYTES).u64(self.height).raw(self.block_hash, ID_BYTES)

    @staticmethod
    def read(reader: Reader) -> Predecessor:
        return Predecessor(
            ChainId(reader.take(ID_BYTES)), Height(reader.u64()), reader.take(ID_BYTES)
        )


DEV_GUARDIAN_SEED: Final = tagged_hash("dev/guardian")
"""UNSAFE, published: the Ed25519 seed of a development chain's only guardian."""


def dev_guardian() -> bytes:
    """The public key that `DEV_GUARDIAN_SEED` opens."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(DEV_GUARDIAN_SEED).public_key().public_bytes_raw()
