"""Four lanes on AVX2 with FMA: 52-bit products from double-precision fused multiply-adds.

The high and the low half of a product of two integers held in doubles (Dekker 1971; Emmart, Zheng
and Weems 2018 for moduli), rounding toward zero, |a·b| < 2¹⁰³:

    h = fma(a, b, C)         C = 1.5·2¹⁰⁴: the bits of h are those of C plus ⌊a·b/2⁵²⌋
    l = fma(a, b, (C + 2⁵²) − h)         the bits of l are those of 2⁵² plus a·b mod 2⁵²

Sums of such bit patterns are integer sums; the constants are taken off once, in what accumulators
start from. Limbs are signed: after a product within [−2⁵¹, 2⁵¹), so that a difference can be
multiplied at once. Packed form is the integer plus Σ 2⁵¹·2⁵²ⁱ (i < 4), which makes the signed limbs
fall out of shifts and masks.

Every exported kernel sets the rounding mode on entry and restores it on exit (`begin`, `end`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zk.kernels.emit import Value
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
)

FEATURES: Final = ("avx2", "fma")

PRODUCT_LIMIT: Final = 1 << 103
_HALF: Final = 1 << (RADIX - 1)
HIGH: Final = 3 << 103  # 1.5·2¹⁰⁴
_EXACT: Final = 1 << 53
_ROUND_TO_ZERO: Final = 0x6000
BIAS: Final = sum(_HALF << (RADIX * i) for i in range(LIMBS - 1))
"""What packed form adds."""


def bits(value: int) -> int:
    """Bit pattern of the double with this (exactly representable) value."""
    if value == 0:
        return 0
    sign = 1 << 63 if value < 0 else 0
    size = abs(value)
    exponent = size.bit_length() - 1
    fraction = (size << 52 >> exponent) & MASK
    if (fraction | 1 << 52) << exponent != size << 52:
        raise BoundError("a constant is not a double")
    return sign | (exponent + 1023) << 52 | fraction


ONE_52: Final = bits(1 << 52)


class Fma(Lanes):
    """`Lanes` of four doubles."""

    carried = (-_HALF, _HALF - 1)
    width = 4
    limb_type = "<4 x double>"

    # -- rounding mode ----------------------------------------------------------------------------

    def begin(self) -> None:
        self._saved = self.f.slot(4)
        work = self.f.slot(4)
        self.f.do(f"call void @llvm.x86.sse.stmxcsr(ptr {self._saved})")
        old = self.f.load(self._saved, "i32")
        self.f.store(self.f.op(f"or i32 {old}, {_ROUND_TO_ZERO}"), work, "i32")
        self.f.do(f"call void @llvm.x86.sse.ldmxcsr(ptr {work})")

    def end(self) -> None:
        self.f.do(f"call void @llvm.x86.sse.ldmxcsr(ptr {self._saved})")

    # -- doubles ----------------------------------------------------------------------------------

    def splat_double(self, value: int) -> Value:
        """A constant in all lanes."""
        one = f"double 0x{bits(value):016X}"
        return f"<{', '.join([one] * self.width)}>"

    def fadd(self, a: Value, b: Value) -> Value:
        return self.f.op(f"fadd {self.limb_type} {a}, {b}")

    def fsub(self, a: Value, b: Value) -> Value:
        return self.f.op(f"fsub {self.limb_type} {a}, {b}")

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        v = self.limb_type
        return self.f.op(f"call {v} @llvm.fma.v{self.width}f64({v} {a}, {v} {b}, {v} {c})")

    def as_words(self, a: Value) -> Value:
        return self.f.op(f"bitcast {self.limb_type} {a} to {self.words}")

    def as_doubles(self, a: Value) -> Value:
        return self.f.op(f"bitcast {self.words} {a} to {self.limb_type}")

    def to_double(self, a: Value, offset: int) -> Value:
        """52-bit integers → doubles, minus `offset`."""
        one = self.f.pooled("bits52", self.words, self.splat(ONE_52), 32)
        tagged = self.as_doubles(self.word_op("or", a, one))
        return self.fsub(tagged, self.pooled((1 << 52) + offset))

    # -- linear -----------------------------------------------------------------------------------

    def constant(self, value: int) -> Element:
        digits = signed_digits(value)
        return Element(
            tuple(self.splat_double(d) for d in digits),
            (value, value),
            tuple((d, d) for d in digits),
        )

    def _linear(self, op: str, a: Element, b: Element) -> Element:
        intervals = add_intervals if op == "fadd" else sub_intervals
        bounds = tuple(intervals(x, y) for x, y in zip(a.bounds, b.bounds, strict=True))
        if any(magnitude(x) > _EXACT for x in bounds):
            raise BoundError("a sum of limbs is not exact in a double")
        limbs = tuple(
            self.f.op(f"{op} {self.limb_type} {x}, {y}")
            for x, y in zip(a.limbs, b.limbs, strict=True)
        )
        return Element(limbs, intervals(a.value, b.value), bounds)

    def add(self, a: Element, b: Element) -> Element:
        return self._linear("fadd", a, b)

    def sub(self, a: Element, b: Element) -> Element:
        return self._linear("fsub", a, b)

    def neg(self, a: Element) -> Element:
        return Element(
            tuple(self.f.op(f"fneg {self.limb_type} {x}") for x in a.limbs),
            (-a.value[1], -a.value[0]),
            tuple((-high, -low) for low, high in a.bounds),
            negated=a,
        )

    def neg_where(self, mask: Value, a: Element) -> Element:
        sign = self.f.op(
            f"select {self.mask_type} {mask}, {self.words} {self.splat(1 << 63)}, "
            f"{self.words} zeroinitializer"
        )
        limbs = tuple(self.as_doubles(self.word_op("xor", self.as_words(x), sign)) for x in a.limbs)
        return Element(limbs, _symmetric(a.value), tuple(_symmetric(x) for x in a.bounds))

    def select(self, mask: Value, a: Element, b: Element) -> Element:
        v = self.limb_type
        limbs = tuple(
            self.f.op(f"select {self.mask_type} {mask}, {v} {x}, {v} {y}")
            for x, y in zip(a.limbs, b.limbs, strict=True)
        )
        bounds = tuple(hull(x, y) for x, y in zip(a.bounds, b.bounds, strict=True))
        return Element(limbs, hull(a.value, b.value), bounds)

    def top_below(self, a: Element, least: int) -> Value:
        v = self.limb_type
        return self.f.op(f"fcmp olt {v} {a.limbs[-1]}, {self.splat_double(least)}")

    def carry_signed(self, a: Element) -> Element:
        return self.carry(a)

    def carry(self, a: Element) -> Element:
        """Floating-point carries: limbs 0 … 3 end in [−2⁵¹, 2⁵¹)."""
        limbs, bounds = list(a.limbs), list(a.bounds)
        big, half = self.splat_double(HIGH), self.splat_double(_HALF)
        for i in range(LIMBS - 1):
            shifted = self.fadd(limbs[i], half)
            rounded = self.fsub(self.fadd(shifted, big), big)  # down to a multiple of 2⁵²
            limbs[i] = self.fsub(limbs[i], rounded)
            limbs[i + 1] = self.fma(rounded, self._power(-RADIX), limbs[i + 1])
            low, high = bounds[i]
            if magnitude(bounds[i]) > _EXACT:
                raise BoundError("a limb is too large to be carried")
            # the shifted limb may reach 2⁵⁴, where odd negative ones are rounded up by one
            under = 1 if low + _HALF < -_EXACT else 0
            carried = ((low + _HALF) >> RADIX, (high + _HALF) >> RADIX)
            bounds[i + 1] = add_intervals(bounds[i + 1], carried)
            bounds[i] = (-_HALF - under, _HALF - 1)
            if magnitude(bounds[i + 1]) > _EXACT:
                raise BoundError("a carry is not exact in a double")
        bounds[-1] = clip(top_bound(a.value, bounds[:-1]), bounds[-1])
        return Element(tuple(limbs), a.value, tuple(bounds))

    def _power(self, exponent: int) -> str:
        one = f"double 0x{(1023 + exponent) << 52:016X}"
        return f"<{', '.join([one] * self.width)}>"

    # -- products ---------------------------------------------------------------------------------

    def mul_sum(self, *pairs: tuple[Element, Element]) -> Element:
        """By columns (Comba), so that few accumulators live at a time; digits as they are ready."""
        ready = [self.ready(a, b) for a, b in pairs]
        value = self.product_value(ready)
        acc = _Accumulators(self)
        friendly, prime = signed_digits(self.friendly), signed_digits(self.p)
        digits: list[Value] = []
        limbs: list[Value] = []
        for column in range(2 * LIMBS):
            for a, b in ready:
                for i in range(max(0, column - LIMBS + 1), min(column, LIMBS - 1) + 1):
                    j = column - i
                    acc.term(column, a.limbs[i], a.bounds[i], b.limbs[j], b.bounds[j])
            for i, digit in enumerate(digits):
                # N = 2⁵²·N′ − 1: its lowest limb cancels the digit, the rest lies one limb higher
                known, j = (friendly, column - 1 - i) if i < LIMBS - 1 else (prime, column - i)
                if 0 <= j < LIMBS:
                    d = known[j]
                    acc.term(column, digit, (0, MASK), self.pooled(d), (d, d))
            if column >= LIMBS:
                if column < 2 * LIMBS - 1:
                    limbs.append(acc.emit(column))
                continue
            low, lift = acc.lifted(column)
            digit = self.to_double(self.word_and(low), 0)
            if column == LIMBS - 1:
                digit = self._quotient(digit)
                d = prime[0]
                acc.term(column, digit, (0, MASK), self.pooled(d), (d, d))
                low, lift = acc.lifted(column)
            digits.append(digit)
            acc.carry_over(column, low, lift)
        return acc.finish(value, limbs)

    def _quotient(self, x: Value) -> Value:
        """The digit −x/p mod 2⁵²."""
        k = self.pooled(signed_digits(self.inverse)[0])
        high = self.fma(x, k, self.pooled(HIGH))
        low = self.fma(x, k, self.fsub(self.pooled(HIGH + (1 << 52)), high))
        return self.fsub(low, self.pooled(1 << 52))

    def pooled(self, value: int) -> Value:
        """A constant in all lanes, from memory: as an operand it costs no instruction."""
        if value == 0:
            return "zeroinitializer"
        name = f"double.{bits(value):016x}"
        return self.f.pooled(name, self.limb_type, self.splat_double(value), 32)

    def word_and(self, a: Value) -> Value:
        """The low 52 bits."""
        mask = self.f.pooled("mask52", self.words, self.splat(MASK), 32)
        return self.word_op("and", a, mask)

    def ready(self, a: Element, b: Element) -> tuple[Element, Element]:
        """Operands whose limb products stay below 2¹⁰³."""

        def fits(x: Element, y: Element) -> bool:
            most = max(map(magnitude, x.bounds)) * max(map(magnitude, y.bounds))
            return most < PRODUCT_LIMIT

        for _ in range(2):
            if fits(a, b):
                break
            if a is b:
                a = b = self.carry(a)
            elif max(map(magnitude, a.bounds)) >= max(map(magnitude, b.bounds)):
                a = self.carry(a)
            else:
                b = self.carry(b)
        if not fits(a, b):
            raise BoundError("limbs of a product are too large")
        return a, b

    # -- forms in memory --------------------------------------------------------------------------

    def from_integers(self, words: Sequence[Value], value: Interval) -> Element:
        limbs = self.split(words)
        bounds = [(0, MASK)] * (LIMBS - 1)
        bounds.append(clip(top_bound(value, bounds), (0, (1 << 48) - 1)))
        return Element(tuple(self.to_double(x, 0) for x in limbs), value, tuple(bounds))

    def unpack(self, words: Sequence[Value], value: Interval) -> Element:
        limbs = self.split(words)
        doubles = [self.to_double(x, _HALF) for x in limbs[:-1]]
        doubles.append(self.to_double(limbs[-1], 0))
        bounds = [(-_HALF, _HALF - 1)] * (LIMBS - 1)
        bounds.append(clip(top_bound(value, bounds), (0, (1 << 48) - 1)))
        return Element(tuple(doubles), value, tuple(bounds))

    def packed_bound(self, a: Element) -> Interval:
        lift = self._lift(a, BIAS)
        return a.value[0] + lift, a.value[1] + lift

    def _lift(self, a: Element, bias: int) -> int:
        """The multiple of p that makes a + bias non-negative."""
        return max(0, self.multiple_above(-a.value[0] - bias))

    def pack(self, a: Element) -> list[Value]:
        return self._integers(a, BIAS)

    def to_integers(self, a: Element) -> list[Value]:
        return self._integers(a, 0)

    def _integers(self, a: Element, bias: int) -> list[Value]:
        lift = self._lift(a, bias)
        low, high = a.value[0] + lift, a.value[1] + lift
        if high + bias >= 1 << 256:
            raise BoundError("a value does not fit 256 bits")
        if any(top - bottom >= 1 << 52 for bottom, top in a.bounds):
            a = self.carry(a)
        acc = _Accumulators(self)
        for i, (limb, bound) in enumerate(zip(a.limbs, a.bounds, strict=True)):
            acc.plain(LIMBS + i, limb, bound)
        return self.join(acc.integers((low + bias, high + bias), lift + bias))


class _Accumulators:
    """Columns of a product under construction.

    Each has registers, the constants still to be taken off them, and the interval of the integer
    that they stand for.
    """

    def __init__(self, lanes: Fma) -> None:
        self.k = lanes
        count = 2 * LIMBS + 1
        self.registers: list[Value] = [""] * count
        self.base = lanes.pooled(HIGH)
        self.base_low = lanes.pooled(HIGH + (1 << 52))
        self.offset = [0] * count
        self.bound: list[Interval] = [(0, 0)] * count

    def term(self, column: int, a: Value, a_bound: Interval, b: Value, b_bound: Interval) -> None:
        """Adds a·b, its low 52 bits to the column and the rest to the next one."""
        k = self.k
        product = mul_intervals(a_bound, b_bound)
        if magnitude(product) >= PRODUCT_LIMIT:
            raise BoundError("a product of limbs is too large")
        if product == (0, 0):
            return
        high = k.fma(a, b, self.base)
        low = k.fma(a, b, k.fsub(self.base_low, high))
        self._add(column, k.as_words(low), ONE_52, (0, MASK))
        span = (product[0] >> RADIX, product[1] >> RADIX)
        self._add(column + 1, k.as_words(high), bits(HIGH), span)

    def plain(self, column: int, limb: Value, bound: Interval) -> None:
        """Adds a limb held in doubles whose interval is narrower than 2⁵²."""
        low, high = bound
        shift = max(0, -low)
        if high + shift >= 1 << 52:
            raise BoundError("a limb cannot be converted to an integer")
        tagged = self.k.fadd(limb, self.k.splat_double((1 << 52) + shift))
        self._add(column, self.k.as_words(tagged), ONE_52 + shift, bound)

    def _add(self, column: int, register: Value, offset: int, bound: Interval) -> None:
        before = self.registers[column]
        self.registers[column] = self.k.word_op("add", before, register) if before else register
        self.offset[column] += offset
        self.bound[column] = add_intervals(self.bound[column], bound)
        if magnitude(self.bound[column]) >= 1 << 62:
            raise BoundError("a column overflows")

    def total(self, column: int, extra: int) -> Value:
        """The column's register with its constants taken off and `extra` added."""
        register = self.registers[column]
        constant = (extra - self.offset[column]) % (1 << 64)
        if constant:
            register = self.k.word_const("add", register, constant)
        self.registers[column] = register
        self.offset[column] = extra
        return register

    def lifted(self, column: int) -> tuple[Value, int]:
        """The column's register made non-negative by a multiple of 2⁵², and that multiple."""
        low = self.bound[column][0]
        lift = -(low >> RADIX) if low < 0 else 0
        return self.total(column, lift << RADIX), lift

    def carry_over(self, column: int, register: Value, lift: int) -> None:
        """Adds what a lifted column has above 52 bits to the next one."""
        low, high = self.bound[column]
        carried = self.k.word_const("lshr", register, RADIX)
        self._add(column + 1, carried, lift, (low >> RADIX, high >> RADIX))

    def integers(self, value: Interval, plus: int) -> list[Value]:
        """The five upper columns plus a constant as 52-bit integers (the top one what remains)."""
        k = self.k
        out = []
        for i in range(LIMBS):
            column = LIMBS + i
            extra = (plus >> (RADIX * i)) & MASK if i < LIMBS - 1 else plus >> (RADIX * i)
            self.offset[column] -= extra
            self.bound[column] = add_intervals(self.bound[column], (extra, extra))
            if i == LIMBS - 1:
                out.append(self.total(column, 0))
                break
            register, lift = self.lifted(column)
            out.append(k.word_const("and", register, MASK))
            self.carry_over(column, register, lift)
        if value[0] < 0:
            raise BoundError("a negative value has no words")
        return out

    def emit(self, column: int) -> Value:
        """An upper column, not the last, as a limb in [−2⁵¹, 2⁵¹); the rest goes to the next."""
        k = self.k
        self.offset[column] -= _HALF
        self.bound[column] = add_intervals(self.bound[column], (_HALF, _HALF))
        register, lift = self.lifted(column)
        self.carry_over(column, register, lift)
        return k.to_double(k.word_and(register), _HALF)

    def finish(self, value: Interval, limbs: list[Value]) -> Element:
        """The element of the four limbs that were emitted and the top column."""
        k = self.k
        bounds: list[Interval] = [(-_HALF, _HALF - 1)] * (LIMBS - 1)
        top = top_bound(value, bounds)
        if magnitude(top) >= _HALF:
            raise BoundError("the top limb is too large")
        register = self.total(2 * LIMBS - 1, ONE_52 + _HALF)
        last = k.fsub(k.as_doubles(register), k.pooled((1 << 52) + _HALF))
        return Element((*limbs, last), value, (*bounds, top))


def signed_digits(value: int) -> list[int]:
    """Five digits of radix 2⁵², the lower four in [−2⁵¹, 2⁵¹)."""
    digits = []
    for _ in range(LIMBS - 1):
        digit = (value + _HALF & MASK) - _HALF
        digits.append(digit)
        value = value - digit >> RADIX
    return [*digits, value]


def _symmetric(a: Interval) -> Interval:
    size = magnitude(a)
    return -size, size
