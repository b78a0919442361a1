"""Short Weierstrass curves y² = x³ + b over any field of elements with operators.

The reference: Jacobian coordinates (x, y) = (X/Z², Y/Z³), infinity at Z = 0, formulas of the
Explicit-Formulas Database for a = 0. Not constant-time.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

_WINDOW = 4


class FieldElement(Protocol):
    """What the formulas need of a coordinate; `Fp`, `Fp2` and toy fields have it."""

    def __bool__(self) -> bool: ...
    def __add__(self, other: Self, /) -> Self: ...
    def __sub__(self, other: Self, /) -> Self: ...
    def __mul__(self, other: Self, /) -> Self: ...
    def __neg__(self) -> Self: ...
    def square(self) -> Self: ...
    def inverse(self) -> Self: ...
    @classmethod
    def zero(cls) -> Self: ...
    @classmethod
    def one(cls) -> Self: ...


F = TypeVar("F", bound=FieldElement)


class WeierstrassPoint(Generic[F]):
    """A point of the curve whose constant `b` the subclass states; operators +, −, and k * P.

    Made by `affine(x, y)` or `identity()`. Neither checks anything: subclasses have checking
    constructors. Equality compares the points, whatever their Z.
    """

    __slots__ = ("x", "y", "z")

    b: ClassVar[Any]
    field: ClassVar[Any]

    def __init__(self, x: F, y: F, z: F) -> None:
        self.x = x
        self.y = y
        self.z = z

    @classmethod
    def affine(cls, x: F, y: F) -> Self:
        """(x, y), not checked to be on the curve."""
        return cls(x, y, cls.field.one())

    @classmethod
    def identity(cls) -> Self:
        """The point at infinity."""
        return cls(cls.field.one(), cls.field.one(), cls.field.zero())

    @classmethod
    def satisfies(cls, x: F, y: F) -> bool:
        """Whether y² = x³ + b."""
        return not y.square() - x.square() * x - cls.b

    def is_identity(self) -> bool:
        return not self.z

    def coordinates(self) -> tuple[F, F] | None:
        """Affine (x, y), None at infinity."""
        if not self.z:
            return None
        inverse = self.z.inverse()
        square = inverse.square()
        return self.x * square, self.y * square * inverse

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        if not self.z or not other.z:
            return not self.z and not other.z
        zz, other_zz = self.z.square(), other.z.square()
        same_x = not self.x * other_zz - other.x * zz
        return same_x and not self.y * other_zz * other.z - other.y * zz * self.z

    def __hash__(self) -> int:
        return hash(self.coordinates())

    def __repr__(self) -> str:
        affine = self.coordinates()
        inside = "infinity" if affine is None else f"{affine[0]}, {affine[1]}"
        return f"{type(self).__name__}({inside})"

    def __neg__(self) -> Self:
        return type(self)(self.x, -self.y, self.z)

    def __sub__(self, other: Self) -> Self:
        return self + -other

    def __add__(self, other: Self) -> Self:
        """add-2007-bl with its exceptions: infinity, equal and opposite points."""
        if not self.z:
            return other
        if not other.z:
            return self
        z1z1, z2z2 = self.z.square(), other.z.square()
        u1, u2 = self.x * z2z2, other.x * z1z1
        s1, s2 = self.y * z2z2 * other.z, other.y * z1z1 * self.z
        h, r = u2 - u1, s2 - s1
        if not h:
            return self.identity() if r else self.double()
        hh = h.square()
        hhh, v = hh * h, u1 * hh
        x = r.square() - hhh - v - v
        return type(self)(x, r * (v - x) - s1 * hhh, self.z * other.z * h)

    def double(self) -> Self:
        """dbl-2009-l. No case for y = 0: it gives Z = 0, as it should."""
        a, b = self.x.square(), self.y.square()
        c = b.square()
        d = (self.x + b).square() - a - c
        d = d + d
        e = a + a + a
        x = e.square() - d - d
        c = c + c
        c = c + c
        y = e * (d - x) - c - c
        z = self.y * self.z
        return type(self)(x, y, z + z)

    def __rmul__(self, k: int) -> Self:
        """[k]self for any integer; fixed windows of 4 bits, k not reduced."""
        if k < 0:
            return -k * -self
        table = [self.identity(), self]
        while len(table) < 1 << _WINDOW:
            table.append(table[-1] + self)
        result = self.identity()
        for shift in range((k.bit_length() - 1) // _WINDOW * _WINDOW, -1, -_WINDOW):
            for _ in range(_WINDOW):
                result = result.double()
            result = result + table[k >> shift & 15]
        return result
