"""Vectors over Fr in standard form, for shared secrets: linear combinations, products, inverses.

    fr_sum_rows    a + b
    fr_product_rows  a·b, two Montgomery products
    fr_combine     weights R·w times rows: one reduction for each value of the result
    fr_combine_wide  the same of integers of 320 bits, as pseudo-random functions give them
    fr_inverses    1/a, one inversion for all (Montgomery's trick)
    fr_raise       powers with one exponent, in windows of four bits

Bounds. `fr_combine` is a row of `zk.kernels.sparse`, whose reduction takes any sum. In
`fr_combine_wide` a product is below 2⁵⁷⁴, and k of them below k·2⁵⁷⁴; with six steps of Montgomery
the sum, to which less than 2³⁸⁴·r < 2⁶³⁸ was added, stays below 2⁶⁴⁰ for k ≤ 2⁶⁰, and the quotient
by 2³⁸⁴ below r + k·2¹⁹⁰: canonical after one subtraction of r for all k < 2⁶⁰.

A library of its own: small, compiled in a second, and needed by members of committees only.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

from zk.kernels import compile as compiler
from zk.kernels.constants import FR
from zk.kernels.emit import Module
from zk.kernels.field import SIZE, emit_field
from zk.kernels.loaded import Kernels, Signature
from zk.kernels.sparse import reduce_total
from zk.kernels.wide import LIMBS, Accumulator

WIDE_BYTES: Final = 40
"""Of an integer that `fr_combine_wide` takes."""
WIDE_STEPS: Final = 6
"""Of Montgomery's reduction: its weights are w·2³⁸⁴."""
WINDOW: Final = 4
"""Bits of a digit of an exponent."""

_WORD: Final = 8
_WIDE_LIMBS: Final = WIDE_BYTES // _WORD
_SIGNATURES: Final[dict[str, Signature]] = {
    "fr_sum_rows": ("pppnnn", None),
    "fr_product_rows": ("pppnnn", None),
    "fr_combine": ("pppnnnnn", None),
    "fr_combine_wide": ("pppnnnnn", None),
    "fr_inverses": ("ppn", None),
    "fr_raise": ("pppnnn", None),
}


def build() -> Module:
    """The IR."""
    module = Module()
    emit_field(module, FR)
    _emit_elementwise(module)
    _emit_combine(module)
    _emit_combine_wide(module)
    _emit_inverses(module)
    _emit_raise(module)
    return module


def recipe() -> compiler.Recipe:
    """How this library is made."""
    return compiler.Recipe("linear", build, passes=compiler.FULL)


def load(folder: Path | None = None) -> Kernels:
    """Compile, or take from the cache, and bind.

    Raises:
        BackendError: nothing can be compiled on this machine.
    """
    code = compiler.load_recipe(recipe(), tuple(_SIGNATURES), folder=folder)
    return Kernels(code, _SIGNATURES)


@functools.cache
def shared() -> Kernels:
    """The one library of this process."""
    return load()


def _emit_elementwise(module: Module) -> None:
    """Rows from … to − 1; step: bytes from one row of b to the next, 0 takes one row for all."""
    for name in ("fr_sum_rows", "fr_product_rows"):
        f = module.function(name, "out", "a", "b", "i64 step", "i64 from", "i64 to", export=True)
        with f.loop("%to", "%from") as i:
            row, a, b = f.row("%out", i, SIZE), f.row("%a", i, SIZE), f.at("%b", f.mul(i, "%step"))
            if name == "fr_sum_rows":
                f.call("fr_add", row, a, b)
            else:
                f.call("fr_mul", row, a, b)
                f.call("fr_mul", row, row, "@fr_square")
            f.call("fr_reduce", row, row)
        f.leave()


