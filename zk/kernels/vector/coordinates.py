"""Coordinates of points in vector lanes: Fp for G1 and Fp2 = Fp[u]/(u² + 1) for G2, one interface.

A coordinate is a tuple of `Element`s, one or two. Everything that follows (sums, tables) is written
once on `Coordinates` and emitted for both groups.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from zk.kernels.emit import Value
from zk.kernels.vector.lanes import Element, Interval, Lanes, hull

Coordinate = tuple[Element, ...]
WORDS = 4
"""64-bit words of an Fp element in memory."""


class Coordinates(ABC):
    """Arithmetic of the field that a group's coordinates lie in.

    Args:
        lanes: arithmetic of Fp.
    """

    degree: int

    def __init__(self, lanes: Lanes) -> None:
        self.k = lanes
        self.f = lanes.f

    @property
    def words(self) -> int:
        """64-bit words of a coordinate in packed form."""
        return WORDS * self.degree

    @property
    def size(self) -> int:
        """Bytes of a vector of coordinates in limb form."""
        return self.k.size * self.degree

    @abstractmethod
    def mul(self, a: Coordinate, b: Coordinate) -> Coordinate: ...

    @abstractmethod
    def sqr(self, a: Coordinate) -> Coordinate: ...

    def mul_both(
        self, first: tuple[Coordinate, Coordinate], second: tuple[Coordinate, Coordinate]
    ) -> tuple[Coordinate, Coordinate]:
        """Two independent products."""
        return self.mul(*first), self.mul(*second)

    def sqr_both(self, first: Coordinate, second: Coordinate) -> tuple[Coordinate, Coordinate]:
        """Two independent squares."""
        return self.sqr(first), self.sqr(second)

    @abstractmethod
    def norm(self, a: Coordinate) -> Element:
        """An element of Fp by which `unit` must be divided for 1/a."""

    @abstractmethod
    def inverse_from_norm(self, a: Coordinate, inverse: Element) -> Coordinate:
        """1/a from 1/norm(a)."""

    def add(self, a: Coordinate, b: Coordinate) -> Coordinate:
        return tuple(self.k.add(x, y) for x, y in zip(a, b, strict=True))

    def sub(self, a: Coordinate, b: Coordinate) -> Coordinate:
        return tuple(self.k.sub(x, y) for x, y in zip(a, b, strict=True))

    def carry_signed(self, a: Coordinate) -> Coordinate:
        return tuple(self.k.carry_signed(x) for x in a)

    def drop(self, a: Coordinate, b: Coordinate) -> Coordinate:
        """A − b, to be multiplied."""
        return tuple(self.k.sub(x, self.k.carry_signed(y)) for x, y in zip(a, b, strict=True))

    def factor(self, a: Coordinate) -> Coordinate:
        return tuple(self.k.factor(x) for x in a)

    def settle(self, a: Coordinate) -> Coordinate:
        return tuple(self.k.settle(x) for x in a)

    def select(self, mask: Value, a: Coordinate, b: Coordinate) -> Coordinate:
        return tuple(self.k.select(mask, x, y) for x, y in zip(a, b, strict=True))

    def neg_where(self, mask: Value, a: Coordinate) -> Coordinate:
        return tuple(self.k.neg_where(mask, x) for x in a)

    def hull(self, a: Coordinate, b: Coordinate) -> Coordinate:
        """Registers of a with bounds that hold for b, too."""
        return tuple(
            Element(
                x.limbs,
                hull(x.value, y.value),
                tuple(hull(m, n) for m, n in zip(x.bounds, y.bounds, strict=True)),
            )
            for x, y in zip(a, b, strict=True)
        )

    def is_zero(self, a: Coordinate) -> Value:
        """Mask of the lanes that are ≡ 0, whatever the bounds of a."""
        k = self.k
        masks = []
        for x in a:
            words = k.to_integers(k.reduced(x))  # below 3p, so 0, p or 2p
            hits = [k.same_words(words, j * k.p) for j in range(3)]
            masks.append(k.mask_or(k.mask_or(hits[0], hits[1]), hits[2]))
        return masks[0] if len(masks) == 1 else k.mask_and(masks[0], masks[1])

    def one(self) -> Coordinate:
        return (self.k.field_constant(1), *[self.k.zero()] * (self.degree - 1))

    def product_like(self) -> Coordinate:
        return (self.k.product_like(),) * self.degree

    def unpack(self, words: Sequence[Value], value: Interval) -> Coordinate:
        return tuple(
            self.k.unpack(words[WORDS * i : WORDS * (i + 1)], value) for i in range(self.degree)
        )

    def pack(self, a: Coordinate) -> list[Value]:
        return [word for x in a for word in self.k.pack(x)]

    def packed_bound(self, a: Coordinate) -> Interval:
        bounds = [self.k.packed_bound(x) for x in a]
        return min(b[0] for b in bounds), max(b[1] for b in bounds)

    def store(self, a: Coordinate, pointer: Value, like: Coordinate | None = None) -> None:
        for i, x in enumerate(a):
            self.k.store(x, self.f.at(pointer, self.k.size * i), like[i] if like else None)

    def load(self, pointer: Value, like: Coordinate, *, pinned: bool = False) -> Coordinate:
        return tuple(
            self.k.load(self.f.at(pointer, self.k.size * i), x, pinned=pinned)
            for i, x in enumerate(like)
        )


class Prime(Coordinates):
    """Fp."""

    degree = 1

    def mul(self, a: Coordinate, b: Coordinate) -> Coordinate:
        return (self.k.mul(a[0], b[0]),)

    def sqr(self, a: Coordinate) -> Coordinate:
        return (self.k.sqr(a[0]),)

    def mul_both(
        self, first: tuple[Coordinate, Coordinate], second: tuple[Coordinate, Coordinate]
    ) -> tuple[Coordinate, Coordinate]:
        one, other = self.k.mul_both((first[0][0], first[1][0]), (second[0][0], second[1][0]))
        return (one,), (other,)

    def sqr_both(self, first: Coordinate, second: Coordinate) -> tuple[Coordinate, Coordinate]:
        return self.mul_both((first, first), (second, second))

    def norm(self, a: Coordinate) -> Element:
        return a[0]

    def inverse_from_norm(self, a: Coordinate, inverse: Element) -> Coordinate:
        del a  # its norm is itself
        return (inverse,)


class Quadratic(Coordinates):
    """Fp2: products by schoolbook, two reductions in all, which beats Karatsuba's three."""

    degree = 2

    def mul(self, a: Coordinate, b: Coordinate) -> Coordinate:
        return self.k.cross((a[0], a[1]), (b[0], b[1]))

    def sqr(self, a: Coordinate) -> Coordinate:
        k = self.k
        return k.mul_both(
            (k.add(a[0], a[1]), k.sub(a[0], a[1])),
            (k.add(a[0], a[0]), a[1]),
        )

    def norm(self, a: Coordinate) -> Element:
        return self.k.mul_sum((a[0], a[0]), (a[1], a[1]))

    def inverse_from_norm(self, a: Coordinate, inverse: Element) -> Coordinate:
        k = self.k
        return k.mul(a[0], inverse), k.mul(k.neg(a[1]), inverse)
