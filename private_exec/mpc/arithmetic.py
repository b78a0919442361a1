"""Everything that a program computes with, in one place: `Mpc`, and what a program costs.

    def program(mpc: Mpc) -> Rounds[…]:
        larger = yield from mpc.less(a, b, 32)
        …
        return (yield from mpc.open(result))

Shares are vectors `[m, 4]` of degree t. Sums, differences and products with public numbers are
`vectors`' own and cost nothing. Methods are protocols: `yield from` them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from private_exec.mpc import compare, decompose, divide, equal, multiply, order, vectors
from private_exec.mpc.context import Context, Tally
from private_exec.mpc.errors import MaterialRefused
from private_exec.mpc.machine import Dry, Live, Machine
from private_exec.mpc.material import Request
from private_exec.mpc.prepare import prepare_all
from private_exec.mpc.rounds import Rounds, T
from private_exec.mpc.shamir import Size
from zk.field.arrays import U64Array


class Mpc:
    """Arithmetic on shares, for one member.

    Args:
        machine: `machine.Live` of a member, or `machine.Dry` to count.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def open(self, shares: U64Array) -> Rounds[U64Array]:
        """The values, to everybody. One round."""
        return self.machine.open(shares)

    def mul(self, a: U64Array, b: U64Array) -> Rounds[U64Array]:
        """a·b. One round, a triple each."""
        return multiply.multiply(self.machine, a, b)

    def random_bits(self, count: int) -> U64Array:
        """Shares of random bits; they were prepared."""
        return self.machine.bits(count)

    def bits_of(self, x: U64Array, bits: int) -> Rounds[U64Array]:
        """Bits of x < 2^bits, lowest first, `[bits, m, 4]`."""
        return decompose.bits_of(self.machine, x, bits)

    def less(self, a: U64Array, b: U64Array, bits: int) -> Rounds[U64Array]:
        """1 where a < b, both below 2^bits."""
        return compare.less(self.machine, a, b, bits)

    def equal(self, a: U64Array, b: U64Array, bits: int) -> Rounds[U64Array]:
        """1 where a = b, both below 2^bits."""
        return equal.equal(self.machine, a, b, bits)

    def select(self, bit: U64Array, yes: U64Array, no: U64Array) -> Rounds[U64Array]:
        """`yes` where the bit is 1, else `no`; `[m, 4]`, or `[f, m, 4]` for f fields."""
        return multiply.select(self.machine, bit, yes, no)

    def greatest(self, records: U64Array, bits: int) -> Rounds[U64Array]:
        """Of records `[m, f, w, 4]` that of the greatest key, `[f, w, 4]`; ties to the first."""
        return order.greatest(self.machine, records, bits)

    def argmax(self, values: U64Array, bits: int) -> Rounds[tuple[U64Array, U64Array]]:
        """The greatest of `[m, w, 4]` and its place; ties to the first."""
        return order.argmax(self.machine, values, bits)

    def sort(self, records: U64Array, bits: int) -> Rounds[U64Array]:
        """Records `[m, f, w, 4]` by ascending key."""
        return order.sort(self.machine, records, bits)

    def div_public(self, x: U64Array, divisor: int, bits: int) -> Rounds[U64Array]:
        """⌊x/divisor⌋ of x < 2^bits."""
        return divide.divide(self.machine, x, divisor, bits)

    def shift_right(self, x: U64Array, places: int, bits: int) -> Rounds[U64Array]:
        """⌊x/2^places⌋ of x < 2^bits."""
        return divide.shift_right(self.machine, x, places, bits)


def cost(size: Size, program: Callable[[Mpc], Rounds[object]]) -> Tally:
    """What a program spends online, whatever its inputs: it is run on nothing.

    Raises:
        MaterialRefused: PV-22, it sends something else than what `Mpc` opens.
    """
    machine = Dry(size)
    for _ in program(Mpc(machine)):
        raise MaterialRefused("PV-22", "a program opens by its machine only", where="program")
    return machine.tally


def compute(context: Context, program: Callable[[Mpc], Rounds[T]]) -> Rounds[T]:
    """Prepare what a program takes, then run it; a session runs one program, once.

    Args:
        context: of the member.
        program: the same for every member, but for the shares that it has.
    """
    spent = cost(context.session.size, program)
    material = yield from prepare_all(context, Request(spent.triples, spent.bits))
    return (yield from program(Mpc(Live(context, material))))


def stack(values: Sequence[U64Array]) -> U64Array:
    """Vectors of one length as records' fields or contestants: `[len(values), m, 4]`."""
    return np.stack([vectors.flat(value) for value in values])
