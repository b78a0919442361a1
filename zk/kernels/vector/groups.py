"""Sums of groups: the scheduling around `sums`, so that everything is batches of additions.

A *group* is a run of references (`zk.kernels.vector.sums`) whose points are to be added. `reduce`
halves all groups again and again, each round one list of disjoint pairs for the batch kernel, until
every group has one reference or none. Buckets are groups, and so are the rows, columns and bits by
which buckets are weighted; whatever the scalars are, the work is one addition for each reference
less one for each group. Nothing depends on luck: equal, opposite and repeated points only change
the vector they meet in.

    refs     uint32[total], the groups one after the other; overwritten
    spare    as much room again: rounds go from one to the other, and both hold the result
    counts   uint32[groups]; overwritten, 0 or 1 at the end
    base     arena: slots 0 and 1 hold dummies of different x, then tables, then room for sums
"""

from __future__ import annotations

from typing import Final

from zk.kernels.emit import Function, Module, Value
from zk.kernels.vector.sums import SIGN, Group

BLOCK: Final = 4096
"""Additions that share an inversion: their running products stay in the L2 cache."""
PAD: Final = 16
SLACK: Final = 32
"""References by which kernels may read and write beyond the end of their arrays."""
ROUNDS: Final = 32
NONE: Final = (1 << 32) - 1
DIGIT: Final = 2
_REF: Final = 4
_STEP: Final = 8
"""Pairs that are made at once."""


def emit_groups(module: Module) -> None:
    """What is the same for both groups of points."""
    _emit_pairs(module)
    _emit_drop(module)
    _emit_place(module)
    _emit_lines(module)


def emit_reduce(module: Module, group: Group) -> None:
    """`g_reduce(base, refs, spare, counts, groups, left, right, slot, …)` → first free slot."""
    f = module.function(
        f"{group.name}_reduce",
        "base",
        "refs",
        "spare",
        "counts",
        "i64 groups",
        "left",
        "right",
        "i64 slot",
        "scratch",
        "gone",
        returns="i64",
        export=True,
    )
    slot, source, target = f.slot(8), f.slot(8), f.slot(8)
    f.store("%slot", slot)
    f.store("%refs", source, "ptr")
    f.store("%spare", target, "ptr")
    with f.loop(ROUNDS):
        first = f.load(slot)
        before, after = f.load(source, "ptr"), f.load(target, "ptr")
        pairs = f.op(
            f"call i64 @pair_up(ptr {before}, ptr {after}, ptr %counts, i64 %groups, ptr %left, "
            f"ptr %right, i64 {first})"
        )
        with f.when(f.compare("eq", pairs, 0)):
            f.leave(f"i64 {first}")
        f.store(after, source, "ptr")
        f.store(before, target, "ptr")
        padded = f.op(f"and i64 {f.add(pairs, PAD - 1)}, {-PAD}")
        lost = f.slot(8)
        f.store(0, lost)
        blocks = f.op(f"udiv i64 {f.add(padded, BLOCK - 1)}, {BLOCK}")
        with f.loop(blocks) as b:
            start = f.mul(b, BLOCK)
            rest = f.sub(padded, start)
            size = f.select(f.compare("ult", rest, BLOCK), rest, BLOCK)
            found = f.op(
                f"call i64 @{group.name}_sum(ptr %base, ptr {f.row('%left', start, _REF)}, "
                f"ptr {f.row('%right', start, _REF)}, i64 {f.add(first, start)}, i64 {size}, "
                f"ptr %scratch, ptr {f.at('%gone', start)})"
            )
            f.store(f.add(f.load(lost), found), lost)
        with f.when(f.compare("ne", f.load(lost), 0)):
            f.do(
                f"call void @drop_gone(ptr {after}, ptr %counts, i64 %groups, ptr %gone, "
                f"i64 {first}, i64 {padded})"
            )
        f.store(f.add(first, padded), slot)
    f.leave(f"i64 {f.load(slot)}")


