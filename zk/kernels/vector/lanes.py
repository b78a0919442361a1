"""Field elements in vector lanes, radix 2⁵², each with bounds that are proved while IR is emitted.

An `Element` is L values side by side, five registers of one limb each: Σ limbᵢ·2⁵²ⁱ. Values are
Montgomery with R = 2²⁶⁰ ≈ 84·m, and *lazy*: an element carries the interval in which its value may
lie and the interval of each limb, as exact integers. Every operation computes the intervals of its
result from those of its operands and refuses to emit code (`BoundError`) that could overflow. So
the bounds are not comments: a kernel that is emitted respects them for all inputs within the bounds
that it states for what it loads.

What a multiplier (`fma`, `ifma`) adds: the product, the carry, and the two forms in memory,

    limbs    five vectors, ready to be multiplied again; for scratch that stays in a kernel
    packed   32 bytes an element, for tables that are gathered from
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from zk.kernels.constants import Modulus
from zk.kernels.emit import Function, Value

RADIX: Final = 52
LIMBS: Final = 5
R_BITS: Final = RADIX * LIMBS
MASK: Final = (1 << RADIX) - 1

Interval = tuple[int, int]


class BoundError(ValueError):
    """Code that could overflow was about to be emitted; a mistake in a kernel, never in data."""


@dataclass(frozen=True, slots=True)
class Element:
    """L field elements in registers.

    Attributes:
        limbs: five registers.
        value: least and greatest integer that a lane may represent.
        bounds: the same for each limb.
        home: address where the limbs lie, if they do and stay there as long as this is used.
        negated: what this is the negative of, if it is one.
    """

    limbs: tuple[Value, ...]
    value: Interval
    bounds: tuple[Interval, ...]
    home: Value = ""
    negated: Element | None = None


def within(a: Element, like: Element) -> bool:
    """Whether a keeps the bounds of `like`."""
    pairs = zip((a.value, *a.bounds), (like.value, *like.bounds), strict=True)
    return all(y[0] <= x[0] and x[1] <= y[1] for x, y in pairs)


def add_intervals(a: Interval, b: Interval) -> Interval:
    """Of a sum."""
    return a[0] + b[0], a[1] + b[1]


def sub_intervals(a: Interval, b: Interval) -> Interval:
    """Of a difference."""
    return a[0] - b[1], a[1] - b[0]


def mul_intervals(a: Interval, b: Interval) -> Interval:
    """Of a product."""
    corners = [x * y for x in a for y in b]
    return min(corners), max(corners)


def magnitude(a: Interval) -> int:
    """The greatest absolute value."""
    return max(abs(a[0]), abs(a[1]))


def hull(a: Interval, b: Interval) -> Interval:
    """The least interval that holds both."""
    return min(a[0], b[0]), max(a[1], b[1])


def clip(a: Interval, b: Interval) -> Interval:
    """What both have in common."""
    return max(a[0], b[0]), min(a[1], b[1])


def settled(p: int) -> Interval:
    """Where `Lanes.settle` brings values."""
    return 4 * p // 10, 26 * p // 10


def value_of(bounds: Sequence[Interval]) -> Interval:
    """The widest value that limbs within their bounds can have."""
    return (
        sum(low << (RADIX * i) for i, (low, _) in enumerate(bounds)),
        sum(high << (RADIX * i) for i, (_, high) in enumerate(bounds)),
    )


def top_bound(value: Interval, lower: Sequence[Interval]) -> Interval:
    """Interval of the top limb of a value whose lower limbs lie within `lower`."""
    low, high = value_of(lower)
    shift = RADIX * (LIMBS - 1)
    return (value[0] - high) >> shift, -((low - value[1]) >> shift)


class Lanes(ABC):
    """Arithmetic of one function on L lanes of one prime field.

    Args:
        f: where instructions go.
        m: the prime.
    """

    width: int
    limb_type: str
    carried: Interval
    """Of each of the four lower limbs after a product or a carry."""

    def __init__(self, f: Function, m: Modulus) -> None:
        self.f = f
        self.m = m
        self.p = m.value
        # N = k·p ≡ −1 (mod 2⁵²): reducing by N needs no quotient digit, it is the limb itself.
        k = -pow(self.p, -1, 1 << RADIX) % (1 << RADIX)
        self.inverse = k
        self.friendly = (k * self.p + 1) >> RADIX

    # -- types ------------------------------------------------------------------------------------

    @property
    def words(self) -> str:
        """Type of a vector of 64-bit integers."""
        return f"<{self.width} x i64>"

    @property
    def mask_type(self) -> str:
        return f"<{self.width} x i1>"

    def splat(self, value: int) -> Value:
        """A constant in all lanes."""
        one = f"i64 {value - (1 << 64) if value >> 63 else value}"
        return f"<{', '.join([one] * self.width)}>"

    # -- what a multiplier gives ------------------------------------------------------------------

    @abstractmethod
    def begin(self) -> None:
        """What an exported kernel does first."""

    @abstractmethod
    def end(self) -> None:
        """What it does last."""

    @abstractmethod
    def constant(self, value: int) -> Element:
        """The integer `value` in every lane (give `mont(x)` for a field constant)."""

    @abstractmethod
    def add(self, a: Element, b: Element) -> Element:
        """A + b, lazily."""

    @abstractmethod
    def sub(self, a: Element, b: Element) -> Element:
        """A − b, lazily."""

    @abstractmethod
    def carry(self, a: Element) -> Element:
        """The same values with limbs as small as they get."""

    @abstractmethod
    def carry_signed(self, a: Element) -> Element:
        """Small limbs, the sign of the value in the top one; for `settle`."""

    @abstractmethod
    def mul_sum(self, *pairs: tuple[Element, Element]) -> Element:
        """Σ aᵢ·bᵢ/R: many products, one reduction."""

    @abstractmethod
    def unpack(self, words: Sequence[Value], value: Interval) -> Element:
        """From four vectors of 64-bit words in packed form, whose values lie within `value`."""

    @abstractmethod
    def pack(self, a: Element) -> list[Value]:
        """To packed form; multiples of p are added to a value that could be negative."""

    @abstractmethod
    def packed_bound(self, a: Element) -> Interval:
        """Interval of the values that `pack` writes for `a`."""

    @abstractmethod
    def from_integers(self, words: Sequence[Value], value: Interval) -> Element:
        """From four vectors of words of plain 256-bit integers, whose values lie within `value`."""

    @abstractmethod
    def to_integers(self, a: Element) -> list[Value]:
        """Words of plain integers in [0, 2²⁵⁶), not reduced."""

    @abstractmethod
    def select(self, mask: Value, a: Element, b: Element) -> Element:
        """Per lane a where the mask is set, else b."""

    # -- what follows from it ---------------------------------------------------------------------

    def mont(self, x: int) -> int:
        """x·R mod p, in [0, p)."""
        return (x << R_BITS) % self.p

    def field_constant(self, x: int) -> Element:
        return self.constant(self.mont(x))

    def zero(self) -> Element:
        return self.constant(0)

    def mul(self, a: Element, b: Element) -> Element:
        return self.mul_sum((a, b))

    def mul_both(
        self, first: tuple[Element, Element], second: tuple[Element, Element]
    ) -> tuple[Element, Element]:
        """Two independent products, which some multipliers compute faster side by side."""
        return self.mul(*first), self.mul(*second)

    def cross(
        self, a: tuple[Element, Element], b: tuple[Element, Element]
    ) -> tuple[Element, Element]:
        """(a₀·b₀ − a₁·b₁)/R and (a₀·b₁ + a₁·b₀)/R: a product in Fp2 = Fp[u]/(u² + 1)."""
        real = self.mul_sum((a[0], b[0]), (self.neg(a[1]), b[1]))
        return real, self.mul_sum((a[0], b[1]), (a[1], b[0]))

    def sqr(self, a: Element) -> Element:
        return self.mul_sum((a, a))

    def neg(self, a: Element) -> Element:
        return self.sub(self.zero(), a)

    def double(self, a: Element) -> Element:
        return self.add(a, a)

    def neg_where(self, mask: Value, a: Element) -> Element:
        """−a where the mask is set."""
        return self.select(mask, self.neg(a), a)

    def reduced(self, a: Element) -> Element:
        """The same residue with the bounds of a product: a·1."""
        return self.mul(a, self.field_constant(1))

    def product_value(self, pairs: Sequence[tuple[Element, Element]]) -> Interval:
        """Interval of Σ aᵢ·bᵢ after Montgomery reduction by four steps of N and one of p."""
        total = (0, 0)
        for a, b in pairs:
            product = mul_intervals(a.value, b.value)
            if a is b:
                product = (0, product[1])
            total = add_intervals(total, product)
        step = (self.friendly << RADIX) - 1
        grown = sum((MASK * step) << (RADIX * i) for i in range(LIMBS - 1))
        grown += (MASK * self.p) << (RADIX * (LIMBS - 1))
        slack = self.p >> (RADIX - 2)  # of multipliers that cancel two digits at once
        return total[0] >> R_BITS, (total[1] + grown >> R_BITS) + slack

    def product_like(self) -> Element:
        """Bounds that products of settled values, and reduced constants, keep; no registers."""
        limb = self.carried
        value = -self.p, 2 * self.p
        bounds = [limb] * (LIMBS - 1)
        return Element(("poison",) * LIMBS, value, (*bounds, top_bound(value, bounds)))

    def multiple_above(self, bound: int) -> int:
        """The least multiple of p that is ≥ bound."""
        return -(-bound // self.p) * self.p

    @property
    def settled_value(self) -> Interval:
        """Where `settle` brings values; within `settled`."""
        return settled(self.p)

    def factor(self, a: Element) -> Element:
        """The same residue in the form in which it is multiplied, for what is multiplied often."""
        return a

    @contextmanager
    def uncarried(self) -> Iterator[None]:
        """Products made within it may keep their carries: for results that enter sums."""
        yield

    def settle(self, a: Element) -> Element:
        """The same residues within `settled`, 0.4·p … 2.6·p.

        Each step adds a multiple of p to the lower part of the interval, so that it comes to lie
        on the upper part; the last one splits at an odd multiple of p/2 and moves both parts into
        place. Comparisons look at top limbs alone, hence the margins.
        """
        low, high = settled(self.p)
        a = self.carry_signed(a)
        while (span := a.value[1] - a.value[0]) > 3 * self.p + (high - low - 2 * self.p):
            k = min(range(1, span // self.p + 1), key=lambda j: max(span - j * self.p, j * self.p))
            a = self.lift_below(a, a.value[1] - k * self.p, k * self.p)
        halves = -((21 * self.p // 10 - a.value[1]) * 2 // self.p) | 1
        a = self.lift_below(a, halves * self.p // 2, 2 * self.p, (1 - halves) // 2 * self.p)
        if a.value[0] < low or a.value[1] > high:
            raise BoundError("a value cannot be settled")
        return a

    def lift_below(self, a: Element, bound: int, amount: int, always: int = 0) -> Element:
        """a, plus `amount` where a < `bound` as far as the top limb tells, plus `always`."""
        shift = RADIX * (LIMBS - 1)
        lower_least, lower_most = value_of(a.bounds[:-1])
        least = bound >> shift
        mask = self.top_below(a, least)
        lifted = self.add_chosen(mask, a, amount + always, always)
        below = (
            a.value[0] + amount + always,
            ((least - 1) << shift) + lower_most + amount + always,
        )
        above = ((least << shift) + lower_least + always, a.value[1] + always)
        value = hull(below, above)
        top = top_bound(value, lifted.bounds[:-1])
        bounds = (*lifted.bounds[:-1], clip(top, lifted.bounds[-1]))
        return Element(lifted.limbs, value, bounds)

    @abstractmethod
    def top_below(self, a: Element, least: int) -> Value:
        """Mask of the lanes whose top limb is below `least`."""

    def add_chosen(self, mask: Value, a: Element, yes: int, no: int) -> Element:
        """A plus one of two constants."""
        return self.add(a, self.select(mask, self.constant(yes), self.constant(no)))

    # -- memory -----------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Bytes of an element in limb form: five vectors."""
        return LIMBS * 8 * self.width

    def store(self, a: Element, pointer: Value, like: Element | None = None) -> None:
        """Limb form; the address must be aligned to a vector.

        Raises:
            BoundError: a could leave the bounds of `like`, with which it will be loaded.
        """
        if like is not None and not within(a, like):
            raise BoundError("what is stored exceeds the bounds it will be loaded with")
        for i, limb in enumerate(a.limbs):
            where = self.f.at(pointer, 8 * self.width * i)
            self.f.do(f"store {self.limb_type} {limb}, ptr {where}, align {8 * self.width}")

    def load(self, pointer: Value, like: Element, *, pinned: bool = False) -> Element:
        """Limb form of something stored with the bounds of `like` or narrower ones.

        `pinned` promises that the memory does not change while the result is used.
        """
        limbs = tuple(
            self.f.op(
                f"load {self.limb_type}, ptr {self.f.at(pointer, 8 * self.width * i)}, "
                f"align {8 * self.width}"
            )
            for i in range(LIMBS)
        )
        return Element(limbs, like.value, like.bounds, home=pointer if pinned else "")

    def gather(self, pointers: Sequence[Value], rows: int) -> list[Value]:
        """Transpose: some 64-bit words from each lane's address → as many vectors (4, 8 …).

        Loads of four words, then two rounds of shuffles.
        """
        out: list[Value] = []
        for group in range(0, rows, 4):
            kind = "<4 x i64>"
            loads = [
                self.f.op(f"load {kind}, ptr {self.f.at(p, 8 * group)}, align 8") for p in pointers
            ]
            out.extend(self._shuffled(loads) if self.width == 4 else self._shuffled_wide(loads))
        return out

    def scatter(self, words: Sequence[Value], pointers: Sequence[Value]) -> None:
        """The reverse of `gather`."""
        for group in range(0, len(words), 4):
            part = words[group : group + 4]
            rows = self._shuffled(part) if self.width == 4 else self._rows(part)
            for row, pointer in zip(rows, pointers, strict=True):
                where = self.f.at(pointer, 8 * group)
                self.f.do(f"store <4 x i64> {row}, ptr {where}, align 8")

    def _shuffled_wide(self, rows: Sequence[Value]) -> list[Value]:
        """Eight rows of four words → four vectors: four loads with an insertion, eight shuffles.

        Rows i and i + 2 share a register, so that pairs of neighbours end side by side.
        """
        halves = [self._shuffle(rows[k], rows[k + 2], range(8), 4) for k in (0, 1, 4, 5)]
        low = [
            self._shuffle(halves[k], halves[k + 1], (0, 8, 2, 10, 4, 12, 6, 14), 8) for k in (0, 2)
        ]
        high = [
            self._shuffle(halves[k], halves[k + 1], (1, 9, 3, 11, 5, 13, 7, 15), 8) for k in (0, 2)
        ]
        even, odd = (0, 1, 4, 5, 8, 9, 12, 13), (2, 3, 6, 7, 10, 11, 14, 15)
        return [self._shuffle(a, b, mask, 8) for mask in (even, odd) for a, b in (low, high)]

    def _rows(self, words: Sequence[Value]) -> list[Value]:
        """Four vectors → eight rows of four words."""
        even, odd = (0, 8, 2, 10, 4, 12, 6, 14), (1, 9, 3, 11, 5, 13, 7, 15)
        first, second = (0, 1, 8, 9, 2, 3, 10, 11), (4, 5, 12, 13, 6, 7, 14, 15)
        out = [""] * 8
        for start, mask in enumerate((even, odd)):
            pair = [self._shuffle(words[k], words[k + 1], mask, 8) for k in (0, 2)]
            for block, picks in ((0, first), (4, second)):
                both = self._shuffle(pair[0], pair[1], picks, 8)
                for half in (0, 1):
                    row = self._shuffle(both, both, range(4 * half, 4 * half + 4), 8)
                    out[block + start + 2 * half] = row
        return out

    def _shuffled(self, rows: Sequence[Value]) -> list[Value]:
        def pick(a: Value, b: Value, mask: Sequence[int]) -> Value:
            return self._shuffle(a, b, mask, 4)

        low = [pick(rows[k], rows[k + 1], (0, 4, 2, 6)) for k in (0, 2)]
        high = [pick(rows[k], rows[k + 1], (1, 5, 3, 7)) for k in (0, 2)]
        return [
            pick(low[0], low[1], (0, 1, 4, 5)),
            pick(high[0], high[1], (0, 1, 4, 5)),
            pick(low[0], low[1], (2, 3, 6, 7)),
            pick(high[0], high[1], (2, 3, 6, 7)),
        ]

    def _shuffle(self, a: Value, b: Value, mask: Sequence[int], width: int) -> Value:
        picks = ", ".join(f"i32 {k}" for k in mask)
        kind = f"<{width} x i64>"
        return self.f.op(f"shufflevector {kind} {a}, {kind} {b}, <{len(mask)} x i32> <{picks}>")

    # -- words ------------------------------------------------------------------------------------

    def word_op(self, name: str, a: Value, b: Value) -> Value:
        return self.f.op(f"{name} {self.words} {a}, {b}")

    def word_const(self, name: str, a: Value, constant: int) -> Value:
        return self.word_op(name, a, self.splat(constant))

    def equal(self, a: Value, b: Value) -> Value:
        return self.f.op(f"icmp eq {self.words} {a}, {b}")

    def mask_or(self, a: Value, b: Value) -> Value:
        return self.f.op(f"or {self.mask_type} {a}, {b}")

    def mask_and(self, a: Value, b: Value) -> Value:
        return self.f.op(f"and {self.mask_type} {a}, {b}")

    def mask_not(self, a: Value) -> Value:
        ones = f"<{', '.join(['i1 true'] * self.width)}>"
        return self.f.op(f"xor {self.mask_type} {a}, {ones}")

    def any(self, mask: Value) -> Value:
        """`i1`: whether a lane is set."""
        bits = self.f.op(f"bitcast {self.mask_type} {mask} to i{self.width}")
        return self.f.op(f"icmp ne i{self.width} {bits}, 0")

    def same_words(self, words: Sequence[Value], value: int) -> Value:
        """Mask of the lanes whose 256-bit integer is `value`."""
        total = ""
        for i, word in enumerate(words):
            part = self.equal(word, self.splat((value >> (64 * i)) % (1 << 64)))
            total = self.mask_and(total, part) if total else part
        return total

    def split(self, words: Sequence[Value]) -> list[Value]:
        """256-bit integers as words → five vectors of 52 bits (the top one 48)."""
        w = words
        out = [self.word_const("and", w[0], MASK)]
        for i in range(1, LIMBS - 1):
            low = self.word_const("lshr", w[i - 1], RADIX * i - 64 * (i - 1))
            high = self.word_const("shl", w[i], 64 * i - RADIX * i)
            out.append(self.word_const("and", self.word_op("or", low, high), MASK))
        out.append(self.word_const("lshr", w[3], RADIX * 4 - 64 * 3))
        return out

    def join(self, limbs: Sequence[Value]) -> list[Value]:
        """Five vectors of 52 bits (the top one 48) → words of 256-bit integers."""
        out = []
        for i in range(4):
            low = limbs[i] if i == 0 else self.word_const("lshr", limbs[i], 12 * i)
            high = self.word_const("shl", limbs[i + 1], RADIX - 12 * i)
            out.append(self.word_op("or", low, high))
        return out
