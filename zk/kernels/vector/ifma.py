"""Eight lanes on AVX-512 IFMA: `vpmadd52luq` and `vpmadd52huq` on 52-bit limbs.

A multiplier takes limbs in [0, 2⁵²) only, so what is negative is lifted by a multiple of p and
carried before it is multiplied; sums and differences stay lazy until then. A quotient digit of the
first four reduction steps is the limb itself (the instruction ignores the bits above 52), and its
lowest product is never computed: N ≡ −1. Packed form is the plain integer.

`emulated` replaces the two instructions by ordinary ones, so that every kernel is tested on
machines that lack them; whoever compiles for the instructions themselves must know that the target
has them, since LLVM ends the process otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from zk.kernels.constants import Modulus
from zk.kernels.emit import Function, Module, Value
from zk.kernels.vector.lanes import (
    LIMBS,
    MASK,
    RADIX,
    BoundError,
    Element,
    Interval,
    Lanes,
    add_intervals,
    clip,
    hull,
    magnitude,
    mul_intervals,
    sub_intervals,
    top_bound,
    value_of,
)

FEATURES: Final = ("avx512f", "avx512vl", "avx512dq", "avx512bw", "avx512ifma")

_COLUMN_LIMIT: Final = 1 << 63
_TABLE: Final = 8
"""Entries that a register holds and one instruction looks up."""


class Ifma(Lanes):
    """`Lanes` of eight 52-bit integers."""

    carried = (0, MASK)
    width = 8
    limb_type = "<8 x i64>"
    emulated = False

    def __init__(self, f: Function, m: Modulus) -> None:
        super().__init__(f, m)
        kind = "emulated" if self.emulated else "llvm.x86.avx512"
        self.low = f"{kind}.vpmadd52l.uq.512"
        self.high = f"{kind}.vpmadd52h.uq.512"
        self._open = False

    def begin(self) -> None:
        """Integers have no rounding mode."""

    def end(self) -> None:
        """Nothing to restore."""

    # -- linear -----------------------------------------------------------------------------------

    def constant(self, value: int) -> Element:
        digits = limbs_of(value)
        limbs = tuple(self.splat(d % (1 << 64)) for d in digits)
        return Element(limbs, (value, value), tuple((d, d) for d in digits))

    def _linear(self, op: str, a: Element, b: Element) -> Element:
        intervals = add_intervals if op == "add" else sub_intervals
        bounds = tuple(intervals(x, y) for x, y in zip(a.bounds, b.bounds, strict=True))
        _check_columns(bounds)
        limbs = tuple(self.word_op(op, x, y) for x, y in zip(a.limbs, b.limbs, strict=True))
        return Element(limbs, intervals(a.value, b.value), bounds)

    def add(self, a: Element, b: Element) -> Element:
        return self._linear("add", a, b)

    def sub(self, a: Element, b: Element) -> Element:
        return self._linear("sub", a, b)

    def select(self, mask: Value, a: Element, b: Element) -> Element:
        v = self.limb_type
        limbs = tuple(
            self.f.op(f"select {self.mask_type} {mask}, {v} {x}, {v} {y}")
            for x, y in zip(a.limbs, b.limbs, strict=True)
        )
        bounds = tuple(hull(x, y) for x, y in zip(a.bounds, b.bounds, strict=True))
        return Element(limbs, hull(a.value, b.value), bounds)

    def top_below(self, a: Element, least: int) -> Value:
        return self.f.op(f"icmp slt {self.words} {a.limbs[-1]}, {self.splat(least % (1 << 64))}")

    def carry(self, a: Element) -> Element:
        """Limbs 0 … 3 in [0, 2⁵²), the value lifted to be non-negative."""
        return self.carry_signed(self._lifted(a))

    def carry_signed(self, a: Element) -> Element:
        """Limbs 0 … 3 in [0, 2⁵²), the sign of the value in the top one."""
        limbs, bounds = self._passed(a)
        lower = [self.word_const("and", limb, MASK) for limb in limbs[:-1]]
        return Element((*lower, limbs[-1]), a.value, bounds)

    def factor(self, a: Element) -> Element:
        return a if _digits_fit(a.bounds) else self.carry(a)

    def _lifted(self, a: Element) -> Element:
        """The value made non-negative by a multiple of p."""
        lift = max(0, self.multiple_above(-a.value[0]))
        return self.add(a, self.constant(lift)) if lift else a

    def _passed(self, a: Element) -> tuple[tuple[Value, ...], tuple[Interval, ...]]:
        """Each limb's carry added to the next one, and left where it was; bounds without it."""
        limbs, bounds = list(a.limbs), list(a.bounds)
        for i in range(LIMBS - 1):
            carried = self.word_const("ashr", limbs[i], RADIX)
            limbs[i + 1] = self.word_op("add", limbs[i + 1], carried)
            low, high = bounds[i]
            bounds[i + 1] = add_intervals(bounds[i + 1], (low >> RADIX, high >> RADIX))
            _check_columns(bounds[i : i + 2])
            bounds[i] = (0, MASK)
        shift = RADIX * (LIMBS - 1)
        bounds[-1] = clip((a.value[0] >> shift, a.value[1] >> shift), bounds[-1])
        return tuple(limbs), tuple(bounds)

    @property
    def settled_value(self) -> Interval:
        return 4 * self.p // 10, 207 * self.p // 100

    def settle(self, a: Element) -> Element:
        """The multiple of p that is added comes from a table by the top limb's upper bits.

        Carries may still be under way: they change a value by less than the margins.
        """
        shift = RADIX * (LIMBS - 1)
        bits = (self.p >> shift).bit_length() - 1
        whole = clip(a.bounds[-1], top_bound(a.value, a.bounds[:-1]))
        steps = range(whole[0] >> bits, (whole[1] >> bits) + 1)
        if len(steps) > _TABLE:
            return super().settle(a)
        least, most = value_of(a.bounds[:-1])
        value: Interval | None = None
        multiples = [0] * _TABLE
        for step in steps:
            low = max(a.value[0], (step << bits + shift) + least)
            high = min(a.value[1], ((step + 1 << bits) - 1 << shift) + most)
            multiple = self.multiple_above(self.settled_value[0] - low)
            multiples[step % _TABLE] = multiple
            here = (low + multiple, high + multiple)
            value = here if value is None else hull(value, here)
        if value is None or value[1] > self.settled_value[1]:
            raise BoundError("a value cannot be settled")
        index = self.word_const("ashr", a.limbs[-1], bits)
        limbs, bounds = [], []
        for i in range(LIMBS):
            column = [limbs_of(m)[i] if m >= 0 else -limbs_of(-m)[i] for m in multiples]
            limbs.append(self.word_op("add", a.limbs[i], self._looked_up(column, index)))
            bounds.append(add_intervals(a.bounds[i], (min(column), max(column))))
        bounds[-1] = clip(bounds[-1], top_bound(value, bounds[:-1]))
        _check_columns(bounds)
        return Element(tuple(limbs), value, tuple(bounds))

    def _looked_up(self, table: Sequence[int], index: Value) -> Value:
        """Entry of each lane's index modulo 8."""
        v = self.words
        entries = f"<{', '.join(f'i64 {x}' for x in table)}>"
        name = "emulated" if self.emulated else "llvm.x86.avx512"
        return self.f.op(f"call {v} @{name}.permvar.di.512({v} {entries}, {v} {index})")

    def product_like(self) -> Element:
        """Operands are lifted before they are multiplied, so products are not negative."""
        like = super().product_like()
        value = 0, like.value[1]
        return Element(like.limbs, value, (*like.bounds[:-1], (0, value[1] >> RADIX * (LIMBS - 1))))

    # -- products ---------------------------------------------------------------------------------

    def mul_sum(self, *pairs: tuple[Element, Element]) -> Element:
        ready = [self._ready(a, b) for a, b in pairs]
        value = self.product_value(ready)
        acc = Accumulators(self)
        for i in range(LIMBS):
            for a, b in ready:
                acc.row(i, a.limbs[i], a.bounds[i], b.limbs, b.bounds)
            acc.reduce(i, last=i == LIMBS - 1)
        upper = Element(
            tuple(acc.register(LIMBS + i) for i in range(LIMBS)),
            value,
            tuple(acc.bound[LIMBS : 2 * LIMBS]),
        )
        return upper if self._open else self.carry(upper)

    @contextmanager
    def uncarried(self) -> Iterator[None]:
        self._open = True
        try:
            yield
        finally:
            self._open = False

    def madd(self, name: str, total: Value, a: Value, b: Value) -> Value:
        v = self.words
        return self.f.op(f"call {v} @{name}({v} {total}, {v} {a}, {v} {b})")

    def _ready(self, a: Element, b: Element) -> tuple[Element, Element]:
        """Operands with digits in the lower 52 bits of each limb."""
        if a is b:
            a = self._digits_only(a)
            return a, a
        return self._digits_only(a), self._digits_only(b)

    def _digits_only(self, a: Element) -> Element:
        """What the two instructions see as limbs in [0, 2⁵²), which they take from 64 bits."""
        if _digits_fit(a.bounds):
            return a
        a = self._lifted(a)
        limbs, bounds = self._passed(a)
        if not _digits_fit(bounds):
            raise BoundError("a value is too large to be multiplied")
        return Element(limbs, a.value, bounds)

    # -- forms in memory --------------------------------------------------------------------------

    def from_integers(self, words: Sequence[Value], value: Interval) -> Element:
        bounds = [(0, MASK)] * (LIMBS - 1)
        bounds.append(clip(top_bound(value, bounds), (0, (1 << 48) - 1)))
        return Element(tuple(self.split(words)), value, tuple(bounds))

    def unpack(self, words: Sequence[Value], value: Interval) -> Element:
        return self.from_integers(words, value)

    def packed_bound(self, a: Element) -> Interval:
        lift = max(0, self.multiple_above(-a.value[0]))
        return a.value[0] + lift, a.value[1] + lift

    def pack(self, a: Element) -> list[Value]:
        return self.to_integers(a)

    def to_integers(self, a: Element) -> list[Value]:
        if self.packed_bound(a)[1] >= 1 << 256:
            raise BoundError("a value does not fit 256 bits")
        limbs = a.limbs if _digits_fit(a.bounds) else self._passed(self._lifted(a))[0]
        # 52 bits of one limb and what fits of the next, whatever either holds above its 52 bits
        v = self.words
        out = []
        for i in range(LIMBS - 1):
            low = self.word_const("shl", limbs[i], 64 - RADIX)
            amount = self.splat(12 * (i + 1))
            out.append(
                self.f.op(f"call {v} @llvm.fshr.v8i64({v} {limbs[i + 1]}, {v} {low}, {v} {amount})")
            )
        return out