def _emit_pairs(module: Module) -> None:
    """Pairs of all groups → `left`, `right`, padded with dummies; groups become their sums.

    Steps of eight write beyond a group's end, where the next group writes afterwards.
    """
    f = module.function(
        "pair_up",
        "refs",
        "out",
        "counts",
        "i64 groups",
        "left",
        "right",
        "i64 slot",
        returns="i64",
    )
    read, write, pairs = f.slot(8), f.slot(8), f.slot(8)
    for cell in (read, write, pairs):
        f.store(0, cell)
    kind, wide = f"<{_STEP} x i32>", f"<{2 * _STEP} x i32>"
    numbers = f"<{', '.join(f'i32 {i}' for i in range(_STEP))}>"
    minus = f"<{', '.join([f'i32 {-SIGN}'] * _STEP)}>"

    def every_other(both: Value, start: int) -> Value:
        picks = ", ".join(f"i32 {start + 2 * i}" for i in range(_STEP))
        return f.op(f"shufflevector {wide} {both}, {wide} poison, {kind} <{picks}>")

    def keep(value: Value, pointer: Value) -> None:
        f.do(f"store {kind} {value}, ptr {pointer}, align {_REF}")

    with f.loop("%groups") as g:
        where = f.row("%counts", g, _REF)
        count = f.op(f"zext i32 {f.load(where, 'i32')} to i64")
        half = f.op(f"lshr i64 {count}, 1")
        source = f.row("%refs", f.load(read), _REF)
        target = f.row("%out", f.load(write), _REF)
        first = f.load(pairs)
        with f.loop(f.op(f"lshr i64 {f.add(half, _STEP - 1)}, 3")) as i:
            done = f.mul(i, _STEP)
            number = f.add(first, done)
            both = f.op(f"load {wide}, ptr {f.row(source, done, 2 * _REF)}, align {_REF}")
            one, other = every_other(both, 0), every_other(both, 1)
            # −P ± Q = −(P ∓ Q): the left one's sign goes to the other one and to the sum
            sign = f.op(f"and {kind} {one}, {minus}")
            keep(f.op(f"xor {kind} {one}, {sign}"), f.row("%left", number, _REF))
            keep(f.op(f"xor {kind} {other}, {sign}"), f.row("%right", number, _REF))
            slot = f.op(f"trunc i64 {f.add('%slot', number)} to i32")
            start = f.op(f"insertelement {kind} poison, i32 {slot}, i32 0")
            slots = f.op(f"shufflevector {kind} {start}, {kind} poison, {kind} zeroinitializer")
            result = f.op(f"or {kind} {f.op(f'add {kind} {slots}, {numbers}')}, {sign}")
            keep(result, f.row(target, done, _REF))
        odd = f.op(f"and i64 {count}, 1")
        with f.when(f.compare("ne", odd, 0)):
            last = f.load(f.row(source, f.sub(count, 1), _REF), "i32")
            f.store(last, f.row(target, half, _REF), "i32")
        left = f.add(half, odd)
        f.store(f.op(f"trunc i64 {left} to i32"), where, "i32")
        f.store(f.add(first, half), pairs)
        f.store(f.add(f.load(read), count), read)
        f.store(f.add(f.load(write), left), write)
    total = f.load(pairs)
    with f.loop(PAD) as i:
        f.store(0, f.row("%left", f.add(total, i), _REF), "i32")
        f.store(1, f.row("%right", f.add(total, i), _REF), "i32")
    f.leave(f"i64 {total}")


def _emit_drop(module: Module) -> None:
    """Removes the references to sums that are gone (opposite points), and clears their marks."""
    f = module.function(
        "drop_gone", "refs", "counts", "i64 groups", "gone", "i64 first", "i64 size"
    )
    read, write = f.slot(8), f.slot(8)
    f.store(0, read)
    f.store(0, write)
    with f.loop("%groups") as g:
        where = f.row("%counts", g, _REF)
        count = f.op(f"zext i32 {f.load(where, 'i32')} to i64")
        source = f.row("%refs", f.load(read), _REF)
        begin = f.load(write)
        with f.loop(count) as i:
            ref = f.load(f.row(source, i, _REF), "i32")
            index = f.op(f"zext i32 {f.op(f'and i32 {ref}, {SIGN - 1}')} to i64")
            number = f.sub(index, "%first")
            inside = f.compare("ult", number, "%size")
            safe = f.select(inside, number, 0)
            mark = f.compare("ne", f.load(f.at("%gone", safe), "i8"), 0, "i8")
            kept = f.op(f"xor i1 {f.op(f'and i1 {inside}, {mark}')}, true")
            f.store(ref, f.row("%refs", f.load(write), _REF), "i32")
            f.store(f.add(f.load(write), f.op(f"zext i1 {kept} to i64")), write)
        left = f.sub(f.load(write), begin)
        f.store(f.op(f"trunc i64 {left} to i32"), where, "i32")
        f.store(f.add(f.load(read), count), read)
    with f.loop("%size") as i:
        f.store(0, f.at("%gone", i), "i8")
    f.leave()


