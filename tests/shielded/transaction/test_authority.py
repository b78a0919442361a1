"""Sender authority: α found again from the secret and the chain; disclosures signed under rk."""

from __future__ import annotations

import hashlib
import itertools
import json
from contextlib import suppress
from dataclasses import replace

import pytest

from node.core.ids import NATIVE
from shielded import authority, schnorr, spec
from shielded.authority import MAX_TEXT_BYTES, AuthorityRefused, NotTheSender, SenderAuthority
from shielded.build import build, build_part, prepare
from shielded.disclosure import Disclosure, DisclosureRefused, create, verify, with_authority
from shielded.encryption import NoteRefused, recover_outgoing
from shielded.keys import SpendingKey
from shielded.transaction import Mode
from zk.curve import babyjub
from zk.errors import DecodeError, WrongLength

CHALLENGE = "audit 2026-11, nonce 7c1f"


def keys_of(tx):
    return [action.rk for action in tx.actions]


def payment_of(kit, tx):
    """(action, slot) of the first output that Alice sent to somebody."""
    for index, action in enumerate(tx.actions):
        for slot, output in enumerate(action.outputs):
            if recover_outgoing(kit.alice.ovk, output):
                return index, slot
    raise AssertionError


def disclosed(kit, tx, key=None, at=None):
    action, slot = payment_of(kit, tx) if at is None else at
    viewing = (key or kit.alice).full_viewing_key
    return create(viewing, kit.chain_id, tx.scanned, action, slot)


def signed(kit, tx, key=None, at=None, **texts):
    made = disclosed(kit, tx, key, at)
    return with_authority(made, key or kit.alice, tx.scanned, keys_of(tx), **texts)


def checked(kit, made, tx, **asked):
    return verify(made, kit.chain_id, tx.scanned, keys_of(tx), **asked)


def refused(rule: str, make) -> None:
    with pytest.raises((AuthorityRefused, DisclosureRefused, NotTheSender)) as caught:
        make()
    assert caught.value.rule == rule, caught.value


# --- SH-61: α -------------------------------------------------------------------------------------


def test_sh61_alpha_is_the_hash_that_the_specification_says(kit) -> None:
    """Written out again, with nothing of `spec`."""

    def h(tag: bytes, *parts: bytes) -> int:
        hasher = hashlib.blake2b()
        for part in (b"chiaro/v1/" + tag, *parts):
            hasher.update(len(part).to_bytes(8, "little") + part)
        return int.from_bytes(hasher.digest(), "little")

    (item,) = prepare(kit.plan(), kit.alice)
    values = (*item.public.nullifiers, *item.public.commitments)
    alpha_key = h(b"key/alpha", kit.alice.sk).to_bytes(64, "little")[:32]
    alpha = h(b"alpha", alpha_key, *(v.to_bytes(32, "little") for v in values))
    assert item.witness.alpha == alpha % (babyjub.ORDER - 1) + 1
    assert kit.alice.alpha_key == alpha_key


@pytest.mark.parametrize("name", ["transfer", "shield", "two_actions"])
def test_sh61_a_restored_wallet_finds_every_alpha_from_the_chain(kit, name) -> None:
    """Only the words and the transaction's bytes; no plan, no seed, no database."""
    tx = kit.env.decode(getattr(kit, name).to_bytes())
    restored = SpendingKey(kit.alice.sk)
    for action in tx.actions:
        secret = authority.spend_secret(restored, action.scanned, action.rk)
        assert babyjub.multiply(secret, babyjub.B8) == action.rk


def test_sh61_an_action_of_dummies_is_found_too(kit) -> None:
    """Nothing of its outputs can be opened by anybody: no copy, no change."""
    plan = kit.plan(spends=tuple(map(kit.spend, range(3))), payments=(), mode=Mode.PARTY)
    part = build_part(plan, kit.alice, kit.prove)
    assert len(part.party.actions) == 2
    for action in part.party.actions:
        authority.spend_secret(kit.alice, action.scanned, action.rk)


def test_sh61_the_alpha_of_others_is_not_found(kit) -> None:
    for action in kit.transfer.actions:
        refused("SH-61", lambda a=action: authority.spend_secret(kit.bob, a.scanned, a.rk))
    first, second = kit.two_actions.actions
    refused("SH-61", lambda: authority.spend_secret(kit.alice, first.scanned, second.rk))


def test_sh61_every_nullifier_and_commitment_counts(kit) -> None:
    alpha_key = kit.alice.alpha_key
    values = {
        spec.spend_randomizer(key, (a, b), (c, d))
        for key in (alpha_key, bytes(32))
        for a, b, c, d in (
            (1, 2, 3, 4),
            (2, 1, 3, 4),
            (1, 2, 4, 3),
            (0, 2, 3, 4),
            (1, 0, 3, 4),
            (1, 2, 0, 4),
            (1, 2, 3, 0),
            (3, 4, 1, 2),
        )
    }
    assert len(values) == 16
    assert all(1 <= value < babyjub.ORDER for value in values)


