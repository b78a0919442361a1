"""Miller's loop of one pair on `ifma`: the coordinates of a single point side by side.

`zk.kernels.vector.pairing` moves eight points in eight lanes, which is waste for one. Here a vector
holds four elements of Fp2, and the products of a step that do not wait for each other are lanes of
one sum of products:

    tangent   X·Y  Y²  Z²  Y·Z  |  3b'·Z²  X²  |  X·Y·(B − F)  (B + F)²  E²  B·Y·Z
    chord     x₂·Z  y₂·Z  |  λ²  θ²  θ·x₂  λ·y₂  |  λ³  X·λ²  Z·θ²  |  λ·H  θ·(G − H)  λ³·Y  Z·λ³

with E = 3b'Z², F = 3E, B = Y², G = X·λ², H = λ³ + Z·θ² − 2G. Formulas and lines are those of
`pairing`; so are the loop and the check of the subgroup.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FP, MONTGOMERY_BITS, TWIST_XI
from zk.kernels.emit import Function, Module, Value
from zk.kernels.tower import Pair, fp2_power
from zk.kernels.vector.kept import (
    joined,
    kept,
    kept_constants,
    kept_like,
    lanes_constant,
    light,
    ready,
)
from zk.kernels.vector.lanes import R_BITS, Element
from zk.kernels.vector.planar import ROW, Planar
from zk.kernels.vector.slots import lanes_of, picked, products, slots
from zk.kernels.vector.tower import Tower

FEW_VALUES: Final = 5
"""Vectors of a pair's state: T, Q, −Q or its images, scales of tangents, scales of chords."""
T, Q, OTHER, _TANGENT, _CHORD = range(FEW_VALUES)
_X, _Y, _Z = range(3)
_ALL: Final = (1 << 256) - 1


