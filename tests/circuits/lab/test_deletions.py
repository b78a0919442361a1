"""Deleted rows: what is forged is checked by the matrices, and what cannot be is said."""

from __future__ import annotations

import pytest

from circuits.gadgets.boolean import enforce_boolean
from circuits.lab import deletions
from circuits.lab.deletions import Finder, Forged
from circuits.lab.gadgets import CATALOGUE, Gadget
from circuits.lab.program import Program
from circuits.lab.subject import Draws, Subject, row_class, row_classes
from zk.errors import Unsatisfied
from zk.field.arrays import to_array
from zk.r1cs.matrices import R1CS


def refused_by_this_row_only(shape: R1CS, forged: Forged) -> None:
    assignment = to_array([int(v) for v in forged.values])
    with pytest.raises(Unsatisfied) as refusal:
        shape.check(assignment)
    assert refusal.value.clause == shape.row_clauses[forged.row]
    assert refusal.value.where == shape.row_scopes[forged.row]
    deletions.without(shape, forged.row).check(assignment)


# Rows of the small action that need different ways: a result, a bit, a held square, a lie.
ROWS = (
    "node: x^4",
    "anchor",
    "kind_1/poseidon: x^2",
    "kind_0: on the curve",
    "kind_1: y^2",
    "on the curve",
    "alpha/window 40: b1 is a bit",
    "alpha/window 3: v is ± the table's",
    "consumed_0/quantity: recomposes to a value below 2^64",
    "consumed_0/quantity: bit is a bit",
    "consumed_0/is nonzero: zero or flagged",
    "consumed_0: public logic",
    "consumed_0: nullifier",
    "consumed_0/level 0: is among the children",
    "consumed_0: in the tree",
    "created_1: which is a bit",
    "created_1/commitment: x^5",
    "moved: net 1 is a bit",
    "moved/bit 65: slope",
    "moved/table/H0 + H1: u",
    "x of delta",
)


@pytest.fixture(scope="module")
def finder(small: Subject, program: Program) -> Finder:
    return Finder(small, program, Draws("0"))


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_the_action_is_needed(finder: Finder, program: Program, name: str) -> None:
    row = program.shape.row_scopes.index(name)
    forged = finder.forge(row)
    assert forged is not None
    refused_by_this_row_only(program.shape, forged)


def test_suspects_show_what_the_rows_about_kinds_are_for(finder: Finder, program: Program) -> None:
    shown = {}
    for forged in finder.suspects():
        refused_by_this_row_only(program.shape, forged)
        shown[program.shape.row_scopes[forged.row]] = forged.case
    assert set(shown) == {
        "kind_0: 2 + y is a square",
        "kind_0: 2 - y is five times a square",
        "kind_0: an ephemeral kind has a logic",
        "kind_0: ephemeral is a bit",
    }


@pytest.mark.parametrize("name", ["is_nonzero", "to_bits, 3 bits", "edwards add", "rule of signs"])
def test_every_row_of_a_gadget_is_needed(name: str) -> None:
    subject = CATALOGUE[name].subject()
    program = Program(subject.statement)
    finder = Finder(subject, program, Draws("0"))
    for row in range(program.shape.rows):
        forged = finder.forge(row)
        assert forged is not None, program.shape.row_scopes[row]
        refused_by_this_row_only(program.shape, forged)


def test_rows_that_say_nothing_new_are_open() -> None:
    def build(cs, x):
        bit = enforce_boolean(cs, x)
        enforce_boolean(cs, x, "is a bit, again")
        product = cs.mul(bit, 2 * bit, "twice the bit")
        cs.equal(product, 2 * bit, "follows")
        return [product]

    gadget = Gadget("said twice", build, [(0,), (1,)])
    subject = gadget.subject()
    program = Program(subject.statement)
    report = deletions.run(subject, program, Draws("0"), every_row=True)
    # b·2b = p and p = 2b say b² = b between them: each of the four follows from the others
    assert {program.shape.row_scopes[row] for row in report.open} == {
        "is a bit",
        "is a bit, again",
        "twice the bit",
        "follows",
    }
    assert report.examined == report.rows == report.forged + len(report.open)


def test_classes_are_the_copies(program: Program) -> None:
    shape = program.shape
    classes = row_classes(shape)
    assert sorted(row for rows in classes.values() for row in rows) == list(range(shape.rows))
    assert len(classes["alpha/window *: slope", 0]) == 84
    assert (
        len(classes["consumed_*/level */node: x^4", 0]) == 2
    )  # two slots, one level below the top
    for (name, _), rows in classes.items():
        assert {row_class(shape, row) for row in rows} == {name}
