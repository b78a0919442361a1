"""Optimal ate pairing products on vector lanes: points side by side, f by coefficients.

Miller's loop runs over the non-adjacent form of 6x + 2. The points T of as many pairs as there are
lanes move together, in homogeneous coordinates (Costello, Lange and Naehrig, eprint 2009/615), and
leave one line a lane; f is multiplied by the lanes' lines in turn (`zk.kernels.vector.tower`):

    tangent at T   2YZ·y_P − 3X²·x_P·w + (Y² − 3b'Z²)·w³
    chord T, Q     λ·y_P − θ·x_P·w + (θ·x_Q − λ·y_Q)·w³       θ = Y − y_Q·Z, λ = X − x_Q·Z

both multiples of `zk.curve.pairing`'s lines by elements of Fp2, which the final exponentiation
sends to 1. A fixed Q is prepared: its lines are stored divided by the coefficient of y_P.

Subgroup check for nothing. The loop ends with T = [6x + 2]Q + ψ(Q) − ψ²(Q), and Q has order r or is
infinity iff T = −ψ³(Q). Proof: ψ satisfies ψ² − tψ + p = 0 on the twist, whose order is r·h, and
acts as p on the subgroup of order r, where 6x + 2 + p − p² + p³ ≡ 0 (mod r). Conversely, whatever
6x + 2 + ψ − ψ² + ψ³ sends to infinity is killed by its norm in Z[ψ], so its order divides the
greatest common divisor of that norm and r·h; which is r, as a test computes. (The method is that of
El Housni, Guillevic and Piellard, eprint 2022/352.) For a Q outside, a sum on the way may be
exceptional: it gives Z = 0, which stays 0 to the end, and Q is refused as it should.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zk.kernels.constants import FP, MONTGOMERY_BITS, SEED, TWIST_XI
from zk.kernels.emit import Function, Module, Value
from zk.kernels.tower import Pair, fp2_power
from zk.kernels.vector import pairing_few as few
from zk.kernels.vector.called import Called, emit_called
from zk.kernels.vector.coordinates import Coordinate, Quadratic
from zk.kernels.vector.ifma import Ifma
from zk.kernels.vector.kept import (
    joined,
    kept,
    kept_constants,
    kept_like,
    lanes_constant,
    light,
    ready,
)
from zk.kernels.vector.lanes import R_BITS, Element, Lanes
from zk.kernels.vector.pairing_few import FEW_VALUES, Few
from zk.kernels.vector.planar import COEFFICIENTS, PLANAR, ROW, Planar
from zk.kernels.vector.tower import Tower, naf

LOOP: Final = naf(6 * SEED + 2)
STEPS: Final = len(LOOP) - 1 + sum(map(abs, LOOP[1:])) + 2
"""Lines of a Miller loop."""
STATE_VALUES: Final = 16
"""Elements of a group of pairs: T (6), Q (4), −Q (4), P (2)."""
FIXED_VALUES: Final = 2
PREPARED_VALUES: Final = 4
_LINE_VALUES: Final = 6
_Q, _MINUS_Q, _P = 6, 10, 14
_INVERSE_XI: Final = fp2_power(TWIST_XI, FP.value**2 - 2)
_TRIPLE_B: Final = tuple(9 * c % FP.value for c in _INVERSE_XI)
"""3b' = 9/ξ of the twist y² = x³ + b'."""
ROWS: Final = 16
"""Rows of an Fp12 that kernels exchange: twelve as `zk.kernels.tower` has them, the rest spare."""


def row_order() -> list[int]:
    """Row of each coefficient: powers of w one after the other → even ones, then odd ones."""
    places = [(i // 2) + 3 * (i % 2) for i in range(6)]
    return [2 * places[c // 2] + c % 2 for c in range(COEFFICIENTS)] + [12, 13, 14, 15]


def emit_pairing(module: Module, lanes: type[Lanes]) -> None:
    """`pairing_miller`, `pairing_prepare`, `pairing_hard`; on IFMA `pairing_few`, too."""
    _Emitter(module, lanes).emit()


def _light(c: Quadratic, a: Coordinate) -> Coordinate:
    return tuple(light(c.k, x) for x in a)


class _Emitter:
    def __init__(self, module: Module, lanes: type[Lanes]) -> None:
        self.module = module
        self.lanes = lanes
        self.tower = Tower(module, lanes)
        self.size = 5 * 8 * lanes.width
        self.width = lanes.width
        self.lines: list[Element] = []

    def emit(self) -> None:
        if issubclass(self.lanes, Ifma):
            emit_called(self.module, self.lanes)
        self._emit_tangent()
        self._emit_chord()
        self._emit_setup()
        self._emit_images()
        self._emit_check()
        self._emit_fixed_line()
        line = joined(self.lines)
        self.line_full = self.tower.emit_line(line, "full")
        self.line_real = self.tower.emit_line(line, "real")
        self._emit_rows()
        self._emit_miller()
        if issubclass(self.lanes, Ifma):
            self.few = Few(self.module, self.tower, (_TRIPLE_B[0], _TRIPLE_B[1]))
            self.line_few = self.tower.emit_line(self.few.emit(), "planar")
            self._emit_few()
        self._emit_prepare()
        self._emit_hard()

    # -- helpers ----------------------------------------------------------------------------------

    def _value(self, f: Function, pointer: Value, index: int) -> Value:
        return f.at(pointer, index * self.size)

    def _load(self, k: Lanes, pointer: Value, index: int, like: Element) -> Element:
        return k.load(self._value(k.f, pointer, index), like)

    def _pair(self, k: Lanes, pointer: Value, index: int) -> Coordinate:
        like = kept_like(k)
        return tuple(self._load(k, pointer, index + i, like) for i in range(2))

    def _put(self, k: Lanes, a: Coordinate, pointer: Value, index: int) -> None:
        """Reduced."""
        for i, x in enumerate(a):
            k.store(kept(k, x), self._value(k.f, pointer, index + i))

    def _put_line(self, k: Lanes, a: Coordinate, index: int) -> None:
        for i, x in enumerate(a):
            value = ready(k, x)
            self.lines.append(value)
            k.store(value, self._value(k.f, "%line", index + i))

    def _constant(self, k: Lanes, x: Pair) -> Coordinate:
        return tuple(k.field_constant(c) for c in x)

    def _scaled(self, c: Quadratic, a: Coordinate, by: Element) -> Coordinate:
        if isinstance(c, Called):
            return c.scale(a, by)
        return c.k.mul_both((a[0], by), (a[1], by))

    def _quadratic(self, k: Lanes) -> Quadratic:
        return Called(k) if isinstance(k, Ifma) else Quadratic(k)

    # -- steps ------------------------------------------------------------------------------------

    def _emit_tangent(self) -> None:
        f = self.module.function("v_tangent", "state", "line", attributes="noinline")
        k = self.lanes(f, FP)
        c = self._quadratic(k)
        x, y, z = (self._pair(k, "%state", 2 * i) for i in range(3))
        like = kept_like(k)
        x_p, y_p = (self._load(k, "%state", _P + i, like) for i in range(2))
        h = c.mul(y, _light(c, c.add(z, z)))
        b = c.sqr(y)
        square = c.sqr(x)
        e = c.mul(c.sqr(z), self._constant(k, (_TRIPLE_B[0], _TRIPLE_B[1])))
        triple = _light(c, c.add(c.add(square, square), square))
        self._put_line(k, self._scaled(c, h, y_p), 0)
        minus = tuple(k.neg(v) for v in triple)
        self._put_line(k, self._scaled(c, _light(c, minus), x_p), 2)
        self._put_line(k, c.sub(b, e), 4)
        f3 = _light(c, c.add(c.add(e, e), e))
        xy = c.mul(x, y)
        first = c.mul(_light(c, c.add(xy, xy)), _light(c, c.sub(b, f3)))
        self._put(k, first, "%state", 0)
        left = c.sqr(_light(c, c.add(b, f3)))
        right = c.sqr(_light(c, c.add(e, e)))
        right3 = _light(c, c.add(c.add(right, right), right))
        self._put(k, c.sub(left, right3), "%state", 2)
        four_h = _light(c, c.add(h, h))
        self._put(k, c.mul(b, _light(c, c.add(four_h, four_h))), "%state", 4)
        f.leave()

    def _emit_chord(self) -> None:
        """T + (x₂, y₂), the point at `%q`."""
        f = self.module.function("v_chord", "state", "q", "line", attributes="noinline")
        k = self.lanes(f, FP)
        c = self._quadratic(k)
        x, y, z = (self._pair(k, "%state", 2 * i) for i in range(3))
        x2, y2 = (self._pair(k, "%q", 2 * i) for i in range(2))
        like = kept_like(k)
        x_p, y_p = (self._load(k, "%state", _P + i, like) for i in range(2))
        theta = _light(c, c.sub(y, c.mul(y2, z)))
        lam = _light(c, c.sub(x, c.mul(x2, z)))
        self._put_line(k, self._scaled(c, lam, y_p), 0)
        minus = _light(c, tuple(k.neg(v) for v in theta))
        self._put_line(k, self._scaled(c, minus, x_p), 2)
        self._put_line(k, c.sub(c.mul(theta, x2), c.mul(lam, y2)), 4)
        square = c.sqr(lam)
        cube = c.mul(square, lam)
        g = c.mul(x, square)
        h = c.sub(_light(c, c.sub(cube, g)), c.sub(g, c.mul(z, c.sqr(theta))))
        h = _light(c, h)
        self._put(k, c.mul(lam, h), "%state", 0)
        third = c.mul(theta, _light(c, c.sub(g, h)))
        self._put(k, c.sub(third, c.mul(cube, y)), "%state", 2)
        self._put(k, c.mul(z, cube), "%state", 4)
        f.leave()

    def _rows(self, k: Lanes, rows: Value, first: Value, size: int, offset: int) -> Element:
        """One coordinate of a lane's row each, into lanes."""
        f = k.f
        start = f.at(f.row(rows, first, size), offset)
        pointers = [f.at(start, size * i) for i in range(k.width)]
        words = k.from_integers(k.gather(pointers, 4), (0, (1 << 256) - 1))
        shift = k.constant((1 << (2 * R_BITS - MONTGOMERY_BITS)) % k.p)
        return k.mul(words, shift)

    def _emit_setup(self) -> None:
        """`v_setup_points(state, g1, g2, first)`, `v_setup_fixed(state, g1, first)`."""
        f = self.module.function(
            "v_setup_points", "state", "g1", "g2", "i64 first", attributes="noinline"
        )
        k = self.lanes(f, FP)
        for half in range(2):
            at = 2 * half
            pair = tuple(self._rows(k, "%g2", "%first", 4 * ROW, ROW * (at + i)) for i in range(2))
            self._put(k, pair, "%state", at)
            self._put(k, pair, "%state", _Q + at)
            turned = tuple(k.neg(x) for x in pair) if half else pair
            self._put(k, turned, "%state", _MINUS_Q + at)
        for i, known in enumerate(kept_constants(k, (1, 0))):
            k.store(known, self._value(f, "%state", 4 + i))
        for i in range(2):
            self._put(k, (self._rows(k, "%g1", "%first", 2 * ROW, ROW * i),), "%state", _P + i)
        f.leave()
        f = self.module.function("v_setup_fixed", "state", "g1", "i64 first", attributes="noinline")
        k = self.lanes(f, FP)
        for i in range(2):
            self._put(k, (self._rows(k, "%g1", "%first", 2 * ROW, ROW * i),), "%state", i)
        f.leave()

    def _frobenius(self, k: Lanes, q: Value, times: int, *, minus: bool) -> Coordinate:
        """The coordinates ψᵏ(x, y), y negated on demand, as four elements."""
        c = self._quadratic(k)
        out: list[Element] = []
        for half in range(2):
            x = self._pair(k, q, 2 * half)
            if times % 2:
                x = (x[0], ready(k, k.neg(x[1])))
            gamma = fp2_power(TWIST_XI, (2 + half) * (FP.value**times - 1) // 6)
            if half and minus:
                gamma = (-gamma[0] % FP.value, -gamma[1] % FP.value)
            out += c.mul(x, self._constant(k, gamma))
        return tuple(out)

    def _emit_images(self) -> None:
        """ψ(Q) over −Q, and then −ψ²(Q): `v_image_1(state)`, `v_image_2(state)`."""
        for times in (1, 2):
            f = self.module.function(f"v_image_{times}", "state", attributes="noinline")
            k = self.lanes(f, FP)
            image = self._frobenius(k, self._value(f, "%state", _Q), times, minus=times == 2)
            self._put(k, image, "%state", _MINUS_Q)
            f.leave()

    def _emit_check(self) -> None:
        """One byte a lane: whether T = −ψ³(Q), neither being infinity."""
        f = self.module.function("v_check", "flags", "state", attributes="noinline")
        k = self.lanes(f, FP)
        c = self._quadratic(k)
        x, y, z = (self._pair(k, "%state", 2 * i) for i in range(3))
        image = self._frobenius(k, self._value(f, "%state", _Q), 3, minus=True)
        same_x = c.is_zero(c.sub(c.mul(image[:2], z), x))
        same_y = c.is_zero(c.sub(c.mul(image[2:], z), y))
        inside = k.mask_and(k.mask_and(same_x, same_y), k.mask_not(c.is_zero(z)))
        for lane in range(k.width):
            bit = f.op(f"extractelement {k.mask_type} {inside}, i32 {lane}")
            f.store(f.op(f"zext i1 {bit} to i8"), f.at("%flags", lane), "i8")
        f.leave()

    def _emit_fixed_line(self) -> None:
        """`v_fixed_line(state, prepared, line)`: scales stored lines to the points P of a state."""
        f = self.module.function("v_fixed_line", "state", "prepared", "line", attributes="noinline")
        k = self.lanes(f, FP)
        like = kept_like(k)
        x_p, y_p = (self._load(k, "%state", i, like) for i in range(2))
        c = Quadratic(k)
        slope, constant = (self._pair(k, "%prepared", 2 * i) for i in range(2))
        self._put_line(k, (y_p,), 0)
        self._put_line(k, self._scaled(c, slope, x_p), 2)
        self._put_line(k, constant, 4)
        f.leave()

    # -- kernels ----------------------------------------------------------------------------------

    def _emit_rows(self) -> None:
        """`v12_from_rows(out, rows)`, `v12_to_rows(rows, a)`."""
        order = row_order()
        f = self.module.function("v12_from_rows", "out", "rows", attributes="noinline")
        t = self.tower.planar(f)
        k = t.k
        for v in range(t.vectors):
            pointers = [f.at("%rows", ROW * r) for r in order[v * t.width : (v + 1) * t.width]]
            shift = k.constant((1 << (2 * R_BITS - MONTGOMERY_BITS)) % k.p)
            words = k.from_integers(k.gather(pointers, 4), (0, (1 << 256) - 1))
            t.put(k.mul(words, shift), "%out", v)
        f.leave()
        f = self.module.function("v12_to_rows", "rows", "a", attributes="noinline")
        t = self.tower.planar(f)
        k = t.k
        for v in range(t.vectors):
            pointers = [f.at("%rows", ROW * r) for r in order[v * t.width : (v + 1) * t.width]]
            shift = k.constant((1 << MONTGOMERY_BITS) % k.p)
            # positive, so that its product is, and below 2p
            positive = k.add(t.get("%a", v), k.constant(k.p))
            k.scatter(k.to_integers(k.mul(positive, shift)), pointers)
        f.leave()

    def _put_one(self, t: Planar, out: Value) -> None:
        for v in range(t.vectors):
            values = [int(v == 0 and i == 0) for i in range(t.width)]
            t.keep(lanes_constant(kept_constants(t.k, values)), out, v)

    def _emit_miller(self) -> None:
        """`pairing_miller(rows, g1, g2, n, fixed_g1, prepared, m, states, flags)`.

        g1 and g2 hold n pairs and, like the m fixed points, are padded to whole vectors. `states`
        is room for all groups. The product's rows are lazy; flags are one byte a pair.
        """
        f = self.module.function(
            "pairing_miller",
            "rows",
            "g1",
            "g2",
            "i64 n",
            "fixed_g1",
            "prepared",
            "i64 m",
            "states",
            "flags",
            export=True,
        )
        t = self.tower.planar(f)
        k = t.k
        k.begin()
        value, line = f.aligned(PLANAR), f.aligned(_LINE_VALUES * self.size)
        step = f.slot(8)
        groups, fixed_groups = (
            f.op(f"udiv i64 {f.add(n, self.width - 1)}, {self.width}") for n in ("%n", "%m")
        )
        state, fixed = STATE_VALUES * self.size, FIXED_VALUES * self.size
        fixed_states = f.row("%states", groups, state)
        stored = PREPARED_VALUES * self.size
        with f.loop(groups) as g:
            first = f.mul(g, self.width)
            where = f.row("%states", g, state)
            f.do(f"call void @v_setup_points(ptr {where}, ptr %g1, ptr %g2, i64 {first})")
        with f.loop(fixed_groups) as g:
            first = f.mul(g, self.width)
            where = f.row(fixed_states, g, fixed)
            f.do(f"call void @v_setup_fixed(ptr {where}, ptr %fixed_g1, i64 {first})")
        self._put_one(t, value)
        f.store(0, step)

        def multiply(name: str, g: Value, n: Value) -> None:
            left = f.sub(n, f.mul(g, self.width))
            count = f.select(f.compare("ult", left, self.width), left, self.width)
            with f.loop(count) as lane:
                f.call(name, value, f.row(line, lane, 8))

        def lines(kind: str) -> None:
            with f.loop(groups) as g:
                where = f.row("%states", g, state)
                if kind == "tangent":
                    f.call("v_tangent", where, line)
                else:
                    q = _Q if kind == "plus" else _MINUS_Q
                    f.call("v_chord", where, self._value(f, where, q), line)
                multiply(self.line_full, g, "%n")
            at = f.load(step)
            with f.loop(fixed_groups) as g:
                where = f.row(fixed_states, g, fixed)
                index = f.add(f.mul(g, STEPS), at)
                f.call("v_fixed_line", where, f.row("%prepared", index, stored), line)
                multiply(self.line_real, g, "%m")
            f.store(f.add(at, 1), step)

        self._loop(f, value, lines)
        for times in (1, 2):
            with f.loop(groups) as g:
                f.call(f"v_image_{times}", f.row("%states", g, state))
            lines("image")
        with f.loop(groups) as g:
            f.call("v_check", f.row("%flags", g, self.width), f.row("%states", g, state))
        f.call("v12_to_rows", "%rows", value)
        k.end()
        f.leave()

    def _emit_few(self) -> None:
        """`pairing_few`: what `pairing_miller` does, pair by pair; no padding of the pairs."""
        f = self.module.function(
            "pairing_few",
            "rows",
            "g1",
            "g2",
            "i64 n",
            "fixed_g1",
            "prepared",
            "i64 m",
            "states",
            "flags",
            export=True,
        )
        t = self.tower.planar(f)
        t.k.begin()
        value, line = f.aligned(PLANAR), f.aligned(_LINE_VALUES * self.size)
        step = f.slot(8)
        fixed_groups = f.op(f"udiv i64 {f.add('%m', self.width - 1)}, {self.width}")
        state, fixed = FEW_VALUES * self.size, FIXED_VALUES * self.size
        fixed_states = f.row("%states", "%n", state)
        stored = PREPARED_VALUES * self.size
        with f.loop("%n") as i:
            where = f.row("%states", i, state)
            f.call("few_setup", where, f.row("%g1", i, 2 * ROW), f.row("%g2", i, 4 * ROW))
        with f.loop(fixed_groups) as g:
            where = f.row(fixed_states, g, fixed)
            first = f.mul(g, self.width)
            f.do(f"call void @v_setup_fixed(ptr {where}, ptr %fixed_g1, i64 {first})")
        self._put_one(t, value)
        f.store(0, step)

        def lines(kind: str) -> None:
            with f.loop("%n") as i:
                where = f.row("%states", i, state)
                if kind == "tangent":
                    f.call("few_tangent", where, line)
                else:
                    q = self.few.place(f, where, few.Q if kind == "plus" else few.OTHER)
                    f.call("few_chord", where, q, line)
                f.call(self.line_few, value, line)
            at = f.load(step)
            with f.loop(fixed_groups) as g:
                where = f.row(fixed_states, g, fixed)
                index = f.add(f.mul(g, STEPS), at)
                f.call("v_fixed_line", where, f.row("%prepared", index, stored), line)
                left = f.sub("%m", f.mul(g, self.width))
                count = f.select(f.compare("ult", left, self.width), left, self.width)
                with f.loop(count) as lane:
                    f.call(self.line_real, value, f.row(line, lane, 8))
            f.store(f.add(at, 1), step)

        self._loop(f, value, lines)
        for times in (1, 2):
            with f.loop("%n") as i:
                f.call(f"few_image_{times}", f.row("%states", i, state))
            lines("image")
        with f.loop("%n") as i:
            f.call("few_check", f.at("%flags", i), f.row("%states", i, state))
        f.call("v12_to_rows", "%rows", value)
        t.k.end()
        f.leave()

    def _loop(self, f: Function, value: Value, lines: Callable[[str], None]) -> None:
        """The digits of 6x + 2."""
        digits = self.module.constant("v_loop_digits", [d % 3 for d in LOOP[1:]])
        with f.loop(len(LOOP) - 1) as i:
            f.call("v12_mul", value, value, value)
            lines("tangent")
            digit = f.load(f.row(digits, i, ROW))
            for sign, kind in ((1, "plus"), (2, "minus")):
                with f.when(f.compare("eq", digit, sign)):
                    lines(kind)

    def _emit_prepare(self) -> None:
        """`pairing_prepare(prepared, g2, state, flags)`: the lines of one vector of points."""
        f = self.module.function("pairing_prepare", "prepared", "g2", "state", "flags", export=True)
        k = self.lanes(f, FP)
        k.begin()
        line = f.aligned(_LINE_VALUES * self.size)
        cursor = f.slot(8)
        f.store(0, cursor)
        f.do("call void @v_setup_points(ptr %state, ptr %g2, ptr %g2, i64 0)")
        for i, known in enumerate(kept_constants(k, (1, 1))):  # the line at (1, 1)
            k.store(known, self._value(f, "%state", _P + i))

        def lines(kind: str) -> None:
            if kind == "tangent":
                f.call("v_tangent", "%state", line)
            else:
                q = _Q if kind == "plus" else _MINUS_Q
                f.call("v_chord", "%state", self._value(f, "%state", q), line)
            at = f.load(cursor)
            f.call("v_normalise_line", f.row("%prepared", at, PREPARED_VALUES * self.size), line)
            f.store(f.add(at, 1), cursor)

        digits = self.module.constant("v_loop_digits", [d % 3 for d in LOOP[1:]])
        with f.loop(len(LOOP) - 1) as step:
            lines("tangent")
            digit = f.load(f.row(digits, step, ROW))
            with f.when(f.compare("eq", digit, 1)):
                lines("plus")
            with f.when(f.compare("eq", digit, 2)):
                lines("minus")
        for times in (1, 2):
            f.call(f"v_image_{times}", "%state")
            lines("image")
        f.call("v_check", "%flags", "%state")
        k.end()
        f.leave()
        f = self.module.function("v_normalise_line", "out", "line", attributes="noinline")
        k = self.lanes(f, FP)
        c = self._quadratic(k)
        like = joined(self.lines)
        y, slope, constant = (
            tuple(self._load(k, "%line", 2 * i + j, like) for j in range(2)) for i in range(3)
        )
        norm, inverse = f.aligned(self.size), f.aligned(self.size)
        reduced = ready(k, k.reduced(c.norm(y)))
        k.store(reduced, norm, k.product_like())
        f.call("vector_inverse", inverse, norm)
        unit = c.inverse_from_norm(y, k.load(inverse, k.product_like()))
        self._put(k, c.mul(slope, unit), "%out", 0)
        self._put(k, c.mul(constant, unit), "%out", 2)
        f.leave()

    def _emit_hard(self) -> None:
        """`pairing_hard(rows)`: to the power (p⁴ − p² + 1)/r in the cyclotomic subgroup.

        The chain of Scott et al. (eprint 2008/490, section 5): y₀·y₁²·y₂⁶·y₃¹²·y₄¹⁸·y₅³⁰·y₆³⁶.
        """
        f = self.module.function("pairing_hard", "rows", export=True)
        t = self.tower.planar(f)
        t.k.begin()

        def room() -> Value:
            out = f.aligned(PLANAR)
            f.zero(out, PLANAR)
            return out

        def mul(a: Value, b: Value) -> Value:
            out = room()
            f.call("v12_mul", out, a, b)
            return out

        def one(name: str, a: Value) -> Value:
            out = room()
            f.call(f"v12_{name}", out, a)
            return out

        def sqr(a: Value) -> Value:
            out = room()
            f.copy(out, a, PLANAR)
            f.call("v12_cyclotomic", out)
            return out

        base = room()
        f.call("v12_from_rows", base, "%rows")
        fx = one("power", base)
        fxx = one("power", fx)
        fxxx = one("power", fxx)
        y0 = mul(mul(one("frobenius_1", base), one("frobenius_2", base)), one("frobenius_3", base))
        y1 = one("conjugate", base)
        y2 = one("frobenius_2", fxx)
        y3 = one("conjugate", one("frobenius_1", fx))
        y4 = one("conjugate", mul(fx, one("frobenius_1", fxx)))
        y5 = one("conjugate", fxx)
        y6 = one("conjugate", mul(fxxx, one("frobenius_1", fxxx)))
        t0 = mul(mul(sqr(y6), y4), y5)
        t1 = mul(mul(y3, y5), t0)
        t0 = mul(t0, y2)
        t1 = sqr(mul(sqr(t1), t0))
        t0 = mul(t1, y1)
        t1 = mul(t1, y0)
        f.call("v12_to_rows", "%rows", mul(sqr(t0), t1))
        t.k.end()
        f.leave()
