"""Showing one payment: by either side, to somebody who believes nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from node.core.ids import NATIVE, Kind
from shielded import encryption
from shielded.disclosure import Disclosure, DisclosureRefused, create, verify
from shielded.encryption import NoteRefused, memo_from_text
from zk.errors import DecodeError, NonCanonical, WrongLength

CHAIN_ID = b"c" * 32


@pytest.fixture
def paid(alice, bob, chain, pay):
    """Alice pays Bob 12 for the rent, in the second action of a transaction."""
    payment = chain.action(
        [pay(alice.address(0, internal=True), 4), pay(bob.address(3), 12, "rent", alice.ovk)]
    )
    return chain.transaction(chain.action(), payment)


def test_sh57_both_sides_disclose_the_same(alice, bob, paid) -> None:
    by_sender = create(alice, CHAIN_ID, paid, 1, 1)
    assert create(alice.outgoing, CHAIN_ID, paid, 1, 1) == by_sender
    assert create(bob, CHAIN_ID, paid, 1, 1) == by_sender
    assert create(bob.incoming, CHAIN_ID, paid, 1, 1) == by_sender
    facts = verify(by_sender, CHAIN_ID, paid)
    assert (facts.kind, facts.quantity, facts.address) == (NATIVE, 12, bob.address(3))
    assert facts.memo == memo_from_text("rent")
    assert facts.commitment == paid.actions[1].commitments[1]


def test_sh57_change_can_be_disclosed_by_its_owner(alice, paid) -> None:
    facts = verify(create(alice, CHAIN_ID, paid, 1, 0), CHAIN_ID, paid)
    assert facts.quantity == 4
    assert facts.address == alice.address(0, internal=True)


def test_sh57_others_cannot_disclose(alice, bob, keys, paid) -> None:
    stranger = keys(9).full_viewing_key
    for key in (stranger, stranger.incoming, bob.outgoing, alice.incoming):
        with pytest.raises(NoteRefused) as caught:
            create(key, CHAIN_ID, paid, 1, 1)
        assert caught.value.rule == "SH-57"
    for action, slot in ((2, 0), (-1, 0), (1, 2), (1, -1)):
        with pytest.raises(DisclosureRefused, match="no such output"):
            create(alice, CHAIN_ID, paid, action, slot)


def test_sh57_text_round_trips_strictly(alice, paid) -> None:
    made = create(alice, CHAIN_ID, paid, 1, 1)
    data = json.loads(json.dumps(made.to_json()))
    assert Disclosure.from_json(data) == made
    assert repr(made) == "<Disclosure: hidden>"
    bad: list[tuple[type[Exception], dict[str, object]]] = [
        (DecodeError, {**data, "version": 3}),
        (DecodeError, {**data, "version": 1}),
        (DecodeError, {k: v for k, v in data.items() if k != "sender"}),
        (DecodeError, {**data, "sender": []}),
        (DecodeError, {**data, "sender": {}}),
        (DecodeError, {**data, "type": "other"}),
        (DecodeError, {**data, "note": "more"}),
        (DecodeError, {**data, "quantity": 2**64}),
        (DecodeError, {**data, "quantity": True}),
        (DecodeError, {**data, "slot": 2}),
        (WrongLength, {**data, "memo": "00"}),
        (WrongLength, {**data, "rseed": data["rseed"] + "00"}),
        (NonCanonical, {**data, "tx_id": data["tx_id"].upper().replace("0", "A")}),
        (DecodeError, {k: v for k, v in data.items() if k != "rseed"}),
    ]
    for error, wrong in bad:
        with pytest.raises(error):
            Disclosure.from_json(wrong)


def test_sh57_every_changed_fact_is_refused(alice, bob, paid) -> None:
    made = create(alice, CHAIN_ID, paid, 1, 1)
    assert verify(made, CHAIN_ID, paid).quantity == 12
    lies = [
        replace(made, quantity=13),
        replace(made, kind=Kind(0, 1)),
        replace(made, data=1),
        replace(made, rseed=b"r" * 32),
        replace(made, memo=memo_from_text("gift")),
        replace(made, address=bob.address(4)),
        replace(made, address=alice.address(0)),
        replace(made, address=replace(bob.address(3), pk_d=alice.address(0).pk_d)),
        replace(made, address=replace(bob.address(3), owner=7)),
        replace(made, address=replace(bob.address(3), diversifier=bob.address(4).diversifier)),
        replace(made, slot=0),
        replace(made, action=0),
        replace(made, action=7),
        replace(made, chain_id=b"d" * 32),
        replace(made, tx_id=b"t" * 32),
    ]
    for lie in lies:
        with pytest.raises(DisclosureRefused):
            verify(lie, CHAIN_ID, paid)
    with pytest.raises(DisclosureRefused, match="commitment on the chain"):
        verify(lies[0], CHAIN_ID, paid)


def test_sh57_a_disclosure_of_another_chain_or_transaction(alice, chain, paid) -> None:
    """Incident 35: the same actions elsewhere are another payment."""
    made = create(alice, CHAIN_ID, paid, 1, 1)
    with pytest.raises(DisclosureRefused, match="another chain"):
        verify(made, b"d" * 32, paid)
    with pytest.raises(DisclosureRefused, match="another chain"):
        verify(made, CHAIN_ID, replace(paid, tx_id=b"t" * 32))


def test_sh57_a_note_that_never_reached_its_address(alice, bob, chain, pay, paid) -> None:
    """The commitment is honest, the ciphertext is not: nothing was delivered or proved."""
    made = create(alice, CHAIN_ID, paid, 1, 1)
    action = paid.actions[1]
    dummy = encryption.encrypt_dummy(b"d" * 32)
    broken = replace(action, ciphertexts=(action.ciphertexts[0], dummy))
    with pytest.raises(DisclosureRefused) as caught:
        verify(made, CHAIN_ID, replace(paid, actions=(paid.actions[0], broken)))
    assert caught.value.rule == "SH-47"
    epk = replace(action.ciphertexts[1], epk=dummy.epk)
    moved = replace(action, ciphertexts=(action.ciphertexts[0], epk))
    with pytest.raises(DisclosureRefused):
        verify(made, CHAIN_ID, replace(paid, actions=(paid.actions[0], moved)))


def test_sh54_a_disclosed_quantity_that_wraps_is_refused(alice, paid) -> None:
    made = create(alice, CHAIN_ID, paid, 1, 1)
    with pytest.raises(DecodeError, match="outside"):
        replace(made, quantity=2**64 + 12)


def test_sh57_documents_of_version_1_are_still_read(alice, paid) -> None:
    """Written before there was a place for the sender's signature."""
    made = create(alice, CHAIN_ID, paid, 1, 1)
    old = {k: v for k, v in made.to_json().items() if k != "sender"} | {"version": 1}
    again = Disclosure.from_json(json.loads(json.dumps(old)))
    assert again.to_json() == old
    facts = verify(again, CHAIN_ID, paid)
    assert (facts.version, facts.sender, facts.quantity) == (1, None, 12)
    signed = {"audience": "", "challenge": "", "signature": "00" * 64}
    for sender in (None, signed):
        with pytest.raises(DecodeError):
            Disclosure.from_json({**old, "sender": sender})
