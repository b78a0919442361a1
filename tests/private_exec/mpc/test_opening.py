"""Openings: guaranteed with t faults, closed with more, and what t + 1 that agree can do."""

from __future__ import annotations

import pytest

from private_exec.mpc import vectors
from private_exec.mpc.errors import OpeningFailed
from private_exec.mpc.faults import Rewritten, Shifted, Silent, Slow, TwoStories, Wrong
from private_exec.mpc.message import Kind
from private_exec.mpc.opening import open_shares
from private_exec.mpc.simulate import run, shares_of

VALUES = [0, 1, 5, vectors.R - 1]
SIZES = [4, 7, 10]


def opening(members, faults=(), order=None):
    shares = shares_of(members, VALUES)
    return run(
        members,
        lambda context: open_shares(context, shares[context.member]),
        faults=faults,
        order=order,
    )


def opened(outcome):
    return {member: vectors.ints(values) for member, values in outcome.results.items()}


@pytest.mark.parametrize("n", SIZES)
def test_everybody_learns_the_values(committee, n):
    outcome = opening(committee(n))
    assert opened(outcome) == dict.fromkeys(range(1, n + 1), VALUES)
    assert {context.tally.rounds for context in outcome.contexts.values()} == {1}


FAULTS = {
    "silent": Silent,
    "wrong": lambda m: Wrong(m, Kind.OPEN, place=m % 4, by=m),
    "two stories": lambda m: TwoStories(m, Kind.OPEN, (1, 2)),
    "longer": lambda m: Rewritten(m, Kind.OPEN, lambda body: body + bytes(32)),
    "empty": lambda m: Rewritten(m, Kind.OPEN, lambda _: b""),
    "late": lambda m: Slow(m, Kind.OPEN),
}


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("order", [None, 1, 2])
def test_pv13_t_faulty_members_change_and_stop_nothing(committee, n, fault, order):
    members = committee(n)
    faulty = list(members.session.members)[-members.session.size.t :]
    outcome = opening(members, [FAULTS[fault](m) for m in faulty], order)
    honest = [m for m in members.session.members if m not in faulty]
    assert {m: opened(outcome)[m] for m in honest} == dict.fromkeys(honest, VALUES)
    if order is None and fault in ("wrong", "longer", "empty"):
        assert all(outcome.accused(m) == set(faulty) for m in honest)


@pytest.mark.parametrize("n", SIZES)
def test_pv13_t_plus_1_that_do_not_agree_fail_closed(committee, n):
    members = committee(n)
    faulty = range(1, members.session.size.t + 2)
    outcome = opening(members, [Wrong(m, Kind.OPEN, by=m * m + 3) for m in faulty])
    honest = set(members.session.members) - set(faulty)
    assert not honest & set(outcome.results)
    assert {outcome.errors[m].rule for m in honest} == {"PV-13"}
    assert all(isinstance(outcome.errors[m], OpeningFailed) for m in honest)
    assert not any(outcome.accused(m) for m in honest)


@pytest.mark.parametrize("n", SIZES)
def test_pv13_t_plus_1_absent_fail_closed(committee, n):
    members = committee(n)
    gone = range(1, members.session.size.t + 2)
    outcome = opening(members, [Silent(m) for m in gone])
    assert {error.rule for m, error in outcome.errors.items() if m not in gone} == {"PV-13"}
    assert not set(outcome.results) - set(gone)


@pytest.mark.parametrize("n", SIZES)
def test_pv13_t_plus_1_that_agree_do_pass_and_have_others_accused(committee, n):
    """What no opening can notice: a Pedersen commitment, or a proof, catches it (P2-9)."""
    members = committee(n)
    t = members.session.size.t
    victims = range(1, t + 1)  # where the error is 0, so that 2t + 1 shares agree
    polynomial = [1]
    for victim in victims:
        polynomial = [
            (low - victim * high) % vectors.R
            for low, high in zip([0, *polynomial], [*polynomial, 0], strict=True)
        ]
    liars = range(n - t, n + 1)
    outcome = opening(members, [Shifted(liars, Kind.OPEN, polynomial)])
    error = polynomial[0]
    for victim in victims:
        assert opened(outcome)[victim] == [(v + error) % vectors.R for v in VALUES]
        assert outcome.accused(victim) == set(members.session.members) - set(liars) - set(victims)


def test_pv13_with_a_member_away_fewer_liars_are_borne(committee):
    """n = 7: one away and one liar pass, one away and two liars do not, and nothing wrong opens."""
    members = committee(7)
    outcome = opening(members, [Silent(7), Wrong(6, Kind.OPEN)])
    assert opened(outcome)[1] == VALUES
    outcome = opening(members, [Silent(7), Wrong(6, Kind.OPEN), Wrong(5, Kind.OPEN, by=9)])
    assert {outcome.errors[m].rule for m in (1, 2, 3, 4)} == {"PV-13"}


def test_nothing_is_sent_for_nothing(committee):
    members = committee(4)
    outcome = run(members, lambda context: open_shares(context, vectors.zeros(0)))
    assert not outcome.sent
    assert len(outcome.results) == 4
