"""Sums of multiples on Baby Jubjub, on scalar kernels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import numpy as np

from zk.backends import checks
from zk.curve import babyjub
from zk.curve.babyjub import IDENTITY, Point
from zk.field.arrays import LIMBS, U64Array, address, from_array, to_array
from zk.kernels import babyjub as kernel
from zk.kernels import msm
from zk.kernels.loaded import Kernels

WIDTH: Final = 2 * LIMBS
SHARE: Final = 64
"""Points that a thread takes at least; each share pays its own doublings, those of four points."""


class PortableEdwards:
    """`Backend.babyjub_sum`."""

    kernels: Kernels
    threads: int

    @abstractmethod
    def run_all(self, jobs: Iterable[Callable[[], object]], *, serial: bool) -> None: ...

    @abstractmethod
    def digits(self, scalars: U64Array, c: int, count: int) -> Any: ...

    def babyjub_sum(self, points: U64Array, scalars: U64Array) -> U64Array:
        n = checks.rows(points, WIDTH, "points")
        checks.rows(scalars, LIMBS, "scalars", count=n)
        windows = msm.windows(kernel.BITS)
        digits = self.digits(scalars, kernel.BITS, windows)
        parts = max(1, min(self.threads, n // SHARE))
        cuts = [n * i // parts for i in range(parts + 1)]
        sums: U64Array = np.empty((parts, WIDTH), dtype=np.uint64)

        def share(number: int) -> None:
            start, stop = cuts[number], cuts[number + 1]
            tables = np.empty((stop - start) * kernel.MULTIPLES * kernel.POINT // 8, np.uint64)
            self.kernels.call(
                "babyjub_sum",
                address(sums[number]),
                address(points[start:]),
                address(digits[:, start:]),
                n,
                stop - start,
                windows,
                address(tables),
            )

        self.run_all((partial(share, i) for i in range(parts)), serial=parts == 1)
        if parts == 1:
            return sums.reshape(-1)
        total = IDENTITY
        flat = from_array(sums.reshape(-1, LIMBS))
        for x, y in zip(flat[::2], flat[1::2], strict=True):
            total = babyjub.add(total, Point(x, y))
        return to_array(total).reshape(-1)
