"""Number-theoretic transforms over Fr in vector lanes.

A transform of n = m₁·m₂ rows is m₂ transforms of m₁ and then m₁ of m₂ (Bailey's "four steps"):

    X[k₁ + m₁·k₂] = Σ_{j₂} ω_{m₂}^{j₂·k₂} · ω_n^{j₂·k₁} · Σ_{j₁} ω_{m₁}^{j₁·k₁} · x[j₁·m₂ + j₂]

Lanes are L neighbours j₂ in the first step and L neighbours k₁ in the second, so every lane of a
vector does the same, rows are read and written in natural order, and what lies between is the
product with ω_n^{j₂·k₁} (`fr_ntt_between`) and transposes of L vectors in registers. A short
transform (`ntt_short`) lies in one piece of memory that fits a second-level cache.

    fr_ntt_first    rows → arena              first step
    fr_ntt_product  the same for the products of two arrays of rows
    fr_ntt_turn     arena → other arena       second step of one transform, first of the next
    fr_ntt_second   arena → canonical rows    second step
    fr_ntt_quotient three arenas → rows       second steps of a, b, c, then a·b − c
    fr_ntt_between  the table of factors between the steps

Values are the rows' integers as they are, whatever their Montgomery form: transforms are linear,
only factors need R = 2²⁶⁰. Rows may be any integers below 2²⁵⁶. What values may become on the way
is `butterflies.Butterflies.between`, proved when code is emitted.

Arena of the second step: group h holds rows k₁ = L·h … L·h + L − 1, m₂ vectors in digit-reversed
order of j₂, and then `PAD` bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from zk.kernels.constants import FR, MONTGOMERY_BITS
from zk.kernels.emit import Module, Value
from zk.kernels.vector.butterflies import Butterflies
from zk.kernels.vector.lanes import LIMBS, R_BITS, Element, Lanes, hull
from zk.kernels.vector.ntt_short import butterflies_of, emit_short, pinned, short

ROW: Final = 32
PAD: Final = 448
"""Bytes between the row groups of an arena, lest all of them fall on the same lines of a cache."""
HALF_SCALE: Final = 126
"""Transforms of a quotient are scaled by 2⁻¹²⁶, so that a·b comes out right (`_emit_quotient`)."""

_SHAPE: Final = ("i64 log", "i64 columns", "i64 from", "i64 to")
_SPREAD: Final = ("local", "twiddles", "places", "between", "targets", "out")

SIGNATURES: Final = {
    "fr_ntt_first": "p" + "nnnn" + "pppppp",
    "fr_ntt_product": "pp" + "nnnn" + "pppppp",
    "fr_ntt_turn": "pp" + "nnnn" + "pppppp",
    "fr_ntt_second": "pp" + "nnnn" + "p",
    "fr_ntt_quotient": "pppp" + "nnnn" + "p",
    "fr_ntt_between": "ppp" + "nnn",
}
"""One letter a parameter: p address, n number."""


def emit_ntt(module: Module, lanes: type[Lanes]) -> None:
    """All kernels of one multiplier; products over Fr must be there."""
    butterflies_of(lanes).emit(module, lanes)
    emit_short(module, lanes)
    _emit_first(module, lanes, product=False)
    _emit_first(module, lanes, product=True)
    _emit_turn(module, lanes)
    _emit_second(module, lanes)
    _emit_quotient(module, lanes)
    _emit_between(module, lanes)


# -- between the steps ----------------------------------------------------------------------------


def _pointers(k: Lanes, start: Value) -> list[Value]:
    """Of the rows of one vector's lanes."""
    return [k.f.at(start, ROW * i) for i in range(k.width)]


def _place(k: Lanes, base: Value, places: Value, index: Value) -> Value:
    """Base + a byte offset from an array."""
    return k.f.at(base, k.f.load(k.f.row(places, index, 8)))


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


def _group_stride(k: Lanes, vectors: Value) -> Value:
    """Bytes from one row group of an arena to the next."""
    return k.f.add(k.f.mul(vectors, k.size), PAD)


