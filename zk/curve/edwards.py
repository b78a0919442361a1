"""Twisted Edwards curves a·x² + y² = 1 + d·x²·y² over a prime field, on plain integers.

With a a square and d a non-square the addition law is complete: one formula for every pair of
points, with no exception (Bernstein–Birkner–Joye–Lange–Peters, eprint 2008/013, section 6). The
constructor refuses other parameters.

Multiplication works on extended coordinates (X : Y : Z : T), x = X/Z, y = Y/Z, T = XY/Z
(Hisil–Wong–Carter–Dawson, eprint 2008/522). Not constant-time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import gmpy2

from zk.errors import ParamsError
from zk.field.params import PrimeFieldParams
from zk.field.prime import is_square, sqrt

_mpz: Final = gmpy2.mpz
_WINDOW: Final = 4


class Point(NamedTuple):
    """An affine point: two integers in [0, p)."""

    x: int
    y: int


IDENTITY: Final = Point(0, 1)


@dataclass(frozen=True, slots=True)
class EdwardsParams:
    """A twisted Edwards curve as data; `check()` confirms what the literals claim.

    Attributes:
        name: symbol used in messages.
        field: the prime field of the coordinates.
        a: coefficient of x², a square.
        d: coefficient of x²y², a non-square.
        order: the prime l.
        cofactor: the curve has cofactor·order points.
        generator: affine coordinates of a point of order l.
    """

    name: str
    field: PrimeFieldParams
    a: int
    d: int
    order: int
    cofactor: int
    generator: tuple[int, int]

    def check(self) -> None:
        """Confirm completeness, primality, the number of points and the generator.

        That cofactor·order is the number of points follows from Hasse's bound: a point of order l
        makes the number a multiple of l, and only one multiple lies within p + 1 ± 2√p.

        Raises:
            ParamsError: names what does not hold.
        """
        curve = EdwardsCurve(self)
        p, points = self.field.modulus, self.cofactor * self.order
        base = Point(*self.generator)
        spread = 2 * gmpy2.isqrt(p) + 1
        claims = {
            "the modulus is prime": bool(gmpy2.is_prime(p, 40)),
            "the order is prime": bool(gmpy2.is_prime(self.order, 40)),
            "cofactor·order is within Hasse's bound": abs(points - (p + 1)) <= spread,
            "one multiple of the order lies there": self.order > 2 * spread,
            "the generator is on the curve": curve.is_on_curve(base),
            "the generator has the order": base != IDENTITY
            and curve.multiply(self.order, base) == IDENTITY,
        }
        for claim, holds in claims.items():
            if not holds:
                raise ParamsError(f"{self.name}: it is not true that {claim}")


class EdwardsCurve:
    """The group of one parameter set. Points are affine integers, and arguments on the curve."""

    __slots__ = ("_a", "_d", "_p", "params")

    def __init__(self, params: EdwardsParams) -> None:
        if not is_square(params.a, params.field) or is_square(params.d, params.field):
            raise ParamsError(
                f"{params.name}: the addition law is not complete",
                why="exceptional pairs of points would divide by zero",
                fix="use a square a and a non-square d",
            )
        self.params = params
        self._p = _mpz(params.field.modulus)
        self._a = _mpz(params.a)
        self._d = _mpz(params.d)

    def is_on_curve(self, point: Point) -> bool:
        """Whether canonical coordinates satisfy the equation."""
        x, y = _mpz(point[0]), _mpz(point[1])
        if not (0 <= x < self._p and 0 <= y < self._p):
            return False
        xx, yy = x * x, y * y
        return bool((self._a * xx + yy - 1 - self._d * xx * yy) % self._p == 0)

    def y_from_x(self, x: int) -> int | None:
        """The smaller y with (x, y) on the curve, or None: y² = (1 − a·x²)/(1 − d·x²)."""
        xx = _mpz(x) * x
        return self._root(1 - self._a * xx, 1 - self._d * xx)

    def x_from_y(self, y: int) -> int | None:
        """The smaller x with (x, y) on the curve, or None: x² = (1 − y²)/(a − d·y²)."""
        yy = _mpz(y) * y
        return self._root(1 - yy, self._a - self._d * yy)

    def _root(self, numerator: Any, denominator: Any) -> int | None:
        # Neither denominator vanishes: 1/d and a/d are non-squares.
        return sqrt(numerator * gmpy2.invert(denominator, self._p), self.params.field)

    def add(self, p: Point, q: Point) -> Point:
        """The complete affine law."""
        x1, y1, x2, y2 = _mpz(p[0]), _mpz(p[1]), _mpz(q[0]), _mpz(q[1])
        cross = self._d * (x1 * x2 % self._p) * (y1 * y2 % self._p) % self._p
        # One inversion for both fractions.
        plus, minus = 1 + cross, 1 - cross
        inverse = gmpy2.invert(plus * minus, self._p)
        x = (x1 * y2 + y1 * x2) % self._p * (minus * inverse % self._p) % self._p
        y = (y1 * y2 - self._a * x1 * x2) % self._p * (plus * inverse % self._p) % self._p
        return Point(int(x), int(y))

    def negate(self, p: Point) -> Point:
        """−(x, y) = (−x, y)."""
        return Point(int(-p[0] % self._p), int(p[1]))

    def multiply(self, k: int, p: Point) -> Point:
        """[k]p for any integer k, reduced modulo the number of points; fixed windows of 4 bits."""
        k %= self.params.cofactor * self.params.order
        if k == 0:
            return IDENTITY
        digits = [(k >> i) & 15 for i in range(0, k.bit_length(), _WINDOW)]
        table = self._multiples(p, max(digits))
        accumulator = table[digits[-1]][:3]
        for digit in reversed(digits[:-1]):
            accumulator = self._times_16(accumulator)
            if digit:
                accumulator = self._add_extended(self._with_t(accumulator), table[digit])[:3]
        return self._affine(accumulator)

    def _multiples(self, p: Point, count: int) -> list[Any]:
        x, y = _mpz(p[0]), _mpz(p[1])
        table: list[Any] = [(_mpz(0), _mpz(1), _mpz(1), _mpz(0)), (x, y, _mpz(1), x * y % self._p)]
        while len(table) <= count:
            table.append(self._add_extended(table[-1], table[1]))
        return table

    def _times_16(self, point: Any) -> Any:
        """Four doublings without T: dbl-2008-bbjlp, 3M + 4S each."""
        p, a = self._p, self._a
        x, y, z = point
        for _ in range(_WINDOW):
            xx, yy, zz = x * x % p, y * y % p, z * z
            e = a * xx
            f = e + yy
            j = (f - 2 * zz) % p
            x = 2 * x * y * j % p
            y = f * (e - yy) % p
            z = f * j % p
        return x, y, z

    def _with_t(self, point: Any) -> Any:
        """(X : Y : Z) → (XZ : YZ : Z² : XY), the extended coordinates of the same point."""
        p = self._p
        x, y, z = point
        return x * z % p, y * z % p, z * z % p, x * y % p

    def _add_extended(self, first: Any, second: Any) -> Any:
        """The complete law in extended coordinates: add-2008-hwcd, 9M and two small products."""
        p = self._p
        x1, y1, z1, t1 = first
        x2, y2, z2, t2 = second
        a, b = x1 * x2 % p, y1 * y2 % p
        c, d = self._d * t1 * t2 % p, z1 * z2 % p
        e = ((x1 + y1) * (x2 + y2) - a - b) % p
        f, g, h = d - c, d + c, b - self._a * a
        return e * f % p, g * h % p, f * g % p, e * h % p

    def _affine(self, point: Any) -> Point:
        x, y, z = point
        inverse = gmpy2.invert(z, self._p)
        return Point(int(x * inverse % self._p), int(y * inverse % self._p))
