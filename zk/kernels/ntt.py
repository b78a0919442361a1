"""Vectors over Fr: transform, products, differences, powers.

The transform is Cooley–Tukey in radix 2, decimation in time: rows are copied in bit-reversed order,
then log₂ n layers of n/2 butterflies (u, v) ↦ (u + t·v, u − t·v) follow in place. Layer s joins
blocks of h = 2ˢ rows; its butterfly b lies in block ⌊b/h⌋ at place j = b mod h and uses
t = ω^(j·n/2h). A range of butterflies that is a multiple of h touches only its own rows, so
threads take ranges of the lower layers whole, and then each upper layer in turn.

Values are lazy, < 2r, between layers (`zk.kernels.field`); the other functions take values < r (or
lazy ones) and return canonical rows.
"""

from __future__ import annotations

from zk.kernels.emit import Module
from zk.kernels.field import SIZE


def emit_vectors(module: Module) -> None:
    """Everything over Fr that takes whole arrays."""
    _emit_transform(module)
    _emit_products(module)


def _emit_transform(module: Module) -> None:
    # shift = 64 − log₂ n; n ≥ 2
    f = module.function("fr_bit_reversed", "out", "values", "i64 n", "i64 shift", export=True)
    with f.loop("%n") as i:
        mirrored = f.op(f"call i64 @llvm.bitreverse.i64(i64 {i})")
        target = f.op(f"lshr i64 {mirrored}, %shift")
        f.copy(f.row("%out", target, SIZE), f.row("%values", i, SIZE), SIZE)
    f.leave()

    # layers first … last − 1, butterflies from … to − 1, of a transform of 2^log rows
    f = module.function(
        "fr_layers",
        "values",
        "twiddles",
        "i64 log",
        "i64 first",
        "i64 last",
        "i64 from",
        "i64 to",
        export=True,
    )
    product = f.slot(SIZE)
    with f.loop("%last", "%first") as s:
        half = f.op(f"shl i64 1, {s}")
        mask = f.sub(half, 1)
        stride = f.op(f"sub i64 {f.sub('%log', 1)}, {s}")
        with f.loop("%to", "%from") as b:
            j = f.op(f"and i64 {b}, {mask}")
            low = f.row("%values", f.sub(f.op(f"shl i64 {b}, 1"), j), SIZE)
            high = f.row(low, half, SIZE)
            twiddle = f.row("%twiddles", f.op(f"shl i64 {j}, {stride}"), SIZE)
            f.call("fr_mul", product, high, twiddle)
            f.call("fr_sub", high, low, product)
            f.call("fr_add", low, low, product)
    f.leave()

    f = module.function("fr_reduce_rows", "values", "i64 n", export=True)
    with f.loop("%n") as i:
        row = f.row("%values", i, SIZE)
        f.call("fr_reduce", row, row)
    f.leave()


def _emit_products(module: Module) -> None:
    # step: bytes from one row of b to the next; 0 multiplies all rows by one
    f = module.function("fr_mul_rows", "out", "a", "b", "i64 step", "i64 n", export=True)
    with f.loop("%n") as i:
        row = f.row("%out", i, SIZE)
        f.call("fr_mul", row, f.row("%a", i, SIZE), f.at("%b", f.mul(i, "%step")))
        f.call("fr_reduce", row, row)
    f.leave()

    f = module.function("fr_sub_rows", "out", "a", "b", "i64 n", export=True)
    with f.loop("%n") as i:
        row = f.row("%out", i, SIZE)
        f.call("fr_sub", row, f.row("%a", i, SIZE), f.row("%b", i, SIZE))
        f.call("fr_reduce", row, row)
    f.leave()

    f = module.function("fr_powers", "out", "base", "i64 n", export=True)
    total = f.slot(SIZE)
    f.copy(total, "@fr_one", SIZE)
    with f.loop("%n") as i:
        f.call("fr_reduce", f.row("%out", i, SIZE), total)
        f.call("fr_mul", total, total, "%base")
    f.leave()
