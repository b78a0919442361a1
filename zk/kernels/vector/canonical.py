"""Lazy residues to canonical integers in [0, m), as words."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from zk.kernels.emit import Value
from zk.kernels.vector.fma import HIGH, ONE_52, Fma, bits, signed_digits
from zk.kernels.vector.lanes import (
    LIMBS,
    MASK,
    R_BITS,
    RADIX,
    BoundError,
    Element,
    Lanes,
    magnitude,
    settled,
)

_HALF: Final = 1 << (RADIX - 1)
_MAGIC: Final = 3 << (RADIX - 1)
"""1.5·2⁵²: a double that is added to it is rounded down to an integer."""
_MARGIN_BITS: Final = 20
_MOST: Final = 1 << 7
"""Multiples of m that a value may be away from zero."""


def canonical(k: Lanes, a: Element) -> list[Value]:
    """Words of the residues in [0, m)."""
    if isinstance(k, Fma):
        limbs = _by_quotient(k, a)
        surplus = 1
    else:
        limbs = k.split(k.to_integers(k.settle(a)))
        surplus = -(-settled(k.p)[1] // k.p) - 1
    for _ in range(surplus):
        limbs = less_modulus(k, limbs)
    return k.join(limbs)


def less_modulus(k: Lanes, limbs: Sequence[Value]) -> list[Value]:
    """52-bit limbs, minus m where that is not negative: 2²⁶⁰ − m is added and the carry decides."""
    complement = (1 << R_BITS) - k.p
    out: list[Value] = []
    carry = ""
    for i, limb in enumerate(limbs):
        total = k.word_const("add", limb, (complement >> (RADIX * i)) & MASK)
        if carry:
            total = k.word_op("add", total, carry)
        carry = k.word_const("lshr", total, RADIX)
        out.append(k.word_const("and", total, MASK))
    keep = k.equal(carry, k.splat(0))
    return [
        k.f.op(f"select {k.mask_type} {keep}, {k.words} {x}, {k.words} {y}")
        for x, y in zip(limbs, out, strict=True)
    ]


def _by_quotient(k: Fma, a: Element) -> list[Value]:
    """52-bit limbs of a − q·m in [0, (1 + 2⁻¹⁹)·m), where q comes from the top limb.

    What the lower limbs add to the value is at most 2²¹¹, far below the margin of 2⁻²⁰·m by which q
    is kept small, and so is the error of the two roundings.
    """
    if max(magnitude(x) for x in a.bounds[:-1]) > 1 << (RADIX + 1):
        raise BoundError("a limb is too large to be converted")
    if magnitude(a.value) >= _MOST * k.p or magnitude(a.bounds[-1]) >= _HALF:
        raise BoundError("a value is too large for a quotient from its top limb")
    magic, base, half = k.pooled(_MAGIC), k.pooled(HIGH), k.pooled(_HALF)
    base_low = k.pooled(HIGH + (1 << RADIX))
    share = _double(k, (1 << (RADIX * (LIMBS - 1))) / k.p)
    ratio = k.fma(a.limbs[-1], share, _double(k, -(2.0**-_MARGIN_BITS)))
    minus = k.fsub(magic, k.fadd(ratio, magic))
    columns: list[list[Value]] = [[] for _ in range(LIMBS + 1)]
    offsets = [0] * (LIMBS + 1)

    def add(column: int, register: Value, offset: int) -> None:
        columns[column].append(k.as_words(register))
        offsets[column] += offset

    for i, (limb, digit) in enumerate(zip(a.limbs, signed_digits(k.p), strict=True)):
        rest = limb
        if i < LIMBS - 1:
            upper = k.fadd(k.fadd(limb, half), base)
            rest = k.fsub(limb, k.fsub(upper, base))
            add(i + 1, upper, bits(HIGH))
        add(i, k.fadd(rest, magic), ONE_52 + _HALF)
        high = k.fma(minus, k.pooled(digit), base)
        add(i, k.fma(minus, k.pooled(digit), k.fsub(base_low, high)), ONE_52)
        add(i + 1, high, bits(HIGH))
    out = []
    carry = ""
    for i in range(LIMBS):
        top = i == LIMBS - 1
        total = columns[i][0]
        for register in columns[i][1:]:
            total = k.word_op("add", total, register)
        # lower columns lie above −2⁵²; each but the last is lent that much by the next
        lift = (0 if top else 1 << RADIX) - (1 if i else 0)
        total = k.word_const("add", total, (lift - offsets[i]) % (1 << 64))
        if carry:
            total = k.word_op("add", total, carry)
        out.append(k.word_const("and", total, MASK))  # the top one, too: all is modulo 2²⁶⁰
        carry = k.word_const("lshr", total, RADIX)
    return out


def _double(k: Fma, value: float) -> Value:
    """A double in all lanes, as an operand in memory."""
    pattern = value.hex().replace("-", "m").replace(".", "_").replace("+", "")
    text = f"<{', '.join([f'double {_literal(value)}'] * k.width)}>"
    return k.f.pooled(f"share.{pattern}", k.limb_type, text, 32)


def _literal(value: float) -> str:
    """As LLVM reads it: the bit pattern."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
