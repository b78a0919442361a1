"""Shamir's sharing over Fr, packed: one polynomial holds the secret at ℓ slots.

    S(X) = s + Z(X)·T(X)       Z(X) = Π (X + k), 1 ≤ k ≤ ℓ        T of degree p − 1, random

Holders have the points 1 … n, slots are −1 … −ℓ, so S has the value s at every slot and degree
p + ℓ − 1. Writing S like this enforces the slots: commitments to s and to T's coefficients are all
that a dealer publishes (Franklin and Yung, STOC 1992; NOTES.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from zk.field.params import FR

R: Final = FR.modulus


def slot(number: int) -> int:
    """The point of slot 0 … ℓ − 1: −1 … −ℓ modulo r."""
    return R - 1 - number


def slots(packing: int) -> tuple[int, ...]:
    """The points of all slots."""
    return tuple(slot(k) for k in range(packing))


def vanishing(packing: int, x: int) -> int:
    """Z(x): 0 at every slot, nowhere else."""
    value = 1
    for k in range(1, packing + 1):
        value = value * (x + k) % R
    return value


def lagrange(points: Sequence[int], at: int) -> list[int]:
    """Weights w with f(at) = Σ wᵢ·f(pointsᵢ) for every f of degree below the number of points.

    Raises:
        ValueError: a point occurs twice modulo r.
    """
    return list(_lagrange(tuple(x % R for x in points), at % R))


@lru_cache(maxsize=4096)
def _lagrange(points: tuple[int, ...], at: int) -> tuple[int, ...]:
    if len(set(points)) != len(points):
        raise ValueError("points of interpolation must differ")
    weights = []
    for i, x in enumerate(points):
        above, below = 1, 1
        for j, other in enumerate(points):
            if j != i:
                above = above * (at - other) % R
                below = below * (x - other) % R
        weights.append(above * pow(below, -1, R) % R)
    return tuple(weights)


def interpolate(points: Sequence[int], values: Sequence[int], at: int) -> int:
    """f(at) for the f of least degree through the points."""
    return sum(w * v for w, v in zip(lagrange(points, at), values, strict=True)) % R


def commitment_weights(packing: int, x: int, count: int) -> list[int]:
    """Weights w with S(x) = Σ wₖ·cₖ for S's `count` coefficients c = (s, T₀, T₁, …).

    (1, Z(x), Z(x)·x, Z(x)·x², …): the same weights take commitments to S(x)·G.
    """
    weights, power = [1], vanishing(packing, x)
    while len(weights) < count:
        weights.append(power)
        power = power * x % R
    return weights


@dataclass(frozen=True, slots=True)
class PackedPolynomial:
    """S, by s and the coefficients of T; prints neither.

    Attributes:
        packing: ℓ.
        coefficients: (s, T₀, …, T_{p−1}).
    """

    packing: int
    coefficients: tuple[int, ...] = field(repr=False)

    @property
    def secret(self) -> int:
        return self.coefficients[0]

    def share(self, x: int) -> int:
        """S(x)."""
        weights = commitment_weights(self.packing, x, len(self.coefficients))
        return sum(w * c for w, c in zip(weights, self.coefficients, strict=True)) % R


@lru_cache(maxsize=4096)
def slot_weights(packing: int, x: int) -> tuple[int, ...]:
    """L_s(x) of the ℓ slots: how holder x weighs the ciphertexts of a sub-batch."""
    return tuple(lagrange(slots(packing), x))
