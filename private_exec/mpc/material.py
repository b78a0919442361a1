"""What is prepared before a computation: triples a·b = c, and random bits.  Rule PV-19 (P2-3).

A session prepares what its program asks for, under labels that cover the session. There is no pool:
what one gate takes is given by its place in the program, and what was taken is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from private_exec.mpc import vectors
from private_exec.mpc.certificate import Certificate
from private_exec.mpc.errors import MaterialRefused
from zk.field.arrays import U64Array


@dataclass(frozen=True, slots=True)
class Request:
    """How much a program takes.

    Attributes:
        triples: multiplications.
        bits: random bits.
    """

    triples: int
    bits: int

    def __post_init__(self) -> None:
        if self.triples < 0 or self.bits < 0:
            raise MaterialRefused("PV-19", "less than nothing is asked for", where="request")


@dataclass(frozen=True, slots=True)
class Triples:
    """Shares of a, b and c = a·b, `[m, 4]` each; prints none."""

    a: U64Array = field(repr=False)
    b: U64Array = field(repr=False)
    c: U64Array = field(repr=False)


@dataclass
class Material:
    """Triples and bits of one session, taken in the program's order.

    Attributes:
        certificates: PV-16: what accepted each batch.
    """

    triples: Triples = field(repr=False)
    bits: U64Array = field(repr=False)
    certificates: tuple[Certificate, ...]
    _triples: int = 0
    _bits: int = 0

    def take_triples(self, count: int) -> Triples:
        """The next `count` triples.

        Raises:
            MaterialRefused: PV-19, the program asks for more than it said.
        """
        start, self._triples = self._triples, self._triples + count
        if self._triples > len(self.triples.a):
            raise MaterialRefused(
                "PV-19", f"{self._triples} triples, {len(self.triples.a)} were prepared"
            )
        part = slice(start, self._triples)
        return Triples(self.triples.a[part], self.triples.b[part], self.triples.c[part])

    def take_bits(self, count: int) -> U64Array:
        """The next `count` bits.

        Raises:
            MaterialRefused: PV-19, the program asks for more than it said.
        """
        start, self._bits = self._bits, self._bits + count
        if self._bits > len(self.bits):
            raise MaterialRefused("PV-19", f"{self._bits} bits, {len(self.bits)} were prepared")
        return self.bits[start : self._bits]


def joined(parts: list[Material]) -> Material:
    """Batches of one session as one; what was taken from them does not count."""
    triples = Triples(
        *(
            np.concatenate([vectors.zeros(0), *(getattr(p.triples, name) for p in parts)])
            for name in ("a", "b", "c")
        )
    )
    bits = np.concatenate([vectors.zeros(0), *(p.bits for p in parts)])
    return Material(triples, bits, tuple(c for p in parts for c in p.certificates))