def _spread(b: Butterflies, group: Value) -> None:
    """Multiplies a group's local vectors by the factors between the steps; stores them transposed.

    Vectors of column group `group` become lanes of all row groups, at the columns' places.
    """
    k = b.k
    f = k.f
    size = f.op("shl i64 1, %log")
    table = f.at("%between", f.mul(f.mul(f.sub(group, "%from"), size), k.size))
    stride = _group_stride(k, "%columns")
    with f.loop(f.op(f"udiv i64 {size}, {k.width}")) as h:
        first = f.mul(h, k.width * k.size)
        products: list[Element] = []
        for c in range(0, k.width, 2):
            pairs = [
                (pinned(k, f.at("%local", at), b.between), pinned(k, f.at(table, at), b.factor))
                for at in (f.add(first, c * k.size), f.add(first, (c + 1) * k.size))
            ]
            products.extend(b.multiplied(pairs))
        row = f.at("%out", f.mul(h, stride))
        for c, x in enumerate(transposed(k, products)):
            column = f.add(f.mul(group, k.width), c)
            k.store(x, _place(k, row, "%targets", column), b.fresh)


def _from_rows(k: Lanes, rows: Value) -> Element:
    """Vectors of L rows that lie one after the other, any integers below 2²⁵⁶."""
    if k.width != 8:
        words = k.gather(_pointers(k, rows), 4)
    else:
        pairs = [k.f.op(f"load {k.words}, ptr {k.f.at(rows, 64 * i)}, align 8") for i in range(4)]
        halves = [[_picked(k, pairs[i], pairs[i + 1], mask) for i in (0, 2)] for mask in _TWO_WORDS]
        words = [_picked(k, low, high, mask) for low, high in halves for mask in _HALVES]
    return k.from_integers(words, (0, (1 << 256) - 1))


def _to_rows(k: Lanes, words: Sequence[Value], rows: Value) -> None:
    """The reverse of `_from_rows`, of canonical words."""
    if k.width != 8:
        k.scatter(words, _pointers(k, rows))
        return
    halves = [[_picked(k, words[i], words[i + 1], mask) for mask in _HALVES] for i in (0, 2)]
    for i in range(2):
        for j, mask in enumerate(_TWO_ROWS):
            pair = _picked(k, halves[0][i], halves[1][i], mask)
            where = k.f.at(rows, 64 * (2 * i + j))
            k.f.do(f"store {k.words} {pair}, ptr {where}, align 8")


_TWO_WORDS: Final = (0, 4, 8, 12, 1, 5, 9, 13), (2, 6, 10, 14, 3, 7, 11, 15)
"""Two words of four rows, out of two pairs of rows."""
_HALVES: Final = (0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15)
_TWO_ROWS: Final = (0, 4, 8, 12, 1, 5, 9, 13), (2, 6, 10, 14, 3, 7, 11, 15)


def _picked(k: Lanes, a: Value, b: Value, mask: Sequence[int]) -> Value:
    picks = ", ".join(f"i32 {i}" for i in mask)
    return k.f.op(f"shufflevector {k.words} {a}, {k.words} {b}, <8 x i32> <{picks}>")


def _emit_first(module: Module, lanes: type[Lanes], *, product: bool) -> None:
    """Column groups `from` … `to` − 1 of the first step; 2^log rows a column.

    `places`: byte offsets of local vectors by j₁; `targets`: of columns in a row group by j₂;
    `between`: from the records of group `from` on.
    """
    f = module.function(
        "fr_ntt_product" if product else "fr_ntt_first",
        *(("rows", "others") if product else ("rows",)),
        *_SHAPE,
        *_SPREAD,
        export=True,
    )
    k = lanes(f, FR)
    b = butterflies_of(lanes)(k)
    k.begin()
    size = f.op("shl i64 1, %log")
    stride = f.mul("%columns", ROW)
    with f.loop("%to", "%from") as g:
        offset = f.mul(g, k.width * ROW)
        with f.loop(size) as j:
            at = f.add(offset, f.mul(j, stride))
            a = _from_rows(k, f.at("%rows", at))
            if product:
                a = k.mul(a, _from_rows(k, f.at("%others", at)))
            k.store(k.carry(a), _place(k, "%local", "%places", j), b.fresh)
        short(f, "%local", "%twiddles", "%log", twisted=False)
        _spread(b, g)
    k.end()
    f.leave()


def _emit_turn(module: Module, lanes: type[Lanes]) -> None:
    """Row groups `from` … `to` − 1 of a second step, and of the twisted first step that follows.

    The columns of the next transform are the rows of this one.
    """
    f = module.function("fr_ntt_turn", "arena", "before", *_SHAPE, *_SPREAD, export=True)
    k = lanes(f, FR)
    b = butterflies_of(lanes)(k)
    k.begin()
    size = f.op("shl i64 1, %log")
    with f.loop("%to", "%from") as g:
        buffer = f.at("%arena", f.mul(g, _group_stride(k, size)))
        short(f, buffer, "%before", "%log", twisted=False)
        with f.loop(size) as j:
            a = b.settled(k.load(f.row(buffer, j, k.size), b.between))
            k.store(a, _place(k, "%local", "%places", j), b.start)
        short(f, "%local", "%twiddles", "%log", twisted=True)
        _spread(b, g)
    k.end()
    f.leave()


