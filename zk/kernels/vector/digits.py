"""Signed digits of many scalars at once, for multi-scalar multiplication.

A scalar, any 256-bit integer, becomes digits in [−2^(c−1), 2^(c−1)), as in `zk.kernels.msm`. Each
lane takes one scalar; a digit lies in two neighbouring words, which a funnel shift joins.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FR
from zk.kernels.emit import Module
from zk.kernels.vector.lanes import Lanes

_ROW: Final = 32
_WORDS: Final = 4
_DIGIT: Final = 2


def emit_digits(module: Module, lanes: type[Lanes]) -> None:
    """`vector_digits(out, scalars, n, c, count, stride)`: out[w·stride + i], the w-th of scalar i.

    out is `int16`; n is a multiple of the lanes, c ≤ 16, and c·count ≤ 319.
    """
    f = module.function(
        "vector_digits",
        "out",
        "scalars",
        "i64 n",
        "i64 c",
        "i64 count",
        "i64 stride",
        export=True,
    )
    k = lanes(f, FR)  # for its shuffles; integers alone are involved
    size = 8 * k.width
    v, short = k.words, f"<{k.width} x i16>"
    words, carry = f.aligned((_WORDS + 2) * size), f.aligned(size)
    base = f.op("shl i64 1, %c")
    mask = _splat(k, f.sub(base, 1))
    half = _splat(k, f.op(f"lshr i64 {base}, 1"))
    whole = _splat(k, base)
    for word in (_WORDS, _WORDS + 1):
        f.do(f"store {v} zeroinitializer, ptr {f.at(words, word * size)}, align {size}")
    with f.loop(f.op(f"udiv i64 %n, {k.width}")) as i:
        first = f.row("%scalars", i, _ROW * k.width)
        rows = k.gather([f.at(first, _ROW * lane) for lane in range(k.width)], _WORDS)
        for word, row in enumerate(rows):
            f.do(f"store {v} {row}, ptr {f.at(words, word * size)}, align {size}")
        f.do(f"store {v} zeroinitializer, ptr {carry}, align {size}")
        out = f.row("%out", i, _DIGIT * k.width)
        with f.loop("%count") as w:
            bit = f.mul(w, "%c")
            where = f.row(words, f.op(f"lshr i64 {bit}, 6"), size)
            low = f.op(f"load {v}, ptr {where}, align {size}")
            high = f.op(f"load {v}, ptr {f.at(where, size)}, align {size}")
            amount = _splat(k, f.op(f"and i64 {bit}, 63"))
            chunk = f.op(f"call {v} @llvm.fshr.v{k.width}i64({v} {high}, {v} {low}, {v} {amount})")
            before = f.op(f"load {v}, ptr {carry}, align {size}")
            digit = k.word_op("add", k.word_op("and", chunk, mask), before)
            over = f.op(f"icmp uge {v} {digit}, {half}")
            after = f.op(f"zext {k.mask_type} {over} to {v}")
            f.do(f"store {v} {after}, ptr {carry}, align {size}")
            taken = f.op(f"select {k.mask_type} {over}, {v} {whole}, {v} zeroinitializer")
            signed = f.op(f"trunc {v} {k.word_op('sub', digit, taken)} to {short}")
            place = f.row(out, f.mul(w, "%stride"), _DIGIT)
            f.do(f"store {short} {signed}, ptr {place}, align {_DIGIT}")
    f.leave()


def _splat(k: Lanes, value: str) -> str:
    """One number in all lanes."""
    one = k.f.op(f"insertelement {k.words} poison, i64 {value}, i32 0")
    zeros = f"<{k.width} x i32> zeroinitializer"
    return k.f.op(f"shufflevector {k.words} {one}, {k.words} poison, {zeros}")
