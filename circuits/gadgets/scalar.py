"""[n]P for a number given by bits and a point that is a wire, by doubling and adding, completely.

The complete law has no exception, so nothing is assumed of the point but that it lies on the curve:
not its order, and no relation to a start of a chain (S-17). A bit costs 13 rows where a Montgomery
ladder costs some 8; for 64 bits that is 300 rows for an argument less.
"""

from __future__ import annotations

from collections.abc import Sequence

from circuits.gadgets.babyjub import EdwardsPoint, add, double
from circuits.gadgets.boolean import Bit
from circuits.gadgets.select import select
from zk.errors import CircuitError
from zk.r1cs.builder import Builder


def multiply(cs: Builder, bits: Sequence[Bit], point: EdwardsPoint, name: str) -> EdwardsPoint:
    """[Σ 2^i·bᵢ]·point, bits lowest first.

    Constrains: the result.
    Assumes:    the point on the curve.
    Cost:       13·(bits − 1) + 2.

    Raises:
        CircuitError: no bits.
    """
    if not bits:
        raise CircuitError("a number has at least one bit", where=cs.path(name))
    with cs.scope(name):
        *lower, highest = bits
        total = _times_bit(cs, highest, point)
        for index in reversed(range(len(lower))):
            with cs.scope(f"bit {index}"):
                total = add(cs, double(cs, total), _times_bit(cs, lower[index], point))
        return total


def _times_bit(cs: Builder, bit: Bit, point: EdwardsPoint) -> EdwardsPoint:
    """The point where the bit is 1, else the identity (0, 1). Cost: 2."""
    return EdwardsPoint(
        select(cs, bit, point.x, 0, "x or 0"), select(cs, bit, point.y, 1, "y or 1")
    )
