"""The instrument itself: following one change agrees with computing everything anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from circuits.lab import mutants
from circuits.lab.program import SOLVE, Program, R
from circuits.lab.roots import other_change, roots
from circuits.lab.subject import Draws, Subject
from circuits.lab.trial import Trial
from circuits.statement import evaluate
from zk.errors import Unsatisfied
from zk.field.arrays import from_array, to_array


def wires(program: Program, trial: Trial) -> list[int]:
    return [int(v % R) for v in trial.values[: program.shape.wires]]


def naively_broken(program: Program, values: list[int]) -> set[int]:
    """All rows, from the matrices."""
    sides = [matrix.times(values) for _, matrix in program.shape.matrices()]
    return {i for i, (a, b, c) in enumerate(zip(*sides, strict=True)) if (a * b - c) % R}


def follow(trial: Trial, *, solve: bool) -> None:
    for _ in trial._follow(solve=solve):
        pass


def test_the_program_computes_what_the_evaluator_does(small: Subject, program: Program) -> None:
    case = small.cases[0]
    values = program.run(case.public, case.witness)
    expected = from_array(evaluate(small.statement, case.public, case.witness))
    assert [int(v) for v in values[: program.shape.wires]] == expected
    # solving for the public inputs of a true statement changes nothing
    assert program.run(case.public, case.witness, solve=True) == values


def test_every_public_input_follows_from_a_row(program: Program) -> None:
    assert program.floating == frozenset(range(1, program.shape.publics + 1))
    assert sum(step.code == SOLVE for step in program.steps) == program.shape.publics


@pytest.mark.parametrize("field", ["data", "rcm", "owner", "quantity"])
def test_following_agrees_with_another_witness(
    small: Subject, program: Program, field: str
) -> None:
    case = small.cases[0]
    trial = mutants.honest(program, case)
    first, second = case.witness.created
    value = 5 if field == "quantity" else 12345
    other = replace(case.witness, created=(replace(first, **{field: value}), second))
    wire = program.shape.wire_names.index(f"created_0/{field}")
    with trial.attempt():
        trial.set(wire, value)
        follow(trial, solve=True)
        expected = program.run(case.public, other, solve=True)
        assert wires(program, trial) == [int(v) for v in expected[: program.shape.wires]]
        program.shape.check(to_array(wires(program, trial)))  # another true statement
        assert [v % R for v in trial.values] == [v % R for v in program.sums(expected)]


@pytest.mark.parametrize("solve", [False, True])
def test_rows_found_broken_are_the_broken_ones(
    small: Subject, program: Program, draws: Draws, *, solve: bool
) -> None:
    trial = mutants.honest(program, small.cases[1])
    before = list(trial.values)
    chosen = sorted(program.advised | program.brought)
    for i in range(6):
        wire = chosen[draws.number("wire", i) % len(chosen)]
        with trial.attempt():
            trial.set(wire, draws.element("value", i))
            follow(trial, solve=solve)
            assert trial.broken == naively_broken(program, wires(program, trial))
        assert trial.values == before
        assert trial.broken == set()


def test_the_first_broken_row_is_one_of_them(small: Subject, program: Program) -> None:
    trial = mutants.honest(program, small.cases[0])
    wire = program.shape.wire_names.index("moved/bit 3/slope")
    with trial.attempt():
        trial.set(wire, 7)
        row = trial.first_broken()
    assert row is not None
    assert program.shape.row_scopes[row] == "moved/bit 3: slope"


def test_a_held_wire_stays(small: Subject, program: Program) -> None:
    trial = mutants.honest(program, small.cases[0])
    names = program.shape.wire_names
    y, square = names.index("ak_y"), names.index("y^2")
    kept = trial.values[square]
    with trial.attempt():
        trial.hold(square)
        trial.set(y, trial.values[y] + 1)
        follow(trial, solve=True)
        assert trial.values[square] == kept
        assert "y^2" in {program.shape.row_scopes[row] for row in trial.broken}


def test_a_false_case_is_refused(small: Subject, program: Program) -> None:
    case = small.cases[0]
    false = replace(case, public=replace(case.public, anchor=1))
    with pytest.raises(Unsatisfied) as refusal:
        mutants.honest(program, false)
    assert refusal.value.where == "anchor"


def test_roots_of_polynomials() -> None:
    def at(*coefficients: int) -> list[int]:
        return [sum(c * x**i for i, c in enumerate(coefficients)) % R for x in range(3)]

    assert roots(*at(6, R - 5, 1)) == [2, 3]
    assert roots(*at(9, R - 6, 1)) == [3]
    assert roots(*at(8, 2)) == [R - 4]
    assert roots(*at(0, 0, 0)) == []
    assert roots(*at(4)) == []
    assert roots(*at(R - 5, 0, 1)) == []  # 5 is no square


def test_the_other_root_of_a_row() -> None:
    # b·(b − 1) = 0 at b = 0 and at b = 1
    assert other_change(1, 1, 0, 0, R - 1) == 1
    assert other_change(1, 1, 0, 1, 0) == R - 1
    assert other_change(1, 0, 0, 3, 4) is None  # linear: no other value
