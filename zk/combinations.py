"""Sums of multiples of Baby Jubjub's points: by kernels where a backend runs, else in Python.

For what everybody sees, such as signatures being verified. Secret scalars stay out of kernels:
these run in variable time and leave their tables in memory.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from zk.curve import babyjub
from zk.curve.babyjub import IDENTITY, Point


def combination(terms: Sequence[tuple[int, Point]]) -> Point:
    """Σ kᵢ·Pᵢ for scalars in [0, 2²⁵⁶) and points of the curve; the same everywhere."""
    backend = None
    if terms and "zk.backends" in sys.modules:  # importing arrays takes longer than a few terms
        from zk import backends

        backend = backends.started()
    if backend is None:
        total = IDENTITY
        for scalar, point in terms:
            total = babyjub.add(total, babyjub.multiply(scalar, point))
        return total
    from zk.field.arrays import LIMBS, from_array, to_array

    points = to_array(coordinate for _, point in terms for coordinate in point)
    scalars = to_array(scalar for scalar, _ in terms)
    x, y = from_array(backend.babyjub_sum(points.reshape(-1, 2 * LIMBS), scalars).reshape(2, LIMBS))
    return Point(x, y)
