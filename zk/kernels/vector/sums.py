"""Batches of affine additions in vector lanes, of which multi-scalar multiplication is made.

    sum(base, left, right, slot, count, scratch, gone)   base[slot + i] = ±base[lᵢ] ± base[rᵢ]

`base` is an arena of packed points, 64 bytes each on G1 and 128 on G2; a reference is a `uint32`,
index in the lower 31 bits and minus in the top one. One inversion serves the whole batch
(Montgomery's trick): per addition three multiplications for it, and λ, λ², λ·(x₁ − x₃).

Exceptions take a branch for the vector that has one, no other: equal points are doubled in their
lanes (at most one more multiplication and two squarings for the vector), and opposite ones set
`gone[i]` and leave a dummy; the kernel returns how many are gone. Points at infinity never enter.

Bounds. Packed coordinates lie in [0.4p, 2.6p]; sums come back there by conditional additions of
multiples of p (`Lanes.settle`). So x₂ ≡ x₁ only if the lowest words differ by that of j·p for a
|j| ≤ 2; by chance they do once in 2⁶⁰ additions, which costs a branch that looks at all words.

The count must be a multiple of twice the lanes; callers pad with two dummies of different x that
every arena holds in its slots 0 and 1. Vectors go in twos, whose products are independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zk.kernels.constants import FP
from zk.kernels.emit import Function, Module, Value
from zk.kernels.field import emit_field
from zk.kernels.vector.coordinates import WORDS, Coordinate, Coordinates
from zk.kernels.vector.lanes import R_BITS, Lanes, settled

SIGN: Final = 1 << 31
TOGETHER: Final = 2
"""Vectors in one round of the loops."""
ROW: Final = 8 * WORDS


@dataclass(frozen=True, slots=True)
class Group:
    """Names and sizes of one group's kernels.

    Attributes:
        name: prefix of its functions.
        coordinates: the field of its coordinates.
    """

    name: str
    coordinates: type[Coordinates]

    @property
    def record(self) -> int:
        """Bytes of a packed point."""
        return 2 * 8 * WORDS * self.coordinates.degree


def emit_inverse(module: Module, lanes: type[Lanes]) -> None:
    """`vector_inverse(out, a)`: 1/a in Fp in limb form; one scalar inversion for all lanes.

    No lane may be 0. The scalar functions come along; in their Montgomery form, R = 2²⁵⁶, our
    x·2²⁶⁰ means 16·x.
    """
    emit_field(module, FP)
    f = module.function("vector_inverse", "out", "a", attributes="noinline")
    k = lanes(f, FP)
    a = k.load("%a", k.product_like())
    positive = k.mul(k.add(a, k.constant(k.p)), k.field_constant(1))
    values, before = f.aligned(ROW * k.width), f.aligned(ROW * k.width)
    rows = [f.at(values, ROW * i) for i in range(k.width)]
    k.scatter(k.to_integers(positive), rows)
    total = f.slot(ROW)
    f.copy(total, rows[0], ROW)
    for i in range(1, k.width):
        f.copy(f.at(before, ROW * i), total, ROW)
        f.call("fp_mul", total, total, rows[i])
    f.call("fp_inv", total, total)
    share = f.slot(ROW)
    for i in range(k.width - 1, 0, -1):
        f.call("fp_mul", share, total, f.at(before, ROW * i))
        f.call("fp_mul", total, total, rows[i])
        f.copy(rows[i], share, ROW)
    f.copy(rows[0], total, ROW)
    inverse = k.from_integers(k.gather(rows, WORDS), (0, 2 * k.p))
    # (16·x)⁻¹·2²⁵⁶ = x⁻¹·2²⁵², and a product divides by 2²⁶⁰
    k.store(k.mul(inverse, k.constant((1 << (R_BITS + 8)) % k.p)), "%out", k.product_like())
    f.leave()


def emit_sum(module: Module, lanes: type[Lanes], group: Group) -> None:
    """The batch kernel of one group."""
    f = module.function(
        f"{group.name}_sum",
        "base",
        "left",
        "right",
        "i64 slot",
        "i64 count",
        "scratch",
        "gone",
        returns="i64",
        export=True,
    )
    k = lanes(f, FP)
    k.begin()
    _Sum(f, k, group.coordinates(k), group).emit()


class _Sum:
    """The body of `sum`."""

    def __init__(self, f: Function, k: Lanes, c: Coordinates, group: Group) -> None:
        self.f = f
        self.k = k
        self.c = c
        self.group = group
        self.interval = settled(k.p)
        one = c.one()
        self.product_like = c.product_like()
        # bounds of what the denominator's slot may hold, taken from code that is thrown away
        point = c.unpack([k.splat(0)] * c.words, self.interval)
        turned = c.neg_where("zeroinitializer", point)
        doubled = c.carry_signed(c.add(turned, turned))
        self.denominator_like = c.hull(c.hull(self._difference(point, point), doubled), one)
        slope = c.hull(self._minus(turned, turned), self._slope_of_tangent(point))
        self.numerator_like = slope

    def emit(self) -> None:
        f, k, c = self.f, self.k, self.c
        both = range(TOGETHER)
        self.denominators = [f.aligned(c.size) for _ in both]
        self.numerators = [f.aligned(c.size) for _ in both]
        self.products = [f.aligned(c.size) for _ in both]
        self.lost = f.slot(8)
        f.store(0, self.lost)
        rounds = f.op(f"udiv i64 %count, {TOGETHER * k.width}")
        for product in self.products:
            c.store(c.one(), product)
        with f.loop(rounds) as i:
            for j in both:
                self._forward(j, _Pair(self, self._vector(i, j)))
            products = self._load(self.products, self.product_like)
            for j in both:
                c.store(products[j], self._scratch(i, j))
            results = c.mul_both(
                *zip(products, self._load(self.denominators, self.denominator_like), strict=True)
            )
            for result, product in zip(results, self.products, strict=True):
                c.store(result, product)
        self._invert()
        with f.countdown(rounds) as i:
            self._backward(i)
        k.end()
        f.leave(f"i64 {f.load(self.lost)}")

    def _vector(self, i: Value, j: int) -> Value:
        return self.f.add(self.f.mul(i, TOGETHER), j)

    def _scratch(self, i: Value, j: int) -> Value:
        """Where the running product before a vector is kept."""
        return self.f.row("%scratch", self._vector(i, j), self.c.size)

    def _load(self, slots: list[Value], like: Coordinate) -> list[Coordinate]:
        return [self.c.load(slot, like, pinned=True) for slot in slots]

    def _difference(self, x1: Coordinate, x2: Coordinate) -> Coordinate:
        return self.c.sub(x2, x1)

    def _minus(self, y1: Coordinate, y2: Coordinate) -> Coordinate:
        return self.c.sub(y2, y1)

    def _slope_of_tangent(self, x: Coordinate) -> Coordinate:
        square = self.c.sqr(x)
        double = self.c.carry_signed(self.c.add(square, square))
        return self.c.carry_signed(self.c.add(double, square))

    def _forward(self, j: int, pair: _Pair) -> None:
        """Leaves x₂ − x₁ in the denominator's slot: 2·y₁ for equal points, 1 for opposite ones."""
        f, c = self.f, self.c
        slot = self.denominators[j]
        c.store(self._difference(pair.x1, pair.x2), slot)
        with f.when(pair.suspicious()):
            equal, opposite = pair.exceptions()
            y1 = pair.y(0)
            twice = c.carry_signed(c.add(y1, y1))
            chosen = c.select(equal, twice, c.load(slot, self.denominator_like))
            c.store(c.select(opposite, c.one(), chosen), slot)

    def _invert(self) -> None:
        """The products of all denominators, inverted in each lane: both by one inversion."""
        f, c, k = self.f, self.c, self.k
        first, second = self._load(self.products, self.product_like)
        total = c.mul(first, second)
        norm, inverse = f.aligned(k.size), f.aligned(k.size)
        k.store(k.reduced(c.norm(total)), norm)
        f.call("vector_inverse", inverse, norm)
        element = k.load(inverse, self.product_like[0])
        inverted = c.inverse_from_norm(total, element)
        results = c.mul_both((inverted, second), (inverted, first))
        for result, product in zip(results, self.products, strict=True):
            c.store(result, product)

    def _backward(self, i: Value) -> None:
        f, c = self.f, self.c
        both = range(TOGETHER)
        pairs = [_Pair(self, self._vector(i, j)) for j in both]
        y1 = [pair.y(0) for pair in pairs]
        for j, pair in enumerate(pairs):
            self._forward(j, pair)
            slot = self.numerators[j]
            c.store(self._minus(y1[j], pair.y(1)), slot)
            with f.when(pair.suspicious()):
                equal, opposite = pair.exceptions()
                tangent = self._slope_of_tangent(pair.x1)
                slope = c.load(slot, self.numerator_like)
                c.store(c.select(equal, tangent, slope), slot)
                self._report(opposite, self._vector(i, j))
        running = self._load(self.products, self.product_like)
        before = self._load([self._scratch(i, j) for j in both], self.product_like)
        denominators = self._load(self.denominators, self.denominator_like)
        numerators = self._load(self.numerators, self.numerator_like)
        inverses = c.mul_both(*zip(running, before, strict=True))
        products = c.mul_both(*zip(running, denominators, strict=True))
        for product, slot in zip(products, self.products, strict=True):
            c.store(product, slot)
        slopes = c.mul_both(*zip(numerators, inverses, strict=True))
        squares = c.sqr_both(*slopes)
        x3 = [
            c.settle(c.sub(c.sub(square, pair.x1), pair.x2))
            for square, pair in zip(squares, pairs, strict=True)
        ]
        drops = [c.sub(pair.x1, c.carry_signed(x)) for pair, x in zip(pairs, x3, strict=True)]
        heights = c.mul_both(*zip(slopes, drops, strict=True))
        for j in both:
            y3 = c.settle(c.sub(heights[j], y1[j]))
            self._write(self._vector(i, j), x3[j], y3)

    def _write(self, v: Value, x: Coordinate, y: Coordinate) -> None:
        """Packs the sums of a vector into their slots."""
        f, k, c = self.f, self.k, self.c
        record = self.group.record
        first = f.row("%base", f.add("%slot", f.mul(v, k.width)), record)
        for words, offset in ((c.pack(x), 0), (c.pack(y), 8 * c.words)):
            pointers = [f.at(first, record * lane + offset) for lane in range(k.width)]
            k.scatter(words, pointers)

    def _report(self, opposite: Value, v: Value) -> None:
        f, k = self.f, self.k
        where = f.at("%gone", f.mul(v, k.width))
        for lane in range(k.width):
            bit = f.op(f"extractelement {k.mask_type} {opposite}, i32 {lane}")
            f.store(f.op(f"zext i1 {bit} to i8"), f.at(where, lane), "i8")
            f.store(f.add(f.load(self.lost), f.op(f"zext i1 {bit} to i64")), self.lost)