def test_sh61_a_changed_plan_has_another_alpha_even_under_the_old_seed(kit) -> None:
    """S-13: the same notes spent, so the same nullifiers; all else differs."""
    plan = kit.plan(spends=(kit.spend(0), kit.spend(1)), payments=(), fee=150)
    items = [
        prepare(changed, kit.alice)[0]
        for changed in (
            plan,
            replace(plan, expiry=kit.Height(21)),
            replace(plan, mode=Mode.PARTY),
            plan.revised(bytes(32)),
        )
    ]
    assert len({frozenset(item.public.nullifiers) for item in items}) == 1
    assert len({item.witness.alpha for item in items}) == 4
    assert len({item.public.rk for item in items}) == 4


def test_sh61_no_viewing_key_holds_the_alpha_key(kit) -> None:
    """Whoever has it links rk to ak; a full viewing key need not."""
    full = kit.alice.full_viewing_key
    assert kit.alice.alpha_key not in full.to_bytes()
    assert kit.alice.alpha_key not in {full.ivk, full.ivk_int, full.ovk, full.dk}
    assert "secret" in repr(kit.alice)


# --- SH-62: signatures ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["transfer", "shield", "two_actions"])
def test_sender_authority_is_proved_to_whoever_asks(kit, name) -> None:
    tx = getattr(kit, name)
    made = signed(kit, tx, audience="the auditor", challenge=CHALLENGE)
    again = Disclosure.from_json(json.loads(json.dumps(made.to_json())))
    assert again == made
    facts = checked(kit, again, tx, audience="the auditor", challenge=CHALLENGE)
    assert facts.sender == made.sender
    assert facts.kind == NATIVE or name == "two_actions"
    assert checked(kit, again, tx).sender == made.sender
    assert signed(kit, tx, audience="the auditor", challenge=CHALLENGE) == made
    assert "hidden" in repr(made.claim)


def test_sh62_a_document_without_a_signature(kit) -> None:
    made = disclosed(kit, kit.transfer)
    assert checked(kit, made, kit.transfer).sender is None
    for asked in ({"require_sender": True}, {"challenge": CHALLENGE}, {"audience": ""}):
        refused("SH-62", lambda asked=asked: checked(kit, made, kit.transfer, **asked))
    old = replace(made, version=1)
    refused("SH-62", lambda: checked(kit, old, kit.transfer, require_sender=True))


def test_sh62_another_challenge_or_audience(kit) -> None:
    made = signed(kit, kit.transfer, audience="Ann", challenge=CHALLENGE)
    for asked in (
        {"challenge": CHALLENGE + "."},
        {"challenge": ""},
        {"audience": "Bert"},
        {"audience": "Ann", "challenge": "Ann"},
    ):
        refused("SH-62", lambda asked=asked: checked(kit, made, kit.transfer, **asked))
    for sender in (
        replace(made.sender, challenge="another"),
        replace(made.sender, audience="Bert"),
        replace(made.sender, audience=made.sender.challenge, challenge=made.sender.audience),
    ):
        forged = replace(made, sender=sender)
        refused("SH-62", lambda forged=forged: checked(kit, forged, kit.transfer))


def test_sh62_texts_that_look_the_same_are_the_same(kit) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    made = signed(kit, kit.transfer, challenge=decomposed)
    assert made.sender.challenge == composed
    for text in (composed, decomposed):
        assert checked(kit, made, kit.transfer, challenge=text).sender
    with pytest.raises(DecodeError, match="normal form"):
        SenderAuthority("", decomposed, bytes(64))


def test_sh62_a_signature_moved_to_another_output(kit) -> None:
    """Every output of both actions, each with the signature of another."""
    tx = kit.two_actions
    documents = []
    for at in itertools.product(range(2), range(2)):
        with suppress(NoteRefused):  # a dummy's slot
            documents.append(signed(kit, tx, at=at))
    assert len(documents) == 3
    for one in documents:
        assert checked(kit, one, tx).sender
        for other in documents:
            if one is not other:
                moved = replace(one, sender=other.sender)
                refused("SH-62", lambda moved=moved: checked(kit, moved, tx))


def test_sh62_a_signature_moved_to_another_transaction_or_chain(kit) -> None:
    made = signed(kit, kit.transfer)
    other = build(kit.plan().revised(bytes(32)), kit.alice, kit.prove)
    moved = replace(disclosed(kit, other), sender=made.sender)
    refused("SH-62", lambda: checked(kit, moved, other))
    elsewhere = b"\x33" * 32
    copy = replace(made, chain_id=elsewhere)
    keys = keys_of(kit.transfer)
    refused("SH-62", lambda: verify(copy, elsewhere, kit.transfer.scanned, keys))
    refused("SH-57", lambda: verify(made, elsewhere, kit.transfer.scanned, keys))
    renamed = replace(kit.transfer.scanned, tx_id=elsewhere)
    refused("SH-62", lambda: verify(replace(made, tx_id=elsewhere), kit.chain_id, renamed, keys))


