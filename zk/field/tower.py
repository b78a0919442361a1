"""The tower over BN254's Fp in which the pairing takes its values.

    Fp2  = Fp[u]  / (u² + 1)
    Fp6  = Fp2[v] / (v³ − ξ),  ξ = 9 + u
    Fp12 = Fp6[w] / (w² − v)                 so w⁶ = ξ

Multiplication is by the definitions (Karatsuba in the upper two floors); the reference for the
kernels. An Fp2 holds two GMP integers rather than two `Fp`: everything above is made of it, and
this makes a pairing three times cheaper. Elements are immutable by convention, as in
`zk.field.prime`.
"""

from __future__ import annotations

import functools
from typing import Any, Final, Self

import gmpy2

from zk.errors import NonCanonical
from zk.field.params import FP
from zk.field.prime import sqrt

_mpz: Final = gmpy2.mpz
_P: Final = _mpz(FP.modulus)
_HALF: Final = gmpy2.invert(2, _P)


class Fp2:
    """c0 + c1·u with u² = −1.

    Raises:
        NonCanonical: from the constructor, for a coefficient outside [0, p).
    """

    __slots__ = ("c0", "c1")

    c0: Any
    c1: Any

    def __init__(self, c0: int, c1: int) -> None:
        if not (0 <= c0 < _P and 0 <= c1 < _P):
            raise NonCanonical("a coefficient of an Fp2 value is not below p")
        self.c0 = _mpz(c0)
        self.c1 = _mpz(c1)

    @classmethod
    def _make(cls, c0: Any, c1: Any) -> Self:
        element = object.__new__(cls)
        element.c0 = c0
        element.c1 = c1
        return element

    @classmethod
    def zero(cls) -> Self:
        return cls._make(_mpz(0), _mpz(0))

    @classmethod
    def one(cls) -> Self:
        return cls._make(_mpz(1), _mpz(0))

    def to_ints(self) -> tuple[int, int]:
        """(c0, c1), both in [0, p)."""
        return int(self.c0), int(self.c1)

    def __bool__(self) -> bool:
        return bool(self.c0) or bool(self.c1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fp2) and bool(self.c0 == other.c0 and self.c1 == other.c1)

    def __hash__(self) -> int:
        return hash(self.to_ints())

    def __repr__(self) -> str:
        return f"Fp2{self.to_ints()}"

    def __add__(self, other: Self) -> Self:
        return self._make((self.c0 + other.c0) % _P, (self.c1 + other.c1) % _P)

    def __sub__(self, other: Self) -> Self:
        return self._make((self.c0 - other.c0) % _P, (self.c1 - other.c1) % _P)

    def __neg__(self) -> Self:
        return self._make(-self.c0 % _P, -self.c1 % _P)

    def __mul__(self, other: Self | int) -> Self:
        """Product with an element, or with an integer (an element of Fp)."""
        a, b = self.c0, self.c1
        if isinstance(other, Fp2):
            c, d = other.c0, other.c1
            return self._make((a * c - b * d) % _P, (a * d + b * c) % _P)
        return self._make(a * other % _P, b * other % _P)

    __rmul__ = __mul__

    def __truediv__(self, other: Self) -> Self:
        return self * other.inverse()

    def __pow__(self, exponent: int) -> Self:
        """Square and multiply, exponent ≥ 0."""
        result = self.one()
        for bit in bin(exponent)[2:]:
            result = result.square()
            if bit == "1":
                result = result * self
        return result

    def square(self) -> Self:
        """(a + b·u)² = (a + b)(a − b) + 2ab·u."""
        a, b = self.c0, self.c1
        return self._make((a + b) * (a - b) % _P, 2 * a * b % _P)

    def conjugate(self) -> Self:
        """c0 − c1·u, which is also the p-th power: u^p = −u since p ≡ 3 (mod 4)."""
        return self._make(self.c0, -self.c1 % _P)

    def norm(self) -> int:
        """c0² + c1², an element of Fp."""
        return int((self.c0 * self.c0 + self.c1 * self.c1) % _P)

    def inverse(self) -> Self:
        """Conjugate over norm. Raises ZeroDivisionError at 0."""
        scale = gmpy2.invert(self.c0 * self.c0 + self.c1 * self.c1, _P)
        return self._make(self.c0 * scale % _P, -self.c1 * scale % _P)

    def times_xi(self) -> Self:
        """(9 + u)·self."""
        a, b = self.c0, self.c1
        return self._make((9 * a - b) % _P, (a + 9 * b) % _P)

    def sqrt(self) -> Self | None:
        """A root, or None. Which of the two is unspecified; encodings choose by their own rule.

        With s² = a² + b² (the norm of a square is a square) a root x + y·u has x² = (a ± s)/2 and
        y = b/(2x).
        """
        a, b = self.c0, self.c1
        if not b:
            root = sqrt(a, FP)
            if root is not None:
                return self._make(_mpz(root), _mpz(0))
            root = sqrt(-a, FP)  # −1 is a non-residue, so one of a and −a has a root
            return None if root is None else self._make(_mpz(0), _mpz(root))
        s = sqrt(a * a + b * b, FP)
        if s is None:
            return None
        x = sqrt((a + s) * _HALF, FP)
        if x is None:
            x = sqrt((a - s) * _HALF, FP)
        if x is None:
            return None
        return self._make(_mpz(x), b * gmpy2.invert(2 * x, _P) % _P)


