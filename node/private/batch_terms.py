"""What a batch of orders is: two kinds, a ladder of prices, places, deadlines.

    price of tick k     low + k·step        base units of the quote for one lot of the base
    a seller locks      lot·quantity        base units of the base
    a buyer locks       top·quantity        base units of the quote; top is the last price

So what an order locks is a public multiple of its quantity, and says nothing of its limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, Kind
from node.private.sale_program import Market, SaleProgram
from node.private.sale_terms import Side, Terms

MAX_UNIT: Final = 2**32
"""Of a lot, and of the last price: as many quantities are below 2⁶⁴."""


@dataclass(frozen=True, slots=True)
class Clearing:
    """What a batch came to, once it is opened.

    Attributes:
        tick: of the price; the number of ticks: nothing is traded.
    """

    tick: int

    def write(self, writer: Writer) -> None:
        writer.u8(self.tick)

    @staticmethod
    def read(reader: Reader) -> Clearing:
        return Clearing(reader.u8())


@dataclass(frozen=True, slots=True)
class BatchTerms(Terms):
    """See the module.

    Attributes:
        committee, epoch: whose keys the inputs are sealed to.
        base, quote: what is traded, and for what.
        lot: base units of the base that a quantity of one is.
        low, step: first price, and from each price to the next.
        orders: places of the program; those that nobody takes trade nothing.
        ticks: prices.
        close, accept, prove: last heights of the three steps.
    """

    committee: bytes
    epoch: int
    base: Kind
    quote: Kind
    lot: int
    low: int
    step: int
    orders: int
    ticks: int
    close: int
    accept: int
    prove: int

    @property
    def program(self) -> SaleProgram:
        return SaleProgram(Market.BATCH, (self.orders, self.ticks))

    @property
    def top(self) -> int:
        """The last price."""
        return self.price(self.ticks - 1)

    def price(self, tick: int) -> int:
        """Of one lot, at a tick."""
        return self.low + tick * self.step

    def unit(self, side: Side) -> int:
        """What an order of a quantity of one locks, in base units."""
        return self.top if side is Side.BUY else self.lot

    def locks(self, side: Side) -> Kind:
        """In which kind."""
        return self.quote if side is Side.BUY else self.base

    def gets(self, side: Side) -> Kind:
        """In which kind it is filled."""
        return self.base if side is Side.BUY else self.quote

    def side(self, kind: Kind) -> Side | None:
        """Of an order that locks this kind; None: none does."""
        return {self.base: Side.SELL, self.quote: Side.BUY}.get(kind)

    def write(self, writer: Writer) -> None:
        writer.raw(self.committee, ID_BYTES).u64(self.epoch)
        writer.raw(self.base.to_bytes(), 64).raw(self.quote.to_bytes(), 64)
        writer.u64(self.lot).u64(self.low).u64(self.step).u8(self.orders).u8(self.ticks)
        writer.u64(self.close).u64(self.accept).u64(self.prove)

    @staticmethod
    def read(reader: Reader) -> BatchTerms:
        """Strict. Raises DecodeError."""
        committee, epoch = reader.take(ID_BYTES), reader.u64()
        kinds = Kind.read(reader), Kind.read(reader)
        lot, low, step = reader.u64(), reader.u64(), reader.u64()
        sizes = reader.u8(), reader.u8()
        deadlines = reader.u64(), reader.u64(), reader.u64()
        return BatchTerms(committee, epoch, *kinds, lot, low, step, *sizes, *deadlines)