class EmulatedIfma(Ifma):
    """The same code with the two instructions written out, for machines without them."""

    emulated = True


def emit_emulation(module: Module) -> None:
    """The functions that `EmulatedIfma` calls."""
    v, wide = "<8 x i64>", "<8 x i128>"
    mask = f"<{', '.join([f'i64 {MASK}'] * 8)}>"
    shift = f"<{', '.join([f'i128 {RADIX}'] * 8)}>"
    for half in "lh":
        f = module.function(
            f"emulated.vpmadd52{half}.uq.512",
            f"{v} t",
            f"{v} a",
            f"{v} b",
            returns=v,
            attributes="noinline",
        )
        a, b = (
            f.op(f"zext {v} {f.op(f'and {v} %{name}, {mask}')} to {wide}") for name in ("a", "b")
        )
        product = f.op(f"mul {wide} {a}, {b}")
        if half == "h":
            product = f.op(f"lshr {wide} {product}, {shift}")
        part = f.op(f"and {v} {f.op(f'trunc {wide} {product} to {v}')}, {mask}")
        f.leave(f"{v} {f.op(f'add {v} %t, {part}')}")
    f = module.function(
        "emulated.permvar.di.512", f"{v} table", f"{v} index", returns=v, attributes="noinline"
    )
    out = "zeroinitializer"
    for lane in range(8):
        index = f.op(f"and i64 {f.op(f'extractelement {v} %index, i32 {lane}')}, 7")
        entry = f.op(f"extractelement {v} %table, i64 {index}")
        out = f.op(f"insertelement {v} {out}, i64 {entry}, i32 {lane}")
    f.leave(f"{v} {out}")


