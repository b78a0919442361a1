"""Committees: declared, keyed, renewed; who was at fault."""

from __future__ import annotations

import dataclasses

import pytest

from node.core.ids import ChainId
from node.private import committees
from node.private.errors import PrivateRefused
from node.private.messages import Step
from node.private.paid import DeclareTx, sign_declare
from node.testing.ledger import FAUCET
from node.testing.private import PrivateChain, assert_ok, signer
from private_exec.committee import dealing as dealings
from private_exec.committee.ceremony import FaultKind


@pytest.fixture
def fresh() -> PrivateChain:
    """A chain whose committee is declared, and has no keys."""
    found = PrivateChain()
    assert_ok(found.run(found.declare()))
    return found


def committee(chain: PrivateChain) -> committees.Committee:
    return committees.committee_of(chain.state, chain.declaration.id)


def test_pv104_a_committee_is_declared_once_and_for_this_chain(fresh):
    before = fresh.balance(FAUCET.account)
    assert fresh.codes(fresh.declare(fee=2000)) == ["PV-104"]
    assert fresh.balance(FAUCET.account) == before
    elsewhere = dataclasses.replace(fresh.declaration, chain=ChainId(b"\x07" * 32))
    tx = sign_declare(DeclareTx(fresh.head(), elsewhere.to_bytes()), FAUCET)
    assert fresh.codes(tx) == ["PV-104"]
    short = dataclasses.replace(fresh.declaration, epoch_blocks=23)
    tx = sign_declare(DeclareTx(fresh.head(), short.to_bytes()), FAUCET)
    assert fresh.codes(tx) == ["PV-104"]
    broken = sign_declare(DeclareTx(fresh.head(), fresh.declaration.to_bytes()[:-1]), FAUCET)
    assert fresh.codes(broken) == ["ENC-003"]
    with pytest.raises(PrivateRefused) as caught:
        committees.committee_of(fresh.state, elsewhere.id)
    assert caught.value.rule == "PV-104"
    assert [key for key, _ in committees.committees(fresh.state)] == [fresh.declaration.id]


def test_pv104_its_payer_pays(fresh):
    other = dataclasses.replace(fresh.declaration, purpose=b"\x02" * 32)
    before = fresh.balance(FAUCET.account)
    tx = sign_declare(DeclareTx(fresh.head(fee=1234), other.to_bytes()), FAUCET)
    assert fresh.codes(tx, tx) == ["ok", "PV-104"]
    assert fresh.balance(FAUCET.account) == before - 1234


def test_pv105_messages_count_in_the_attempt_that_is_under_way(fresh):
    people = fresh.participants()
    notice = people[1].notice().to_bytes()
    early = fresh.message(Step.DEALING, b"\x01")
    with pytest.raises(PrivateRefused, match="no ceremony is under way") as caught:
        committees.check_place(early, fresh.state, fresh.height + 1)
    assert caught.value.rule == "PV-105"
    for changes in ({"epoch": 1}, {"attempt": 1}, {"committee": b"\x09" * 32}):
        tx = dataclasses.replace(fresh.message(Step.NOTICE, notice), **changes)
        assert fresh.codes(tx) == ["PV-104" if "committee" in changes else "PV-105"]
    assert fresh.codes(fresh.message(Step.NOTICE, notice)) == ["ok"]
    assert committee(fresh).opened == fresh.height
    # a second one of the same member, and one that is not its sender's
    assert fresh.codes(fresh.message(Step.NOTICE, notice)) == ["PV-35"]
    stolen = b"\x03" + people[2].notice().to_bytes()[1:]
    assert fresh.codes(fresh.message(Step.NOTICE, stolen)) == ["PV-35"]


def test_pv105_a_false_complaint_is_kept_and_its_member_is_at_fault(fresh):
    people = fresh.participants()
    fresh.run(*(fresh.message(Step.NOTICE, p.notice().to_bytes()) for p in people.values()))
    opened, step = fresh.height, fresh.parameters.step_heights
    fresh.to(opened + step - 1)
    ceremony = fresh.replay(0, 0)
    deal = {m: people[m].dealing(ceremony) for m in (1, 2, 3)}
    whole = [fresh.message(Step.DEALING, deal[m].to_bytes()) for m in (1, 2, 3)]
    (*_, last) = receipts = fresh.run(*whole)
    assert [receipt.ok for receipt in receipts] == [True] * 3
    assert dict(last.events[0].data)["faults"] == ""
    # member 4 complains of dealing 1, which is right: it is to blame
    fresh.to(opened + 2 * step - 1)
    false = people[4].accuse(fresh.replay(0, 0), 1)
    (receipt,) = fresh.run(fresh.message(Step.COMPLAINT, false.to_bytes()))
    assert receipt.ok and "member 4" in dict(receipt.events[0].data)["faults"]
    fresh.to(opened + 3 * step - 1)
    epoch = committees.epoch_of(fresh.state, fresh.declaration.id, 0)
    assert epoch.record.faulty == (4,)
    assert {fault.kind for fault in epoch.faults} == {
        FaultKind.FALSE_COMPLAINT, FaultKind.NO_DEALING,
    }  # fmt: skip


