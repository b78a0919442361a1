"""Sums of groups: the scheduling around `sums`, so that everything is batches of additions.

A *group* is a run of references (`zk.kernels.vector.sums`) whose points are to be added. `reduce`
halves all groups again and again, each round one list of disjoint pairs for the batch kernel, until
every group has one reference or none. Buckets are groups, and so are the rows, columns and bits by
which buckets are weighted; whatever the scalars are, the work is one addition for each reference
less one for each group. Nothing depends on luck: equal, opposite and repeated points only change
the vector they meet in.

    refs     uint32[total], the groups one after the other; overwritten
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
ROUNDS: Final = 32
NONE: Final = (1 << 32) - 1
DIGIT: Final = 2
_REF: Final = 4


def emit_groups(module: Module) -> None:
    """What is the same for both groups of points."""
    _emit_pairs(module)
    _emit_drop(module)
    _emit_place(module)


def emit_reduce(module: Module, group: Group) -> None:
    """`g_reduce(base, refs, counts, groups, left, right, slot, …)` → first free slot."""
    f = module.function(
        f"{group.name}_reduce",
        "base",
        "refs",
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
    slot = f.slot(8)
    f.store("%slot", slot)
    with f.loop(ROUNDS):
        first = f.load(slot)
        pairs = f.op(
            "call i64 @pair_up(ptr %refs, ptr %counts, i64 %groups, ptr %left, ptr %right, "
            f"i64 {first})"
        )
        with f.when(f.compare("eq", pairs, 0)):
            f.leave(f"i64 {first}")
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
                "call void @drop_gone(ptr %refs, ptr %counts, i64 %groups, ptr %gone, "
                f"i64 {first}, i64 {padded})"
            )
        f.store(f.add(first, padded), slot)
    f.leave(f"i64 {f.load(slot)}")


def _emit_pairs(module: Module) -> None:
    """Pairs of all groups → `left`, `right`, padded with dummies; groups become their sums."""
    f = module.function(
        "pair_up", "refs", "counts", "i64 groups", "left", "right", "i64 slot", returns="i64"
    )
    read, write, pairs = f.slot(8), f.slot(8), f.slot(8)
    for cell in (read, write, pairs):
        f.store(0, cell)
    with f.loop("%groups") as g:
        where = f.row("%counts", g, _REF)
        count = f.op(f"zext i32 {f.load(where, 'i32')} to i64")
        half = f.op(f"lshr i64 {count}, 1")
        source = f.row("%refs", f.load(read), _REF)
        target = f.row("%refs", f.load(write), _REF)
        first = f.load(pairs)
        with f.loop(half) as i:
            pair = f.row(source, i, 2 * _REF)
            number = f.add(first, i)
            one, other = f.load(pair, "i32"), f.load(f.at(pair, _REF), "i32")
            # −P ± Q = −(P ∓ Q): the left one's sign goes to the other one and to the sum
            sign = f.op(f"and i32 {one}, {-SIGN}")
            f.store(f.op(f"xor i32 {one}, {sign}"), f.row("%left", number, _REF), "i32")
            f.store(f.op(f"xor i32 {other}, {sign}"), f.row("%right", number, _REF), "i32")
            result = f.op(f"trunc i64 {f.add('%slot', number)} to i32")
            f.store(f.op(f"or i32 {result}, {sign}"), f.row(target, i, _REF), "i32")
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
    """`place(refs, counts, digits, n, half, first)` → references placed.

    Sorts n points by the size of their signed digits (`int16[n]`, 0 is left out) into `half`
    groups; point i is slot first + i, minus where its digit is negative. `refs` needs room for n.
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
    with f.loop("%half") as j:
        f.store(0, f.row("%counts", j, _REF), "i32")
    with f.loop("%n") as i:
        _, bucket, used = _bucket(f, i)
        where = f.row("%counts", bucket, _REF)
        f.store(f.op(f"add i32 {f.load(where, 'i32')}, {used}"), where, "i32")
    total = f.slot(8)
    f.store(0, total)
    with f.loop("%half") as j:
        f.store(f.op(f"trunc i64 {f.load(total)} to i32"), f.row("%cursors", j, _REF), "i32")
        count = f.op(f"zext i32 {f.load(f.row('%counts', j, _REF), 'i32')} to i64")
        f.store(f.add(f.load(total), count), total)
    with f.loop("%n") as i:
        negative, bucket, used = _bucket(f, i)
        with f.when(f.compare("ne", used, 0, "i32")):
            where = f.row("%cursors", bucket, _REF)
            position = f.load(where, "i32")
            f.store(f.op(f"add i32 {position}, 1"), where, "i32")
            index = f.op(f"trunc i64 {f.add('%first', i)} to i32")
            ref = f.op(f"or i32 {index}, {f.select(negative, -SIGN, 0, 'i32')}")
            target = f.row("%refs", f.op(f"zext i32 {position} to i64"), _REF)
            f.store(ref, target, "i32")
    f.leave(f"i64 {f.load(total)}")


def _bucket(f: Function, i: Value) -> tuple[Value, Value, Value]:
    """(whether negative, bucket of |digit|, whether not zero as i32) of digit i."""
    digit = f.op(f"sext i16 {f.load(f.row('%digits', i, DIGIT), 'i16')} to i64")
    negative = f.compare("slt", digit, 0)
    size = f.select(negative, f.sub("0", digit), digit)
    used = f.compare("ne", digit, 0)
    bucket = f.select(used, f.sub(size, 1), 0)
    return negative, bucket, f.op(f"zext i1 {used} to i32")
