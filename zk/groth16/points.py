"""Affine points as integers and as rows of arrays: the conversions of this package."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zk.curve.bn254 import G1Affine, G2Affine
from zk.field.arrays import (
    LIMBS,
    U64Array,
    from_array,
    from_montgomery,
    to_array,
    to_montgomery,
)
from zk.field.params import FP

G1_WIDTH = 2 * LIMBS
G2_WIDTH = 4 * LIMBS


def g1_rows(points: Iterable[G1Affine]) -> U64Array:
    """Points of G1 → `uint64[n, 8]`, Montgomery, infinity all zero."""
    flat = [c for p in points for c in (p or (0, 0))]
    return to_array(to_montgomery(flat, FP.modulus)).reshape(-1, G1_WIDTH)


def g2_rows(points: Iterable[G2Affine]) -> U64Array:
    """Points of G2 → `uint64[n, 16]`, Montgomery, infinity all zero."""
    flat = [c for p in points for pair in (p or ((0, 0), (0, 0))) for c in pair]
    return to_array(to_montgomery(flat, FP.modulus)).reshape(-1, G2_WIDTH)


def coordinates(rows: U64Array) -> list[int]:
    """The coordinates of points in an array, in standard form, one after the other."""
    return from_montgomery(from_array(rows), FP.modulus)


def g1_points(rows: U64Array) -> list[G1Affine]:
    """`uint64[n, 8]` (or one row) → points of G1."""
    flat = coordinates(rows)
    pairs = zip(flat[0::2], flat[1::2], strict=True)
    return [(x, y) if x or y else None for x, y in pairs]


def g2_points(rows: U64Array) -> list[G2Affine]:
    """`uint64[n, 16]` (or one row) → points of G2."""
    flat = coordinates(rows)
    quads = zip(flat[0::4], flat[1::4], flat[2::4], flat[3::4], strict=True)
    return [((x0, x1), (y0, y1)) if x0 or x1 or y0 or y1 else None for x0, x1, y0, y1 in quads]


def stacked(*rows: U64Array) -> U64Array:
    """Single points under each other, as a backend takes them."""
    return np.ascontiguousarray(np.stack([row.reshape(-1) for row in rows]))
