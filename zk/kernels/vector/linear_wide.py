"""Linear combinations of 320-bit integers on IFMA: eight values side by side (`zk.kernels.linear`).

A weight has five limbs of 52 bits, an integer seven. Their products' columns are added up as they
are: each term adds at most ten half products below 2⁵² to a column, so `MOST` terms stay below 2⁶²
(proved while the reduction is emitted). One reduction ends the sum, in seven digits: it is below
MOST·2⁵⁷⁴, its quotient by 2³⁶⁴ below 3·r.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FR
from zk.kernels.emit import Function, Module, Value
from zk.kernels.linear import WIDE_BYTES, WIDE_STEPS
from zk.kernels.vector.canonical import canonical
from zk.kernels.vector.ifma import Accumulators, Ifma
from zk.kernels.vector.lanes import (
    LIMBS,
    MASK,
    R_BITS,
    RADIX,
    BoundError,
    Element,
    Interval,
    top_bound,
)

MOST: Final = 96
"""Terms of one sum."""
SIGNATURES: Final = {"fr_vector_wide": ("pppnnnn", None)}

_ROW: Final = 32
_WORD: Final = 8
_WORDS: Final = WIDE_BYTES // _WORD
_PARTS: Final = 7
"""Limbs of an integer, and digits of the reduction."""
_COLUMNS: Final = LIMBS + _PARTS
_HALVES: Final = 2 * LIMBS
"""Most half products that a term adds to a column."""
_LAST: Final = 1 << R_BITS - (64 * WIDE_STEPS - RADIX * _PARTS)
"""The weights are w·2³⁸⁴, the reduction divides by 2³⁶⁴; times 2²⁶⁰."""


def emit_wide(module: Module, lanes: type[Ifma]) -> None:
    """`fr_vector_wide(out, weights, rows, terms, each, n, count)`.

    As `fr_combine_wide`, of the values 0 … count − 1, a multiple of eight; terms·each ≤ `MOST`.
    """
    f = module.function(
        "fr_vector_wide", "out", "weights", "rows", "i64 terms", "i64 each", "i64 n", "i64 count",
        export=True,
    )  # fmt: skip
    k = lanes(f, FR)
    k.begin()
    vector = _WORD * k.width
    split = f.aligned(MOST * LIMBS * _WORD)
    columns = [f.aligned(vector) for _ in range(_COLUMNS)]
    with f.loop(f.mul("%terms", "%each")) as t:
        _split_weight(f, f.row("%weights", t, _ROW), f.row(split, t, LIMBS * _WORD))
    stride = f.mul("%each", WIDE_BYTES)
    with f.loop(f.op(f"udiv i64 %count, {k.width}")) as group:
        first = f.mul(group, k.width)
        for column in columns:
            _put(k, k.splat(0), column)
        with f.loop("%terms") as term:
            place = f.mul(f.add(f.mul(term, "%n"), first), "%each")
            weights = f.mul(term, "%each")
            with f.loop("%each") as which:
                row = f.row("%rows", f.add(place, which), WIDE_BYTES)
                weight = f.row(split, f.add(weights, which), LIMBS * _WORD)
                _add_term(k, columns, _parts(k, row, stride), weight)
        reduced = k.carry(_reduced(k, columns))
        plain = k.mul(reduced, k.constant(_LAST % k.p))
        target = f.row("%out", first, _ROW)
        k.scatter(canonical(k, plain), [f.at(target, _ROW * i) for i in range(k.width)])
    k.end()
    f.leave()


def _split_weight(f: Function, source: Value, target: Value) -> None:
    """256 bits to words of 52."""
    value = f.load(source, "i256")
    for i in range(LIMBS):
        shifted = f.op(f"trunc i256 {f.op(f'lshr i256 {value}, {RADIX * i}')} to i64")
        f.store(f.op(f"and i64 {shifted}, {MASK}"), f.at(target, _WORD * i))


def _parts(k: Ifma, row: Value, stride: Value) -> list[Value]:
    """Seven limbs of an integer for each lane; what they hold above 52 bits no product sees."""
    f = k.f
    pointers, pointer = [], row
    for lane in range(k.width):
        pointers.append(pointer)
        if lane < k.width - 1:
            pointer = f.at(pointer, stride)
    words = k.gather(pointers, 4)
    last = "poison"
    for lane, place in enumerate(pointers):
        word = f.load(f.at(place, _WORD * (_WORDS - 1)))
        last = f.op(f"insertelement {k.words} {last}, i64 {word}, i64 {lane}")
    words.append(last)
    parts = []
    for i in range(_PARTS):
        at, shift = divmod(RADIX * i, 64)
        part = k.word_const("lshr", words[at], shift) if shift else words[at]
        if shift > 64 - RADIX and at + 1 < _WORDS:
            part = k.word_op("or", part, k.word_const("shl", words[at + 1], 64 - shift))
        parts.append(part)
    return parts


def _add_term(k: Ifma, columns: list[Value], parts: list[Value], weight: Value) -> None:
    f = k.f
    zeros = f"<{k.width} x i32> zeroinitializer"
    sums = [_get(k, column) for column in columns]
    for j in range(LIMBS):
        one = f.op(f"insertelement {k.words} poison, i64 {f.load(f.at(weight, 8 * j))}, i64 0")
        limb = f.op(f"shufflevector {k.words} {one}, {k.words} poison, {zeros}")
        for i, part in enumerate(parts):
            sums[i + j] = k.madd(k.low, sums[i + j], part, limb)
            sums[i + j + 1] = k.madd(k.high, sums[i + j + 1], part, limb)
    for value, column in zip(sums, columns, strict=True):
        _put(k, value, column)


def _reduced(k: Ifma, columns: list[Value]) -> Element:
    """The sum divided by 2³⁶⁴ modulo r, as columns below 2⁶³."""
    acc = Accumulators(k, _COLUMNS)
    acc.registers = [_get(k, column) for column in columns]
    acc.bound = [(0, MOST * _HALVES * MASK)] * _COLUMNS
    for i in range(_PARTS):
        acc.reduce(i, last=i == _PARTS - 1)
    grown = sum((MASK * ((k.friendly << RADIX) - 1)) << (RADIX * i) for i in range(_PARTS - 1))
    grown += (MASK * k.p) << (RADIX * (_PARTS - 1))
    most = MOST * ((1 << 8 * WIDE_BYTES) - 1) * (k.p - 1)
    value = 0, most + grown >> RADIX * _PARTS
    if value[1] >= 3 * k.p:
        raise BoundError("a sum of too many terms")
    lower = acc.bound[_PARTS:-1]
    top: Interval = top_bound(value, lower)
    return Element(tuple(acc.registers[_PARTS:]), value, (*lower, top))


def _put(k: Ifma, value: Value, place: Value) -> None:
    k.f.do(f"store {k.words} {value}, ptr {place}, align {_WORD * k.width}")


def _get(k: Ifma, place: Value) -> Value:
    return k.f.op(f"load {k.words}, ptr {place}, align {_WORD * k.width}")
