"""Equality of shared integers.  Rule PV-20.

x = a − b + 2ᴸ is opened under a mask of which L + 1 bits are shared. a = b exactly where those bits
are the opened ones with the highest turned over; whether they are is multiplied in a tree.
"""

from __future__ import annotations

import numpy as np

from private_exec.mpc import vectors
from private_exec.mpc.compare import Masked, check_bits, first_level, public_bits
from private_exec.mpc.machine import Machine
from private_exec.mpc.multiply import multiply
from private_exec.mpc.rounds import Rounds
from zk.field.arrays import U64Array


def equal(machine: Machine, a: U64Array, b: U64Array, bits: int) -> Rounds[U64Array]:
    """1 where a = b, 0 elsewhere, for a, b < 2^bits. ⌈log₂(bits + 1)⌉ rounds."""
    check_bits(machine, bits + 1)
    if not len(a):
        return vectors.zeros(0)
    x = vectors.add(vectors.sub(a, b), 1 << bits)
    masked = Masked(machine, x, bits + 1, bits + 1)
    public, products = masked.opened((yield from machine.open(masked.to_open)))
    turned = public.copy()
    turned[:, bits // 64] ^= np.uint64(1 << bits % 64)
    _, eq = first_level(public_bits(turned, bits + 1), masked.bits, products)
    while len(eq) > 1:
        pairs = len(eq) // 2
        left, right = eq[1 : 2 * pairs : 2], eq[0 : 2 * pairs : 2]
        product = yield from multiply(machine, left, right)
        eq = np.concatenate([product, eq[2 * pairs :]])
    root: U64Array = eq[0]
    return root
