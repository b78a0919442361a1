"""Short transforms in vector lanes, in one piece of memory.

Decimated in time, radix 4 (one layer of radix 2 first where log₂ m is odd), in place; their input
lies in digit-reversed places. *Twisted* ones evaluate at the odd powers of ω_{2m}; they differ in
their tables alone, and give a transform on the odd points of a domain twice as large at no more
than the cost of layers that otherwise multiply by one.

Memory of first-level caches is what matters beyond the arithmetic, three things of it:

    blocks     2⁶ vectors (2⁵ where log₂ m is odd) go through all their layers at once
    pairs      of the layers above, two are done together: sixteen vectors meet in both of them
    places     behind each block one vector stays empty, so that legs that lie a power of two apart
               do not fall on the same lines of a cache, nor do loads seem to wait for stores
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from zk.kernels.constants import FR
from zk.kernels.emit import Function, Module, Value
from zk.kernels.vector.butterflies import Butterflies
from zk.kernels.vector.butterflies_double import DoubleButterflies
from zk.kernels.vector.butterflies_integer import IntegerButterflies
from zk.kernels.vector.fma import Fma
from zk.kernels.vector.lanes import BoundError, Element, Lanes

HEAD: Final = 2
"""Records before those of the layers: ω₄, and the factor of a twisted radix-2 layer, also ω₄."""
_BLOCK: Final = 6


def butterflies_of(lanes: type[Lanes]) -> type[Butterflies]:
    """The arithmetic of transforms with a multiplier."""
    return DoubleButterflies if issubclass(lanes, Fma) else IntegerButterflies


def pinned(k: Lanes, pointer: Value, like: Element) -> Element:
    """From memory that stays as it is while the result is used."""
    return k.load(pointer, like, pinned=True)


def vectors(log: int) -> int:
    """How many vectors of memory 2^log of them take."""
    return int(position(log, 1 << log))


def position(log: int, index: Any) -> Any:
    """Where vectors of a transform of 2^log lie: behind each block one is left out."""
    return index + (index >> (_BLOCK - (log & 1)))


def placed(f: Function, log: Value, index: Value) -> Value:
    """`position` in a kernel."""
    shift = f.sub(str(_BLOCK), f.op(f"and i64 {log}, 1"))
    return f.add(index, f.op(f"lshr i64 {index}, {shift}"))


def emit_short(module: Module, lanes: type[Lanes]) -> None:
    """`fr_ntt_short(buffer, twiddles, log, twisted)`: all layers of 2^log vectors but the first.

    Records of `twiddles`: `HEAD`, then for each radix-4 layer of blocks of h vectors, h = h₀, 4·h₀
    …, h₀ = 2^(log mod 2): three records for each j < h.
    """
    _emit_run(module, lanes, multiplied=False)
    _emit_run(module, lanes, multiplied=True)
    _Short(module, lanes).emit()


class _Short:
    """Which butterflies follow which: `fr_ntt_short`."""

    def __init__(self, module: Module, lanes: type[Lanes]) -> None:
        self.f = f = module.function(
            "fr_ntt_short", "buffer", "twiddles", "i64 log", "i64 twisted", attributes="noinline"
        )
        self.size = lanes(f, FR).size
        self.record = butterflies_of(lanes).record
        self.first = f.op(f"shl i64 1, {f.op('and i64 %log, 1')}")
        # 1 where butterflies of index 0 multiply by one
        self.plain = f.op("xor i64 %twisted, 1")

    def emit(self) -> None:
        """The whole function."""
        f = self.f
        whole = f.op("shl i64 1, %log")
        odd = f.op("and i64 %log, 1")
        most = f.op(f"lshr i64 {1 << _BLOCK}, {odd}")
        part = f.select(f.compare("ult", whole, most), whole, most)
        begun = f.op(f"lshr i64 4, {odd}")
        stride = self._bytes(part)
        with f.loop(f.op(f"udiv i64 {whole}, {part}")) as i:
            start = f.at("%buffer", f.mul(i, stride))
            with self._layers(begun, part) as h:
                self._small(start, h, part)
        span = f.slot(8)
        f.store(part, span)
        layers = f.op(f"call i64 @llvm.cttz.i64(i64 {f.op(f'udiv i64 {whole}, {part}')}, i1 true)")
        with f.when(f.compare("ne", f.op(f"and i64 {layers}, 2"), 0)):
            self._single(part, whole)
            f.store(f.op(f"shl i64 {part}, 2"), span)
        with f.repeat() as stop:
            h = f.load(span)
            stop(f.compare("uge", h, whole))
            self._pair(h, whole)
            f.store(f.op(f"shl i64 {h}, 4"), span)
        f.leave()

    @contextmanager
    def _layers(self, begin: Value, end: Value) -> Iterator[Value]:
        """For h = begin, 4·begin … below end."""
        f = self.f
        span = f.slot(8)
        f.store(begin, span)
        with f.repeat() as stop:
            h = f.load(span)
            stop(f.compare("uge", h, end))
            yield h
            f.store(f.op(f"shl i64 {h}, 2"), span)

    def _bytes(self, vectors: Value) -> Value:
        """Of so many vectors: a part of a block, or whole blocks."""
        return self.f.mul(placed(self.f, "%log", vectors), self.size)

    def _table(self, h: Value, index: Value) -> Value:
        """Records of a butterfly of the layer of h."""
        f = self.f
        before = f.add(f.sub(h, self.first), HEAD)
        return f.row("%twiddles", f.add(before, f.mul(index, 3)), self.record)

    def _run(
        self,
        start: Value,
        leg: Value,
        count: Value | int,
        step: Value | int,
        factors: Value = "",
        records: Value | int = 0,
    ) -> None:
        """`count` butterflies, `step` bytes apart, with factors `records` bytes apart."""
        head = f"ptr {start}, ptr %twiddles, i64 {leg}, i64 {count}, i64 {step}"
        if factors:
            self.f.do(f"call void @fr_ntt_factors({head}, ptr {factors}, i64 {records})")
        else:
            self.f.do(f"call void @fr_ntt_plain({head})")

    def _small(self, start: Value, h: Value, part: Value) -> None:
        """A layer within a block."""
        f = self.f
        leg = f.mul(h, self.size)
        wide = f.op(f"shl i64 {leg}, 2")
        count = f.op(f"lshr i64 {f.op(f'udiv i64 {part}, {h}')}, 2")
        with f.when(f.compare("ne", self.plain, 0)):
            self._run(start, leg, count, wide)
        with f.when(f.compare("eq", count, 1)):
            first = f.at(start, f.mul(self.plain, self.size))
            factors = self._table(h, self.plain)
            self._run(first, leg, f.sub(h, self.plain), self.size, factors, 3 * self.record)
        with f.when(f.compare("ne", count, 1)), f.loop(h, self.plain) as j:
            self._run(f.row(start, j, self.size), leg, count, wide, self._table(h, j))

    def _single(self, h: Value, whole: Value) -> None:
        """A layer above blocks, in which h is a block."""
        f = self.f
        leg = self._bytes(h)
        stride = f.op(f"shl i64 {leg}, 2")
        first = f.mul(self.plain, self.size)
        with f.loop(f.op(f"lshr i64 {f.op(f'udiv i64 {whole}, {h}')}, 2")) as i:
            start = f.at("%buffer", f.mul(i, stride))
            with f.when(f.compare("ne", self.plain, 0)):
                self._run(start, leg, 1, 0)
            factors = self._table(h, self.plain)
            count = f.sub(h, self.plain)
            self._run(f.at(start, first), leg, count, self.size, factors, 3 * self.record)

    def _pair(self, h: Value, whole: Value) -> None:
        """The layers of h and 4·h, by sixteen vectors that lie h apart."""
        f = self.f
        leg = self._bytes(h)
        wide = f.op(f"shl i64 {leg}, 2")
        above = f.op(f"shl i64 {h}, 2")
        stride = f.op(f"shl i64 {leg}, 4")
        records = f.mul(h, 3 * self.record)
        with (
            f.loop(f.op(f"lshr i64 {f.op(f'udiv i64 {whole}, {h}')}, 4")) as i,
            f.loop(h) as j,
        ):
            start = f.at("%buffer", f.add(f.mul(i, stride), self._bytes(j)))
            lower, upper = self._table(h, j), self._table(above, j)
            index = f.op(f"or i64 {j}, {f.op('xor i64 1, ' + self.plain)}")
            plain = f.compare("eq", index, 0)
            with f.when(plain):
                self._run(start, leg, 4, wide)
                self._run(start, wide, 1, 0)
                self._run(f.at(start, leg), wide, 3, leg, f.at(upper, records), records)
            with f.when(f.op(f"xor i1 {plain}, true")):
                self._run(start, leg, 4, wide, lower)
                self._run(start, wide, 4, leg, upper, records)


def first_layer(
    b: Butterflies,
    fetch: Callable[[Value, Value, int], Element],
    buffer: Callable[[Value], Value],
    twiddles: Value,
    count: Value,
    *,
    twisted: bool,
) -> None:
    """The first layer, from wherever values come to their places in buffers.

    The function has parameters `log` and `places`.

    Args:
        b: the arithmetic.
        fetch: value j of transform w, the s-th of its butterfly.
        buffer: where transform w takes place.
        twiddles: the table.
        count: how many transforms go side by side.
        twisted: whether they are twisted.
    """
    k = b.k
    f = k.f
    odd = f.op("and i64 %log, 1")
    for radix, parity in ((4, 0), (2, 1)):
        with (
            f.when(f.compare("eq", odd, parity)),
            f.loop(f.op(f"lshr i64 {f.op('shl i64 1, %log')}, {radix.bit_length() - 1}")) as r,
            f.loop(count) as w,
        ):
            leg = f.op(f"lshr i64 {f.op('shl i64 1, %log')}, {radix.bit_length() - 1}")
            a = [fetch(f.add(r, f.mul(leg, s)), w, s) for s in range(radix)]
            results: Sequence[Element]
            if radix == 2:
                results = b.pair(a, f.at(twiddles, b.record) if twisted else "")
            else:
                factors = f.at(twiddles, HEAD * b.record) if twisted else ""
                results = b.four(a, factors, twiddles, fresh=not twisted)
            start = f.at(buffer(w), f.load(f.row("%places", r, 8)))
            _store(b, [f.at(start, s * k.size) for s in range(radix)], results)


def _emit_run(module: Module, lanes: type[Lanes], *, multiplied: bool) -> None:
    """`(start, twiddles, leg, count, step[, factors, records])`: butterflies `step` bytes apart.

    The four values of each lie `leg` bytes apart; without factors they are not multiplied.
    """
    f = module.function(
        "fr_ntt_factors" if multiplied else "fr_ntt_plain",
        "start",
        "twiddles",
        "i64 leg",
        "i64 count",
        "i64 step",
        *(("factors", "i64 records") if multiplied else ()),
        attributes="noinline",
    )
    k = lanes(f, FR)
    b = butterflies_of(lanes)(k)
    with f.loop("%count") as i:
        places = _places(k, f.at("%start", f.mul(i, "%step")), "%leg")
        factors = f.at("%factors", f.mul(i, "%records")) if multiplied else ""
        a = _loaded(k, places, b.between)
        _store(b, places, b.four(a, factors, "%twiddles", fresh=False))
    f.leave()


def _places(k: Lanes, start: Value, leg: Value | int) -> list[Value]:
    """Of the four values of a butterfly."""
    places = [start]
    for _ in range(3):
        places.append(k.f.at(places[-1], leg))
    return places


def _loaded(k: Lanes, places: Sequence[Value], like: Element) -> list[Element]:
    return [pinned(k, place, like) for place in places]


def _store(b: Butterflies, places: Sequence[Value], results: Sequence[Element]) -> None:
    """Results of a butterfly, whose bounds `Butterflies.between` has proved."""
    for place, x in zip(places, results, strict=True):
        if not (b.between.value[0] <= x.value[0] and x.value[1] <= b.between.value[1]):
            raise BoundError("a butterfly does not keep its bounds")
        b.k.store(x, place)
