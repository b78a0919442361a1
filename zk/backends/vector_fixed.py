"""Multiples of one base by vector kernels (`zk.kernels.vector.fixed_base`): tables and threads.

A share of scalars at a time becomes groups of references into the table, which are summed like the
buckets of a multi-scalar multiplication; the sums of a share are overwritten by those of the next.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from zk.field.arrays import U64Array, address
from zk.kernels import msm, points
from zk.kernels.vector import fixed_base_library, groups

if TYPE_CHECKING:
    from zk.backends.vector import VectorBackend, _Kind, _Work

LEAST: Final = 256
"""Fewer multiples are left to the scalar kernels."""
SHARE: Final = 2048
"""Scalars whose sums are kept at a time."""
_TABLE: Final = 12
"""What an entry of a table costs, in additions."""


LANES: Final = 8
"""Most elements that a vector holds."""


def window_bits(n: int) -> int:
    """Width c for n multiples: W·n additions, and a table of W·2^(c−1)."""
    costs = {c: msm.windows(c) * (n + (_TABLE << (c - 1))) for c in range(2, 13)}
    return min(costs, key=costs.__getitem__)


def table(backend: VectorBackend, group: points.Group, base: U64Array, c: int) -> U64Array:
    """Row w·2^(c−1) + j is (j + 1)·2^(c·w)·B, M; by scalar kernels."""
    width, rows = group.affine // 8, msm.windows(c) << (c - 1)
    out = np.empty((rows, width), dtype=np.uint64)
    work = np.empty((rows, 2 * width), dtype=np.uint64)
    scratch = np.empty((rows, width // 2), dtype=np.uint64)
    addresses = (address(x) for x in (out, work, scratch, base))
    backend.kernels.call(f"{group.name}_table", *addresses, msm.windows(c), c)
    return out


class Multiples:
    """Multiples of one base.

    Args:
        backend: whose kernels and threads are used.
        kind: the group.
        entries: a `table` without points at infinity.
        c: width of its windows.
    """

    def __init__(self, backend: VectorBackend, kind: _Kind, entries: U64Array, c: int) -> None:
        from zk.backends.vector import _aligned, _convert  # it imports this module

        self.backend = backend
        self.kind = kind
        self.c = c
        self.packed = _aligned(len(entries), kind.width)
        _convert(backend, "fp_pack", entries, self.packed)

    def of(self, scalars: U64Array) -> U64Array:
        """kᵢ·B as `[n, …]` M."""
        return _Run(self, scalars).out


class _Run:
    """One call: an arena with the table and room for the sums of each thread."""

    def __init__(self, base: Multiples, scalars: U64Array) -> None:
        from zk.backends.vector import _DUMMIES, _aligned, _digits, _dummies, _Work

        backend, self.kind = base.backend, base.kind
        self.backend = backend
        self.kernels = fixed_base_library.shared(backend.name)
        n = scalars.shape[0]
        self.windows = msm.windows(base.c)
        self.half = 1 << (base.c - 1)
        self.digits = _digits(backend, scalars, base.c, self.windows)
        self.out = np.zeros((n, self.kind.width), dtype=np.uint64)
        threads = min(backend.threads, -(-n // SHARE))
        self.size = min(SHARE, -(-n // threads))
        most = self.size * self.windows
        room = most + (groups.ROUNDS + 2) * groups.PAD
        self.table_at = _DUMMIES
        first = _DUMMIES + len(base.packed)
        self.arena = _aligned(first + threads * room, self.kind.width)
        self.arena[:_DUMMIES] = _dummies(backend, self.kind)
        self.arena[_DUMMIES:first] = base.packed

        def run(number: int) -> None:
            slot = first + number * room
            work = _Work(self, most, slot)
            for start in range(number * self.size, n, threads * self.size):
                work.slot = slot
                self._share(work, start, min(start + self.size, n))

        backend.run_all((partial(run, i) for i in range(threads)), serial=threads == 1)

    def _share(self, work: _Work, start: int, stop: int) -> None:
        counts = np.empty(stop - start, dtype=np.uint32)
        self.kernels.call(
            "fixed_refer",
            address(work.refs),
            address(counts),
            stop - start,
            address(self.digits[:, start:]),
            self.digits.shape[1],
            self.windows,
            self.half,
            self.table_at,
        )
        refs = work.reduce(work.refs, counts)
        (filled,) = np.nonzero(refs != groups.NONE)
        count = filled.size
        padded = np.zeros(-(-count // LANES) * LANES, dtype=np.uint32)
        padded[:count] = refs[filled]
        rows = np.empty((padded.size, self.kind.width), dtype=np.uint64)
        self.kernels.call(
            f"{self.kind.name}_rows",
            address(rows),
            address(self.arena),
            address(padded),
            padded.size,
        )
        self.out[start + filled] = rows[:count]
