"""What CometBFT 0.38 signs with a vote: the canonical vote, behind its length.

    1  kind         2 a precommit
    2  height       eight bytes
    3  round        eight bytes; left out in round 0
    4  block        hash, and the parts in which it was gossiped; left out of a vote for none
    5  timestamp
    6  chain_id     CometBFT's, `mapping.engine_chain_id`

Neither who votes nor its extension is in it: extensions have a signature of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.consensus.cometbft import wire
from node.consensus.cometbft.zip215 import is_counted
from node.core.ed25519 import SIGNATURE_BYTES

HASH_BYTES: Final = 32
_I32: Final = 2**31
_U32: Final = 2**32
_I64: Final = 2**63


class VoteType(IntEnum):
    """CometBFT's numbers for the two votes of a round."""

    PREVOTE = 1
    PRECOMMIT = 2


@dataclass(frozen=True, slots=True)
class BlockId:
    """Which block, as CometBFT names one.

    Attributes:
        hash: of CometBFT's header, 32 bytes; empty in a vote for no block.
        parts: how many parts the block was gossiped in.
        parts_hash: root over them.
    """

    hash: bytes = b""
    parts: int = 0
    parts_hash: bytes = b""

    @property
    def is_none(self) -> bool:
        """Whether it names no block."""
        return not (self.hash or self.parts or self.parts_hash)

    @property
    def is_whole(self) -> bool:
        """Whether it names a block in full."""
        return (
            len(self.hash) == HASH_BYTES and self.parts > 0 and len(self.parts_hash) == HASH_BYTES
        )

    def to_proto(self) -> bytes:
        """`BlockID` and `CanonicalBlockID`, which have the same bytes."""
        parts = wire.number(1, self.parts) + wire.data(2, self.parts_hash)
        return wire.data(1, self.hash) + wire.message(2, parts)


NO_BLOCK: Final = BlockId()


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote, without its voter, and its signature.

    Attributes:
        kind: prevote or precommit.
        height: of CometBFT's block, which is ours.
        round: of the height, from 0.
        block: what for; `NO_BLOCK` for none.
        moment: nanoseconds since 1970.
        signature: 64 bytes.
    """

    kind: VoteType
    height: int
    round: int
    block: BlockId
    moment: int
    signature: bytes = b""

    @property
    def is_possible(self) -> bool:
        """Whether CometBFT takes such a vote at all: numbers in their ranges, one block or none."""
        return (
            1 <= self.height < _I64
            and 0 <= self.round < _I32
            and (self.block.is_none or (self.block.is_whole and self.block.parts < _U32))
            and wire.FIRST_MOMENT <= self.moment <= wire.LAST_MOMENT
            and len(self.signature) == SIGNATURE_BYTES
        )

    def sign_bytes(self, chain_id: str) -> bytes:
        """The bytes under the signature.

        Args:
            chain_id: CometBFT's.
        """
        block = b"" if self.block.is_none else wire.message(4, self.block.to_proto())
        return wire.delimited(
            wire.number(1, self.kind)
            + wire.fixed64(2, self.height)
            + wire.fixed64(3, self.round)
            + block
            + wire.message(5, wire.timestamp(self.moment))
            + wire.data(6, chain_id.encode())
        )

    def is_of(self, key: bytes, chain_id: str) -> bool:
        """Whether `key`, a validator's, signed exactly this on that chain, as CometBFT sees it."""
        return is_counted(key, self.sign_bytes(chain_id), self.signature)
