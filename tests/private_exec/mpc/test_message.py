"""Messages between members: their bytes, their signatures, and what a party does with them."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from private_exec.mpc import vectors
from private_exec.mpc.context import MemoryJournal
from private_exec.mpc.errors import MessageRefused, TooEarly
from private_exec.mpc.faults import NONCANONICAL
from private_exec.mpc.message import (
    MAX_BODY,
    OVERHEAD,
    Kind,
    Message,
    Session,
    check_equivocation,
    sign,
)
from private_exec.mpc.party import MOST_EARLY, WINDOW, Party
from private_exec.mpc.rounds import Round
from zk.errors import DecodeError

BODY = vectors.to_bytes(vectors.vec([1, 2]))


@pytest.fixture
def members(committee):
    return committee(4)


def a_message(members, sender=2, number=0, kind=Kind.OPEN, body=BODY):
    return sign(members.session, sender, members.signers[sender], number, kind, body)


def two_rounds():
    first = yield Round(Kind.OPEN, BODY)
    second = yield Round(Kind.OPEN, BODY)
    return first, second


def a_party(members, member=1):
    return Party(members.context(member), two_rounds())


def test_a_message_comes_back_from_its_bytes(members):
    message = a_message(members)
    assert Message.from_bytes(message.to_bytes()) == message
    assert len(message.to_bytes()) == OVERHEAD + len(BODY)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_message_are_refused_as_such(data):
    with pytest.raises(DecodeError):
        Message.from_bytes(data)


@pytest.mark.parametrize("change", [b"\x00", b"\x01\x02"])
def test_a_message_has_nothing_behind_its_end(members, change):
    with pytest.raises(DecodeError):
        Message.from_bytes(a_message(members).to_bytes() + change)


def test_a_longer_body_than_any_is_refused_before_it_is_read(members):
    data = a_message(members).to_bytes()
    at = 32 + 4 + 1 + 1
    longer = data[:at] + (MAX_BODY + 1).to_bytes(4, "little") + data[at + 4 :]
    with pytest.raises(DecodeError, match="more than"):
        Message.from_bytes(longer)


def test_pv10_a_message_of_an_unknown_kind_is_none(members):
    data = bytearray(a_message(members).to_bytes())
    data[32 + 4 + 1] = 0
    with pytest.raises(MessageRefused) as caught:
        Message.from_bytes(bytes(data))
    assert caught.value.rule == "PV-10"


@pytest.mark.parametrize(
    "change",
    [
        {"round": 1},
        {"sender": 3},
        {"sender": 0},
        {"sender": 5},
        {"kind": Kind.PRODUCT},
        {"digest": bytes(32)},
        {"length": 1},
    ],
    ids=str,
)
def test_pv10_a_signature_covers_everything_that_a_header_says(members, change):
    message = a_message(members)
    message.check(members.session)
    with pytest.raises(MessageRefused) as caught:
        replace(message, header=replace(message.header, **change)).check(members.session)
    assert caught.value.rule == "PV-10"


@pytest.mark.parametrize("field", ["chain_id", "sid"])
def test_pv10_a_signature_is_for_one_session_of_one_chain(members, field):
    other = replace(members.session, **{field: bytes(32)})
    message = a_message(members)
    with pytest.raises(MessageRefused) as caught:
        message.header.check(other)
    assert caught.value.rule == "PV-10"
    with pytest.raises(MessageRefused) as caught:
        replace(message, sid=bytes(32)).check(members.session)
    assert caught.value.rule == "PV-10"


def test_pv10_a_signature_is_among_these_members(members):
    first, second, third, fourth = members.session.keys
    other = replace(members.session, keys=(first, second, fourth, third))
    with pytest.raises(MessageRefused) as caught:
        a_message(members, 2).header.check(other)
    assert caught.value.rule == "PV-10"


@pytest.mark.parametrize("change", ["fewer", "twice", "improper"])
def test_pv10_a_session_has_a_key_for_each_member(members, change):
    keys = members.session.keys
    wrong = {
        "fewer": keys[:-1],
        "twice": (keys[0], *keys[:-1]),
        "improper": (bytes(32), *keys[1:]),
    }[change]
    with pytest.raises(MessageRefused) as caught:
        replace(members.session, keys=wrong)
    assert caught.value.rule == "PV-10"


def test_pv10_a_party_takes_only_what_a_member_signed(members):
    party = a_party(members)
    message = a_message(members)
    forged = replace(message, header=replace(message.header, signature=bytes(64)))
    for wrong in (forged, replace(message, sid=bytes(32))):
        with pytest.raises(MessageRefused) as caught:
            party.receive(wrong.to_bytes())
        assert caught.value.rule == "PV-10"
    assert party.context.faults == []


@pytest.mark.parametrize("body", [b"", BODY + bytes(32), BODY[:-1], NONCANONICAL + bytes(32)])
def test_pv11_a_body_of_another_length_or_form_does_not_count_and_names_its_sender(members, body):
    party = a_party(members)
    with pytest.raises(MessageRefused) as caught:
        party.receive(a_message(members, body=body).to_bytes())
    assert caught.value.rule == "PV-11"
    assert [(f.member, f.rule) for f in party.context.faults] == [(2, "PV-11")]
    for sender in (3, 4):
        party.receive(a_message(members, sender).to_bytes())
    assert party.step()
    assert party.round == 1


def test_pv11_a_message_of_another_kind_does_not_count(members):
    party = a_party(members)
    with pytest.raises(MessageRefused) as caught:
        party.receive(a_message(members, kind=Kind.PRODUCT).to_bytes())
    assert caught.value.rule == "PV-11"


def test_pv11_a_message_from_far_ahead_is_not_kept_and_nobodys_fault(members):
    """Three of four went on without this member, whose network is slow: nothing is wrong."""
    party = a_party(members)
    early = a_message(members, number=WINDOW + 1).to_bytes()
    with pytest.raises(TooEarly) as caught:
        party.receive(early)
    assert caught.value.rule == "PV-11"
    assert party.context.faults == []
    for sender in (3, 4):
        party.receive(a_message(members, sender).to_bytes())
    assert party.step()
    party.receive(early)


def test_pv11_what_came_early_is_judged_when_its_round_begins(members):
    party = a_party(members)
    party.receive(a_message(members, 2, 1, body=b"early and wrong").to_bytes())
    for sender in (3, 4):
        party.receive(a_message(members, sender).to_bytes())
    assert party.context.faults == []
    assert party.step()
    assert [(f.member, f.rule) for f in party.context.faults] == [(2, "PV-11")]


@pytest.mark.parametrize("early", [False, True])
def test_pv12_what_a_round_does_not_take_takes_nobodys_place(members, early):
    """Else who said it to one member would have that one refuse what all others have."""
    party, number = a_party(members), int(early)
    wrong = [a_message(members, 2, number, body=body) for body in (b"", b"x", b"xy")]
    right = a_message(members, 2, number)
    if early:
        party.receive(wrong[0].to_bytes())
        for other in (right, wrong[1]):
            with pytest.raises(TooEarly, match="another story"):
                party.receive(other.to_bytes())
        for sender in (3, 4):
            party.receive(a_message(members, sender).to_bytes())
        assert party.step()
    for message in wrong:
        with contextlib.suppress(MessageRefused):
            assert not party.receive(message.to_bytes())
    assert 2 in party.unheard
    assert party.receive(right.to_bytes())
    assert 2 not in party.unheard
    assert not party.receive(wrong[2].to_bytes())
    assert len(party.context.evidence) == 1
    assert sorted(f.rule for f in party.context.faults) == ["PV-11", "PV-12"], "each noted once"


def test_pv12_two_stories_of_one_round_are_evidence(members):
    party = a_party(members)
    first, second = a_message(members), a_message(members, body=bytes(64))
    party.receive(first.to_bytes())
    with pytest.raises(MessageRefused) as caught:
        party.receive(second.to_bytes())
    assert caught.value.rule == "PV-12"
    assert party.context.evidence == [(first.header, second.header)]
    assert check_equivocation(members.session, first.header, second.header) == 2


def test_pv12_two_stories_are_proved_once(members):
    """Whoever signs a thousand stories of one round fills nobody's memory."""
    party = a_party(members)
    party.receive(a_message(members).to_bytes())
    with pytest.raises(MessageRefused):
        party.receive(a_message(members, body=bytes(64)).to_bytes())
    for story in (b"third", b"fourth"):
        party.receive(a_message(members, body=story).to_bytes())
    assert len(party.context.evidence) == len(party.context.faults) == 1


