"""The tower over Fp as IR functions.

    Fp2 = Fp[u]/(u² + 1)      Fp6 = Fp2[v]/(v³ − ξ), ξ = 9 + u      Fp12 = Fp6[w]/(w² − v)

In memory an element is its coefficients one after the other, lowest first: Fp2 64 bytes, Fp6 192,
Fp12 384. Every coefficient is a lazy Fp value in [0, 2p) (see `zk.kernels.field`), and every
function here keeps it so because it only composes those of Fp. Outputs may coincide with inputs.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FP, SEED, TWIST_XI
from zk.kernels.emit import Function, Module, Value
from zk.kernels.field import SIZE

FP2: Final = 2 * SIZE
FP6: Final = 3 * FP2
FP12: Final = 2 * FP6

Pair = tuple[int, int]


def fp2_power(base: Pair, exponent: int) -> Pair:
    """An Fp2 power on integers, for constants."""
    out, p = (1, 0), FP.value
    for bit in bin(exponent)[2:]:
        out = _product(out, out, p)
        if bit == "1":
            out = _product(out, base, p)
    return out


def _product(a: Pair, b: Pair, p: int) -> Pair:
    return (a[0] * b[0] - a[1] * b[1]) % p, (a[0] * b[1] + a[1] * b[0]) % p


def frobenius_constants(module: Module) -> Value:
    """Address of γᵢ = ξ^(i(p−1)/6), i = 0 … 5, Montgomery Fp2: (wⁱ)^p = γᵢ·wⁱ."""
    values = []
    for i in range(6):
        gamma = fp2_power(TWIST_XI, i * (FP.value - 1) // 6)
        values += [FP.mont(c) for c in gamma]
    return module.constant("frobenius_gamma", values)


def emit_fp2(module: Module) -> None:
    """Fp2 under the same names as a prime field, such as `fp2_mul`."""
    module.constant("fp2_one", [FP.mont(1), 0])
    for name in ("add", "sub"):
        f = module.function(f"fp2_{name}", "out", "a", "b")
        for k in (0, SIZE):
            f.call(f"fp_{name}", f.at("%out", k), f.at("%a", k), f.at("%b", k))
        f.leave()
    for name in ("neg", "reduce"):
        f = module.function(f"fp2_{name}", "out", "a")
        for k in (0, SIZE):
            f.call(f"fp_{name}", f.at("%out", k), f.at("%a", k))
        f.leave()

    f = module.function("fp2_is_zero", "a", returns="i1")
    both = f"and i1 {f.ask('fp_is_zero', '%a')}, {f.ask('fp_is_zero', f.at('%a', SIZE))}"
    f.leave(f"i1 {f.op(both)}")

    f = module.function("fp2_conj", "out", "a")
    f.copy("%out", "%a", SIZE)
    f.call("fp_neg", f.at("%out", SIZE), f.at("%a", SIZE))
    f.leave()

    # Karatsuba: three products.
    f = module.function("fp2_mul", "out", "a", "b", attributes="noinline")
    a1, b1 = f.at("%a", SIZE), f.at("%b", SIZE)
    low, high, cross, other = (f.slot(SIZE) for _ in range(4))
    f.call("fp_add", cross, "%a", a1)
    f.call("fp_add", other, "%b", b1)
    f.call("fp_mul", low, "%a", "%b")
    f.call("fp_mul", high, a1, b1)
    f.call("fp_mul", cross, cross, other)
    f.call("fp_sub", cross, cross, low)
    f.call("fp_sub", f.at("%out", SIZE), cross, high)
    f.call("fp_sub", "%out", low, high)
    f.leave()

    # (a0 + a1)(a0 − a1) + 2·a0·a1·u
    f = module.function("fp2_sqr", "out", "a", attributes="noinline")
    a1 = f.at("%a", SIZE)
    total, difference, product = (f.slot(SIZE) for _ in range(3))
    f.call("fp_add", total, "%a", a1)
    f.call("fp_sub", difference, "%a", a1)
    f.call("fp_mul", product, "%a", a1)
    f.call("fp_mul", "%out", total, difference)
    f.call("fp_add", f.at("%out", SIZE), product, product)
    f.leave()

    f = module.function("fp2_inv", "out", "a", attributes="noinline")
    a1 = f.at("%a", SIZE)
    norm, square = f.slot(SIZE), f.slot(SIZE)
    f.call("fp_mul", norm, "%a", "%a")
    f.call("fp_mul", square, a1, a1)
    f.call("fp_add", norm, norm, square)
    f.call("fp_inv", norm, norm)
    f.call("fp_mul", "%out", "%a", norm)
    f.call("fp_mul", square, a1, norm)
    f.call("fp_neg", f.at("%out", SIZE), square)
    f.leave()

    f = module.function("fp2_scale", "out", "a", "k")  # by an Fp value
    f.call("fp_mul", f.at("%out", SIZE), f.at("%a", SIZE), "%k")
    f.call("fp_mul", "%out", "%a", "%k")
    f.leave()

    # ξ·a = (9·a0 − a1) + (a0 + 9·a1)·u
    f = module.function("fp2_mul_xi", "out", "a")
    nine = f.slot(FP2)
    f.call("fp2_add", nine, "%a", "%a")
    f.call("fp2_add", nine, nine, nine)
    f.call("fp2_add", nine, nine, nine)
    f.call("fp2_add", nine, nine, "%a")
    f.call("fp_add", f.at(nine, SIZE), f.at(nine, SIZE), "%a")
    f.call("fp_sub", nine, nine, f.at("%a", SIZE))
    f.copy("%out", nine, FP2)
    f.leave()


def _three(f: Function, pointer: Value) -> tuple[Value, Value, Value]:
    return pointer, f.at(pointer, FP2), f.at(pointer, 2 * FP2)


def emit_fp6(module: Module) -> None:
    """Fp6: linear functions, products, inversion."""
    for name in ("add", "sub"):
        f = module.function(f"fp6_{name}", "out", "a", "b")
        for k in (0, FP2, 2 * FP2):
            f.call(f"fp2_{name}", f.at("%out", k), f.at("%a", k), f.at("%b", k))
        f.leave()
    f = module.function("fp6_neg", "out", "a")
    for k in (0, FP2, 2 * FP2):
        f.call("fp2_neg", f.at("%out", k), f.at("%a", k))
    f.leave()

    f = module.function("fp6_mul_v", "out", "a")  # (ξ·a2, a0, a1)
    a0, a1, a2 = _three(f, "%a")
    turned = f.slot(FP6)
    f.call("fp2_mul_xi", turned, a2)
    f.copy(f.at(turned, FP2), a0, FP2)
    f.copy(f.at(turned, 2 * FP2), a1, FP2)
    f.copy("%out", turned, FP6)
    f.leave()

    # Karatsuba with six products (Devegili et al., eprint 2006/471).
    f = module.function("fp6_mul", "out", "a", "b", attributes="noinline")
    a, b = _three(f, "%a"), _three(f, "%b")
    square = [f.slot(FP2) for _ in range(3)]
    for i in range(3):
        f.call("fp2_mul", square[i], a[i], b[i])
    s, t = f.slot(FP2), f.slot(FP2)

    def cross(i: int, j: int) -> Value:
        """aᵢ·bⱼ + aⱼ·bᵢ."""
        out = f.slot(FP2)
        f.call("fp2_add", s, a[i], a[j])
        f.call("fp2_add", t, b[i], b[j])
        f.call("fp2_mul", out, s, t)
        f.call("fp2_sub", out, out, square[i])
        f.call("fp2_sub", out, out, square[j])
        return out

    c12, c01, c02 = cross(1, 2), cross(0, 1), cross(0, 2)
    out = _three(f, "%out")
    f.call("fp2_mul_xi", c12, c12)
    f.call("fp2_add", out[0], c12, square[0])
    f.call("fp2_mul_xi", s, square[2])
    f.call("fp2_add", out[1], c01, s)
    f.call("fp2_add", out[2], c02, square[1])
    f.leave()

    # by b + c·v (sparse): a0b + ξa2c, a0c + a1b, a1c + a2b
    f = module.function("fp6_mul_two", "out", "a", "b", "c", attributes="noinline")
    a = _three(f, "%a")
    first, second = f.slot(FP2), f.slot(FP2)
    s, t, u = f.slot(FP2), f.slot(FP2), f.slot(FP2)
    f.call("fp2_mul", first, a[0], "%b")
    f.call("fp2_mul", second, a[1], "%c")
    f.call("fp2_add", s, a[0], a[1])
    f.call("fp2_add", t, "%b", "%c")
    f.call("fp2_mul", s, s, t)
    f.call("fp2_sub", s, s, first)
    f.call("fp2_sub", s, s, second)
    f.call("fp2_mul", t, a[2], "%c")
    f.call("fp2_mul", u, a[2], "%b")
    f.call("fp2_mul_xi", t, t)
    out = _three(f, "%out")
    f.call("fp2_add", out[0], first, t)
    f.copy(out[1], s, FP2)
    f.call("fp2_add", out[2], second, u)
    f.leave()

    # 1/a through the norm to Fp2 (Beuchat et al., eprint 2010/354, algorithm 17).
    f = module.function("fp6_inv", "out", "a", attributes="noinline")
    a = _three(f, "%a")
    c = [f.slot(FP2) for _ in range(3)]
    s, norm = f.slot(FP2), f.slot(FP2)
    for target, x, y, z, twisted in ((0, 0, 1, 2, "second"), (1, 2, 0, 1, "first")):
        f.call("fp2_sqr", c[target], a[x])
        f.call("fp2_mul", s, a[y], a[z])
        if twisted == "second":
            f.call("fp2_mul_xi", s, s)
        else:
            f.call("fp2_mul_xi", c[target], c[target])
        f.call("fp2_sub", c[target], c[target], s)
    f.call("fp2_sqr", c[2], a[1])
    f.call("fp2_mul", s, a[0], a[2])
    f.call("fp2_sub", c[2], c[2], s)
    f.call("fp2_mul", norm, a[2], c[1])
    f.call("fp2_mul", s, a[1], c[2])
    f.call("fp2_add", norm, norm, s)
    f.call("fp2_mul_xi", norm, norm)
    f.call("fp2_mul", s, a[0], c[0])
    f.call("fp2_add", norm, norm, s)
    f.call("fp2_inv", norm, norm)
    for i in range(3):
        f.call("fp2_mul", f.at("%out", i * FP2), c[i], norm)
    f.leave()


def emit_fp12(module: Module) -> None:
    """Fp12: products, inversion, Frobenius, sparse product by a line, power of the seed."""
    gammas = frobenius_constants(module)
    module.constant("fp12_one", [FP.mont(1)] + [0] * 11)

    f = module.function("fp12_conj", "out", "a")  # x ↦ x^(p⁶)
    f.copy("%out", "%a", FP6)
    f.call("fp6_neg", f.at("%out", FP6), f.at("%a", FP6))
    f.leave()

    f = module.function("fp12_mul", "out", "a", "b", attributes="noinline")
    a1, b1 = f.at("%a", FP6), f.at("%b", FP6)
    low, high, s, t = (f.slot(FP6) for _ in range(4))
    f.call("fp6_mul", low, "%a", "%b")
    f.call("fp6_mul", high, a1, b1)
    f.call("fp6_add", s, "%a", a1)
    f.call("fp6_add", t, "%b", b1)
    f.call("fp6_mul", s, s, t)
    f.call("fp6_sub", s, s, low)
    f.call("fp6_sub", f.at("%out", FP6), s, high)
    f.call("fp6_mul_v", high, high)
    f.call("fp6_add", "%out", low, high)
    f.leave()

    # (a0 + a1)(a0 + v·a1) − m − v·m + 2·m·w with m = a0·a1: two products.
    f = module.function("fp12_sqr", "out", "a", attributes="noinline")
    a1 = f.at("%a", FP6)
    m, s, t = (f.slot(FP6) for _ in range(3))
    f.call("fp6_mul", m, "%a", a1)
    f.call("fp6_mul_v", t, a1)
    f.call("fp6_add", t, t, "%a")
    f.call("fp6_add", s, "%a", a1)
    f.call("fp6_mul", s, s, t)
    f.call("fp6_sub", s, s, m)
    f.call("fp6_mul_v", t, m)
    f.call("fp6_sub", "%out", s, t)
    f.call("fp6_add", f.at("%out", FP6), m, m)
    f.leave()

    f = module.function("fp12_inv", "out", "a", attributes="noinline")
    a1 = f.at("%a", FP6)
    norm, s = f.slot(FP6), f.slot(FP6)
    f.call("fp6_mul", norm, "%a", "%a")
    f.call("fp6_mul", s, a1, a1)
    f.call("fp6_mul_v", s, s)
    f.call("fp6_sub", norm, norm, s)
    f.call("fp6_inv", norm, norm)
    f.call("fp6_mul", s, a1, norm)
    f.call("fp6_mul", "%out", "%a", norm)
    f.call("fp6_neg", f.at("%out", FP6), s)
    f.leave()

    f = module.function("fp12_frobenius", "out", "a", attributes="noinline")  # x ↦ x^p
    for half in range(2):
        for j in range(3):
            where = half * FP6 + j * FP2
            f.call("fp2_conj", f.at("%out", where), f.at("%a", where))
            gamma = f.at(gammas, FP2 * (2 * j + half))
            f.call("fp2_mul", f.at("%out", where), f.at("%out", where), gamma)
    f.leave()

    # by the line y + (b + c·v)·w with y in Fp
    f = module.function("fp12_mul_line", "out", "a", "y", "b", "c", attributes="noinline")
    a1 = f.at("%a", FP6)
    s, t, u, v = (f.slot(FP6) for _ in range(4))
    f.call("fp6_mul_two", s, a1, "%b", "%c")
    f.call("fp6_mul_v", s, s)
    f.call("fp6_mul_two", t, "%a", "%b", "%c")
    for j in range(3):
        f.call("fp2_scale", f.at(u, j * FP2), f.at("%a", j * FP2), "%y")
        f.call("fp2_scale", f.at(v, j * FP2), f.at(a1, j * FP2), "%y")
    f.call("fp6_add", "%out", u, s)
    f.call("fp6_add", f.at("%out", FP6), v, t)
    f.leave()

    # a^x for the curve's seed x, by squarings and products
    f = module.function("fp12_pow_seed", "out", "a", attributes="noinline")
    bits = module.constant("seed_bits", [int(b) for b in bin(SEED)[3:]])
    total = f.slot(FP12)
    f.copy(total, "%a", FP12)
    with f.loop(SEED.bit_length() - 1) as i:
        f.call("fp12_sqr", total, total)
        bit = f.load(f.row(bits, i, SIZE))
        with f.when(f.compare("ne", bit, 0)):
            f.call("fp12_mul", total, total, "%a")
    f.copy("%out", total, FP12)
    f.leave()
