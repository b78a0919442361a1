"""Integers as bits, and the ranges that follow from it.

The lowest bit takes no wire: it *is* the combination x − Σ_{i≥1} 2^i·bᵢ. That this is 0 or 1 is at
once its booleanity and the recomposition, so n bits cost n rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from circuits.gadgets.boolean import Bit, boolean, enforce_boolean
from zk.errors import CircuitError, ShapeMismatch
from zk.r1cs.advice import Digits
from zk.r1cs.builder import MODULUS, Builder, Wire

MAX_BITS: Final = MODULUS.bit_length() - 1
"""253: above it an element has two decompositions, x and x + r."""


def to_bits(cs: Builder, value: Wire, n: int, name: str = "bit") -> tuple[Bit, ...]:
    """The n bits of a value, lowest first.

    Constrains: 0 ≤ value < 2ⁿ, and the bits are its own.
    Assumes:    nothing; n ≤ 253 makes the decomposition unique.
    Cost:       n.

    Raises:
        CircuitError: n outside 1 … 253.
    """
    _check_width(n)
    high = cs.advise_many(Digits(width=1, first=1, count=n - 1), n - 1, value, name=name)
    rest = cs.dot([1, *(MODULUS - (1 << i) for i in range(1, n))], (value, *high))
    lowest = enforce_boolean(cs, rest, f"recomposes to a value below 2^{n}")
    return (lowest, *(enforce_boolean(cs, bit, f"{name} is a bit") for bit in high))


def to_signed_bits(cs: Builder, value: Wire, n: int, name: str = "bit") -> tuple[Bit, ...]:
    """The n bits of value + 2ⁿ⁻¹, lowest first: a signed value in biased form.

    Σ (2bᵢ − 1)·2^i = 2·value + 1, the digits ±1 that ladders without a zero digit use.

    Constrains: −2ⁿ⁻¹ ≤ value < 2ⁿ⁻¹, negative values being r − |value|.
    Assumes:    nothing.
    Cost:       n.

    Raises:
        CircuitError: n outside 1 … 253.
    """
    _check_width(n)
    return to_bits(cs, value + (1 << (n - 1)), n, name)


def enforce_range(cs: Builder, value: Wire, n: int, name: str = "range") -> None:
    """0 ≤ value < 2ⁿ. Constrains, assumes and costs what `to_bits` does."""
    with cs.scope(name):
        to_bits(cs, value, n)


def witness_bits(cs: Builder, name: str, value: int, n: int) -> tuple[Bit, ...]:
    """An integer brought as n bits, lowest first; n may pass 253, since no field element is meant.

    Constrains: each wire is a bit.
    Assumes:    nothing.
    Cost:       n.

    Raises:
        ShapeMismatch: the value is not in [0, 2ⁿ).
    """
    bits = cs.derive(_bits_of, n, value, n)
    with cs.scope(name):
        return tuple(boolean(cs, f"bit {i}", bit) for i, bit in enumerate(bits))


def from_bits(cs: Builder, bits: Sequence[Bit]) -> Wire:
    """Σ 2^i·bᵢ. Constrains nothing; below 2ⁿ where n ≤ 253. Cost: 0."""
    return cs.dot([1 << i for i in range(len(bits))], bits)


def _check_width(n: int) -> None:
    if not 1 <= n <= MAX_BITS:
        raise CircuitError(
            f"a value takes 1 to {MAX_BITS} bits, not {n}",
            why="a longer decomposition also holds x + r, a second value",
        )


def _bits_of(value: int, n: int) -> tuple[int, ...]:
    if not 0 <= value < 1 << n:
        raise ShapeMismatch(f"a value does not fit in {n} bits")
    return tuple(value >> i & 1 for i in range(n))
