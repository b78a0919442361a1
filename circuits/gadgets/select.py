"""Choice between two values by a bit."""

from __future__ import annotations

from circuits.gadgets.boolean import Bit
from zk.r1cs.builder import Builder, Wire


def select(
    cs: Builder, bit: Bit, if_one: Wire | int, if_zero: Wire | int, why: str = "select"
) -> Wire:
    """`if_one` where the bit is 1, else `if_zero`: zero + b·(one − zero).

    Constrains: the result.
    Assumes:    a bit, guaranteed by its type.
    Cost:       1; 0 where both are constants or the bit is one.
    """
    one = cs.constant(if_one) if isinstance(if_one, int) else if_one
    return cs.mul(bit, one - if_zero, why) + if_zero


def swap(cs: Builder, bit: Bit, a: Wire, b: Wire, why: str = "swap") -> tuple[Wire, Wire]:
    """(b, a) where the bit is 1, else (a, b).

    Constrains: the results.
    Assumes:    a bit, guaranteed by its type.
    Cost:       1.
    """
    moved = cs.mul(bit, b - a, why)
    return a + moved, b - moved
