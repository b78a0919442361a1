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
from zk.kernels.vector.ifma import Ifma
from zk.kernels.vector.kept import lanes_constant, light, ready
from zk.kernels.vector.lanes import LIMBS, Element, Lanes
from zk.kernels.vector.planar import BASE, EXTENDED, PLANAR, PLANE, ROW, TURNED, WIDE, Planar
from zk.kernels.vector.slots import cyclotomic_square

_PLACES: Final = {1: 0, 3: 1, -1: 2, -3: 3, 0: 4}

PLANAR_DOT: Final = Shape("dot_planar", True, PLANE, WIDE, PLANE)


def line_dot(lanes: type[Lanes]) -> Shape:
    """Dots with one lane of a line's coefficients."""
    return Shape("dot_line", True, 8 * lanes.width, WIDE, PLANE)


def full_dot(lanes: type[Lanes]) -> Shape:
    """Dots of whole vectors that lie together."""
    return Shape("dot_full", False, 8 * lanes.width, 8 * lanes.width, PLANE)


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


def mul_table(indices: Sequence[int], *, real_first: bool = False) -> list[tuple[int, int]]:
    """Offsets of the coefficients of w to these powers, and of the B that they meet.

    The n-th of them is the n-th pair of a's; with `real_first`, the first has no imaginary part.
    """
    table = []
    for n, i in enumerate(indices):
        b = 8 * (BASE - 2 * i)
        table.append((2 * n, b))
        if not (real_first and n == 0):
            table.append((2 * n + 1, b + TURNED))
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
            t.put(t.load(t.vector(raw, v), PLANE, like), out, v)

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
        if issubclass(self.lanes, Ifma):
            cyclotomic_square(t, "%a")
            f.leave()
            return
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
                x = t.load_pieces("%a", PLANE, [a for a, _ in chosen], t.like)
                y = [b_ if twisted else BASE // 2 + b_ for _, (b_, twisted) in chosen]
                for part in range(2):
                    where = (2 * n + part) * vector
                    picks = [i // 2 * 2 + part for i in range(width)]
                    t.store(t.shuffled(x, picks), f.at(left, where), 8 * width)
                    wide = t.load_pieces(f.at(b, part * TURNED), WIDE, y, like)
                    t.store(wide, f.at(right, where), 8 * width)
            result = self.dots.call(
                k, self.full, t.vector(raw, v), left, right, self._square, [(t.like, like)] * 4
            )
        signs = [i // 2 % 2 == 0 for i in range(width)]
        for v in range(t.vectors):
            square = t.load(t.vector(raw, v), PLANE, result)
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
            t.put(t.load(t.vector(raw, v), PLANE, like), "%out", v)
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
