"""Rows of arrays and points of the reference mathematics, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zk.backends import checks
from zk.curve.bn254 import G1, G2
from zk.field.arrays import U64Array, from_array, from_montgomery, to_array, to_montgomery
from zk.field.bn254 import Fp
from zk.field.params import FP
from zk.field.tower import Fp2


def _coordinates(array: U64Array, width: int) -> list[list[int]]:
    flat = from_montgomery(from_array(array), FP.modulus)
    return [flat[i : i + width] for i in range(0, len(flat), width)]


def g1_points(array: U64Array) -> list[G1]:
    """Rows of eight words, infinity all zero."""
    rows = _coordinates(array, 2)
    return [G1.affine(Fp(x), Fp(y)) if x or y else G1.identity() for x, y in rows]


def g2_points(array: U64Array) -> list[G2]:
    """Rows of sixteen words, infinity all zero."""
    rows = _coordinates(array, 4)
    return [G2.affine(Fp2(*row[:2]), Fp2(*row[2:])) if any(row) else G2.identity() for row in rows]


def point_array(rows: Iterable[Sequence[int]], width: int) -> U64Array:
    """Coordinates of points as rows of so many words."""
    flat = [c for row in rows for c in row]
    return to_array(to_montgomery(flat, FP.modulus)).reshape(-1, width)


def g1_array(points: Iterable[G1]) -> U64Array:
    """The reverse of `g1_points`."""
    return point_array((p.to_affine() or (0, 0) for p in points), checks.G1_WIDTH)


def g2_array(points: Iterable[G2]) -> U64Array:
    """The reverse of `g2_points`."""
    pairs = (p.to_affine() or ((0, 0), (0, 0)) for p in points)
    return point_array(((*x, *y) for x, y in pairs), checks.G2_WIDTH)
