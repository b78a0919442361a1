"""Optimal ate pairing products on BN254, and the subgroup check of G2.

Miller loop of 6x + 2 (Vercauteren, eprint 2008/096) over all pairs at once, with shared squarings.
Points stay affine: the slopes' denominators of all pairs are inverted together, so a step costs one
inversion in Fp2 however many pairs there are. With the untwist (x, y) ↦ (x·w², y·w³) the line of
slope λ through T is, at P,

    ℓ(P) = y_P − λ·x_P·w + (λ·x_T − y_T)·w³

and vertical lines vanish in the final exponentiation. It follows Scott et al. (eprint 2008/490,
section 5), with f^((p¹² − 1)/r) exactly.

Subgroup check. ψ = untwist ∘ Frobenius ∘ twist satisfies ψ² − tψ + p = 0 on E'(Fp2), t = 6x² + 1.
If ψ(Q) = [t − 1]Q, then 0 = [(t − 1)² − t(t − 1) + p]Q = [p + 1 − t]Q = [r]Q. Conversely, on the
subgroup of order r, ψ acts as p ≡ t − 1 (mod r). So Q has order r or is infinity iff ψ(Q) = [6x²]Q.

Points must lie in their subgroups: no denominator is zero then. Infinity is the caller's affair.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import SEED
from zk.kernels.emit import Module, Value
from zk.kernels.field import SIZE
from zk.kernels.points import G1, G2
from zk.kernels.tower import FP2, FP12, frobenius_constants

_POINT: Final = G2.affine
_LOOP: Final = 6 * SEED + 2
_SUBGROUP: Final = 6 * SEED * SEED


def emit_pairing(module: Module) -> None:
    """The functions `miller`, `final_exponentiation`, `fp12_is_one` and `g2_in_subgroup`."""
    _emit_frobenius(module)
    _emit_step(module, tangent=True)
    _emit_step(module, tangent=False)
    _emit_miller(module)
    _emit_final(module)
    _emit_is_one(module)
    _emit_subgroup(module)


def _emit_frobenius(module: Module) -> None:
    """ψ(x, y) = (x̄·γ₂, ȳ·γ₃) on affine points of the twist."""
    gammas = frobenius_constants(module)
    f = module.function("g2_frobenius", "out", "a")
    for k in range(2):
        out = f.at("%out", k * FP2)
        f.call("fp2_conj", out, f.at("%a", k * FP2))
        f.call("fp2_mul", out, out, f.at(gammas, (2 + k) * FP2))
    f.leave()


def _emit_step(module: Module, *, tangent: bool) -> None:
    """Multiplies f by ℓ(P) and adds other to T (T itself for the tangent), for all n pairs."""
    f = module.function(
        "miller_tangent" if tangent else "miller_chord",
        "f",
        "g1",
        "moving",
        "others",
        "inverses",
        "products",
        "i64 n",
        attributes="noinline",
    )
    total, inverse = f.slot(FP2), f.slot(FP2)
    slope, constant, square, x3, b = (f.slot(FP2) for _ in range(5))
    f.copy(total, "@fp2_one", FP2)
    with f.loop("%n") as i:
        t, other = f.row("%moving", i, _POINT), f.row("%others", i, _POINT)
        run = f.row("%inverses", i, FP2)
        f.copy(f.row("%products", i, FP2), total, FP2)
        if tangent:
            f.call("fp2_add", run, f.at(t, FP2), f.at(t, FP2))
        else:
            f.call("fp2_sub", run, other, t)
        f.call("fp2_mul", total, total, run)
    f.call("fp2_inv", inverse, total)
    with f.countdown("%n") as i:
        t, other = f.row("%moving", i, _POINT), f.row("%others", i, _POINT)
        run, before = f.row("%inverses", i, FP2), f.row("%products", i, FP2)
        y, x_other = f.at(t, FP2), t if tangent else other
        p = f.row("%g1", i, G1.affine)
        f.call("fp2_mul", before, before, inverse)
        f.call("fp2_mul", inverse, inverse, run)
        if tangent:
            f.call("fp2_sqr", square, t)
            f.call("fp2_add", slope, square, square)
            f.call("fp2_add", slope, slope, square)
        else:
            f.call("fp2_sub", slope, f.at(other, FP2), y)
        f.call("fp2_mul", slope, slope, before)
        f.call("fp2_mul", constant, slope, t)
        f.call("fp2_sub", constant, constant, y)
        f.call("fp2_sqr", x3, slope)
        f.call("fp2_sub", x3, x3, t)
        f.call("fp2_sub", x3, x3, x_other)
        f.call("fp2_sub", b, t, x3)
        f.call("fp2_mul", b, b, slope)
        f.call("fp2_sub", y, b, y)
        f.copy(t, x3, FP2)
        f.call("fp2_scale", b, slope, p)
        f.call("fp2_neg", b, b)
        f.call("fp12_mul_line", "%f", "%f", f.at(p, SIZE), b, constant)
    f.leave()


def _emit_miller(module: Module) -> None:
    f = module.function(
        "miller",
        "f",
        "g1",
        "g2",
        "moving",
        "images",
        "inverses",
        "products",
        "i64 n",
        export=True,
    )

    def step(name: str, others: Value) -> None:
        f.do(
            f"call void @miller_{name}(ptr %f, ptr %g1, ptr %moving, ptr {others}, ptr %inverses, "
            "ptr %products, i64 %n)"
        )

    bits = module.constant("loop_bits", [int(b) for b in bin(_LOOP)[3:]])
    f.copy("%f", "@fp12_one", FP12)
    with f.loop("%n") as i:
        f.copy(f.row("%moving", i, _POINT), f.row("%g2", i, _POINT), _POINT)
    with f.loop(_LOOP.bit_length() - 1) as i:
        f.call("fp12_sqr", "%f", "%f")
        step("tangent", "%g2")
        with f.when(f.compare("ne", f.load(f.row(bits, i, SIZE)), 0)):
            step("chord", "%g2")
    with f.loop("%n") as i:
        f.call("g2_frobenius", f.row("%images", i, _POINT), f.row("%g2", i, _POINT))
    step("chord", "%images")
    with f.loop("%n") as i:
        image = f.row("%images", i, _POINT)
        f.call("g2_frobenius", image, image)
        f.call("fp2_neg", f.at(image, FP2), f.at(image, FP2))
    step("chord", "%images")
    f.leave()


def _emit_final(module: Module) -> None:
    """Computes a^((p¹² − 1)/r): easy part (p⁶ − 1)(p² + 1), then the chain y₀·y₁²·y₂⁶·…·y₆³⁶."""
    f = module.function("final_exponentiation", "out", "a", export=True)

    def mul(a: Value, b: Value) -> Value:
        out = f.slot(FP12)
        f.call("fp12_mul", out, a, b)
        return out

    def one(name: str, a: Value) -> Value:
        out = f.slot(FP12)
        f.call(f"fp12_{name}", out, a)
        return out

    base = mul(one("conj", "%a"), one("inv", "%a"))
    base = mul(one("frobenius", one("frobenius", base)), base)
    fx = one("pow_seed", base)
    fxx = one("pow_seed", fx)
    fxxx = one("pow_seed", fxx)
    fp = one("frobenius", base)
    fpp = one("frobenius", fp)
    fxx_p = one("frobenius", fxx)
    y0 = mul(mul(fp, fpp), one("frobenius", fpp))
    y1 = one("conj", base)
    y2 = one("frobenius", fxx_p)
    y3 = one("conj", one("frobenius", fx))
    y4 = one("conj", mul(fx, fxx_p))
    y5 = one("conj", fxx)
    y6 = one("conj", mul(fxxx, one("frobenius", fxxx)))
    t0 = mul(mul(one("sqr", y6), y4), y5)
    t1 = mul(mul(y3, y5), t0)
    t0 = mul(t0, y2)
    t1 = one("sqr", mul(one("sqr", t1), t0))
    t0 = mul(t1, y1)
    t1 = mul(t1, y0)
    f.call("fp12_mul", "%out", one("sqr", t0), t1)
    for offset in range(0, FP12, SIZE):
        f.call("fp_reduce", f.at("%out", offset), f.at("%out", offset))
    f.leave()


def _emit_is_one(module: Module) -> None:
    """1 where the canonical Fp12 value is one, else 0."""
    f = module.function("fp12_is_one", "a", returns="i64", export=True)
    differing = "0"
    for offset in range(0, FP12, SIZE):
        have = f.load(f.at("%a", offset), "i256")
        want = f.load(f.at("@fp12_one", offset), "i256")
        differing = f.op(f"or i256 {differing}, {f.op(f'xor i256 {have}, {want}')}")
    same = f.compare("eq", differing, 0, "i256")
    f.leave(f"i64 {f.op(f'zext i1 {same} to i64')}")


def _emit_subgroup(module: Module) -> None:
    """`g2_in_subgroup(points, n)`: 1 where every affine row has order r or is infinity."""
    f = module.function("g2_in_subgroup", "points", "i64 n", returns="i64", export=True)
    bits = module.constant("subgroup_bits", [int(b) for b in bin(_SUBGROUP)[3:]])
    total, image = f.slot(G2.xyzz), f.slot(_POINT)
    with f.loop("%n") as i:
        point = f.row("%points", i, _POINT)
        with f.when(f.op(f"xor i1 {f.ask('g2_absent', point)}, true")):
            y = f.at(point, FP2)
            f.zero(total, G2.xyzz)
            f.call("g2_mixed", total, total, point, y)
            with f.loop(_SUBGROUP.bit_length() - 1) as k:
                f.call("g2_double", total, total)
                with f.when(f.compare("ne", f.load(f.row(bits, k, SIZE)), 0)):
                    f.call("g2_mixed", total, total, point, y)
            f.call("g2_frobenius", image, point)
            f.call("fp2_neg", f.at(image, FP2), f.at(image, FP2))
            f.call("g2_mixed", total, total, image, f.at(image, FP2))
            zero = f.ask("fp2_is_zero", f.at(total, 2 * FP2))
            with f.when(f.op(f"xor i1 {zero}, true")):
                f.leave("i64 0")
    f.leave("i64 1")
