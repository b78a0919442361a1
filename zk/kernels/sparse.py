"""Sparse products over Fr: the rows of a matrix times a vector.

Entries v = R²·c, as keys store them, meet values w in standard form; a row gives Σ v·w/R, reduced.
Products are added up in nine limbs (`zk.kernels.wide`), one Montgomery reduction a row. Entries of
±1, which are R² and r − R², add or subtract w apart; one product with R² joins that sum at the end.
Most entries of a circuit's bits, selections and additions are such.

A row equal to one of the two before it is copied: x⁵ is made of the rows x·x, x²·x² and x⁴·x, and x
may have hundreds of entries.

Bounds. Values are below r, or at least below 2r. A row of n products is below 2n·r²; its ninth limb
h, if it is not 0, is replaced: 2⁵¹² ≡ K mod r, so h·K takes the place of h·2⁵¹². Should that
overflow eight limbs by its single bit, the rest is below 2⁶⁴·r and takes another K. Four steps of
Montgomery then give less than (2⁵¹² + 2²⁵⁶·r)/2²⁵⁶ = R + r < 6.3r: minus 4r, 2r and r where that
is not negative.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FR
from zk.kernels.emit import Function, Module, Value
from zk.kernels.wide import LIMBS, WIDE, Accumulator

SIZE: Final = 32

_ONE: Final = FR.mont(FR.mont(1))
_MINUS_ONE: Final = FR.value - _ONE
_OVERFLOW: Final = (1 << 512) % FR.value
_LOOK_BACK: Final = (2, 1)


def emit_sparse(module: Module) -> None:
    """Rows `from` … `to` − 1 of a CSR product; `columns` were checked against the vector."""
    module.constant("fr_square", [_ONE])
    f = module.function(
        "fr_sparse",
        "out",
        "indptr",
        "columns",
        "values",
        "vector",
        "i64 from",
        "i64 to",
        export=True,
    )
    total = Accumulator(f)
    units, seen, ready = f.slot(SIZE), f.slot(8), f.slot(8)
    with f.loop("%to", "%from") as i:
        start, stop = _bounds(f, i)
        row = f.row("%out", i, SIZE)
        f.store(0, ready)
        for distance in _LOOK_BACK:
            earlier = f.sub(i, distance)
            inside = f.compare("uge", i, f.add("%from", distance))
            wanted = f.op(f"and i1 {inside}, {f.compare('eq', f.load(ready), 0)}")
            with f.when(wanted):
                same = _is_same_row(f, start, stop, *_bounds(f, earlier))
                with f.when(same):
                    f.copy(row, f.row("%out", earlier, SIZE), SIZE)
                    f.store(1, ready)
        with f.when(f.compare("eq", f.load(ready), 0)):
            total.clear()
            f.zero(units, SIZE)
            f.store(0, seen)
            with f.loop(stop, start) as k:
                _add_entry(f, k, total, units, seen)
            with f.when(f.compare("ne", f.load(seen), 0)):
                total.add_product(units, "@fr_square")
            _reduce(f, total, row)
    f.leave()


def _bounds(f: Function, row: Value) -> tuple[Value, Value]:
    """First entry of a row, and first of the next."""
    return f.load(f.row("%indptr", row, 8)), f.load(f.row("%indptr", f.add(row, 1), 8))


def _is_same_row(f: Function, start: Value, stop: Value, other: Value, end: Value) -> Value:
    """Whether two rows, given by the bounds of their entries, are equal."""
    count = f.sub(stop, start)
    as_long = f.compare("eq", f.sub(end, other), count)
    position = f.slot(8)
    f.store(f.select(as_long, 0, -1), position)
    with f.repeat() as leave:
        k = f.load(position)
        leave(f.compare("uge", k, count))  # −1, too: of another length
        left, right = f.add(start, k), f.add(other, k)
        mine, theirs = (f.load(f.row("%columns", x, 8)) for x in (left, right))
        leave(f.compare("ne", mine, theirs))
        mine, theirs = (f.load(f.row("%values", x, SIZE), "i256") for x in (left, right))
        leave(f.compare("ne", mine, theirs, "i256"))
        f.store(f.add(k, 1), position)
    return f.compare("eq", f.load(position), count)


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


def _reduce(f: Function, total: Accumulator, out: Value) -> None:
    """Out = total/R, canonical."""
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
