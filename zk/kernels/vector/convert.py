"""Between the arrays of `zk.field.arrays` (Montgomery, R = 2²⁵⁶) and packed form (R = 2²⁶⁰)."""

from __future__ import annotations

from zk.kernels.constants import FP, MONTGOMERY_BITS
from zk.kernels.emit import Module
from zk.kernels.vector.lanes import R_BITS, Lanes

_ROW = 32


def emit_convert(module: Module, lanes: type[Lanes]) -> None:
    """`fp_pack(out, rows, n)` and `fp_unpack(out, rows, n)`; n is a multiple of the lanes.

    Rows to be packed are any integers below 2²⁵⁶; unpacked ones are lazy, below 2p.
    """
    f = module.function("fp_pack", "out", "rows", "i64 n", export=True)
    k = lanes(f, FP)
    k.begin()
    shift = k.constant((1 << (2 * R_BITS - MONTGOMERY_BITS)) % k.p)
    with f.loop(f.op(f"udiv i64 %n, {k.width}")) as v:
        pointers = [f.at(f.row("%rows", v, _ROW * k.width), _ROW * i) for i in range(k.width)]
        plain = k.from_integers(k.gather(pointers, 4), (0, (1 << 256) - 1))
        words = k.pack(k.settle(k.mul(plain, shift)))
        k.scatter(words, [f.at(f.row("%out", v, _ROW * k.width), _ROW * i) for i in range(k.width)])
    k.end()
    f.leave()

    f = module.function("fp_unpack", "out", "rows", "i64 n", export=True)
    k = lanes(f, FP)
    k.begin()
    shift = k.constant((1 << MONTGOMERY_BITS) % k.p)
    with f.loop(f.op(f"udiv i64 %n, {k.width}")) as v:
        pointers = [f.at(f.row("%rows", v, _ROW * k.width), _ROW * i) for i in range(k.width)]
        value = k.unpack(k.gather(pointers, 4), k.settled_value)
        words = k.to_integers(k.mul(value, shift))
        k.scatter(words, [f.at(f.row("%out", v, _ROW * k.width), _ROW * i) for i in range(k.width)])
    k.end()
    f.leave()
