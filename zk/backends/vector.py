"""Backends on vector kernels (`zk.kernels.vector`): `fma` and `ifma`.

Multi-scalar multiplication as sums of groups, all of them batches of affine additions:

    1. cut each scalar into W signed digits of c bits
    2. per window, add each point to the bucket of its |digit|                    n additions
    3. write a bucket's weight as r·S + s: sums of rows and of columns            2 a bucket
    4. write r and s in bits: one sum for each bit of each window                 few
    5. Horner over all c·W bits, in XYZZ coordinates                              257 doublings

What has no vector kernel is inherited from the portable backend.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from zk.backends import checks, vector_fixed, vector_ntt
from zk.backends.arenas import Arenas
from zk.backends.linear_vector import VectorLinear
from zk.backends.pairing_vector import VectorPairings
from zk.backends.portable import PortableBackend
from zk.backends.poseidon_vector import VectorHashes
from zk.field.arrays import LIMBS, U64Array, address, from_array, to_array, to_montgomery
from zk.field.params import FP, FR
from zk.kernels import msm, points
from zk.kernels.vector import groups, library
from zk.kernels.vector.sums import AHEAD, SIGN

U32Array = npt.NDArray[np.uint32]

_SMALL: Final = 64
_BATCH: Final = 1 << 22
"""Bytes that the points of the windows of a batch would fill."""
_ALONE: Final = 1 << 12
"""Fewer points are prepared by one thread."""
_DUMMIES: Final = 2
_ALIGN: Final = 64
_LANES: Final = 8
"""Most elements that a vector holds."""
_AHEAD: Final = AHEAD * _LANES
_WEIGHT: Final = 1.3
"""Additions that a bucket costs: two for its row and column, less the one its first point saves."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One group for both kinds of kernels."""

    scalar: points.Group

    @property
    def name(self) -> str:
        return self.scalar.name

    @property
    def width(self) -> int:
        """Words of an affine point."""
        return self.scalar.affine // 8