def test_pv12_two_stories_are_noticed_after_the_round_too(members):
    party = a_party(members)
    for sender in (2, 3, 4):
        party.receive(a_message(members, sender).to_bytes())
    assert party.step()
    with pytest.raises(MessageRefused) as caught:
        party.receive(a_message(members, body=bytes(64)).to_bytes())
    assert caught.value.rule == "PV-12"


def test_pv12_a_member_says_one_thing_in_a_round_even_after_a_restart(members):
    """Nor is a session used for a second protocol."""

    def another():
        yield Round(Kind.OPEN, bytes(64))

    journal = MemoryJournal()
    for _ in range(2):
        again = Party(members.context(1, journal), two_rounds())
        assert again.outgoing == a_message(members, 1)
    with pytest.raises(MessageRefused) as caught:
        Party(members.context(1, journal), another())
    assert caught.value.rule == "PV-12"


def test_what_comes_when_its_round_is_over_is_left_alone(members):
    party = a_party(members)
    for sender in (3, 4):
        party.receive(a_message(members, sender).to_bytes())
    assert party.step()
    party.receive(a_message(members, 2, body=b"late").to_bytes())
    assert party.context.faults == []


def test_pv12_what_was_said_twice_is_no_evidence(members):
    party = a_party(members)
    for _ in range(2):
        party.receive(a_message(members).to_bytes())
    one = a_message(members).header
    for other in (one, a_message(members, number=1).header, a_message(members, 3).header):
        with pytest.raises(MessageRefused) as caught:
            check_equivocation(members.session, one, other)
        assert caught.value.rule == "PV-12"
    forged = replace(one, digest=bytes(32))
    with pytest.raises(MessageRefused) as caught:
        check_equivocation(members.session, one, forged)
    assert caught.value.rule == "PV-10"


def test_a_party_waits_for_2t_plus_1_unless_the_round_is_closed(members):
    party = a_party(members)
    party.receive(a_message(members).to_bytes())
    assert not party.step()
    assert party.step(closed=True)
    assert party.round == 1


def test_no_representation_shows_a_share_or_a_signature(members):
    message = a_message(members)
    party = a_party(members)
    shown = repr((message, Round(Kind.OPEN, BODY), party.context, members))
    assert BODY.hex() not in shown
    assert repr(BODY) not in shown
    assert "signature" not in shown
    assert isinstance(members.session, Session)


def test_pv11_not_everything_that_comes_early_is_kept(members):
    party = a_party(members)
    body = bytes(MAX_BODY)
    for number in range(1, 1 + MOST_EARLY // MAX_BODY):
        party.receive(a_message(members, 2, number, body=body).to_bytes())
    with pytest.raises(TooEarly) as caught:
        party.receive(a_message(members, 2, 9, body=body).to_bytes())
    assert caught.value.rule == "PV-11"
    assert party.context.faults == []
    party.receive(a_message(members, 3, 9, body=body).to_bytes())
