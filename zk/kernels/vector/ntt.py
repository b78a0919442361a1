"""Number-theoretic transforms over Fr in vector lanes.

A transform of n = m₁·m₂ rows is m₂ transforms of m₁ and then m₁ of m₂ (Bailey's "four steps"):

    X[k₁ + m₁·k₂] = Σ_{j₂} ω_{m₂}^{j₂·k₂} · ω_n^{j₂·k₁} · Σ_{j₁} ω_{m₁}^{j₁·k₁} · x[j₁·m₂ + j₂]

Lanes are L neighbours j₂ in the first step and L neighbours k₁ in the second, so every lane of a
vector does the same, rows are read and written in natural order, and what lies between is the
product with ω_n^{j₂·k₁} (`fr_ntt_between`) and transposes of L vectors in registers. A short
transform lies in one piece of memory that fits a second-level cache.

Short transforms are decimated in time, radix 4 (one layer of radix 2 first where log₂ m is odd), in
place; their input is put in digit-reversed places as it arrives. *Twisted* ones evaluate at the odd
powers of ω_{2m}; they differ in their tables alone, and give a transform on the odd points of a
domain twice as large at no more than the cost of layers that otherwise multiply by one.

    fr_ntt_first    rows → arena              first step
    fr_ntt_product  the same for the products of two arrays of rows
    fr_ntt_turn     arena → other arena       second step of one transform, first of the next
    fr_ntt_second   arena → canonical rows    second step
    fr_ntt_quotient three arenas → rows       second steps of a, b, c, then a·b − c
    fr_ntt_between  the table of factors between the steps

Values are the rows' integers as they are, whatever their Montgomery form: transforms are linear,
only factors need R = 2²⁶⁰.

Bounds: between layers values stay within `between`, which is proved when code is emitted: the
leading operand of a butterfly is brought into half the interval by one conditional addition, the
others are products. Rows may be any integers below 2²⁵⁶.

Arena of the second step: group h holds rows k₁ = L·h … L·h + L − 1, m₂ vectors in digit-reversed
order of j₂, and then `PAD` bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from zk.kernels.constants import FR, MONTGOMERY_BITS
from zk.kernels.emit import Function, Module, Value
from zk.kernels.vector import fixed
from zk.kernels.vector.canonical import canonical
from zk.kernels.vector.fma import HIGH, Fma
from zk.kernels.vector.lanes import (
    LIMBS,
    R_BITS,
    RADIX,
    BoundError,
    Element,
    Lanes,
    add_intervals,
    clip,
    hull,
    magnitude,
    top_bound,
    within,
)

ROW: Final = 32
PAD: Final = 448
"""Bytes between the row groups of an arena, lest all of them fall on the same lines of a cache."""
HEAD: Final = 2
"""Records before those of the layers: ω₄, and the factor of a twisted radix-2 layer, also ω₄."""

_WIDEST: Final = {True: (-27, 29), False: (-34, 42)}
"""Values between layers stay between these multiples of r, with limbs in doubles or not."""
_HALVINGS: Final = 3
"""Of the interval of operands that are added without having been multiplied."""
_SHORT: Final = ("buffer", "twiddles", "i64 log")
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
    fixed.emit_scale(module, lanes, FR)
    _emit_short(module, lanes, twisted=False)
    _emit_short(module, lanes, twisted=True)
    _emit_first(module, lanes, product=False)
    _emit_first(module, lanes, product=True)
    _emit_turn(module, lanes)
    _emit_second(module, lanes)
    _emit_quotient(module, lanes)
    _emit_between(module, lanes)


# -- bounds ---------------------------------------------------------------------------------------


def _fresh(k: Lanes) -> Element:
    """Bounds of what a short transform that is not twisted starts from: rows and products, carried.

    The first layer adds four of them as they are.
    """
    value = -k.p, 6 * k.p
    lower = [k.carried] * (LIMBS - 1)
    return Element(("poison",) * LIMBS, value, (*lower, top_bound(value, lower)))


@functools.cache
def between(lanes: type[Lanes]) -> Element:
    """Bounds of values between layers; no registers.

    Raises:
        BoundError: a butterfly of such values leaves them.
    """
    low, high = _WIDEST[issubclass(lanes, Fma)]
    value = low * FR.value, high * FR.value
    limb = 1 << (RADIX + 1 if issubclass(lanes, Fma) else RADIX + 3)
    lower = [(-limb, limb)] * (LIMBS - 1)
    start = Element(("poison",) * LIMBS, value, (*lower, top_bound(value, lower)))
    k = lanes(Function("bounds", []), FR)
    fresh = _fresh(k)
    results = [x for trivial in (True, False) for x in _butterfly(k, start, trivial=trivial)]
    results += [*_pair(k, start, trivial=False), *_pair(k, fresh, trivial=True)]
    results += [fresh, *_butterfly(k, fresh, trivial=True, fresh=True)]
    if not all(within(x, start) for x in results):
        raise BoundError("a butterfly does not keep its bounds")
    return start


def _factor(k: Lanes) -> Element:
    """Bounds of what tables hold: products of small values, so hardly outside 0 … 2r."""
    like = k.product_like()
    value = -k.p // 8, 17 * k.p // 8
    return Element(like.limbs, value, (*like.bounds[:-1], top_bound(value, like.bounds[:-1])))


def _load(k: Lanes, pointer: Value, like: Element) -> Element:
    """From memory that stays as it is while the result is used."""
    return k.load(pointer, like, pinned=True)


def _times(k: Lanes, a: Element, record: Value) -> Element:
    """Product with a constant of a table."""
    return fixed.scaled(k, _loosened(k, a), record)


def _loosened(k: Lanes, a: Element) -> Element:
    """The same values with limbs that a multiplier of doubles takes.

    All carries are taken from the limbs as they were, so that none waits for another one. Other
    multipliers carry by themselves.
    """
    low, high = k.carried
    if not isinstance(k, Fma) or all(low <= x[0] and x[1] <= high for x in a.bounds[:-1]):
        return a
    if any(magnitude(x) > 1 << (RADIX + 1) for x in a.bounds[:-1]):
        raise BoundError("a limb is too large to be carried")
    big, half = k.pooled(HIGH), k.pooled(-low)
    down = f"<{', '.join([f'double 0x{(1023 - RADIX) << 52:016X}'] * k.width)}>"
    # x + 2⁵¹ truncated to a multiple of 2⁵²; the sum itself is inexact above 2⁵³ alone, downwards
    carries = [k.fsub(k.fadd(k.fadd(x, half), big), big) for x in a.limbs[:-1]]
    spans = [((x[0] - low) >> RADIX, (x[1] - low) >> RADIX) for x in a.bounds[:-1]]
    limbs = [*(k.fsub(x, c) for x, c in zip(a.limbs, carries, strict=False)), a.limbs[-1]]
    bounds = [k.carried] * (LIMBS - 1) + [a.bounds[-1]]
    for i in range(1, LIMBS):
        limbs[i] = k.fma(carries[i - 1], down, limbs[i])
        bounds[i] = add_intervals(bounds[i], spans[i - 1])
    bounds[-1] = clip(top_bound(a.value, bounds[:-1]), bounds[-1])
    return Element(tuple(limbs), a.value, tuple(bounds))


def _narrowed(k: Lanes, a: Element, halvings: int) -> Element:
    """The same residues, carried, in an interval around zero that is halved so many times."""
    a = _loosened(k, a) if isinstance(k, Fma) else k.carry_signed(a)
    for _ in range(halvings):
        low, high = a.value
        amount = -(-(high - low) // (2 * k.p)) * k.p
        middle = (min(low + amount, high - amount) + high) // 2
        a = k.lift_below(a, high - amount, amount, -((2 * middle + k.p) // (2 * k.p)) * k.p)
    return k.carry_signed(a)


def _small(k: Lanes, a: Element) -> Element:
    """The same residues as a factor of something that is not small either."""
    return _loosened(k, a) if isinstance(k, Fma) else _narrowed(k, a, 2)


# -- short transforms -----------------------------------------------------------------------------


def _pair(
    k: Lanes, like: Element, *, trivial: bool, base: Value = "%b", factor: Value = "%w"
) -> tuple[Element, Element]:
    """(u + w·v, u − w·v) of two neighbours; fresh ones if w is one."""
    u, v = (_load(k, k.f.at(base, k.size * i), like) for i in range(2))
    if not trivial:
        u, v = _narrowed(k, u, _HALVINGS), _times(k, v, factor)
    return k.add(u, v), k.sub(u, v)


def _butterfly(
    k: Lanes,
    like: Element,
    *,
    trivial: bool,
    fresh: bool = False,
    places: Sequence[Value] = ("%a", "%b", "%c", "%d"),
    fourth: Value = "%i",
    factors: Value = "%w",
) -> tuple[Element, ...]:
    """Radix 4: Σ_s ω₄^{rs}·wₛ·aₛ for r = 0 … 3; all wₛ are one if `trivial`.

    Operands that are added as they are must be small: `fresh` ones are.
    """
    a = [_load(k, place, like) for place in places]
    if fresh:
        b = a
    elif trivial:
        b = [_narrowed(k, x, _HALVINGS) for x in a]
    else:
        b = fixed.scaled_three(k, [_loosened(k, x) for x in a[1:]], factors)
        b.insert(0, _narrowed(k, a[0], 1))
    even, odd = k.add(b[0], b[2]), k.add(b[1], b[3])
    even_, odd_ = k.sub(b[0], b[2]), _times(k, k.sub(b[1], b[3]), fourth)
    return k.add(even, odd), k.add(even_, odd_), k.sub(even, odd), k.sub(even_, odd_)


def _emit_short(module: Module, lanes: type[Lanes], *, twisted: bool) -> None:
    """`(buffer, twiddles, log)`: 2^log vectors in digit-reversed order, in place.

    Records of `twiddles`: `HEAD`, then for each radix-4 layer of blocks of h vectors, h = 2^(log
    mod 2), ·4, …: three records for each j < h.
    """
    name = "fr_ntt_twisted" if twisted else "fr_ntt_short"
    f = module.function(name, *_SHORT, attributes="noinline")
    k = lanes(f, FR)
    like = between(lanes)
    record = fixed.RECORD
    size = f.op("shl i64 1, %log")
    odd = f.op("and i64 %log, 1")
    with (
        f.when(f.compare("ne", odd, 0)),
        f.loop(f.op(f"lshr i64 {size}, 1")) as i,
    ):
        base = f.row("%buffer", i, 2 * k.size)
        start = like if twisted else _fresh(k)
        pair = _pair(k, start, trivial=not twisted, base=base, factor=f.at("%twiddles", record))
        for s, x in enumerate(pair):
            k.store(x, f.at(base, k.size * s), like)
    span, records = f.slot(8), f.slot(8)
    f.store(f.op(f"shl i64 1, {odd}"), span)
    f.store(f.at("%twiddles", HEAD * record), records, "ptr")

    def block(
        start: Value, h: Value, *, trivial: bool, fresh: bool = False, factors: Value = ""
    ) -> None:
        leg = f.mul(h, k.size)
        places = [start]
        for _ in range(3):
            places.append(f.at(places[-1], leg))
        results = _butterfly(
            k,
            _fresh(k) if fresh else like,
            trivial=trivial,
            fresh=fresh,
            places=places,
            fourth="%twiddles",
            factors=factors,
        )
        for place, x in zip(places, results, strict=True):
            k.store(x, place, like)

    if not twisted:
        with f.when(f.compare("eq", odd, 0)):
            with f.loop(f.op(f"lshr i64 {size}, 2")) as b:
                block(f.row("%buffer", b, 4 * k.size), "1", trivial=True, fresh=True)
            f.store(4, span)
            f.store(f.at("%twiddles", (HEAD + 3) * record), records, "ptr")
    with f.repeat() as stop:
        h = f.load(span)
        whole = f.op(f"shl i64 {h}, 2")
        stop(f.compare("ugt", whole, size))
        blocks = f.op(f"udiv i64 {size}, {whole}")
        stride = f.mul(whole, k.size)
        table = f.load(records, "ptr")
        if not twisted:
            with f.loop(blocks) as b:
                block(f.at("%buffer", f.mul(b, stride)), h, trivial=True)
        with f.loop(h, 0 if twisted else 1) as j:
            first = f.row("%buffer", j, k.size)
            factors = f.row(table, j, 3 * record)
            with f.loop(blocks) as b:
                block(f.at(first, f.mul(b, stride)), h, trivial=False, factors=factors)
        f.store(f.row(table, h, 3 * record), records, "ptr")
        f.store(whole, span)
    f.leave()


def _short(f: Function, buffer: Value, twiddles: Value, log: Value, *, twisted: bool) -> None:
    name = "fr_ntt_twisted" if twisted else "fr_ntt_short"
    f.do(f"call void @{name}(ptr {buffer}, ptr {twiddles}, i64 {log})")


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


def _spread(k: Lanes, group: Value) -> None:
    """Multiplies a group's local vectors by the factors between the steps; stores them transposed.

    Vectors of column group `group` become lanes of all row groups, at the columns' places.
    """
    f = k.f
    size = f.op("shl i64 1, %log")
    table = f.at("%between", f.mul(f.mul(f.sub(group, "%from"), size), k.size))
    stride = _group_stride(k, "%columns")
    with f.loop(f.op(f"udiv i64 {size}, {k.width}")) as h:
        first = f.mul(h, k.width * k.size)
        products: list[Element] = []
        for c in range(0, k.width, 2):
            pairs = []
            for at in (f.add(first, c * k.size), f.add(first, (c + 1) * k.size)):
                a = _load(k, f.at("%local", at), between(type(k)))
                pairs.append((_loosened(k, a), _load(k, f.at(table, at), _factor(k))))
            products.extend(k.mul_both(*pairs))
        row = f.at("%out", f.mul(h, stride))
        for c, x in enumerate(transposed(k, products)):
            column = f.add(f.mul(group, k.width), c)
            k.store(x, _place(k, row, "%targets", column), _fresh(k))


def _from_rows(k: Lanes, rows: Value) -> Element:
    return k.from_integers(k.gather(_pointers(k, rows), 4), (0, (1 << 256) - 1))


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
            k.store(k.carry(a), _place(k, "%local", "%places", j), _fresh(k))
        _short(f, "%local", "%twiddles", "%log", twisted=False)
        _spread(k, g)
    k.end()
    f.leave()


def _emit_turn(module: Module, lanes: type[Lanes]) -> None:
    """Row groups `from` … `to` − 1 of a second step, and of the twisted first step that follows.

    The columns of the next transform are the rows of this one.
    """
    f = module.function("fr_ntt_turn", "arena", "before", *_SHAPE, *_SPREAD, export=True)
    k = lanes(f, FR)
    k.begin()
    size = f.op("shl i64 1, %log")
    with f.loop("%to", "%from") as g:
        buffer = f.at("%arena", f.mul(g, _group_stride(k, size)))
        _short(f, buffer, "%before", "%log", twisted=False)
        with f.loop(size) as j:
            a = k.load(f.row(buffer, j, k.size), between(lanes))
            k.store(a, _place(k, "%local", "%places", j), between(lanes))
        _short(f, "%local", "%twiddles", "%log", twisted=True)
        _spread(k, g)
    k.end()
    f.leave()


def _emit_second(module: Module, lanes: type[Lanes]) -> None:
    """Row groups `from` … `to` − 1 of the second step, to canonical rows."""
    f = module.function("fr_ntt_second", "rows", "arena", *_SHAPE, "twiddles", export=True)
    k = lanes(f, FR)
    k.begin()
    with f.loop("%to", "%from") as g:
        (buffer,) = _finished(k, ("%arena",), g)
        with _outputs(k, g) as (j, rows):
            a = _load(k, f.row(buffer, j, k.size), between(lanes))
            k.scatter(canonical(k, a), _pointers(k, rows))
    k.end()
    f.leave()


def _emit_quotient(module: Module, lanes: type[Lanes]) -> None:
    """Second steps of a, b and c, then a·b − c out of Montgomery form, canonical.

    With a and b times 2²⁵⁶ and c times 2²⁵², as `fr_ntt_product` makes it, a·b/R − c is 2²⁵² times
    what is wanted.
    """
    f = module.function("fr_ntt_quotient", "rows", "a", "b", "c", *_SHAPE, "twiddles", export=True)
    k = lanes(f, FR)
    k.begin()
    out = k.constant(1 << (2 * R_BITS - 2 * MONTGOMERY_BITS))
    with f.loop("%to", "%from") as g:
        buffers = _finished(k, ("%a", "%b", "%c"), g)
        with _outputs(k, g) as (j, rows):
            a, b, c = (_load(k, f.row(x, j, k.size), between(lanes)) for x in buffers)
            difference = k.sub(k.mul(_small(k, a), _small(k, b)), _small(k, c))
            k.scatter(canonical(k, k.mul(_loosened(k, difference), out)), _pointers(k, rows))
    k.end()
    f.leave()


def _finished(k: Lanes, arenas: Sequence[Value], group: Value) -> list[Value]:
    """Where a group lies, after its second step."""
    f = k.f
    offset = f.mul(group, _group_stride(k, f.op("shl i64 1, %log")))
    buffers = [f.at(arena, offset) for arena in arenas]
    for buffer in buffers:
        _short(f, buffer, "%twiddles", "%log", twisted=False)
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
    like = _factor(k)
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
                a = _load(k, f.row(table, i, k.size), like)
                k.store(k.mul(a, _load(k, power, like)), f.row(upper, i, k.size), like)
            k.store(k.sqr(_load(k, power, like)), power, like)
            f.store(f.op(f"shl i64 {known}, 1"), span)
    k.end()
    f.leave()
