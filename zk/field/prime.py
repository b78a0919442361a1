"""Prime fields: square roots on integers, and elements with operators for the reference code.

An element holds a GMP integer in [0, p). Elements are immutable by convention: plain slots instead
of a frozen dataclass, because a multiplication takes less time than a frozen constructor. Nothing
here is constant-time.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar, Final, Self

import gmpy2

from zk.errors import NonCanonical
from zk.field.params import PrimeFieldParams

_mpz: Final = gmpy2.mpz


def is_square(x: int, field: PrimeFieldParams) -> bool:
    """Whether x is a square modulo the prime; 0 is one."""
    return int(gmpy2.legendre(x, field.modulus)) != -1


def sqrt(x: int, field: PrimeFieldParams) -> int | None:
    """The smaller square root of x modulo the prime, or None where there is none.

    Exponentiation by (p + 1)/4 where p ≡ 3 (mod 4), else Tonelli–Shanks (Cohen, *A Course in
    Computational Algebraic Number Theory*, algorithm 1.5.1): about s²/4 products for 2-adicity s.
    """
    p = _mpz(field.modulus)
    x = _mpz(x) % p
    if gmpy2.legendre(x, p) == -1:
        return None
    simple = field.two_adicity == 1
    root = gmpy2.powmod(x, (p + 1) >> 2, p) if simple else _tonelli_shanks(x, field)
    return int(min(root, p - root) if root else root)


def _tonelli_shanks(x: Any, field: PrimeFieldParams) -> Any:
    """A root of the square x.

    Invariant: root² = x·residue, and the residue's order divides 2^(order − 1).
    """
    p = _mpz(field.modulus)
    odd = (p - 1) >> field.two_adicity
    start = gmpy2.powmod(x, odd >> 1, p)
    root = start * x % p
    residue = root * start % p
    step, order = _root_of_unity(field), field.two_adicity
    while residue > 1:
        least, power = 0, residue
        while power != 1:
            power = power * power % p
            least += 1
        for _ in range(order - least - 1):
            step = step * step % p
        root = root * step % p
        step = step * step % p
        residue = residue * step % p
        order = least
    return root


@functools.cache
def _root_of_unity(field: PrimeFieldParams) -> Any:
    return _mpz(field.root_of_unity)


class PrimeElement:
    """An element of the prime field named by the subclass's `params`.

    `Fr(3) * x` mixes elements of one field and plain integers; the latter are reduced. The
    constructor refuses what is not in [0, p), so that a second encoding cannot slip in; use
    `reduce` where wrapping is meant.

    Raises:
        NonCanonical: from the constructor, for an integer outside [0, p).
    """

    __slots__ = ("value",)

    params: ClassVar[PrimeFieldParams]
    _p: ClassVar[Any]

    value: Any

    def __init_subclass__(cls) -> None:
        cls._p = _mpz(cls.params.modulus)

    def __init__(self, value: int) -> None:
        if not 0 <= value < self._p:
            raise NonCanonical(f"a value is not below the modulus of {self.params.name}")
        self.value = _mpz(value)

    @classmethod
    def _make(cls, value: Any) -> Self:
        element = object.__new__(cls)
        element.value = value
        return element

    @classmethod
    def reduce(cls, value: int) -> Self:
        """The element congruent to any integer."""
        return cls._make(_mpz(value) % cls._p)

    @classmethod
    def zero(cls) -> Self:
        return cls._make(_mpz(0))

    @classmethod
    def one(cls) -> Self:
        return cls._make(_mpz(1))

    def __int__(self) -> int:
        return int(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int):
            return bool(self.value == other % self._p)
        return type(other) is type(self) and bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash((self.params.name, int(self.value)))

    def __repr__(self) -> str:
        return f"{self.params.name}({int(self.value)})"

    def __add__(self, other: Self | int) -> Self:
        return self._make((self.value + self._operand(other)) % self._p)

    def __sub__(self, other: Self | int) -> Self:
        return self._make((self.value - self._operand(other)) % self._p)

    def __rsub__(self, other: int) -> Self:
        return self._make((other - self.value) % self._p)

    def __mul__(self, other: Self | int) -> Self:
        return self._make(self.value * self._operand(other) % self._p)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Self:
        return self._make(-self.value % self._p)

    def __truediv__(self, other: Self | int) -> Self:
        """Raises ZeroDivisionError for a divisor of 0."""
        return self._make(self.value * gmpy2.invert(self._operand(other), self._p) % self._p)

    def __rtruediv__(self, other: int) -> Self:
        return self.inverse() * other

    def __pow__(self, exponent: int) -> Self:
        """A negative exponent takes the inverse (ZeroDivisionError at 0)."""
        return self._make(gmpy2.powmod(self.value, exponent, self._p))

    def square(self) -> Self:
        return self._make(self.value * self.value % self._p)

    def inverse(self) -> Self:
        """1/self. Raises ZeroDivisionError at 0."""
        return self._make(gmpy2.invert(self.value, self._p))

    def is_square(self) -> bool:
        return is_square(self.value, self.params)

    def sqrt(self) -> Self | None:
        """The smaller of the two roots, or None."""
        root = sqrt(self.value, self.params)
        return None if root is None else self._make(_mpz(root))

    def _operand(self, other: Self | int) -> Any:
        if type(other) is type(self):
            return other.value
        if isinstance(other, int):
            return other
        raise TypeError(f"{self.params.name} does not mix with {type(other).__name__}")
