"""Sparse products over Fr: the rows of a matrix times a vector.

Entries v = R²·c, as keys store them, meet values w in standard form; a row gives Σ v·w/R, reduced.
Products are added up in nine limbs (`zk.kernels.wide`), one Montgomery reduction a row. Entries of
±1, which are R² and r − R², add or subtract w apart; one product with R² joins that sum at the end.
Most entries of a circuit's bits, selections and additions are such.

A row equal to one of the two before it is copied, or to the same row of another matrix beside it:
x⁵ is made of the rows x·x, x²·x² and x⁴·x, and x may have hundreds of entries in either matrix.

Bounds. Values are below r, or at least below 2r. A row of n products is below 2n·r²; its ninth limb
h, if it is not 0, is replaced: 2⁵¹² ≡ K mod r, so h·K takes the place of h·2⁵¹². Should that
overflow eight limbs by its single bit, the rest is below 2⁶⁴·r and takes another K. Four steps of
Montgomery then give less than (2⁵¹² + 2²⁵⁶·r)/2²⁵⁶ = R + r < 6.3r: minus 4r, 2r and r where that
is not negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zk.kernels.constants import FR
from zk.kernels.emit import Function, Module, Value
from zk.kernels.wide import LIMBS, WIDE, Accumulator

SIZE: Final = 32

_ONE: Final = FR.mont(FR.mont(1))
_MINUS_ONE: Final = FR.value - _ONE
_OVERFLOW: Final = (1 << 512) % FR.value
_LOOK_BACK: Final = (2, 1)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where a matrix and its product lie."""

    f: Function
    indptr: Value
    columns: Value
    values: Value
    out: Value

    def bounds(self, row: Value) -> tuple[Value, Value]:
        """First entry of a row, and first of the next."""
        f = self.f
        return f.load(f.row(self.indptr, row, 8)), f.load(f.row(self.indptr, f.add(row, 1), 8))

    def column(self, entry: Value) -> Value:
        return self.f.load(self.f.row(self.columns, entry, 8))

    def value(self, entry: Value) -> Value:
        return self.f.load(self.f.row(self.values, entry, SIZE), "i256")

    def product(self, row: Value) -> Value:
        """Address of a row's product."""
        return self.f.row(self.out, row, SIZE)


_MATRIX: Final = ("out", "indptr", "columns", "values")


def emit_sparse(module: Module) -> None:
    """`fr_sparse` and `fr_sparse_beside`."""
    module.constant("fr_square", [_ONE])
    for name in ("fr_sparse", "fr_sparse_beside"):
        _emit_product(module, name, beside=name == "fr_sparse_beside")


def _emit_product(module: Module, name: str, *, beside: bool) -> None:
    """Rows `from` … `to` − 1 of a CSR product; `columns` were checked against the vector.

    With `beside` there is another matrix of as many rows, whose product is known.
    """
    others = tuple(f"other_{part}" for part in _MATRIX) if beside else ()
    f = module.function(name, *_MATRIX, "vector", "i64 from", "i64 to", *others, export=True)
    matrix = _Rows(f, "%indptr", "%columns", "%values", "%out")
    other = _Rows(f, "%other_indptr", "%other_columns", "%other_values", "%other_out")
    total = Accumulator(f)
    units, seen, ready = f.slot(SIZE), f.slot(8), f.slot(8)
    with f.loop("%to", "%from") as i:
        row = matrix.product(i)
        f.store(0, ready)
        if beside:
            _copy_if_same(f, matrix, i, other, i, ready)
        for distance in _LOOK_BACK:
            inside = f.compare("uge", i, f.add("%from", distance))
            wanted = f.op(f"and i1 {inside}, {f.compare('eq', f.load(ready), 0)}")
            with f.when(wanted):
                _copy_if_same(f, matrix, i, matrix, f.sub(i, distance), ready)
        with f.when(f.compare("eq", f.load(ready), 0)):
            total.clear()
            f.zero(units, SIZE)
            f.store(0, seen)
            start, stop = matrix.bounds(i)
            with f.loop(stop, start) as k:
                _add_entry(f, k, total, units, seen)
            with f.when(f.compare("ne", f.load(seen), 0)):
                total.add_product(units, "@fr_square")
            reduce_total(f, total, row)
    f.leave()


def _copy_if_same(
    f: Function, matrix: _Rows, row: Value, other: _Rows, earlier: Value, ready: Value
) -> None:
    """Take an earlier product, and say so, if the row is the same."""
    start, stop = matrix.bounds(row)
    other_start, other_stop = other.bounds(earlier)
    count = f.sub(stop, start)
    as_long = f.compare("eq", f.sub(other_stop, other_start), count)
    position = f.slot(8)
    f.store(f.select(as_long, 0, -1), position)
    with f.repeat() as leave:
        k = f.load(position)
        leave(f.compare("uge", k, count))  # −1, too: of another length
        mine, theirs = f.add(start, k), f.add(other_start, k)
        leave(f.compare("ne", matrix.column(mine), other.column(theirs)))
        leave(f.compare("ne", matrix.value(mine), other.value(theirs), "i256"))
        f.store(f.add(k, 1), position)
    with f.when(f.compare("eq", f.load(position), count)):
        f.copy(matrix.product(row), other.product(earlier), SIZE)
        f.store(1, ready)


def _add_entry(f: Function, k: Value, total: Accumulator, units: Value, seen: Value) -> None:
    entry = f.row("%values", k, SIZE)
    operand = f.row("%vector", f.load(f.row("%columns", k, 8)), SIZE)
    value = f.load(entry, "i256")
    plus = f.compare("eq", value, _ONE, "i256")
    minus = f.compare("eq", value, _MINUS_ONE, "i256")
    unit = f.op(f"or i1 {plus}, {minus}")
    with f.when(unit):
        f.store(1, seen)
        with f.when(plus):
            f.call("fr_add", units, units, operand)
        with f.when(minus):
            f.call("fr_sub", units, units, operand)
    with f.when(f.op(f"xor i1 {unit}, true")):
        total.add_product(entry, operand)


def reduce_total(f: Function, total: Accumulator, out: Value) -> None:
    """Out = total/R, canonical, of any sum of products of four limbs each."""
    high = total.limb(WIDE - 1)
    total.set_limb(WIDE - 1, 0)
    with f.when(f.compare("ne", high, 0)):
        bit = total.add_scaled(high, _OVERFLOW)
        total.add_scaled(bit, _OVERFLOW)
    total.montgomery(FR, LIMBS)
    value = f.op(f"zext i64 {total.limb(WIDE - 1)} to i320")
    for i in reversed(range(LIMBS, WIDE - 1)):
        shifted = f.op(f"shl i320 {value}, 64")
        value = f.op(f"or i320 {shifted}, {f.op(f'zext i64 {total.limb(i)} to i320')}")
    for multiple in (4, 2, 1):
        less = f.op(f"sub i320 {value}, {multiple * FR.value}")
        value = f.select(f.compare("slt", less, 0, "i320"), value, less, "i320")
    f.store(f.op(f"trunc i320 {value} to i256"), out, "i256")
