"""[n₁]K₁ + [n₂]K₂ for two points that are witnesses, by Straus' joint ladder on signed digits.

A signed 66-bit number n is given by the bits of n + 2⁶⁵. The digits d_i = 2b_i − 1 ∈ {±1} have
Σ d_i·2^i = 2n + 1, so that with K = [2]H

    Σ 2^i·(d₁ᵢ·H₁ + d₂ᵢ·H₂) = [n₁]K₁ + [n₂]K₂ + H₁ + H₂

and a pair of digits picks one of four points: d₁·(H₁ + H₂) where the bits agree, d₁·(H₁ − H₂)
where they do not. No digit is zero, so there is no identity to step around. A bit of both numbers
costs 11 rows: two booleans, their exclusive or, u of the table, v of the table and its sign, and
five for P ↦ (P + T) + P, whose middle sum needs no v.
"""

from __future__ import annotations

from typing import Final

from circuits.gadgets.babyjub import (
    EdwardsPoint,
    MontgomeryPoint,
    add,
    chord,
    constant_montgomery,
    constant_point,
    divide,
    from_montgomery,
    negate,
    third_u,
    to_montgomery,
)
from circuits.gadgets.bits import to_signed_bits
from circuits.gadgets.boolean import Bit, xor
from circuits.gadgets.select import select
from zk.curve import babyjub
from zk.r1cs.builder import Builder, Wire

NET_BITS: Final = 66
"""|n| ≤ 2⁶⁵ − 2: two quantities of 64 bits minus two."""


def joint_multiply(
    cs: Builder, numbers: tuple[Wire, Wire], halves: tuple[EdwardsPoint, EdwardsPoint], name: str
) -> EdwardsPoint:
    """[n₁·2]H₁ + [n₂·2]H₂.

    Constrains: −2⁶⁵ ≤ n < 2⁶⁵ for both numbers, H₁ ≠ ±H₂, and the result.
    Assumes:    H₁, H₂ on the curve, without a relation to `CHAIN_START` that a prover knows (S-17).
    Cost:       11·66 + 12 + 6 + 2 + 3 + 6 = 755.
    """
    with cs.scope(name):
        first, second = halves
        bits = [to_signed_bits(cs, n, NET_BITS, f"net {i}") for i, n in enumerate(numbers)]
        with cs.scope("table"):
            total = add(cs, first, second, "sum")
            same = to_montgomery(cs, total, "H0 + H1")
            other = to_montgomery(cs, add(cs, first, negate(second), "difference"), "H0 - H1")
        chain = constant_montgomery(cs, babyjub.CHAIN_START)
        for index in reversed(range(NET_BITS)):
            with cs.scope(f"bit {index}"):
                chain = _double_add(
                    cs, chain, _select(cs, bits[0][index], bits[1][index], same, other)
                )
        end = from_montgomery(cs, chain)
        start = babyjub.multiply(1 << NET_BITS, babyjub.CHAIN_START)
        without_start = add(cs, end, constant_point(cs, babyjub.negate(start)), "without start")
        return add(cs, without_start, negate(total), "without H0 + H1")


def _select(
    cs: Builder, b1: Bit, b2: Bit, same: MontgomeryPoint, other: MontgomeryPoint
) -> MontgomeryPoint:
    """d₁·H₁ + d₂·H₂ from the table. Cost: 4."""
    differ = xor(cs, b1, b2)
    u = select(cs, differ, other.u, same.u, "u of ±T")
    v = select(cs, differ, other.v, same.v, "v of ±T")
    return MontgomeryPoint(u, cs.mul(2 * b1 - 1, v, "v of T"))


def _double_add(cs: Builder, p: MontgomeryPoint, t: MontgomeryPoint) -> MontgomeryPoint:
    """(P + T) + P without the v of P + T (Eisenträger–Lauter–Montgomery, eprint 2003/257).

        λ₁ = (v_t − v_p)/(u_t − u_p)    u_q = λ₁² − A − u_p − u_t
        λ₂ = −λ₁ − 2v_p/(u_q − u_p)     u   = λ₂² − A − u_p − u_q    v = λ₂(u_p − u) − v_p

    Constrains: the result where u_p ≠ u_t and u_q ≠ u_p.
    Assumes:    P ≠ ±T, P + T ≠ ±P (S-17).
    Cost:       5.
    """
    slope = divide(cs, t.v - p.v, t.u - p.u, "slope")
    middle = third_u(cs, slope, p.u, t.u, "u of P + T")
    back = divide(cs, 2 * p.v, p.u - middle, "sum of slopes")
    slope = back - slope
    u = third_u(cs, slope, p.u, middle, "u")
    return MontgomeryPoint(u, chord(cs, slope, p, u))
