"""Products of shared values: Beaver's way, one opening for each vector.

With a triple (x, y, z = x·y): open e = a − x and f = b − y, which x and y hide; then
a·b = z + e·y + f·x + e·f, of degree t, without another message.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from private_exec.mpc import vectors
from private_exec.mpc.machine import Machine
from private_exec.mpc.material import Triples
from private_exec.mpc.rounds import Rounds
from zk.field.arrays import U64Array


@dataclass(frozen=True, slots=True)
class Pending:
    """Products that wait for an opening, which may open other things in the same round.

    Attributes:
        masked: to open: e, then f, `[2m, 4]`.
    """

    masked: U64Array = field(repr=False)
    triples: Triples

    def finish(self, opened: U64Array) -> U64Array:
        """Shares of the products, `[m, 4]`, from the opened `masked`."""
        count = len(self.triples.a)
        e, f = opened[:count], opened[count:]
        first = vectors.add(self.triples.c, vectors.mul(e, vectors.add(self.triples.b, f)))
        return vectors.add(first, vectors.mul(f, self.triples.a))


def begin(machine: Machine, a: U64Array, b: U64Array) -> Pending:
    """Take triples for the products of two vectors of one length."""
    triples = machine.triples(len(a))
    masked = np.concatenate([vectors.sub(a, triples.a), vectors.sub(b, triples.b)])
    return Pending(masked, triples)


def multiply(machine: Machine, a: U64Array, b: U64Array) -> Rounds[U64Array]:
    """a·b, element by element, in any shape `[…, 4]` that both have. One round."""
    pending = begin(machine, vectors.flat(a), vectors.flat(b))
    product = pending.finish((yield from machine.open(pending.masked)))
    return product.reshape(a.shape)


def select(machine: Machine, bit: U64Array, yes: U64Array, no: U64Array) -> Rounds[U64Array]:
    """`yes` where the bit is 1, `no` where it is 0. One round.

    Args:
        machine: the member's.
        bit: shares of 0 or 1, `[m, 4]`.
        yes: `[m, 4]`, or `[f, m, 4]` for f values that go by the same bit.
        no: of the same shape.
    """
    fields = yes.reshape(-1, *bit.shape)
    bits = np.tile(bit, (len(fields), 1))
    flat_yes, flat_no = vectors.flat(yes), vectors.flat(no)
    product = yield from multiply(machine, bits, vectors.sub(flat_yes, flat_no))
    return vectors.add(flat_no, product).reshape(yes.shape)
