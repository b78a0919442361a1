"""Sums of groups: the scheduling around `sums`, so that everything is batches of additions.

A *group* is a run of references (`zk.kernels.vector.sums`) whose points are to be added. `reduce`
halves all groups again and again, each round one list of disjoint pairs for the batch kernel, until
every group has one reference or none. Rows, columns and bits by which buckets are weighted are such
groups; buckets themselves are filled by `buckets`. The work is one addition for each reference less
one for each group. Nothing depends on luck: equal, opposite and repeated points only change the
vector they meet in.

    refs     uint32[total], the groups one after the other; overwritten
    spare    as much room again: rounds go from one to the other, and both hold the result
    counts   uint32[groups]; overwritten, 0 or 1 at the end
    base     arena: slots 0 and 1 hold dummies of different x, then tables, then room for sums
"""

from __future__ import annotations

from typing import Final

from zk.kernels.emit import Function, Module, Value
from zk.kernels.vector.sums import SIGN, Group

BLOCK: Final = 2048
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
        padded, lost = sum_pairs(f, group, first, pairs)
        with f.when(f.compare("ne", lost, 0)):
            f.do(
                f"call void @drop_gone(ptr {after}, ptr %counts, i64 %groups, ptr %gone, "
                f"i64 {first}, i64 {padded})"
            )
        f.store(f.add(first, padded), slot)
    f.leave(f"i64 {f.load(slot)}")


def sum_pairs(f: Function, group: Group, first: Value, pairs: Value) -> tuple[Value, Value]:
    """The sums of `left` and `right` to `first` on → (their number with dummies, how many vanish).

    The function has the parameters base, left, right, scratch and gone.
    """
    with f.loop(PAD) as i:
        f.store(0, f.row("%left", f.add(pairs, i), _REF), "i32")
        f.store(1, f.row("%right", f.add(pairs, i), _REF), "i32")
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
    return padded, f.load(lost)


def _emit_pairs(module: Module) -> None:
    """Pairs of all groups → `left`, `right`; groups become their sums.

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
    f.leave(f"i64 {f.load(pairs)}")


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
