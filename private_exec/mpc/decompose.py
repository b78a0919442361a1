"""All bits of a shared integer.  Rule PV-20.

As x mod 2ᴸ (`compare`), but the borrow is wanted at every bit: a tree over all prefixes
(Sklansky's), then xᵢ = cᵢ ⊕ rᵢ ⊕ borrowᵢ.
"""

from __future__ import annotations

import numpy as np

from private_exec.mpc.compare import (
    Masked,
    check_bits,
    leaves,
    merged_pairs,
    minus,
    one_minus,
    plus,
    public_bits,
    where,
)
from private_exec.mpc.machine import Machine
from private_exec.mpc.multiply import multiply
from private_exec.mpc.rounds import Rounds
from zk.field.arrays import LIMBS, U64Array


def bits_of(machine: Machine, x: U64Array, bits: int) -> Rounds[U64Array]:
    """Shares of the bits of x < 2^bits, lowest first: `[bits, m, 4]`.

    About bits·(1 + log₂ bits) triples for each value; 1 + ⌈log₂ bits⌉ rounds.
    """
    check_bits(machine, bits)
    count = len(x)
    if not count:
        return np.zeros((bits, 0, LIMBS), dtype=np.uint64)
    masked = Masked(machine, x, bits, bits)
    public, products = masked.opened((yield from machine.open(masked.to_open)))
    c, r = public_bits(public, bits), masked.bits
    mixed = where(c, one_minus(r), r)
    if bits == 1:
        return mixed
    lt, eq = leaves(c, r)
    lt[1 : 2 * len(products) : 2], eq[1 : 2 * len(products) : 2] = merged_pairs(c, r, products)
    prefixes = yield from _prefixes(machine, lt, eq)
    product = yield from multiply(machine, mixed[1:], prefixes[:-1])
    upper = minus(plus(mixed[1:], prefixes[:-1]), plus(product, product))
    return np.concatenate([mixed[:1], upper])


def _prefixes(machine: Machine, lt: U64Array, eq: U64Array) -> Rounds[U64Array]:
    """Lt of the ranges 0 … i, given pairs at odd i."""
    level = 1
    while 1 << level < len(lt):
        own = [i for i in range(len(lt)) if i >> level & 1]
        below = [(i >> level << level) - 1 for i in own]
        both = [k for k, i in enumerate(own) if i >> (level + 1)]
        left = np.concatenate([eq[own], eq[own][both]])
        right = np.concatenate([lt[below], eq[below][both]])
        product = yield from multiply(machine, left, right)
        lt, eq = lt.copy(), eq.copy()
        lt[own] = plus(lt[own], product[: len(own)])
        eq[[own[k] for k in both]] = product[len(own) :]
        level += 1
    return lt