class Accumulators:
    """Columns of a product under construction.

    Args:
        lanes: where instructions go.
        count: of columns.
    """

    def __init__(self, lanes: Ifma, count: int = 2 * LIMBS + 1) -> None:
        self.k = lanes
        self.registers = [lanes.splat(0)] * count
        self.bound: list[Interval] = [(0, 0)] * count

    def register(self, column: int) -> Value:
        return self.registers[column]

    def row(
        self,
        position: int,
        a: Value,
        a_bound: Interval,
        b: Sequence[Value],
        b_bounds: Sequence[Interval],
    ) -> None:
        """Adds a·b, limb j of b at column position + j."""
        k = self.k
        for j, limb in enumerate(b):
            low, high = position + j, position + j + 1
            self.registers[low] = k.madd(k.low, self.registers[low], a, limb)
            self.registers[high] = k.madd(k.high, self.registers[high], a, limb)
            product = mul_intervals(a_bound, b_bounds[j])
            self._grow(low, (0, min(MASK, product[1])))
            self._grow(high, (0, product[1] >> RADIX))

    def carry_over(self, column: int) -> None:
        """Adds what a column has above 52 bits to the next one."""
        k = self.k
        carried = k.word_const("lshr", self.registers[column], RADIX)
        self.registers[column + 1] = k.word_op("add", self.registers[column + 1], carried)
        self._grow(column + 1, (0, self.bound[column][1] >> RADIX))

    def reduce(self, column: int, *, last: bool) -> None:
        """Rids a column of its lowest 52 bits by adding a multiple of p, and carries the rest over.

        The last digit of a reduction is a product. Those before it are the columns themselves, as
        `friendly`·2⁵² − 1 is a multiple of p.
        """
        k, digit = self.k, self.register(column)
        if last:
            digit = k.madd(k.low, k.splat(0), digit, k.splat(k.inverse))
            self._constant_row(column, digit, k.p)
            self.carry_over(column)
        else:
            self.carry_over(column)
            self._constant_row(column + 1, digit, k.friendly)

    def _constant_row(self, position: int, digit: Value, factor: int) -> None:
        limbs = limbs_of(factor)
        splats = [self.k.splat(limb) for limb in limbs]
        self.row(position, digit, (0, MASK), splats, [(limb, limb) for limb in limbs])

    def _grow(self, column: int, interval: Interval) -> None:
        self.bound[column] = add_intervals(self.bound[column], interval)
        _check_columns([self.bound[column]])


def _digits_fit(bounds: Sequence[Interval]) -> bool:
    """Whether all limbs lie in [0, 2⁵²)."""
    return all(low >= 0 and high <= MASK for low, high in bounds)


def limbs_of(value: int) -> list[int]:
    """Limbs of 52 bits; the highest takes all that is left."""
    lower = [(value >> (RADIX * i)) & MASK for i in range(LIMBS - 1)]
    return [*lower, value >> (RADIX * (LIMBS - 1))]


def _check_columns(bounds: Sequence[Interval]) -> None:
    if any(magnitude(x) >= _COLUMN_LIMIT for x in bounds):
        raise BoundError("a column overflows")
