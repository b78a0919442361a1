"""Assignments by tape are the Evaluator's, for the action and for other statements."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle, repeat
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import registry, tapes
from circuits.action import Action
from circuits.example import TRANSFER, Recipe, example_action
from circuits.records import blank
from circuits.statement import Statement, cache_entry, evaluate
from circuits.tapes import assign, record_tape
from zk import backends, params
from zk.curve import babyjub
from zk.errors import CircuitError, ShapeMismatch
from zk.field.arrays import from_array
from zk.field.params import FR
from zk.r1cs.advice import Digits
from zk.r1cs.tape import Op

R = FR.modulus
SMALL = 2
MAX = (1 << 64) - 1
BACKENDS = ("reference", "portable")
SCALARS = (0, 1, babyjub.ORDER - 1, babyjub.ORDER, (1 << 251) - 1)

quantities = st.sampled_from([0, 1, MAX]) | st.integers(0, MAX)
slots = st.tuples(st.integers(0, 1), quantities)
scalars = st.sampled_from(SCALARS) | st.integers(0, (1 << 251) - 1)
recipes = st.builds(
    Recipe,
    consumed=st.tuples(slots, slots),
    created=st.tuples(slots, slots),
    logics=st.tuples(st.integers(1, R - 1), st.sampled_from([0, R - 1])),
    ephemeral=st.tuples(st.booleans(), st.just(False)),
    same_bucket=st.booleans(),
    alpha=scalars,
    rcv=scalars,
)


def agree(statement: Statement[Any, Any], public: Any, witness: Any) -> None:
    expected = evaluate(statement, public, witness)
    for name in BACKENDS:
        made = assign(statement, public, witness, backends.get(name))
        assert made.dtype == np.uint64
        assert (made == expected).all(), name


@pytest.mark.parametrize("identifier", registry.STATEMENTS)
def test_every_statement_has_a_tape_without_python(identifier: str) -> None:
    statement = registry.statement(identifier)
    tape = record_tape(statement)
    assert Op.CALL not in tape.operations[:, 0]
    assert cache_entry(statement, ".tape").exists(), "its functions are listed"


@settings(max_examples=12, deadline=None)
@given(st.binary(max_size=8), recipes)
def test_true_actions(seed: bytes, recipe: Recipe) -> None:
    agree(Action(SMALL), *example_action(seed, depth=SMALL, recipe=recipe))


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_integers_in_the_place_of_an_action(data: st.DataObject) -> None:
    """What no constraint admits is computed alike, too: nothing here rests on honesty."""
    element = st.sampled_from([0, 1, 2, R - 1]) | st.integers(0, R - 1)
    seed = data.draw(st.lists(element, min_size=7, max_size=7))
    public, witness = filled(blank(SMALL), cycle(seed))
    witness = replace(witness, alpha=data.draw(scalars), rcv=data.draw(scalars))
    agree(Action(SMALL), public, witness)


def filled(structure: Any, values: Iterator[int]) -> Any:
    """The structure with its integers replaced."""
    if dataclasses.is_dataclass(structure) and not isinstance(structure, type):
        fields = dataclasses.fields(structure)
        return replace(
            structure, **{f.name: filled(getattr(structure, f.name), values) for f in fields}
        )
    if isinstance(structure, tuple):
        return tuple(filled(part, values) for part in structure)
    return next(values)


@pytest.mark.parametrize("value", [0, 1, R - 1])
def test_an_action_of_equal_integers(value: int) -> None:
    public, witness = filled(blank(SMALL), repeat(value))
    agree(Action(SMALL), public, replace(witness, alpha=value % (1 << 251), rcv=0))


def test_the_whole_action() -> None:
    agree(Action(), *example_action(b"full"))


# Statements in general.


class Point(NamedTuple):
    x: int
    y: int


@dataclass(frozen=True)
class Known:
    name: str
    flag: bool
    message: bytes
    pair: tuple[int, int]
    rest: list[int]


def parity(*values: int) -> tuple[int, ...]:
    return tuple(v & 1 for v in values)


class Mixed(Statement[tuple[()], Known]):
    """Bytes, lists, and what is no integer; `first` decides on the shape by a constant."""

    id = "mixed/1"
    public_names = ()
    functions = MappingProxyType({"parity": parity})

    def placeholder(self) -> tuple[tuple[()], Known]:
        return (), Known("a", True, bytes(3), (0, 0), [0, 0])

    def constrain(self, cs: Any, public: tuple[()], witness: Known) -> None:
        wires = [cs.witness("m", v) for v in witness.message]
        wires += [cs.witness("p", v) for v in (*witness.pair, *witness.rest)]
        wires += [cs.witness("odd", v) for v in cs.derive(parity, 3, *witness.message)]
        if witness.flag:
            cs.square(wires[0] - wires[4])
        cs.advise_many(Digits(8, 0, 4), 4, wires[3])


GOOD = Known("a", True, b"xyz", (5, R - 1), [7, 8])


def test_structures_of_all_kinds() -> None:
    agree(Mixed(), (), GOOD)
    agree(Mixed(), (), replace(GOOD, pair=Point(3, 4)))


@pytest.mark.parametrize(
    "change",
    [
        {"pair": (5, R)},
        {"pair": (-1, 5)},
        {"pair": (5, True)},
        {"pair": (5, "6")},
        {"rest": [1, 1 << 256]},
        {"rest": [1.0, 2]},
    ],
)
def test_what_the_evaluator_refuses_is_refused_in_its_words(change: dict[str, Any]) -> None:
    witness = replace(GOOD, **change)
    with pytest.raises(ShapeMismatch) as first:
        evaluate(Mixed(), (), witness)
    with pytest.raises(ShapeMismatch) as second:
        assign(Mixed(), (), witness)
    assert (first.value.message, first.value.where) == (second.value.message, second.value.where)


def test_another_shape_is_evaluated_as_it_is() -> None:
    """Only the Evaluator can say what a statement makes of a shape that it did not announce."""
    for witness in (
        replace(GOOD, flag=False),
        replace(GOOD, rest=[1, 2, 3]),
        replace(GOOD, message=b"four"),
    ):
        try:
            expected = evaluate(Mixed(), (), witness)
        except CircuitError:
            with pytest.raises(CircuitError):
                assign(Mixed(), (), witness)
        else:
            assert (assign(Mixed(), (), witness) == expected).all()


def test_actions_of_another_shape_are_refused() -> None:
    public, witness = example_action(b"x", depth=3)
    with pytest.raises(ShapeMismatch, match="levels"):
        assign(Action(SMALL), public, witness)
    public, witness = example_action(b"x", depth=SMALL)
    with pytest.raises(ShapeMismatch, match="251 bits"):
        assign(Action(SMALL), public, replace(witness, alpha=1 << 251))
    with pytest.raises(ShapeMismatch) as caught:
        assign(Action(SMALL), public, replace(witness, nk=R))
    assert caught.value.where == "nk"


class Computing(Statement[tuple[()], int]):
    """Computes on its witness in plain code."""

    id = "computing/1"
    public_names = ()

    def placeholder(self) -> tuple[tuple[()], int]:
        return (), 0

    def constrain(self, cs: Any, public: tuple[()], witness: int) -> None:
        cs.square(cs.witness("x", witness * 2))


class Branching(Computing):
    id = "branching/1"

    def constrain(self, cs: Any, public: tuple[()], witness: int) -> None:
        cs.square(cs.witness("x", 5 if witness == 3 else 6))


class Careless(Computing):
    """Never reads what it was given."""

    id = "careless-tape/1"

    def constrain(self, cs: Any, public: tuple[()], witness: int) -> None:
        cs.square(cs.witness("x", 5))


@pytest.mark.parametrize("kind", [Computing, Branching, Careless])
def test_statements_without_a_tape_are_evaluated(kind: type[Computing]) -> None:
    with pytest.raises(CircuitError):
        record_tape(kind())
    agree(kind(), (), 3)
    agree(kind(), (), 4)


class Misnamed(Computing):
    id = "misnamed/1"
    public_names = ("y",)

    def constrain(self, cs: Any, public: tuple[()], witness: int) -> None:
        cs.public("x", witness)


def test_public_names_are_checked() -> None:
    with pytest.raises(CircuitError, match="public inputs"):
        record_tape(Misnamed(), cache=False)
    with pytest.raises(CircuitError, match="public inputs"):
        assign(Misnamed(), (), 3)


class Unlisted(Computing):
    """Its function has no name, so its tape lives in memory only."""

    id = "unlisted/1"

    def constrain(self, cs: Any, public: tuple[()], witness: int) -> None:
        cs.square(cs.witness("x", cs.derive(parity, 1, witness)[0]))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(params.ENV_CACHE, str(tmp_path))
    return tmp_path


def test_unlisted_functions_are_not_stored(cache) -> None:
    agree(Unlisted(), (), 7)
    assert not cache_entry(Unlisted(), ".tape").exists()


def test_damaged_entries_are_recorded_again(cache) -> None:
    action = Action(SMALL)
    public, witness = example_action(b"x", depth=SMALL, recipe=TRANSFER)
    expected = evaluate(action, public, witness)
    record_tape(action)
    entry = cache_entry(action, ".tape")
    good = entry.read_bytes()
    for bad in (good[:40] + b"\0" + good[41:], b"CHIAROTAPE/2" + good[12:]):
        entry.write_bytes(bad)
        tape = record_tape(action)
        assert entry.read_bytes() == good
        leaves: list[int] = []
        tapes.flatten((public, witness), action.placeholder(), leaves)
        made = backends.get("reference").run_tape(tape, tape.gather(leaves))
        assert (made == expected).all()


def test_a_read_only_cache_is_no_error(cache, monkeypatch) -> None:
    (cache / "circuits").write_text("a file where the folder should be")
    agree(Action(SMALL), *example_action(b"x", depth=SMALL))


def test_assignment_has_public_inputs_first() -> None:
    public, witness = example_action(b"x", depth=SMALL)
    made = from_array(assign(Action(SMALL), public, witness))
    assert made[:2] == [1, public.anchor]
