"""Buckets of multi-scalar multiplication: pairs made as points come, without sorting.

A table keeps, for each bucket, the reference that waits for another one. A point whose bucket is
empty waits in it; one that finds another makes a pair with it, and both leave. When there are pairs
for a block they are added, and the sums come to their buckets like points, before further points
do. In the end nobody meets anybody, and the table holds the sum of each bucket.

Sorting by buckets would make every access to a point a miss of the cache. Here one of a pair is the
next one in memory, or a sum just made, and the other came about as many points before as there are
buckets. Whether somebody waits is a coin toss, so nothing branches on it: every step writes a pair
and counts it, or does not.

    table     uint32[windows · entries]: a reference, or NONE; |digit| in a window's part, 0 unused
    results   uint32[BLOCK + SLACK]: references to the sums of the pairs of a block
    places    uint32[BLOCK + SLACK]: their entries of the table
"""

from __future__ import annotations

from typing import Final

from zk.kernels.emit import Function, Module, Value
from zk.kernels.vector.groups import BLOCK, DIGIT, NONE, sum_pairs
from zk.kernels.vector.sums import SIGN, Group

_REF: Final = 4
_EMPTY: Final = NONE - (1 << 32)
"""NONE as a signed number."""


def emit_buckets(module: Module) -> None:
    """What is the same for both groups of points."""
    _emit_pair_digits(module)
    _emit_pair_sums(module)
    _emit_thin_out(module)
    _emit_lines(module)


def emit_fill(module: Module, group: Group) -> None:
    """`g_fill(base, …, table, digits, windows, count, n, stride, entries, first, slot, …)` → slot.

    Points first … first + n − 1 with signed digits; window windows[k] (`uint64`) has those at
    `int16` digits[windows[k]·stride …] and the k-th part of the table. Sums go from `slot` on; the
    result is the first free one.
    """
    f = module.function(
        f"{group.name}_fill",
        "base",
        "left",
        "right",
        "results",
        "places",
        "table",
        "digits",
        "windows",
        "i64 count",
        "i64 n",
        "i64 stride",
        "i64 entries",
        "i64 first",
        "i64 slot",
        "scratch",
        "gone",
        returns="i64",
        export=True,
    )
    pairs, slot, kept, window, position = (f.slot(8) for _ in range(5))
    for cell in (pairs, window, position):
        f.store(0, cell)
    f.store("%slot", slot)
    with f.repeat() as stop:
        first = f.load(slot)
        with f.repeat() as full:
            number = f.load(window)
            full(f.compare("eq", number, "%count"))
            row = f.mul(f.load(f.row("%windows", number, 8)), "%stride")
            found = f.op(
                "call i64 @pair_digits(ptr %left, ptr %right, ptr %results, ptr %places, "
                f"ptr %table, ptr {f.row('%digits', row, DIGIT)}, i64 %n, i64 %first, "
                f"i64 {f.mul(number, '%entries')}, i64 {first}, i64 {f.load(pairs)}, "
                f"ptr {position})"
            )
            f.store(found, pairs)
            full(f.compare("eq", found, BLOCK))
            f.store(f.add(number, 1), window)
            f.store(0, position)
        made = f.load(pairs)
        stop(f.compare("eq", made, 0))
        padded, lost = sum_pairs(f, group, first, made)
        f.store(made, kept)
        with f.when(f.compare("ne", lost, 0)):
            rest = f.op(
                f"call i64 @thin_out(ptr %results, ptr %places, ptr %gone, i64 {made}, "
                f"i64 {padded})"
            )
            f.store(rest, kept)
        following = f.add(first, padded)
        f.store(following, slot)
        found = f.op(
            "call i64 @pair_sums(ptr %left, ptr %right, ptr %results, ptr %places, ptr %table, "
            f"i64 {f.load(kept)}, i64 {following})"
        )
        f.store(found, pairs)
    f.leave(f"i64 {f.load(slot)}")


def _emit_pair_digits(module: Module) -> None:
    """`pair_digits(…, digits, n, first, offset, slot, pairs, position)` → pairs, with those before.

    Goes on at point `position` until there is a block of pairs, or no point any more; `offset` is
    the window's place in the table, and pair k will have its sum in slot + k.
    """
    f = module.function(
        "pair_digits",
        "left",
        "right",
        "results",
        "places",
        "table",
        "digits",
        "i64 n",
        "i64 first",
        "i64 offset",
        "i64 slot",
        "i64 pairs",
        "position",
        returns="i64",
    )
    pairs, index = f.slot(8), f.slot(8)
    f.store("%pairs", pairs)
    f.store(f.load("%position"), index)
    with f.repeat() as stop:
        i = f.load(index)
        stop(f.compare("eq", i, "%n"))
        stop(f.compare("eq", f.load(pairs), BLOCK))
        digit = f.op(f"sext i16 {f.load(f.row('%digits', i, DIGIT), 'i16')} to i32")
        sign = f.op(f"ashr i32 {digit}, 31")
        size = f.op(f"sub i32 {f.op(f'xor i32 {digit}, {sign}')}, {sign}")
        point = f.op(f"trunc i64 {f.add('%first', i)} to i32")
        ref = f.op(f"or i32 {point}, {f.op(f'and i32 {sign}, {-SIGN}')}")
        # nobody ever waits at 0
        waiting = f.select(f.compare("eq", size, 0, "i32"), _EMPTY, ref, "i32")
        place = f.add("%offset", f.op(f"zext i32 {size} to i64"))
        _meet(f, pairs, place, waiting)
        f.store(f.add(i, 1), index)
    f.store(f.load(index), "%position")
    f.leave(f"i64 {f.load(pairs)}")


