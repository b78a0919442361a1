"""Fp2 in lanes on `ifma` with products as calls: what runs once a step must fit the caches of code.

A product in Fp2 is 404 multiply-adds, some 4 KB of straight code; a step of Miller's loop has ten,
and as one piece they would not fit the 32 KB from which a processor fetches. So a product is a
function on memory, of operands in digits and within 0 … `LIMIT`·p, and one body serves all. What
it returns is bounded call by call from the bounds of the operands.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FP
from zk.kernels.emit import Module, Value
from zk.kernels.vector.coordinates import Coordinate, Quadratic
from zk.kernels.vector.ifma import Ifma
from zk.kernels.vector.kept import ready
from zk.kernels.vector.lanes import (
    LIMBS,
    MASK,
    BoundError,
    Element,
    Interval,
    Lanes,
    add_intervals,
    top_bound,
    within,
)

LIMIT: Final = 14
"""Operands are at most this many p."""


def operand(k: Lanes) -> Element:
    """What the functions take."""
    return _digits(k, (0, LIMIT * k.p))


def _digits(k: Lanes, value: Interval) -> Element:
    """Bounds of a value in digits; no registers."""
    del k
    lower: list[Interval] = [(0, MASK)] * (LIMBS - 1)
    low, high = top_bound(value, lower)
    return Element(("poison",) * LIMBS, value, (*lower, (max(0, low), high)))


def emit_called(module: Module, lanes: type[Ifma]) -> None:
    """`c_mul(out, a, b)`, `c_sqr(out, a)` and, with b in Fp, `c_scale(out, a, b)`."""
    f = module.function("c_mul", "out", "a", "b", attributes="noinline")
    k = lanes(f, FP)
    c = Quadratic(k)
    like = (operand(k), operand(k))
    c.store(_mul(c, c.load("%a", like), c.load("%b", like)), "%out")
    f.leave()
    f = module.function("c_sqr", "out", "a", attributes="noinline")
    k = lanes(f, FP)
    c = Quadratic(k)
    c.store(_sqr(c, c.load("%a", like)), "%out")
    f.leave()
    f = module.function("c_scale", "out", "a", "b", attributes="noinline")
    k = lanes(f, FP)
    c = Quadratic(k)
    by = k.load("%b", operand(k))
    c.store(tuple(k.mul(x, by) for x in c.load("%a", like)), "%out")
    f.leave()


def _mul(c: Quadratic, a: Coordinate, b: Coordinate) -> Coordinate:
    k = c.k
    minus = k.sub(k.constant(LIMIT * k.p), a[1])
    return k.mul_sum((a[0], b[0]), (minus, b[1])), k.mul_sum((a[0], b[1]), (a[1], b[0]))


def _sqr(c: Quadratic, a: Coordinate) -> Coordinate:
    k = c.k
    difference = k.add(k.sub(a[0], a[1]), k.constant(LIMIT * k.p))
    return k.mul(k.add(a[0], a[1]), difference), k.mul(k.double(a[0]), a[1])


class Called(Quadratic):
    """Products as calls; operands are stored where they are not in memory yet.

    Args:
        lanes: arithmetic of the function that calls.
    """

    def __init__(self, lanes: Lanes) -> None:
        super().__init__(lanes)
        self._homes: dict[tuple[Value, ...], Value] = {}

    def _home(self, a: Coordinate) -> tuple[Coordinate, Value]:
        """Operands in digits, and where they lie."""
        key = tuple(limb for x in a for limb in x.limbs)
        if key not in self._homes:
            a = tuple(ready(self.k, x) for x in a)
            place = self.f.aligned(self.k.size * len(a))
            self.store(a, place)
            self._homes[key] = place
        else:
            a = tuple(ready(self.k, x) for x in a)
        for x in a:
            if not within(x, operand(self.k)):
                raise BoundError("an operand of a call is too large")
        return a, self._homes[key]

    def _result(self, values: tuple[Interval, Interval], place: Value) -> Coordinate:
        out = self.load(place, tuple(_digits(self.k, value) for value in values))
        self._homes[tuple(limb for x in out for limb in x.limbs)] = place
        return out

    def mul(self, a: Coordinate, b: Coordinate) -> Coordinate:
        k = self.k
        (a, left), (b, right) = self._home(a), self._home(b)
        place = self.f.aligned(self.size)
        self.f.call("c_mul", place, left, right)
        p = LIMIT * k.p
        minus = _digits(k, (p - a[1].value[1], p - a[1].value[0]))
        real = k.product_value([(a[0], b[0]), (minus, b[1])])
        return self._result((real, k.product_value([(a[0], b[1]), (a[1], b[0])])), place)

    def sqr(self, a: Coordinate) -> Coordinate:
        k = self.k
        a, where = self._home(a)
        place = self.f.aligned(self.size)
        self.f.call("c_sqr", place, where)
        p = LIMIT * k.p
        x, y = a[0].value, a[1].value
        total = _digits(k, add_intervals(x, y))
        difference = _digits(k, (x[0] - y[1] + p, x[1] - y[0] + p))
        twice = _digits(k, add_intervals(x, x))
        real = k.product_value([(total, difference)])
        return self._result((real, k.product_value([(twice, a[1])])), place)

    def scale(self, a: Coordinate, by: Element) -> Coordinate:
        k = self.k
        a, left = self._home(a)
        (by,), right = self._home((by,))
        place = self.f.aligned(self.size)
        self.f.call("c_scale", place, left, right)
        return self._result((k.product_value([(a[0], by)]), k.product_value([(a[1], by)])), place)
