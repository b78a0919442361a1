"""Sparse matrices times vectors of points: row i of the result is Σ kᵢⱼ·Pⱼ over its non-zeros.

Straus's method: a row's terms share their doublings, c for each window, and each term adds from a
table of its point's first 2^(c−1) multiples. A row of t terms costs about 2,300 + 800·t field
multiplications at c = 4, less where coefficients are small: windows above a row's highest digit are
not visited. Ceremonies make keys with it, from matrices of circuits and Lagrange bases.
"""

from __future__ import annotations

from zk.kernels.emit import Module
from zk.kernels.msm import bucket, digit_at
from zk.kernels.points import Group
from zk.kernels.scale import ENTRIES, WINDOW, emit_table


def emit_rows(module: Module, group: Group) -> None:
    """`g_rows(out, work, scratch, tables, points, digits, nnz, columns, indptr, first, n, count)`.

    Rows first … first + n; digits is `int16[count, nnz]`, tables holds 2^(c−1) XYZZ points for each
    term of the longest row.
    """
    f = module.function(
        f"{group.name}_rows",
        "out",
        "work",
        "scratch",
        "tables",
        "points",
        "digits",
        "i64 nnz",
        "columns",
        "indptr",
        "i64 first",
        "i64 n",
        "i64 count",
        export=True,
    )
    chosen, begun = f.slot(group.xyzz), f.slot(8)
    size = ENTRIES * group.xyzz
    with f.loop("%n") as i:
        row = f.row("%indptr", f.add("%first", i), 8)
        begin = f.load(row)
        terms = f.sub(f.load(f.at(row, 8)), begin)
        with f.loop(terms) as t:
            column = f.load(f.row("%columns", f.add(begin, t), 8))
            point = f.row("%points", column, group.affine)
            emit_table(f, group, f.row("%tables", t, size), point)
        total = f.row("%work", i, group.xyzz)
        f.zero(total, group.xyzz)
        f.store(0, begun)
        with f.countdown("%count") as w:
            with f.when(f.compare("ne", f.load(begun), 0)), f.loop(WINDOW):
                f.call(f"{group.name}_double", total, total)
            line = f.add(f.mul(w, "%nnz"), begin)
            with f.loop(terms) as t:
                digit = digit_at(f, "%digits", f.add(line, t))
                with f.when(f.compare("ne", digit, 0)):
                    f.store(1, begun)
                    negative, index = bucket(f, digit)
                    entry = f.add(f.mul(t, ENTRIES), index)
                    f.copy(chosen, f.row("%tables", entry, group.xyzz), group.xyzz)
                    with f.when(negative):
                        y = f.at(chosen, group.size)
                        f.call(f"{group.field}_neg", y, y)
                    f.call(f"{group.name}_add", total, total, chosen)
    f.do(f"call void @{group.name}_normalise(ptr %out, ptr %work, i64 %n, ptr %scratch)")
    f.leave()