class Few:
    """The functions of one pair.

    Args:
        module: where they go.
        tower: Fp12 of eight lanes.
        triple_b: 3b'.
    """

    def __init__(self, module: Module, tower: Tower, triple_b: Pair) -> None:
        self.module = module
        self.tower = tower
        self.triple_b = triple_b
        self.lines: list[Element] = []

    def emit(self) -> Element:
        """`few_setup`, `few_tangent`, `few_chord`, `few_image_1`, `few_image_2`, `few_check`.

        Returns:
            Bounds of a line's coefficients.
        """
        self._emit_setup()
        self._emit_tangent()
        self._emit_chord()
        for times in (1, 2):
            self._emit_image(times)
        self._emit_check()
        return joined(self.lines)

    # -- helpers ----------------------------------------------------------------------------------

    def _function(self, name: str, *params: str) -> tuple[Function, Planar]:
        f = self.module.function(name, *params, attributes="noinline")
        return f, self.tower.planar(f)

    def place(self, f: Function, state: Value, index: int) -> Value:
        """A vector of a state."""
        return f.at(state, index * self.tower.size)

    def _get(self, t: Planar, state: Value, index: int) -> Element:
        return t.k.load(self.place(t.f, state, index), kept_like(t.k))

    def _put(self, t: Planar, a: Element, state: Value, index: int) -> None:
        t.k.store(kept(t.k, a), self.place(t.f, state, index))

    def _line(self, t: Planar, a: Element) -> None:
        a = ready(t.k, a)
        self.lines.append(a)
        t.k.store(a, "%line")

    # -- steps ------------------------------------------------------------------------------------

    def _emit_setup(self) -> None:
        """`few_setup(state, g1, g2)`, from one row each."""
        f, t = self._function("few_setup", "state", "g1", "g2")
        k = t.k
        rows = [f.at("%g2", ROW * i) for i in range(4)] + [f.at("%g1", ROW * i) for i in (0, 1)] * 2
        shift = k.constant((1 << (2 * R_BITS - MONTGOMERY_BITS)) % k.p)
        both = kept(k, k.mul(k.from_integers(k.gather(rows, 4), (0, _ALL)), shift))
        self._put(t, both, "%state", Q)
        self._put(t, t.negated_where(lanes_of(_Y), both), "%state", OTHER)
        one = lanes_constant(kept_constants(k, (0, 0, 0, 0, 1, 0, 0, 0)))
        self._put(t, k.select(t.where(lanes_of(_Z, 3)), one, both), "%state", T)
        p = t.shuffled(both, (5, 5, 4, 4, 5, 5, 4, 4))  # y_P, x_P
        signed = t.negated_where(lanes_of(1, 3), p)
        self._put(t, signed, "%state", _CHORD)
        twice = k.add(signed, signed)
        more = k.select(t.where(lanes_of(1, 3)), k.add(twice, signed), twice)
        self._put(t, light(k, more), "%state", _TANGENT)
        f.leave()

    def _emit_tangent(self) -> None:
        """`few_tangent(state, line)`: T ← 2T, the line at P."""
        f, t = self._function("few_tangent", "state", "line")
        k = t.k
        point = self._get(t, "%state", T)
        first = products(t, slots(t, point, (_X, _Y, _Z, _Y)), slots(t, point, (_Y, _Y, _Z, _Z)))
        b3 = [self.triple_b[0], self.triple_b[1], 0, 0, 0, 0, 0, 0]
        known = lanes_constant([k.field_constant(x) for x in b3])
        second = products(
            t, picked(t, first, point, (2, 4, 2, 4)), picked(t, known, point, (0, 4, 0, 4))
        )  # e, X²
        scaled = k.mul(picked(t, first, second, (3, 5, 3, 5)), self._get(t, "%state", _TANGENT))
        bs, e = slots(t, first, (1, 1, 1, 1)), slots(t, second, (0, 0, 0, 0))
        self._line(t, picked(t, scaled, k.sub(bs, e), (0, 1, 4, 4)))
        f3 = k.add(k.add(e, e), e)
        total, difference = k.add(bs, f3), k.sub(bs, f3)
        left = picked(t, picked(t, first, total, (0, 5, 5, 1)), second, (0, 1, 4, 3))
        right = picked(t, picked(t, difference, total, (0, 5, 0, 0)), second, (0, 1, 4, 0))
        right = picked(t, right, first, (0, 1, 2, 7))
        third = products(t, left, right)
        twice = k.double(third)
        four = k.double(twice)
        twelve = k.add(k.double(four), four)
        middle = k.sub(third, slots(t, twelve, (0, 2, 2, 3)))
        sums = picked(t, twice, middle, (0, 5, 3, 3))
        self._put(t, picked(t, sums, k.double(four), (0, 1, 7, 7)), "%state", T)
        f.leave()

    def _emit_chord(self) -> None:
        """`few_chord(state, q, line)`: T ← T + (x₂, y₂), the line at P."""
        f, t = self._function("few_chord", "state", "q", "line")
        k = t.k
        point = self._get(t, "%state", T)
        other = k.load("%q", kept_like(k))
        zs = slots(t, point, (_Z, _Z, _Z, _Z))
        d = light(k, k.sub(point, products(t, zs, other)))  # λ, θ
        scaled = k.mul(slots(t, d, (0, 1, 0, 1)), self._get(t, "%state", _CHORD))
        second = products(
            t, slots(t, d, (0, 1, 1, 0)), picked(t, d, other, (0, 1, 4, 5))
        )  # λ², θ², θ·x₂, λ·y₂
        constant = k.sub(second, slots(t, second, (0, 0, 3, 0)))
        self._line(t, picked(t, scaled, constant, (0, 1, 6, 6)))
        third = products(
            t, picked(t, d, point, (0, 4, 6, 6)), slots(t, second, (0, 0, 1, 1))
        )  # λ³, G, Z·θ²
        cube, g, last = (slots(t, third, (i, i, i, i)) for i in range(3))
        h = k.sub(k.add(cube, last), k.double(g))
        left = picked(t, picked(t, d, third, (0, 1, 4, 4)), point, (0, 1, 2, 6))
        right = picked(t, picked(t, h, k.sub(g, h), (0, 5, 0, 0)), point, (0, 1, 5, 0))
        right = picked(t, right, cube, (0, 1, 2, 4))
        fourth = products(t, left, right)
        middle = k.sub(fourth, slots(t, fourth, (0, 2, 2, 3)))
        self._put(t, picked(t, fourth, middle, (0, 5, 3, 3)), "%state", T)
        f.leave()

    def _frobenius(self, t: Planar, times: int, *, minus: bool) -> Element:
        """ψᵏ(Q), the second coordinate negated on demand."""
        k = t.k
        q = self._get(t, "%state", Q)
        if times % 2:
            q = t.negated_where([i % 2 == 1 for i in range(t.width)], q)
        constants: list[int] = []
        for half in range(2):
            gamma = fp2_power(TWIST_XI, (2 + half) * (FP.value**times - 1) // 6)
            sign = -1 if half and minus else 1
            constants += [sign * c % FP.value for c in gamma]
        known = lanes_constant([k.field_constant(x) for x in (*constants, 0, 0, 0, 0)])
        return products(t, ready(k, q), known)

    def _emit_image(self, times: int) -> None:
        """ψ(Q) over −Q, then −ψ²(Q)."""
        f, t = self._function(f"few_image_{times}", "state")
        self._put(t, self._frobenius(t, times, minus=times == 2), "%state", OTHER)
        f.leave()

    def _emit_check(self) -> None:
        """`few_check(flag, state)`: a byte, whether T = −ψ³(Q), neither being infinity."""
        f, t = self._function("few_check", "flag", "state")
        k = t.k
        point = self._get(t, "%state", T)
        image = self._frobenius(t, 3, minus=True)
        zs = slots(t, point, (_Z, _Z, _Z, _Z))
        difference = k.sub(products(t, zs, image), point)
        tested = k.reduced(picked(t, difference, point, (0, 1, 6, 6)))
        words = k.to_integers(tested)  # below 3p, so 0, p or 2p
        hits = [k.same_words(words, j * k.p) for j in range(3)]
        zero = k.mask_or(k.mask_or(hits[0], hits[1]), hits[2])
        bits = f.op(f"zext i8 {f.op(f'bitcast {k.mask_type} {zero} to i8')} to i64")
        same = f.compare("eq", f.op(f"and i64 {bits}, 15"), 15)
        finite = f.compare("ne", f.op(f"and i64 {bits}, 48"), 48)
        f.store(f.op(f"zext i1 {f.op(f'and i1 {same}, {finite}')} to i8"), "%flag", "i8")
        f.leave()
