"""A whole session, preparation and computation, with faults in every phase."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.mpc import prepare, vectors
from private_exec.mpc.arithmetic import compute
from private_exec.mpc.errors import BatchBlamed, MpcRefused, Undecided
from private_exec.mpc.faults import (
    Rewritten,
    Shifted,
    Silent,
    Slow,
    TwoStories,
    Withheld,
    Wrong,
)
from private_exec.mpc.material import Request
from private_exec.mpc.message import Kind
from private_exec.mpc.party import Party
from private_exec.mpc.simulate import run, shares_of
from private_exec.sharing import lagrange

SIZES = [4, 7]
VALUES = ([3, 13, 7], [4, 10, 7])
ANSWER = [1, 0, 0]


def session(members):
    """Three comparisons, from preparation to the opened answer."""
    inputs = [shares_of(members, values, seed) for seed, values in enumerate(VALUES)]

    def member(context):
        def program(mpc):
            a, b = (shares[context.member] for shares in inputs)
            smaller = yield from mpc.less(a, b, 4)
            return (yield from mpc.open(smaller))

        return compute(context, program)

    return member


def last(members, count):
    return list(members.session.members)[-count:]


def garbled(body):
    return bytes(len(body))


def all_others_answer(members, fault):
    """With t members that have a fault."""
    faulty = last(members, members.session.size.t)
    outcome = run(members, session(members), faults=[fault(m) for m in faulty])
    for m in set(members.session.members) - set(faulty):
        assert vectors.ints(outcome.results[m]) == ANSWER


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", [k for k in Kind if k is not Kind.PRODUCT])
def test_t_members_that_talk_nonsense_in_a_phase_stop_nothing(committee, n, kind):
    all_others_answer(committee(n), lambda m: Rewritten(m, kind, garbled))


@pytest.mark.parametrize(
    ("n", "since"), [*((4, k) for k in range(prepare.ROUNDS + 2)), (7, 0), (7, 2), (7, 11)]
)
def test_t_members_that_die_in_any_round_stop_nothing(committee, n, since):
    all_others_answer(committee(n), lambda m: Silent(m, since))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", [Kind.OPEN, Kind.VOTE, Kind.FIX])
def test_t_members_that_are_slow_in_a_phase_stop_nothing(committee, n, kind):
    all_others_answer(committee(n), lambda m: Slow(m, kind))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("fault", ["wrong", "two stories"])
def test_pv17_who_spoils_products_is_known_to_everybody(committee, n, fault):
    """Named by blame; or left out with its two signatures, and the session goes on without it."""
    members = committee(n)
    faulty = last(members, members.session.size.t)
    honest = set(members.session.members) - set(faulty)
    if fault == "wrong":
        outcome = run(members, session(members), faults=[Wrong(m, Kind.PRODUCT) for m in faulty])
        for m in honest:
            error = outcome.errors[m]
            assert isinstance(error, BatchBlamed)
            assert error.rule == "PV-17"
            assert error.liars == tuple(faulty)
        return
    faults = [TwoStories(m, Kind.PRODUCT, (1,)) for m in faulty]
    outcome = run(members, session(members), faults=faults)
    for m in honest:
        assert vectors.ints(outcome.results[m]) == ANSWER
        assert outcome.accused(m) == set(faulty)
        assert {first.sender for first, _ in outcome.contexts[m].evidence} == set(faulty)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("n", SIZES)
def test_t_plus_1_faulty_members_open_nothing_wrong(committee, n, kind):
    """Uncoordinated: the honest ones get the answer, or none (P2-9)."""
    members = committee(n)
    faulty = last(members, members.session.size.t + 1)
    if kind in (Kind.OPEN, Kind.PRODUCT):
        faults = [Wrong(m, kind, by=m * m + 1) for m in faulty]
    else:
        faults = [Rewritten(m, kind, garbled) for m in faulty]
    outcome = run(members, session(members), faults=faults)
    for m in set(members.session.members) - set(faulty):
        if m in outcome.results:
            assert vectors.ints(outcome.results[m]) == ANSWER
        else:
            assert isinstance(outcome.errors[m], MpcRefused)
    if kind in (Kind.OPEN, Kind.PRODUCT, Kind.FIX, Kind.VOTE):
        assert not outcome.results.keys() - set(faulty)


def test_pv15_liars_whose_errors_cancel_are_named_all_the_same(committee):
    """Two of seven, with errors that leave the value of the product where it was."""
    members = committee(7)
    weights = lagrange(range(1, 8), 0)
    faults = [
        Wrong(2, Kind.PRODUCT, by=weights[2]),
        Wrong(3, Kind.PRODUCT, by=-weights[1] % vectors.R),
    ]
    outcome = run(members, session(members), faults=faults)
    assert {error.liars for error in outcome.errors.values()} == {(2, 3)}


def test_pv15_more_than_t_that_agree_make_wrong_triples_that_the_coin_finds(committee):
    """All of four: the word has the right degree, and the coin finds that the product is wrong."""
    members = committee(4)
    faults = [Shifted((1, 2, 3, 4), Kind.PRODUCT, [1])]
    request = Request(3, 0)
    outcome = run(members, lambda c: prepare.prepare(c, 0, request), faults=faults)
    assert not outcome.results
    assert {type(error) for error in outcome.errors.values()} == {BatchBlamed}


SPEAKS_TO_SOME = (Withheld(4, Kind.PRODUCT, (3,)), Withheld(4, Kind.ECHO, (2, 3)))
"""Member 4 of 4: its vector reaches 1 and 2, its echo only 1; the rest it says aloud."""


def test_pv14_one_member_that_speaks_to_some_leaves_a_batch_undecided_and_nothing_revealed(
    committee,
):
    """Where nobody passes on what it hears: nobody is named, and nothing is revealed."""
    members = committee(4)
    outcome = run(members, session(members), faults=SPEAKS_TO_SOME)
    assert not outcome.results
    assert {(type(e), e.rule) for m, e in outcome.errors.items() if m < 4} == {(Undecided, "PV-14")}
    assert {sent.kind for sent in outcome.sent} == {Kind.PRODUCT, Kind.ECHO, Kind.FIX}
    assert not any(outcome.accused(m) for m in members.session.members)


def test_pv24_who_speaks_to_one_honest_member_speaks_to_all(committee):
    members = committee(4)
    outcome = run(members, session(members), faults=SPEAKS_TO_SOME, relay=True)
    assert not outcome.errors
    assert all(vectors.ints(outcome.results[m]) == ANSWER for m in range(1, 4))
    assert not any(outcome.accused(m) for m in members.session.members)


def test_pv24_two_stories_meet_where_they_are_passed_on(committee):
    members = committee(4)
    outcome = run(members, session(members), faults=[TwoStories(4, Kind.PRODUCT, (3,))], relay=True)
    for member in (1, 2, 3):
        assert vectors.ints(outcome.results[member]) == ANSWER
        assert outcome.contexts[member].evidence
        assert outcome.accused(member) == {4}


def test_pv23_who_is_absent_by_the_chain_is_neither_heard_nor_waited_for(committee):
    members = replace(committee(4), absent=frozenset({4}))
    outcome = run(members, session(members), faults=[Wrong(4, Kind.PRODUCT), *SPEAKS_TO_SOME])
    for member in (1, 2, 3):
        assert vectors.ints(outcome.results[member]) == ANSWER
        assert not outcome.accused(member)
    context = members.context(1)
    party = Party(context, session(members)(context))
    from_4 = next(m for m in outcome.messages if m.sender == 4).to_bytes()
    from_2 = next(m for m in outcome.messages if m.sender == 2).to_bytes()
    assert not party.receive(from_4)
    assert party.receive(from_2) and not party.receive(from_2)
    assert not party.step()
    assert party.receive(next(m for m in outcome.messages if m.sender == 3).to_bytes())
    assert party.step()


def a_fault(member):
    """Anything that one member may do."""
    kinds, place = st.sampled_from(Kind), st.integers(-2, 2)
    vectors_only = st.sampled_from([Kind.OPEN, Kind.PRODUCT])
    return st.one_of(
        st.builds(Silent, st.just(member), st.integers(0, 14)),
        st.builds(Slow, st.just(member), kinds),
        st.builds(
            Wrong, st.just(member), vectors_only, place, st.integers(1, 9), st.integers(0, 2)
        ),
        st.builds(
            TwoStories, st.just(member), vectors_only, st.sets(st.integers(1, 7), min_size=1)
        ),
        st.builds(
            Rewritten,
            st.just(member),
            kinds,
            st.sampled_from([garbled, lambda body: body[:-1], lambda body: b"\xff" * len(body)]),
        ),
    )


@st.composite
def some_faults(draw):
    """Up to t members with up to two faults each, and an order of messages."""
    n = draw(st.sampled_from(SIZES))
    members = st.sets(st.integers(1, n), min_size=1, max_size=(n - 1) // 3)
    faulty = draw(members)
    faults = [f for m in sorted(faulty) for f in draw(st.lists(a_fault(m), max_size=2))]
    return n, faulty, faults, draw(st.sampled_from([None, 1]))


@given(some_faults())
@settings(max_examples=25, deadline=None)
def test_pv17_nobody_honest_is_accused_and_nothing_wrong_opens_whatever_t_members_do(
    committee, case
):
    n, faulty, faults, order = case
    members = committee(n)
    outcome = run(members, session(members), faults=faults, order=order)
    for m in set(members.session.members) - faulty:
        assert outcome.accused(m) <= faulty
        if m in outcome.results:
            assert vectors.ints(outcome.results[m]) == ANSWER
        elif isinstance(outcome.errors[m], BatchBlamed):
            assert set(outcome.errors[m].liars) <= faulty
            assert outcome.errors[m].liars
        else:
            assert isinstance(outcome.errors[m], Undecided)
