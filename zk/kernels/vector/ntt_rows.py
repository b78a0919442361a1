"""Rows of 256-bit integers as vectors of limbs and back, and squares of vectors transposed."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

from zk.kernels.emit import Value
from zk.kernels.vector.lanes import LIMBS, Element, Lanes, hull

ROW: Final = 32
"""Bytes of a row."""
_WIDE: Final = 8
"""Lanes with which two rows fill a vector."""
_PAIRED: Final = (0, 4, 8, 12, 1, 5, 9, 13), (2, 6, 10, 14, 3, 7, 11, 15)
"""Two words of four rows, out of two pairs of rows; and two rows out of two words each."""
_HALVES: Final = (0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15)


def from_rows(k: Lanes, rows: Value) -> Element:
    """A vector of L rows that lie one after the other, any integers below 2²⁵⁶."""
    if k.width != _WIDE:
        words = k.gather(_pointers(k, rows), 4)
    else:
        pairs = [k.f.op(f"load {k.words}, ptr {k.f.at(rows, 64 * i)}, align 8") for i in range(4)]
        halves = [[_picked(k, pairs[i], pairs[i + 1], mask) for i in (0, 2)] for mask in _PAIRED]
        words = [_picked(k, low, high, mask) for low, high in halves for mask in _HALVES]
    return k.from_integers(words, (0, (1 << 256) - 1))


def to_rows(k: Lanes, words: Sequence[Value], rows: Value) -> None:
    """The reverse of `from_rows`, of canonical words."""
    if k.width != _WIDE:
        k.scatter(words, _pointers(k, rows))
        return
    halves = [[_picked(k, words[i], words[i + 1], mask) for mask in _HALVES] for i in (0, 2)]
    for i in range(2):
        for j, mask in enumerate(_PAIRED):
            pair = _picked(k, halves[0][i], halves[1][i], mask)
            where = k.f.at(rows, 64 * (2 * i + j))
            k.f.do(f"store {k.words} {pair}, ptr {where}, align 8")


def _pointers(k: Lanes, start: Value) -> list[Value]:
    """Of the rows of one vector's lanes."""
    return [k.f.at(start, ROW * i) for i in range(k.width)]


def _picked(k: Lanes, a: Value, b: Value, mask: Sequence[int]) -> Value:
    picks = ", ".join(f"i32 {i}" for i in mask)
    return k.f.op(f"shufflevector {k.words} {a}, {k.words} {b}, <8 x i32> <{picks}>")


def transposed(k: Lanes, elements: Sequence[Element]) -> list[Element]:
    """L vectors of L lanes with rows and columns exchanged."""
    bounds = tuple(
        (min(x.bounds[i][0] for x in elements), max(x.bounds[i][1] for x in elements))
        for i in range(LIMBS)
    )
    value = functools.reduce(hull, (x.value for x in elements))
    columns = [_transposed(k, [x.limbs[i] for x in elements]) for i in range(LIMBS)]
    return [Element(tuple(column[j] for column in columns), value, bounds) for j in range(k.width)]


def _transposed(k: Lanes, rows: list[Value]) -> list[Value]:
    """In log₂ L rounds: exchange the off-diagonal quarters of ever smaller squares."""
    width, kind = k.width, k.limb_type
    step = width // 2
    while step:
        low = [i + (width - step if i & step else 0) for i in range(width)]
        high = [i + (width if i & step else step) for i in range(width)]
        out = list(rows)
        for i in range(width):
            if i & step:
                continue
            for target, picks in ((i, low), (i + step, high)):
                mask = ", ".join(f"i32 {pick}" for pick in picks)
                out[target] = k.f.op(
                    f"shufflevector {kind} {rows[i]}, {kind} {rows[i + step]}, "
                    f"<{width} x i32> <{mask}>"
                )
        rows = out
        step //= 2
    return rows


def prefetch(k: Lanes, pointer: Value, size: int, *, write: bool) -> None:
    """Asks for memory that is used soon; harmless beyond the end of an array."""
    for offset in range(0, size, 64):
        where = k.f.at(pointer, offset)
        k.f.do(f"call void @llvm.prefetch.p0(ptr {where}, i32 {int(write)}, i32 3, i32 1)")
