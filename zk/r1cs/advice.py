"""Advice that a witness tape knows: functions on integers which are also operations of the tape.

`cs.advise` takes any function of integers. One of these says besides *what* it computes, so that a
compiled program can do it (`zk.r1cs.tape`); any other stays a call back into Python there.

    Formula(f)          a polynomial, written with +, −, * over whatever it is given
    QUOTIENT            a/b, or 0 where b = 0
    INVERSE             1/a, or 0
    SQUARE_ROOT         the smaller root, or 0
    LESS                1 where a < b as integers below r, else 0
    Digits(w, k, n)     n digits of w bits each from bit k on: bits, bytes, words
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import gmpy2

from zk.errors import CircuitError
from zk.field.params import FR
from zk.field.prime import sqrt

_R: Final = gmpy2.mpz(FR.modulus)

MAX_DIGIT_BITS: Final = 32
MAX_BITS: Final = 256


@dataclass(frozen=True, slots=True)
class Formula:
    """A polynomial with integer coefficients.

    Attributes:
        polynomial: takes values that support +, − and * among themselves and with integers, and
            nothing else; gives one such value.
    """

    polynomial: Callable[..., Any]

    def __call__(self, *values: int) -> int:
        return int(self.polynomial(*values) % _R)


class Quotient:
    """A/b, or 0 where that does not exist."""

    __slots__ = ()

    def __call__(self, numerator: int, denominator: int) -> int:
        if denominator == 0:
            return 0
        return int(numerator * gmpy2.invert(denominator, _R) % _R)


class Inverse:
    """1/a, or 0 where that does not exist."""

    __slots__ = ()

    def __call__(self, value: int) -> int:
        return int(gmpy2.invert(value, _R)) if value else 0


class SquareRoot:
    """The smaller of the two roots, or 0 where there is none."""

    __slots__ = ()

    def __call__(self, value: int) -> int:
        return sqrt(value, FR) or 0


class Less:
    """1 where the first is the smaller integer, else 0."""

    __slots__ = ()

    def __call__(self, a: int, b: int) -> int:
        return int(a < b)


@dataclass(frozen=True, slots=True)
class Digits:
    """Digits of a value to a base 2^width, lowest first.

    Attributes:
        width: bits of a digit, 1 … 32.
        first: number of the first bit read.
        count: how many digits; bits from 256 on are not read.

    Raises:
        CircuitError: outside these bounds.
    """

    width: int
    first: int
    count: int

    def __post_init__(self) -> None:
        end = self.first + self.width * self.count
        if not (1 <= self.width <= MAX_DIGIT_BITS and self.count >= 0):
            raise CircuitError(f"digits take 1 to {MAX_DIGIT_BITS} bits each")
        if not 0 <= self.first < MAX_BITS:
            raise CircuitError(f"a value has {MAX_BITS} bits")
        if end > MAX_BITS:
            raise CircuitError(f"digits reach to bit {end}, and a value has {MAX_BITS}")

    def __call__(self, value: int) -> tuple[int, ...]:
        mask = (1 << self.width) - 1
        start, step = self.first, self.width
        return tuple(value >> (start + step * i) & mask for i in range(self.count))


QUOTIENT: Final = Quotient()
INVERSE: Final = Inverse()
SQUARE_ROOT: Final = SquareRoot()
LESS: Final = Less()
SAME: Final = Formula(lambda value: value)
"""The value itself: a wire of its own for a combination."""


@dataclass(frozen=True, slots=True)
class Single:
    """A function of one result where a sequence is expected; `Builder.advise` makes it."""

    function: Callable[..., int]

    def __call__(self, *values: int) -> tuple[int]:
        return (self.function(*values),)
