"""Broadcasts whose content is fixed: the same for all, or nothing."""

from __future__ import annotations

import pytest

from private_exec.mpc import vectors
from private_exec.mpc.agree import ENTRY_BYTES, agree
from private_exec.mpc.context import MemoryJournal
from private_exec.mpc.errors import Undecided
from private_exec.mpc.faults import Fault, Rewritten, Silent, TwoStories
from private_exec.mpc.message import Kind
from private_exec.mpc.simulate import run

SIZES = [4, 7, 10]


def agreeing(members, faults=(), journals=None):
    return run(
        members,
        lambda context: agree(context, vectors.vec([context.member])),
        faults=faults,
        journals=journals,
    )


@pytest.mark.parametrize("n", SIZES)
def test_pv14_all_hold_the_same_words(committee, n):
    outcome = agreeing(committee(n))
    assert len({agreed.root for agreed in outcome.results.values()}) == 1
    for agreed in outcome.results.values():
        assert {m: vectors.ints(w) for m, w in agreed.words.items()} == {
            m: [m] for m in range(1, n + 1)
        }


@pytest.mark.parametrize("n", SIZES)
def test_pv14_who_tells_two_stories_is_left_out_with_evidence(committee, n):
    members = committee(n)
    outcome = agreeing(members, [TwoStories(n, Kind.PRODUCT, (1, 2))])
    honest = range(1, n)
    assert len({outcome.results[m].root for m in honest}) == 1
    for m in honest:
        assert set(outcome.results[m].words) == set(honest)
        assert outcome.accused(m) == {n}
        first, second = outcome.contexts[m].evidence[0]
        assert (first.sender, second.sender) == (n, n)
        first.check(members.session)
        second.check(members.session)


@pytest.mark.parametrize("n", SIZES)
def test_pv14_t_silent_members_are_left_out(committee, n):
    members = committee(n)
    t = members.session.size.t
    outcome = agreeing(members, [Silent(m) for m in range(1, t + 1)])
    assert set(outcome.results[n].words) == set(range(t + 1, n + 1))


@pytest.mark.parametrize("n", SIZES)
def test_pv14_without_2t_plus_1_that_saw_the_same_nothing_is_fixed(committee, n):
    members = committee(n)
    t = members.session.size.t
    outcome = agreeing(members, [Silent(m, since=2) for m in range(1, t + 2)])
    assert outcome.refused(range(t + 2, n + 1)) == {(Undecided, "PV-14")}


class Only(Fault):
    """A member's vector reaches these receivers and nobody else."""

    def __init__(self, member, receivers):
        self.member, self.receivers = member, receivers

    def carry(self, message, receiver, resign):
        own = message.sender == self.member and message.header.kind is Kind.PRODUCT
        return None if own and receiver not in self.receivers else message


@pytest.mark.parametrize("n", SIZES)
def test_pv14_a_vector_that_few_received_is_left_out_by_all(committee, n):
    members = committee(n)
    outcome = agreeing(members, [Only(n, (1,))])
    assert not outcome.errors
    assert len({agreed.root for agreed in outcome.results.values()}) == 1
    assert set(outcome.results[1].words) == set(range(1, n))


def test_pv14_a_vector_that_is_fixed_but_not_here_is_not_computed_without(committee):
    """Member 7 speaks to all but 1, who stands aside."""
    members = committee(7)

    outcome = agreeing(members, [Only(7, range(2, 7))])
    assert outcome.refused() == {(Undecided, "PV-14")}
    assert set(outcome.errors) == {1}
    assert len({outcome.results[m].root for m in range(2, 8)}) == 1


@pytest.mark.parametrize("n", [4, 7])
def test_pv14_an_honest_member_fixes_one_thing_even_after_a_restart(committee, n):
    """So 2t + 1 that fixed it are never joined by 2t + 1 others, once a coin is known.

    Member 1 does not hear of member n at first, and does when it starts again.
    """
    members = committee(n)
    journals = {m: MemoryJournal() for m in members.session.members}
    first = agreeing(members, [Only(n, range(2, n))], journals)
    again = agreeing(members, journals=journals)
    said = [{(m.sender, m.header.kind): m.body for m in o.messages} for o in (first, again)]
    assert {key: body for key, body in said[0].items() if key in said[1]} == said[1]
    assert bytes(96) in said[1][1, Kind.ECHO]


class Unheard(Fault):
    """Echoes of these members do not reach one receiver."""

    def __init__(self, members, receiver):
        self.members, self.receiver = members, receiver

    def carry(self, message, receiver, resign):
        echo = message.sender in self.members and message.header.kind is Kind.ECHO
        return None if echo and receiver == self.receiver else message


@pytest.mark.parametrize("n", SIZES)
def test_pv14_a_forged_echo_makes_no_second_story(committee, n):
    """A liar echoes what member 1 never signed: who is honest is neither left out nor accused."""

    def forged(body):
        return b"\xaa" * ENTRY_BYTES + body[ENTRY_BYTES:]

    outcome = agreeing(committee(n), [Rewritten(n, Kind.ECHO, forged)])
    for m in range(1, n):
        assert set(outcome.results[m].words) == set(range(1, n + 1))
        assert outcome.accused(m) == set()
        assert outcome.contexts[m].evidence == []


def test_pv14_a_fixed_vector_is_not_replaced_by_another_after_a_restart(committee):
    """Member 4 sends member 1, which starts again, another vector than it had fixed."""
    members, journals = committee(4), {1: MemoryJournal()}
    assert not agreeing(members, journals=journals).errors
    again = agreeing(members, [TwoStories(4, Kind.PRODUCT, (1,))], journals)
    assert again.refused() == {(Undecided, "PV-14")}
    assert set(again.errors) == {1}


def test_pv14_what_was_fixed_is_said_again_though_fewer_echoes_came(committee):
    members, journals = committee(4), {1: MemoryJournal()}
    first = agreeing(members, journals=journals)
    again = agreeing(members, [Unheard((3, 4), 1)], journals)
    assert not again.errors
    assert again.results[1].root == first.results[1].root
