"""Division of shared integers by public ones, rounded down.  Rule PV-21.

⌊x/d⌋ for x < 2ᴸ is ⌊x·M/2ᵏ⌋ with k = L + ⌈log₂ d⌉ and M = ⌈2ᵏ/d⌉, exactly: M·d exceeds 2ᵏ by less
than 2^⌈log₂ d⌉, so x·M/2ᵏ exceeds x/d by less than 1/d (Granlund and Montgomery, 1994). x·M costs
nothing, and a division by 2ᵏ is a remainder taken away (`compare`).
"""

from __future__ import annotations

from private_exec.mpc import vectors
from private_exec.mpc.compare import modulo_power
from private_exec.mpc.errors import RangeRefused
from private_exec.mpc.machine import Machine
from private_exec.mpc.rounds import Rounds
from private_exec.mpc.vectors import R
from zk.field.arrays import U64Array


def shift_right(machine: Machine, x: U64Array, places: int, bits: int) -> Rounds[U64Array]:
    """⌊x/2^places⌋ for x < 2^bits: towards 0, nothing is rounded to the nearest.

    Raises:
        RangeRefused: PV-20, the value and its mask do not fit; PV-21, a negative shift.
    """
    if places < 0:
        raise RangeRefused("PV-21", "a shift by less than nothing")
    if places >= bits:
        return vectors.zeros(len(x))
    rest = yield from modulo_power(machine, x, places, bits)
    return vectors.scale(vectors.sub(x, rest), pow(1 << places, -1, R))


def divide(machine: Machine, x: U64Array, divisor: int, bits: int) -> Rounds[U64Array]:
    """⌊x/divisor⌋ for x < 2^bits. A fixed-point product is divided by its scale in the same way.

    Raises:
        RangeRefused: PV-21, a divisor below 1; PV-20, 2·bits + 1 bits and their mask do not fit.
    """
    if divisor < 1:
        raise RangeRefused("PV-21", "divisors are public and at least 1")
    places = (divisor - 1).bit_length()
    if divisor == 1 << places:
        return (yield from shift_right(machine, x, places, bits))
    if divisor >> bits:
        return vectors.zeros(len(x))
    total = bits + places
    reciprocal = -(-(1 << total) // divisor)
    product = vectors.scale(x, reciprocal)
    return (yield from shift_right(machine, product, total, 2 * bits + 1))
