"""A program on shares: every operation as early as its operands allow.  Rule PV-91.

Rounds are what a computation between machines costs most. Operations that can start in the same
round do, and whatever is to be opened in it is opened together, from whichever lines of the program
it comes; operations of one kind run as one vector. So a program takes as many rounds as its longest
chain of operations does, however many run beside it.

The same code counts what it costs (`cost`), on a machine that has no shares.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from private_exec.mpc import vectors
from private_exec.mpc.arithmetic import Mpc
from private_exec.mpc.machine import Machine
from private_exec.mpc.material import Triples
from private_exec.mpc.rounds import Rounds
from private_exec.mpc.shamir import Size
from private_exec.programs.ir import Affine, Circuit, Op, sort_of
from private_exec.programs.program import Program
from zk.field.arrays import LIMBS, U64Array

Asking = Generator[U64Array, U64Array, U64Array]
"""A protocol that yields shares to open, and is sent the values."""


@dataclass(frozen=True)
class _Asking:
    """A `Machine` whose openings are left to whoever drives the protocol."""

    machine: Machine

    @property
    def size(self) -> Size:
        return self.machine.size

    def open(self, shares: U64Array) -> Rounds[U64Array]:
        return cast("Rounds[U64Array]", _ask(shares))

    def triples(self, count: int) -> Triples:
        return self.machine.triples(count)

    def bits(self, count: int) -> U64Array:
        return self.machine.bits(count)

    def masks(self, count: int, bits: int) -> U64Array:
        return self.machine.masks(count, bits)


def _ask(shares: U64Array) -> Asking:
    return (yield shares) if len(shares) else shares


@dataclass
class _Running:
    """Operations of one kind that run as one vector.

    Attributes:
        ops: each with the first wire that it makes.
        protocol: that computes them.
        asks: what it wants opened now.
    """

    ops: list[tuple[int, Op]]
    protocol: Asking
    asks: U64Array = field(repr=False)


class _Wires:
    """Shares of wires, and which operations they let start."""

    def __init__(self, circuit: Circuit, given: list[int]) -> None:
        self.shares = [*given, *(0 for _ in range(circuit.wires - circuit.given))]
        self._waiting: dict[int, list[tuple[int, Op]]] = defaultdict(list)
        self._missing: dict[int, int] = {}
        self.ready: list[tuple[int, Op]] = []
        for first, op in circuit.firsts():
            wires = {w for form in op.operands for w, _ in form.terms if w >= circuit.given}
            self._missing[first] = len(wires)
            for wire in wires:
                self._waiting[wire].append((first, op))
            if not wires:
                self.ready.append((first, op))

    def groups(self) -> list[list[tuple[int, Op]]]:
        """What can start, by sort."""
        found: dict[tuple[str, int, int], list[tuple[int, Op]]] = defaultdict(list)
        for first, op in sorted(self.ready, key=lambda pair: pair[0]):
            found[sort_of(op)].append((first, op))
        self.ready = []
        return [found[key] for key in sorted(found)]

    def put(self, ops: list[tuple[int, Op]], result: U64Array) -> None:
        """What operations came to: `[m, 4]`, or `[bits, m, 4]`."""
        rows = result.reshape(-1, len(ops), LIMBS)
        for offset, row in enumerate(rows):
            for (first, _), share in zip(ops, vectors.ints(row), strict=True):
                self._set(first + offset, share)

    def _set(self, wire: int, share: int) -> None:
        self.shares[wire] = share
        for first, op in self._waiting.pop(wire, ()):
            self._missing[first] -= 1
            if not self._missing[first]:
                self.ready.append((first, op))

    def at(self, forms: Sequence[Affine]) -> U64Array:
        """Shares of affine forms."""
        return vectors.vec(form.at(self.shares) for form in forms)


def execute(mpc: Mpc, program: Program, inputs: U64Array) -> Rounds[Mapping[str, U64Array]]:
    """Shares of the outputs by name; nothing of them is opened.

    Args:
        mpc: one member's.
        program: the same for all members.
        inputs: its shares of the inputs, in the order of their declaration, `[given, 4]`.
    """
    wires = yield from _finished(mpc, program.circuit, inputs)
    return {name: wires.at(forms) for name, forms in program.circuit.outputs}


def all_wires(mpc: Mpc, circuit: Circuit, inputs: U64Array) -> Rounds[U64Array]:
    """Shares of every wire, `[wires, 4]`: of which a proof is made."""
    wires = yield from _finished(mpc, circuit, inputs)
    return vectors.vec(wires.shares)


def _finished(mpc: Mpc, circuit: Circuit, inputs: U64Array) -> Rounds[_Wires]:
    """All operations done."""
    wires = _Wires(circuit, vectors.ints(inputs))
    asking = Mpc(_Asking(mpc.machine))
    running: list[_Running] = []
    while running or wires.ready:
        for ops in wires.groups():
            _advance(wires, running, _Running(ops, _start(asking, ops, wires), _NOTHING))
        if running:
            opened = yield from mpc.open(np.concatenate([r.asks for r in running]))
            running, asked = [], running
            for each in asked:
                values, opened = opened[: len(each.asks)], opened[len(each.asks) :]
                _advance(wires, running, each, values)
    return wires


_NOTHING = vectors.zeros(0)


def _advance(
    wires: _Wires, running: list[_Running], each: _Running, values: U64Array | None = None
) -> None:
    """Send a protocol what was opened; it asks for more, or is done."""
    try:
        each.asks = next(each.protocol) if values is None else each.protocol.send(values)
    except StopIteration as end:
        wires.put(each.ops, end.value)
    else:
        running.append(each)


def _start(mpc: Mpc, ops: list[tuple[int, Op]], wires: _Wires) -> Asking:
    """The protocol of operations of one sort."""
    kind, bits, divisor = sort_of(ops[0][1])
    columns = zip(*(op.operands for _, op in ops), strict=True)
    operands = [wires.at(column) for column in columns]
    first, last = operands[0], operands[-1]
    match kind:
        case "multiply":
            protocol = mpc.mul(first, last)
        case "less":
            protocol = mpc.less(first, last, bits)
        case "equal":
            protocol = mpc.equal(first, vectors.zeros(len(ops)), bits)
        case "divide":
            protocol = mpc.div_public(first, divisor, bits)
        case _:
            protocol = mpc.bits_of(first, bits)
    return cast("Asking", protocol)
