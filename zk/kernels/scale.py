"""Multiples of many points, each with its own scalar or all with one: what ceremonies need.

Signed windows of c bits from the highest: c doublings, then one addition from a table of the
point's first 2^(c−1) multiples. About 3,300 field multiplications a point for c = 4. Points come
out affine and canonical by one inversion for each share of rows.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.emit import Function, Module
from zk.kernels.msm import bucket, digit_at
from zk.kernels.points import Group

WINDOW: Final = 4
ENTRIES: Final = 1 << (WINDOW - 1)


def emit_scale(module: Module, group: Group) -> None:
    """`g_scaled(out, work, scratch, points, digits, stride, step, n, count)`: kᵢ·Pᵢ, canonical.

    digits is `int16[count, stride]` from the first scalar of this share on; scalar i stands at
    column i·step, so that step 0 takes one scalar for all.
    """
    f = module.function(
        f"{group.name}_scaled",
        "out",
        "work",
        "scratch",
        "points",
        "digits",
        "i64 stride",
        "i64 step",
        "i64 n",
        "i64 count",
        export=True,
    )
    table = f.slot(ENTRIES * group.xyzz)
    chosen = f.slot(group.xyzz)
    with f.loop("%n") as i:
        emit_table(f, group, table, f.row("%points", i, group.affine))
        total = f.row("%work", i, group.xyzz)
        f.zero(total, group.xyzz)
        column = f.mul(i, "%step")
        with f.countdown("%count") as w:
            with f.loop(WINDOW):
                f.call(f"{group.name}_double", total, total)
            digit = digit_at(f, "%digits", f.add(f.mul(w, "%stride"), column))
            with f.when(f.compare("ne", digit, 0)):
                negative, index = bucket(f, digit)
                f.copy(chosen, f.row(table, index, group.xyzz), group.xyzz)
                with f.when(negative):
                    y = f.at(chosen, group.size)
                    f.call(f"{group.field}_neg", y, y)
                f.call(f"{group.name}_add", total, total, chosen)
    f.do(f"call void @{group.name}_normalise(ptr %out, ptr %work, i64 %n, ptr %scratch)")
    f.leave()


def emit_table(f: Function, group: Group, table: str, point: str) -> None:
    """Code for 1, 2, …, 2^(c−1) times a point; infinity's multiples are infinity."""
    f.zero(table, ENTRIES * group.xyzz)
    present = f.op(f"xor i1 {f.ask(f'{group.name}_absent', point)}, true")
    with f.when(present), f.loop(ENTRIES) as j:
        entry = f.row(table, j, group.xyzz)
        with f.when(f.compare("ne", j, 0)):
            f.copy(entry, f.row(table, f.sub(j, 1), group.xyzz), group.xyzz)
        f.call(f"{group.name}_mixed", entry, entry, point, f.at(point, group.size))
