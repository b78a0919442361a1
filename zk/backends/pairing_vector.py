"""What verifiers ask of a backend, on vector kernels."""

from __future__ import annotations

import functools
import threading
from typing import Final

import numpy as np

from zk.backends import checks
from zk.backends.pairing_portable import PortablePairings
from zk.curve.bn254 import G1_GENERATOR
from zk.field.arrays import LIMBS, U64Array, address, to_array, to_montgomery
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
    return _aligned(values * 5 * lanes)


def _aligned(words: int) -> U64Array:
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


class _Desk(threading.local):
    """Buffers of one thread for products of few pairs, with their addresses.

    What one verification needs, it needs at once and again and again: making arrays and asking for
    their addresses would take longer than some of its kernels.
    """

    def __init__(self) -> None:
        rows = _FEW_PAIRS * 3 + _WIDE
        self.points = np.ones((rows, checks.G1_WIDTH), dtype=np.uint64)
        self.heads = self.points[:, 0]
        self.g2 = self.points[: 2 * _FEW_PAIRS].reshape(_FEW_PAIRS, checks.G2_WIDTH)
        self.g1 = self.points[2 * _FEW_PAIRS : 3 * _FEW_PAIRS]
        self.fixed = self.points[3 * _FEW_PAIRS :]
        self.out = np.zeros((pairing.ROWS, LIMBS), dtype=np.uint64)
        self.flags = np.zeros(_FEW_PAIRS, dtype=np.uint8)
        values = _FEW_PAIRS * pairing_few.FEW_VALUES + pairing.FIXED_VALUES
        self._states = _room(values, _WIDE)
        self.at_out, self.at_states = address(self.out), address(self._states)
        self.at_g1, self.at_g2, self.at_fixed = map(address, (self.g1, self.g2, self.fixed))
        self.at_flags = address(self.flags)

    def take(self, g1: U64Array, g2: U64Array, fixed_g1: U64Array) -> bool:
        """Copies points; whether none of them can be infinity."""
        self.heads.fill(1)
        self.g1[: g1.shape[0]] = g1
        self.g2[: g2.shape[0]] = g2
        self.fixed[: fixed_g1.shape[0]] = fixed_g1
        return bool(self.heads.all())


class VectorPairings(PortablePairings):
    """Products of pairings and weights in lanes; small things are left to the scalar kernels."""

    vector: VectorLibrary

    @functools.cached_property
    def _desk(self) -> _Desk:
        return _Desk()

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
        desk = self._desk
        small = self.pairings.lanes == _WIDE and n <= _FEW_PAIRS and m <= _WIDE
        if small and desk.take(g1, g2, fixed_g1):
            return self._few(desk, n, m, fixed)
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
            self._final(address(out))
        return inside[:n], out[:12]

    def _few(self, desk: _Desk, n: int, m: int, fixed: PreparedG2) -> tuple[BoolArray, U64Array]:
        """The product of what lies on the desk."""
        self.pairings.call(
            "pairing_few",
            desk.at_out,
            desk.at_g1,
            desk.at_g2,
            n,
            desk.at_fixed,
            address(fixed.lines),
            m,
            desk.at_states,
            desk.at_flags,
        )
        inside = desk.flags[:n] != 0
        if inside.all():
            self._final(desk.at_out)
        return inside, desk.out[:12].copy()

    def _final(self, where: int) -> None:
        """The final exponentiation of the rows that lie there, canonical."""
        verification.shared().call("fp12_easy", where)
        self.pairings.call("pairing_hard", where)
        verification.shared().call("fp12_canonical", where)

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
        left, right, others = (_padded(x, lanes) for x in (g1, g2, fixed_g1))
        groups, fixed_groups = left.shape[0] // lanes, others.shape[0] // lanes
        states = _room(groups * pairing.STATE_VALUES + fixed_groups * pairing.FIXED_VALUES, lanes)
        flags = np.zeros(groups * lanes, dtype=np.uint8)
        self.pairings.call(
            "pairing_miller",
            *(address(x) for x in (out, left, right)),
            n,
            *(address(x) for x in (others, fixed.lines)),
            m,
            *(address(x) for x in (states, flags)),
        )
        return flags[:n].astype(np.bool_)

    def prepare_g1(self, points_: U64Array) -> PreparedG1:
        """Tables packed, all of a window together; where a point is infinity, none."""
        checks.rows(points_, checks.G1_WIDTH, "points")
        if not points_.any(axis=1).all():
            return PreparedG1(points_.copy(), points_[:0], 0, self.name)
        prepared = super().prepare_g1(points_)
        if prepared.bits == 0:
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
        at_digits = address(digits)
        self.kernels.call("digits", at_digits, address(scalars), n, c, windows)
        room = np.empty((lanes + 1, 2 * checks.G1_WIDTH), dtype=np.uint64)
        out = address(room)
        sums = out + room.strides[0]
        _, _, at_start, at_back = self._start
        self.pairings.call(
            "g1_sum_lanes",
            sums,
            address(prepared.tables),
            at_digits,
            groups,
            1 << (c - 1),
            at_start,
        )
        if verification.shared().call("g1_fold", out, at_back, sums, lanes):
            return room[0, : checks.G1_WIDTH]
        return self.msm_g1(prepared.points, scalars)

    @functools.cached_property
    def _start(self) -> tuple[U64Array, U64Array, int, int]:
        """Where each lane of a sum starts, packed; what takes all starts back; their addresses."""
        lanes = self.pairings.lanes
        rows = self.fixed_base_g1(to_array([START, -START * lanes % FR.modulus]))
        start, back = self._packed(rows[:1]), rows[1]
        return start, back, address(start), address(back)

    def _packed(self, rows: U64Array) -> U64Array:
        """Coordinates in the form of tables, `[n, 8]`."""
        lanes = self.pairings.lanes
        flat = rows.reshape(-1, LIMBS)
        source = _padded(flat, lanes)
        out = _aligned(source.size).reshape(source.shape)  # a point a cache line
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
