"""Multiples of one base by many scalars: what surrounds the sums of groups (`groups`).

A table holds j·2^(c·w)·B for all windows w and 1 ≤ j ≤ 2^(c−1), so a multiple is the sum of one
entry for each digit that is not zero: a group of references, and many multiples are groups whose
additions share inversions: six products an addition instead of the ten of a mixed one.

    fixed_refer   digits → references and how many each group has
    g_rows        sums → canonical rows
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FP, MONTGOMERY_BITS
from zk.kernels.emit import Module
from zk.kernels.vector.canonical import canonical
from zk.kernels.vector.groups import DIGIT
from zk.kernels.vector.lanes import Lanes, settled
from zk.kernels.vector.sums import ROW, SIGN, Group

SIGNATURES: Final = {
    "fixed_refer": ("ppnpnnnn", None),
    "g1_rows": ("pppn", None),
    "g2_rows": ("pppn", None),
}

_REF: Final = 4


def emit_refer(module: Module) -> None:
    """`fixed_refer(refs, counts, n, digits, stride, windows, half, first)`.

    digits is `int16[windows, stride]` from the first of n scalars on, |digit| ≤ half; the entry for
    digit j of window w is slot first + w·half + j − 1. refs needs room for n·windows + 1.
    """
    f = module.function(
        "fixed_refer", "refs", "counts", "i64 n", "digits", "i64 stride", "i64 windows", "i64 half",
        "i64 first", export=True,
    )  # fmt: skip
    total, count = f.slot(8), f.slot(8)
    f.store(0, total)
    with f.loop("%n") as i:
        f.store(0, count)
        with f.loop("%windows") as w:
            where = f.row("%digits", f.add(f.mul(w, "%stride"), i), DIGIT)
            digit = f.op(f"sext i16 {f.load(where, 'i16')} to i64")
            negative = f.compare("slt", digit, 0)
            size = f.select(negative, f.sub("0", digit), digit)
            slot = f.add(f.add("%first", f.mul(w, "%half")), f.sub(size, 1))
            index = f.op(f"trunc i64 {slot} to i32")
            ref = f.op(f"or i32 {index}, {f.select(negative, -SIGN, 0, 'i32')}")
            # written in any case, kept only where the digit is not zero
            f.store(ref, f.row("%refs", f.load(total), _REF), "i32")
            used = f.op(f"zext i1 {f.compare('ne', digit, 0)} to i64")
            f.store(f.add(f.load(total), used), total)
            f.store(f.add(f.load(count), used), count)
        short = f.op(f"trunc i64 {f.load(count)} to i32")
        f.store(short, f.row("%counts", i, _REF), "i32")
    f.leave()


def emit_rows(module: Module, lanes: type[Lanes], group: Group) -> None:
    """`g_rows(out, base, refs, n)`: ±base[ref] as canonical rows; n is a multiple of the lanes."""
    f = module.function(f"{group.name}_rows", "out", "base", "refs", "i64 n", export=True)
    k = lanes(f, FP)
    k.begin()
    shift = k.constant((1 << MONTGOMERY_BITS) % k.p)
    kind = f"<{k.width} x i32>"
    parts = group.record // ROW
    with f.loop(f.op(f"udiv i64 %n, {k.width}")) as v:
        first = f.mul(v, k.width)
        refs = f.op(f"load {kind}, ptr {f.row('%refs', first, _REF)}, align 4")
        signs = f.op(f"icmp slt {kind} {refs}, zeroinitializer")
        points = []
        for lane in range(k.width):
            ref = f.op(f"extractelement {kind} {refs}, i32 {lane}")
            index = f.op(f"zext i32 {f.op(f'and i32 {ref}, {SIGN - 1}')} to i64")
            points.append(f.row("%base", index, group.record))
        out = f.row("%out", first, group.record)
        for part in range(parts):
            words = k.gather([f.at(p, ROW * part) for p in points], 4)
            value = k.unpack(words, settled(k.p))
            if 2 * part >= parts:
                value = k.neg_where(signs, value)
            rows = canonical(k, k.mul(value, shift))
            k.scatter(rows, [f.at(out, group.record * i + ROW * part) for i in range(k.width)])
    k.end()
    f.leave()
