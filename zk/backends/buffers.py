"""Memory that is used again: the first touch of a page costs more than a transform does on it.

Scratch is taken and given back. Results go to callers, who never give them back: theirs is free
again when nothing refers to it any more but the list of results.
"""

from __future__ import annotations

import mmap
import sys
import threading
from typing import Final

import numpy as np

from zk.field.arrays import LIMBS, U64Array

_ALIGN: Final = 64
_WORD: Final = 8
_PAGE: Final = 1 << 21
"""Of the large kind, where the system has them."""
_WASTE: Final = 4
"""A buffer may be so many times as large as what is wanted."""
_SMALL: Final = 1 << 11
"""Rows below which the interpreter's own allocator does as well."""
_UNUSED: Final = 3
"""References to a result that nobody has: of the list, of a name, of the count itself."""


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
    start = (-int(raw.ctypes.data) % _ALIGN) // _WORD
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
        self._results: dict[int, list[U64Array]] = {}

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
        """Uninitialised `uint64[count, 4]` for a result, on a cache line.

        Every array made of the result refers to the array in the list, which owns the pages.
        """
        if count < _SMALL:
            return aligned(count * LIMBS).reshape(count, LIMBS)
        with self._lock:
            for rows in self._results.get(count, ()):
                if sys.getrefcount(rows) == _UNUSED:
                    return rows[:]
            made = np.ndarray(
                (count, LIMBS), dtype=np.uint64, buffer=_memory(count * LIMBS * _WORD)
            )
            self._keep(made)
            return made[:]

    def _keep(self, made: U64Array) -> None:
        """Adds a result, in place of unused ones where there are too many."""
        kept = sum(x.nbytes for group in self._results.values() for x in group)
        for count, group in list(self._results.items()):
            if kept + made.nbytes <= self._most:
                break
            used = [x for x in group if sys.getrefcount(x) != _UNUSED]
            kept -= sum(x.nbytes for x in group) - sum(x.nbytes for x in used)
            self._results[count] = used
        if kept + made.nbytes <= self._most:
            self._results.setdefault(made.shape[0], []).append(made)
