"""The crossings on true statements, their agreement with plain code, and their lints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import crossing, review
from circuits.crossing_example import example_donation, example_transit, member_secret, member_tree
from circuits.donation import Donation
from circuits.membership import MemberTree, leaf, member_nullifier, round_element
from circuits.native import tree_node
from circuits.registry import STATEMENTS
from circuits.statement import Statement, check, evaluate, public_values, record
from circuits.tapes import assign
from circuits.transit import Transit
from zk.curve import babyjub
from zk.errors import CircuitError, ParamsError, ShapeMismatch
from zk.field.arrays import from_array
from zk.field.params import FR
from zk.hash import domains

R = FR.modulus
MAX = (1 << 64) - 1
LARGEST = (1 << 32) - 1
SCALARS = (0, 1, babyjub.ORDER - 1, babyjub.ORDER, (1 << 251) - 1)
CASES: dict[str, tuple[Statement[Any, Any], tuple[Any, Any]]] = {
    "transit/1": (Transit(), example_transit(b"case")),
    "donation/1": (Donation(), example_donation(b"case")),
}

both = pytest.mark.parametrize("name", CASES)


@settings(max_examples=8, deadline=None)
@given(amount=st.integers(0, MAX), rcv=st.integers(0, (1 << 251) - 1), seed=st.binary(max_size=4))
def test_every_amount_crosses(amount: int, rcv: int, seed: bytes) -> None:
    public, witness = example_transit(seed, amount=amount, rcv=rcv)
    check(Transit(), public, witness)
    assert crossing.transit_violations(public, witness) == ()


@pytest.mark.parametrize("amount", [0, 1, 2, MAX - 1, MAX])
@pytest.mark.parametrize("rcv", SCALARS)
def test_s17_edge_amounts_and_blindings_cross(amount: int, rcv: int) -> None:
    """S-17: the ladder is complete; the chain of rcv has the edges of the action's."""
    public, witness = example_transit(b"edge", amount=amount, rcv=rcv)
    check(Transit(), public, witness)


@pytest.mark.parametrize("kind", [babyjub.IDENTITY, (0, R - 1), babyjub.GENERATOR])
def test_s17_points_of_any_order_have_no_exceptional_step(kind: tuple[int, int]) -> None:
    """What the environment refuses as a kind the circuit still computes right."""
    _, witness = example_transit(b"order")
    for amount in (0, 1, MAX):
        check(Transit(), crossing.transit_public(tuple(kind), amount, witness, 7), witness)


@pytest.mark.parametrize("weight", [0, 1, 2, LARGEST - 1, LARGEST])
@pytest.mark.parametrize("member", [0, 7, 8, 10])
def test_every_member_gives_every_weight(weight: int, member: int) -> None:
    public, witness = example_donation(b"edge", weight=weight, member=member, depth=2)
    check(Donation(2), public, witness)
    assert crossing.donation_violations(public, witness) == ()
    assert public.amount == weight**2 <= MAX


@both
def test_any_nu_is_admitted(name: str) -> None:
    statement, (public, witness) = CASES[name]
    for nu in (0, 1, R - 1):
        check(statement, replace(public, nu=nu), witness)


@both
def test_full_size_and_tape(name: str) -> None:
    statement, (public, witness) = CASES[name]
    check(statement, public, witness)
    shape = record(statement)
    assignment = evaluate(statement, public, witness)
    shape.check(assignment)
    assert from_array(assignment[1 : shape.publics + 1]) == public_values(public)
    assert (assign(statement, public, witness) == assignment).all()


@both
def test_what_is_hidden_stands_last_and_blinds(name: str) -> None:
    statement, _ = CASES[name]
    assert statement.id == name == STATEMENTS[name]().id
    assert statement.public_names[-1] == "nu"
    hidden = {"transit/1": ("amount", "nu"), "donation/1": ("weight", "amount", "nu")}[name]
    assert statement.public_names[-statement.hidden :] == hidden
    assert STATEMENTS["action/1"]().hidden == 0


