"""Weights of many points of G1 at once, a point a lane (see `zk.kernels.verification`).

Jacobian coordinates, x = X/Z², y = Y/Z³, with the doubling `dbl-2009-l` and a mixed addition in
which no case is exceptional; the denominators of all points are inverted together.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FP, MONTGOMERY_BITS
from zk.kernels.emit import Function, Module, Value
from zk.kernels.vector.combine import loose_like
from zk.kernels.vector.kept import check_within, kept, kept_constants, kept_like, light, ready
from zk.kernels.vector.lanes import R_BITS, BoundError, Element, Lanes
from zk.kernels.vector.planar import ROW
from zk.kernels.verification import BETA, WEIGHT_DIGITS

WEIGH_VALUES: Final = 7
"""Elements of a group's state: X, Y, Z, x, βx, y, and a running product."""
_X, _Y, _Z, _BASE, _TURNED, _BASE_Y, _RUNNING = range(WEIGH_VALUES)


def emit_weigh(module: Module, lanes: type[Lanes]) -> None:
    """`g1_weigh(out, points, weights, states, groups)`: affine rows, lazy.

    Points are padded to whole groups, none may be infinity; weights are two words each.
    """
    _Emitter(module, lanes).emit()


class _Emitter:
    def __init__(self, module: Module, lanes: type[Lanes]) -> None:
        self.module = module
        self.lanes = lanes
        self.size = 40 * lanes.width

    def _at(self, f: Function, state: Value, index: int) -> Value:
        return f.at(state, index * self.size)

    def _get(self, k: Lanes, state: Value, index: int) -> Element:
        like = loose_like(k) if index in (_Y, _Z) else kept_like(k)
        return k.load(self._at(k.f, state, index), like)

    def _put(self, k: Lanes, a: Element, state: Value, index: int) -> None:
        """Y and Z are small as they come from products, and only carried."""
        if index in (_Y, _Z):
            a = ready(k, a)
            check_within(a, loose_like(k))
        else:
            a = kept(k, a)
        k.store(a, self._at(k.f, state, index))

    def emit(self) -> None:
        self._emit_start()
        self._emit_first()
        self._emit_double()
        self._emit_add()
        self._emit_finish()
        f = self.module.function(
            "g1_weigh", "out", "points", "weights", "states", "i64 groups", export=True
        )
        k = self.lanes(f, FP)
        k.begin()
        state = WEIGH_VALUES * self.size
        digits = f.aligned(16 * k.width)
        running = f.aligned(self.size)
        for known in kept_constants(k, (1,)):
            k.store(known, running)
        with f.loop("%groups") as g:
            where = f.row("%states", g, state)
            first = f.mul(g, k.width)
            f.call("w_start", where, f.row("%points", first, 2 * ROW))
            for lane in range(k.width):
                weight = f.row("%weights", f.add(first, lane), 16)
                for part in range(2):
                    word = f.load(f.at(weight, 8 * part))
                    f.store(word, f.at(digits, 8 * (part * k.width + lane)))
            f.call("w_first", where, digits, f.at(digits, 8 * k.width))
            with f.loop(WEIGHT_DIGITS - 1):
                f.call("w_double", where)
                f.call("w_add", where, digits, f.at(digits, 8 * k.width))
            f.call("w_collect", where, running)
        inverse = f.aligned(self.size)
        product = ready(k, k.reduced(k.load(running, kept_like(k))))
        k.store(product, running, k.product_like())
        f.call("vector_inverse", inverse, running)
        with f.countdown("%groups") as g:
            first = f.mul(g, k.width)
            f.call(
                "w_finish",
                f.row("%out", first, 2 * ROW),
                f.row("%states", g, state),
                inverse,
            )
        k.end()
        f.leave()

    def _emit_start(self) -> None:
        f = self.module.function("w_start", "state", "points", attributes="noinline")
        k = self.lanes(f, FP)
        shift = k.constant((1 << (2 * R_BITS - MONTGOMERY_BITS)) % k.p)
        x, y = (
            k.mul(
                k.from_integers(
                    k.gather([f.at("%points", 2 * ROW * i + ROW * c) for i in range(k.width)], 4),
                    (0, (1 << 256) - 1),
                ),
                shift,
            )
            for c in range(2)
        )
        self._put(k, x, "%state", _BASE)
        self._put(k, k.mul(x, k.field_constant(BETA)), "%state", _TURNED)
        self._put(k, y, "%state", _BASE_Y)
        f.leave()

    def _emit_double(self) -> None:
        f = self.module.function("w_double", "state", attributes="noinline")
        k = self.lanes(f, FP)
        x, y, z = (self._get(k, "%state", i) for i in (_X, _Y, _Z))
        a, b = k.mul_both((x, x), (y, y))
        xb, yz = k.mul_both((x, b), (y, z))
        e = light(k, k.add(k.double(a), a))
        two_xb = light(k, k.double(xb))
        d = light(k, k.double(two_xb))
        b2 = light(k, k.double(b))
        x3 = kept(k, k.sub(k.mul(e, e), light(k, k.double(d))))
        k.store(x3, self._at(f, "%state", _X))
        minus = light(k, k.neg(light(k, k.double(b2))))
        y3 = k.mul_sum((e, light(k, k.sub(d, x3))), (minus, b2))
        self._put(k, y3, "%state", _Y)
        self._put(k, k.double(yz), "%state", _Z)
        f.leave()

    def _emit_first(self) -> None:
        """T = the point that the top bits of both words choose; shifts the words."""
        f = self.module.function("w_first", "state", "signs", "which", attributes="noinline")
        k = self.lanes(f, FP)
        x, y = self._chosen(k)
        self._put(k, x, "%state", _X)
        self._put(k, y, "%state", _Y)
        for known in kept_constants(k, (1,)):
            k.store(known, self._at(f, "%state", _Z))
        f.leave()

    def _chosen(self, k: Lanes) -> tuple[Element, Element]:
        f = k.f
        bits = []
        for name in ("%signs", "%which"):
            words = f.op(f"load {k.words}, ptr {name}, align {8 * k.width}")
            bits.append(f.op(f"icmp slt {k.words} {words}, zeroinitializer"))
            f.do(f"store {k.words} {k.word_const('shl', words, 1)}, ptr {name}, align 8")
        x2 = k.select(bits[1], self._get(k, "%state", _TURNED), self._get(k, "%state", _BASE))
        return x2, k.neg_where(bits[0], self._get(k, "%state", _BASE_Y))

    def _emit_add(self) -> None:
        """T plus the point that is chosen."""
        f = self.module.function("w_add", "state", "signs", "which", attributes="noinline")
        k = self.lanes(f, FP)
        x2, y2 = self._chosen(k)
        x, y, z = (self._get(k, "%state", i) for i in (_X, _Y, _Z))
        zz = k.mul(z, z)
        u2, zzz = k.mul_both((x2, zz), (z, zz))
        s2 = k.mul(y2, zzz)
        h = light(k, k.sub(u2, x))
        r = light(k, k.sub(s2, y))
        hh, rr = k.mul_both((h, h), (r, r))
        hhh, v = k.mul_both((h, hh), (x, hh))
        x3 = kept(k, k.sub(light(k, k.sub(rr, hhh)), k.double(v)))
        k.store(x3, self._at(f, "%state", _X))
        y3 = k.mul_sum((r, light(k, k.sub(v, x3))), (light(k, k.neg(y)), hhh))
        self._put(k, y3, "%state", _Y)
        self._put(k, k.mul(z, h), "%state", _Z)
        f.leave()

    def _emit_finish(self) -> None:
        """`w_collect(state, running)` multiplies by Z; `w_finish(out, state, inverse)` divides."""
        f = self.module.function("w_collect", "state", "running", attributes="noinline")
        k = self.lanes(f, FP)
        before = k.load("%running", kept_like(k))
        k.store(before, self._at(f, "%state", _RUNNING))
        product = kept(k, k.mul(before, self._get(k, "%state", _Z)))
        k.store(product, "%running")
        f.leave()
        f = self.module.function("w_finish", "out", "state", "inverse", attributes="noinline")
        k = self.lanes(f, FP)
        x, y, z, before = (self._get(k, "%state", i) for i in (_X, _Y, _Z, _RUNNING))
        running = k.load("%inverse", k.product_like())
        unit = k.mul(running, before)
        k.store(k.mul(running, z), "%inverse", k.product_like())
        square = k.mul(unit, unit)
        shift = k.constant((1 << MONTGOMERY_BITS) % k.p)
        scaled = k.mul(square, shift)
        for a, b, index in ((x, scaled, 0), (y, k.mul(scaled, unit), 1)):
            positive = light(k, k.add(a, k.constant(k.multiple_above(1 - a.value[0]))))
            value = k.mul(positive, k.settle(b))  # positive, so without a lift
            if value.value[0] < 0 or value.value[1] >= 2 * k.p:
                raise BoundError("a coordinate is not below 2p")
            pointers = [f.at("%out", 2 * ROW * i + ROW * index) for i in range(k.width)]
            k.scatter(k.to_integers(value), pointers)
        f.leave()