def _emit_pair_sums(module: Module) -> None:
    """`pair_sums(…, count, slot)` → pairs among the results of a block, whose place they take."""
    f = module.function(
        "pair_sums",
        "left",
        "right",
        "results",
        "places",
        "table",
        "i64 count",
        "i64 slot",
        returns="i64",
    )
    pairs = f.slot(8)
    f.store(0, pairs)
    with f.loop("%count") as i:
        ref = f.load(f.row("%results", i, _REF), "i32")
        place = f.op(f"zext i32 {f.load(f.row('%places', i, _REF), 'i32')} to i64")
        _meet(f, pairs, place, ref)
    f.leave(f"i64 {f.load(pairs)}")


def _meet(f: Function, pairs: Value, place: Value, ref: Value) -> None:
    """A point comes to its entry of the table: it waits there, or makes a pair with who does."""
    where = f.row("%table", place, _REF)
    other = f.load(where, "i32")
    met = f.compare("ne", other, _EMPTY, "i32")
    number = f.load(pairs)
    # −P ± Q = −(P ∓ Q): the left one's sign goes to the other one and to the sum
    sign = f.op(f"and i32 {other}, {-SIGN}")
    f.store(f.op(f"xor i32 {other}, {sign}"), f.row("%left", number, _REF), "i32")
    f.store(f.op(f"xor i32 {ref}, {sign}"), f.row("%right", number, _REF), "i32")
    slot = f.op(f"trunc i64 {f.add('%slot', number)} to i32")
    f.store(f.op(f"or i32 {slot}, {sign}"), f.row("%results", number, _REF), "i32")
    f.store(f.op(f"trunc i64 {place} to i32"), f.row("%places", number, _REF), "i32")
    f.store(f.select(met, _EMPTY, ref, "i32"), where, "i32")
    f.store(f.add(number, f.op(f"zext i1 {met} to i64")), pairs)


def _emit_thin_out(module: Module) -> None:
    """Removes results that are gone (opposite points), and clears their marks → how many stay."""
    f = module.function(
        "thin_out", "results", "places", "gone", "i64 count", "i64 size", returns="i64"
    )
    kept = f.slot(8)
    f.store(0, kept)
    with f.loop("%count") as i:
        number = f.load(kept)
        for name in ("%results", "%places"):
            f.store(f.load(f.row(name, i, _REF), "i32"), f.row(name, number, _REF), "i32")
        stays = f.compare("eq", f.load(f.at("%gone", i), "i8"), 0, "i8")
        f.store(f.add(number, f.op(f"zext i1 {stays} to i64")), kept)
    with f.loop("%size") as i:
        f.store(0, f.at("%gone", i), "i8")
    f.leave(f"i64 {f.load(kept)}")


def _emit_lines(module: Module) -> None:
    """`lines(out, lengths, table, windows, rows, columns)` → references.

    Groups for `reduce`: all rows of all windows of the table, then all columns of all windows.
    """
    f = module.function(
        "lines",
        "out",
        "lengths",
        "table",
        "i64 windows",
        "i64 rows",
        "i64 columns",
        returns="i64",
        export=True,
    )
    write, length = f.slot(8), f.slot(8)
    f.store(0, write)
    for across in (False, True):
        outer, inner = ("%columns", "%rows") if across else ("%rows", "%columns")
        before = f.mul("%windows", "%rows") if across else "0"
        with f.loop("%windows") as w:
            table = f.row("%table", f.mul(w, f.mul("%rows", "%columns")), _REF)
            with f.loop(outer) as a:
                f.store(0, length)
                with f.loop(inner) as b:
                    row, column = (b, a) if across else (a, b)
                    entry = f.load(f.row(table, f.add(f.mul(row, "%columns"), column), _REF), "i32")
                    known = f.op(f"zext i1 {f.compare('ne', entry, _EMPTY, 'i32')} to i64")
                    f.store(entry, f.row("%out", f.load(write), _REF), "i32")
                    f.store(f.add(f.load(write), known), write)
                    f.store(f.add(f.load(length), known), length)
                number = f.add(before, f.add(f.mul(w, outer), a))
                short = f.op(f"trunc i64 {f.load(length)} to i32")
                f.store(short, f.row("%lengths", number, _REF), "i32")
    f.leave(f"i64 {f.load(write)}")
