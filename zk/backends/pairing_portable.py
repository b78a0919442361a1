"""What verifiers ask of a backend, on scalar kernels."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final

import numpy as np

from zk.backends import checks
from zk.field.arrays import LIMBS, U64Array, address
from zk.interfaces import BoolArray, PreparedG1, PreparedG2
from zk.kernels import msm, points, tower, verification
from zk.kernels.loaded import Kernels

_TABLE_BYTES: Final = 1 << 23
_WIDEST: Final = 6
"""Window of tables: wider ones take longer to make than a few verifications save."""
_NARROWEST: Final = 3


def table_bits(n: int) -> int:
    """The widest window whose tables for n points stay small; 0 where none does."""
    for c in range(_WIDEST, _NARROWEST - 1, -1):
        if n * msm.windows(c) * (1 << (c - 1)) * points.G1.affine <= _TABLE_BYTES:
            return c
    return 0


class PortablePairings:
    """Products of pairings, combinations of fixed points, weights."""

    kernels: Kernels

    @property
    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    def msm_g1(self, points: U64Array, scalars: U64Array) -> U64Array: ...

    @abstractmethod
    def fixed_base_g1(self, scalars: U64Array, base: U64Array | None = None) -> U64Array: ...

    @abstractmethod
    def digits(self, scalars: U64Array, c: int, count: int) -> Any: ...

    def prepare_g2(self, points: U64Array) -> PreparedG2:
        checks.rows(points, checks.G2_WIDTH, "points")
        return PreparedG2(points.copy(), points[:0], self.name)

    def pairing_product(
        self, g1: U64Array, g2: U64Array, fixed_g1: U64Array, fixed: PreparedG2
    ) -> tuple[BoolArray, U64Array]:
        n, m = checks.product(g1, g2, fixed_g1, fixed, self.name)
        inside = np.array([self.one_in_subgroup(g2[i : i + 1]) for i in range(n)], dtype=np.bool_)
        out = np.zeros((tower.FP12 // 32, LIMBS), dtype=np.uint64)
        if inside.all():
            left = np.concatenate([g1, fixed_g1])
            right = np.concatenate([g2, fixed.points[:m]])
            self.miller(left, right, out)
            self.kernels.call("final_exponentiation", address(out), address(out))
        return inside, out

    def one_in_subgroup(self, point: U64Array) -> bool:
        return bool(self.kernels.call("g2_in_subgroup", address(point), 1))

    def miller(self, g1: U64Array, g2: U64Array, out: U64Array) -> None:
        """The product before the final exponentiation; pairs with a point at infinity count 1."""
        proper = g1.any(axis=1) & g2.any(axis=1)
        left, right = np.ascontiguousarray(g1[proper]), np.ascontiguousarray(g2[proper])
        pairs = left.shape[0]
        moving, images = np.empty_like(right), np.empty_like(right)
        inverses = np.empty((pairs, tower.FP2 // 8), dtype=np.uint64)
        products = np.empty_like(inverses)
        buffers = (out, left, right, moving, images, inverses, products)
        self.kernels.call("miller", *(address(x) for x in buffers), pairs)

    def prepare_g1(self, points_: U64Array) -> PreparedG1:
        n = checks.rows(points_, checks.G1_WIDTH, "points")
        c = table_bits(n)
        if c == 0:
            return PreparedG1(points_.copy(), points_[:0], 0, self.name)
        entries = msm.windows(c) << (c - 1)
        tables = np.empty((n * entries, checks.G1_WIDTH), dtype=np.uint64)
        work = np.empty((entries, 2 * checks.G1_WIDTH), dtype=np.uint64)
        scratch = np.empty((entries, LIMBS), dtype=np.uint64)
        for i in range(n):
            self.kernels.call(
                "g1_table",
                address(tables[i * entries :]),
                address(work),
                address(scratch),
                address(points_[i]),
                msm.windows(c),
                c,
            )
        return PreparedG1(points_.copy(), tables, c, self.name)

    def combine_g1(self, prepared: PreparedG1, scalars: U64Array) -> U64Array:
        checks.combination(prepared, scalars, self.name)
        c = prepared.bits
        n = prepared.points.shape[0]
        if c == 0 or n == 0:
            return self.msm_g1(prepared.points, scalars)
        count = msm.windows(c)
        digits = self.digits(scalars, c, count)
        out = np.zeros(checks.G1_WIDTH, dtype=np.uint64)
        inputs = (address(x) for x in (out, prepared.tables, digits))
        verification.shared().call("g1_sum_tables", *inputs, n, n, count, 1 << (c - 1))
        return out

    def sum_g1(self, points_: U64Array) -> U64Array:
        n = checks.rows(points_, checks.G1_WIDTH, "points")
        ones = np.ones(n, dtype=np.int16)
        out = np.zeros(checks.G1_WIDTH, dtype=np.uint64)
        inputs = (address(x) for x in (out, points_, ones))
        verification.shared().call("g1_sum_tables", *inputs, n, n, 1, 1)
        return out

    def weigh_g1(self, points_: U64Array, weights: U64Array) -> U64Array:
        n = checks.weights(points_, weights)
        out = np.zeros_like(points_)
        work = np.empty(n * (4 * LIMBS + LIMBS), dtype=np.uint64)
        inputs = (address(x) for x in (out, points_, weights, work))
        verification.shared().call("g1_weigh", *inputs, n)
        return out
