"""Poseidon's permutation in vector lanes: L hashes side by side (`zk.kernels.poseidon`).

An element of the state is L values in limb form. Constants are five words that stand for all lanes;
a row of a matrix is one sum of t products with one reduction (`zk.kernels.vector.dots`).

Bounds. The elements of a state lie within [0, `_MOST`·r]. In partial rounds those but the first are
added to without being reduced: they grow by one product a round, and are reduced every `STRIDE`
rounds. `_growth` proves that they stay within.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from zk.kernels.constants import FR
from zk.kernels.emit import Function, Module, Value
from zk.kernels.poseidon import MAX_WIDTH, STRIDE, Form, emit_rounds
from zk.kernels.vector import dots
from zk.kernels.vector.canonical import canonical
from zk.kernels.vector.dots import Dots, Shape
from zk.kernels.vector.fma import Fma, bits, signed_digits
from zk.kernels.vector.lanes import (
    LIMBS,
    MASK,
    R_BITS,
    RADIX,
    BoundError,
    Element,
    Lanes,
    top_bound,
)

CONSTANT: Final = 8 * LIMBS
"""Bytes of a constant."""
SIGNATURES: Final = {"fr_vector_poseidon": ("ppnppnnn", None)}

_PREFIX: Final = "fr_vector_poseidon"
_ROW: Final = 32
_MOST: Final = 24
WIDEST: Final = 16
"""More terms are not proved for a sum of products."""
_WIDTHS: Final = range(2, WIDEST + 1)


def constant_words(lanes: type[Lanes], values: Iterable[int]) -> list[int]:
    """Constants as kernels read them, five words each."""
    words = []
    for value in values:
        plain = (value << R_BITS) % FR.value
        if issubclass(lanes, Fma):
            words += [bits(digit) for digit in signed_digits(plain)]
        else:
            words += [plain >> (RADIX * i) & MASK for i in range(LIMBS)]
    return words


def emit_poseidon(module: Module, lanes: type[Lanes]) -> None:
    """`fr_vector_poseidon(out, inputs, n, tag, constants, t, half, partial)`.

    out `[n, 4]` and inputs `[n, t − 1, 4]` in standard form, canonical; n is a multiple of the
    lanes. The tag is a constant as the others are.
    """
    _Emitter(module, lanes).emit()


class _Emitter:
    def __init__(self, module: Module, lanes: type[Lanes]) -> None:
        self.module = module
        self.lanes = lanes
        self.vector = 8 * lanes.width
        self.size = LIMBS * self.vector
        stride = self.vector
        self.shape = Shape(f"{_PREFIX}_dot", True, 8, stride, stride)
        self.dots = Dots(module, lanes, FR)

    # -- bounds -----------------------------------------------------------------------------------

    def state_like(self, k: Lanes, most: int = 0) -> Element:
        """An element of the state, at most `most` (by default `_MOST`·r)."""
        value = 0, most or _MOST * k.p
        lower = [k.carried] * (LIMBS - 1)
        low, high = top_bound(value, lower)
        if k.carried[0] == 0:  # digits, then: the top one is what remains of the value
            low, high = 0, value[1] >> RADIX * (LIMBS - 1)
        return Element(("poison",) * LIMBS, value, (*lower, (low, high)))

    def constant_like(self, k: Lanes) -> Element:
        """Any constant."""
        return self.state_like(k, k.p)

    def power_like(self, k: Lanes) -> Element:
        """A fifth power; a bound that `_emit_power` proves."""
        return self.state_like(k, 2 * k.p)

    # -- emission ---------------------------------------------------------------------------------

    def emit(self) -> None:
        self.dots.emit(self.shape)
        self._emit_power()
        self._emit_row()
        self._emit_step()
        self._emit_shrink()
        emit_rounds(self.module, Form(_PREFIX, self.size, CONSTANT))
        self._emit_load()
        self._emit_store()
        f = self.module.function(
            _PREFIX, "out", "inputs", "i64 n", "tag", "constants", "i64 t", "i64 half",
            "i64 partial", export=True,
        )  # fmt: skip
        k = self.lanes(f, FR)
        k.begin()
        x, y, start = (f.aligned(self.size * n) for n in (MAX_WIDTH, MAX_WIDTH, 1))
        k.store(self._constant(k, "%tag"), start)
        width = f.sub("%t", 1)
        span = f.mul(width, _ROW)
        with f.loop(f.op(f"udiv i64 %n, {k.width}")) as group:
            k.store(k.load(start, self.constant_like(k)), x, self.state_like(k))
            first = f.mul(group, k.width)
            rows = f.at("%inputs", f.mul(first, span))
            with f.loop(width) as j:
                element = f.row(f.at(x, self.size), j, self.size)
                source = f.row(rows, j, _ROW)
                f.do(f"call void @{_PREFIX}_load(ptr {element}, ptr {source}, i64 {span})")
            f.do(
                f"call void @{_PREFIX}_rounds(ptr {x}, ptr {y}, ptr %constants, i64 %t, i64 %half, "
                "i64 %partial)"
            )
            f.call(f"{_PREFIX}_store", f.row("%out", first, _ROW), y)
        k.end()
        f.leave()

    def _constant(self, k: Lanes, pointer: Value) -> Element:
        """A constant in all lanes."""
        zeros = f"<{k.width} x i32> zeroinitializer"
        limbs = []
        for i in range(LIMBS):
            word = k.f.load(k.f.at(pointer, 8 * i))
            one = k.f.op(f"insertelement {k.words} poison, i64 {word}, i64 0")
            all_ = k.f.op(f"shufflevector {k.words} {one}, {k.words} poison, {zeros}")
            limbs.append(k.as_doubles(all_) if isinstance(k, Fma) else all_)
        like = self.constant_like(k)
        return Element(tuple(limbs), like.value, like.bounds)

    def _emit_power(self) -> None:
        f = self.module.function(f"{_PREFIX}_power", "out", "x", "c", attributes="noinline")
        k = self.lanes(f, FR)
        base = k.carry(k.add(k.load("%x", self.state_like(k)), self._constant(k, "%c")))
        square = k.sqr(base)
        k.store(k.carry(k.mul(k.sqr(square), base)), "%out", self.power_like(k))
        f.leave()

    def _emit_row(self) -> None:
        """A row; its result is proved for every width."""
        name = f"{_PREFIX}_row"
        f = self.module.function(name, "out", "x", "m", "i64 t", attributes="noinline")
        k = self.lanes(f, FR)
        term = self.constant_like(k), self.state_like(k)
        if isinstance(k, Fma):
            sums = [dots.fma_pool(k, [term] * t) for t in _WIDTHS]
            pool, results = self._pools(f, [words for words, _ in sums]), [x for _, x in sums]
        else:
            pool, results = "null", [dots.ifma_like(k, [term] * t) for t in _WIDTHS]
        if not all(x.value[0] >= 0 and x.value[1] <= _MOST * k.p for x in results):
            raise BoundError("a row leaves the bounds of the state")
        table = self._table(f)
        f.do(
            f"call void @{self.shape.name}(ptr %out, ptr %m, ptr %x, ptr {table}, i64 %t, "
            f"ptr {pool})"
        )
        f.leave()

    def _table(self, f: Function) -> Value:
        """Address of the places of all terms' factors: constants and elements lie in order."""
        symbol = f"@{_PREFIX}_table"
        places = (x for i in range(MAX_WIDTH) for x in (CONSTANT * i, self.size * i))
        words = ", ".join(f"i64 {x}" for x in places)
        f.pool[symbol] = f"{symbol} = internal constant [{2 * MAX_WIDTH} x i64] [{words}]\n"
        return symbol

    def _pools(self, f: Function, words: list[list[int]]) -> Value:
        """Address of the constants for sums of t terms."""
        rows = [row for each in words for row in dots.pool_rows(each)]
        symbol = f"@{_PREFIX}_pools"
        kind = f"[{len(rows)} x <4 x i64>]"
        f.pool[symbol] = f"{symbol} = internal constant {kind} [{', '.join(rows)}], align 32\n"
        each = 32 * len(words[0])
        return f.row(symbol, f.sub("%t", _WIDTHS.start), each)

    def _emit_step(self) -> None:
        f = self.module.function(f"{_PREFIX}_step", "x", "s", "w", attributes="noinline")
        k = self.lanes(f, FR)
        product = k.mul(self._constant(k, "%w"), k.load("%s", self.power_like(k)))
        before = self.state_like(k, self._growth(k, product))
        total = k.carry(k.add(k.load("%x", before), product))
        k.store(total, "%x", self.state_like(k))
        f.leave()

    def _growth(self, k: Lanes, product: Element) -> int:
        """The most that an element is before the last step of a stride; proves that it is kept."""
        throw_away = self.lanes(Function("bounds", []), k.m)
        start = throw_away.reduced(self.state_like(throw_away)).value
        most = start[1] + (STRIDE - 1) * product.value[1]
        if min(start[0], product.value[0]) < 0 or most + product.value[1] > _MOST * k.p:
            raise BoundError("a state grows too large between two reductions")
        return most

    def _emit_shrink(self) -> None:
        f = self.module.function(f"{_PREFIX}_shrink", "x", attributes="noinline")
        k = self.lanes(f, FR)
        k.store(k.reduced(k.load("%x", self.state_like(k))), "%x", self.state_like(k))
        f.leave()

    def _emit_load(self) -> None:
        """Inputs of one position, a row each `span` bytes, to an element."""
        name = f"{_PREFIX}_load"
        f = self.module.function(name, "out", "rows", "i64 span", attributes="noinline")
        k = self.lanes(f, FR)
        pointers = [f.at("%rows", f.mul("%span", i)) for i in range(k.width)]
        plain = k.from_integers(k.gather(pointers, 4), (0, k.p))
        scale = k.constant((1 << 2 * R_BITS) % k.p)
        k.store(k.carry(k.mul(plain, scale)), "%out", self.state_like(k))
        f.leave()

    def _emit_store(self) -> None:
        """An element to canonical rows."""
        f = self.module.function(f"{_PREFIX}_store", "out", "x", attributes="noinline")
        k = self.lanes(f, FR)
        plain = k.mul(k.load("%x", self.state_like(k)), k.constant(1))
        pointers = [f.at("%out", _ROW * i) for i in range(k.width)]
        k.scatter(canonical(k, plain), pointers)
        f.leave()
