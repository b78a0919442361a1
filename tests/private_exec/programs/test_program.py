"""Declarations: what comes in, what comes out, what a digest covers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from private_exec.programs import clear
from private_exec.programs.errors import ProgramRefused, UnknownProgram
from private_exec.programs.functions import maximum, total
from private_exec.programs.library import PROGRAMS, program
from private_exec.programs.program import PrivateProgram, private_program
from private_exec.programs.trace import Secret
from private_exec.programs.types import PUBLIC, Below, Input, Output, Uint


def make(body, **changes) -> PrivateProgram:
    """A small program around a body."""
    declared = {
        "name": "sum",
        "sizes": {"people": 3},
        "inputs": {"ages": Input(Uint(7), giver="person", per="people")},
        "outputs": {"sum": Output(Uint(16))},
        "leaks": ("The sum is public.",),
        **changes,
    }
    return private_program(**declared)(body)


def add(ages):
    return {"sum": total(ages)}


def refused(rule: str, where: str | None = None):
    """A context that expects this rule to refuse, there."""
    return pytest.raises(
        ProgramRefused,
        check=lambda error: error.rule == rule and where in (None, error.where),
    )


def test_a_program_runs_in_the_clear() -> None:
    assert clear.run(make(add).at(), {"ages": [30, 40, 50]}) == {"sum": (120,)}
    assert clear.run(make(add).at(people=1), {"ages": [9]}) == {"sum": (9,)}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (lambda ages: {"sum": total(ages), "first": ages[0]}, "first"),
        (lambda ages: {}, "sum"),
        (lambda ages: {"sums": total(ages)}, "sum, sums"),
        (lambda ages: {"sum": [total(ages)]}, "sum"),
        (lambda ages: {"sum": ages}, "sum"),
    ],
)
def test_pv84_nothing_comes_out_but_what_is_declared(body, where: str) -> None:
    with refused("PV-84", where):
        make(body).at()


def test_pv84_outputs_for_givers_go_to_givers() -> None:
    own = {"own": Output(Uint(8), to="person", per="people")}
    made = make(lambda ages: {"own": [a + 1 for a in ages]}, outputs=own).at()
    assert clear.run(made, {"ages": [1, 2, 3]}) == {"own": (2, 3, 4)}
    with refused("PV-84", "own"):
        make(lambda ages: {"own": ages[:2]}, outputs=own).at()
    with refused("PV-84", "own"):
        make(add, outputs={"own": Output(Uint(8), to="stranger", per="people")})
    with refused("PV-84", "own"):
        make(add, outputs={"own": Output(Uint(8), to="person")})


@pytest.mark.parametrize("changes", [{"leaks": ()}, {"inputs": {}}, {"outputs": {}}])
def test_pv84_a_program_says_what_it_tells(changes) -> None:
    with refused("PV-84"):
        make(add, **changes)


def test_pv83_sizes_are_declared_and_bounded() -> None:
    with refused("PV-83", "persons"):
        make(add).at(persons=3)
    for size in (0, -1, 4097):
        with refused("PV-83", "people"):
            make(add).at(people=size)
    with refused("PV-83", "ages"):
        make(add, inputs={"ages": Input(Uint(7), giver="person", per="persons")})
    with refused("PV-83", "ages"):
        make(add, inputs={"ages": Input(Below("limit"), giver="person", per="people")})


def test_pv83_nobody_is_asked_for_what_changes_nothing() -> None:
    with refused("PV-83", "ages 2"):
        make(lambda ages: {"sum": ages[0] + ages[1]}).at()
    with refused("PV-83", "ages 1"):
        make(lambda ages: {"sum": ages[0] + 0 * ages[1]}).at(people=2)
    with refused("PV-83", "ages 0"):
        make(lambda ages: {"sum": ages[1] + 0 * (ages[0] < ages[1])}).at(people=2)


def test_pv85_outputs_fit_what_is_declared() -> None:
    with refused("PV-85", "sum"):
        make(add, outputs={"sum": Output(Uint(8))}).at()
    make(add, outputs={"sum": Output(Uint(9))}).at()
    with refused("PV-85", "sum"):
        make(lambda ages: {"sum": ages[0] + ages[1] - ages[2]}).at()
    for bits in (0, 97):
        with refused("PV-85"):
            Uint(bits)


def test_pv85_a_claimed_bound_that_does_not_hold_shows_in_the_clear() -> None:
    lying = make(lambda ages: {"sum": total(ages).within(0, 3) < 2}).at()
    assert clear.run(lying, {"ages": [1, 1, 1]}) == {"sum": (0,)}
    with refused("PV-85", "less"):
        clear.run(lying, {"ages": [1, 1, 2]})


def test_pv86_a_program_that_does_two_things_is_none() -> None:
    coin = itertools.cycle([1, 2])
    with refused("PV-86"):
        make(lambda ages: {"sum": total(ages) + next(coin)}).at()


def test_pv86_the_digest_covers_everything_that_is_said_and_done() -> None:
    base = make(add)
    others = [
        base.at(people=2),
        make(add, name="total").at(),
        make(add, version=2).at(),
        make(add, leaks=("The sum is public, so is the mean.",)).at(),
        make(add, inputs={"ages": Input(Uint(6), giver="person", per="people")}).at(),
        make(add, inputs={"ages": Input(Uint(7), giver="child", per="people")}).at(),
        make(add, outputs={"sum": Output(Uint(17))}).at(),
        make(lambda ages: {"sum": total(ages) + 1}).at(),
        make(lambda ages: {"sum": total([*ages, ages[0]])}).at(),
        make(lambda ages: {"sum": ages[0] * ages[1] + ages[2]}).at(),
        make(lambda ages: {"sum": ages[1] * ages[2] + ages[0]}).at(),
        make(lambda ages: {"sum": (ages[0] < ages[1]) + ages[2]}).at(),
        make(lambda ages: {"sum": (ages[1] < ages[0]) + ages[2]}).at(),
        make(lambda ages: {"sum": (ages[0] == ages[1]) + ages[2]}).at(),
        make(lambda ages: {"sum": ages[0].bits()[0] + ages[1] + ages[2]}).at(),
        make(lambda ages: {"sum": ages[0] // 3 + ages[1] + ages[2]}).at(),
        make(lambda ages: {"sum": ages[0] // 5 + ages[1] + ages[2]}).at(),
    ]
    digests = {program.digest for program in (base.at(), *others)}
    assert len(digests) == len(others) + 1
    assert base.at().digest == make(add).at(people=3).digest


@pytest.mark.parametrize(
    ("inputs", "where"),
    [
        ({}, "ages"),
        ({"ages": [1, 2, 3], "more": 4}, "more"),
        ({"ages": [1, 2]}, "ages"),
        ({"ages": 1}, "ages"),
        ({"ages": [1, 2, 128]}, "ages 2"),
        ({"ages": [-1, 2, 3]}, "ages 0"),
        ({"ages": [1, 2.0, 3]}, "ages 1"),
        ({"ages": [1, True, 3]}, "ages 1"),
        ({"ages": "123"}, "ages 0"),
    ],
)
def test_pv87_a_run_takes_what_is_declared(inputs: Mapping, where: str) -> None:
    with refused("PV-87", where):
        clear.run(make(add).at(), inputs)


def test_the_program_of_the_documentation_runs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "private.md").read_text(encoding="utf-8")
    text = page.split("```python\n")[1].split("```")[0]
    names = {"private_program": private_program, "Input": Input, "Output": Output, "Uint": Uint}
    scope = {
        **names,
        "maximum": maximum,
        "Sequence": Sequence,
        "Mapping": Mapping,
        "Secret": Secret,
    }
    exec(text, scope)  # noqa: S102
    assert clear.run(scope["highest"].at(bidders=3), {"bids": [5, 9, 2]}) == {"highest": (9,)}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_programs_of_the_house_say_what_they_are(name: str) -> None:
    declared = program(name).declaration
    assert declared.name == name
    assert program(name).body.__doc__
    assert all(sentence.endswith(".") for sentence in declared.leaks)
    assert {o.to for o in declared.outputs.values()} <= {PUBLIC, "trader"}


def test_an_unknown_program_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(UnknownProgram) as caught:
        program("lottery")
    assert caught.value.exit_code == 1
    assert "auction" in caught.value.fix
