"""What the inputs of the action's circuit leave open: nothing but the roots of the sign rule.

The incident this answers is the under-constrained base of Orchard's circuit: a value that no row
ties to its inputs passes every test on honest witnesses. Here the recorded rows are solved in
order, without values: from the prover's own wires (`cs.witness`) and the nullifiers each other
wire, public inputs included, must follow from one row. Three ways are told apart, and the second
and third are listed in full:

    always      the row is linear in the wire, its coefficient a constant
    division    the coefficient is a combination of known wires, which a prover might steer to 0
    bits        some wires at once: each is a bit, and one row recomposes them

The rows that no wire follows from are those that check what the prover brings; they are counted.
"""

from __future__ import annotations

import functools
import heapq
import re
from collections import Counter
from dataclasses import dataclass, field

import pytest

from circuits import review
from circuits.action import Action
from circuits.example import TRANSFER, Recipe, example_action
from circuits.statement import evaluate, record
from zk.field.params import FR
from zk.r1cs.matrices import R1CS
from zk.r1cs.recorder import Combination, Recorder

R = FR.modulus
MAX = (1 << 64) - 1
Row = tuple[dict[int, int], dict[int, int], dict[int, int]]


class NotingRecorder(Recorder):
    """The recorder, with the wires that the prover brings."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.brought: set[int] = set()

    def witness(self, name: str, value: int) -> Combination:
        wire = super().witness(name, value)
        self.brought |= set(wire.terms)
        return wire


@dataclass
class Solver:
    """Solves rows for one unknown at a time."""

    shape: R1CS
    known: set[int]
    divisions: set[str] = field(default_factory=set)
    widths: list[int] = field(default_factory=list)
    solving: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        matrices = [matrix for _, matrix in self.shape.matrices()]
        self.rows: list[Row] = [
            tuple(dict(matrix.row(i)) for matrix in matrices) for i in range(self.shape.rows)
        ]
        self.unknown = [set().union(*row) - self.known for row in self.rows]
        self.readers: dict[int, list[int]] = {}
        for index, wires in enumerate(self.unknown):
            for wire in wires:
                self.readers.setdefault(wire, []).append(index)
        self.ready = [i for i, wires in enumerate(self.unknown) if len(wires) == 1]

    def run(self) -> list[str]:
        """Names of the wires that nothing determines."""
        self._peel()
        for index in range(self.shape.rows):
            if self._recomposes(index):
                self.widths.append(1 + len(self.unknown[index]))
                for wire in sorted(self.unknown[index]):
                    self._learn(wire)
                self._peel()
        return [self.shape.wire_names[w] for w in range(self.shape.wires) if w not in self.known]

    def checks(self) -> Counter[str]:
        """Rows from which nothing follows, by what they are called; numbers collapsed."""
        return Counter(
            re.sub(r"\d+", "*", name)
            for index, name in enumerate(self.shape.row_scopes)
            if index not in self.solving
        )

    def _peel(self) -> None:
        while self.ready:
            index = heapq.heappop(self.ready)
            if len(self.unknown[index]) != 1:
                continue
            (wire,) = self.unknown[index]
            a, b, c = self.rows[index]
            if wire in a and wire in b:
                continue  # a quadratic equation, with two roots
            other = b if wire in a else a
            if wire in a or wire in b:
                assert wire not in c
                if set(other) != {0}:
                    self.divisions.add(review.collapse(self.shape.wire_names[wire]))
            self.solving.add(index)
            self._learn(wire)

    def _learn(self, wire: int) -> None:
        self.known.add(wire)
        for index in self.readers[wire]:
            self.unknown[index].discard(wire)
            if len(self.unknown[index]) == 1:
                heapq.heappush(self.ready, index)

    def _recomposes(self, index: int) -> bool:
        """x·(x − 1) = 0 for x = known − Σ_{i≥1} 2^i·bᵢ; bits all, and fewer than 254."""
        a, b, c = self.rows[index]
        wires = self.unknown[index]
        return (
            len(wires) > 1
            and not c
            and self._differ_by_one(a, b)
            and sorted(R - a[wire] for wire in wires) == [2 << i for i in range(len(wires))]
            and len(wires) + 1 < FR.modulus.bit_length()
            and all(map(self._is_bit, wires))
        )

    def _is_bit(self, wire: int) -> bool:
        return any(self.rows[i] == ({wire: 1}, {0: R - 1, wire: 1}, {}) for i in self.readers[wire])

    @staticmethod
    def _differ_by_one(a: dict[int, int], b: dict[int, int]) -> bool:
        wires = set(a) | set(b)
        difference = {w: (a.get(w, 0) - b.get(w, 0)) % R for w in wires}
        return {w: d for w, d in difference.items() if d} == {0: 1}


@functools.cache
def solved() -> tuple[Solver, list[str]]:
    action = Action()
    recorder = NotingRecorder(action.id)
    action.constrain(recorder, *action.placeholder())
    shape = recorder.finish()
    assert shape.digest == record(action).digest
    nullifiers = {shape.wire_names.index(f"nullifier_{i}") for i in (0, 1)}  # nonces read them
    solver = Solver(shape, {0} | nullifiers | recorder.brought)
    return solver, solver.run()


def test_only_the_roots_of_the_sign_rule_are_open() -> None:
    _, left = solved()
    assert left == [
        f"kind_{i}/root of {what}" for i in (0, 1) for what in ("2 + y", "a fifth of 2 - y")
    ]


def test_ranges_are_four_quantities_and_two_nets() -> None:
    solver, _ = solved()
    assert sorted(solver.widths) == [64, 64, 64, 64, 66, 66]


def test_divisions_are_the_ones_that_the_specification_argues_about() -> None:
    """A row q·d = n leaves q free for d = n = 0; why that cannot be is in SPEC.md, A5 and §3."""
    solver, _ = solved()
    complete = {
        f"{path}/{x}"
        for path in (
            "rk", "delta", "alpha/without start", "rcv/without start", "moved/without start",
            "moved/table/sum", "moved/table/difference", "moved/without H0 + H1", "kind_*/double",
        )
        for x in "xy"
    }  # fmt: skip
    chains = {f"{name}/window */slope" for name in ("alpha", "rcv")}
    chains |= {f"{name}/edwards/{x}" for name in ("alpha", "rcv", "moved") for x in "xy"}
    chains |= {"moved/bit */slope", "moved/bit */sum of slopes"}
    conversion = {
        f"moved/table/H0 {sign} H1/{x}" for sign in "+-" for x in ("u", "inverse of x")
    }  # fmt: skip
    inverses = {"kind_*/ephemeral over logic"} | {
        f"{role}_*/is nonzero/{x}"
        for role in ("consumed", "created")
        for x in ("inverse or *", "x times inverse")
    }
    found = {name.replace("#2", "") for name in solver.divisions}
    assert found == complete | chains | conversion | inverses


def test_rows_that_check_are_the_known_ones() -> None:
    """Ranges, bits, roots, membership, nullifiers, points on the curve: nothing else is tested.

    What is compared with another public input stands in no row here, since it follows.
    """
    solver, _ = solved()
    assert solver.checks() == {
        "kind_*: ephemeral is a bit": 2,
        "kind_*: on the curve": 2,
        "kind_*: * + y is a square": 2,
        "kind_*: * - y is five times a square": 2,
        "on the curve": 1,
        "alpha/window *: b* is a bit": 168,
        "alpha/window *: v is ± the table's": 84,
        "consumed_*/quantity: recomposes to a value below *^*": 2,
        "consumed_*/quantity: bit is a bit": 126,
        "consumed_*: which is a bit": 2,
        "consumed_*: nullifier": 2,
        "consumed_*/level *: is among the children": 18,
        "consumed_*: in the tree": 2,
        "created_*/quantity: recomposes to a value below *^*": 2,
        "created_*/quantity: bit is a bit": 126,
        "created_*: which is a bit": 2,
        "moved: recomposes to a value below *^*": 2,
        "moved: net * is a bit": 130,
        "rcv/window *: b* is a bit": 168,
        "rcv/window *: v is ± the table's": 84,
    }


DEGENERATE = {
    "transfer": TRANSFER,
    "dummies": Recipe(consumed=((0, 0), (1, 0)), created=((0, 0), (1, 0)), alpha=0, rcv=0),
    "dummies of kinds with a logic": Recipe(
        consumed=((0, 0), (0, 0)), created=((1, 0), (1, 0)), logics=(7, 8)
    ),
    "ephemeral": Recipe(logics=(5, 6), ephemeral=(True, True)),
    "most consumed": Recipe(consumed=((0, MAX), (0, MAX)), created=((0, 0), (1, 0))),
    "most created": Recipe(consumed=((1, 0), (0, 0)), created=((1, MAX), (1, MAX))),
    "one bucket": Recipe(same_bucket=True, logics=(0, 9), ephemeral=(False, True)),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_free_wires_are_the_known_ones_on_degenerate_witnesses_too(name: str) -> None:
    """SPEC.md §5, at every kind of zero that a witness can hold."""
    recipe = DEGENERATE[name]
    public, witness = example_action(name.encode(), depth=2, recipe=recipe)
    expected = {
        f"kind_{i}/root of {what}" for i in (0, 1) for what in ("2 + y", "a fifth of 2 - y")
    }
    expected |= {f"kind_{i}/ephemeral over logic" for i in (0, 1) if not recipe.logics[i]}
    expected |= {
        f"{role}_{i}/is nonzero/inverse or 0"
        for role, notes in (("consumed", recipe.consumed), ("created", recipe.created))
        for i, (_, quantity) in enumerate(notes)
        if not quantity
    }
    action = Action(2)
    assert set(review.free_wires(record(action), evaluate(action, public, witness))) == expected