def _emit_place(module: Module) -> None:
    """`place(refs, counts, digits, n, half, first, cursors)` → references placed.

    Sorts n points by the size of their signed digits (`int16[n]`, 0 is left out) into `half`
    groups; point i is slot first + i, minus where its digit is negative. `refs` needs room for n:
    those with digit 0 come last, and nobody reads them. `cursors` is `uint32[half + 1]`.
    """
    f = module.function(
        "place",
        "refs",
        "counts",
        "digits",
        "i64 n",
        "i64 half",
        "i64 first",
        "cursors",
        returns="i64",
        export=True,
    )
    with f.loop(f.add("%half", 1)) as j:
        f.store(0, f.row("%cursors", j, _REF), "i32")
    with f.loop("%n") as i:
        _, where = _bucket(f, i)
        f.store(f.op(f"add i32 {f.load(where, 'i32')}, 1"), where, "i32")
    total = f.slot(8)
    f.store(0, total)
    with f.loop("%half") as j:
        where = f.row("%cursors", f.add(j, 1), _REF)
        count = f.load(where, "i32")
        f.store(count, f.row("%counts", j, _REF), "i32")
        f.store(f.op(f"trunc i64 {f.load(total)} to i32"), where, "i32")
        f.store(f.add(f.load(total), f.op(f"zext i32 {count} to i64")), total)
    f.store(f.op(f"trunc i64 {f.load(total)} to i32"), "%cursors", "i32")
    with f.loop("%n") as i:
        sign, where = _bucket(f, i)
        position = f.load(where, "i32")
        f.store(f.op(f"add i32 {position}, 1"), where, "i32")
        index = f.op(f"trunc i64 {f.add('%first', i)} to i32")
        target = f.row("%refs", f.op(f"zext i32 {position} to i64"), _REF)
        f.store(f.op(f"or i32 {index}, {f.op(f'and i32 {sign}, {-SIGN}')}"), target, "i32")
    f.leave(f"i64 {f.load(total)}")


def _bucket(f: Function, i: Value) -> tuple[Value, Value]:
    """(−1 or 0 by the sign, cursor of |digit|) of digit i."""
    digit = f.op(f"sext i16 {f.load(f.row('%digits', i, DIGIT), 'i16')} to i32")
    sign = f.op(f"ashr i32 {digit}, 31")
    size = f.op(f"sub i32 {f.op(f'xor i32 {digit}, {sign}')}, {sign}")
    return sign, f.row("%cursors", f.op(f"zext i32 {size} to i64"), _REF)


def _emit_lines(module: Module) -> None:
    """`lines(out, lengths, refs, counts, table, windows, rows, columns, half)` → references.

    `refs` and `counts` hold at most one sum for each of `half` buckets of each window. Bucket j
    is entry j + 1 of a table with rows and columns; groups are all rows of all windows, then all
    columns of all windows. `table` is `uint32[rows · columns]`.
    """
    f = module.function(
        "lines",
        "out",
        "lengths",
        "refs",
        "counts",
        "table",
        "i64 windows",
        "i64 rows",
        "i64 columns",
        "i64 half",
        returns="i64",
        export=True,
    )
    write, length, read = f.slot(8), f.slot(8), f.slot(8)
    f.store(0, write)
    for across in (False, True):
        f.store(0, read)
        outer, inner = ("%columns", "%rows") if across else ("%rows", "%columns")
        before = f.mul("%windows", "%rows") if across else "0"
        with f.loop("%windows") as w:
            with f.loop(f.mul("%rows", "%columns")) as j:
                f.store(NONE - (1 << 32), f.row("%table", j, _REF), "i32")
            with f.loop("%half") as j:
                number = f.load(read)
                count = f.load(f.row("%counts", f.add(f.mul(w, "%half"), j), _REF), "i32")
                filled = f.compare("ne", count, 0, "i32")
                ref = f.load(f.row("%refs", number, _REF), "i32")
                entry = f.select(filled, ref, NONE - (1 << 32), "i32")
                f.store(entry, f.row("%table", f.add(j, 1), _REF), "i32")
                f.store(f.add(number, f.op(f"zext i32 {count} to i64")), read)
            with f.loop(outer) as a:
                f.store(0, length)
                with f.loop(inner) as b:
                    row, column = (b, a) if across else (a, b)
                    place = f.add(f.mul(row, "%columns"), column)
                    entry = f.load(f.row("%table", place, _REF), "i32")
                    known = f.op(
                        f"zext i1 {f.compare('ne', entry, NONE - (1 << 32), 'i32')} to i64"
                    )
                    f.store(entry, f.row("%out", f.load(write), _REF), "i32")
                    f.store(f.add(f.load(write), known), write)
                    f.store(f.add(f.load(length), known), length)
                number = f.add(before, f.add(f.mul(w, outer), a))
                short = f.op(f"trunc i64 {f.load(length)} to i32")
                f.store(short, f.row("%lengths", number, _REF), "i32")
    f.leave(f"i64 {f.load(write)}")
