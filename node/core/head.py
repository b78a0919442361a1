"""What the state remembers of the last block: by it a state root vouches for all blocks before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import Height

APPLICATION_PREFIX: Final = b"c/"
CHAIN_KEY: Final = b"c/chain"
"""Chain id: the state names its chain."""
HEAD_KEY: Final = b"c/head"
"""Height, time and hash of the last header: the state commits to the whole history."""
ZERO_HASH: Final = bytes(32)
"""In the place of a hash before block 1."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last block, as the state remembers it."""

    height: Height
    time_ms: int
    hash: bytes

    def to_bytes(self) -> bytes:
        return Writer().u64(self.height).u64(self.time_ms).raw(self.hash, 32).done()

    @staticmethod
    def from_bytes(data: bytes) -> Head:
        reader = Reader(data, "head of the chain")
        head = Head(Height(reader.u64()), reader.u64(), reader.take(32))
        reader.done()
        return head
