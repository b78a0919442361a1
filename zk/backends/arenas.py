"""Memory that multiplications use one after the other, so that its pages are mapped once.

A page that a process touches for the first time costs about as much as twenty additions of points
that fit in it, hence buffers are kept. No more than `KEPT` bytes stay allocated between uses.
"""

from __future__ import annotations

from threading import Lock
from typing import Final, cast

import numpy as np

from zk.field.arrays import U64Array, address

KEPT: Final = 1 << 26
_ALIGN: Final = 64
_WORD: Final = 8


class Arenas:
    """Buffers that are free; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._free: list[U64Array] = []

    def take(self, rows: int, width: int) -> U64Array:
        """Uninitialised `uint64[rows, width]` on a cache line; hand its base back with `give`."""
        words = rows * width
        with self._lock:
            fitting = [k for k, raw in enumerate(self._free) if raw.size >= words + _ALIGN // _WORD]
            least = min(fitting, key=lambda k: self._free[k].size, default=-1)
            raw = self._free.pop(least) if fitting else None
        if raw is None:
            raw = np.empty(words + _ALIGN // _WORD, dtype=np.uint64)
        start = (-address(raw) % _ALIGN) // _WORD
        return raw[start : start + words].reshape(rows, width)

    def give(self, arena: U64Array) -> None:
        """Takes back what `take` returned, which must not be used any more."""
        raw = cast("U64Array", arena.base)
        with self._lock:
            self._free.append(raw)
            self._free.sort(key=lambda buffer: buffer.size)
            while sum(buffer.nbytes for buffer in self._free) > KEPT:
                self._free.pop()
