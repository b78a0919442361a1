"""What a sale is to be: its terms, fixed before anybody bids; of an auction, what a seller offers.

    block of the sale … close       bids, or orders
    … accept                        members complain about inputs, or accept them
    accept + 1 … prove              calls, and the result of one of them
    after a result                  its outputs, opened at any time; then the settlement

Each name is that of the last height of its step. Where no result came by `prove`, or no
reserve was accepted by `accept`, the sale has failed, and everything goes back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, AccountId, Kind
from node.private.sale_program import Market, SaleProgram
from private_exec.programs.program import Program

LIMIT: Final = 2**32 - 1
"""The highest bid, reserve, and quantity, that the programs take."""


class SalePhase(IntEnum):
    """Where a sale stands in a block of some height, as far as heights say it."""

    BIDDING = 1
    ACCEPTING = 2
    COMPUTING = 3
    OVER = 4

    @property
    def label(self) -> str:
        return self.name.lower()


class Side(IntEnum):
    """Of what enters a sale; its number is what the batch program reads."""

    SELL = 0
    BUY = 1

    @property
    def label(self) -> str:
        return self.name.lower()


class Terms(ABC):
    """What all sales have.

    Attributes:
        committee: id of its declaration, 32 bytes.
        epoch: whose keys the inputs are sealed to.
        close, accept, prove: last heights of the three steps.
    """

    committee: bytes
    epoch: int
    close: int
    accept: int
    prove: int

    @property
    @abstractmethod
    def program(self) -> SaleProgram:
        """What its committee computes."""

    @abstractmethod
    def locks(self, side: Side) -> Kind:
        """In which kind somebody of this side locks what it can cost."""

    @abstractmethod
    def write(self, writer: Writer) -> None:
        """All of it."""

    @property
    def deadlines(self) -> tuple[int, int, int]:
        """In order."""
        return self.close, self.accept, self.prove

    def phase(self, height: int) -> SalePhase:
        """In a block of this height."""
        for phase, last in zip(SalePhase, self.deadlines, strict=False):
            if height <= last:
                return phase
        return SalePhase.OVER


def program_of(bidders: int) -> Program:
    """What the committee of an auction with so many places computes."""
    return SaleProgram(Market.AUCTION, (bidders,)).traced


def statement_of(bidders: int) -> str:
    """Name of its statement, under which genesis has the key."""
    return SaleProgram(Market.AUCTION, (bidders,)).statement


@dataclass(frozen=True, slots=True)
class SaleTerms(Terms):
    """Of an auction.

    Attributes:
        committee, epoch: whose keys the inputs are sealed to.
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

    @property
    def program(self) -> SaleProgram:
        return SaleProgram(Market.AUCTION, (self.bidders,))

    def locks(self, side: Side) -> Kind:  # noqa: ARG002 - all are bidders
        return self.kind

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
