"""Number-theoretic transforms over Fr in vector lanes.

A transform of n = m₁·m₂ rows is m₂ transforms of m₁ and then m₁ of m₂ (Bailey's "four steps"):

    X[k₁ + m₁·k₂] = Σ_{j₂} ω_{m₂}^{j₂·k₂} · ω_n^{j₂·k₁} · Σ_{j₁} ω_{m₁}^{j₁·k₁} · x[j₁·m₂ + j₂]

Lanes are L neighbours j₂ in the first step and L neighbours k₁ in the second, so every lane of a
vector does the same and rows are read and written in natural order. Short transforms (`ntt_short`)
take place in buffers that a second-level cache holds; what lies between the steps is the product
with ω_n^{j₂·k₁} and transposes of L vectors in registers, on the way to an arena.

    fr_ntt_first    rows → arena              first step
    fr_ntt_product  the same for the products of two arrays of rows
    fr_ntt_turn     arena → other arena       second step of one transform, first of the next
    fr_ntt_second   arena → canonical rows    second step
    fr_ntt_quotient three arenas → rows       second steps of a, b, c, then a·b − c
    fr_ntt_whole    both steps in one call    what a caller spends on calls tells in small ones
    fr_ntt_between  the table of factors between the steps

Values are the rows' integers as they are, whatever their Montgomery form: transforms are linear,
only factors need R = 2²⁶⁰. Rows may be any integers below 2²⁵⁶. What values may become on the way
is `butterflies.Butterflies.between`, proved when code is emitted.

Arena: group h holds rows k₁ = L·h … L·h + L − 1, m₂ vectors in the order of j₂, then `PAD` bytes.
Groups are worked on in bundles, since neighbours share rows of memory: L rows of 32 bytes are a
small part of a page, whose address has to be found each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from zk.kernels.constants import FR, MONTGOMERY_BITS
from zk.kernels.emit import Module, Value
from zk.kernels.vector.lanes import R_BITS, Element, Lanes
from zk.kernels.vector.ntt_rows import ROW, from_rows, prefetch, to_rows, transposed
from zk.kernels.vector.ntt_short import butterflies_of, emit_short, first_layer, pinned, placed

PAD: Final = 448
"""Bytes behind groups and buffers, lest all of them fall on the same lines of a cache."""
WHOLE: Final = 15
"""Words of the plan of `fr_ntt_whole`."""
HALF_SCALE: Final = 126
"""Transforms of a quotient are scaled by 2⁻¹²⁶, so that a·b comes out right (`_emit_quotient`)."""
_AHEAD: Final = 4
"""Rows between asking for memory and writing to it."""

_SHAPE: Final = ("i64 log", "i64 columns", "i64 from", "i64 to", "i64 bundle", "local")
_SPREAD: Final = ("twiddles", "places", "starts", "steps", "table", "out")

SIGNATURES: Final = {
    "fr_ntt_first": "p" + "nnnnnp" + "pppppp",
    "fr_ntt_product": "pp" + "nnnnnp" + "pppppp",
    "fr_ntt_turn": "ppp" + "nnnnnp" + "pppppp",
    "fr_ntt_second": "pp" + "nnnnnp" + "pp",
    "fr_ntt_quotient": "pppp" + "nnnnnp" + "pp",
    "fr_ntt_whole": "ppppp",
    "fr_ntt_between": "ppp" + "nnn",
}
"""One letter a parameter: p address, n number."""


def running(lanes: type[Lanes]) -> int:
    """Vectors of a bundle's group that hold the factors in use, and what they are multiplied by."""
    return lanes.width + 1


def emit_ntt(module: Module, lanes: type[Lanes]) -> None:
    """All kernels of one multiplier; products over Fr must be there."""
    butterflies_of(lanes).emit(module, lanes)
    emit_short(module, lanes)
    _emit_powers(module, lanes)
    _emit_base(module, lanes)
    _emit_first(module, lanes, product=False)
    _emit_first(module, lanes, product=True)
    _emit_turn(module, lanes)
    _emit_second(module, lanes)
    _emit_quotient(module, lanes)
    _emit_whole(module)
    _emit_between(module, lanes)