XI: Final = Fp2(9, 1)
"""ξ, the non-residue of the tower: neither a square nor a cube in Fp2."""


@functools.cache
def frobenius_coefficient(i: int) -> Fp2:
    """ξ^(i·(p − 1)/6), the factor that w^i takes when raised to the p-th power; 0 ≤ i < 6."""
    return XI ** (i * (FP.modulus - 1) // 6)


class Fp6:
    """c0 + c1·v + c2·v² over Fp2, v³ = ξ."""

    __slots__ = ("c0", "c1", "c2")

    def __init__(self, c0: Fp2, c1: Fp2, c2: Fp2) -> None:
        self.c0 = c0
        self.c1 = c1
        self.c2 = c2

    @classmethod
    def zero(cls) -> Self:
        return cls(Fp2.zero(), Fp2.zero(), Fp2.zero())

    @classmethod
    def one(cls) -> Self:
        return cls(Fp2.one(), Fp2.zero(), Fp2.zero())

    def __bool__(self) -> bool:
        return bool(self.c0) or bool(self.c1) or bool(self.c2)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fp6) and (self.c0, self.c1, self.c2) == (
            other.c0,
            other.c1,
            other.c2,
        )

    def __hash__(self) -> int:
        return hash((self.c0, self.c1, self.c2))

    def __repr__(self) -> str:
        return f"Fp6({self.c0}, {self.c1}, {self.c2})"

    def __add__(self, other: Self) -> Self:
        return type(self)(self.c0 + other.c0, self.c1 + other.c1, self.c2 + other.c2)

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.c0 - other.c0, self.c1 - other.c1, self.c2 - other.c2)

    def __neg__(self) -> Self:
        return type(self)(-self.c0, -self.c1, -self.c2)

    def __mul__(self, other: Self) -> Self:
        """Six products in Fp2 (Devegili et al., eprint 2006/471, section 4)."""
        a, b, c = self.c0, self.c1, self.c2
        d, e, f = other.c0, other.c1, other.c2
        ad, be, cf = a * d, b * e, c * f
        return type(self)(
            ad + ((b + c) * (e + f) - be - cf).times_xi(),
            (a + b) * (d + e) - ad - be + cf.times_xi(),
            (a + c) * (d + f) - ad - cf + be,
        )

    def times_sparse(self, d: Fp2, e: Fp2) -> Self:
        """Self·(d + e·v), five products."""
        a, b, c = self.c0, self.c1, self.c2
        ad, be = a * d, b * e
        return type(self)(
            ad + (c * e).times_xi(),
            (a + b) * (d + e) - ad - be,
            c * d + be,
        )

    def scale(self, factor: Fp2 | int) -> Self:
        """Self times an element of Fp2, or of Fp given as an integer."""
        return type(self)(self.c0 * factor, self.c1 * factor, self.c2 * factor)

    def times_v(self) -> Self:
        return type(self)(self.c2.times_xi(), self.c0, self.c1)

    def inverse(self) -> Self:
        """By the adjugate: self·(t0 + t1·v + t2·v²) lies in Fp2. ZeroDivisionError at 0."""
        a, b, c = self.c0, self.c1, self.c2
        t0 = a.square() - (b * c).times_xi()
        t1 = c.square().times_xi() - a * b
        t2 = b.square() - a * c
        norm = a * t0 + (c * t1 + b * t2).times_xi()
        return type(self)(t0, t1, t2).scale(norm.inverse())

    def frobenius(self) -> Self:
        """The p-th power; v = w²."""
        return type(self)(
            self.c0.conjugate(),
            self.c1.conjugate() * frobenius_coefficient(2),
            self.c2.conjugate() * frobenius_coefficient(4),
        )


