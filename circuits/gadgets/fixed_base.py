"""[k]B for a constant base B: 84 windows of 3 bits, 7 rows each.

k is written with odd digits, k = Σ d_w·8^w, d_w ∈ {±1, ±3, ±5, ±7}: every odd |k| < 2²⁵² has one
such form, and an even k takes k + l. A window adds T = [d_w·8^w]B to the chain:

    |d|     two bits b₀, b₁:  |d| = 1 + 2b₀ + 4b₁
    u_T     a linear combination of 1, b₀, b₁, b₀b₁ (four table entries, one product)
    v_T     any root of v² = the table's v²: the root taken *is* the sign of the digit

so the sign costs neither bit nor selection. k itself is no wire: the statement says that the result
is some known multiple of B, which is all that a blinding factor is for.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from circuits.gadgets.babyjub import (
    EdwardsPoint,
    MontgomeryPoint,
    add,
    constant_montgomery,
    constant_point,
    from_montgomery,
    step,
)
from circuits.gadgets.boolean import Bit, and_, boolean
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.errors import ShapeMismatch
from zk.field.params import FR
from zk.r1cs.builder import Builder, Wire

WINDOWS: Final = 84
SCALAR_BITS: Final = 251

_R: Final = FR.modulus


@dataclass(frozen=True, slots=True)
class Window:
    """The multiples [|d|·8^w]B, |d| = 1, 3, 5, 7, in Montgomery coordinates."""

    u: tuple[int, ...]
    v: tuple[int, ...]


@functools.cache
def table(base: Point) -> tuple[Window, ...]:
    """The windows of a base of order l."""
    windows = []
    for _ in range(WINDOWS):
        twice = babyjub.double(base)
        odd = [base]
        for _ in range(3):
            odd.append(babyjub.add(odd[-1], twice))
        rows = [babyjub.to_montgomery_curve(p) for p in odd]
        windows.append(Window(tuple(u for u, _ in rows), tuple(v for _, v in rows)))
        base = babyjub.add(odd[-1], base)
    return tuple(windows)


def signed_digits(scalar: int) -> tuple[int, ...]:
    """Digits d_w ∈ {±1, ±3, ±5, ±7} with Σ d_w·8^w ≡ scalar (mod l), lowest first.

    Raises:
        ShapeMismatch: a scalar outside [0, 2²⁵¹).
    """
    if not 0 <= scalar < 1 << SCALAR_BITS:
        raise ShapeMismatch(f"a scalar takes {SCALAR_BITS} bits")
    rest = scalar if scalar & 1 else scalar + babyjub.ORDER  # l is odd; below 2²⁵² either way
    digits = []
    for _ in range(WINDOWS - 1):
        digit = (rest & 15) - 8
        digits.append(digit)
        rest = (rest - digit) >> 3  # odd again, and its bound loses three bits
    return (*digits, rest)


def window_values(scalar: int, x: int, y: int) -> tuple[int, ...]:
    """What a scalar chooses in the windows of the base (x, y): b₀, b₁ and v of T for each.

    Raises:
        ShapeMismatch: a scalar outside [0, 2²⁵¹).
    """
    values: list[int] = []
    for window, digit in zip(table(Point(x, y)), signed_digits(scalar), strict=True):
        index = abs(digit) >> 1
        v = window.v[index]
        values += (index & 1, index >> 1, v if digit > 0 else _R - v)
    return tuple(values)


def multiply(cs: Builder, base: Point, scalar: int, name: str) -> EdwardsPoint:
    """[scalar]·base, the digits of the scalar witnessed.

    Constrains: the result is [k]base for some odd |k| < 2²⁵² that the prover knows.
    Assumes:    base of order l, its discrete logarithm to `CHAIN_START` unknown (S-17).
    Cost:       7·84 + 5 = 593.

    Args:
        cs: the builder.
        base: a constant point.
        scalar: any integer below 2²⁵¹; not a wire.
        name: scope of the wires.

    Raises:
        ShapeMismatch: a scalar outside [0, 2²⁵¹).
    """
    with cs.scope(name):
        chosen = cs.derive(window_values, 3 * WINDOWS, scalar, base.x, base.y)
        chain = constant_montgomery(cs, babyjub.CHAIN_START)
        for index, window in enumerate(table(base)):
            with cs.scope(f"window {index}"):
                values = chosen[3 * index : 3 * index + 3]
                chain = step(cs, chain, _multiple(cs, window, values))
        end = from_montgomery(cs, chain)
        start = constant_point(cs, babyjub.negate(babyjub.CHAIN_START))
        return add(cs, end, start, "without start")


def _multiple(cs: Builder, window: Window, values: Sequence[int]) -> MontgomeryPoint:
    """±[|d|]·(the window's base), from the three `window_values`. Cost: 4."""
    low, high, signed_v = values
    b0 = boolean(cs, "b0", low)
    b1 = boolean(cs, "b1", high)
    both = and_(cs, b0, b1, "b0 and b1")
    u = _lookup(b0, b1, both, window.u)
    v = cs.witness("v of T", signed_v)
    cs.enforce(v, v, _lookup(b0, b1, both, [v * v % _R for v in window.v]), "v is ± the table's")
    return MontgomeryPoint(u, v)


def _lookup(b0: Bit, b1: Bit, both: Bit, entries: Sequence[int]) -> Wire:
    """entries[b0 + 2·b1], linear in the bits and their product. Cost: 0."""
    e0, e1, e2, e3 = entries
    return e0 + (e1 - e0) * b0 + (e2 - e0) * b1 + (e3 - e2 - e1 + e0) * both
