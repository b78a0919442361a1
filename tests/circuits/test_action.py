"""The action on true statements, its agreement with plain code, and its lints."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import native, review
from circuits.action import DEPTH, PUBLIC_NAMES, Action, ActionPublic, ActionWitness
from circuits.example import TRANSFER, Recipe, example_action
from circuits.registry import STATEMENTS
from circuits.statement import check, evaluate, public_values, record, record_with_advice
from zk.curve import babyjub
from zk.errors import ParamsError, ShapeMismatch, Unsatisfied
from zk.field.arrays import from_array
from zk.field.params import FR

R = FR.modulus
SMALL = 2
MAX = (1 << 64) - 1
SCALARS = (0, 1, babyjub.ORDER - 1, babyjub.ORDER, (1 << 251) - 1)

quantities = st.one_of(st.sampled_from([0, 1, MAX]), st.integers(0, MAX))
slots = st.tuples(st.integers(0, 1), quantities)
scalars = st.one_of(st.none(), st.sampled_from(SCALARS), st.integers(0, (1 << 251) - 1))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    logics = draw(st.tuples(*[st.one_of(st.just(0), st.integers(1, R - 1))] * 2))
    ephemeral = tuple(bool(logic) and draw(st.booleans()) for logic in logics)
    return Recipe(
        consumed=draw(st.tuples(slots, slots)),
        created=draw(st.tuples(slots, slots)),
        logics=logics,
        ephemeral=ephemeral,
        same_bucket=draw(st.booleans()),
        alpha=draw(scalars),
        rcv=draw(scalars),
    )


@st.composite
def actions(draw: st.DrawFn, depth: int = SMALL) -> tuple[ActionPublic, ActionWitness]:
    return example_action(draw(st.binary(max_size=8)), depth=depth, recipe=draw(recipes()))


@settings(max_examples=25, deadline=None)
@given(actions())
def test_random_true_statements_satisfy_circuit_and_twin(
    case: tuple[ActionPublic, ActionWitness],
) -> None:
    public, witness = case
    assert native.violations(public, witness) == ()
    check(Action(SMALL), public, witness)


PUBLIC_FIELDS = [f.name for f in dataclasses.fields(ActionPublic)]


@settings(max_examples=25, deadline=None)
@given(
    actions(), st.sampled_from(PUBLIC_FIELDS), st.integers(0, 1), st.integers(1, R - 1), st.data()
)
def test_a_changed_public_input_is_refused_as_the_twin_says(
    case: tuple[ActionPublic, ActionWitness],
    field: str,
    index: int,
    shift: int,
    data: st.DataObject,
) -> None:
    public, witness = case
    old = getattr(public, field)
    changed = (
        (old + shift) % R
        if isinstance(old, int)
        else tuple((v + shift * (i == index)) % R for i, v in enumerate(old))
    )
    public = replace(public, **{field: changed})
    broken = native.violations(public, witness)
    assert broken
    with pytest.raises(Unsatisfied) as refusal:
        check(Action(SMALL), public, witness)
    assert refusal.value.clause in broken


@pytest.mark.parametrize("alpha", SCALARS)
def test_s17_edge_scalars_prove(alpha: int) -> None:
    """S-17: α and rcv at 0, 1, l − 1, l, 2²⁵¹ − 1; no canonical form is asked for."""
    recipe = replace(TRANSFER, alpha=alpha, rcv=SCALARS[-1 - SCALARS.index(alpha)])
    public, witness = example_action(b"edge", depth=SMALL, recipe=recipe)
    check(Action(SMALL), public, witness)


@pytest.mark.parametrize(
    ("consumed", "created"),
    [
        ((0, 0), (0, 0)),
        ((1, 0), (0, 0)),
        ((0, 0), (1, 0)),
        ((MAX, MAX), (0, 0)),
        ((0, 0), (MAX, MAX)),
        ((MAX, MAX), (MAX, MAX)),
    ],
    ids=["zero", "one", "minus one", "2^65-2", "-(2^65-2)", "full balance"],
)
@pytest.mark.parametrize("which", [0, 1])
def test_s17_edge_nets_prove(
    consumed: tuple[int, int], created: tuple[int, int], which: int
) -> None:
    """S-17: net ∈ {0, ±1, ±(2⁶⁵ − 2)} of either kind."""
    recipe = Recipe(
        consumed=((which, consumed[0]), (which, consumed[1])),
        created=((which, created[0]), (which, created[1])),
    )
    public, witness = example_action(b"net", depth=SMALL, recipe=recipe)
    assert native.net(witness, which) == sum(consumed) - sum(created)
    check(Action(SMALL), public, witness)


def test_balanced_without_blinding_publishes_the_identity() -> None:
    public, witness = example_action(b"o", depth=SMALL, recipe=replace(TRANSFER, rcv=0))
    assert public.delta == babyjub.IDENTITY
    check(Action(SMALL), public, witness)


def test_an_action_of_dummies_alone_proves_against_any_anchor() -> None:
    nothing = ((0, 0), (1, 0))
    public, witness = example_action(
        b"dummies", depth=SMALL, recipe=Recipe(consumed=nothing, created=nothing, logics=(7, 8))
    )
    assert public.consumed_logic == public.created_logic == (0, 0)
    other = replace(witness, top=(1, 2, 3, 4, 5, 6, 7, 8))
    check(Action(SMALL), native.public_of(other), other)


def test_ephemeral_resources_need_no_membership_and_publish_their_logic() -> None:
    recipe = Recipe(logics=(0, 99), ephemeral=(False, True))
    public, witness = example_action(b"ephemeral", depth=SMALL, recipe=recipe)
    assert public.consumed_logic == (0, 99)
    assert witness.consumed[1].path[0][1] == 0  # a lone path, in no tree
    check(Action(SMALL), public, witness)


def test_two_consumed_resources_may_share_a_bucket() -> None:
    public, witness = example_action(b"bucket", depth=3, recipe=Recipe(same_bucket=True))
    assert witness.consumed[0].path == witness.consumed[1].path
    check(Action(3), public, witness)


def test_full_depth() -> None:
    public, witness = example_action(b"full")
    check(Action(), public, witness)
    shape = record(Action())
    assignment = evaluate(Action(), public, witness)
    shape.check(assignment)
    assert from_array(assignment[1 : shape.publics + 1]) == public_values(public)


def test_fits_a_domain_of_two_to_the_fourteen() -> None:
    shape = record(Action())
    assert shape.rows + shape.publics + 1 <= 1 << 14
    assert shape.domain == 1 << 14


def test_recording_is_deterministic() -> None:
    first, second = (record(Action(SMALL), cache=False) for _ in range(2))
    assert first.digest == second.digest


def test_every_row_lies_in_one_clause() -> None:
    shape = record(Action())
    assert set(shape.row_clauses) == {f"A{i}" for i in range(1, 9)}


def test_public_input_order() -> None:
    """Verifiers pass public inputs by position: the order is part of `action/1`."""
    assert PUBLIC_NAMES == (
        "anchor",
        "nullifier_0",
        "nullifier_1",
        "commitment_0",
        "commitment_1",
        "consumed_logic_0",
        "consumed_logic_1",
        "created_logic_0",
        "created_logic_1",
        "rk_x",
        "rk_y",
        "delta_x",
        "delta_y",
    )
    assert record(Action()).wire_names[1:14] == PUBLIC_NAMES
    numbered = ActionPublic(1, (2, 3), (4, 5), (6, 7), (8, 9), (10, 11), (12, 13))
    assert public_values(numbered) == list(range(1, 14))


def test_no_wire_is_unused() -> None:
    review.check_used(record(Action()))


def test_free_wires_are_the_known_ones() -> None:
    """What one wire alone can change: the sign of a square root, and inverses of zero."""
    public, witness = example_action(b"free")
    free = review.free_wires(record(Action()), evaluate(Action(), public, witness))
    expected = {
        f"kind_{i}/{name}"
        for i in (0, 1)
        for name in ("root of 2 + y", "root of a fifth of 2 - y", "ephemeral over logic")
    }
    # TRANSFER consumes a dummy in slot 1, whose quantity 0 has no inverse.
    assert set(free) == expected | {"consumed_1/is nonzero/inverse or 0"}


def test_advice_sites_are_the_known_ones() -> None:
    """Every unconstrained value of the statement, by the name of its innermost step."""
    sites = record_with_advice(Action(SMALL)).advice
    names = {name.rsplit("/", 1)[-1] for name in review.advice_summary(sites)}
    assert names == {
        # divisions: each has its row q·denominator = numerator
        "x", "y", "u", "slope", "sum of slopes", "inverse of x", "ephemeral over logic",
        # steps of a chain: each has its row
        "u of P + T", "v",
        # roots, bits, inverses, combinations given a wire
        "root of 2 + y", "root of a fifth of 2 - y", "bit", "net *", "inverse or *",
        "owner", "nonce",
    }  # fmt: skip
    assert all(site.clause for site in sites)


@pytest.mark.parametrize("depth", [0, 1])
def test_a_tree_has_at_least_two_levels(depth: int) -> None:
    with pytest.raises(ShapeMismatch):
        Action(depth)


def test_paths_of_another_depth_are_refused() -> None:
    public, witness = example_action(b"shape", depth=3)
    with pytest.raises(ShapeMismatch, match="paths of 1 levels"):
        check(Action(2), public, witness)


@pytest.mark.parametrize("field", ["kinds", "consumed", "created"])
def test_three_of_what_comes_in_pairs_is_refused(field: str) -> None:
    public, witness = example_action(b"shape", depth=SMALL)
    pair = getattr(witness, field)
    with pytest.raises(ShapeMismatch, match="two"):
        check(Action(SMALL), public, replace(witness, **{field: (*pair, pair[0])}))


@pytest.mark.parametrize("field", ["anchor", "nullifiers", "rk"])
def test_s4_public_inputs_at_or_above_r_are_refused_before_the_circuit(field: str) -> None:
    """S-4: nf + r is the same field element; the circuit cannot tell, so the reader must."""
    public, witness = example_action(b"alias", depth=SMALL)
    old = getattr(public, field)
    alias = old + R if isinstance(old, int) else (old[0] + R, old[1])
    with pytest.raises(ShapeMismatch):
        check(Action(SMALL), replace(public, **{field: alias}), witness)


@pytest.mark.parametrize("scalar", [-1, 1 << 251])
def test_scalars_outside_their_range_are_refused(scalar: int) -> None:
    public, witness = example_action(b"scalar", depth=SMALL)
    with pytest.raises(ShapeMismatch):
        check(Action(SMALL), public, replace(witness, rcv=scalar))


def test_ids_and_registry() -> None:
    assert Action().id == "action/1"
    assert Action(2).id == "action-depth2/1"
    assert Action().depth == DEPTH == 10
    assert isinstance(STATEMENTS["action/1"](), Action)


def test_secrets_do_not_print() -> None:
    _, witness = example_action(b"repr", depth=SMALL)
    for secret in (witness, witness.kinds[0], witness.consumed[0], witness.created[0]):
        assert repr(secret) == f"<{type(secret).__name__}: secret>"


def test_examples_repeat() -> None:
    assert example_action(b"same", depth=SMALL) == example_action(b"same", depth=SMALL)
    assert example_action(b"same", depth=SMALL) != example_action(b"other", depth=SMALL)


def test_the_twin_refuses_an_ephemeral_kind_without_logic() -> None:
    with pytest.raises(ParamsError):
        native.find_kind(0, 1, ephemeral=True)
