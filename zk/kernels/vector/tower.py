"""Fp12 in vector lanes: twelve coefficients side by side instead of many elements.

Fp12 = Fp2[w]/(w⁶ − ξ). An element lies in memory *planar*: limb by limb the coefficients of
w⁰ … w⁵, each as real and imaginary part, so a vector holds two of them (`fma`) or four (`ifma`).
A product is a convolution. With ξ·b before b in one array, coefficient k of a·b is

    Σ aᵢ.re · B[6 + k − i] + aᵢ.im · (u·B)[6 + k − i]          B = (ξ·b₀ … ξ·b₅, b₀ … b₅)

so that all lanes take the same aᵢ and a shifted B: twelve products and one reduction a vector, no
shuffle (`zk.kernels.vector.dots`). By a line, which has three coefficients, it is five or six.

Squaring in the cyclotomic subgroup (Granger and Scott, eprint 2009/565) over Fp4 = Fp2[w³]:
with f = A + B·w + C·w², f² = (3A² − 2Ā) + (3w³C² + 2B̄)·w + (3B² − 2C̄)·w²; each coefficient of the
three squares is two products of Fp2.

Coefficients in memory lie within 0 … p on `fma`, give or take p/2⁴⁰ (`kept`), and within
0.4·p … 2.6·p on `ifma` (`settled`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zk.kernels.constants import FP, SEED, TWIST_XI
from zk.kernels.emit import Function, Module, Value
from zk.kernels.tower import Pair, fp2_power
from zk.kernels.vector.dots import Dots, Shape
from zk.kernels.vector.fma import Fma, bits, signed_digits
from zk.kernels.vector.lanes import (
    LIMBS,
    RADIX,
    BoundError,
    Element,
    Interval,
    Lanes,
    clip,
    hull,
    settled,
    top_bound,
    within,
)

COEFFICIENTS: Final = 12
_PLANE: Final = 16 * 8
"""Bytes from limb to limb of a planar element; twelve coefficients and room for whole vectors."""
PLANAR: Final = LIMBS * _PLANE
_WIDE: Final = 32 * 8
_TURNED: Final = LIMBS * _WIDE
"""From B to u·B."""
EXTENDED: Final = 2 * _TURNED
_BASE: Final = 12
"""Index of b₀ in B."""
ROW: Final = 32
_HALF: Final = 1 << (RADIX - 1)
_EXACT: Final = 1 << 53
_SPILL: Final = 64
"""How far beyond 2⁵¹ a limb in memory may lie."""
_MARGIN: Final = 40
_PLACES: Final = {1: 0, 3: 1, -1: 2, -3: 3, 0: 4}

PLANAR_DOT: Final = Shape("dot_planar", True, _PLANE, _WIDE, _PLANE)


def line_dot(lanes: type[Lanes]) -> Shape:
    """Dots with one lane of a line's coefficients."""
    return Shape("dot_line", True, 8 * lanes.width, _WIDE, _PLANE)


def full_dot(lanes: type[Lanes]) -> Shape:
    """Dots of whole vectors that lie together."""
    return Shape("dot_full", False, 8 * lanes.width, 8 * lanes.width, _PLANE)


def naf(n: int, width: int = 2) -> list[int]:
    """Odd signed digits below 2^(width − 1), `width` − 1 zeros between them; highest first."""
    digits = []
    while n:
        digit = 0
        if n % 2:
            digit = (n + (1 << (width - 1))) % (1 << width) - (1 << (width - 1))
        digits.append(digit)
        n = (n - digit) // 2
    return digits[::-1]