def test_sh62_every_signed_field_counts(kit) -> None:
    claim = signed(kit, kit.transfer).claim
    other = kit.bob.full_viewing_key.address(7)
    variants = [
        replace(claim, **change)
        for change in (
            {"chain_id": bytes(32)},
            {"tx_id": bytes(32)},
            {"action": claim.action + 1},
            {"slot": 1 - claim.slot},
            {"kind": kit.gold},
            {"quantity": claim.quantity + 1},
            {"data": 1},
            {"address": other},
            {"memo": bytes(512)},
            {"rseed": bytes(32)},
        )
    ]
    digests = {item.digest("a", "b") for item in (claim, *variants)}
    digests |= {claim.digest(*texts) for texts in (("", "ab"), ("ab", ""), ("b", "a"))}
    assert len(digests) == len(variants) + 4


def test_sh62_a_receiver_cannot_claim_to_have_sent(kit) -> None:
    """Bob opens his payment, and signs with every key that he has."""
    tx = kit.transfer
    made = disclosed(kit, tx, kit.bob, payment_of(kit, tx))
    assert checked(kit, made, tx).quantity == 90
    refused("SH-61", lambda: with_authority(made, kit.bob, tx.scanned, keys_of(tx)))
    scanned = tx.actions[made.action].scanned
    alpha = spec.spend_randomizer(kit.bob.alpha_key, scanned.nullifiers, scanned.commitments)
    for secret in (kit.bob.ask, kit.bob.ask + alpha, alpha, 1):
        signature = schnorr.sign(secret, made.claim.digest("", ""), seed=bytes(32))
        forged = replace(made, sender=SenderAuthority("", "", signature))
        refused("SH-62", lambda forged=forged: checked(kit, forged, tx))
    auth = tx.actions[made.action].auth  # what the chain itself shows of the sender
    replayed = replace(made, sender=SenderAuthority("", "", auth))
    refused("SH-62", lambda: checked(kit, replayed, tx))


def test_sh62_one_party_cannot_claim_the_action_of_another(kit) -> None:
    """A swap: each signs for its own action, and only for that."""
    alice = kit.plan(
        seed=b"\1" * 32,
        spends=(kit.spend(0),),
        payments=(kit.pay(kit.alice, 80, kit.gold),),
        mode=Mode.PARTY,
    )
    bob = kit.plan(
        seed=b"\2" * 32,
        spends=(kit.spend(4),),
        payments=(kit.pay(kit.bob, 97),),
        fee=3,
        mode=Mode.PARTY,
    )
    tx = build(bob, kit.bob, kit.prove, others=(build_part(alice, kit.alice, kit.prove),))
    keys = keys_of(tx)
    for key, own, other in ((kit.alice, 0, 1), (kit.bob, 1, 0)):
        authority.spend_secret(key, tx.actions[own].scanned, keys[own])
        refused(
            "SH-61",
            lambda key=key, o=other: authority.spend_secret(key, tx.actions[o].scanned, keys[o]),
        )


def test_sh62_a_signature_under_another_rk(kit) -> None:
    tx = kit.two_actions
    made = signed(kit, tx)
    swapped = keys_of(tx)[::-1]
    refused("SH-62", lambda: verify(made, kit.chain_id, tx.scanned, swapped))
    for keys in ((), keys_of(tx)[:1]):
        refused("SH-62", lambda keys=keys: verify(made, kit.chain_id, tx.scanned, keys))


def test_sh62_a_false_payment_is_refused_before_its_signature(kit) -> None:
    made = signed(kit, kit.transfer)
    refused("SH-57", lambda: checked(kit, replace(made, quantity=91), kit.transfer))


def test_sh62_malformed_parts(kit) -> None:
    made = signed(kit, kit.transfer, audience="Ann")
    good = bytes(made.sender.signature)
    for wrong in (bytes(64), good[:32] + b"\xff" * 32, b"\xff" * 32 + good[32:], good[::-1]):
        forged = replace(made, sender=SenderAuthority("Ann", "", wrong))
        refused("SH-62", lambda forged=forged: checked(kit, forged, kit.transfer))
    for size in (0, 63, 65):
        with pytest.raises(WrongLength):
            SenderAuthority("", "", bytes(size))
    long = "x" * (MAX_TEXT_BYTES + 1)
    for text in (long, "é" * 129, "line\nbreak", "\x1b[31m", "\u202e", "\ud800"):
        with pytest.raises(DecodeError):
            SenderAuthority(text, "", bytes(64))
        with pytest.raises(DecodeError):
            signed(kit, kit.transfer, challenge=text)
        with pytest.raises(DecodeError):
            checked(kit, made, kit.transfer, challenge=text)
    for version in (0, 1, 3):
        with pytest.raises(DecodeError, match="version"):
            replace(made, version=version)
    document = made.to_json()
    for sender in (
        {**document["sender"], "more": 1},
        {**document["sender"], "signature": good.hex().upper()},
        {**document["sender"], "signature": good.hex()[2:]},
        {**document["sender"], "audience": None},
        {k: v for k, v in document["sender"].items() if k != "challenge"},
        good.hex(),
    ):
        with pytest.raises(DecodeError):
            Disclosure.from_json({**document, "sender": sender})
