"""What programs are written with: choices and tables in place of `if` and `[…]`.

Each gives bounds that are sharper than its arithmetic alone would: who writes `select` knows that
the result is one of two values, whatever a + bit·(b − a) could be for other bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from private_exec.programs.errors import ProgramRefused
from private_exec.programs.trace import Secret


def select(bit: Secret, chosen: Secret | int, otherwise: Secret | int) -> Secret:
    """`chosen` where the bit is 1, else `otherwise`: one multiplication, none for public values.

    Raises:
        ProgramRefused: PV-85, the first value is no bit.
    """
    _check_bit(bit)
    a, b = bit.lift(chosen), bit.lift(otherwise)
    return (b + bit * (a - b)).within(min(a.low, b.low), max(a.high, b.high))


def exchange(bit: Secret, a: Secret, b: Secret) -> tuple[Secret, Secret]:
    """(a, b) where the bit is 1, else (b, a): one multiplication for both.

    Raises:
        ProgramRefused: PV-85, the first value is no bit.
    """
    first = select(bit, a, b)
    return first, (a + b - first).within(min(a.low, b.low), max(a.high, b.high))


def minimum(a: Secret, b: Secret | int) -> Secret:
    """The smaller: one comparison, one multiplication."""
    other = a.lift(b)
    smaller = select(a < other, a, other)
    return smaller.within(min(a.low, other.low), min(a.high, other.high))


def maximum(a: Secret, b: Secret | int) -> Secret:
    """The larger: one comparison, one multiplication."""
    other = a.lift(b)
    larger = select(a < other, other, a)
    return larger.within(max(a.low, other.low), max(a.high, other.high))


def total(values: Sequence[Secret]) -> Secret:
    """The sum of one or more values: free."""
    return values[0].plus(values[1:])


@dataclass(frozen=True, slots=True)
class OneHot:
    """A position nobody knows: bits of which exactly one is 1, by construction.

    Attributes:
        bits: one per position.
    """

    bits: tuple[Secret, ...]

    def pick(self, values: Sequence[Secret]) -> Secret:
        """The value at the position: a multiplication each.

        Raises:
            ProgramRefused: PV-85, not one value per position.
        """
        if len(values) != len(self.bits):
            text = f"a choice of {len(self.bits)} takes as many values, not {len(values)}"
            raise ProgramRefused("PV-85", text)
        picked = total([bit * value for bit, value in zip(self.bits, values, strict=True)])
        return picked.within(min(v.low for v in values), max(v.high for v in values))

    def spread(self, value: Secret) -> tuple[Secret, ...]:
        """A row of zeros with the value at the position: a multiplication each."""
        return tuple(bit * value for bit in self.bits)


def one_hot(position: Secret, count: int) -> OneHot:
    """A number in [0, count) as a position: its bits, and less than 2·count multiplications.

    Raises:
        ProgramRefused: PV-85, the number can be negative, or `count` and more.
    """
    if position.low < 0 or position.high >= count:
        text = f"a number between {position.low} and {position.high} is no position of {count}"
        raise ProgramRefused("PV-85", text)
    places = [position.lift(1)]
    for bit in reversed(position.bits()):
        places = [part for place in places for part in _halves(place, bit)]
    return OneHot(tuple(places[:count]) + (position.lift(0),) * (count - len(places)))


def _halves(place: Secret, bit: Secret) -> tuple[Secret, Secret]:
    upper = place * bit
    return (place - upper).within(0, 1), upper


def _check_bit(value: Secret) -> None:
    if value.low < 0 or value.high > 1:
        raise ProgramRefused("PV-85", f"a choice takes a bit, not {value!r}")
