"""The formulas of SPEC.md once more, plainly: the twin that the fast code is compared with.

Python's integers and `zk.curve.bn254`'s classes only: no arrays, no kernels, no random
combinations, one equation at a time. Slow (milliseconds a multiplication), for tests and readers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from private_exec.cipher import Seal, challenge
from zk.curve.bn254 import G1, G2, G1Affine, G2Affine
from zk.curve.pairing import pairing
from zk.field.params import FR

R = FR.modulus


def polynomial(coefficients: Sequence[int], packing: int, x: int) -> int:
    """S(x) = s + Z(x)·T(x) of (s, T₀, T₁, …)."""
    z = 1
    for k in range(packing):
        z *= x + 1 + k
    t = sum(c * x**k for k, c in enumerate(coefficients[1:]))
    return int((coefficients[0] + z * t) % R)


def basis(points: Sequence[int], which: int, at: int) -> int:
    """Lagrange's basis polynomial of one of the points, at another."""
    value = 1
    for j, other in enumerate(points):
        if j != which:
            value = value * (at - other) * pow(points[which] - other, -1, R) % R
    return value


def weighted_base(bases: Sequence[G1Affine], packing: int, number: int) -> G1:
    """Qᵢ of one sub-batch of at most ℓ ciphertexts."""
    points = [-1 - s for s in range(packing)]
    total = G1.identity()
    for s, base in enumerate(bases):
        total = total + basis(points, s, number) * G1.from_affine(base)
    return total


def share(value: int, bases: Sequence[G1Affine], packing: int, number: int) -> G1Affine:
    """Dᵢ = S(i)·Qᵢ of one sub-batch."""
    return (value * weighted_base(bases, packing, number)).to_affine()


def share_holds(
    point: G1Affine, bases: Sequence[G1Affine], packing: int, number: int, vk: G2Affine
) -> bool:
    """e(Dᵢ, G₂) = e(Qᵢ, vkᵢ)."""
    left = pairing(G1.from_affine(point), G2.generator())
    return left == pairing(weighted_base(bases, packing, number), G2.from_affine(vk))


def combine(shares: Mapping[int, G1Affine], place: int) -> G1Affine:
    """K of the ciphertext at a slot of one sub-batch, from shares by number."""
    numbers = sorted(shares)
    total = G1.identity()
    for k, number in enumerate(numbers):
        total = total + basis(numbers, k, -1 - place) * G1.from_affine(shares[number])
    return total.to_affine()


def reveal_holds(point: G1Affine, base: G1Affine, pk2: G2Affine) -> bool:
    """e(K, G₂) = e(U, pk₂)."""
    left = pairing(G1.from_affine(point), G2.generator())
    return left == pairing(G1.from_affine(base), G2.from_affine(pk2))


def seal_holds(sealed: Seal, label: bytes, second_base: G1Affine) -> bool:
    """ZG = W + eU and zḠ = W̄ + eŪ."""
    u, u_bar, w, w_bar = map(G1.from_affine, (sealed.u, sealed.u_bar, sealed.w, sealed.w_bar))
    e = challenge(label, sealed.u, sealed.u_bar, sealed.w, sealed.w_bar, sealed.body)
    plain = sealed.z * G1.generator() == w + e * u
    return plain and sealed.z * G1.from_affine(second_base) == w_bar + e * u_bar
