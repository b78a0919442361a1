"""A gadget on its own, run under all four interpreters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from circuits.statement import Statement, check, evaluate, record
from circuits.tapes import record_tape
from zk import backends
from zk.field.arrays import from_array
from zk.r1cs.builder import Builder, Wire
from zk.r1cs.matrices import R1CS

Build = Callable[..., Sequence[Wire]]


class Gadget(Statement[tuple[()], tuple[int, ...]]):
    """`build(cs, *inputs)` as a statement without public inputs."""

    id = "gadget/1"
    public_names = ()

    def __init__(self, build: Build, inputs: int) -> None:
        self.build = build
        self.inputs = inputs
        self.outputs = 0

    def placeholder(self) -> tuple[tuple[()], tuple[int, ...]]:
        return (), (0,) * self.inputs

    def constrain(self, cs: Builder, public: tuple[()], witness: tuple[int, ...]) -> None:
        wires = [cs.witness(f"in {i}", v) for i, v in enumerate(witness)]
        with cs.clause("G"):
            outputs = list(self.build(cs, *wires))
        self.outputs = len(outputs)
        for wire in outputs:
            cs.equal(cs.advise(lambda v: v, wire, name="out"), wire, "out")

    @property
    def shape(self) -> R1CS:
        return record(self, cache=False)

    @property
    def rows(self) -> int:
        return self.shape.rows - self.outputs

    def __call__(self, *values: int) -> list[int]:
        """Outputs; the matrices and the checker must accept what evaluator and tape make."""
        assignment = evaluate(self, (), values)
        tape = record_tape(self, cache=False)
        for name in ("reference", "portable"):
            made = backends.get(name).run_tape(tape, tape.gather(values))
            assert (made == assignment).all()
        self.shape.check(assignment)
        check(self, (), values)
        wires = from_array(assignment)
        return wires[len(wires) - self.outputs :]

    def check(self, *values: int, **options: Any) -> None:
        check(self, (), values, **options)


@pytest.fixture
def gadget() -> Callable[[Build, int], Gadget]:
    return Gadget