class Fp12:
    """c0 + c1·w over Fp6, w² = v."""

    __slots__ = ("c0", "c1")

    def __init__(self, c0: Fp6, c1: Fp6) -> None:
        self.c0 = c0
        self.c1 = c1

    @classmethod
    def one(cls) -> Self:
        return cls(Fp6.one(), Fp6.zero())

    def coefficients(self) -> tuple[Fp2, ...]:
        """a₀ … a₅ with self = Σ aᵢ·wⁱ."""
        c, d = self.c0, self.c1
        return c.c0, d.c0, c.c1, d.c1, c.c2, d.c2

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fp12) and self.c0 == other.c0 and self.c1 == other.c1

    def __hash__(self) -> int:
        return hash((self.c0, self.c1))

    def __repr__(self) -> str:
        return f"Fp12({self.c0}, {self.c1})"

    def __add__(self, other: Self) -> Self:
        return type(self)(self.c0 + other.c0, self.c1 + other.c1)

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.c0 - other.c0, self.c1 - other.c1)

    def __mul__(self, other: Self) -> Self:
        """Three products in Fp6."""
        low, high = self.c0 * other.c0, self.c1 * other.c1
        cross = (self.c0 + self.c1) * (other.c0 + other.c1) - low - high
        return type(self)(low + high.times_v(), cross)

    def __pow__(self, exponent: int) -> Self:
        """Square and multiply, exponent ≥ 0."""
        result = self.one()
        for bit in bin(exponent)[2:]:
            result = result.square()
            if bit == "1":
                result = result * self
        return result

    def square(self) -> Self:
        """Two products: (a + b)(a + v·b) − ab − v·ab + 2ab·w."""
        a, b = self.c0, self.c1
        ab = a * b
        return type(self)((a + b) * (a + b.times_v()) - ab - ab.times_v(), ab + ab)

    def times_line(self, a: int, b: Fp2, c: Fp2) -> Self:
        """Self·(a + (b + c·v)·w) with a in Fp: the shape of a line of the Miller loop."""
        low = self.c0.scale(a)
        high = self.c1.times_sparse(b, c)
        cross = (self.c0 + self.c1).times_sparse(Fp2(a, 0) + b, c) - low - high
        return type(self)(low + high.times_v(), cross)

    def conjugate(self) -> Self:
        """c0 − c1·w, the p⁶-th power; the inverse for elements of norm 1 over Fp6."""
        return type(self)(self.c0, -self.c1)

    def inverse(self) -> Self:
        """Conjugate over norm to Fp6. Raises ZeroDivisionError at 0."""
        norm = (self.c0 * self.c0 - (self.c1 * self.c1).times_v()).inverse()
        return type(self)(self.c0 * norm, -(self.c1 * norm))

    def frobenius(self) -> Self:
        """The p-th power."""
        high = self.c1.frobenius().scale(frobenius_coefficient(1))
        return type(self)(self.c0.frobenius(), high)
