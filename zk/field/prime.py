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

    Exponentiation by (p + 1)/4 where p ≡ 3 (mod 4), else one exponentiation and a logarithm among
    roots of unity by tables (Bernstein, "Faster square roots in annoying finite fields", 2001).
    """
    p = _mpz(field.modulus)
    x = _mpz(x) % p
    if x == 0:
        return 0
    if gmpy2.legendre(x, p) == -1:
        return None
    simple = field.two_adicity == 1
    root = gmpy2.powmod(x, (p + 1) >> 2, p) if simple else _by_logarithm(x, field)
    return int(min(root, p - root))


def _by_logarithm(x: Any, field: PrimeFieldParams) -> Any:
    """A root of the square x ≠ 0.

    With p − 1 = 2ˢ·odd and g of order 2ˢ it is x^((odd + 1)/2)·g^(−e/2), where e, even, is the
    logarithm of x^odd. Its digits of w bits come out one by one, the lowest first: raised to the
    power 2^(s − w·(i + 1)) and freed of the lower digits, x^odd is a power of a root of unity of
    order 2^w, whose exponent is digit i.
    """
    p = _mpz(field.modulus)
    width, logarithm, powers = _roots_of_unity(field)
    count = len(powers)
    start = gmpy2.powmod(x, field.modulus - 1 >> field.two_adicity + 1, p)
    root = start * x % p
    raised = [root * start % p]
    while len(raised) < count:
        residue = raised[-1]
        for _ in range(width):
            residue = residue * residue % p
        raised.append(residue)
    exponent = 0
    for i in range(count):
        residue = raised[count - 1 - i]
        for j in range(i):
            residue = residue * powers[count - 1 - i + j][_digit(exponent, j, width)] % p
        exponent |= logarithm[residue] << width * i
    for j, table in enumerate(powers):
        root = root * table[_digit(exponent >> 1, j, width)] % p
    return root


def _digit(exponent: int, index: int, width: int) -> int:
    return exponent >> width * index & (1 << width) - 1


@functools.cache
def _roots_of_unity(field: PrimeFieldParams) -> tuple[int, dict[Any, int], list[list[Any]]]:
    """Width w of digits, logarithms to a root of order 2^w, and g^(−d·2^(w·j)) by j and d."""
    p, s = _mpz(field.modulus), field.two_adicity
    width = max(w for w in range(1, 9) if s % w == 0)
    roots = [_mpz(field.root_of_unity)]
    while len(roots) < s // width:
        roots.append(gmpy2.powmod(roots[-1], 1 << width, p))
    powers = [_powers(gmpy2.invert(root, p), 1 << width, p) for root in roots]
    logarithm = {power: d for d, power in enumerate(_powers(roots[-1], 1 << width, p))}
    return width, logarithm, powers


def _powers(base: Any, count: int, p: Any) -> list[Any]:
    out = [_mpz(1)]
    while len(out) < count:
        out.append(out[-1] * base % p)
    return out


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
