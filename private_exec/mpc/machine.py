"""What arithmetic on shares is written against: opening, and taking what was prepared.

`Live` is a member in a session. `Dry` runs the same code without shares or members, and counts:
what a program does must not depend on values (PV-22), so the count is what every run costs, and the
request that preparation serves (PV-19).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from private_exec.mpc import prss, vectors
from private_exec.mpc.context import Context, Tally
from private_exec.mpc.labels import Draw, GateLabel
from private_exec.mpc.material import Material, Triples
from private_exec.mpc.message import OVERHEAD
from private_exec.mpc.opening import open_shares
from private_exec.mpc.rounds import Rounds
from private_exec.mpc.shamir import Size
from zk.field.arrays import BYTES, U64Array


class Machine(Protocol):
    """One member's side of arithmetic on shares. Shares are `[m, 4]`, of degree t."""

    @property
    def size(self) -> Size:
        """Of the committee."""
        ...

    def open(self, shares: U64Array) -> Rounds[U64Array]:
        """The values; one round, none for no values."""
        ...

    def triples(self, count: int) -> Triples:
        """The next that were prepared."""
        ...

    def bits(self, count: int) -> U64Array:
        """Shares of the next random bits."""
        ...

    def masks(self, count: int, bits: int) -> U64Array:
        """Shares of random integers: no less than 2^bits possible ones, below C(n, t)·2^bits."""
        ...


@dataclass
class Live:
    """A member that computes.

    Attributes:
        context: the member's.
        material: prepared in the same session.
    """

    context: Context
    material: Material
    _masks: int = 0

    @property
    def size(self) -> Size:
        return self.context.session.size

    def open(self, shares: U64Array) -> Rounds[U64Array]:
        return open_shares(self.context, shares)

    def triples(self, count: int) -> Triples:
        self.context.tally.triples += count
        return self.material.take_triples(count)

    def bits(self, count: int) -> U64Array:
        self.context.tally.bits += count
        return self.material.take_bits(count)

    def masks(self, count: int, bits: int) -> U64Array:
        label = GateLabel(self.context.session.sid, self._masks, Draw.MASK)
        self._masks += 1
        self.context.once(label)
        return prss.bounded(self.context.keys, label, count, bits)


@dataclass
class Dry:
    """Nobody: every value is 0, and what a member would spend is counted.

    Attributes:
        size: of the committee.
        tally: what it came to.
    """

    size: Size
    tally: Tally = field(default_factory=Tally)

    def open(self, shares: U64Array) -> Rounds[U64Array]:
        yield from ()
        if len(shares):
            self.tally.rounds += 1
            self.tally.bytes += BYTES * len(shares) + OVERHEAD
        return vectors.zeros(len(shares))

    def triples(self, count: int) -> Triples:
        self.tally.triples += count
        none = vectors.zeros(count)
        return Triples(none, none, none)

    def bits(self, count: int) -> U64Array:
        self.tally.bits += count
        return vectors.zeros(count)

    def masks(self, count: int, bits: int) -> U64Array:  # noqa: ARG002
        return vectors.zeros(count)