class Planar:
    """Vectors of coefficients of one function.

    Args:
        f: where instructions go.
        lanes: the multiplier.
        dots: its dots.
    """

    def __init__(self, f: Function, lanes: type[Lanes], dots: Dots) -> None:
        self.f = f
        self.k = lanes(f, FP)
        self.dots = dots
        self.width = lanes.width
        self.vectors = -(-COEFFICIENTS // lanes.width)
        self.like = kept_like(self.k)

    # -- memory -----------------------------------------------------------------------------------

    def load(self, pointer: Value, stride: int, like: Element) -> Element:
        kind = self.k.limb_type
        limbs = tuple(
            self.f.op(f"load {kind}, ptr {self.f.at(pointer, stride * i)}, align 8")
            for i in range(LIMBS)
        )
        return Element(limbs, like.value, like.bounds)

    def store(self, a: Element, pointer: Value, stride: int) -> None:
        for i, limb in enumerate(a.limbs):
            where = self.f.at(pointer, stride * i)
            self.f.do(f"store {self.k.limb_type} {limb}, ptr {where}, align 8")

    def vector(self, pointer: Value, v: int) -> Value:
        return self.f.at(pointer, 8 * self.width * v)

    def get(self, pointer: Value, v: int) -> Element:
        """A vector of a planar element."""
        return self.load(self.vector(pointer, v), _PLANE, self.like)

    def put(self, a: Element, pointer: Value, v: int) -> None:
        """Reduces and stores."""
        self.keep(kept(self.k, a), pointer, v)

    def keep(self, a: Element, pointer: Value, v: int) -> None:
        """Stores what is reduced."""
        check_within(a, self.like)
        self.store(a, self.vector(pointer, v), _PLANE)

    def load_pieces(
        self, pointer: Value, stride: int, coefficients: Sequence[int], like: Element
    ) -> Element:
        """Some coefficients of Fp2, each two lanes, side by side."""
        scalar = self.k.limb_type.split(" x ")[1].rstrip(">")
        half = f"<2 x {scalar}>"
        limbs = []
        for i in range(LIMBS):
            parts = [
                self.f.op(f"load {half}, ptr {self.f.at(pointer, stride * i + 16 * c)}, align 8")
                for c in coefficients
            ]
            size = 2
            while len(parts) > 1:
                picks = ", ".join(f"i32 {n}" for n in range(2 * size))
                kind = f"<{size} x {scalar}>"
                parts = [
                    self.f.op(f"shufflevector {kind} {a}, {kind} {b}, <{2 * size} x i32> <{picks}>")
                    for a, b in zip(parts[::2], parts[1::2], strict=True)
                ]
                size *= 2
            limbs.append(parts[0])
        return Element(tuple(limbs), like.value, like.bounds)

    # -- lanes ------------------------------------------------------------------------------------

    def shuffled(self, a: Element, picks: Sequence[int]) -> Element:
        """Lanes of a in another order."""
        kind = self.k.limb_type
        mask = ", ".join(f"i32 {i}" for i in picks)
        limbs = tuple(
            self.f.op(f"shufflevector {kind} {x}, {kind} poison, <{len(picks)} x i32> <{mask}>")
            for x in a.limbs
        )
        return Element(limbs, a.value, a.bounds)

    def where(self, lanes: Sequence[bool]) -> Value:
        """A constant mask."""
        return f"<{', '.join(f'i1 {int(x)}' for x in lanes)}>"

    def negated_where(self, lanes: Sequence[bool], a: Element) -> Element:
        return self.k.select(self.where(lanes), self.k.neg(a), a)

    def times_u(self, a: Element) -> Element:
        """u·(re, im) = (−im, re)."""
        turned = self.shuffled(a, [i ^ 1 for i in range(self.width)])
        return self.negated_where([i % 2 == 0 for i in range(self.width)], turned)

    def times_xi(self, a: Element) -> Element:
        """(9 + u)·a."""
        k = self.k
        return k.add(self._eight(a), light(k, k.add(a, self.times_u(a))))

    def _eight(self, a: Element) -> Element:
        k = self.k
        if not isinstance(k, Fma):
            return k.double(k.double(k.double(a)))
        limbs = tuple(_times(k, x, 8) for x in a.limbs)
        bounds = tuple((8 * x[0], 8 * x[1]) for x in a.bounds)
        return light(k, Element(limbs, (8 * a.value[0], 8 * a.value[1]), bounds), 8)

    # -- operands of dots -------------------------------------------------------------------------

    def extend(self, a: Value, out: Value) -> Element:
        """B and u·B of a planar element; returns bounds that hold for all of it."""
        k = self.k
        bounds: list[Element] = []
        for v in range(self.vectors):  # upward: what lies beyond the twelfth is overwritten
            x = self.get(a, v)
            twisted = ready(k, self.times_xi(x))
            self._extension(twisted, out, self.width * v, bounds)
        for v in range(self.vectors):
            self._extension(ready(k, self.get(a, v)), out, _BASE + self.width * v, bounds)
        return joined(bounds)

    def _extension(self, x: Element, out: Value, index: int, bounds: list[Element]) -> None:
        turned = ready(self.k, self.times_u(x))
        self.store(x, self.f.at(out, 8 * index), _WIDE)
        self.store(turned, self.f.at(out, _TURNED + 8 * index), _WIDE)
        bounds += [x, turned]


def kept_like(k: Lanes) -> Element:
    """Bounds of what is kept in memory."""
    if isinstance(k, Fma):
        value = -(k.p >> _MARGIN) - 1, k.p + (k.p >> _MARGIN) + 1
        lower: list[Interval] = [(-_HALF - _SPILL, _HALF + _SPILL)] * (LIMBS - 1)
    else:
        value = settled(k.p)
        lower = list(k.product_like().bounds[:-1])
    return Element(("poison",) * LIMBS, value, (*lower, top_bound(value, lower)))


def kept(k: Lanes, a: Element) -> Element:
    """The same residues within the bounds of what is kept in memory.

    On `fma` q·p is taken off with q = ⌊top limb · 2²⁰⁸/p⌋, for multiples of p where q would be too
    large for exact doubles. A top limb tells value/p to within 2⁻⁴²: the lower limbs are below 2⁵³.
    """
    if not isinstance(k, Fma):
        out = ready(k, k.settle(a))
        check_within(out, kept_like(k))
        return out
    like = kept_like(k)
    while a.value[0] < like.value[0] or a.value[1] > like.value[1]:
        factor = 1
        while not all(-2 <= q <= 2 for q in _quotients(k, a.value, factor)):
            factor += 1
        a = _reduced_by(k, a, factor)
    a = light(k, a)
    check_within(a, like)
    return a


def _times(k: Fma, a: Value, factor: int) -> Value:
    return k.f.op(f"fmul {k.limb_type} {a}, {k.splat_double(factor)}")


def _splat_power(k: Fma, mantissa: int, exponent: int) -> str:
    """mantissa·2^exponent, a normal double, in all lanes."""
    pattern = bits(mantissa) + (exponent << RADIX)
    one = f"double 0x{pattern:016X}"
    return f"<{', '.join([one] * k.width)}>"


def _quotients(k: Fma, value: Interval, factor: int) -> Interval:
    margin = k.p >> _MARGIN
    return (value[0] - margin) // (factor * k.p), (value[1] + margin) // (factor * k.p)


def _reduced_by(k: Fma, a: Element, factor: int) -> Element:
    a = light(k, a)
    modulus = factor * k.p
    low, high = _quotients(k, a.value, factor)
    scale = (1 << (RADIX * (LIMBS - 1) + 120)) // modulus  # of 53 bits and more
    shift = scale.bit_length() - 53
    inverse = _splat_power(k, scale >> shift, shift - 120)
    magic = k.splat_double(3 << 51)
    q = k.fsub(k.fma(a.limbs[-1], inverse, magic), magic)
    digits = signed_digits(modulus)
    limbs = [k.fma(q, k.splat_double(-d), x) for x, d in zip(a.limbs, digits, strict=True)]
    bounds = [
        (x[0] - max(low * d, high * d), x[1] - min(low * d, high * d))
        for x, d in zip(a.bounds, digits, strict=True)
    ]
    if any(max(-x[0], x[1]) > _EXACT for x in bounds):
        raise BoundError("a multiple of p is not exact in doubles")
    margin = k.p >> _MARGIN
    return Element(tuple(limbs), (-margin - 1, modulus + margin + 1), tuple(bounds))


def light(k: Lanes, a: Element, multiple: int = 1) -> Element:
    """Small limbs, the sign of the value in the top one, though not the smallest.

    On `fma` all carries are taken at once: lower limbs end within 2⁵¹ plus a carry. All limbs are
    multiples of `multiple`.
    """
    if not isinstance(k, Fma):
        return k.carry_signed(a)
    if all(x[0] >= -_HALF - _SPILL and x[1] <= _HALF + _SPILL for x in a.bounds[:-1]):
        return a
    big, half = k.splat_double(3 << 103), k.splat_double(_HALF)
    rounded: list[Value] = []
    spans: list[Interval] = []
    for limb, (low, high) in zip(a.limbs[:-1], a.bounds[:-1], strict=True):
        if max(-low, high) + _HALF > _EXACT * multiple:
            raise BoundError("a limb is too large to be carried")
        rounded.append(k.fsub(k.fadd(k.fadd(limb, half), big), big))
        spans.append(((low + _HALF) >> RADIX, (high + _HALF) >> RADIX))
    limbs, bounds = [], []
    for i, limb in enumerate(a.limbs):
        bound = a.bounds[i]
        kept_part = limb
        if i < LIMBS - 1:
            kept_part = k.fsub(limb, rounded[i])
            bound = (-_HALF, _HALF - 1)
        if i > 0:
            kept_part = k.fma(rounded[i - 1], _splat_power(k, 1, -RADIX), kept_part)
            bound = bound[0] + spans[i - 1][0], bound[1] + spans[i - 1][1]
        limbs.append(kept_part)
        bounds.append(bound)
    bounds[-1] = clip(top_bound(a.value, bounds[:-1]), bounds[-1])
    return Element(tuple(limbs), a.value, tuple(bounds))


def ready(k: Lanes, a: Element) -> Element:
    """The same values with limbs as a dot wants them."""
    if isinstance(k, Fma):
        return light(k, a)
    fits = all(x[0] >= 0 and x[1] < 1 << 52 for x in a.bounds)
    return a if fits else k.carry(a)


def joined(elements: Sequence[Element]) -> Element:
    """Bounds that hold for all."""
    value: Interval = elements[0].value
    bounds = list(elements[0].bounds)
    for a in elements[1:]:
        value = hull(value, a.value)
        bounds = [hull(x, y) for x, y in zip(bounds, a.bounds, strict=True)]
    return Element(("poison",) * LIMBS, value, tuple(bounds))


def check_within(a: Element, like: Element) -> None:
    """Raises: `BoundError` where a could leave the bounds that readers assume."""
    if not within(a, like):
        raise BoundError("what is stored exceeds the bounds it will be loaded with")


def mul_table(indices: Sequence[int], *, real_first: bool = False) -> list[tuple[int, int]]:
    """Offsets of the coefficients of w to these powers, and of the B that they meet.

    The n-th of them is the n-th pair of a's; with `real_first`, the first has no imaginary part.
    """
    table = []
    for n, i in enumerate(indices):
        b = 8 * (_BASE - 2 * i)
        table.append((2 * n, b))
        if not (real_first and n == 0):
            table.append((2 * n + 1, b + _TURNED))
    return table


class Tower:
    """The functions of Fp12.

    Args:
        module: where they go.
        lanes: the multiplier.
    """

    def __init__(self, module: Module, lanes: type[Lanes]) -> None:
        self.module = module
        self.lanes = lanes
        self.size = LIMBS * 8 * lanes.width
        self.dots = Dots(module, lanes)
        self.line = line_dot(lanes)
        self.full = full_dot(lanes)
        for shape in (PLANAR_DOT, self.line, self.full):
            self.dots.emit(shape)
        self._product = self.dots.table("mul", [(8 * a, b) for a, b in mul_table(range(6))])
        self._line_tables = {
            kind: self.dots.table(
                f"line_{kind}",
                [(step * a, b) for a, b in mul_table((0, 1, 3), real_first=kind == "real")],
            )
            for kind, step in (("full", self.size), ("real", self.size), ("planar", 8))
        }
        vector = LIMBS * 8 * lanes.width
        self._square = self.dots.table("cyclotomic", [(t * vector, t * vector) for t in range(4)])
        self._emit_mul()
        self._emit_cyclotomic()
        self._emit_conjugate()
        for n in (1, 2, 3):
            self._emit_frobenius(n)
        self._emit_power()

    def planar(self, f: Function) -> Planar:
        return Planar(f, self.lanes, self.dots)

    def _emit_mul(self) -> None:
        f = self.module.function("v12_mul", "out", "a", "b", attributes="noinline")
        t = self.planar(f)
        b, raw = f.aligned(EXTENDED), f.aligned(PLANAR)
        like = t.extend("%b", b)
        terms = [(t.like, like)] * 12
        self.finish(t, raw, "%out", PLANAR_DOT, "%a", b, self._product, terms)
        f.leave()

    def finish(
        self,
        t: Planar,
        raw: Value,
        out: Value,
        shape: Shape,
        a: Value,
        b: Value,
        table: Value,
        terms: Sequence[tuple[Element, Element]],
    ) -> None:
        """A dot for each vector of the result, then all of them settled."""
        like = t.like
        for v in range(t.vectors):
            like = self.dots.call(t.k, shape, t.vector(raw, v), a, t.vector(b, v), table, terms)
        for v in range(t.vectors):
            t.put(t.load(t.vector(raw, v), _PLANE, like), out, v)

    def emit_line(self, coefficients: Element, kind: str) -> str:
        """`(out, line)`: out times a line y + b·w + c·w³.

        Args:
            coefficients: bounds of the line's coefficients.
            kind: `full`, one lane of six elements; `real`, the same with y in Fp; `planar`, the
                coefficients side by side in one element.
        """
        name = f"v12_line_{kind}"
        f = self.module.function(name, "out", "line", attributes="noinline")
        t = self.planar(f)
        b, raw = f.aligned(EXTENDED), f.aligned(PLANAR)
        like = t.extend("%out", b)
        terms = [(coefficients, like)] * (5 if kind == "real" else 6)
        self.finish(t, raw, "%out", self.line, "%line", b, self._line_tables[kind], terms)
        f.leave()
        return name

    def _emit_cyclotomic(self) -> None:
        """Squares an element of the cyclotomic subgroup in place."""
        f = self.module.function("v12_cyclotomic", "a", attributes="noinline")
        t = self.planar(f)
        k, width = t.k, t.width
        b, raw = f.aligned(EXTENDED), f.aligned(PLANAR)
        like = t.extend("%a", b)
        one, two = _FACTORS
        vector = LIMBS * 8 * width
        left, right = f.aligned(4 * vector), f.aligned(4 * vector)
        pairs = width // 2
        result = t.like
        for v in range(t.vectors):
            for n, factors in enumerate((one, two)):
                chosen = [factors[(v * pairs + i) % 6] for i in range(pairs)]
                x = t.load_pieces("%a", _PLANE, [a for a, _ in chosen], t.like)
                y = [b_ if twisted else _BASE // 2 + b_ for _, (b_, twisted) in chosen]
                for part in range(2):
                    where = (2 * n + part) * vector
                    picks = [i // 2 * 2 + part for i in range(width)]
                    t.store(t.shuffled(x, picks), f.at(left, where), 8 * width)
                    wide = t.load_pieces(f.at(b, part * _TURNED), _WIDE, y, like)
                    t.store(wide, f.at(right, where), 8 * width)
            result = self.dots.call(
                k, self.full, t.vector(raw, v), left, right, self._square, [(t.like, like)] * 4
            )
        signs = [i // 2 % 2 == 0 for i in range(width)]
        for v in range(t.vectors):
            square = t.load(t.vector(raw, v), _PLANE, result)
            square = light(k, k.add(k.double(square), square))
            twice = k.double(t.get("%a", v))
            t.put(k.add(square, t.negated_where(signs, light(k, twice))), "%a", v)
        f.leave()

    def _emit_conjugate(self) -> None:
        """The p⁶-th power: odd powers of w change their sign."""
        f = self.module.function("v12_conjugate", "out", "a", attributes="noinline")
        t = self.planar(f)
        odd = [i // 2 % 2 == 1 for i in range(t.width)]
        for v in range(t.vectors):
            t.put(t.negated_where(odd, t.get("%a", v)), "%out", v)
        f.leave()

    def _emit_frobenius(self, n: int) -> None:
        """The pⁿ-th power: coefficient i ↦ its conjugate (n odd) times ξ^(i(pⁿ − 1)/6)."""
        f = self.module.function(f"v12_frobenius_{n}", "out", "a", attributes="noinline")
        t = self.planar(f)
        k, width = t.k, t.width
        gammas = [fp2_power(TWIST_XI, i * (FP.value**n - 1) // 6) for i in range(6)]
        raw, buffer = f.aligned(PLANAR), f.aligned(4 * LIMBS * 8 * width)
        vector = LIMBS * 8 * width
        odd = [i % 2 == 1 for i in range(width)]
        table = self.dots.table("frobenius", [(0, 2 * vector), (vector, 3 * vector)])
        for v in range(t.vectors):
            x = t.get("%a", v)
            if n % 2:
                x = t.negated_where(odd, x)
            x = ready(k, x)
            chosen = [gammas[(v * width // 2 + i) % 6] for i in range(width // 2)]
            known = [
                lanes_constant([k.field_constant(x) for x in values]) for values in _parts(chosen)
            ]
            for part in range(2):
                picks = [i // 2 * 2 + part for i in range(width)]
                t.store(t.shuffled(x, picks), f.at(buffer, part * vector), 8 * width)
                t.store(known[part], f.at(buffer, (2 + part) * vector), 8 * width)
            terms = [(x, known[0]), (x, known[1])]
            like = self.dots.call(k, self.full, t.vector(raw, v), buffer, buffer, table, terms)
            t.put(t.load(t.vector(raw, v), _PLANE, like), "%out", v)
        f.leave()

    def _emit_power(self) -> None:
        """The power of the curve's seed in the cyclotomic subgroup; out must not be a."""
        f = self.module.function("v12_power", "out", "a", attributes="noinline")
        digits = naf(SEED, width=3)  # 0, ±1, ±3
        steps = self.module.constant("v12_seed_digits", [_PLACES[d] for d in digits[1:]])
        powers = f.aligned(4 * PLANAR)  # a, a³, 1/a, 1/a³
        cube = f.at(powers, PLANAR)
        f.copy(powers, "%a", PLANAR)
        f.copy(cube, "%a", PLANAR)
        f.call("v12_cyclotomic", cube)
        f.call("v12_mul", cube, cube, powers)
        for i in range(2):
            f.call("v12_conjugate", f.at(powers, (2 + i) * PLANAR), f.at(powers, i * PLANAR))
        f.copy("%out", f.at(powers, _PLACES[digits[0]] * PLANAR), PLANAR)
        with f.loop(len(digits) - 1) as step:
            f.call("v12_cyclotomic", "%out")
            place = f.load(f.row(steps, step, ROW))
            with f.when(f.compare("ult", place, 4)):
                f.call("v12_mul", "%out", "%out", f.row(powers, place, PLANAR))
        f.leave()


_FACTORS: Final = (
    # of each coefficient's two products: index of one factor, that of the other, times ξ or not
    (
        (0, (0, False)),
        (2, (5, True)),
        (1, (1, False)),
        (0, (3, False)),
        (2, (2, False)),
        (1, (4, False)),
    ),
    (
        (3, (3, True)),
        (5, (2, True)),
        (4, (4, True)),
        (3, (0, False)),
        (5, (5, True)),
        (4, (1, False)),
    ),
)


def _parts(values: Sequence[Pair]) -> tuple[list[int], list[int]]:
    """What real and imaginary parts are multiplied by: γ and u·γ, coefficient by coefficient."""
    return [c for x in values for c in x], [c for x, y in values for c in (-y % FP.value, x)]


def kept_constants(k: Lanes, values: Sequence[int]) -> list[Element]:
    """Field constants within the bounds of what is kept in memory, computed here.

    LLVM must not settle a constant: it would compute with another rounding mode.
    """
    low, _ = kept_like(k).value
    residues = [k.mont(x) for x in values]
    return [k.constant(x if x >= low else x + k.p) for x in residues]


def lanes_constant(columns: Sequence[Element]) -> Element:
    """One constant for each lane."""
    limbs = []
    for i in range(LIMBS):
        entries = [c.limbs[i][1:].split(",")[0].rstrip(">") for c in columns]
        limbs.append(f"<{', '.join(entries)}>")
    bounds = joined(columns)
    return Element(tuple(limbs), bounds.value, bounds.bounds)
