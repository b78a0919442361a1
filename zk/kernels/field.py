"""Prime field arithmetic on four 64-bit limbs, Montgomery form with R = 2²⁵⁶, as IR functions.

Bounds. m is the prime, m < 0.19·R. Values are *lazy*: in [0, 2m), so 0 is written 0 or m.

    mul     a, b < 2m  →  (a·b + q·m)/R < 4m²/R + m < 1.76m < 2m: no final subtraction.
            Rows of the interleaved product stay below a + m + 1 < 3m + 1 < 2²⁵⁶ ("no carry",
            Acar's CIOS as analysed by gnark's authors: the top limb of m is below 2⁶²).
    add     a + b < 4m < 2²⁵⁶, then minus 2m where that is ≥ 0  →  < 2m
    sub     a − b, plus 2m where negative  →  < 2m
    reduce  < 2m  →  [0, m): minus m where that is ≥ 0

Results that leave the kernels pass through `reduce`. Nothing is constant-time by intention.
Memory to memory: each function takes addresses, which may coincide (inputs are read first).
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import LIMB_BITS, Modulus
from zk.kernels.emit import Function, Module, Value
from zk.kernels.inverse import emit_inverse

LIMBS: Final = 4
SIZE: Final = 32


def emit_field(module: Module, m: Modulus) -> None:
    """All functions of one field: `{prefix}_mul(out, a, b)` and so on."""
    _emit_mul(module, m)
    _emit_linear(module, m)
    _emit_tests(module, m)
    module.constant(f"{m.prefix}_one", [m.mont(1)])
    emit_inverse(module, m)


def _limbs(f: Function, pointer: Value) -> list[Value]:
    return [f.load(f.at(pointer, 8 * i)) for i in range(LIMBS)]


def _emit_mul(module: Module, m: Modulus) -> None:
    f = module.function(f"{m.prefix}_mul", "out", "a", "b", attributes="noinline")
    p = [(m.value >> (LIMB_BITS * i)) % (1 << LIMB_BITS) for i in range(LIMBS)]
    a, b = _limbs(f, "%a"), _limbs(f, "%b")
    wide_a = [f.op(f"zext i64 {v} to i128") for v in a]

    def low(x: Value) -> Value:
        return f.op(f"trunc i128 {x} to i64")

    def wide(x: Value) -> Value:
        return f.op(f"zext i64 {x} to i128")

    def high(x: Value) -> Value:
        return f.op(f"lshr i128 {x}, {LIMB_BITS}")

    def plus(x: Value, y: Value) -> Value:
        return f.op(f"add i128 {x}, {y}")

    t: list[Value] = []
    for i in range(LIMBS):
        factor = wide(b[i])
        product = f.op(f"mul i128 {wide_a[0]}, {factor}")
        if i:
            product = plus(product, wide(t[0]))
        carry_a, first = high(product), low(product)
        q = wide(f.mul(first, _signed(m.n0)))
        reduced = plus(f.op(f"mul i128 {q}, {p[0]}"), wide(first))
        carry_q = high(reduced)
        following: list[Value] = []
        for j in range(1, LIMBS):
            product = plus(f.op(f"mul i128 {wide_a[j]}, {factor}"), carry_a)
            if i:
                product = plus(product, wide(t[j]))
            carry_a = high(product)
            reduced = plus(plus(f.op(f"mul i128 {q}, {p[j]}"), wide(low(product))), carry_q)
            carry_q = high(reduced)
            following.append(low(reduced))
        t = [*following, f.add(low(carry_a), low(carry_q))]
    for i in range(LIMBS):
        f.store(t[i], f.at("%out", 8 * i))
    f.leave()
    f = module.function(f"{m.prefix}_sqr", "out", "a")
    f.call(f"{m.prefix}_mul", "%out", "%a", "%a")
    f.leave()


def _signed(x: int) -> int:
    return x - (1 << LIMB_BITS) if x >> (LIMB_BITS - 1) else x


def _minus_if_not_negative(f: Function, value: Value, modulus: int) -> Value:
    """Value − modulus where that is ≥ 0, else the value, on i256."""
    pair = f.op(f"call {{i256, i1}} @llvm.usub.with.overflow.i256(i256 {value}, i256 {modulus})")
    less = f.op(f"extractvalue {{i256, i1}} {pair}, 0")
    borrow = f.op(f"extractvalue {{i256, i1}} {pair}, 1")
    return f.select(borrow, value, less, "i256")


def _emit_linear(module: Module, m: Modulus) -> None:
    double = 2 * m.value
    f = module.function(f"{m.prefix}_add", "out", "a", "b", attributes="alwaysinline")
    total = f.op(f"add i256 {f.load('%a', 'i256')}, {f.load('%b', 'i256')}")
    f.store(_minus_if_not_negative(f, total, double), "%out", "i256")
    f.leave()

    f = module.function(f"{m.prefix}_sub", "out", "a", "b", attributes="alwaysinline")
    a, b = f.load("%a", "i256"), f.load("%b", "i256")
    pair = f.op(f"call {{i256, i1}} @llvm.usub.with.overflow.i256(i256 {a}, i256 {b})")
    less = f.op(f"extractvalue {{i256, i1}} {pair}, 0")
    borrow = f.op(f"extractvalue {{i256, i1}} {pair}, 1")
    back = f.select(borrow, double, 0, "i256")
    f.store(f.op(f"add i256 {less}, {back}"), "%out", "i256")
    f.leave()

    f = module.function(f"{m.prefix}_neg", "out", "a", attributes="alwaysinline")
    less = f.op(f"sub i256 {double}, {f.load('%a', 'i256')}")
    f.store(_minus_if_not_negative(f, less, double), "%out", "i256")
    f.leave()

    f = module.function(f"{m.prefix}_reduce", "out", "a", attributes="alwaysinline")
    f.store(_minus_if_not_negative(f, f.load("%a", "i256"), m.value), "%out", "i256")
    f.leave()


def _emit_tests(module: Module, m: Modulus) -> None:
    f = module.function(f"{m.prefix}_is_zero", "a", returns="i1", attributes="alwaysinline")
    a = f.load("%a", "i256")
    zero = f.compare("eq", a, 0, "i256")
    again = f.compare("eq", a, m.value, "i256")
    f.leave(f"i1 {f.op(f'or i1 {zero}, {again}')}")
