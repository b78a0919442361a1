"""Multi-scalar multiplication: Pippenger's bucket method with signed windows, and fixed bases.

    1. cut each scalar (any 256-bit integer) into W = ⌈257/c⌉ digits in [−2^(c−1), 2^(c−1))
    2. per window, add ±Pᵢ to the bucket of |dᵢ|             n mixed additions, none for dᵢ = 0
    3. per window, Σ j·bucketⱼ by running totals             2·2^(c−1) additions
    4. Horner over the windows                               c·W doublings

Cost ≈ W·(10·n + 14·2^c) field multiplications; c grows as log₂ n. The scalars 0 and 1 cost nothing
and one addition, whatever c is. Windows are independent: the caller spreads them over threads.
Digits are `int16[W, n]`, so c ≤ 16; a digit's bucket index is below 2^(c−1) by construction, hence
no scalar can make a kernel leave its buckets.
Variable time in scalars: for proving, never for long-term keys.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.emit import Function, Module, Value
from zk.kernels.field import SIZE
from zk.kernels.points import Group

SCALAR_BITS: Final = 256
MAX_WINDOW: Final = 16
DIGIT: Final = 2


def windows(c: int) -> int:
    """Digits of c bits that hold every 256-bit scalar with its last carry."""
    return -(-(SCALAR_BITS + 1) // c)


def emit_digits(module: Module) -> None:
    """`digits(out, scalars, n, c, count)`: out[w, i] = w-th signed digit of scalar i."""
    f = module.function("digits", "out", "scalars", "i64 n", "i64 c", "i64 count", export=True)
    padded = f.slot(SIZE + 16)
    carry = f.slot(8)
    f.store(0, f.at(padded, SIZE), "i128")
    base = f.op("shl i64 1, %c")
    mask = f.sub(base, 1)
    half = f.op(f"lshr i64 {base}, 1")
    with f.loop("%n") as i:
        f.copy(padded, f.row("%scalars", i, SIZE), SIZE)
        f.store(0, carry)
        with f.loop("%count") as w:
            bit = f.mul(w, "%c")
            word = f.load(f.at(padded, f.op(f"lshr i64 {bit}, 3")))
            shifted = f.op(f"lshr i64 {word}, {f.op(f'and i64 {bit}, 7')}")
            digit = f.add(f.op(f"and i64 {shifted}, {mask}"), f.load(carry))
            over = f.compare("uge", digit, half)
            f.store(f.op(f"zext i1 {over} to i64"), carry)
            signed = f.sub(digit, f.select(over, base, 0))
            short = f.op(f"trunc i64 {signed} to i16")
            where = f.row("%out", f.add(f.mul(w, "%n"), i), DIGIT)
            f.store(short, where, "i16")
    f.leave()


def bucket(f: Function, digit: Value) -> tuple[Value, Value]:
    """(whether negative, |digit| − 1) of a non-zero 64-bit digit."""
    negative = f.compare("slt", digit, 0)
    size = f.select(negative, f.sub("0", digit), digit)
    return negative, f.sub(size, 1)


def digit_at(f: Function, digits: Value, index: Value) -> Value:
    """One digit as a 64-bit number."""
    return f.op(f"sext i16 {f.load(f.row(digits, index, DIGIT), 'i16')} to i64")


def _add_signed(
    f: Function, group: Group, total: Value, point: Value, negative: Value, turned: Value
) -> None:
    """Adds ±point to total; `turned` is a slot for −y."""
    y = f.at(point, group.size)
    f.call(f"{group.field}_neg", turned, y)
    chosen = f.select(negative, turned, y, "ptr")
    f.call(f"{group.name}_mixed", total, total, point, chosen)


def emit_msm(module: Module, group: Group) -> None:
    """Window sums, their combination, and fixed-base multiplication of one group."""
    _emit_window(module, group)
    _emit_combine(module, group)
    _emit_table(module, group)
    _emit_fixed(module, group)


def _emit_window(module: Module, group: Group) -> None:
    """`g_window(out, points, digits, n, buckets, half)`: Σ digitᵢ·Pᵢ of one window, XYZZ."""
    f = module.function(
        f"{group.name}_window",
        "out",
        "points",
        "digits",
        "i64 n",
        "buckets",
        "i64 half",
        export=True,
    )
    turned, used = f.slot(group.size), f.slot(8)
    running = f.slot(group.xyzz)
    with f.loop("%half") as j:
        f.zero(f.row("%buckets", j, group.xyzz), group.xyzz)
    f.store(0, used)
    with f.loop("%n") as i:
        digit = digit_at(f, "%digits", i)
        with f.when(f.compare("ne", digit, 0)):
            point = f.row("%points", i, group.affine)
            present = f.op(f"xor i1 {f.ask(f'{group.name}_absent', point)}, true")
            with f.when(present):
                negative, index = bucket(f, digit)
                total = f.row("%buckets", index, group.xyzz)
                _add_signed(f, group, total, point, negative, turned)
                beyond = f.compare("ugt", f.add(index, 1), f.load(used))
                f.store(f.select(beyond, f.add(index, 1), f.load(used)), used)
    f.zero(running, group.xyzz)
    f.zero("%out", group.xyzz)
    with f.countdown(f.load(used)) as j:
        f.call(f"{group.name}_add", running, running, f.row("%buckets", j, group.xyzz))
        f.call(f"{group.name}_add", "%out", "%out", running)
    f.leave()


def _emit_combine(module: Module, group: Group) -> None:
    """`g_combine(out, sums, count, c)`: Σ 2^(c·w)·sum_w as one canonical affine row."""
    f = module.function(f"{group.name}_combine", "out", "sums", "i64 count", "i64 c", export=True)
    total, scratch = f.slot(group.xyzz), f.slot(group.size)
    f.zero(total, group.xyzz)
    with f.countdown("%count") as w:
        with f.loop("%c"):
            f.call(f"{group.name}_double", total, total)
        f.call(f"{group.name}_add", total, total, f.row("%sums", w, group.xyzz))
    f.do(f"call void @{group.name}_normalise(ptr %out, ptr {total}, i64 1, ptr {scratch})")
    f.leave()


def _emit_table(module: Module, group: Group) -> None:
    """`g_table(out, work, scratch, base, count, c)`: row w·2^(c−1) + j is (j + 1)·2^(c·w)·B.

    `work` holds as many XYZZ points as the table, `scratch` as many coordinates.
    """
    f = module.function(
        f"{group.name}_table", "out", "work", "scratch", "base", "i64 count", "i64 c", export=True
    )
    half = f.op(f"lshr i64 {f.op('shl i64 1, %c')}, 1")
    step = f.slot(group.xyzz)
    f.zero(step, group.xyzz)
    present = f.op(f"xor i1 {f.ask(f'{group.name}_absent', '%base')}, true")
    with f.when(present):
        f.call(f"{group.name}_mixed", step, step, "%base", f.at("%base", group.size))
    total = f.slot(group.xyzz)
    with f.loop("%count") as w:
        f.zero(total, group.xyzz)
        with f.loop(half) as j:
            f.call(f"{group.name}_add", total, total, step)
            f.copy(f.row("%work", f.add(f.mul(w, half), j), group.xyzz), total, group.xyzz)
        f.call(f"{group.name}_double", step, total)  # 2·2^(c−1)·2^(c·w)·B
    entries = f.mul("%count", half)
    f.do(f"call void @{group.name}_normalise(ptr %out, ptr %work, i64 {entries}, ptr %scratch)")
    f.leave()


def _emit_fixed(module: Module, group: Group) -> None:
    """`g_fixed(out, work, scratch, digits, stride, n, table, count, half)`: kᵢ·B, canonical.

    digits is `int16[count, stride]` from the first scalar of this share on.
    """
    f = module.function(
        f"{group.name}_fixed",
        "out",
        "work",
        "scratch",
        "digits",
        "i64 stride",
        "i64 n",
        "table",
        "i64 count",
        "i64 half",
        export=True,
    )
    turned = f.slot(group.size)
    with f.loop("%n") as i:
        total = f.row("%work", i, group.xyzz)
        f.zero(total, group.xyzz)
        with f.loop("%count") as w:
            digit = digit_at(f, "%digits", f.add(f.mul(w, "%stride"), i))
            with f.when(f.compare("ne", digit, 0)):
                negative, index = bucket(f, digit)
                point = f.row("%table", f.add(f.mul(w, "%half"), index), group.affine)
                present = f.op(f"xor i1 {f.ask(f'{group.name}_absent', point)}, true")
                with f.when(present):
                    _add_signed(f, group, total, point, negative, turned)
    f.do(f"call void @{group.name}_normalise(ptr %out, ptr %work, i64 %n, ptr %scratch)")
    f.leave()