class _Pair:
    """The points of one vector of additions."""

    def __init__(self, kernel: _Sum, v: Value) -> None:
        f, k, c = kernel.f, kernel.k, kernel.c
        self.f, self.k, self.c = f, k, c
        self._interval = kernel.interval
        kind = f"<{k.width} x i32>"
        self.signs: list[Value] = []
        self._pointers: list[list[Value]] = []
        for name in ("%left", "%right"):
            refs = f.op(f"load {kind}, ptr {f.at(name, f.mul(v, 4 * k.width))}, align 4")
            self.signs.append(f.op(f"icmp slt {kind} {refs}, zeroinitializer"))
            pointers = []
            for lane in range(k.width):
                ref = f.op(f"extractelement {kind} {refs}, i32 {lane}")
                index = f.op(f"zext i32 {f.op(f'and i32 {ref}, {SIGN - 1}')} to i64")
                pointers.append(f.row("%base", index, kernel.group.record))
            self._pointers.append(pointers)
        self._x = [k.gather(pointers, c.words) for pointers in self._pointers]
        self.x1, self.x2 = (c.unpack(words, self._interval) for words in self._x)

    def y(self, side: int) -> Coordinate:
        """The y of one side with the sign of its reference."""
        offset = 8 * self.c.words
        pointers = [self.f.at(p, offset) for p in self._pointers[side]]
        y = self.c.unpack(self.k.gather(pointers, self.c.words), self._interval)
        return self.c.neg_where(self.signs[side], y)

    def suspicious(self) -> Value:
        """`i1`: whether the lowest words of a lane allow x₂ ≡ x₁."""
        k = self.k
        mask = ""
        for i in range(0, self.c.words, WORDS):
            difference = k.word_op("sub", self._x[1][i], self._x[0][i])
            found = ""
            for j in range(-2, 3):
                hit = k.equal(difference, k.splat(j * k.p % (1 << 64)))
                found = k.mask_or(found, hit) if found else hit
            mask = k.mask_and(mask, found) if mask else found
        return k.any(mask)

    def exceptions(self) -> tuple[Value, Value]:
        """Masks of the lanes with equal and with opposite points."""
        k, c = self.k, self.c
        same_x = c.is_zero(c.sub(self.x2, self.x1))
        same_y = c.is_zero(c.sub(self.y(1), self.y(0)))
        return k.mask_and(same_x, same_y), k.mask_and(same_x, k.mask_not(same_y))
