"""What verifiers ask of a backend, in Python integers."""

from __future__ import annotations

import numpy as np

from zk.backends import checks
from zk.backends.rows import g1_array, g1_points, g2_points
from zk.curve.bn254 import G1
from zk.curve.pairing import final_exponentiation, miller_loop
from zk.curve.weights import coefficient
from zk.field.arrays import U64Array, from_array, to_array, to_montgomery
from zk.field.params import FP, FR
from zk.interfaces import BoolArray, PreparedG1, PreparedG2

_NAME = "reference"


class ReferencePairings:
    """Products of pairings, combinations of fixed points, weights."""

    __slots__ = ()

    def prepare_g2(self, points: U64Array) -> PreparedG2:
        checks.rows(points, checks.G2_WIDTH, "points")
        return PreparedG2(points.copy(), points[:0], _NAME)

    def pairing_product(
        self, g1: U64Array, g2: U64Array, fixed_g1: U64Array, fixed: PreparedG2
    ) -> tuple[BoolArray, U64Array]:
        n, m = checks.product(g1, g2, fixed_g1, fixed, _NAME)
        left = [*g1_points(g1), *g1_points(fixed_g1)]
        right = [*g2_points(g2), *g2_points(fixed.points[:m])]
        inside = [(FR.modulus * q).is_identity() for q in right[:n]]
        if not all(inside):
            return np.array(inside, dtype=np.bool_), np.zeros((12, 4), dtype=np.uint64)
        value = final_exponentiation(miller_loop(zip(left, right, strict=True)))
        sixes = (value.c0, value.c1)
        twos = [two for six in sixes for two in (six.c0, six.c1, six.c2)]
        flat = [int(c) for two in twos for c in (two.c0, two.c1)]
        return np.ones(n, dtype=np.bool_), to_array(to_montgomery(flat, FP.modulus))

    def prepare_g1(self, points: U64Array) -> PreparedG1:
        checks.rows(points, checks.G1_WIDTH, "points")
        return PreparedG1(points.copy(), points[:0], 0, _NAME)

    def combine_g1(self, prepared: PreparedG1, scalars: U64Array) -> U64Array:
        checks.combination(prepared, scalars, _NAME)
        total = G1.identity()
        for point, k in zip(g1_points(prepared.points), from_array(scalars), strict=True):
            total = total + k * point
        return g1_array([total]).reshape(-1)

    def sum_g1(self, points: U64Array) -> U64Array:
        checks.rows(points, checks.G1_WIDTH, "points")
        total = G1.identity()
        for point in g1_points(points):
            total = total + point
        return g1_array([total]).reshape(-1)

    def weigh_g1(self, points: U64Array, weights: U64Array) -> U64Array:
        checks.weights(points, weights)
        factors = [coefficient(u, v) for u, v in weights.tolist()]
        return g1_array(k * p for k, p in zip(factors, g1_points(points), strict=True))