def _emit_combine(module: Module) -> None:
    """`fr_combine(out, weights, rows, terms, sums, n, from, to)`.

    out `[sums, n, 4]`, weights `[sums, terms, 4]`; rows are addresses of `terms` arrays `[n, 4]`.
    """
    f = module.function(
        "fr_combine", "out", "weights", "rows", "i64 terms", "i64 sums", "i64 n", "i64 from",
        "i64 to", export=True,
    )  # fmt: skip
    total = Accumulator(f)
    with f.loop("%sums") as q:
        first = f.mul(q, "%terms")
        start = f.mul(q, "%n")
        with f.loop("%to", "%from") as i:
            total.clear()
            with f.loop("%terms") as k:
                row = f.load(f.row("%rows", k, _WORD), "ptr")
                weight = f.row("%weights", f.add(first, k), SIZE)
                total.add_product(weight, f.row(row, i, SIZE))
            reduce_total(f, total, f.row("%out", f.add(start, i), SIZE))
    f.leave()


def _emit_combine_wide(module: Module) -> None:
    """`fr_combine_wide(out, weights, rows, terms, each, n, from, to)`.

    out `[n, 4]`, weights `[terms, each, 4]`, rows `[terms, n, each]` of 40 bytes.
    """
    f = module.function(
        "fr_combine_wide", "out", "weights", "rows", "i64 terms", "i64 each", "i64 n", "i64 from",
        "i64 to", export=True,
    )  # fmt: skip
    total = Accumulator(f, _WIDE_LIMBS)
    with f.loop("%to", "%from") as i:
        total.clear()
        with f.loop("%terms") as k:
            place = f.mul(f.add(f.mul(k, "%n"), i), "%each")
            first = f.mul(k, "%each")
            with f.loop("%each") as m:
                weight = f.row("%weights", f.add(first, m), SIZE)
                total.add_product(weight, f.row("%rows", f.add(place, m), WIDE_BYTES))
        total.montgomery(FR, WIDE_STEPS)
        out = f.row("%out", i, SIZE)
        for limb in range(LIMBS):
            f.store(total.limb(WIDE_STEPS + limb), f.at(out, _WORD * limb))
        f.call("fr_reduce", out, out)
    f.leave()


def _emit_inverses(module: Module) -> None:
    """`fr_inverses(out, a, n)`: 1/a of standard rows, none of them 0; out and a are apart.

    A row a stands for a/R in Montgomery form, whose inverse R/a is stored as R²/a; one product with
    1/R takes it back.
    """
    back = module.constant("fr_back", [pow(FR.mont(1), -1, FR.value)])
    f = module.function("fr_inverses", "out", "a", "i64 n", export=True)
    total = f.slot(SIZE)
    f.copy(total, "@fr_one", SIZE)
    with f.loop("%n") as i:
        f.copy(f.row("%out", i, SIZE), total, SIZE)
        f.call("fr_mul", total, total, f.row("%a", i, SIZE))
    f.call("fr_inv", total, total)
    with f.countdown("%n") as i:
        row = f.row("%out", i, SIZE)
        f.call("fr_mul", row, row, total)
        f.call("fr_mul", row, row, back)
        f.call("fr_reduce", row, row)
        f.call("fr_mul", total, total, f.row("%a", i, SIZE))
    f.leave()


def _emit_raise(module: Module) -> None:
    """`fr_raise(out, a, digits, count, from, to)`: a^e of Montgomery rows.

    Args of the kernel: digits of e in bytes, the highest first; out and a may be one array.
    """
    f = module.function(
        "fr_raise", "out", "a", "digits", "i64 count", "i64 from", "i64 to", export=True
    )
    entries = 1 << WINDOW
    table, total = f.slot(entries * SIZE), f.slot(SIZE)
    with f.loop("%to", "%from") as i:
        source = f.row("%a", i, SIZE)
        f.copy(table, "@fr_one", SIZE)
        for entry in range(1, entries):
            place = f.at(table, entry * SIZE)
            f.call("fr_mul", place, f.at(table, (entry - 1) * SIZE), source)
        f.copy(total, "@fr_one", SIZE)
        with f.loop("%count") as k:
            for _ in range(WINDOW):
                f.call("fr_mul", total, total, total)
            digit = f.op(f"zext i8 {f.load(f.at('%digits', k), 'i8')} to i64")
            f.call("fr_mul", total, total, f.row(table, digit, SIZE))
        f.call("fr_reduce", f.row("%out", i, SIZE), total)
    f.leave()
