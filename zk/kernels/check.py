"""Points where files are read and written: what is a point, and coordinates in standard form.

Rows are points if their coordinates are canonical and satisfy y² = x³ + b, or are all zero
(infinity). Every other kernel assumes that; this one finds out, for keys that come from elsewhere,
with about three products a point. Whether a point of the twist is in the subgroup is a question of
its own (`zk.kernels.pairing`); G1 has prime order.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FP, TWIST_XI
from zk.kernels.emit import Module, Value
from zk.kernels.field import SIZE
from zk.kernels.points import Group

_B: Final = 3
_NORM: Final = TWIST_XI[0] ** 2 + TWIST_XI[1] ** 2
_TWIST_B: Final = tuple(
    _B * part * pow(_NORM, -1, FP.value) % FP.value for part in (TWIST_XI[0], -TWIST_XI[1])
)
"""3/ξ = 3·ξ̄/|ξ|²."""


def emit_check(module: Module, group: Group) -> None:
    """`g_first_off(points, n)`: index of the first row that is no point, n where all are."""
    b = _constant(module, group)
    field = group.field
    f = module.function(f"{group.name}_first_off", "points", "i64 n", returns="i64", export=True)
    left, right = f.slot(group.size), f.slot(group.size)
    with f.loop("%n") as i:
        point = f.row("%points", i, group.affine)
        for offset in range(0, group.affine, SIZE):
            coordinate = f.load(f.at(point, offset), "i256")
            with f.when(f.compare("uge", coordinate, FP.value, "i256")):
                f.leave(f"i64 {i}")
        with f.when(f.op(f"xor i1 {f.ask(f'{group.name}_absent', point)}, true")):
            f.call(f"{field}_sqr", right, point)
            f.call(f"{field}_mul", right, right, point)
            f.call(f"{field}_add", right, right, b)
            f.call(f"{field}_sqr", left, f.at(point, group.size))
            f.call(f"{field}_sub", left, left, right)
            off = f.op(f"xor i1 {f.ask(f'{field}_is_zero', left)}, true")
            with f.when(off):
                f.leave(f"i64 {i}")
    f.leave("i64 %n")


def emit_standard(module: Module) -> None:
    """`fp_standard_rows(out, values, n)`: coordinates out of Montgomery form, canonical."""
    one = module.constant("fp_plain_one", [1])
    f = module.function("fp_standard_rows", "out", "values", "i64 n", export=True)
    with f.loop("%n") as i:
        row = f.row("%out", i, SIZE)
        f.call("fp_mul", row, f.row("%values", i, SIZE), one)
        f.call("fp_reduce", row, row)
    f.leave()


def _constant(module: Module, group: Group) -> Value:
    parts = [_B] if group.size == SIZE else list(_TWIST_B)
    return module.constant(f"{group.name}_b", [FP.mont(part) for part in parts])
