"""Witness tapes as a kernel: an interpreter of `zk.r1cs.tape`'s operations over Fr.

Slots hold lazy Montgomery values, < 2r (`zk.kernels.field`); inputs enter by a product with R², and
results leave by a reduction. All indices were checked when the tape was made, so nothing is checked
here. Codes and packing are those of `zk.r1cs.tape`, which a test holds together.

Sums of products. A term c·s has c < r and s < 2r; up to 2³¹ of them stay below 2⁵⁴⁰, so they are
added up in nine limbs without a reduction. One Montgomery reduction of five steps then divides by
2³²⁰, which is why coefficients are stored as c·2³²⁰:

    (2³¹·2r² + (2³²⁰ − 1)·r)/2³²⁰ < r + 2²²⁰ < 2r

Roots are those of Tonelli and Shanks, in the form whose loops have fixed lengths (RFC 9380, I.4).
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FR, FR_GENERATOR, FR_TWO_ADICITY, LIMB_BITS
from zk.kernels.emit import Module
from zk.kernels.field import LIMBS, SIZE
from zk.kernels.wide import Accumulator

MUL, ADD, SUB, DOT, QUOTIENT, ROOT, LESS, DIGITS = range(8)

COEFFICIENT_BITS: Final = LIMB_BITS * (LIMBS + 1)

_ROW: Final = 16
_TERM: Final = 8
_STEPS: Final = LIMBS + 1


def emit_tape(module: Module) -> None:
    """Everything that runs a tape."""
    module.constant("fr_square", [FR.mont(FR.mont(1))])
    _emit_dot(module)
    _emit_plain(module)
    _emit_root(module)
    _emit_digits(module)
    _emit_inputs(module)
    _emit_run(module)


def _emit_dot(module: Module) -> None:
    """Out = Σ coefficients[terms[k].1]·slots[terms[k].0] / 2³²⁰ over k = first … last − 1."""
    f = module.function(
        "fr_dot",
        "out",
        "slots",
        "terms",
        "coefficients",
        "i64 first",
        "i64 last",
        attributes="noinline",
    )
    total = Accumulator(f)
    with f.loop("%last", "%first") as k:
        term = f.row("%terms", k, _TERM)
        slot = f.op(f"zext i32 {f.load(term, 'i32')} to i64")
        number = f.op(f"zext i32 {f.load(f.at(term, 4), 'i32')} to i64")
        total.add_product(f.row("%slots", slot, SIZE), f.row("%coefficients", number, SIZE))
    total.montgomery(FR, _STEPS)
    for i in range(LIMBS):
        f.store(total.limb(_STEPS + i), f.at("%out", 8 * i))
    f.leave()


def _emit_plain(module: Module) -> None:
    """Out = the standard form of a, below r: a reduction alone, a/R + r at most."""
    f = module.function("fr_plain", "out", "a", attributes="noinline")
    total = Accumulator(f)
    for i in range(LIMBS):
        total.set_limb(i, f.load(f.at("%a", 8 * i)))
    total.montgomery(FR, LIMBS)
    for i in range(LIMBS):
        f.store(total.limb(LIMBS + i), f.at("%out", 8 * i))
    f.call("fr_reduce", "%out", "%out")
    f.leave()


def _emit_root(module: Module) -> None:
    """Out = the root of a that is smaller in standard form, or 0 where there is none."""
    odd = (FR.value - 1) >> FR_TWO_ADICITY
    exponent = odd >> 1
    bits = [int(b) for b in bin(exponent)[3:]]  # below the leading one
    root = pow(FR_GENERATOR, odd, FR.value)  # of order 2^28
    powers = [FR.mont(pow(root, 1 << i, FR.value)) for i in range(FR_TWO_ADICITY)]
    chosen = module.constant("fr_root_bits", bits)
    roots = module.constant("fr_roots", powers)

    f = module.function("fr_root", "out", "a", attributes="noinline")
    x, z, residue, trial, other = (f.slot(SIZE) for _ in range(5))
    f.copy(x, "%a", SIZE)
    f.copy(z, x, SIZE)
    with f.loop(len(bits)) as i:
        f.call("fr_mul", z, z, z)
        bit = f.load(f.row(chosen, i, SIZE))
        with f.when(f.compare("ne", bit, 0)):
            f.call("fr_mul", z, z, x)
    f.call("fr_mul", trial, z, x)
    f.call("fr_mul", residue, trial, z)
    f.copy(z, trial, SIZE)  # z² = a·residue, and residue has an order that divides 2^27 for squares
    with f.loop(FR_TWO_ADICITY - 1) as i:
        f.copy(trial, residue, SIZE)
        with f.loop(f.sub(str(FR_TWO_ADICITY - 2), i)):
            f.call("fr_mul", trial, trial, trial)
        f.call("fr_sub", trial, trial, "@fr_one")
        one = f.ask("fr_is_zero", trial)
        with f.when(f.op(f"xor i1 {one}, true")):
            f.call("fr_mul", z, z, f.row(roots, i, SIZE))
            f.call("fr_mul", residue, residue, f.row(roots, f.add(i, 1), SIZE))
    f.call("fr_mul", trial, z, z)
    f.call("fr_sub", trial, trial, x)
    square = f.ask("fr_is_zero", trial)
    f.call("fr_neg", other, z)
    f.call("fr_plain", trial, z)
    f.call("fr_plain", residue, other)
    first, second = f.load(trial, "i256"), f.load(residue, "i256")
    smaller = f.compare("ult", first, second, "i256")
    best = f.select(smaller, f.load(z, "i256"), f.load(other, "i256"), "i256")
    f.store(f.select(square, best, 0, "i256"), "%out", "i256")
    f.leave()


def _emit_digits(module: Module) -> None:
    """out[i] = digit i of a; packed: count, first bit, width (`zk.r1cs.tape.pack_digits`)."""
    f = module.function("fr_digits", "out", "a", "i64 packed", attributes="noinline")
    plain, digit = f.slot(SIZE), f.slot(SIZE)
    f.call("fr_plain", plain, "%a")
    value = f.load(plain, "i256")
    count = f.op("and i64 %packed, 65535")
    first = f.op(f"and i64 {f.op('lshr i64 %packed, 16')}, 255")
    width = f.op("lshr i64 %packed, 24")
    mask = f.sub(f.op(f"shl i64 1, {width}"), 1)
    one = f.load("@fr_one", "i256")
    f.zero(digit, SIZE)
    with f.loop(count) as i:
        shift = f.op(f"zext i64 {f.add(first, f.mul(i, width))} to i256")
        low = f.op(f"trunc i256 {f.op(f'lshr i256 {value}, {shift}')} to i64")
        limb = f.op(f"and i64 {low}, {mask}")
        row = f.row("%out", i, SIZE)
        f.store(f.select(f.compare("eq", limb, 1), one, 0, "i256"), row, "i256")
        with f.when(f.compare("ugt", limb, 1)):
            f.store(limb, digit)
            f.call("fr_mul", row, digit, "@fr_square")
    f.leave()


def _emit_inputs(module: Module) -> None:
    # slots[positions[i]] = inputs[i], in Montgomery form
    f = module.function("fr_tape_inputs", "slots", "positions", "inputs", "i64 n", export=True)
    f.copy("%slots", "@fr_one", SIZE)
    with f.loop("%n") as i:
        position = f.op(f"zext i32 {f.load(f.row('%positions', i, 4), 'i32')} to i64")
        row = f.row("%slots", position, SIZE)
        f.call("fr_mul", row, f.row("%inputs", i, SIZE), "@fr_square")
    f.leave()

    # the first n slots in standard form
    f = module.function("fr_tape_outputs", "out", "slots", "i64 n", export=True)
    with f.loop("%n") as i:
        f.call("fr_plain", f.row("%out", i, SIZE), f.row("%slots", i, SIZE))
    f.leave()


def _emit_run(module: Module) -> None:
    """Operations first … last − 1. Unknown codes do nothing (calls are the host's)."""
    f = module.function(
        "fr_tape_run",
        "slots",
        "operations",
        "terms",
        "coefficients",
        "i64 first",
        "i64 last",
        export=True,
    )
    x, y = f.slot(SIZE), f.slot(SIZE)
    with f.loop("%last", "%first") as k:
        row = f.row("%operations", k, _ROW)
        code, target, first, second = (
            f.op(f"zext i32 {f.load(f.at(row, 4 * i), 'i32')} to i64") for i in range(4)
        )
        out = f.row("%slots", target, SIZE)
        a, b = f.row("%slots", first, SIZE), f.row("%slots", second, SIZE)
        with f.when(f.compare("eq", code, MUL)):
            f.call("fr_mul", out, a, b)
        with f.when(f.compare("eq", code, DOT)):
            f.do(
                f"call void @fr_dot(ptr {out}, ptr %slots, ptr %terms, ptr %coefficients, "
                f"i64 {first}, i64 {second})"
            )
        with f.when(f.compare("eq", code, ADD)):
            f.call("fr_add", out, a, b)
        with f.when(f.compare("eq", code, SUB)):
            f.call("fr_sub", out, a, b)
        with f.when(f.compare("eq", code, QUOTIENT)):
            f.call("fr_inv", x, b)
            f.call("fr_mul", out, a, x)
        with f.when(f.compare("eq", code, ROOT)):
            f.call("fr_root", out, a)
        with f.when(f.compare("eq", code, LESS)):
            f.call("fr_plain", x, a)
            f.call("fr_plain", y, b)
            less = f.compare("ult", f.load(x, "i256"), f.load(y, "i256"), "i256")
            f.store(f.select(less, f.load("@fr_one", "i256"), 0, "i256"), out, "i256")
        with f.when(f.compare("eq", code, DIGITS)):
            f.do(f"call void @fr_digits(ptr {out}, ptr {a}, i64 {second})")
    f.leave()
