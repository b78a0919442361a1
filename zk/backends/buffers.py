"""Memory that is used again: the first touch of a page costs more than a transform does on it.

Scratch is taken and given back. Results go to callers, who never give them back: their memory is
free again when the array over it, to which every view of it refers, is collected.
"""

from __future__ import annotations

import mmap
import threading
import weakref
from collections import deque
from typing import Final

import numpy as np

from zk.field.arrays import LIMBS, U64Array, address

_ALIGN: Final = 64
_WORD: Final = 8
_PAGE: Final = 1 << 21
"""Of the large kind, where the system has them."""
_WASTE: Final = 4
"""A buffer may be so many times as large as what is wanted."""
_SMALL: Final = 1 << 11
"""Rows below which the interpreter's own allocator does as well."""


def _memory(size: int) -> mmap.mmap:
    """Fresh pages of this process alone, large ones where that is possible."""
    if hasattr(mmap, "MAP_PRIVATE"):  # not shared with children
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    else:
        memory = mmap.mmap(-1, size)
    if size >= _PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


def aligned(words: int) -> U64Array:
    """Uninitialised words on a cache line."""
    if words * _WORD >= _PAGE:
        return np.frombuffer(_memory(words * _WORD), dtype=np.uint64)
    raw = np.empty(words + _ALIGN // _WORD, dtype=np.uint64)
    start = (-address(raw) % _ALIGN) // _WORD
    return raw[start : start + words]


class Buffers:
    """Spare buffers of one backend; threads may ask at once.

    Args:
        most: bytes of scratch that are kept, and of results.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._spare: list[U64Array] = []
        self._unused: list[mmap.mmap] = []
        self._returned: deque[mmap.mmap] = deque()  # by the collector, whoever holds the lock

    def take(self, words: int) -> U64Array:
        """An aligned buffer of at least so many words, whatever is in it."""
        with self._lock:
            fitting = [x for x in self._spare if words <= x.size <= _WASTE * words]
            if fitting:
                chosen = min(fitting, key=lambda x: x.size)
                self._spare = [x for x in self._spare if x is not chosen]
                return chosen
        return aligned(words)

    def give(self, *buffers: U64Array) -> None:
        """Takes buffers back."""
        with self._lock:
            for buffer in buffers:
                if sum(x.nbytes for x in self._spare) + buffer.nbytes <= self._most:
                    self._spare.append(buffer)

    def rows(self, count: int) -> U64Array:
        """Uninitialised `uint64[count, 4]` for a result, on a cache line."""
        if count < _SMALL:
            return aligned(count * LIMBS).reshape(count, LIMBS)
        size = count * LIMBS * _WORD
        memory = self._reused(size) or _memory(size)
        made = np.ndarray((count, LIMBS), dtype=np.uint64, buffer=memory)
        weakref.finalize(made, self._returned.append, memory).atexit = False
        return made

    def _reused(self, size: int) -> mmap.mmap | None:
        """Memory of a result that is gone; what is too much to keep is let go, the oldest first."""
        with self._lock:
            while self._returned:
                self._unused.append(self._returned.popleft())
            found = next((k for k, x in enumerate(self._unused) if len(x) == size), None)
            chosen = None if found is None else self._unused.pop(found)
            while sum(map(len, self._unused)) > self._most:
                self._unused.pop(0)
        return chosen
