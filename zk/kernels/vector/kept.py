"""What kernels of Fp12 keep in memory between operations: reduced, in digits, with known bounds.

Values lie within 0 … p on `fma`, give or take p/2⁴⁰ (`kept`), and within 0.4·p … 2.6·p on `ifma`
(`settled`); `light` and `ready` only carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zk.kernels.emit import Value
from zk.kernels.vector.fma import Fma, bits, signed_digits
from zk.kernels.vector.lanes import (
    LIMBS,
    RADIX,
    BoundError,
    Element,
    Interval,
    Lanes,
    clip,
    hull,
    settled,
    top_bound,
    within,
)

_HALF: Final = 1 << (RADIX - 1)
_EXACT: Final = 1 << 53
_SPILL: Final = 64
"""How far beyond 2⁵¹ a limb in memory may lie."""
_MARGIN: Final = 40


def kept_like(k: Lanes) -> Element:
    """Bounds of what is kept in memory."""
    if isinstance(k, Fma):
        value = -(k.p >> _MARGIN) - 1, k.p + (k.p >> _MARGIN) + 1
        lower: list[Interval] = [(-_HALF - _SPILL, _HALF + _SPILL)] * (LIMBS - 1)
    else:
        value = settled(k.p)
        lower = list(k.product_like().bounds[:-1])
    return Element(("poison",) * LIMBS, value, (*lower, top_bound(value, lower)))


def kept(k: Lanes, a: Element) -> Element:
    """The same residues within the bounds of what is kept in memory.

    On `fma` q·p is taken off with q = ⌊top limb · 2²⁰⁸/p⌋, for multiples of p where q would be too
    large for exact doubles. A top limb tells value/p to within 2⁻⁴²: the lower limbs are below 2⁵³.
    """
    if not isinstance(k, Fma):
        out = ready(k, k.settle(a))
        check_within(out, kept_like(k))
        return out
    like = kept_like(k)
    while a.value[0] < like.value[0] or a.value[1] > like.value[1]:
        factor = 1
        while not all(-2 <= q <= 2 for q in _quotients(k, a.value, factor)):
            factor += 1
        a = _reduced_by(k, a, factor)
    a = light(k, a)
    check_within(a, like)
    return a


def times(k: Fma, a: Value, factor: int) -> Value:
    """A limb times a small integer."""
    return k.f.op(f"fmul {k.limb_type} {a}, {k.splat_double(factor)}")


def _splat_power(k: Fma, mantissa: int, exponent: int) -> str:
    """mantissa·2^exponent, a normal double, in all lanes."""
    pattern = bits(mantissa) + (exponent << RADIX)
    one = f"double 0x{pattern:016X}"
    return f"<{', '.join([one] * k.width)}>"


def _quotients(k: Fma, value: Interval, factor: int) -> Interval:
    margin = k.p >> _MARGIN
    return (value[0] - margin) // (factor * k.p), (value[1] + margin) // (factor * k.p)


def _reduced_by(k: Fma, a: Element, factor: int) -> Element:
    a = light(k, a)
    modulus = factor * k.p
    low, high = _quotients(k, a.value, factor)
    scale = (1 << (RADIX * (LIMBS - 1) + 120)) // modulus  # of 53 bits and more
    shift = scale.bit_length() - 53
    inverse = _splat_power(k, scale >> shift, shift - 120)
    magic = k.splat_double(3 << 51)
    q = k.fsub(k.fma(a.limbs[-1], inverse, magic), magic)
    digits = signed_digits(modulus)
    limbs = [k.fma(q, k.splat_double(-d), x) for x, d in zip(a.limbs, digits, strict=True)]
    bounds = [
        (x[0] - max(low * d, high * d), x[1] - min(low * d, high * d))
        for x, d in zip(a.bounds, digits, strict=True)
    ]
    if any(max(-x[0], x[1]) > _EXACT for x in bounds):
        raise BoundError("a multiple of p is not exact in doubles")
    margin = k.p >> _MARGIN
    return Element(tuple(limbs), (-margin - 1, modulus + margin + 1), tuple(bounds))


def light(k: Lanes, a: Element, multiple: int = 1) -> Element:
    """Small limbs, the sign of the value in the top one, though not the smallest.

    On `fma` all carries are taken at once: lower limbs end within 2⁵¹ plus a carry. All limbs are
    multiples of `multiple`.
    """
    if not isinstance(k, Fma):
        return k.carry_signed(a)
    if all(x[0] >= -_HALF - _SPILL and x[1] <= _HALF + _SPILL for x in a.bounds[:-1]):
        return a
    big, half = k.splat_double(3 << 103), k.splat_double(_HALF)
    rounded: list[Value] = []
    spans: list[Interval] = []
    for limb, (low, high) in zip(a.limbs[:-1], a.bounds[:-1], strict=True):
        if max(-low, high) + _HALF > _EXACT * multiple:
            raise BoundError("a limb is too large to be carried")
        rounded.append(k.fsub(k.fadd(k.fadd(limb, half), big), big))
        spans.append(((low + _HALF) >> RADIX, (high + _HALF) >> RADIX))
    limbs, bounds = [], []
    for i, limb in enumerate(a.limbs):
        bound = a.bounds[i]
        kept_part = limb
        if i < LIMBS - 1:
            kept_part = k.fsub(limb, rounded[i])
            bound = (-_HALF, _HALF - 1)
        if i > 0:
            kept_part = k.fma(rounded[i - 1], _splat_power(k, 1, -RADIX), kept_part)
            bound = bound[0] + spans[i - 1][0], bound[1] + spans[i - 1][1]
        limbs.append(kept_part)
        bounds.append(bound)
    bounds[-1] = clip(top_bound(a.value, bounds[:-1]), bounds[-1])
    return Element(tuple(limbs), a.value, tuple(bounds))


def ready(k: Lanes, a: Element) -> Element:
    """The same values with limbs as a dot wants them."""
    if isinstance(k, Fma):
        return light(k, a)
    fits = all(x[0] >= 0 and x[1] < 1 << 52 for x in a.bounds)
    return a if fits else k.carry(a)


def joined(elements: Sequence[Element]) -> Element:
    """Bounds that hold for all."""
    value: Interval = elements[0].value
    bounds = list(elements[0].bounds)
    for a in elements[1:]:
        value = hull(value, a.value)
        bounds = [hull(x, y) for x, y in zip(bounds, a.bounds, strict=True)]
    return Element(("poison",) * LIMBS, value, tuple(bounds))


def check_within(a: Element, like: Element) -> None:
    """Raises: `BoundError` where a could leave the bounds that readers assume."""
    if not within(a, like):
        raise BoundError("what is stored exceeds the bounds it will be loaded with")


def kept_constants(k: Lanes, values: Sequence[int]) -> list[Element]:
    """Field constants within the bounds of what is kept in memory, computed here.

    LLVM must not settle a constant: it would compute with another rounding mode.
    """
    low, _ = kept_like(k).value
    residues = [k.mont(x) for x in values]
    return [k.constant(x if x >= low else x + k.p) for x in residues]


def lanes_constant(columns: Sequence[Element]) -> Element:
    """One constant for each lane."""
    limbs = []
    for i in range(LIMBS):
        entries = [c.limbs[i][1:].split(",")[0].rstrip(">") for c in columns]
        limbs.append(f"<{', '.join(entries)}>")
    bounds = joined(columns)
    return Element(tuple(limbs), bounds.value, bounds.bounds)
