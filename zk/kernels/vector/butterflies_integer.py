"""Butterflies of 52-bit integers: products by folded constants (`folded`).

Values between layers stay within `_WIDEST`, and hardly anything is done to keep them there.
Products lie in [0, 6·r) whatever their operands are; the leading operand of a butterfly is brought
into about [0, 6.2·r) by one lookup: the bits of its top limb from 2²⁵⁶ on choose a multiple of r
out of eight, which is subtracted limb by limb.

Limbs are columns of products and sums of such, up to 2⁶¹, never carried before they are multiplied.
A layer adds a bounded amount to those of leading operands, so `_between` follows them through as
many layers as there can be. The code itself depends on the bounds of values alone, which are the
same after every layer.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Final

from zk.kernels.constants import FR
from zk.kernels.emit import Function, Module, Value
from zk.kernels.vector import folded
from zk.kernels.vector.butterflies import Butterflies, Four, nowhere
from zk.kernels.vector.canonical import less_modulus
from zk.kernels.vector.ifma import Ifma
from zk.kernels.vector.lanes import (
    LIMBS,
    MASK,
    R_BITS,
    RADIX,
    BoundError,
    Element,
    Interval,
    Lanes,
    add_intervals,
    hull,
    top_bound,
    value_of,
)

_WIDEST: Final = (-13, 26)
"""Values between layers stay between these multiples of r."""
_LAYERS: Final = 7
"""Most layers of radix 4 in a short transform: 2²⁸ rows are 2¹⁴ of 2¹⁴."""
_UNIT: Final = 256
"""Eight multiples of 2²⁵⁶ are told apart …"""
_LEAST: Final = -3
"""… from this one on."""
_ENTRIES: Final = 8
_TOP: Final = RADIX * (LIMBS - 1)
_RATIO_BITS: Final = 45
"""Bits behind the point of 2²⁶⁰/r, which times a top limb is a quotient."""
_FRESH_LIMB: Final = 1 << 57
PERMUTE: Final = "permvar.di.512"


class IntegerButterflies(Butterflies):
    """See `Butterflies`."""

    record = folded.RECORD
    kept_log = 15
    k: Ifma

    @classmethod
    def emit(cls, module: Module, lanes: type[Lanes]) -> None:
        """Nothing: where the lookup is emulated, it comes with the module."""

    @classmethod
    def digits(cls, w: int) -> list[int]:
        return [x for v in folded.constants(FR.value, w) for x in folded.limbs(v)]

    @classmethod
    def multiples(cls) -> list[int]:
        return folded.constants(FR.value, 1)

    @property
    def start(self) -> Element:
        return nowhere((_WIDEST[0] * self.k.p, _WIDEST[1] * self.k.p), (0, MASK))

    @property
    def fresh(self) -> Element:
        """Rows as they come, or columns of products."""
        lower = [(0, _FRESH_LIMB)] * (LIMBS - 1)
        value = 0, (1 << 256) - 1
        return Element(("poison",) * LIMBS, value, (*lower, top_bound(value, lower)))

    @property
    def between(self) -> Element:
        return _between(type(self.k))

    # -- layers -----------------------------------------------------------------------------------

    def pair(self, a: Sequence[Element], factor: Value) -> tuple[Element, Element]:
        k = self.k
        u, v = a
        if factor:
            (v,) = folded.scaled(k, (v, factor))
            u = self._reduced(u)
        return k.add(u, v), k.sub(u, v)

    def four(self, a: Sequence[Element], factors: Value, fourth: Value, *, fresh: bool) -> Four:
        k = self.k
        b = list(a)
        if factors:
            second, third = (k.f.at(factors, self.record * i) for i in (1, 2))
            b[1], b[3] = folded.scaled(k, (a[1], factors), (a[3], third))
            turned = k.sub(b[1], b[3]), fourth
            b[2], odd_ = folded.scaled(k, (a[2], second), turned)
            b[0] = self._reduced(a[0])
        else:
            if not fresh:
                b = [self._reduced(x) for x in (a[0], *map(k.carry_signed, a[1:]))]
            (odd_,) = folded.scaled(k, (k.sub(b[1], b[3]), fourth))
        even, odd, even_ = k.add(b[0], b[2]), k.add(b[1], b[3]), k.sub(b[0], b[2])
        return k.add(even, odd), k.add(even_, odd_), k.sub(even, odd), k.sub(even_, odd_)

    def _reduced(self, a: Element) -> Element:
        """The same residues in about [0, 2²⁵⁶ + r), by a lookup."""
        k = self.k
        least, most = (x >> (_UNIT - _TOP) for x in a.bounds[-1])
        if least < _LEAST or most >= _LEAST + _ENTRIES:
            raise BoundError("a value lies outside the table")
        index = k.word_const("lshr", a.limbs[-1], _UNIT - _TOP)
        multiples = {q: -((q << _UNIT) // k.p) * k.p for q in range(_LEAST, _LEAST + _ENTRIES)}
        limbs, bounds = [], []
        for i in range(LIMBS):
            digits = {q: _digit(x, i) for q, x in multiples.items()}
            entries = [digits[(j - _LEAST) % _ENTRIES + _LEAST] for j in range(_ENTRIES)]
            table = f"<{', '.join(f'i64 {x}' for x in entries)}>"
            chosen = self._permuted(table, index)
            limbs.append(k.word_op("add", a.limbs[i], chosen))
            span = min(entries), max(entries)
            bounds.append(add_intervals(a.bounds[i], span))
        # as far as its top limb tells, a lane's value is (q + [0, 1))·2²⁵⁶
        low, high = value_of((*a.bounds[:-1], (0, 0)))
        value = functools.reduce(
            hull,
            (
                ((q << _UNIT) + x + low, ((q + 1) << _UNIT) - (1 << _TOP) + x + high)
                for q, x in multiples.items()
                if least <= q <= most
            ),
        )
        bounds[-1] = top_bound(value, bounds[:-1])
        return Element(tuple(limbs), value, tuple(bounds))

    def _permuted(self, table: Value, index: Value) -> Value:
        """For each lane the entry that its lowest three bits name."""
        k = self.k
        kind = "emulated" if k.emulated else "llvm.x86.avx512"
        return k.f.op(f"call {k.words} @{kind}.{PERMUTE}({k.words} {table}, {k.words} {index})")

    # -- rows and factors -------------------------------------------------------------------------

    def multiplied(self, pairs: Sequence[tuple[Element, Element]]) -> list[Element]:
        k = self.k
        results: list[Element | None] = [None] * len(pairs)
        streams = [_montgomery(k, a, b, results, i) for i, (a, b) in enumerate(pairs)]
        for _ in folded.in_turns(streams):
            pass
        return [x for x in results if x is not None]

    def settled(self, a: Element) -> Element:
        return self.k.carry_signed(a)

    def canonical(self, a: Element) -> list[Value]:
        return self.k.join(self._canonical(a))

    def quotient(self, values: Sequence[Element], scale: int) -> list[Value]:
        k = self.k
        a, b, c = (self._reduced(k.carry_signed(x)) for x in values)
        return self.canonical(k.mul_sum((a, b), (k.neg(c), k.constant(scale))))

    def _canonical(self, a: Element) -> list[Value]:
        """52-bit limbs: q from the top limb leaves less than (1 + 2⁻⁴⁴)·r, so hardly ever r."""
        k = self.k
        a = k.carry(a)
        if a.value[1] >= 1 << R_BITS:
            raise BoundError("a value is too large to be reduced")
        # q ≤ top·2²⁰⁸/r, short of it by less than 2⁻⁴⁴·top·2²⁰⁸/2²⁶⁰ and one
        ratio = (1 << (R_BITS + _RATIO_BITS)) // k.p
        digit = k.madd(k.high, k.splat(0), a.limbs[-1], k.splat(ratio))
        digit = k.word_const("lshr", digit, _RATIO_BITS)
        columns = folded.Columns(k, LIMBS)
        for i in range(LIMBS):
            columns.start(i, a.limbs[i], MASK)
        complement = folded.limbs((1 << R_BITS) - k.p)
        for i, limb in enumerate(complement):
            columns.half(i, digit, k.splat(limb), (MASK, limb))
            if i + 1 < LIMBS:
                columns.half(i + 1, digit, k.splat(limb), (MASK, limb), high=True)
        limbs = columns.registers
        for i in range(LIMBS):
            if i:
                carried = k.word_const("lshr", limbs[i - 1], RADIX)
                limbs[i] = k.word_op("add", limbs[i], carried)
        limbs = [k.word_const("and", x, MASK) for x in limbs]
        return self._below(limbs)

    def _below(self, limbs: list[Value]) -> list[Value]:
        """Less r where that is not negative, which the top limb hardly ever leaves open."""
        k, f = self.k, self.k.f
        home = f.aligned(k.size)
        like = nowhere((0, (1 << R_BITS) - 1), (0, MASK))
        element = Element(tuple(limbs), like.value, like.bounds)
        k.store(element, home)
        top = k.splat(k.p >> _TOP)
        doubtful = f.op(f"icmp uge {k.words} {limbs[-1]}, {top}")
        with f.when(k.any(doubtful)):
            less = less_modulus(k, limbs)
            k.store(Element(tuple(less), like.value, like.bounds), home)
        return list(k.load(home, like).limbs)


def _digit(value: int, i: int) -> int:
    """The i-th limb, the top one with the sign."""
    return value >> _TOP if i == LIMBS - 1 else (value >> (RADIX * i)) & MASK


def _montgomery(
    k: Ifma, a: Element, b: Element, results: list[Element | None], index: int
) -> Iterator[None]:
    """a·b/R of a value between layers and limbs of 52 bits: columns that nothing carries."""
    lift = max(0, k.multiple_above(-a.value[0]))
    a = k.add(a, k.constant(lift))
    digits, top = folded.operand(k, a, lift=0)
    most = [MASK] * (LIMBS - 1) + [top]
    widest = [x[1] for x in b.bounds]
    columns = folded.Columns(k, 2 * LIMBS)
    friendly = folded.limbs(k.friendly)
    for i in range(LIMBS):
        for j in range(LIMBS):
            columns.half(i + j, digits[i], b.limbs[j], (most[i], widest[j]))
            columns.half(i + j + 1, digits[i], b.limbs[j], (most[i], widest[j]), high=True)
            yield
        if i == LIMBS - 1:
            yield from folded.last_digit(k, columns, i)
            continue
        digit = columns.registers[i]
        columns.add(i + 1, k.word_const("lshr", digit, RADIX), columns.bounds[i][1] >> RADIX)
        for j, limb in enumerate(friendly):
            columns.half(i + 1 + j, digit, k.splat(limb), (MASK, limb))
            columns.half(i + 2 + j, digit, k.splat(limb), (MASK, limb), high=True)
            yield
    value = k.product_value([(a, b)])
    results[index] = Element(
        tuple(columns.registers[LIMBS:]),
        value,
        (*columns.bounds[LIMBS:-1], (0, min(columns.bounds[-1][1], value[1] >> _TOP))),
    )


@functools.cache
def _between(lanes: type[Ifma]) -> Element:
    """`Butterflies.between`, proved: from fresh values through all layers."""
    b = IntegerButterflies(lanes(Function("bounds", []), FR))
    widest = _WIDEST[0] * FR.value, _WIDEST[1] * FR.value
    fresh = b.fresh
    bounds = _hull([fresh, *b.four([fresh] * 4, "", "%i", fresh=True), *b.pair([fresh] * 2, "")])
    # a twisted transform starts from carried values and from a pair
    carried = nowhere(widest, (0, MASK))
    bounds = _hull([_like(widest, bounds), *b.pair([carried] * 2, "%w")])
    results: list[Element] = []
    for _ in range(_LAYERS):
        start = _like(widest, bounds)
        results = [x for f in ("%w", "") for x in b.four([start] * 4, f, "%i", fresh=False)]
        bounds = _hull([start, *results])
    like = _like(widest, bounds)
    if not all(widest[0] <= x.value[0] and x.value[1] <= widest[1] for x in (like, *results)):
        raise BoundError("a butterfly does not keep its bounds")
    return like


def _hull(elements: Sequence[Element]) -> tuple[Interval, ...]:
    """Of limbs."""
    return tuple(functools.reduce(hull, (x.bounds[i] for x in elements)) for i in range(LIMBS))


def _like(value: Interval, bounds: Sequence[Interval]) -> Element:
    """Bounds without registers; those of the top limb follow from the value's."""
    lower = bounds[:-1]
    return Element(("poison",) * LIMBS, value, (*lower, top_bound(value, lower)))
