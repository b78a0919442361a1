"""One forgery per way to break a clause: refused by that clause, and by no other.

Each test is a prover's best attempt: everything that follows from the lie is computed anew, so that
with the clause switched off the whole circuit accepts. That shows that the clause is what stops it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from circuits import native
from circuits.action import Action, ActionPublic, ActionWitness, KindWitness
from circuits.crossing import donation_violations, transit_violations
from circuits.donation import Donation
from circuits.example import TRANSFER, Recipe, example_action
from circuits.statement import Statement, check, evaluate, record
from circuits.transit import Transit
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.errors import Unsatisfied
from zk.field.arrays import from_array
from zk.r1cs.builder import Wire
from zk.r1cs.checker import Checker

DEPTH = 2
CLAUSES = {
    "action": tuple(f"A{i}" for i in range(1, 9)),
    "transit": ("T1", "T2"),
    "donation": ("D1", "D2", "D3", "D4"),
}
"""Of each statement; those that free ν ask nothing, so that nobody can break them."""
SWAP = Recipe(consumed=((0, 70), (1, 5)), created=((0, 70), (1, 5)), logics=(11, 22))


class WithoutRows(Checker):
    """The checker, deaf to the rows of some names."""

    def __init__(self, rows: Sequence[str], tamper: Mapping[str, int]) -> None:
        super().__init__(tamper=tamper)
        self.rows = rows

    def enforce(self, a: Wire, b: Wire | int, c: Wire | int, why: str) -> None:
        try:
            super().enforce(a, b, c, why)
        except Unsatisfied as refusal:
            if refusal.where not in self.rows:
                raise


class Bench:
    """A statement, and what must become of lies about it."""

    def __init__(
        self, name: str, statement: Statement[Any, Any], violations: Callable[..., tuple[str, ...]]
    ) -> None:
        self.clauses = frozenset(CLAUSES[name])
        self.statement = statement
        self.violations = violations
        self.shape = record(statement)

    def refused(
        self,
        public: Any,
        witness: Any,
        tamper: Mapping[str, int] | None = None,
        *,
        clause: str,
        rows: Sequence[str],
        alone: bool = True,
    ) -> None:
        """The clause refuses the forgery, and nothing else does.

        `rows` are the rows that stand against it, the first of them first; `alone` says that the
        whole circuit accepts without just these rows, not only without the clause.
        """
        tamper = tamper or {}
        with pytest.raises(Unsatisfied) as refusal:
            check(self.statement, public, witness, tamper=tamper)
        assert (refusal.value.clause, refusal.value.where) == (clause, rows[0])

        # The clause has teeth: without it nothing else stops this forgery.
        check(self.statement, public, witness, tamper=tamper, without={clause})
        if alone:  # sharper: these very rows are what stops it
            self.statement.constrain(WithoutRows(rows, tamper), public, witness)

        # The matrices that keys are made from carry the same clauses as the checker.
        prover = Checker(tamper=tamper, without=self.clauses)
        self.statement.constrain(prover, public, witness)
        with pytest.raises(Unsatisfied) as refusal:
            self.shape.check(prover.assignment())
        assert (refusal.value.clause, refusal.value.where) == (clause, rows[0])

        # The twin derives what is tampered with, and counts without wrapping.
        if not tamper and clause != "A4":
            assert clause in self.violations(public, witness)

    def computed(self, public: Any, witness: Any, *names: str) -> list[int]:
        """What the circuit itself makes of a false witness, by wire name."""
        values = from_array(evaluate(self.statement, public, witness))
        return [values[self.shape.wire_names.index(name)] for name in names]


class Forge(Bench):
    """True actions to start from, and what makes lies of them."""

    def __init__(self) -> None:
        super().__init__("action", Action(DEPTH), native.violations)

    def transfer(self) -> tuple[ActionPublic, ActionWitness]:
        return example_action(b"clauses", depth=DEPTH, recipe=TRANSFER)

    def swap(self) -> tuple[ActionPublic, ActionWitness]:
        return example_action(b"clauses", depth=DEPTH, recipe=SWAP)

    def publish_created(
        self,
        public: ActionPublic,
        witness: ActionWitness,
        *,
        nonces: Mapping[int, int] | None = None,
        kinds: Mapping[int, int] | None = None,
    ) -> ActionPublic:
        """The commitments of the created slots, with any nonce and any kind x."""

        def cm(slot: int) -> int:
            note = witness.created[slot]
            nonce = (nonces or {}).get(slot, native.created_nonce(slot, public.nullifiers))
            x = (kinds or {}).get(slot)
            if x is None:
                x = native.kind_x(witness.kinds[note.which])
            return native.commitment(x, note.quantity, note.data, note.owner, nonce, note.rcm)

        return replace(public, commitments=(cm(0), cm(1)))

    def publish_delta(
        self,
        public: ActionPublic,
        witness: ActionWitness,
        nets: tuple[int, int],
        points: tuple[Point, Point],
    ) -> ActionPublic:
        total = babyjub.multiply(witness.rcv, babyjub.RCV_BASE)
        for net, point in zip(nets, points, strict=True):
            total = babyjub.add(total, babyjub.multiply(net, point))
        return replace(public, delta=total)

    def plant(
        self, public: ActionPublic, witness: ActionWitness, slot: int, cm: int
    ) -> tuple[ActionPublic, ActionWitness]:
        """Put a commitment into the tree and point the slot's path to it."""
        path = native.lone_path(cm, DEPTH)
        top = (*witness.top[: 6 + slot], native.tree_node(path[0]), *witness.top[7 + slot :])
        consumed = tuple(
            replace(n, path=path) if i == slot else n for i, n in enumerate(witness.consumed)
        )
        return (
            replace(public, anchor=native.tree_node(top)),
            replace(witness, consumed=consumed, top=top),
        )

    def with_kind(self, index: int, kind: KindWitness) -> tuple[ActionPublic, ActionWitness]:
        """The swap, its kind `index` replaced in every note, tree and commitment."""
        public, witness = self.swap()
        kinds = tuple(kind if i == index else k for i, k in enumerate(witness.kinds))
        witness = replace(witness, kinds=kinds)
        replanted = native.public_of(witness)
        for slot in (0, 1):
            cm = native.consumed_commitment(witness, slot)
            replanted, witness = self.plant(replanted, witness, slot, cm)
        return public, witness


@pytest.fixture(scope="session")
def forge() -> Forge:
    return Forge()


@pytest.fixture(scope="session")
def transits() -> Bench:
    return Bench("transit", Transit(), transit_violations)


@pytest.fixture(scope="session")
def donations() -> Bench:
    return Bench("donation", Donation(1), donation_violations)