def test_public_input_order() -> None:
    """Verifiers pass public inputs by position."""
    assert Transit.public_names == ("kind_x", "kind_y", "cv_x", "cv_y", "amount", "nu")
    assert Donation.public_names == (
        "kind_x", "kind_y", "cv_x", "cv_y", "members_root", "round", "nullifier",
        "weight", "amount", "nu",
    )  # fmt: skip
    transit = crossing.TransitPublic((1, 2), (3, 4), 5, 6)
    donation = crossing.DonationPublic((1, 2), (3, 4), 5, 6, 7, 8, 9, 10)
    assert public_values(transit) == list(range(1, 7))
    assert public_values(donation) == list(range(1, 11))


@both
def test_sizes(name: str) -> None:
    shape = record(CASES[name][0])
    assert shape.domain == {"transit/1": 1 << 11, "donation/1": 1 << 12}[name]


@both
def test_every_row_lies_in_one_clause(name: str) -> None:
    clauses = {"transit/1": {"T1", "T2", "T3"}, "donation/1": {"D1", "D2", "D3", "D4", "D5"}}
    assert set(record(CASES[name][0]).row_clauses) == clauses[name]


@both
def test_no_wire_is_unused_and_none_is_free(name: str) -> None:
    statement, (public, witness) = CASES[name]
    shape = record(statement)
    review.check_used(shape)
    assert review.free_wires(shape, evaluate(statement, public, witness)) == []


@both
def test_secrets_do_not_print(name: str) -> None:
    for secret in CASES[name][1]:
        assert repr(secret) == f"<{type(secret).__name__}: secret>"


def test_examples_repeat() -> None:
    assert example_transit(b"same") == example_transit(b"same") != example_transit(b"other")
    assert example_donation(b"same", depth=1) == example_donation(b"same", depth=1)


@both
def test_a_value_at_or_above_r_is_refused_before_the_circuit(name: str) -> None:
    statement, (public, witness) = CASES[name]
    for change in ({"nu": R}, {"amount": public.amount + R}, {"kind": (public.kind[0] + R, 1)}):
        with pytest.raises(ShapeMismatch):
            check(statement, replace(public, **change), witness)


def test_a_path_of_another_depth_is_refused() -> None:
    public, witness = example_donation(b"shape", depth=2)
    with pytest.raises(ShapeMismatch, match="path of 1 levels"):
        check(Donation(1), public, witness)
    with pytest.raises(ShapeMismatch):
        Donation(0)
    assert Donation(2).id == "donation-depth2/1"


def test_a_number_without_bits_is_refused() -> None:
    from circuits.gadgets import scalar
    from circuits.gadgets.babyjub import constant_point
    from zk.r1cs.recorder import Recorder

    cs = Recorder("empty")
    with pytest.raises(CircuitError):
        scalar.multiply(cs, (), constant_point(cs, babyjub.B8), "none")


# Trees of members.


def test_a_tree_of_members_and_its_paths() -> None:
    secrets = [member_secret(b"tree", i) for i in range(11)]
    tree = member_tree(b"tree", 3)
    for secret in secrets:
        node = leaf(secret)
        for children in tree.path(secret):
            assert node in children
            node = tree_node(children)
        assert node == tree.root
    assert tree.depth == 3
    assert tree.path(secrets[0])[0] == tuple(map(leaf, secrets[:8]))
    assert tree.path(secrets[10])[0] == (*map(leaf, secrets[8:]), *[domains.EMPTY_MEMBER] * 5)


def test_an_empty_tree_has_the_root_of_empty_places() -> None:
    children = (domains.EMPTY_MEMBER,) * 8
    assert MemberTree([], 1).root == tree_node(children)
    assert MemberTree([], 2).root == tree_node([tree_node(children)] * 8)


def test_a_tree_holds_a_member_once_and_no_more_than_its_places() -> None:
    with pytest.raises(ParamsError, match="twice"):
        MemberTree([leaf(1), leaf(2), leaf(1)], 1)
    with pytest.raises(ParamsError, match="places"):
        MemberTree(range(9), 1)
    with pytest.raises(ParamsError, match="no member"):
        MemberTree([leaf(1)], 1).path(2)


def test_nullifiers_differ_by_member_and_round() -> None:
    rounds = [round_element(bytes([i]) * 32) for i in range(3)]
    seen = {member_nullifier(secret, element) for secret in (1, 2) for element in rounds}
    assert len(seen) == 6
    assert leaf(1) not in seen
    for wrong in (b"", bytes(31), bytes(33)):
        with pytest.raises(ParamsError):
            round_element(wrong)
