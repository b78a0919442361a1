"""Comparisons: with zero, of two values, of two bounded integers.

In `is_zero` the advised inverse is free where x = 0: one of the few wires that a single-wire review
reports as free, and the reason is here. Nothing else reads it.
"""

from __future__ import annotations

from typing import Final

from circuits.gadgets.bits import to_bits
from circuits.gadgets.boolean import SEAL, Bit, not_
from zk.r1cs import advice
from zk.r1cs.builder import Builder, Wire

INVERSE: Final = "inverse or 0"
"""Name of the advised wire of `is_zero` and `enforce_nonzero`."""


def is_nonzero(cs: Builder, x: Wire, name: str = "is nonzero") -> Bit:
    """1 where x ≠ 0, else 0.

    x·inv = z and x·(1 − z) = 0: where x = 0 the first gives z = 0; elsewhere the second z = 1.

    Constrains: the result, which is therefore a bit.
    Assumes:    nothing.
    Cost:       2.
    """
    with cs.scope(name):
        inverse = cs.advise(advice.INVERSE, x, name=INVERSE)
        z = cs.mul(x, inverse, "x times inverse")
        cs.enforce(x, 1 - z, 0, "zero or flagged")
        return Bit(z, SEAL)


def is_zero(cs: Builder, x: Wire, name: str = "is zero") -> Bit:
    """1 where x = 0, else 0. Constrains, assumes and costs what `is_nonzero` does."""
    return not_(is_nonzero(cs, x, name))


def is_equal(cs: Builder, a: Wire, b: Wire, name: str = "is equal") -> Bit:
    """1 where a = b, else 0. Constrains, assumes and costs what `is_nonzero` does."""
    return is_zero(cs, a - b, name)


def enforce_nonzero(cs: Builder, x: Wire, why: str) -> None:
    """That x ≠ 0: it has an inverse.

    Constrains: x.
    Assumes:    nothing.
    Cost:       1.
    """
    cs.enforce(x, cs.advise(advice.INVERSE, x, name=INVERSE), 1, why)


def less_than(cs: Builder, a: Wire, b: Wire, n: int, name: str = "less than") -> Bit:
    """1 where a < b, else 0: the top bit of a − b + 2ⁿ says whether a ≥ b.

    Constrains: the result.
    Assumes:    a and b in [0, 2ⁿ), enforced by the caller; n ≤ 252.
    Cost:       n + 1.

    Raises:
        CircuitError: n outside 1 … 252.
    """
    with cs.scope(name):
        return not_(to_bits(cs, a - b + (1 << n), n + 1)[n])
