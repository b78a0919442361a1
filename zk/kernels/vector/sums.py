"""Batches of affine additions in vector lanes, of which multi-scalar multiplication is made.

    sum(base, left, right, slot, count, scratch, gone)   base[slot + i] = base[lᵢ] ± base[rᵢ]

`base` is an arena of packed points, 64 bytes each on G1 and 128 on G2; a reference is a `uint32`,
index in the lower 31 bits and, on the right, minus in the top one. One inversion serves the whole
batch (Montgomery's trick): per addition three multiplications for it, and λ, λ², λ·(x₁ − x₃).

Exceptions show once a batch: where two x are equal the product of all differences vanishes, which
the inversion needs to know anyway. Such a batch is done again with checks, and in it the vectors
that have an exception take a branch: equal points are doubled in their lanes (at most one more
multiplication and two squarings for the vector), and opposite ones set `gone[i]` and leave a dummy;
the kernel returns how many are gone. Points at infinity never enter.

Bounds. Packed coordinates lie in `Lanes.settled_value`, within [0.4p, 2.6p], and sums come back
there by multiples of p (`Lanes.settle`). So x₂ ≡ x₁ only if the lowest words differ by that of j·p
for a |j| ≤ 2; by chance they do once in 2⁶⁰ additions, which costs a look at all words.

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
from zk.kernels.vector.lanes import R_BITS, Element, Lanes

SIGN: Final = 1 << 31
TOGETHER: Final = 2
"""Vectors in one round of the loops."""
ROW: Final = 8 * WORDS
LINE: Final = 64
AHEAD: Final = 16
"""Vectors by which points are asked for before they are used; references are readable as far."""


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
        self.interval = k.settled_value
        one = c.one()
        self.product_like = c.product_like()
        # bounds of what the denominator's slot may hold, taken from code that is thrown away
        point = c.unpack([k.splat(0)] * c.words, self.interval)
        turned = c.neg_where("zeroinitializer", point)
        doubled = c.carry_signed(c.add(point, point))
        mended = c.factor(c.hull(doubled, one))
        numerator = self._minus(point, turned)
        self.denominator_like = c.hull(c.hull(self._difference(point, point), mended), one)
        self.numerator_like = c.hull(numerator, self._slope_of_tangent(point))
        with k.uncarried():
            grown = c.mul(self.denominator_like, self.denominator_like)
        self.running_like = c.hull(self.product_like, grown)

    def emit(self) -> None:
        f, c = self.f, self.c
        self.numerators = [f.aligned(c.size) for _ in range(TOGETHER)]
        self.products = [f.aligned(c.size) for _ in range(TOGETHER)]
        self.lost = f.slot(8)
        f.store(0, self.lost)
        self.rounds = f.op(f"udiv i64 %count, {TOGETHER * self.k.width}")
        self._forward(checked=False)
        with f.when(self._vanishes()):
            self._forward(checked=True)
            self._invert()
            self._backward(checked=True)
            self._leave()
        self._invert()
        self._backward(checked=False)
        self._leave()

    def _leave(self) -> None:
        self.k.end()
        self.f.leave(f"i64 {self.f.load(self.lost)}")

    def _vector(self, i: Value, j: int) -> Value:
        return self.f.add(self.f.mul(i, TOGETHER), j)

    def _scratch(self, i: Value, j: int) -> tuple[Value, Value]:
        """Where a vector's denominators and the running product before it are kept."""
        row = self.f.row("%scratch", self._vector(i, j), 2 * self.c.size)
        return row, self.f.at(row, self.c.size)

    def _load(self, slots: list[Value], like: Coordinate) -> list[Coordinate]:
        return [self.c.load(slot, like, pinned=True) for slot in slots]

    def _difference(self, x1: Coordinate, x2: Coordinate) -> Coordinate:
        return self.c.factor(self.c.sub(x2, x1))

    def _minus(self, y1: Coordinate, y2: Coordinate) -> Coordinate:
        return self.c.sub(y2, y1)

    def _slope_of_tangent(self, x: Coordinate) -> Coordinate:
        square = self.c.sqr(x)
        double = self.c.carry_signed(self.c.add(square, square))
        return self.c.carry_signed(self.c.add(double, square))

    def _forward(self, *, checked: bool) -> None:
        """Products of the denominators x₂ − x₁; checked, 2·y₁ for equal points, 1 for opposite."""
        f, c = self.f, self.c
        for product in self.products:
            c.store(c.one(), product)
        with f.loop(self.rounds) as i:
            rows = [self._scratch(i, j) for j in range(TOGETHER)]
            for j, (slot, _) in enumerate(rows):
                vector = self._vector(i, j)
                pair = _Pair(self, vector)
                if not checked:
                    pair.prefetch(f.add(vector, AHEAD))
                c.store(self._difference(pair.x1, pair.x2), slot)
                if checked:
                    self._mend(pair, slot)
            products = self._load(self.products, self.product_like)
            for running, (_, before) in zip(products, rows, strict=True):
                c.store(running, before)
            denominators = self._load([slot for slot, _ in rows], self.denominator_like)
            results = c.mul_both(*zip(products, denominators, strict=True))
            for result, product in zip(results, self.products, strict=True):
                c.store(result, product, self.product_like)

    def _mend(self, pair: _Pair, slot: Value) -> None:
        """Other denominators in the lanes with equal or opposite points."""
        f, c = self.f, self.c
        with f.when(pair.suspicious()):
            equal, opposite = pair.exceptions()
            y1 = pair.y(0)
            twice = c.carry_signed(c.add(y1, y1))
            chosen = c.select(equal, twice, c.load(slot, self.denominator_like))
            c.store(c.factor(c.select(opposite, c.one(), chosen)), slot)

    def _total(self) -> tuple[Coordinate, Element]:
        """The product of all denominators in each lane, and its norm."""
        first, second = self._load(self.products, self.product_like)
        total = self.c.mul(first, second)
        return total, self.k.reduced(self.c.norm(total))

    def _vanishes(self) -> Value:
        """`i1`: whether a denominator is 0, so that the batch holds equal or opposite points."""
        return self.k.any(self.c.is_zero((self._total()[1],)))

    def _invert(self) -> None:
        """The products of all denominators, inverted in each lane: both by one inversion."""
        f, c, k = self.f, self.c, self.k
        total, reduced = self._total()
        norm, inverse = f.aligned(k.size), f.aligned(k.size)
        k.store(reduced, norm)
        f.call("vector_inverse", inverse, norm)
        element = k.load(inverse, self.product_like[0])
        inverted = c.inverse_from_norm(total, element)
        first, second = self._load(self.products, self.product_like)
        results = c.mul_both((inverted, second), (inverted, first))
        for result, product in zip(results, self.products, strict=True):
            c.store(result, product)

    def _backward(self, *, checked: bool) -> None:
        f, c, k = self.f, self.c, self.k
        both = range(TOGETHER)
        with f.countdown(self.rounds) as i:
            pairs = [_Pair(self, self._vector(i, j)) for j in both]
            rows = [self._scratch(i, j) for j in both]
            y1 = [pair.y(0) for pair in pairs]
            for j, pair in enumerate(pairs):
                slot = self.numerators[j]
                c.store(self._minus(y1[j], pair.y(1)), slot)
                if checked:
                    self._bend(pair, slot, self._vector(i, j))
            running = self._load(self.products, self.running_like)
            denominators = self._load([slot for slot, _ in rows], self.denominator_like)
            before = self._load([slot for _, slot in rows], self.product_like)
            numerators = self._load(self.numerators, self.numerator_like)
            with k.uncarried():
                inverses = c.mul_both(*zip(running, before, strict=True))
                products = c.mul_both(*zip(running, denominators, strict=True))
                for product, slot in zip(products, self.products, strict=True):
                    c.store(product, slot, self.running_like)
                slopes = c.mul_both(*zip(numerators, inverses, strict=True))
                squares = c.sqr_both(*slopes)
            x3 = [
                c.settle(c.sub(c.sub(square, pair.x1), pair.x2))
                for square, pair in zip(squares, pairs, strict=True)
            ]
            drops = [c.drop(pair.x1, x) for pair, x in zip(pairs, x3, strict=True)]
            with k.uncarried():
                heights = c.mul_both(*zip(slopes, drops, strict=True))
            for j in both:
                y3 = c.settle(c.sub(heights[j], y1[j]))
                self._write(self._vector(i, j), x3[j], y3)

    def _bend(self, pair: _Pair, slot: Value, vector: Value) -> None:
        """The numerator of the tangent where points are equal; opposite ones are reported."""
        f, c = self.f, self.c
        with f.when(pair.suspicious()):
            equal, opposite = pair.exceptions()
            slope = c.load(slot, self.numerator_like)
            c.store(c.select(equal, self._slope_of_tangent(pair.x1), slope), slot)
            self._report(opposite, vector)

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
        k, c = kernel.k, kernel.c
        self.kernel = kernel
        self.f, self.k, self.c = kernel.f, k, c
        self._interval = kernel.interval
        self.sign, self._pointers = self._addresses(v)
        self._x = [k.gather(pointers, c.words) for pointers in self._pointers]
        self.x1, self.x2 = (c.unpack(words, self._interval) for words in self._x)

    def _addresses(self, v: Value) -> tuple[Value, list[list[Value]]]:
        """Mask of the minus signs on the right, and where the points of both sides lie."""
        f, k = self.f, self.k
        kind = f"<{k.width} x i32>"
        sign, sides = "", []
        for name in ("%left", "%right"):
            refs = f.op(f"load {kind}, ptr {f.at(name, f.mul(v, 4 * k.width))}, align 4")
            sign = f.op(f"icmp slt {kind} {refs}, zeroinitializer")
            pointers = []
            for lane in range(k.width):
                ref = f.op(f"extractelement {kind} {refs}, i32 {lane}")
                index = f.op(f"zext i32 {f.op(f'and i32 {ref}, {SIGN - 1}')} to i64")
                pointers.append(f.row("%base", index, self.kernel.group.record))
            sides.append(pointers)
        return sign, sides

    def prefetch(self, vector: Value) -> None:
        """Asks for the points of another vector, whose references need not be valid."""
        f, record = self.f, self.kernel.group.record
        for pointer in (p for side in self._addresses(vector)[1] for p in side):
            for line in range(0, record, LINE):
                f.do(f"call void @llvm.prefetch.p0(ptr {f.at(pointer, line)}, i32 0, i32 2, i32 1)")

    def y(self, side: int) -> Coordinate:
        """The y of one side, on the right with the sign of its reference."""
        offset = 8 * self.c.words
        pointers = [self.f.at(p, offset) for p in self._pointers[side]]
        y = self.c.unpack(self.k.gather(pointers, self.c.words), self._interval)
        return self.c.neg_where(self.sign, y) if side else y

    def suspicious(self) -> Value:
        """`i1`: whether the lowest words of a lane allow x₂ ≡ x₁."""
        k = self.k
        mask = ""
        for i in range(0, self.c.words, WORDS):
            difference = k.word_op("sub", self._x[1][i], self._x[0][i])
            found = ""
            low, high = self._interval
            most = (high - low) // k.p
            for j in range(-most, most + 1):
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
