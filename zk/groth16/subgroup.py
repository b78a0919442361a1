"""Whether many points of the twist all have order r, by random combinations.

The check of one point costs 70 microseconds and more, of a key's 100,000 seconds. One random
combination Σ ρᵢ·Qᵢ with one check at its end is *not* enough: the cofactor h = 2q − r has small
prime factors, so a bad point is often hidden. Several combinations are.

Soundness. h is coprime to r, so every Q of the twist is a sum of a point of G2 and one of the group
H of order h. Let Qⱼ be outside G2: its part in H is not 0, and its order d there divides h, so
d ≥ 10,069, the smallest prime factor of h. Fix all ρ but ρⱼ. The sum lies in G2 if and only if ρⱼ
times that part equals a certain element, which decides ρⱼ mod d. ρⱼ is uniform among the 2¹² < d
values in [0, 2¹²), pairwise different mod d: at most one of them passes. So one combination misses
bad points with probability at most 2⁻¹², whatever they are and however many; eleven independent
ones with at most 2⁻¹³². The ρ come from the operating system, after the points are fixed.

(A larger range for ρ gains nothing against order 10,069, which passes once in 10,069 times anyway.)
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

import numpy as np

from zk.field.arrays import LIMBS, U64Array
from zk.groth16.points import G2_WIDTH
from zk.interfaces import Backend

BITS: Final = 12
ROUNDS: Final = 11
SMALLEST_FACTOR: Final = 10_069
"""Of the cofactor 2q − r; above 2^BITS."""
FEW: Final = 32
"""Up to here each point is checked by itself."""


def first_outside_g2(
    points: U64Array,
    backend: Backend,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> int:
    """Index of the first row outside the subgroup, n where all are in it.

    Wrong with probability at most 2⁻¹³² a look, and at most ⌈log₂ n⌉ looks are taken.

    Args:
        points: `[n, 16]` Montgomery, known to be on the twist or infinity.
        backend: what computes.
        random_bytes: unpredictable bytes, as many as asked for.
    """
    start, stop = 0, len(points)
    if _all_inside(points, backend, random_bytes):
        return stop
    while stop - start > 1:  # rows before `start` are inside, some row of start … stop is not
        middle = (start + stop) // 2
        if _all_inside(points[start:middle], backend, random_bytes):
            start = middle
        else:
            stop = middle
    return start


def _all_inside(points: U64Array, backend: Backend, random_bytes: Callable[[int], bytes]) -> bool:
    count = len(points)
    if count <= FEW:
        return backend.in_g2_subgroup(points)
    scalars = np.zeros((count, LIMBS), dtype=np.uint64)
    sums = np.empty((ROUNDS, G2_WIDTH), dtype=np.uint64)
    for total in sums:
        drawn = np.frombuffer(random_bytes(2 * count), dtype="<u2")
        scalars[:, 0] = drawn & ((1 << BITS) - 1)
        total[:] = backend.msm_g2(points, scalars)
    return backend.in_g2_subgroup(sums)
