"""Sums of multiples of points of Baby Jubjub over Fr: Straus, signed windows of five bits.

The curve a·x² + y² = 1 + d·x²y² is isomorphic to −x² + y² = 1 + d′·x²y², d′ = −d/a, by
x ↦ √(−a)·x (−a is a square); with a′ = −1 a square and d′ a non-square the addition law stays
complete, so no case is exceptional and any point of the curve is welcome. Extended coordinates
(Hisil, Wong, Carter, Dawson, eprint 2008/522):

    sums in          (X, Y, Z, T), x = X/Z, y = Y/Z, T = XY/Z
    added points as  (Y − X, Y + X, 2Z, 2d′T)        eight products an addition

    1. of each point sixteen multiples, P … 16P
    2. from the top window to the lowest: five doublings, then one addition for each point whose
       digit is not zero

Variable time: for what everybody sees (signatures being verified), never for a secret scalar.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FR
from zk.kernels.emit import Function, Module, Value
from zk.kernels.field import SIZE
from zk.kernels.msm import DIGIT

POINT: Final = 4 * SIZE
"""Bytes of a sum, and of a point that is added."""
AFFINE: Final = 2 * SIZE
BITS: Final = 5
MULTIPLES: Final = 1 << (BITS - 1)

A: Final = 168700
D: Final = 168696
ROOT: Final = 6360561867910373094066688120553762416144456282423235903351243436111059670888
"""√(−a)."""

_MINUS_D: Final = -D * pow(A, -1, FR.value) % FR.value
_X, _Y, _Z, _T = range(0, POINT, SIZE)


def emit_babyjub(module: Module) -> None:
    """`babyjub_sum(out, points, digits, stride, n, windows, tables)`: Σ kᵢ·Pᵢ as (x, y), standard.

    points `[n, 8]` in standard form, below r and on the curve; digits `int16[windows, stride]` of
    five bits (`zk.kernels.msm.emit_digits`) from the first of the n on; tables holds
    `n·MULTIPLES·POINT` bytes. Needs what `zk.kernels.tape` emits.
    """
    module.constant("bj_root", [FR.mont(ROOT)])
    module.constant("bj_unroot", [FR.mont(pow(ROOT, -1, FR.value))])
    module.constant("bj_2d", [FR.mont(2 * _MINUS_D % FR.value)])
    _emit_double(module)
    for name, negative in (("bj_add", False), ("bj_subtract", True)):
        _emit_add(module, name, negative=negative)
    _emit_lift(module)
    _emit_multiples(module)
    f = module.function(
        "babyjub_sum", "out", "points", "digits", "i64 stride", "i64 n", "i64 windows", "tables",
        export=True,
    )  # fmt: skip
    span = MULTIPLES * POINT
    with f.loop("%n") as i:
        f.call("bj_multiples", f.row("%tables", i, span), f.row("%points", i, AFFINE))
    total = f.aligned(POINT)
    f.zero(total, POINT)
    for part in (_Y, _Z):
        f.copy(f.at(total, part), "@fr_one", SIZE)
    with f.countdown("%windows") as w:
        with f.loop(BITS):
            f.call("bj_double", total)
        digits = f.row("%digits", f.mul(w, "%stride"), DIGIT)
        with f.loop("%n") as i:
            digit = f.op(f"sext i16 {f.load(f.row(digits, i, DIGIT), 'i16')} to i64")
            table = f.row("%tables", i, span)
            with f.when(f.compare("sgt", digit, 0)):
                f.call("bj_add", total, f.row(table, f.sub(digit, 1), POINT))
            with f.when(f.compare("slt", digit, 0)):
                f.call("bj_subtract", total, f.row(table, f.sub("-1", digit), POINT))
    inverse = f.slot(SIZE)
    f.call("fr_inv", inverse, f.at(total, _Z))
    f.call("fr_mul", f.at(total, _Y), f.at(total, _Y), inverse)
    f.call("fr_mul", inverse, inverse, "@bj_unroot")
    f.call("fr_mul", total, total, inverse)
    for part in (_X, _Y):
        f.call("fr_plain", f.at("%out", part), f.at(total, part))
    f.leave()


class _Formula:
    """Arithmetic of one function, with stack slots for its temporaries."""

    def __init__(self, f: Function) -> None:
        self.f = f

    def _binary(self, name: str, a: Value, b: Value) -> Value:
        out = self.f.slot(SIZE)
        self.f.call(f"fr_{name}", out, a, b)
        return out

    def mul(self, a: Value, b: Value) -> Value:
        return self._binary("mul", a, b)

    def add(self, a: Value, b: Value) -> Value:
        return self._binary("add", a, b)

    def sub(self, a: Value, b: Value) -> Value:
        return self._binary("sub", a, b)

    def finish(self, out: Value, e: Value, f: Value, g: Value, h: Value) -> None:
        """(EF, GH, FG, EH), where every formula ends."""
        for part, a, b in ((_X, e, f), (_Y, g, h), (_Z, f, g), (_T, e, h)):
            self.f.call("fr_mul", self.f.at(out, part), a, b)


def _emit_double(module: Module) -> None:
    """T = 2t: dbl-2008-hwcd."""
    f = module.function("bj_double", "t", attributes="noinline")
    k = _Formula(f)
    x, y, z = (f.at("%t", part) for part in (_X, _Y, _Z))
    xx, yy, zz = k.mul(x, x), k.mul(y, y), k.mul(z, z)
    total, both = k.add(xx, yy), k.add(x, y)
    e = k.sub(k.mul(both, both), total)
    g = k.sub(yy, xx)
    h = f.slot(SIZE)
    f.call("fr_neg", h, total)
    k.finish("%t", e, k.sub(g, k.add(zz, zz)), g, h)
    f.leave()


def _emit_add(module: Module, name: str, *, negative: bool) -> None:
    """T = t ± q for a point q that is added: add-2008-hwcd-3."""
    f = module.function(name, "t", "q", attributes="noinline")
    k = _Formula(f)
    x, y, z, t = (f.at("%t", part) for part in (_X, _Y, _Z, _T))
    minus, plus, twice, product = (f.at("%q", part) for part in (_X, _Y, _Z, _T))
    if negative:  # −q has −x: what is Y − X there is Y + X here, and T changes its sign
        minus, plus = plus, minus
    a, b = k.mul(k.sub(y, x), minus), k.mul(k.add(y, x), plus)
    c, d = k.mul(t, product), k.mul(z, twice)
    low, high = k.sub(d, c), k.add(d, c)
    if negative:
        low, high = high, low
    k.finish("%t", k.sub(b, a), low, high, k.add(b, a))
    f.leave()


def _emit_lift(module: Module) -> None:
    """Q = t as a point that is added."""
    f = module.function("bj_lift", "q", "t", attributes="noinline")
    x, y, z, t = (f.at("%t", part) for part in (_X, _Y, _Z, _T))
    f.call("fr_sub", f.at("%q", _X), y, x)
    f.call("fr_add", f.at("%q", _Y), y, x)
    f.call("fr_add", f.at("%q", _Z), z, z)
    f.call("fr_mul", f.at("%q", _T), t, "@bj_2d")
    f.leave()


def _emit_multiples(module: Module) -> None:
    """Table of P … 16P of an affine point in standard form."""
    f = module.function("bj_multiples", "table", "point", attributes="noinline")
    t = f.aligned(POINT)
    x, y = f.at(t, _X), f.at(t, _Y)
    f.call("fr_mul", x, "%point", "@fr_square")
    f.call("fr_mul", x, x, "@bj_root")
    f.call("fr_mul", y, f.at("%point", SIZE), "@fr_square")
    f.copy(f.at(t, _Z), "@fr_one", SIZE)
    f.call("fr_mul", f.at(t, _T), x, y)
    f.call("bj_lift", "%table", t)
    with f.loop(MULTIPLES, 1) as j:
        f.call("bj_add", t, "%table")
        f.call("bj_lift", f.row("%table", j, POINT), t)
    f.leave()
