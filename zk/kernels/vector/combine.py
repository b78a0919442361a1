"""Sums over tables of fixed points of G1: one running sum a lane, in XYZZ coordinates.

    U = x·ZZ, S = y·ZZZ, P = U − X, R = S − Y, Q = X·P²
    X' = R² − P³ − 2Q, Y' = R·(Q − X') − Y·P³, ZZ' = ZZ·P², ZZZ' = ZZZ·P³          (madd-2008-s)

No case is treated apart. A lane starts from a known point instead of infinity, and where a term
equals the sum so far or its negative, P is 0, so ZZ is 0 from there to the end: whoever adds up the
lanes sees it and takes another way.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FP, MONTGOMERY_BITS
from zk.kernels.emit import Function, Module, Value
from zk.kernels.vector.fma import Fma
from zk.kernels.vector.kept import check_within, kept_constants, kept_like, light, ready
from zk.kernels.vector.lanes import (
    LIMBS,
    Element,
    Interval,
    Lanes,
    settled,
    top_bound,
)
from zk.kernels.vector.planar import ROW

SUM_VALUES: Final = 4
_POINT: Final = 2 * ROW
_DIGIT: Final = 2
_WIDEST: Final = 8
"""Coordinates of a running sum are at most this many p."""


def emit_combine(module: Module, lanes: type[Lanes]) -> None:
    """`g1_sum_lanes(rows, tables, digits, groups, half, start)`.

    Adds, for each of `groups` vectors of digits d (`int16`), ±row |d| of the digit's table; tables
    are `half` packed points each, one after the other. `start` is the packed point that every lane
    starts from; `rows` takes a lazy XYZZ point a lane.
    """
    f = module.function(
        "g1_sum_lanes",
        "rows",
        "tables",
        "digits",
        "i64 groups",
        "i64 half",
        "start",
        export=True,
    )
    k = lanes(f, FP)
    k.begin()
    state = f.aligned(SUM_VALUES * k.size)
    words = k.gather(["%start"] * k.width, 8)
    for i in range(2):
        _put(k, k.unpack(words[4 * i : 4 * i + 4], settled(k.p)), state, i)
    for i in range(2, SUM_VALUES):
        (one,) = kept_constants(k, (1,))
        _put(k, one, state, i)
    with f.loop("%groups") as g:
        _step(f, k, state, g)
    shift = k.constant((1 << MONTGOMERY_BITS) % k.p)
    for i in range(SUM_VALUES):
        positive = k.add(_get(k, state, i), k.constant(_WIDEST * k.p))
        pointers = [f.at("%rows", SUM_VALUES * ROW * lane + ROW * i) for lane in range(k.width)]
        k.scatter(k.to_integers(k.mul(ready(k, positive), shift)), pointers)
    k.end()
    f.leave()


def loose_like(k: Lanes) -> Element:
    """Bounds of coordinates that are not reduced from step to step."""
    most = _WIDEST * k.p
    value = (-most, most) if isinstance(k, Fma) else (0, most)
    lower: list[Interval] = list(kept_like(k).bounds[:-1])
    low, high = top_bound(value, lower)
    return Element(("poison",) * LIMBS, value, (*lower, (low if isinstance(k, Fma) else 0, high)))


def _get(k: Lanes, state: Value, index: int) -> Element:
    return k.load(k.f.at(state, index * k.size), loose_like(k))


def _put(k: Lanes, a: Element, state: Value, index: int) -> None:
    a = ready(k, a)
    check_within(a, loose_like(k))
    k.store(a, k.f.at(state, index * k.size))


def _step(f: Function, k: Lanes, state: Value, g: Value) -> None:
    narrow = f"<{k.width} x i16>"
    raw = f.op(f"load {narrow}, ptr {f.row('%digits', g, _DIGIT * k.width)}, align 2")
    digits = f.op(f"sext {narrow} {raw} to {k.words}")
    zero = k.splat(0)
    negative = f.op(f"icmp slt {k.words} {digits}, {zero}")
    absent = k.equal(digits, zero)
    opposite = k.word_op("sub", zero, digits)
    size = f.op(f"select {k.mask_type} {negative}, {k.words} {opposite}, {k.words} {digits}")
    first = f.mul(f.mul(g, k.width), "%half")
    pointers = []
    for lane in range(k.width):
        digit = f.op(f"extractelement {k.words} {size}, i32 {lane}")
        row = f.add(digit, f.sub(f.add(first, f.mul("%half", lane)), 1))
        row = f.select(f.compare("eq", digit, 0), 0, row)  # not beyond the last table
        pointers.append(f.row("%tables", row, _POINT))
    words = k.gather(pointers, 8)
    x2, y2 = (k.unpack(words[4 * i : 4 * i + 4], settled(k.p)) for i in range(2))
    y2 = k.neg_where(negative, y2)
    x, y, zz, zzz = (_get(k, state, i) for i in range(SUM_VALUES))
    u, s = k.mul_both((x2, zz), (y2, zzz))
    p, r = light(k, k.sub(u, x)), light(k, k.sub(s, y))
    pp, rr = k.mul_both((p, p), (r, r))
    ppp, q = k.mul_both((p, pp), (x, pp))
    x3 = ready(k, k.sub(light(k, k.sub(rr, ppp)), k.double(q)))
    y3 = k.mul_sum((r, light(k, k.sub(q, x3))), (k.neg(y), ppp))
    zz3, zzz3 = k.mul_both((zz, pp), (zzz, ppp))
    for i, (new, old) in enumerate(zip((x3, y3, zz3, zzz3), (x, y, zz, zzz), strict=True)):
        _put(k, k.select(absent, old, ready(k, new)), state, i)
