"""What is opened on the way says nothing about inputs that the outputs do not say.

The same code as members run, on a machine whose one share of a value is the value itself: its
openings are those that everybody sees. They are compared over many runs, for inputs that differ in
everything that should stay secret and give the same outputs: in the programs as they are written,
and lowered to products and bits, as members of a chain run them. Compared are residues modulo 8 of
what is opened: a value without its mask is seen, one whose mask is only too short is not.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

from private_exec.mpc import vectors
from private_exec.mpc.arithmetic import Mpc
from private_exec.mpc.material import Triples
from private_exec.mpc.shamir import Size
from private_exec.programs import clear
from private_exec.programs.library import program
from private_exec.programs.program import Program
from private_exec.programs.run import all_wires, execute
from private_exec.provable.lower import lowered

FEW, MANY = 60, 1000
"""Runs for each input: enough to see a value without its mask; to see a skewed mask."""
BUCKETS = 8
FAR = 6.0
"""Standard deviations: what chance exceeds once in 10⁹ openings."""


@dataclass
class Open:
    """A machine that hides nothing from the test, and everything from `opened`."""

    drawn: random.Random
    size: Size = field(default_factory=lambda: Size.of(4))
    opened: list[int] = field(default_factory=list)

    def open(self, shares):
        yield from ()
        self.opened += vectors.ints(shares)
        return shares

    def triples(self, count):
        a, b = ([self.drawn.randrange(vectors.R) for _ in range(count)] for _ in range(2))
        products = (x * y for x, y in zip(a, b, strict=True))
        return Triples(vectors.vec(a), vectors.vec(b), vectors.vec(products))

    def bits(self, count):
        return vectors.vec(self.drawn.randrange(2) for _ in range(count))

    def masks(self, count, bits):
        return vectors.vec(self.drawn.randrange(1 << bits) for _ in range(count))


class Careless(Open):
    """Multiplies under masks that are no masks."""

    def triples(self, count):
        none = vectors.zeros(count)
        return Triples(none, none, none)


def written(mpc: Mpc, made: Program, shares):
    """A program as its author wrote it: comparisons of the engine."""
    return (yield from execute(mpc, made, shares))


def proved(mpc: Mpc, made: Program, shares):
    """The same as sessions with a proof run it: every wire of the statement."""
    circuit = lowered(made)
    wires = vectors.ints((yield from all_wires(mpc, circuit, shares)))
    return {name: vectors.vec(f.at(wires) for f in forms) for name, forms in circuit.outputs}


def watched(machine: Open, run, made, inputs) -> list[int]:
    """What is opened in one run, whose outputs are those of the clear."""
    shares = vectors.vec(clear.wires_of(made, inputs))
    try:
        next(run(Mpc(machine), made, shares))
    except StopIteration as end:
        outputs = {name: tuple(vectors.ints(values)) for name, values in end.value.items()}
        assert outputs == clear.run(made, inputs)
    return machine.opened


def distances(kind: type[Open], run, name: str, runs: int) -> list[float]:
    """Chi-square of each opening, modulo 8, between two inputs that have the same outputs."""
    sizes, *inputs = CASES[name]
    made = program(name).at(**sizes)
    assert clear.run(made, inputs[0]) == clear.run(made, inputs[1])
    seen: list[list[Counter[int]]] = []
    for which, given in enumerate(inputs):
        machines = (kind(random.Random(runs * which + k)) for k in range(runs))
        columns = zip(*(watched(machine, run, made, given) for machine in machines), strict=True)
        seen.append([Counter(value % BUCKETS for value in column) for column in columns])
    return [
        sum((a[k] - b[k]) ** 2 / (a[k] + b[k]) for k in range(BUCKETS) if a[k] + b[k])
        for a, b in zip(*seen, strict=True)
    ]


CASES = {
    "auction": (
        {"bidders": 3},
        {"bids": [900, 500, 1], "reserve": 0},
        {"bids": [2**32 - 1, 499, 500], "reserve": 500},
    ),
    "darkpool": (
        {"orders": 2, "ticks": 2},
        {"buys": [1, 1], "limits": [1, 0], "quantities": [2**32 - 1, 9]},
        {"buys": [0, 1], "limits": [1, 0], "quantities": [8, 0]},
    ),
}


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize(
    ("run", "runs"),
    [
        (proved, FEW),
        pytest.param(proved, MANY, marks=pytest.mark.slow),
        pytest.param(written, MANY, marks=pytest.mark.slow),
    ],
)
def test_openings_of_two_inputs_with_one_output_are_distributed_alike(run, name, runs) -> None:
    squares, freedom = distances(Open, run, name, runs), BUCKETS - 1
    assert len(squares) > 100
    spread = (2 * freedom * len(squares)) ** 0.5
    assert abs(sum(squares) - freedom * len(squares)) < FAR * spread
    assert max(squares) < freedom + 4 * FAR * (2 * freedom) ** 0.5


def test_the_statistic_sees_a_value_without_a_mask() -> None:
    squares = distances(Careless, proved, "auction", FEW)
    assert max(squares) == pytest.approx(2 * FEW)
