"""What verifiers ask of a backend, on vector kernels."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np

from zk.backends import checks
from zk.backends.pairing_portable import PortablePairings, address
from zk.curve.bn254 import G1_GENERATOR
from zk.field.arrays import LIMBS, U64Array, to_array, to_montgomery
from zk.field.params import FP, FR
from zk.interfaces import BoolArray, PreparedG1, PreparedG2
from zk.kernels import msm, verification
from zk.kernels.vector import pairing, pairing_few, pairing_library, weigh
from zk.kernels.vector.library import VectorLibrary

_ALIGN: Final = 64
_ONE: Final = to_array(to_montgomery([1] + [0] * 11, FP.modulus))
START: Final = int.from_bytes(b"where sums of fixed points start", "big") % FR.modulus
_WIDE: Final = 8
_FEW_PAIRS: Final = 4
"""Up to here pairs are computed one by one where lanes are eight."""
_FEW: Final = 4
"""Below so many points, weights are computed one by one."""


def _room(values: int, lanes: int) -> U64Array:
    """Room for so many elements in limb form, on a cache line."""
    words = values * 5 * lanes
    raw = np.empty(words + _ALIGN // 8, dtype=np.uint64)
    start = (-address(raw) % _ALIGN) // 8
    return raw[start : start + words]


def _padded(rows: U64Array, lanes: int, fill: U64Array | None = None) -> U64Array:
    """Whole vectors of rows, with repetitions of the first, or of another, at the end."""
    n = rows.shape[0]
    missing = -n % lanes
    if missing == 0:
        return np.ascontiguousarray(rows)
    one = rows[:1] if fill is None else fill
    return np.concatenate([rows, np.repeat(one, missing, axis=0)])


class VectorPairings(PortablePairings):
    """Products of pairings and weights in lanes; small things are left to the scalar kernels."""

    vector: VectorLibrary

    @property
    def pairings(self) -> VectorLibrary:
        """Compiled when first used."""
        return pairing_library.shared(self.name)

    def prepare_g2(self, points: U64Array) -> PreparedG2:
        n = checks.rows(points, checks.G2_WIDTH, "points")
        lanes = self.pairings.lanes
        values = pairing.STEPS * pairing.PREPARED_VALUES
        lines = _room(-(-n // lanes) * values, lanes)
        state = _room(pairing.STATE_VALUES, lanes)
        flags = np.zeros(lanes, dtype=np.uint8)
        rows = _padded(points, lanes)
        for k in range(0, rows.shape[0], lanes):
            part = lines[k * values * 5 :]
            inputs = (part, rows[k:], state, flags)
            self.pairings.call("pairing_prepare", *(address(x) for x in inputs))
        return PreparedG2(points.copy(), lines, self.name)

    def pairing_product(
        self, g1: U64Array, g2: U64Array, fixed_g1: U64Array, fixed: PreparedG2
    ) -> tuple[BoolArray, U64Array]:
        n, m = checks.product(g1, g2, fixed_g1, fixed, self.name)
        if not fixed_g1.any(axis=1).all():  # lines at infinity are none
            g1 = np.concatenate([g1, fixed_g1])
            g2 = np.concatenate([g2, fixed.points[:m]])
            fixed_g1 = fixed_g1[:0]
        inside = np.ones(g1.shape[0], dtype=np.bool_)
        proper = g1.any(axis=1) & g2.any(axis=1)
        for i in np.flatnonzero(~proper):
            inside[i] = self.one_in_subgroup(g2[i : i + 1])
        if not proper.all():
            g1, g2 = g1[proper], g2[proper]
        out = np.zeros((pairing.ROWS, LIMBS), dtype=np.uint64)
        inside[proper] = self._miller_lanes(g1, g2, fixed_g1, fixed, out)
        if inside.all():
            verification.shared().call("fp12_easy", address(out))
            self.pairings.call("pairing_hard", address(out))
            verification.shared().call("fp12_canonical", address(out))
        return inside[:n], out[:12]

    def pairing_check(self, g1: U64Array, g2: U64Array) -> bool:
        none = PreparedG2(g2[:0], np.empty(0, dtype=np.uint64), self.name)
        _, product = self.pairing_product(g1, g2, g1[:0], none)
        return bool((product == _ONE).all())

    def _miller_lanes(
        self, g1: U64Array, g2: U64Array, fixed_g1: U64Array, fixed: PreparedG2, out: U64Array
    ) -> BoolArray:
        """The product before the final exponentiation; which points are in the subgroup."""
        lanes = self.pairings.lanes
        n, m = g1.shape[0], fixed_g1.shape[0]
        others = _padded(fixed_g1, lanes)
        fixed_groups = others.shape[0] // lanes
        if few := lanes == _WIDE and n <= _FEW_PAIRS:
            left, right, values = g1, g2, n * pairing_few.FEW_VALUES
            flags = np.zeros(n, dtype=np.uint8)
        else:
            left, right = _padded(g1, lanes), _padded(g2, lanes)
            values = left.shape[0] // lanes * pairing.STATE_VALUES
            flags = np.zeros(left.shape[0], dtype=np.uint8)
        states = _room(values + fixed_groups * pairing.FIXED_VALUES, lanes)
        self.pairings.call(
            "pairing_few" if few else "pairing_miller",
            *(address(x) for x in (out, left, right)),
            n,
            *(address(x) for x in (others, fixed.lines)),
            m,
            *(address(x) for x in (states, flags)),
        )
        return flags[:n].astype(np.bool_)

    def prepare_g1(self, points_: U64Array) -> PreparedG1:
        """Tables packed, all of a window together; where a point is infinity, none."""
        prepared = super().prepare_g1(points_)
        if prepared.bits == 0 or not points_.any(axis=1).all():
            return PreparedG1(prepared.points, prepared.tables[:0], 0, self.name)
        n, c = points_.shape[0], prepared.bits
        shape = (n, msm.windows(c), 1 << (c - 1), checks.G1_WIDTH)
        turned = np.ascontiguousarray(prepared.tables.reshape(shape).transpose(1, 0, 2, 3))
        return PreparedG1(prepared.points, self._packed(turned), c, self.name)

    def combine_g1(self, prepared: PreparedG1, scalars: U64Array) -> U64Array:
        checks.combination(prepared, scalars, self.name)
        c, n = prepared.bits, prepared.points.shape[0]
        if c == 0 or n == 0:
            return self.msm_g1(prepared.points, scalars)
        lanes = self.pairings.lanes
        windows = msm.windows(c)
        groups = -(-n * windows // lanes)
        digits = np.zeros(groups * lanes, dtype=np.int16)
        self.kernels.call("digits", address(digits), address(scalars), n, c, windows)
        sums = np.empty((lanes, 2 * checks.G1_WIDTH), dtype=np.uint64)
        out = np.empty(checks.G1_WIDTH, dtype=np.uint64)
        start, back = self._start
        inputs = (address(x) for x in (sums, prepared.tables, digits))
        self.pairings.call("g1_sum_lanes", *inputs, groups, 1 << (c - 1), address(start))
        inputs = (address(x) for x in (out, back, sums))
        if verification.shared().call("g1_fold", *inputs, lanes):
            return out
        return self.msm_g1(prepared.points, scalars)

    @functools.cached_property
    def _start(self) -> tuple[U64Array, U64Array]:
        """Where each lane of a sum starts, packed, and what takes all lanes' starts back."""
        lanes = self.pairings.lanes
        rows = self.fixed_base_g1(to_array([START, -START * lanes % FR.modulus]))
        return self._packed(rows[:1]), rows[1]

    def _packed(self, rows: U64Array) -> U64Array:
        """Coordinates in the form of tables, `[n, 8]`."""
        lanes = self.pairings.lanes
        flat = rows.reshape(-1, LIMBS)
        source = _padded(flat, lanes)
        out = np.empty_like(source)
        self.vector.call("fp_pack", address(out), address(source), source.shape[0])
        return out[: flat.shape[0]].reshape(-1, checks.G1_WIDTH)

    def weigh_g1(self, points: U64Array, weights: U64Array) -> U64Array:
        n = checks.weights(points, weights)
        if n < _FEW:
            return super().weigh_g1(points, weights)
        lanes = self.pairings.lanes
        present = points.any(axis=1)
        generator = to_array(to_montgomery(G1_GENERATOR, FP.modulus)).reshape(1, -1)
        rows = _padded(points, lanes, generator)
        if not present.all():
            rows = rows.copy()
            rows[:n][~present] = generator
        words = _padded(weights, lanes)
        groups = rows.shape[0] // lanes
        out = np.empty_like(rows)
        states = _room(groups * weigh.WEIGH_VALUES, lanes)
        inputs = (out, rows, words, states)
        self.pairings.call("g1_weigh", *(address(x) for x in inputs), groups)
        out = out[:n]
        out[~present] = 0
        return self._canonical(out)

    def _canonical(self, rows: U64Array) -> U64Array:
        verification.shared().call("fp_canonical", address(rows), rows.size // LIMBS)
        return rows
