"""Point additions with every exception, in every lazy representation, against `zk.curve`."""

from __future__ import annotations

import itertools

import pytest

from zk.curve.bn254 import G1 as CurveG1
from zk.curve.bn254 import G2 as CurveG2
from zk.field.arrays import to_montgomery
from zk.field.params import FP
from zk.kernels.points import G1, G2

GROUPS = {"g1": (G1, CurveG1, 1), "g2": (G2, CurveG2, 2)}
MULTIPLES = [0, 1, -1, 2, -2, 5]


def flat(point, words: int) -> list[int]:
    affine = point.to_affine()
    if affine is None:
        return [0] * (2 * words)
    return list(affine) if words == 1 else [*affine[0], *affine[1]]


def mont(values: list[int], shift: int = 0) -> list[int]:
    return [v + shift * FP.modulus for v in to_montgomery(values, FP.modulus)]


def scaled(point, words: int, z: int, shift: int) -> list[int]:
    """The XYZZ form with Z = z (an integer), coordinates raised by shift·p."""
    if point.is_identity():
        return [0] * (4 * words)
    coordinates = flat(point, words)
    zz, zzz = z * z % FP.modulus, z**3 % FP.modulus
    x = [c * zz % FP.modulus for c in coordinates[:words]]
    y = [c * zzz % FP.modulus for c in coordinates[words:]]
    pad = [0] * (words - 1)
    return mont([*x, *y, zz, *pad, zzz, *pad], shift)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("shift", [0, 1])
def test_full_and_mixed_additions(name, shift, call, normalise):
    group, curve, words = GROUPS[name]
    points = [k * curve.generator() for k in MULTIPLES]
    for p, q in itertools.product(points, points):
        want = mont(flat(p + q, words))
        left = scaled(p, words, 3, shift)
        total = call(f"{name}_add", 4 * words, left, scaled(q, words, 7, shift), alias=True)
        assert all(v < 2 * FP.modulus for v in total)
        assert normalise(group, total) == want
        if not q.is_identity():
            affine = mont(flat(q, words), shift)
            total = call(f"{name}_mixed", 4 * words, left, affine[:words], affine[words:])
            assert normalise(group, total) == want


@pytest.mark.parametrize("name", GROUPS)
def test_doubling(name, call, normalise):
    group, curve, words = GROUPS[name]
    for k in MULTIPLES:
        p = k * curve.generator()
        total = call(f"{name}_double", 4 * words, scaled(p, words, 11, 1), alias=True)
        assert normalise(group, total) == mont(flat(p + p, words))


@pytest.mark.parametrize("name", GROUPS)
def test_normalisation_of_many_with_infinities_among_them(name, normalise):
    group, curve, words = GROUPS[name]
    points = [k * curve.generator() for k in (0, 3, 0, 0, 4, 5, 0)]
    rows = [c for i, p in enumerate(points) for c in scaled(p, words, i + 2, i & 1)]
    assert normalise(group, rows) == [c for p in points for c in mont(flat(p, words))]
