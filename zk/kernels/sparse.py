"""Sparse products over Fr: the rows of a matrix times a vector.

Entries v = R²·c, as keys store them, meet values w in standard form; a row gives Σ v·w/R, reduced.
Products are added up in nine limbs (`zk.kernels.wide`), one Montgomery reduction a row. Entries of
±1, which are R² and r − R², add or subtract w apart; one product with R² joins that sum at the end.
Most entries of a circuit's bits, selections and additions are such.

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
    units, seen = f.slot(SIZE), f.slot(8)
    with f.loop("%to", "%from") as i:
        start = f.load(f.row("%indptr", i, 8))
        stop = f.load(f.row("%indptr", f.add(i, 1), 8))
        total.clear()
        f.zero(units, SIZE)
        f.store(0, seen)
        with f.loop(stop, start) as k:
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
        with f.when(f.compare("ne", f.load(seen), 0)):
            total.add_product(units, "@fr_square")
        _reduce(f, total, f.row("%out", i, SIZE))
    f.leave()


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
