"""Poseidon's permutation as a kernel: many states at once, in the sparse form of `zk.hash`.

The rounds are the same whatever an element is, so their control flow is written once here
(`emit_rounds`) and calls four functions of an arithmetic, this file's own over four 64-bit limbs or
that of vector lanes (`zk.kernels.vector.poseidon`):

    power (out, x, c)         out = (x + c)⁵
    row   (out, x, m, i64 t)  out = Σ mᵢ·xᵢ over t elements
    step  (x, s, w)           x = x + w·s
    shrink(x)                 the same residue, small again; called every `STRIDE` steps

Constants come as one array of the caller's, in the order in which rounds read them (`layout`), in a
form of the arithmetic's: t is a parameter, and one piece of code serves all widths.

Rows in four limbs add t products up in nine limbs before one reduction of five steps divides by
2³²⁰, which is why matrices are stored as m·2³²⁰ (see `zk.kernels.tape`): with t ≤ 17, below 2r.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from zk.kernels.constants import FR, LIMB_BITS
from zk.kernels.emit import Function, Module, Value
from zk.kernels.field import LIMBS, SIZE
from zk.kernels.wide import Accumulator

MAX_WIDTH: Final = 17
STRIDE: Final = 16
"""Partial rounds between two reductions of the lanes that are only added to; a power of two."""
MATRIX_BITS: Final = LIMB_BITS * (LIMBS + 1)
"""Entries of matrices are multiplied by 2 to this power, in four limbs."""

_STEPS: Final = LIMBS + 1

Rows = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Form:
    """An arithmetic, as the rounds see it.

    Attributes:
        prefix: of its functions' names.
        element: bytes of an element of the state.
        constant: bytes of a constant.
    """

    prefix: str
    element: int
    constant: int


SCALAR: Final = Form("fr_poseidon", SIZE, SIZE)


def layout(
    mds: Rows,
    pre: Rows,
    full: Rows,
    partial: Sequence[int],
    rows: Rows,
    columns: Rows,
) -> Iterator[tuple[int, bool]]:
    """Constants in the order of the rounds, each with whether `row` multiplies by it.

    Both matrices; t constants of each full round; of each partial round its constant, its row (t)
    and its column (t − 1). Names are those of `zk.hash.poseidon_constants.SparseForm`.
    """
    for matrix in (mds, pre):
        yield from ((value, True) for line in matrix for value in line)
    yield from ((value, False) for line in full for value in line)
    for value, row, column in zip(partial, rows, columns, strict=True):
        yield value, False
        yield from ((entry, True) for entry in row)
        yield from ((entry, False) for entry in column)


def emit_rounds(module: Module, form: Form) -> None:
    """`{prefix}_rounds(x, y, constants, t, half, partial)`: all rounds but the last's matrix rows.

    x and y hold t elements each. Ends with the first element of the result in y; the others are
    not computed, since a hash is one element.
    """
    _emit_full(module, form)
    _emit_partial(module, form)
    name, element, constant = form.prefix, form.element, form.constant
    f = module.function(
        f"{name}_rounds", "x", "y", "constants", "i64 t", "i64 half", "i64 partial",
        attributes="noinline",
    )  # fmt: skip
    square = f.mul("%t", "%t")
    pre = f.row("%constants", square, constant)
    full = f.row(pre, square, constant)
    span = f.mul("%t", constant)
    rounds = f.at(full, f.mul(span, f.op("shl i64 %half, 1")))
    last = f.sub("%half", 1)

    def run(first: Value, source: Value, target: Value, matrix: Value, count: Value) -> None:
        constants = f.at(full, f.mul(span, first))
        pointers = ", ".join(f"ptr {p}" for p in (source, target, constants, matrix))
        f.do(f"call void @{name}_full({pointers}, i64 %t, i64 {count})")

    def twice(first: Value) -> None:
        """`last` full rounds from a number on, x to x."""
        with f.loop(last) as i:
            run(f.add(first, i), "%x", "%y", "%constants", "%t")
            with f.loop("%t") as j:
                _copy(f, f.row("%x", j, element), f.row("%y", j, element), element)

    twice("0")
    run(last, "%x", "%y", pre, "%t")
    f.do(f"call void @{name}_partial(ptr %y, ptr {rounds}, i64 %t, i64 %partial)")
    with f.loop("%t") as j:
        _copy(f, f.row("%x", j, element), f.row("%y", j, element), element)
    twice("%half")
    run(f.add("%half", last), "%x", "%y", "%constants", "1")
    f.leave()


def _copy(f: Function, out: Value, source: Value, size: int) -> None:
    """`size` bytes, a multiple of 32."""
    for offset in range(0, size, SIZE):
        f.store(f.load(f.at(source, offset), "<4 x i64>"), f.at(out, offset), "<4 x i64>")


def _emit_full(module: Module, form: Form) -> None:
    """Y = the first `count` elements of matrix·(x + constants)⁵; x is overwritten."""
    f = module.function(
        f"{form.prefix}_full", "x", "y", "constants", "matrix", "i64 t", "i64 count",
        attributes="noinline",
    )  # fmt: skip
    with f.loop("%t") as i:
        x = f.row("%x", i, form.element)
        f.call(f"{form.prefix}_power", x, x, f.row("%constants", i, form.constant))
    with f.loop("%count") as i:
        row = f.row("%matrix", f.mul(i, "%t"), form.constant)
        out = f.row("%y", i, form.element)
        f.do(f"call void @{form.prefix}_row(ptr {out}, ptr %x, ptr {row}, i64 %t)")
    f.leave()


def _emit_partial(module: Module, form: Form) -> None:
    """All partial rounds on x, in place."""
    f = module.function(
        f"{form.prefix}_partial", "x", "constants", "i64 t", "i64 count", attributes="noinline"
    )
    first, power = f.aligned(form.element), f.aligned(form.element)
    with f.loop("%count") as i:
        record = f.row("%constants", f.mul(i, "%t"), 2 * form.constant)
        due = f.compare("eq", f.op(f"and i64 {i}, {STRIDE - 1}"), 0)
        with f.when(due), f.loop("%t", 1) as j:
            f.call(f"{form.prefix}_shrink", f.row("%x", j, form.element))
        f.call(f"{form.prefix}_power", power, "%x", record)
        _copy(f, "%x", power, form.element)
        row = f.at(record, form.constant)
        f.do(f"call void @{form.prefix}_row(ptr {first}, ptr %x, ptr {row}, i64 %t)")
        column = f.row(record, "%t", form.constant)  # the entry of lane 1 lies one further
        with f.loop("%t", 1) as j:
            weight = f.row(column, j, form.constant)
            f.call(f"{form.prefix}_step", f.row("%x", j, form.element), power, weight)
        _copy(f, "%x", first, form.element)
    f.leave()


# -- four limbs -----------------------------------------------------------------------------------


def emit_poseidon(module: Module) -> None:
    """`fr_poseidon(out, inputs, n, tag, constants, t, half, partial)`.

    out `[n, 4]` and inputs `[n, t − 1, 4]` in standard form, below r; tag and constants that are
    added in Montgomery form. Needs `fr_square` of `zk.kernels.tape`.
    """
    _emit_arithmetic(module)
    emit_rounds(module, SCALAR)
    f = module.function(
        "fr_poseidon", "out", "inputs", "i64 n", "tag", "constants", "i64 t", "i64 half",
        "i64 partial", export=True,
    )  # fmt: skip
    x, y = (f.aligned(MAX_WIDTH * SIZE) for _ in range(2))
    width = f.sub("%t", 1)
    with f.loop("%n") as i:
        f.copy(x, "%tag", SIZE)
        inputs = f.row("%inputs", f.mul(i, width), SIZE)
        with f.loop(width) as j:
            f.call("fr_mul", f.row(f.at(x, SIZE), j, SIZE), f.row(inputs, j, SIZE), "@fr_square")
        f.do(
            f"call void @fr_poseidon_rounds(ptr {x}, ptr {y}, ptr %constants, i64 %t, i64 %half, "
            "i64 %partial)"
        )
        f.call("fr_plain", f.row("%out", i, SIZE), y)
    f.leave()


def _emit_arithmetic(module: Module) -> None:
    f = module.function("fr_poseidon_power", "out", "x", "c", attributes="noinline")
    base, square = f.slot(SIZE), f.slot(SIZE)
    f.call("fr_add", base, "%x", "%c")
    f.call("fr_mul", square, base, base)
    f.call("fr_mul", square, square, square)
    f.call("fr_mul", "%out", square, base)
    f.leave()

    f = module.function("fr_poseidon_row", "out", "x", "m", "i64 t", attributes="noinline")
    total = Accumulator(f)
    with f.loop("%t") as j:
        total.add_product(f.row("%x", j, SIZE), f.row("%m", j, SIZE))
    total.montgomery(FR, _STEPS)
    for i in range(LIMBS):
        f.store(total.limb(_STEPS + i), f.at("%out", 8 * i))
    f.leave()

    f = module.function("fr_poseidon_step", "x", "s", "w", attributes="noinline")
    product = f.slot(SIZE)
    f.call("fr_mul", product, "%s", "%w")
    f.call("fr_add", "%x", "%x", product)
    f.leave()

    f = module.function("fr_poseidon_shrink", "x", attributes="alwaysinline")
    f.leave()  # sums are reduced at once
