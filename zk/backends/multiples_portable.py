"""Multiples of many points, for ceremonies: `scale_*` and `sparse_points_*` on scalar kernels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

import numpy as np

from zk.backends import checks
from zk.field.arrays import U64Array, address
from zk.interfaces import Csr
from zk.kernels import msm, scale
from zk.kernels.loaded import Kernels
from zk.kernels.points import G1, G2, Group

_CHUNK: Final = 1 << 8
_WORD: Final = 8


class PortableMultiples:
    """The part of `PortableBackend` that multiplies points one by one."""

    kernels: Kernels

    @abstractmethod
    def run_all(self, jobs: Iterable[Any], *, serial: bool) -> None: ...

    @abstractmethod
    def digits(self, scalars: U64Array, c: int, count: int) -> Any: ...

    def scale_g1(self, points: U64Array, scalars: U64Array) -> U64Array:
        return self._scaled(G1, points, scalars)

    def scale_g2(self, points: U64Array, scalars: U64Array) -> U64Array:
        return self._scaled(G2, points, scalars)

    def sparse_points_g1(self, matrix: Csr, points: U64Array) -> U64Array:
        return self._rows(G1, matrix, points)

    def sparse_points_g2(self, matrix: Csr, points: U64Array) -> U64Array:
        return self._rows(G2, matrix, points)

    def _scaled(self, group: Group, bases: U64Array, scalars: U64Array) -> U64Array:
        width = group.affine // _WORD
        n = checks.scaled(bases, width, scalars)
        out = np.zeros((n, width), dtype=np.uint64)
        count = msm.windows(scale.WINDOW)
        digits = self.digits(scalars, scale.WINDOW, count)
        step = 0 if len(scalars) == 1 else 1

        def chunk(start: int, stop: int) -> None:
            work = np.empty((stop - start, 2 * width), dtype=np.uint64)
            products = np.empty((stop - start, width // 2), dtype=np.uint64)
            self.kernels.call(
                f"{group.name}_scaled",
                *(address(x) for x in (out[start:], work, products, bases[start:])),
                address(digits[:, step * start :]),
                len(scalars),
                step,
                stop - start,
                count,
            )

        self._in_chunks(n, chunk)
        return out

    def _rows(self, group: Group, matrix: Csr, bases: U64Array) -> U64Array:
        width = group.affine // _WORD
        n = checks.sparse_points(matrix, bases, width)
        indptr, columns, values = matrix
        out = np.zeros((n, width), dtype=np.uint64)
        count = msm.windows(scale.WINDOW)
        digits = self.digits(values, scale.WINDOW, count)
        lengths = np.diff(indptr)

        def chunk(start: int, stop: int) -> None:
            longest = int(lengths[start:stop].max())
            tables = np.empty((longest * scale.ENTRIES, 2 * width), dtype=np.uint64)
            work = np.empty((stop - start, 2 * width), dtype=np.uint64)
            products = np.empty((stop - start, width // 2), dtype=np.uint64)
            self.kernels.call(
                f"{group.name}_rows",
                *(address(x) for x in (out[start:], work, products, tables, bases, digits)),
                len(values),
                address(columns),
                address(indptr),
                start,
                stop - start,
                count,
            )

        self._in_chunks(n, chunk)
        return out

    def _in_chunks(self, n: int, chunk: Any) -> None:
        starts = range(0, n, _CHUNK)
        jobs = (partial(chunk, start, min(start + _CHUNK, n)) for start in starts)
        self.run_all(jobs, serial=n <= _CHUNK)