def _window_bits(n: int, bits: int) -> int:
    """Window width c that minimises the additions for n scalars of so many bits."""
    costs = {
        c: -(-(bits + 1) // c) * (n + _WEIGHT * (1 << (c - 1)))
        for c in range(2, msm.MAX_WINDOW + 1)
    }
    return min(costs, key=costs.__getitem__)


def _present(rows: U64Array) -> npt.NDArray[np.bool_]:
    """Which rows are not all zero; few start with a zero word, so one column says nearly all."""
    out: npt.NDArray[np.bool_] = rows[:, 0] != 0
    (doubtful,) = np.nonzero(~out)
    out[doubtful] = rows[doubtful].any(axis=1)
    return out


def _aligned(rows: int, width: int) -> U64Array:
    """Uninitialised `uint64[rows, width]` on a cache line."""
    raw = np.empty(rows * width + _ALIGN // 8, dtype=np.uint64)
    start = (-address(raw) % _ALIGN) // 8
    return raw[start : start + rows * width].reshape(rows, width)


class VectorBackend(VectorPairings, VectorHashes, VectorLinear, PortableBackend):
    """`zk.interfaces.Backend` on vector kernels of one multiplier.

    Args:
        multiplier: `fma` or `ifma` (or `ifma-emulated`, for tests).
        threads: most threads to use; the number of processors by default.

    Raises:
        BackendUnavailable: this machine lacks the instructions.
    """

    vectors = True

    def __init__(self, multiplier: str, threads: int | None = None) -> None:
        self.vector = library.shared(multiplier)
        super().__init__(threads)
        self._multiplier = multiplier
        self.pads: dict[str, U64Array] = {}
        self.arenas = Arenas()
        self._generators: dict[str, vector_fixed.Multiples] = {}
        self.transforms = vector_ntt.Transforms(self, multiplier)

    @property
    def name(self) -> str:
        return self._multiplier

    def ntt(self, values: U64Array, *, inverse: bool = False) -> U64Array:
        done = self.transforms.planned(values, inverse=inverse)
        if done is not None:
            return done
        log = checks.domain(values)
        if log < vector_ntt.LEAST:
            return super().ntt(values, inverse=inverse)
        return self.transforms.ntt(values, log, inverse=inverse)

    def quotient(self, a: U64Array, b: U64Array) -> U64Array:
        log = checks.quotient(a, b)
        if log < vector_ntt.LEAST:
            return super().quotient(a, b)
        return self.transforms.quotient(a, b, log)

    def _fixed(
        self,
        group: points.Group,
        scalars: U64Array,
        base: U64Array | None,
        generator: tuple[int, ...],
    ) -> U64Array:
        n = checks.rows(scalars, LIMBS, "scalars")
        if n >= vector_fixed.LEAST:
            multiples = self._multiples(group, base, generator, vector_fixed.window_bits(n))
            if multiples is not None:
                return multiples.of(scalars)
        return super()._fixed(group, scalars, base, generator)

    def _multiples(
        self, group: points.Group, base: U64Array | None, generator: tuple[int, ...], c: int
    ) -> vector_fixed.Multiples | None:
        """Tables of a base, or none if it has points at infinity; the generator's are kept."""
        known = self._generators.get(group.name)
        if base is None and known is not None and known.c >= c:
            return known
        width = group.affine // 8
        if base is None:
            point = to_array(to_montgomery(generator, FP.modulus)).reshape(1, width)
        else:
            point = checks.one_point(base, width)
        entries = vector_fixed.table(self, group, point, c)
        if not _present(entries).all():
            return None
        made = vector_fixed.Multiples(self, _Kind(group), entries, c)
        if base is None:
            self._generators[group.name] = made
        return made

    def _msm(self, group: points.Group, bases: U64Array, scalars: U64Array) -> U64Array:
        n = checks.rows(bases, group.affine // 8, "points")
        checks.rows(scalars, LIMBS, "scalars", count=n)
        used = _present(bases) & _present(scalars)
        count = int(np.count_nonzero(used))
        if count < _SMALL:
            if count < n:
                bases, scalars = bases[used], scalars[used]
            return super()._msm(group, bases, scalars)
        if count < n:
            bases, scalars = bases[used], scalars[used]
        task = _Msm(self, _Kind(group), bases, scalars)
        out = task.run()
        self.arenas.give(task.arena)
        return out


class _Msm:
    """One multiplication: its buffers and its steps."""

    def __init__(
        self, backend: VectorBackend, kind: _Kind, bases: U64Array, scalars: U64Array
    ) -> None:
        self.backend = backend
        self.kind = kind
        self.n = n = bases.shape[0]
        wide = int(np.count_nonzero(scalars[:, 1] | scalars[:, 2] | scalars[:, 3]))
        self.c = c = _window_bits(max(wide, n // 16), FR.modulus.bit_length())
        self.half = 1 << (c - 1)
        windows = msm.windows(c)
        self.digits = _digits(backend, scalars, c, windows)
        self.busy = [w for w in range(windows) if self.digits[w].any()]
        threads = backend.threads
        self.shares = [s for s in (self.busy[k::threads] for k in range(threads)) if s]
        self.batch = max(1, min(max(map(len, self.shares)), _BATCH // (8 * kind.width * n)))
        self.low = c // 2
        self.columns = 1 << self.low
        self.rows = (self.half >> self.low) + 1
        spare = (groups.ROUNDS + 2) * groups.PAD
        self.lines_at = _DUMMIES + n
        self.room_at = self.lines_at + windows * (self.rows + self.columns)
        self.room = self.batch * (n + 2 * self.rows * self.columns) + 2 * spare
        bits = windows * c * max(self.rows, self.columns) + spare
        size = self.room_at + max(len(self.shares) * self.room, bits)
        self.arena = backend.arenas.take(size, kind.width)
        self.arena[:_DUMMIES] = _dummies(backend, kind)
        packed = self.arena[_DUMMIES : _DUMMIES + n]
        pieces = _cut(n, threads)
        backend.run_all(
            (partial(_convert, backend, "fp_pack", bases[a:b], packed[a:b]) for a, b in pieces),
            serial=n < _ALONE,
        )
        self.lines = np.full((windows, self.rows + self.columns), groups.NONE, dtype=np.uint32)

    def run(self) -> U64Array:
        jobs = [partial(self._windows, k) for k in range(len(self.shares))]
        self.backend.run_all(jobs, serial=len(jobs) == 1)
        return self._combine(*self._bits())

    def _windows(self, share: int) -> None:
        """Sums of rows and columns of one thread's windows, some windows at a time."""
        chosen = self.shares[share]
        rows, columns = self.rows, self.columns
        first = self.room_at + share * self.room
        call = self.backend.vector.call
        entries = rows * columns
        work = _Work(self, 2 * self.batch * entries, first)
        lengths = np.empty(self.batch * (rows + columns), dtype=np.uint32)
        table = np.empty(self.batch * entries, dtype=np.uint32)
        for start in range(0, len(chosen), self.batch):
            batch = chosen[start : start + self.batch]
            table[: len(batch) * entries] = groups.NONE
            work.slot = first
            work.fill(table, self.digits, batch, entries)
            shape = (len(batch), rows, columns)
            call("lines", address(work.refs), address(lengths), address(table), *shape)
            used = lengths[: len(batch) * (rows + columns)]
            sums = np.split(work.reduce(work.refs, used), [len(batch) * rows])
            for part, at in zip(sums, (0, rows), strict=True):
                self._keep(part.reshape(len(batch), -1), batch, at)

    def _keep(self, part: U32Array, batch: list[int], at: int) -> None:
        """Copies sums out of the room that the next batch will use."""
        row, line = np.nonzero(part != groups.NONE)
        refs = part[row, line]
        windows = np.asarray(batch)[row]
        targets = self.lines_at + windows * (self.rows + self.columns) + at + line
        self.arena[targets] = self.arena[refs & (SIGN - 1)]
        self.lines[windows, at + line] = targets.astype(np.uint32) | (refs & SIGN)

    def _bits(self) -> tuple[U32Array, U32Array]:
        """References to the sums of all bits of all windows, and the bits' positions."""
        lines = self.lines[self.busy]
        base = np.asarray(self.busy, dtype=np.int64) * self.c
        parts, positions = [], []
        for weights, first in ((lines[:, self.rows :], 0), (lines[:, : self.rows], self.low)):
            size = weights.shape[1]
            for bit in range((size - 1).bit_length()):
                parts.append(weights[:, (np.arange(size) >> bit) & 1 == 1])
                positions.append(base + first + bit)
        work = _Work(self, sum(part.size for part in parts), self.room_at)
        return np.concatenate(work.sums(parts)), np.concatenate(positions)

    def _combine(self, refs: U32Array, positions: U32Array) -> U64Array:
        """Horner over the bits."""
        width = self.kind.width
        filled = refs != groups.NONE
        refs, positions = refs[filled], positions[filled]
        padded = -(-refs.size // _LANES) * _LANES
        chosen = np.zeros((padded, width), dtype=np.uint64)
        chosen[:] = self.arena[0]
        chosen[: refs.size] = self.arena[refs & (SIGN - 1)]
        affine = np.empty_like(chosen)
        _convert(self.backend, "fp_unpack", chosen, affine)
        negative = np.nonzero(refs & SIGN)[0]
        if negative.size:
            y = affine[negative, width // 2 :].reshape(-1, LIMBS)
            turned = to_array(2 * FP.modulus - v for v in from_array(y))
            affine[negative, width // 2 :] = turned.reshape(negative.size, -1)
        last = int(positions.max()) + 1 if refs.size else 1
        sums = np.zeros((last, 2 * width), dtype=np.uint64)
        sums[positions, :width] = affine[: refs.size]
        one = to_array(to_montgomery([1], FP.modulus))[0]
        for start in (width, width + width // 2):
            sums[positions, start : start + LIMBS] = one
        out = np.zeros(width, dtype=np.uint64)
        self.backend.kernels.call(f"{self.kind.name}_combine", address(out), address(sums), last, 1)
        return out


class Task(Protocol):
    """What sums are part of.

    Attributes:
        backend: whose kernels are used.
        kind: the group.
        arena: dummies, points and room for sums.
    """

    backend: VectorBackend
    kind: _Kind
    arena: U64Array


class _Work:
    """Buffers of one reduction after another in one thread, and where sums go next."""

    def __init__(self, task: Task, most: int, slot: int) -> None:
        self.task = task
        self.slot = slot
        self.scratch = _aligned(groups.BLOCK, task.kind.width * 5 // 4)
        most = max(most, 2 * groups.BLOCK)
        self.refs = np.empty(most + groups.SLACK, dtype=np.uint32)
        self.spare = np.empty_like(self.refs)
        half = most // 2 + groups.PAD + groups.SLACK
        self.left = np.empty(half + _AHEAD, dtype=np.uint32)
        self.right = np.empty_like(self.left)
        self.gone = np.zeros(half, dtype=np.uint8)

    def fill(
        self, table: U32Array, digits: npt.NDArray[np.int16], windows: list[int], entries: int
    ) -> None:
        """Sums of buckets.

        Args:
            table: NONE everywhere; a bucket's entry in its window's part is |digit|.
            digits: of all windows and points.
            windows: which of them.
            entries: of the table, for each window.
        """
        task = self.task
        chosen = np.asarray(windows, dtype=np.uint64)
        buffers = (self.left, self.right, self.refs, self.spare, table, digits, chosen)
        self.slot = task.backend.vector.call(
            f"{task.kind.name}_fill",
            address(task.arena),
            *(address(x) for x in buffers),
            chosen.size,
            digits.shape[1],
            digits.shape[1],
            entries,
            _DUMMIES,
            self.slot,
            address(self.scratch),
            address(self.gone),
        )

    def reduce(self, refs: U32Array, counts: U32Array) -> U32Array:
        """The sum of each group, or NONE.

        Args:
            refs: `refs` or `spare`; overwritten, and so is the other one.
            counts: sizes of the groups; 0 or 1 afterwards.
        """
        other = self.spare if refs is self.refs else self.refs
        task = self.task
        self.slot = task.backend.vector.call(
            f"{task.kind.name}_reduce",
            address(task.arena),
            address(refs),
            address(other),
            address(counts),
            counts.size,
            address(self.left),
            address(self.right),
            self.slot,
            address(self.scratch),
            address(self.gone),
        )
        out = np.full(counts.size, groups.NONE, dtype=np.uint32)
        filled = counts != 0
        out[filled] = refs[: int(np.count_nonzero(filled))]
        return out

    def sums(self, parts: list[U32Array]) -> list[U32Array]:
        """The sum of each last axis of some arrays of references."""
        filled = [part != groups.NONE for part in parts]
        refs = np.concatenate([p[f] for p, f in zip(parts, filled, strict=True)])
        counts = [f.sum(axis=-1).astype(np.uint32) for f in filled]
        self.refs[: refs.size] = refs
        flat = self.reduce(self.refs, np.concatenate([c.reshape(-1) for c in counts]))
        cuts = np.cumsum([c.size for c in counts])[:-1]
        return [x.reshape(c.shape) for x, c in zip(np.split(flat, cuts), counts, strict=True)]


def _cut(n: int, parts: int) -> list[tuple[int, int]]:
    """range(n) in at most so many pieces, of whole vectors but for the end of the last one."""
    step = max(1, -(-n // (parts * _LANES))) * _LANES
    return [(start, min(start + step, n)) for start in range(0, n, step)]


def _digits(backend: VectorBackend, scalars: U64Array, c: int, count: int) -> npt.NDArray[np.int16]:
    """`int16[count, n or a little more]`, the signed digits of all scalars; the rest is 0."""
    n = scalars.shape[0]
    whole, stride = n // _LANES * _LANES, -(-n // _LANES) * _LANES
    out = np.empty((count, stride), dtype=np.int16)
    call = backend.vector.call
    target, source = address(out), address(scalars)

    def part(start: int, stop: int) -> None:
        rows = source + 8 * LIMBS * start
        call("vector_digits", target + 2 * start, rows, stop - start, c, count, stride)

    pieces = _cut(whole, backend.threads)
    backend.run_all((partial(part, a, b) for a, b in pieces), serial=n < _ALONE)
    if whole < n:
        tail = np.zeros((_LANES, LIMBS), dtype=np.uint64)
        tail[: n - whole] = scalars[whole:]
        call("vector_digits", target + 2 * whole, address(tail), _LANES, c, count, stride)
    return out


def _convert(backend: VectorBackend, kernel: str, rows: U64Array, out: U64Array) -> None:
    """Whole arrays between the two forms; the tail that fills no vector goes through a copy."""
    flat, target = rows.reshape(-1, LIMBS), out.reshape(-1, LIMBS)
    whole = flat.shape[0] // _LANES * _LANES
    backend.vector.call(kernel, address(target), address(flat), whole)
    if whole < flat.shape[0]:
        tail = np.zeros((2, _LANES, LIMBS), dtype=np.uint64)
        tail[0, : flat.shape[0] - whole] = flat[whole:]
        backend.vector.call(kernel, address(tail[1]), address(tail[0]), _LANES)
        target[whole:] = tail[1, : flat.shape[0] - whole]


def _dummies(backend: VectorBackend, kind: _Kind) -> U64Array:
    """Two packed points of different x: the generator and its double."""
    if kind.name not in backend.pads:
        multiply = backend.fixed_base_g1 if kind.name == "g1" else backend.fixed_base_g2
        out = np.empty((_DUMMIES, kind.width), dtype=np.uint64)
        _convert(backend, "fp_pack", multiply(to_array([1, 2])), out)
        backend.pads[kind.name] = out
    return backend.pads[kind.name]