def _emit_second(module: Module, lanes: type[Lanes]) -> None:
    """Row groups `from` … `to` − 1 of the second step, to canonical rows."""
    f = module.function("fr_ntt_second", "rows", "arena", *_SHAPE, "twiddles", export=True)
    k = lanes(f, FR)
    b = butterflies_of(lanes)(k)
    k.begin()
    with f.loop("%to", "%from") as g:
        (buffer,) = _finished(k, ("%arena",), g)
        with _outputs(k, g) as (j, rows):
            a = pinned(k, f.row(buffer, j, k.size), b.between)
            _to_rows(k, b.canonical(a), rows)
    k.end()
    f.leave()


def _emit_quotient(module: Module, lanes: type[Lanes]) -> None:
    """Second steps of a, b and c, then a·b − c out of Montgomery form, canonical.

    a and b come times 2²⁵⁶, c times 2²⁵² as `fr_ntt_product` makes it, and all of them times 2⁻¹²⁶
    from the table of the first step: then (a·b − c·2¹³⁴)/R is what is wanted.
    """
    f = module.function("fr_ntt_quotient", "rows", "a", "b", "c", *_SHAPE, "twiddles", export=True)
    k = lanes(f, FR)
    b = butterflies_of(lanes)(k)
    k.begin()
    factor = 1 << (2 * R_BITS - 2 * MONTGOMERY_BITS + HALF_SCALE)
    with f.loop("%to", "%from") as g:
        buffers = _finished(k, ("%a", "%b", "%c"), g)
        with _outputs(k, g) as (j, rows):
            values = [pinned(k, f.row(x, j, k.size), b.between) for x in buffers]
            _to_rows(k, b.quotient(values, factor), rows)
    k.end()
    f.leave()


def _finished(k: Lanes, arenas: Sequence[Value], group: Value) -> list[Value]:
    """Where a group lies, after its second step."""
    f = k.f
    offset = f.mul(group, _group_stride(k, f.op("shl i64 1, %log")))
    buffers = [f.at(arena, offset) for arena in arenas]
    for buffer in buffers:
        short(f, buffer, "%twiddles", "%log", twisted=False)
    return buffers


@contextmanager
def _outputs(k: Lanes, group: Value) -> Iterator[tuple[Value, Value]]:
    """For each k₂: itself and the address of the row that the first lane belongs to."""
    f = k.f
    first = f.at("%rows", f.mul(group, k.width * ROW))
    stride = f.mul("%columns", ROW)
    with f.loop(f.op("shl i64 1, %log")) as j:
        yield j, f.at(first, f.mul(j, stride))


# -- tables ---------------------------------------------------------------------------------------


def _to_lanes(k: Lanes) -> int:
    """Factor from R = 2²⁵⁶ to R = 2²⁶⁰."""
    return (1 << (2 * R_BITS - MONTGOMERY_BITS)) % k.p


def _emit_between(module: Module, lanes: type[Lanes]) -> None:
    """`(table, starts, steps, log, from, to)`: factors of column groups `from` … `to` − 1.

    Records start·step^k, k = 0 … 2^log − 1, by doubling; starts and steps are rows by column.
    """
    f = module.function(
        "fr_ntt_between",
        "table",
        "starts",
        "steps",
        "i64 log",
        "i64 from",
        "i64 to",
        export=True,
    )
    k = lanes(f, FR)
    like = butterflies_of(lanes)(k).factor
    power, span = f.aligned(k.size), f.slot(8)
    k.begin()
    size = f.op("shl i64 1, %log")
    with f.loop("%to", "%from") as g:
        table = f.at("%table", f.mul(f.mul(f.sub(g, "%from"), size), k.size))
        for source, target in (("%starts", table), ("%steps", power)):
            plain = _from_rows(k, f.at(source, f.mul(g, k.width * ROW)))
            k.store(k.mul(plain, k.constant(_to_lanes(k))), target, like)
        f.store(1, span)
        with f.repeat() as stop:
            known = f.load(span)
            stop(f.compare("uge", known, size))
            upper = f.row(table, known, k.size)
            with f.loop(known) as i:
                a = pinned(k, f.row(table, i, k.size), like)
                k.store(k.mul(a, pinned(k, power, like)), f.row(upper, i, k.size), like)
            k.store(k.sqr(pinned(k, power, like)), power, like)
            f.store(f.op(f"shl i64 {known}, 1"), span)
    k.end()
    f.leave()