def test_pv105_a_dealing_that_does_not_count_is_kept_for_its_dealers_fault(fresh):
    people = fresh.participants()
    fresh.run(*(fresh.message(Step.NOTICE, p.notice().to_bytes()) for p in people.values()))
    fresh.to(fresh.height + fresh.parameters.step_heights - 1)
    ceremony = fresh.replay(0, 0)
    right = people[1].dealing(ceremony)
    short = dataclasses.replace(right, hashes=right.hashes[:-1])
    signed = dealings.sign(short, ceremony.session, signer(1))
    (receipt,) = fresh.run(fresh.message(Step.DEALING, signed.to_bytes()))
    assert receipt.ok
    assert dict(receipt.events[0].data)["faults"] == f"member 1: {FaultKind.INVALID_DEALING.value}"
    unsigned = dataclasses.replace(people[2].dealing(ceremony), signature=bytes(64))
    assert fresh.codes(fresh.message(Step.DEALING, unsigned.to_bytes())) == ["PV-32"]


def test_pv106_more_than_t_silent_members_make_no_keys_and_may_try_again(fresh):
    people = fresh.participants()
    assert_ok(
        fresh.run(*(fresh.message(Step.NOTICE, people[m].notice().to_bytes()) for m in (1, 2)))
    )
    fresh.to(fresh.height + 3 * fresh.parameters.step_heights - 1)
    found = committee(fresh)
    assert (found.made, found.attempt, found.opened, found.words) == (0, 1, 0, 0)
    with pytest.raises(PrivateRefused) as caught:
        committees.epoch_of(fresh.state, fresh.declaration.id, 0)
    assert caught.value.rule == "PV-106"
    rests = fresh.height + fresh.parameters.step_heights
    assert found.opens() == rests
    again = fresh.participants()[1].notice().to_bytes()
    assert fresh.codes(fresh.message(Step.NOTICE, again)) == ["PV-105"]
    fresh.to(rests - 1)
    fresh.ceremony()
    found = committee(fresh)
    assert (found.made, found.attempt) == (1, 0)
    assert fresh.record.context.attempt == 1


def test_pv105_failures_make_the_next_attempt_wait_twice_as_long(fresh):
    step = fresh.parameters.step_heights
    for attempt in range(3):
        notice = fresh.participants()[1].notice().to_bytes()
        assert_ok(fresh.run(fresh.message(Step.NOTICE, notice)))
        fresh.to(fresh.height + 3 * step - 1)
        assert committee(fresh).opens() == fresh.height + (step << attempt)
        fresh.to(committee(fresh).opens() - 1)


def test_pv106_keys_serve_their_epoch_and_are_renewed_from_its_half_on(fresh):
    fresh.ceremony(silent=(3,))
    found = committee(fresh)
    epoch = committees.epoch_of(fresh.state, fresh.declaration.id, 0)
    assert epoch.record.faulty == (3,)
    assert (epoch.since, epoch.until) == (fresh.height + 1, fresh.height + 500)
    assert found.until == epoch.until and found.opens() == epoch.until - 250
    people = fresh.participants()
    early = fresh.message(Step.NOTICE, people[1].notice().to_bytes())
    assert fresh.codes(early) == ["PV-105"]
    fresh.to(found.opens() - 1)
    words = committees.words(fresh.state, fresh.declaration.id, 0, 0)
    assert len(words) == 6
    fresh.ceremony()
    assert committee(fresh).made == 2
    assert fresh.record.epoch == 1
    # what the first epoch's keys were made of stays for donors (PV-143) until the third has keys
    assert committees.words(fresh.state, fresh.declaration.id, 0, 0) == words
    assert committees.epoch_of(fresh.state, fresh.declaration.id, 0) == epoch


def test_pv106_a_ceremony_is_over_behind_its_last_block(fresh):
    people = fresh.participants()
    assert_ok(fresh.run(fresh.message(Step.NOTICE, people[1].notice().to_bytes())))
    late = fresh.message(Step.NOTICE, people[2].notice().to_bytes())
    opened, step = fresh.height, fresh.parameters.step_heights
    fresh.to(opened + step - 1)
    assert fresh.codes(late) == ["PV-35"]
    fresh.to(opened + 3 * step - 1)
    assert committee(fresh).attempt == 1
    assert fresh.codes(late) == ["PV-105"]
