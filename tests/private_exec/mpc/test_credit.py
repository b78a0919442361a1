"""Messages that count before their signatures are verified, and members that sign nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from private_exec.mpc import vectors
from private_exec.mpc.credit import CORRECTED
from private_exec.mpc.errors import BatchBlamed, MessageRefused, OpeningFailed
from private_exec.mpc.faults import Rewritten, Slow, TwoStories, Unsigned, Wrong
from private_exec.mpc.message import Kind, check_equivocation, sign
from private_exec.mpc.opening import open_shares
from private_exec.mpc.party import Party
from private_exec.mpc.rounds import Round
from private_exec.mpc.simulate import run, shares_of

VALUES = [5, 6]
BODY = vectors.to_bytes(vectors.vec(VALUES))
OTHER = vectors.to_bytes(vectors.vec([5, 7]))


@pytest.fixture
def members(committee):
    return committee(4)


def said(members, sender=2, number=0, kind=Kind.OPEN, body=BODY):
    return sign(members.session, sender, members.signers[sender], number, kind, body)


def unsigned(message):
    return replace(message, header=replace(message.header, signature=bytes(64)))


def rounds(*kinds):
    """A protocol that says the same in rounds of these kinds, and returns what it was sent."""
    heard = []
    for kind in kinds:
        heard.append((yield Round(kind, BODY)).bodies)
    return heard


def a_party(members, *kinds):
    return Party(members.context(1), rounds(*kinds or (Kind.OPEN, Kind.OPEN)))


def refused(rule, party, message, **how):
    with pytest.raises(MessageRefused) as caught:
        party.receive(message.to_bytes(), **how)
    assert caught.value.rule == rule


def noted(party):
    return [(fault.member, fault.rule) for fault in party.context.faults]


def opening(members):
    """Everybody opens shares of VALUES, twice."""
    shares = shares_of(members, VALUES)

    def member(context):
        first = yield from open_shares(context, shares[context.member])
        second = yield from open_shares(context, shares[context.member])
        return vectors.ints(first), vectors.ints(second)

    return member


def test_pv25_shares_that_their_sender_brought_count_at_once(members):
    party = a_party(members)
    for sender in (2, 3):
        assert party.receive(unsigned(said(members, sender)).to_bytes(), own_link=True)
    assert party.step()
    assert noted(party) == []


def test_pv25_what_somebody_else_brought_is_verified_first(members):
    """And blames nobody: whoever brought it wrote it."""
    party = a_party(members)
    refused("PV-10", party, unsigned(said(members)))
    assert noted(party) == []
    assert party.receive(said(members).to_bytes())


def test_pv25_where_nobody_knows_who_brought_what_all_of_it_is_verified_first(members):
    faults = [Unsigned(m, Kind.OPEN) for m in (3, 4)]
    known = run(members, opening(members), faults=faults)
    assert all(result == (VALUES, VALUES) for result in known.results.values())
    unknown = run(members, opening(members), faults=faults, own_links=False)
    assert unknown.refused((1, 2)) == {(OpeningFailed, "PV-13")}
    assert not unknown.contexts[1].faults


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in CORRECTED])
def test_pv25_all_rounds_that_nothing_corrects_are_verified_first(members, kind):
    party = a_party(members, kind)
    refused("PV-10", party, unsigned(said(members, kind=kind)), own_link=True)
    assert noted(party) == [(2, "PV-26")]
    assert party.receive(said(members, kind=kind).to_bytes(), own_link=True)


def test_pv25_a_kind_that_counts_at_once_does_not_count_in_other_rounds(members):
    party = a_party(members, Kind.OPEN, Kind.PRODUCT)
    party.receive(unsigned(said(members, number=1)).to_bytes(), own_link=True)
    for sender in (3, 4):
        party.receive(said(members, sender).to_bytes())
    assert party.step()
    assert noted(party) == [(2, "PV-26")]
    assert party.unheard == {2, 3, 4}


@pytest.mark.parametrize("sender", [0, 5])
def test_pv25_nobody_but_members_has_credit(members, sender):
    party = a_party(members)
    message = said(members)
    stranger = replace(message, header=replace(message.header, sender=sender))
    refused("PV-10", party, stranger, own_link=True)
    assert noted(party) == []


def test_pv26_who_is_accused_signed_what_it_is_accused_of(members):
    for extra, rule in (((), "PV-13"), ((Unsigned(4, Kind.OPEN),), "PV-26")):
        outcome = run(members, opening(members), faults=[Wrong(4, Kind.OPEN), *extra])
        for m in (1, 2, 3):
            assert outcome.results[m] == (VALUES, VALUES)
            assert outcome.contexts[m].faults[0].member == 4
            assert {fault.rule for fault in outcome.contexts[m].faults} == {rule}


def test_pv26_who_signed_nothing_is_noted_once_and_has_no_more_credit(members):
    faults = [Wrong(4, Kind.OPEN), Unsigned(4, Kind.OPEN)]
    outcome = run(members, opening(members), faults=faults)
    assert [fault.round for fault in outcome.contexts[1].faults] == [0]
    party = a_party(members)
    refused("PV-26", party, unsigned(said(members, body=b"short")), own_link=True)
    refused("PV-10", party, unsigned(said(members, number=1)), own_link=True)
    assert noted(party) == [(2, "PV-26")]
    assert party.receive(said(members).to_bytes(), own_link=True)


@pytest.mark.parametrize("body", [BODY[:-1], bytes([255]) * len(BODY)])
def test_pv26_another_form_is_its_senders_fault_only_if_it_signed_that(members, body):
    for change, rule in ((lambda m: m, "PV-11"), (unsigned, "PV-26")):
        party = a_party(members)
        refused(rule, party, change(said(members, body=body)), own_link=True)
        assert noted(party) == [(2, rule)]


def test_pv27_what_was_not_signed_gives_way_to_what_was(members):
    """Also where the round failed for it: what comes then may decide."""
    party = Party(members.context(1), opening(members)(members.context(1)))
    shares = {m: vectors.to_bytes(share) for m, share in shares_of(members, VALUES).items()}
    party.receive(unsigned(said(members, 2, body=OTHER)).to_bytes(), own_link=True)
    party.receive(said(members, 3, body=shares[3]).to_bytes(), own_link=True)
    assert not party.step()
    assert party.receive(said(members, 2, body=shares[2]).to_bytes())
    assert party.step()
    assert party.round == 1
    assert party.context.evidence == []


def test_pv27_only_what_was_signed_proves_two_stories(members):
    party = a_party(members)
    party.receive(unsigned(said(members, body=OTHER)).to_bytes(), own_link=True)
    refused("PV-10", party, unsigned(said(members)), own_link=True)
    first, second = said(members), said(members, body=bytes(len(BODY)))
    assert party.receive(first.to_bytes(), own_link=True)
    assert party.context.evidence == []
    refused("PV-12", party, second, own_link=True)
    assert party.context.evidence == [(first.header, second.header)]
    assert noted(party) == [(2, "PV-26"), (2, "PV-12")]


def test_pv27_two_stories_are_proved_behind_the_round_though_nobody_verified_the_first(members):
    for change, rules in ((lambda m: m, {"PV-12"}), (unsigned, set())):
        party = a_party(members)
        for sender in (2, 3, 4):
            message = change(said(members, sender)) if sender == 2 else said(members, sender)
            party.receive(message.to_bytes(), own_link=True)
        assert party.step()
        other = said(members, body=OTHER)
        if rules:
            refused("PV-12", party, other, own_link=True)
        else:
            assert party.receive(other.to_bytes(), own_link=True)
        assert {rule for _, rule in noted(party)} == rules
        for pair in party.context.evidence:
            assert check_equivocation(members.session, *pair) == 2


@pytest.mark.parametrize("n", [4, 7])
@pytest.mark.parametrize("kind", [Kind.PRODUCT, Kind.ECHO, Kind.FIX, Kind.OPEN, Kind.VOTE])
def test_pv25_t_members_that_sign_nothing_in_a_phase_stop_nothing(
    committee, preparing, asked, n, kind
):
    members = committee(n)
    faulty = list(members.session.members)[-members.session.size.t :]
    outcome = preparing(members, faults=[Unsigned(m, kind) for m in faulty], relay=n == 4)
    for m in set(members.session.members) - set(faulty):
        assert len(outcome.results[m].bits) == asked.bits
        assert outcome.accused(m) == (set() if kind in CORRECTED else set(faulty))


def test_pv26_who_spoils_a_batch_and_signs_no_word_on_it_is_named(members, preparing):
    """What it published is signed, or counts for nothing; what it reveals is not needed."""
    outcome = preparing(members, faults=[Wrong(4, Kind.PRODUCT), Unsigned(4, Kind.REVEAL)])
    for m in (1, 2, 3):
        assert isinstance(outcome.errors[m], BatchBlamed)
        assert outcome.errors[m].liars == (4,)
        assert {"PV-17", "PV-26"} <= {fault.rule for fault in outcome.contexts[m].faults}


@pytest.mark.parametrize("order", range(4))
def test_pv26_liars_that_sign_nothing_are_named_and_nobody_else(committee, order):
    """To some, late, or with another story: whatever arrives when."""
    members = committee(7)
    faults = [
        Wrong(6, Kind.OPEN),
        Unsigned(6, Kind.OPEN, to=(1, 3)),
        Slow(7, Kind.OPEN) if order % 2 else Rewritten(7, Kind.OPEN, lambda body: body[1:]),
        Unsigned(7, Kind.OPEN),
        TwoStories(7, Kind.OPEN, (1, 2)),
    ]
    outcome = run(members, opening(members), faults=faults, order=order, relay=order > 1)
    for m in range(1, 6):
        assert outcome.results[m] == (VALUES, VALUES)
        assert outcome.accused(m) <= {6, 7}
        for pair in outcome.contexts[m].evidence:
            assert check_equivocation(members.session, *pair) in {6, 7}
