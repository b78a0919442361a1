"""Order and bits of shared integers.  Rule PV-20 (P2-13).

To learn x mod 2ᵏ of a shared x < 2ᵇ: take k shared random bits r₀ … r_{k−1} and a random R of 80
bits more than x has above its k lowest, open c = x + Σ 2ⁱrᵢ + 2ᵏR, which is within 2⁻⁸⁰ of saying
nothing about x, and

    x mod 2ᵏ = c mod 2ᵏ − Σ 2ⁱrᵢ + 2ᵏ·u        u = 1 where c mod 2ᵏ < Σ 2ⁱrᵢ

u compares something public with shared bits: pairs (lt, eq) of bits, then of ranges of bits, merge
in a tree, lt = lt_high + eq_high·lt_low, eq = eq_high·eq_low. The first level needs the product of
two random bits only, whatever c is, so it is multiplied in the round that opens c: ⌈log₂ k⌉ rounds
in all.

Everything works on vectors: rounds do not depend on how many values are compared.
"""

from __future__ import annotations

from math import comb
from typing import Final

import numpy as np
import numpy.typing as npt

from private_exec.mpc import vectors
from private_exec.mpc.errors import RangeRefused
from private_exec.mpc.machine import Machine
from private_exec.mpc.multiply import begin, multiply
from private_exec.mpc.rounds import Rounds
from private_exec.mpc.vectors import R
from zk.field.arrays import LIMBS, U64Array

Flags = npt.NDArray[np.bool_]
STATISTICAL: Final = 80
"""Bits of a mask beyond those of what it hides."""


def widest(machine: Machine) -> int:
    """Bits that a value may have, so that it and its mask stay below r."""
    size = machine.size
    return R.bit_length() - 2 - STATISTICAL - comb(size.n, size.t).bit_length()


def check_bits(machine: Machine, bits: int) -> None:
    """PV-20: a length that comparisons can take.

    Raises:
        RangeRefused: PV-20.
    """
    most = widest(machine)
    if not 1 <= bits <= most:
        raise RangeRefused("PV-20", f"{bits} bits: 1 to {most} leave room for a mask")


class Masked:
    """A vector hidden by random bits, in the round that opens it.

    Args:
        machine: the member's.
        x: shares of integers below 2^bits, `[m, 4]`.
        low: k, how many of the lowest bits of the mask are shared one by one.
        bits: length of the values.
    """

    def __init__(self, machine: Machine, x: U64Array, low: int, bits: int) -> None:
        count = len(x)
        self.bits = machine.bits(low * count).reshape(low, count, LIMBS)
        self.value = vectors.combine([1 << i for i in range(low)], list(self.bits))
        high = machine.masks(count, bits - low + STATISTICAL)
        hidden = vectors.add(vectors.add(x, self.value), vectors.scale(high, 1 << low))
        pairs = low // 2
        upper, lower = self.bits[1 : 2 * pairs : 2], self.bits[0 : 2 * pairs : 2]
        self._pending = begin(machine, vectors.flat(upper), vectors.flat(lower))
        self._count, self._shape = count, (pairs, count, LIMBS)
        self.to_open = np.concatenate([hidden, self._pending.masked])

    def opened(self, opened: U64Array) -> tuple[U64Array, U64Array]:
        """What is public, `[m, 4]`, and shares of r₁r₀, r₃r₂, …, `[⌊k/2⌋, m, 4]`."""
        products = self._pending.finish(opened[self._count :])
        return opened[: self._count], products.reshape(self._shape)


def public_bits(values: U64Array, count: int) -> Flags:
    """The lowest bits of public values: `[count, m]`."""
    data = np.ascontiguousarray(values, dtype="<u8").view(np.uint8).reshape(len(values), -1)
    return np.unpackbits(data, axis=1, bitorder="little")[:, :count].T.astype(bool)


def low_part(values: U64Array, count: int) -> U64Array:
    """Public values modulo 2^count."""
    return values & vectors.lowest(count, LIMBS)


def where(condition: Flags, yes: U64Array, no: U64Array) -> U64Array:
    """Public choice between shares: `[…, 4]` by `[…]`."""
    return np.where(condition[..., None], yes, no)


