"""BN254's groups as this package uses them: affine points of integers, computed by a backend.

Rows of arrays stay inside. Points given to these functions were checked where they were decoded or
constructed; scalars are any integers. Kernels are not constant-time (NOTES.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from private_exec.errors import MalformedSeal
from zk import backends
from zk.curve.bn254 import G1_GENERATOR, G2, G2_GENERATOR, G1Affine, G2Affine
from zk.curve.encoding import G2_BYTES, is_larger
from zk.errors import IdentityPoint, NonCanonical, NotInSubgroup, NotOnCurve, WrongLength
from zk.field.arrays import BYTES, U64Array, to_array
from zk.field.params import FP, FR
from zk.field.tower import Fp2
from zk.groth16.points import g1_points, g1_rows, g2_points, g2_rows

R: Final = FR.modulus
_P: Final = FP.modulus
_FEW: Final = 8
"""Up to this many terms, single multiples and a sum are faster than the method of buckets."""
_DENSE: Final = 16
"""Rows of more terms than this are computed one by one, by buckets."""
_FLAGS: Final = 0xC0


def scalar_rows(scalars: Iterable[int]) -> U64Array:
    """Integers → `[n, 4]`, standard, reduced modulo r."""
    return to_array(k % R for k in scalars)


def sum_g1(scalars: Sequence[int], points: Sequence[G1Affine]) -> G1Affine:
    """Σ kᵢ·Pᵢ."""
    if not points:
        return None
    backend, rows = backends.get(), g1_rows(points)
    if len(points) <= _FEW:
        return g1_points(backend.sum_g1(backend.scale_g1(rows, scalar_rows(scalars))))[0]
    return g1_points(backend.msm_g1(rows, scalar_rows(scalars)))[0]


def sum_g2(scalars: Sequence[int], points: Sequence[G2Affine]) -> G2Affine:
    """Σ kᵢ·Pᵢ on G2."""
    if not points:
        return None
    return g2_points(backends.get().msm_g2(g2_rows(points), scalar_rows(scalars)))[0]


def total_g1(points: Sequence[G1Affine]) -> G1Affine:
    """Σ Pᵢ of a few hundred points at most."""
    return g1_points(backends.get().sum_g1(g1_rows(points)))[0] if points else None


def total_g2(points: Sequence[G2Affine]) -> G2Affine:
    """Σ Pᵢ on G2."""
    return sum_g2([1] * len(points), points)


def multiples_g1(scalars: Sequence[int], points: Sequence[G1Affine]) -> list[G1Affine]:
    """kᵢ·Pᵢ; one scalar stands for all points."""
    if not points:
        return []
    return g1_points(backends.get().scale_g1(g1_rows(points), scalar_rows(scalars)))


def multiple_g1(scalar: int, point: G1Affine) -> G1Affine:
    """k·P."""
    return multiples_g1([scalar], [point])[0]


def rows_times_g1(
    rows: Sequence[Sequence[tuple[int, int]]], points: Sequence[G1Affine]
) -> list[G1Affine]:
    """A sparse matrix times points: each row is a list of (column, scalar)."""
    if not rows:
        return []
    if len(rows[0]) > _DENSE:
        return [sum_g1([k for _, k in row], [points[c] for c, _ in row]) for row in rows]
    flat = [entry for row in rows for entry in row]
    starts = np.cumsum([0, *(len(row) for row in rows)]).astype(np.uint64)
    columns = np.array([column for column, _ in flat], dtype=np.uint64)
    matrix = (starts, columns, scalar_rows(k for _, k in flat))
    return g1_points(backends.get().sparse_points_g1(matrix, g1_rows(points)))


def base_g1(scalars: Sequence[int], base: G1Affine = G1_GENERATOR) -> list[G1Affine]:
    """kᵢ·B for one base."""
    rows = None if base == G1_GENERATOR else g1_rows([base]).reshape(-1)
    return g1_points(backends.get().fixed_base_g1(scalar_rows(scalars), rows))


def base_g2(scalars: Sequence[int]) -> list[G2Affine]:
    """kᵢ·G₂ of the generator."""
    return g2_points(backends.get().fixed_base_g2(scalar_rows(scalars)))


def pairing_product_is_one(pairs: Sequence[tuple[G1Affine, G2Affine]]) -> bool:
    """Whether Π e(Pᵢ, Qᵢ) = 1; all Qᵢ have order r."""
    g1, g2 = g1_rows(p for p, _ in pairs), g2_rows(q for _, q in pairs)
    return backends.get().pairing_check(g1, g2)


def same_exponent(
    first: G1Affine,
    second: G2Affine,
    base1: G1Affine = G1_GENERATOR,
    base2: G2Affine = G2_GENERATOR,
) -> bool:
    """Whether e(P, B₂) = e(B₁, Q): P is to B₁ as Q is to B₂."""
    return pairing_product_is_one([(first, base2), (negative(base1), second)])


def negative(point: G1Affine) -> G1Affine:
    """−P."""
    return None if point is None else (point[0], _P - point[1])


def check_scalar(value: int, what: str) -> None:
    """PX-13: a scalar is canonical.

    Raises:
        MalformedSeal: PX-13, not in [0, r).
    """
    if not 0 <= value < R:
        raise MalformedSeal("PX-13", f"{what} is not below r", where=what)


def g2_on_twist(data: bytes, what: str) -> G2Affine:
    """Decode a compressed point of the twist; its order is checked for many points at once.

    `zk.curve.encoding` checks each point by itself in Python, which takes milliseconds; callers
    here pass all points of a message to `check_order_g2`.

    Raises:
        WrongLength, NonCanonical, NotOnCurve, IdentityPoint.
    """
    if len(data) != G2_BYTES:
        raise WrongLength(f"{what} takes {G2_BYTES} bytes, not {len(data)}", where=what)
    flags, last = data[-1] & _FLAGS, bytes([data[-1] & ~_FLAGS & 0xFF])
    if flags & 0x40:
        raise IdentityPoint(f"{what} is the point at infinity", where=what)
    numbers = tuple(
        int.from_bytes(part, "little") for part in (data[:BYTES], data[BYTES:-1] + last)
    )
    if any(number >= _P for number in numbers):
        raise NonCanonical(f"a coordinate of {what} is not below p", where=what)
    x = Fp2(*numbers)
    y = (x.square() * x + G2.b).sqrt()
    if y is None:
        raise NotOnCurve(f"{what} is not on BN254's twist", where=what)
    if is_larger(y) != bool(flags & 0x80):
        y = -y
    return x.to_ints(), y.to_ints()


def check_order_g2(points: Sequence[G2Affine], what: str) -> None:
    """All points of the twist have order r.

    Each by itself: a random combination would miss components of small order.

    Raises:
        NotInSubgroup: at least one has not.
    """
    if points and not backends.get().in_g2_subgroup(g2_rows(points)):
        raise NotInSubgroup(f"{what} is outside BN254's G2", where=what)
