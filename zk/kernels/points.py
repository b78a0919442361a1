"""Points of y² = x³ + b in affine and XYZZ coordinates, over Fp (`g1`) or Fp2 (`g2`), as IR.

XYZZ (Sutherland; formulas of the Explicit-Formulas Database, `shortw/xyzz`): x = X/ZZ, y = Y/ZZZ,
ZZ³ = ZZZ². Infinity is ZZ = 0; an affine infinity is all zero bytes. Additions are complete: equal
points are doubled, opposite ones give infinity. The groups have odd order, so 2y ≠ 0 in a doubling.

Coordinates are lazy, < 2p each (`zk.kernels.field`); `normalise` gives canonical affine rows.
b does not appear: nothing here checks that a point is on the curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zk.kernels.emit import Function, Module, Value
from zk.kernels.field import SIZE
from zk.kernels.tower import FP2


@dataclass(frozen=True, slots=True)
class Group:
    """Names and sizes of one group's functions.

    Attributes:
        name: prefix of its functions.
        field: prefix of its coordinate field.
        size: bytes of a coordinate.
    """

    name: str
    field: str
    size: int

    @property
    def affine(self) -> int:
        return 2 * self.size

    @property
    def xyzz(self) -> int:
        return 4 * self.size


G1: Final = Group("g1", "fp", SIZE)
G2: Final = Group("g2", "fp2", FP2)


class _Formula:
    """Coordinate arithmetic of one function, with stack slots for its temporaries."""

    def __init__(self, f: Function, group: Group) -> None:
        self.f = f
        self.group = group

    def _binary(self, name: str, a: Value, b: Value) -> Value:
        out = self.f.slot(self.group.size)
        self.f.call(f"{self.group.field}_{name}", out, a, b)
        return out

    def mul(self, a: Value, b: Value) -> Value:
        return self._binary("mul", a, b)

    def add(self, a: Value, b: Value) -> Value:
        return self._binary("add", a, b)

    def sub(self, a: Value, b: Value) -> Value:
        return self._binary("sub", a, b)

    def sqr(self, a: Value) -> Value:
        out = self.f.slot(self.group.size)
        self.f.call(f"{self.group.field}_sqr", out, a)
        return out

    def is_zero(self, a: Value) -> Value:
        return self.f.ask(f"{self.group.field}_is_zero", a)

    def parts(self, pointer: Value, count: int) -> list[Value]:
        return [self.f.at(pointer, i * self.group.size) for i in range(count)]

    def store(self, *values: Value) -> None:
        for i, value in enumerate(values):
            self.f.copy(self.f.at("%out", i * self.group.size), value, self.group.size)

    def one(self) -> Value:
        return f"@{self.group.field}_one"


def emit_points(module: Module, group: Group) -> None:
    """Additions, doublings and normalisation of one group."""
    _emit_infinity(module, group)
    _emit_double(module, group, affine=True)
    _emit_double(module, group, affine=False)
    _emit_mixed(module, group)
    _emit_full(module, group)
    _emit_normalise(module, group)


def _emit_infinity(module: Module, group: Group) -> None:
    """Whether an affine row is all zero."""
    f = module.function(f"{group.name}_absent", "a", returns="i1", attributes="alwaysinline")
    total = f.load("%a", "i256")
    for offset in range(SIZE, group.affine, SIZE):
        total = f.op(f"or i256 {total}, {f.load(f.at('%a', offset), 'i256')}")
    f.leave(f"i1 {f.compare('eq', total, 0, 'i256')}")


def _emit_double(module: Module, group: Group, *, affine: bool) -> None:
    """dbl-2008-s-1; from affine coordinates mdbl-2008-s-1."""
    name = f"{group.name}_double" + ("_affine" if affine else "")
    f = module.function(name, "out", "a", attributes="noinline")
    k = _Formula(f, group)
    x, y, *z = k.parts("%a", 2 if affine else 4)
    u = k.add(y, y)
    v = k.sqr(u)
    w = k.mul(u, v)
    s = k.mul(x, v)
    square = k.sqr(x)
    m = k.add(k.add(square, square), square)
    x3 = k.sub(k.sub(k.sqr(m), s), s)
    y3 = k.sub(k.mul(m, k.sub(s, x3)), k.mul(w, y))
    if affine:
        k.store(x3, y3, v, w)
    else:
        k.store(x3, y3, k.mul(v, z[0]), k.mul(w, z[1]))
    f.leave()


def _emit_mixed(module: Module, group: Group) -> None:
    """The sum a + (x, y): madd-2008-s, with every exception."""
    f = module.function(f"{group.name}_mixed", "out", "a", "x", "y", attributes="noinline")
    k = _Formula(f, group)
    x1, y1, zz, zzz = k.parts("%a", 4)
    with f.when(k.is_zero(zz)):
        k.store("%x", "%y", k.one(), k.one())
        f.leave()
    p = k.sub(k.mul("%x", zz), x1)
    r = k.sub(k.mul("%y", zzz), y1)
    with f.when(k.is_zero(p)):
        with f.when(k.is_zero(r)):
            point = f.slot(group.affine)
            f.copy(point, "%x", group.size)
            f.copy(f.at(point, group.size), "%y", group.size)
            f.call(f"{group.name}_double_affine", "%out", point)
            f.leave()
        f.zero("%out", group.xyzz)
        f.leave()
    pp = k.sqr(p)
    ppp = k.mul(p, pp)
    q = k.mul(x1, pp)
    x3 = k.sub(k.sub(k.sub(k.sqr(r), ppp), q), q)
    y3 = k.sub(k.mul(r, k.sub(q, x3)), k.mul(y1, ppp))
    k.store(x3, y3, k.mul(zz, pp), k.mul(zzz, ppp))
    f.leave()


def _emit_full(module: Module, group: Group) -> None:
    """The sum a + b: add-2008-s, with every exception."""
    f = module.function(f"{group.name}_add", "out", "a", "b", attributes="noinline")
    k = _Formula(f, group)
    x1, y1, zz1, zzz1 = k.parts("%a", 4)
    x2, y2, zz2, zzz2 = k.parts("%b", 4)
    with f.when(k.is_zero(zz2)):
        k.store(x1, y1, zz1, zzz1)
        f.leave()
    with f.when(k.is_zero(zz1)):
        k.store(x2, y2, zz2, zzz2)
        f.leave()
    u1, s1 = k.mul(x1, zz2), k.mul(y1, zzz2)
    p = k.sub(k.mul(x2, zz1), u1)
    r = k.sub(k.mul(y2, zzz1), s1)
    with f.when(k.is_zero(p)):
        with f.when(k.is_zero(r)):
            f.call(f"{group.name}_double", "%out", "%a")
            f.leave()
        f.zero("%out", group.xyzz)
        f.leave()
    pp = k.sqr(p)
    ppp = k.mul(p, pp)
    q = k.mul(u1, pp)
    x3 = k.sub(k.sub(k.sub(k.sqr(r), ppp), q), q)
    y3 = k.sub(k.mul(r, k.sub(q, x3)), k.mul(s1, ppp))
    k.store(x3, y3, k.mul(k.mul(zz1, zz2), pp), k.mul(k.mul(zzz1, zzz2), ppp))
    f.leave()


def _emit_normalise(module: Module, group: Group) -> None:
    """Turns n XYZZ points into canonical affine rows with one inversion (Montgomery's trick).

    1/ZZZ = Z⁻³ is inverted in batch; 1/ZZ = Z⁻² = (ZZ·Z⁻³)². `scratch` holds n coordinates.
    """
    f = module.function(
        f"{group.name}_normalise", "out", "points", "i64 n", "scratch", attributes="noinline"
    )
    k = _Formula(f, group)
    size, field = group.size, group.field
    total = f.slot(size)
    inverse, share = f.slot(size), f.slot(size)
    f.copy(total, k.one(), size)
    with f.loop("%n") as i:
        f.copy(f.row("%scratch", i, size), total, size)
        zzz = f.at(f.row("%points", i, group.xyzz), 3 * size)
        present = f.op(f"xor i1 {k.is_zero(zzz)}, true")
        with f.when(present):
            f.call(f"{field}_mul", total, total, zzz)
    f.call(f"{field}_inv", inverse, total)
    with f.countdown("%n") as i:
        point = f.row("%points", i, group.xyzz)
        x, y, zz, zzz = k.parts(point, 4)
        out = f.row("%out", i, group.affine)
        absent = k.is_zero(zzz)
        with f.when(absent):
            f.zero(out, group.affine)
        with f.when(f.op(f"xor i1 {absent}, true")):
            f.call(f"{field}_mul", share, inverse, f.row("%scratch", i, size))  # 1/ZZZ
            f.call(f"{field}_mul", inverse, inverse, zzz)
            high = f.at(out, size)
            f.call(f"{field}_mul", high, y, share)
            f.call(f"{field}_mul", share, share, zz)
            f.call(f"{field}_sqr", share, share)  # 1/ZZ
            f.call(f"{field}_mul", out, x, share)
            f.call(f"{field}_reduce", out, out)
            f.call(f"{field}_reduce", high, high)
    f.leave()
