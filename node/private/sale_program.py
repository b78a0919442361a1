"""Programs whose results the chain settles: which there are, and at which sizes.

    1 auction    bidders                reads bids, reserve                     makes winner, price
    2 batch      orders, ticks          reads sides, limits, quantities         makes tick, fills

How many cells a program reads and makes is counted here, so that nothing has to be traced to read
a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from node.core.codec import Reader, Writer
from node.private.errors import PrivateRefused
from private_exec.programs.auction import auction
from private_exec.programs.darkpool import darkpool
from private_exec.programs.program import Program
from private_exec.provable.transition import name_at, name_of


class Market(IntEnum):
    """What is sold how."""

    AUCTION = 1
    BATCH = 2

    @property
    def label(self) -> str:
        return self.name.lower()

    @property
    def plural(self) -> str:
        """Of several."""
        return "auctions" if self is Market.AUCTION else "batches"


_SIZES: Final = {
    Market.AUCTION: (("bidders", 2, 32),),
    Market.BATCH: (("orders", 2, 16), ("ticks", 2, 16)),
}
"""Name, least and most of each size, places first."""
_PROGRAMS: Final = {Market.AUCTION: auction, Market.BATCH: darkpool}


@dataclass(frozen=True, slots=True)
class SaleProgram:
    """A program at its sizes.

    Attributes:
        market: which.
        sizes: places, and what else it has, in order.
    """

    market: Market
    sizes: tuple[int, ...]

    @property
    def places(self) -> int:
        """For bids, or orders."""
        return self.sizes[0]

    @property
    def reads(self) -> int:
        """Cells that a session reads."""
        return self.places + 1 if self.market is Market.AUCTION else 3 * self.places

    @property
    def makes(self) -> int:
        """Cells that a session makes."""
        return 2 if self.market is Market.AUCTION else 1 + self.places

    @property
    def traced(self) -> Program:
        """What the committee computes."""
        return _traced(self)

    @property
    def statement(self) -> str:
        """Name of the statement under which genesis has its key."""
        return name_of(self.traced)

    def statement_at(self, digest: bytes) -> str:
        """Name of the statement of a program that has this digest; nothing is traced."""
        return name_at(_PROGRAMS[self.market].declaration, digest)

    def check(self, rule: str) -> None:
        """Of sizes that there are. Raises PrivateRefused: that rule."""
        for (name, least, most), size in zip(_SIZES[self.market], self.sizes, strict=True):
            if not least <= size <= most:
                raise PrivateRefused(
                    rule, f"{self.market.plural} have {least} to {most} {name}", where=name
                )

    def write(self, writer: Writer) -> None:
        writer.u8(self.market)
        for size in self.sizes:
            writer.u8(size)

    @staticmethod
    def read(reader: Reader) -> SaleProgram:
        """Raises DecodeError, or PrivateRefused: PV-178, there is no such program."""
        value = reader.u8()
        if value not in Market.__members__.values():
            raise PrivateRefused("PV-178", f"no program {value} is run for sales", where="program")
        market = Market(value)
        found = SaleProgram(market, tuple(reader.u8() for _ in _SIZES[market]))
        found.check("PV-178")
        return found


@lru_cache(maxsize=512)
def _traced(of: SaleProgram) -> Program:
    names = (name for name, _, _ in _SIZES[of.market])
    sizes = dict(zip(names, of.sizes, strict=True))
    return _PROGRAMS[of.market].at(**sizes)