class _Kernel:
    """What kernels of steps have in common.

    Args:
        module: where the function goes.
        lanes: the arithmetic.
        name: of the function.
        arrays: its first parameters.
        more: its last ones.
        per_group: buffers for each group of a bundle.
    """

    def __init__(
        self,
        module: Module,
        lanes: type[Lanes],
        name: str,
        arrays: tuple[str, ...],
        more: tuple[str, ...],
        *,
        per_group: int = 1,
    ) -> None:
        self.f = f = module.function(name, *arrays, *_SHAPE, *more, export=True)
        self.k = k = lanes(f, FR)
        self.b = butterflies_of(lanes)(k)
        self.per_group = per_group
        k.begin()
        self.size = f.op("shl i64 1, %log")
        self.stride = f.add(f.mul(placed(f, "%log", self.size), k.size), PAD)
        self.buffers = f.at("%local", f.mul("%bundle", running(lanes) * k.size))

    @contextmanager
    def bundles(self) -> Iterator[tuple[Value, Value]]:
        """The first group of each bundle, and how many it has."""
        f = self.f
        at = f.slot(8)
        f.store("%from", at)
        with f.repeat() as stop:
            first = f.load(at)
            stop(f.compare("uge", first, "%to"))
            left = f.sub("%to", first)
            count = f.select(f.compare("ult", left, "%bundle"), left, "%bundle")
            yield first, count
            f.store(f.add(first, count), at)
        self.k.end()
        f.leave()

    def buffer(self, w: Value, number: int = 0) -> Value:
        """A buffer of a bundle's group."""
        index = self.f.add(self.f.mul(w, self.per_group), number)
        return self.f.at(self.buffers, self.f.mul(index, self.stride))

    def value(self, buffer: Value, j: Value) -> Value:
        """The address of a vector of a buffer."""
        return self.f.at(buffer, self.f.mul(placed(self.f, "%log", j), self.k.size))

    def short(self, buffer: Value, twiddles: Value, *, twisted: bool = False) -> None:
        """The layers after the first one."""
        self.f.do(
            f"call void @fr_ntt_short(ptr {buffer}, ptr {twiddles}, i64 %log, i64 {int(twisted)})"
        )

    def base(self, source: Value, buffer: Value, twiddles: Value) -> None:
        """A short transform of a group of an arena, in a buffer."""
        self.f.do(
            f"call void @fr_ntt_base(ptr {source}, ptr {buffer}, ptr {twiddles}, ptr %places, "
            "i64 %log)"
        )
        self.short(buffer, twiddles)

    def arena(self, arena: Value, group: Value) -> Value:
        """Where a group of 2^log vectors lies."""
        return self.f.at(arena, self.f.mul(group, _group_stride(self.k, self.size)))

    def powers(self, first: Value, count: Value) -> None:
        """Factors to begin with, where there is no table of them."""
        f, k = self.f, self.k
        log = k.width.bit_length() - 1
        with f.when(f.compare("eq", "%table", "null", "ptr")), f.loop(count) as w:
            home = f.mul(w, running(type(k)) * k.size)
            power = f.add(home, k.width * k.size)
            f.do(
                f"call void @fr_ntt_powers(ptr {f.at('%local', home)}, "
                f"ptr {f.at('%local', power)}, ptr %starts, ptr %steps, i64 {log}, "
                f"i64 {f.add(first, w)})"
            )

    def spread(self, first: Value, count: Value) -> None:
        """Multiplies a bundle's vectors by the factors between the steps; stores them transposed.

        Vectors of column group g become lanes of all row groups, L neighbours in each.
        """
        f, k, b = self.f, self.k, self.b
        stride = _group_stride(k, "%columns")
        none = f.compare("eq", "%table", "null", "ptr")
        with f.loop(f.op(f"udiv i64 {self.size}, {k.width}")) as h, f.loop(count) as w:
            group = f.add(first, w)
            index = f.mul(h, k.width)
            values = self.value(self.buffer(w), index)
            kept = f.row("%table", f.add(f.mul(group, self.size), index), k.size)
            made = f.row("%local", w, running(type(k)) * k.size)
            factors = f.select(none, made, kept, "ptr")
            products: list[Element] = []
            for c in range(0, k.width, 2):
                pairs = [
                    (pinned(k, f.at(values, at), b.between), pinned(k, f.at(factors, at), b.factor))
                    for at in (c * k.size, (c + 1) * k.size)
                ]
                products.extend(b.multiplied(pairs))
            row = f.at("%out", f.add(f.mul(h, stride), f.mul(group, k.width * k.size)))
            for c, x in enumerate(transposed(k, products)):
                k.store(x, f.at(row, c * k.size), b.fresh)
            with f.when(none), f.loop(k.width // 2) as i:
                pair = f.row(made, i, 2 * k.size)
                power = k.load(f.at(made, k.width * k.size), b.factor)
                old = [pinned(k, f.at(pair, k.size * s), b.factor) for s in range(2)]
                one, two = k.mul_both((old[0], power), (old[1], power))
                k.store(one, pair, b.factor)
                k.store(two, f.at(pair, k.size), b.factor)


def _group_stride(k: Lanes, vectors: Value) -> Value:
    """Bytes from one row group of an arena to the next."""
    return k.f.add(k.f.mul(vectors, k.size), PAD)


# -- steps ----------------------------------------------------------------------------------------


def _emit_base(module: Module, lanes: type[Lanes]) -> None:
    """`(source, buffer, twiddles, places, log)`: first layer of 2^log vectors of an arena."""
    f = module.function(
        "fr_ntt_base", "source", "buffer", "twiddles", "places", "i64 log", attributes="noinline"
    )
    k = lanes(f, FR)
    b = butterflies_of(lanes)(k)

    def fetch(j: Value, _: Value, __: int) -> Element:
        return k.load(f.row("%source", j, k.size), b.fresh)

    first_layer(b, fetch, lambda _: "%buffer", "%twiddles", "1", twisted=False)
    f.leave()


def _emit_first(module: Module, lanes: type[Lanes], *, product: bool) -> None:
    """Column groups `from` … `to` − 1 of the first step; 2^log rows a column.

    `places`: byte offsets of local vectors by j₁; `table`: of all factors, or null where they are
    made on the way, of `starts` and `steps`.
    """
    name = "fr_ntt_product" if product else "fr_ntt_first"
    arrays = ("rows", "others") if product else ("rows",)
    t = _Kernel(module, lanes, name, arrays, _SPREAD)
    f, k, b = t.f, t.k, t.b
    stride = f.mul("%columns", ROW)
    with t.bundles() as (first, count):

        def fetch(j: Value, w: Value, _: int) -> Element:
            offset = f.add(f.mul(f.add(first, w), k.width * ROW), f.mul(j, stride))
            for array in arrays:
                following = f.at(f.at(f"%{array}", offset), stride)
                prefetch(k, following, k.width * ROW, write=False)
            a = from_rows(k, f.at("%rows", offset))
            if product:
                a = k.mul(a, from_rows(k, f.at("%others", offset)))
            return k.carry(a)

        first_layer(b, fetch, t.buffer, "%twiddles", count, twisted=False)
        with f.loop(count) as w:
            t.short(t.buffer(w), "%twiddles")
        t.powers(first, count)
        t.spread(first, count)


def _emit_turn(module: Module, lanes: type[Lanes]) -> None:
    """Row groups `from` … `to` − 1 of a second step, and of the twisted first step that follows.

    The columns of the next transform are the rows of this one.
    """
    t = _Kernel(module, lanes, "fr_ntt_turn", ("arena", "before", "spare"), _SPREAD)
    f, k, b = t.f, t.k, t.b
    with t.bundles() as (first, count):
        with f.loop(count) as w:
            t.base(t.arena("%arena", f.add(first, w)), "%spare", "%before")

            def fetch(j: Value, _: Value, s: int) -> Element:
                a = k.load(t.value("%spare", j), b.between)
                return a if s else b.settled(a)

            def buffer(_: Value, w: Value = w) -> Value:
                return t.buffer(w)

            first_layer(b, fetch, buffer, "%twiddles", "1", twisted=True)
            t.short(t.buffer(w), "%twiddles", twisted=True)
        t.powers(first, count)
        t.spread(first, count)


def _emit_second(module: Module, lanes: type[Lanes]) -> None:
    """Row groups `from` … `to` − 1 of the second step, to canonical rows."""
    t = _Kernel(module, lanes, "fr_ntt_second", ("rows", "arena"), ("twiddles", "places"))
    f, k, b = t.f, t.k, t.b
    with t.bundles() as (first, count):
        with f.loop(count) as w:
            t.base(t.arena("%arena", f.add(first, w)), t.buffer(w), "%twiddles")
        with _outputs(t, first, count) as (j, w, rows):
            a = pinned(k, t.value(t.buffer(w), j), b.between)
            to_rows(k, b.canonical(a), rows)


def _emit_quotient(module: Module, lanes: type[Lanes]) -> None:
    """Second steps of a, b and c, then a·b − c out of Montgomery form, canonical.

    a and b come times 2²⁵⁶, c times 2²⁵² as `fr_ntt_product` makes it, and all of them times 2⁻¹²⁶
    from the factors of the first step: then (a·b − c·2¹³⁴)/R is what is wanted.
    """
    arenas = ("a", "b", "c")
    t = _Kernel(
        module,
        lanes,
        "fr_ntt_quotient",
        ("rows", *arenas),
        ("twiddles", "places"),
        per_group=len(arenas),
    )
    f, k, b = t.f, t.k, t.b
    scale = 1 << (2 * R_BITS - 2 * MONTGOMERY_BITS + HALF_SCALE)
    with t.bundles() as (first, count):
        with f.loop(count) as w:
            for i, x in enumerate(arenas):
                t.base(t.arena(f"%{x}", f.add(first, w)), t.buffer(w, i), "%twiddles")
        with _outputs(t, first, count) as (j, w, rows):
            values = [pinned(k, t.value(t.buffer(w, i), j), b.between) for i in range(len(arenas))]
            to_rows(k, b.quotient(values, scale), rows)


@contextmanager
def _outputs(t: _Kernel, first: Value, count: Value) -> Iterator[tuple[Value, Value, Value]]:
    """For each k₂ and group of a bundle: both, and the address of the first lane's row."""
    f, k = t.f, t.k
    stride = f.mul("%columns", ROW)
    start = f.at("%rows", f.mul(first, k.width * ROW))
    with f.loop(t.size) as j, f.loop(count) as w:
        rows = f.at(start, f.add(f.mul(j, stride), f.mul(w, k.width * ROW)))
        prefetch(k, f.at(rows, f.mul(stride, _AHEAD)), k.width * ROW, write=True)
        yield j, w, rows


def _emit_whole(module: Module) -> None:
    """`(rows, out, arena, local, plan)`: a transform in one thread.

    The plan is words: log, columns, groups, bundle and the arrays of `_SPREAD` but the last for
    the first step, then log, columns, groups, bundle, constants and places for the second.
    """
    f = module.function("fr_ntt_whole", "rows", "out", "arena", "local", "plan", export=True)
    words = iter(range(WHOLE))

    def arguments(*kinds: str) -> list[Value]:
        return [f"{kind} {f.load(f.at('%plan', 8 * next(words)), kind)}" for kind in kinds]

    for name, arrays, pointers, last in (
        ("fr_ntt_first", "ptr %rows", len(_SPREAD) - 1, ["ptr %arena"]),
        ("fr_ntt_second", "ptr %out, ptr %arena", 2, []),
    ):
        log, columns, groups, bundle, *others = arguments(*["i64"] * 4, *["ptr"] * pointers)
        shape = [log, columns, "i64 0", groups, bundle, "ptr %local"]
        f.do(f"call void @{name}({', '.join([arrays, *shape, *others, *last])})")
    f.leave()


# -- factors --------------------------------------------------------------------------------------


def _emit_powers(module: Module, lanes: type[Lanes]) -> None:
    """`(out, power, starts, steps, log, group)`: start·step^k of a column group, k < 2^log.

    By doubling; `power` becomes step^(2^log). Starts and steps are rows by column.
    """
    f = module.function(
        "fr_ntt_powers",
        "out",
        "power",
        "starts",
        "steps",
        "i64 log",
        "i64 group",
        attributes="noinline",
    )
    k = lanes(f, FR)
    like = butterflies_of(lanes)(k).factor
    to_lanes = k.constant((1 << (2 * R_BITS - MONTGOMERY_BITS)) % k.p)  # from R = 2²⁵⁶ to 2²⁶⁰
    for source, target in (("%starts", "%out"), ("%steps", "%power")):
        plain = from_rows(k, f.at(source, f.mul("%group", k.width * ROW)))
        k.store(k.mul(plain, to_lanes), target, like)
    with f.loop("%log") as i:
        known = f.op(f"shl i64 1, {i}")
        upper = f.row("%out", known, k.size)
        with f.loop(known) as j:
            a = pinned(k, f.row("%out", j, k.size), like)
            k.store(k.mul(a, pinned(k, "%power", like)), f.row(upper, j, k.size), like)
        k.store(k.sqr(pinned(k, "%power", like)), "%power", like)
    f.leave()


def _emit_between(module: Module, lanes: type[Lanes]) -> None:
    """`(table, starts, steps, log, from, to)`: factors of column groups `from` … `to` − 1."""
    f = module.function(
        "fr_ntt_between", "table", "starts", "steps", "i64 log", "i64 from", "i64 to", export=True
    )
    k = lanes(f, FR)
    power = f.aligned(k.size)
    k.begin()
    with f.loop("%to", "%from") as g:
        table = f.at("%table", f.mul(f.op(f"shl i64 {g}, %log"), k.size))
        f.do(
            f"call void @fr_ntt_powers(ptr {table}, ptr {power}, ptr %starts, ptr %steps, "
            f"i64 %log, i64 {g})"
        )
    k.end()
    f.leave()
