"""What verifiers need beside pairings, as one scalar object: sums over fixed points, weights.

Weights. A random combination needs coefficients that are many but cheap. With φ(x, y) = (βx, y),
which is multiplication by λ (λ² + λ + 1 ≡ 0 modulo r), two words u, v stand for

    ρ(u, v) = Σ 2ⁱ·dᵢ        dᵢ = (−1)^(bit i of u) · λ^(bit i of v),  0 ≤ i < 64

so that each digit costs one addition of (x, ±y) or (βx, ±y). The 2¹²⁸ words give 2¹²⁸ different
coefficients modulo r. Write ρ = a + bλ. In each place exactly one of a, b takes ±2ⁱ. Which one in
place 0 is told by their parities; the sign, by exactly one of both halves of what remains being odd
again; and so on. So (u, v) follows from the integers a, b. And a + bλ ≡ a' + b'λ modulo r with all
four below 2⁶⁴ in size means a = a', b = b': else r would divide the norm X² − XY + Y² ≤ 3·2¹³⁰ of a
difference, which is smaller and not 0.

No sum on the way is exceptional: before a digit is added, the running coefficient has even parts.
It is no ±1 or ±λ then, and by the same argument not modulo r either.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

from zk.kernels import compile as compiler
from zk.kernels.constants import FP, SEED
from zk.kernels.emit import Module
from zk.kernels.field import SIZE, emit_field
from zk.kernels.loaded import NUMBER, Kernels, Signature
from zk.kernels.points import G1, emit_points
from zk.kernels.tower import FP12, emit_fp2, emit_fp6, emit_fp12

BETA: Final = (18 * SEED**3 + 18 * SEED**2 + 9 * SEED + 1) % FP.value
"""A cube root of 1 in Fp with (βx, y) = λ·(x, y), λ = 36x³ + 18x² + 6x + 1."""
WEIGHT_DIGITS: Final = 64
_DIGIT: Final = 2

_SIGNATURES: Final[dict[str, Signature]] = {
    "fp12_easy": ("p", None),
    "fp12_canonical": ("p", None),
    "fp_canonical": ("pn", None),
    "g1_weigh": ("ppppn", None),
    "g1_sum_tables": ("pppnnnn", None),
    "g1_fold": ("pppn", NUMBER),
}


def build() -> Module:
    """The IR."""
    module = Module()
    emit_field(module, FP)
    emit_fp2(module)
    emit_fp6(module)
    emit_fp12(module)
    emit_points(module, G1)
    _emit_easy(module)
    _emit_weigh(module)
    _emit_sum(module)
    _emit_fold(module)
    return module


def recipe() -> compiler.Recipe:
    """How this library is made."""
    return compiler.Recipe("verification", build, passes=compiler.FULL)


def load(folder: Path | None = None) -> Kernels:
    """Compile, or take from the cache, and bind.

    Raises:
        BackendError: nothing can be compiled on this machine.
    """
    code = compiler.load_recipe(recipe(), tuple(_SIGNATURES), folder=folder)
    return Kernels(code, _SIGNATURES)


@functools.cache
def shared() -> Kernels:
    """The one library of this process."""
    return load()


def _emit_easy(module: Module) -> None:
    """`fp12_easy(a)`: a^((p⁶ − 1)(p² + 1)) in place; `fp12_canonical(a)`; `fp_canonical(a, n)`."""
    f = module.function("fp12_easy", "a", export=True)
    conjugate, inverse, turned = f.slot(FP12), f.slot(FP12), f.slot(FP12)
    f.call("fp12_conj", conjugate, "%a")
    f.call("fp12_inv", inverse, "%a")
    f.call("fp12_mul", inverse, conjugate, inverse)
    f.call("fp12_frobenius", turned, inverse)
    f.call("fp12_frobenius", turned, turned)
    f.call("fp12_mul", "%a", turned, inverse)
    f.leave()
    f = module.function("fp12_canonical", "a", export=True)
    for offset in range(0, FP12, SIZE):
        f.call("fp_reduce", f.at("%a", offset), f.at("%a", offset))
    f.leave()
    f = module.function("fp_canonical", "a", "i64 n", export=True)
    with f.loop("%n") as i:
        f.call("fp_reduce", f.row("%a", i, SIZE), f.row("%a", i, SIZE))
    f.leave()


def _emit_weigh(module: Module) -> None:
    """`g1_weigh(out, points, weights, work, n)`: ρ(uᵢ, vᵢ)·Pᵢ, canonical affine rows.

    `work` holds n XYZZ points and n coordinates.
    """
    beta = module.constant("g1_beta", [FP.mont(BETA)])
    f = module.function("g1_weigh", "out", "points", "weights", "work", "i64 n", export=True)
    turned, y = f.slot(SIZE), f.slot(SIZE)
    with f.loop("%n") as i:
        point = f.row("%points", i, G1.affine)
        weight = f.row("%weights", i, 16)
        total = f.row("%work", i, G1.xyzz)
        f.zero(total, G1.xyzz)
        present = f.op(f"xor i1 {f.ask('g1_absent', point)}, true")
        with f.when(present):
            f.call("fp_mul", turned, point, beta)
            with f.countdown(WEIGHT_DIGITS) as bit:
                f.call("g1_double", total, total)
                signs, which = (
                    f.op(f"and i64 1, {f.op(f'lshr i64 {f.load(f.at(weight, at))}, {bit}')}")
                    for at in (0, 8)
                )
                f.copy(y, f.at(point, SIZE), SIZE)
                with f.when(f.compare("ne", signs, 0)):
                    f.call("fp_neg", y, y)
                x = f.select(f.compare("ne", which, 0), turned, point, "ptr")
                f.call("g1_mixed", total, total, x, y)
    scratch = f.row("%work", "%n", G1.xyzz)
    f.do(f"call void @g1_normalise(ptr %out, ptr %work, i64 %n, ptr {scratch})")
    f.leave()


def _emit_sum(module: Module) -> None:
    """`g1_sum_tables(out, tables, digits, stride, n, count, half)`: Σ kᵢ·Bᵢ, a canonical row.

    Tables are those of `g1_table`, one after the other; digits is `int16[count, stride]`.
    """
    f = module.function(
        "g1_sum_tables",
        "out",
        "tables",
        "digits",
        "i64 stride",
        "i64 n",
        "i64 count",
        "i64 half",
        export=True,
    )
    total, y, scratch = f.slot(G1.xyzz), f.slot(SIZE), f.slot(SIZE)
    f.zero(total, G1.xyzz)
    with f.loop("%n") as i, f.loop("%count") as w:
        at = f.row("%digits", f.add(f.mul(w, "%stride"), i), _DIGIT)
        digit = f.op(f"sext i16 {f.load(at, 'i16')} to i64")
        with f.when(f.compare("ne", digit, 0)):
            negative = f.compare("slt", digit, 0)
            index = f.sub(f.select(negative, f.sub("0", digit), digit), 1)
            row = f.add(f.mul(f.add(f.mul(i, "%count"), w), "%half"), index)
            point = f.row("%tables", row, G1.affine)
            present = f.op(f"xor i1 {f.ask('g1_absent', point)}, true")
            with f.when(present):
                f.copy(y, f.at(point, SIZE), SIZE)
                with f.when(negative):
                    f.call("fp_neg", y, y)
                f.call("g1_mixed", total, total, point, y)
    f.do(f"call void @g1_normalise(ptr %out, ptr {total}, i64 1, ptr {scratch})")
    f.leave()


def _emit_fold(module: Module) -> None:
    """`g1_fold(out, start, sums, n)`: an affine point plus n XYZZ sums, a canonical row.

    Returns 1, or 0 where a sum has ZZ = 0; `out` means nothing then.
    """
    f = module.function("g1_fold", "out", "start", "sums", "i64 n", returns="i64", export=True)
    total, scratch = f.slot(G1.xyzz), f.slot(SIZE)
    f.copy(total, "%start", G1.affine)
    for i in (2, 3):
        f.copy(f.at(total, i * SIZE), "@fp_one", SIZE)
    with f.loop("%n") as lane:
        one = f.row("%sums", lane, G1.xyzz)
        with f.when(f.ask("fp_is_zero", f.at(one, 2 * SIZE))):
            f.leave("i64 0")
        f.call("g1_add", total, total, one)
    f.do(f"call void @g1_normalise(ptr %out, ptr {total}, i64 1, ptr {scratch})")
    f.leave("i64 1")
