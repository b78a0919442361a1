"""What a seller offers: the terms of a sealed-bid auction, fixed before anybody bids.

    block of the sale … close       bids
    … accept                        members complain about inputs, or accept them
    accept + 1 … prove              calls, and the result of one of them
    after a result                  its outputs, opened at any time; then the settlement

Each name is that of the last height of its step. Where no result came by `prove`, or no
reserve was accepted by `accept`, the sale has failed, and everything goes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, AccountId, Kind
from private_exec.programs.auction import auction
from private_exec.programs.program import Program
from private_exec.provable.transition import name_of

MIN_BIDDERS: Final = 2
MAX_BIDDERS: Final = 32
LIMIT: Final = 2**32 - 1
"""The highest bid, and the highest reserve, that the program takes."""
OUTPUTS: Final = 2
"""Of the program: winner and price, both public."""


class SalePhase(IntEnum):
    """Where a sale stands in a block of some height, as far as heights say it."""

    BIDDING = 1
    ACCEPTING = 2
    COMPUTING = 3
    OVER = 4

    @property
    def label(self) -> str:
        return self.name.lower()


@lru_cache(maxsize=MAX_BIDDERS)
def program_of(bidders: int) -> Program:
    """What the committee of a sale with so many places computes."""
    return auction.at(bidders=bidders)


@lru_cache(maxsize=MAX_BIDDERS)
def statement_of(bidders: int) -> str:
    """Name of its statement, under which genesis has the key."""
    return name_of(program_of(bidders))


@dataclass(frozen=True, slots=True)
class SaleTerms:
    """See the module.

    Attributes:
        committee: id of its declaration, 32 bytes.
        epoch: whose keys the inputs are sealed to.
        kind: in which it is paid.
        item: digest of what is sold, 32 bytes; what it is, seller and bidders know.
        seller: transparent account that gets the price.
        bidders: places of the program; those that nobody takes bid 0.
        close, accept, prove: last heights of the three steps.
    """

    committee: bytes
    epoch: int
    kind: Kind
    item: bytes
    seller: AccountId
    bidders: int
    close: int
    accept: int
    prove: int

    def phase(self, height: int) -> SalePhase:
        """In a block of this height."""
        for phase, last in zip(SalePhase, (self.close, self.accept, self.prove), strict=False):
            if height <= last:
                return phase
        return SalePhase.OVER

    def write(self, writer: Writer) -> None:
        writer.raw(self.committee, ID_BYTES).u64(self.epoch).raw(self.kind.to_bytes(), 64)
        writer.raw(self.item, ID_BYTES).raw(self.seller, ID_BYTES).u8(self.bidders)
        writer.u64(self.close).u64(self.accept).u64(self.prove)

    @staticmethod
    def read(reader: Reader) -> SaleTerms:
        """Strict. Raises DecodeError."""
        committee, epoch, kind = reader.take(ID_BYTES), reader.u64(), Kind.read(reader)
        item, seller = reader.take(ID_BYTES), AccountId(reader.take(ID_BYTES))
        bidders = reader.u8()
        return SaleTerms(
            committee, epoch, kind, item, seller, bidders, reader.u64(), reader.u64(), reader.u64()
        )
