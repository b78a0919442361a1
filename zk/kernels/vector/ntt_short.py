"""Short transforms in vector lanes, in one piece of memory.

Decimated in time, radix 4 (one layer of radix 2 first where log₂ m is odd), in place; their input
lies in digit-reversed places. *Twisted* ones evaluate at the odd powers of ω_{2m}; they differ in
their tables alone, and give a transform on the odd points of a domain twice as large at no more
than the cost of layers that otherwise multiply by one.

Blocks of up to 2^`_BLOCK` vectors, which fit a first-level cache, go through all their layers
before the next one is touched; the layers above follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

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


def short(f: Function, buffer: Value, twiddles: Value, log: Value, *, twisted: bool) -> None:
    """A call of `fr_ntt_short`."""
    f.do(f"call void @fr_ntt_short(ptr {buffer}, ptr {twiddles}, i64 {log}, i64 {int(twisted)})")


def emit_short(module: Module, lanes: type[Lanes]) -> None:
    """`fr_ntt_short(buffer, twiddles, log, twisted)`: 2^log vectors in digit-reversed order.

    Records of `twiddles`: `HEAD`, then for each radix-4 layer of blocks of h vectors, h = h₀, 4·h₀
    …, h₀ = 2^(log mod 2): three records for each j < h.
    """
    _emit_base(module, lanes)
    _emit_layers(module, lanes)
    f = module.function(
        "fr_ntt_short", "buffer", "twiddles", "i64 log", "i64 twisted", attributes="noinline"
    )
    k = lanes(f, FR)
    size = f.op("shl i64 1, %log")
    odd = f.op("and i64 %log, 1")
    first = f.op(f"shl i64 1, {odd}")
    largest = f.op(f"shl i64 {1 << _BLOCK}, {odd}")
    if _BLOCK & 1:
        raise ValueError("blocks of even logarithm are needed")
    part = f.select(f.compare("ult", size, largest), size, largest)
    plain = f.compare("eq", "%twisted", 0)
    # a layer of radix 4 that multiplies by one comes first where log is even
    begun = f.select(f.op(f"and i1 {plain}, {f.compare('eq', odd, 0)}"), 4, first)
    with f.loop(f.op(f"udiv i64 {size}, {part}")) as block:
        start = f.at("%buffer", f.mul(f.mul(block, part), k.size))
        f.do(
            f"call void @fr_ntt_base(ptr {start}, ptr %twiddles, i64 {part}, i64 {odd}, "
            "i64 %twisted)"
        )
        _layers(f, start, first, begun, part)
    _layers(f, "%buffer", first, part, size)
    f.leave()


def _layers(f: Function, start: Value, first: Value, begin: Value, end: Value) -> None:
    f.do(
        f"call void @fr_ntt_layers(ptr {start}, ptr %twiddles, i64 {first}, i64 {begin}, "
        f"i64 {end}, i64 %twisted)"
    )


def _emit_base(module: Module, lanes: type[Lanes]) -> None:
    """`(buffer, twiddles, size, odd, twisted)`: the first layer, unless it is like the others."""
    f = module.function(
        "fr_ntt_base",
        "buffer",
        "twiddles",
        "i64 size",
        "i64 odd",
        "i64 twisted",
        attributes="noinline",
    )
    k = lanes(f, FR)
    b = butterflies_of(lanes)(k)
    plain = f.compare("eq", "%twisted", 0)
    even = f.compare("eq", "%odd", 0)
    with f.when(f.op(f"and i1 {plain}, {even}")):
        with f.loop(f.op("lshr i64 %size, 2")) as i:
            places = _places(k, f.row("%buffer", i, 4 * k.size), k.size)
            _store(b, places, b.four(_loaded(k, places, b.fresh), "", "%twiddles", fresh=True))
        f.leave()
    with f.when(even):
        f.leave()
    with f.loop(f.op("lshr i64 %size, 1")) as i:
        places = _places(k, f.row("%buffer", i, 2 * k.size), k.size)[:2]
        with f.when(plain):
            _store(b, places, b.pair(_loaded(k, places, b.fresh), ""))
        with f.when(f.op(f"xor i1 {plain}, true")):
            factor = f.at("%twiddles", b.record)
            _store(b, places, b.pair(_loaded(k, places, b.start), factor))
    f.leave()


def _emit_layers(module: Module, lanes: type[Lanes]) -> None:
    """`(buffer, twiddles, first, begin, end, twisted)`: layers of `end` vectors.

    From blocks of `begin` vectors on; the first layer of radix 4 has blocks of `first`.
    """
    f = module.function(
        "fr_ntt_layers",
        "buffer",
        "twiddles",
        "i64 first",
        "i64 begin",
        "i64 end",
        "i64 twisted",
        attributes="noinline",
    )
    k = lanes(f, FR)
    b = butterflies_of(lanes)(k)
    like = b.between
    span = f.slot(8)
    f.store("%begin", span)

    def block(start: Value, h: Value, factors: Value) -> None:
        places = _places(k, start, f.mul(h, k.size))
        a = _loaded(k, places, like)
        _store(b, places, b.four(a, factors, "%twiddles", fresh=False))

    plain = f.compare("eq", "%twisted", 0)
    with f.repeat() as stop:
        h = f.load(span)
        stop(f.compare("uge", h, "%end"))
        whole = f.op(f"shl i64 {h}, 2")
        blocks = f.op(f"udiv i64 %end, {whole}")
        stride = f.mul(whole, k.size)
        table = f.row("%twiddles", f.add(f.sub(h, "%first"), HEAD), b.record)
        with f.when(plain), f.loop(blocks) as i:
            block(f.at("%buffer", f.mul(i, stride)), h, "")
        with f.loop(h, f.select(plain, 1, 0)) as j:
            start = f.row("%buffer", j, k.size)
            factors = f.row(table, j, 3 * b.record)
            with f.loop(blocks) as i:
                block(f.at(start, f.mul(i, stride)), h, factors)
        f.store(whole, span)
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