def one_minus(shares: U64Array) -> U64Array:
    """1 − x of every share, in any shape."""
    ones = np.zeros((shares.size // LIMBS, LIMBS), dtype=np.uint64)
    ones[:, 0] = 1
    return vectors.sub(ones, vectors.flat(shares)).reshape(shares.shape)


def minus(a: U64Array, b: U64Array) -> U64Array:
    """A − b in any shape."""
    return vectors.sub(vectors.flat(a), vectors.flat(b)).reshape(a.shape)


def plus(a: U64Array, b: U64Array) -> U64Array:
    """A + b in any shape."""
    return vectors.add(vectors.flat(a), vectors.flat(b)).reshape(a.shape)


def leaves(c: Flags, r: U64Array) -> tuple[U64Array, U64Array]:
    """(lt, eq) of public bits against shared ones: cᵢ < rᵢ, cᵢ = rᵢ."""
    return where(c, np.zeros_like(r), r), where(c, r, one_minus(r))


def merged_pairs(c: Flags, r: U64Array, products: U64Array) -> tuple[U64Array, U64Array]:
    """(lt, eq) of bits 1 and 0, 3 and 2, …, from the products of the two shared bits.

    Args:
        c: public bits, `[k, m]`.
        r: shared ones, `[k, m, 4]`.
        products: r₁r₀, r₃r₂, …, `[⌊k/2⌋, m, 4]`.

    Returns:
        Two arrays like `products`.
    """
    end = 2 * len(products)
    low, high = slice(0, end, 2), slice(1, end, 2)
    rest = where(c[high], products, minus(r[low], products))
    lt = plus(
        where(c[high], np.zeros_like(rest), r[high]), where(c[low], np.zeros_like(rest), rest)
    )
    neither = one_minus(minus(plus(r[high], r[low]), products))
    eq = where(
        c[high],
        where(c[low], products, minus(r[high], products)),
        where(c[low], minus(r[low], products), neither),
    )
    return lt, eq


def first_level(c: Flags, r: U64Array, products: U64Array) -> tuple[U64Array, U64Array]:
    """(lt, eq) of pairs of bits, and of the highest alone where their number is odd."""
    end = 2 * len(products)
    pairs, rest = merged_pairs(c, r, products), leaves(c[end:], r[end:])
    return np.concatenate([pairs[0], rest[0]]), np.concatenate([pairs[1], rest[1]])


def borrow(machine: Machine, lt: U64Array, eq: U64Array) -> Rounds[U64Array]:
    """u: the root of the tree over (lt, eq). ⌈log₂ of their number⌉ rounds."""
    while len(lt) > 1:
        pairs = len(lt) // 2
        high, low = slice(1, 2 * pairs, 2), slice(0, 2 * pairs, 2)
        left = np.concatenate([eq[high], eq[high][1:]])  # nobody asks whether the lowest are equal
        right = np.concatenate([lt[low], eq[low][1:]])
        product = yield from multiply(machine, left, right)
        merged = plus(lt[high], product[:pairs])
        lt, eq = (
            np.concatenate([merged, lt[2 * pairs :]]),
            np.concatenate([eq[:1], product[pairs:], eq[2 * pairs :]]),
        )
    root: U64Array = lt[0]
    return root


def modulo_power(machine: Machine, x: U64Array, low: int, bits: int) -> Rounds[U64Array]:
    """X mod 2^low. ⌈log₂ low⌉ rounds, one for one bit; `low` random bits for each value.

    Args:
        machine: the member's.
        x: shares of integers below 2^bits, `[m, 4]`.
        low: at most `bits`.
        bits: length of the values.

    Raises:
        RangeRefused: PV-20.
    """
    check_bits(machine, bits)
    if not 0 <= low <= bits:
        raise RangeRefused("PV-20", f"the lowest {low} of {bits} bits")
    if not low or not len(x):
        return vectors.zeros(len(x))
    masked = Masked(machine, x, low, bits)
    public, products = masked.opened((yield from machine.open(masked.to_open)))
    u = yield from borrow(machine, *first_level(public_bits(public, low), masked.bits, products))
    remainder = vectors.sub(low_part(public, low), masked.value)
    return vectors.add(remainder, vectors.scale(u, 1 << low))


def less(machine: Machine, a: U64Array, b: U64Array, bits: int) -> Rounds[U64Array]:
    """1 where a < b, 0 elsewhere, for a, b < 2^bits.

    Of a − b + 2^bits, bit number `bits` is 0 exactly then.
    """
    check_bits(machine, bits + 1)
    x = vectors.add(vectors.sub(a, b), 1 << bits)
    rest = yield from modulo_power(machine, x, bits, bits + 1)
    top = vectors.scale(vectors.sub(x, rest), pow(1 << bits, -1, R))
    return one_minus(top)
