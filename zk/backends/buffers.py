"""Memory that is used again: the first touch of a page costs more than a transform does on it.

Scratch is taken and given back. Results go to callers, who never give them back; theirs returns
when the last view of it is gone.
"""

from __future__ import annotations

import mmap
import threading
from collections import deque
from typing import Final

import numpy as np

from zk.field.arrays import LIMBS, U64Array

_ALIGN: Final = 64
_WORD: Final = 8
_PAGE: Final = 1 << 21
"""Of the large kind, where the system has them."""
_WASTE: Final = 4
"""A buffer may be so many times as large as what is wanted."""
_SMALL: Final = 1 << 16
"""Bytes below which the interpreter's own allocator does as well."""


def aligned(words: int) -> U64Array:
    """Uninitialised words on a cache line; large ones in large pages where that is possible."""
    size = words * _WORD
    if size >= _PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
        memory = mmap.mmap(-1, -(-size // _PAGE) * _PAGE)
        memory.madvise(mmap.MADV_HUGEPAGE)
        return np.frombuffer(memory, dtype=np.uint64)[:words]
    raw = np.empty(words + _ALIGN // _WORD, dtype=np.uint64)
    start = (-int(raw.ctypes.data) % _ALIGN) // _WORD
    return raw[start : start + words]


class _Lent:
    """What views of a result refer to; it dies with the last of them.

    (An array would not do: views refer to the array at the end of a chain, so to the buffer.)
    """

    __slots__ = ("__array_interface__", "_buffer", "_home")

    def __init__(self, home: Buffers, buffer: U64Array, count: int) -> None:
        self._home = home
        self._buffer = buffer
        self.__array_interface__ = {
            "version": 3,
            "typestr": buffer.dtype.str,
            "shape": (count, LIMBS),
            "data": (int(buffer.ctypes.data), False),
        }

    def __del__(self) -> None:
        self._home.give(self._buffer)


class Buffers:
    """Spare buffers of one backend.

    Args:
        most: bytes that are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._spare: list[U64Array] = []
        self._back: deque[U64Array] = deque()

    def take(self, words: int) -> U64Array:
        """An aligned buffer of at least so many words, whatever is in it."""
        with self._lock:
            while self._back:
                self._spare.append(self._back.popleft())
            fitting = [x for x in self._spare if words <= x.size <= _WASTE * words]
            if fitting:
                chosen = min(fitting, key=lambda x: x.size)
                self._spare = [x for x in self._spare if x is not chosen]
                return chosen
        return aligned(words)

    def give(self, *buffers: U64Array) -> None:
        """Takes buffers back. No lock: a finaliser may call this in the middle of `take`."""
        for buffer in buffers:
            held = sum(x.nbytes for x in (*self._spare, *self._back))
            if held + buffer.nbytes <= self._most:
                self._back.append(buffer)

    def rows(self, count: int) -> U64Array:
        """Uninitialised `uint64[count, 4]` for a result."""
        words = count * LIMBS
        if words * _WORD < _SMALL:
            return aligned(words).reshape(count, LIMBS)
        buffer = self.take(words)
        return np.asarray(_Lent(self, buffer, count))
