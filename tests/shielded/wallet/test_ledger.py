"""Books of a wallet: effects, running sums, and what is compared before they are shown."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from node.core.effects import Crossing
from node.core.ids import NATIVE, AccountId, EnvironmentId, Kind
from shielded import encryption, spec, wallet_json
from shielded.history import Direction
from shielded.ledger import LedgerMismatch, ledger
from shielded.notes import Note
from shielded.scan import ScannedAction
from shielded.viewing import View, completeness, view_of
from shielded.wallet import WalletState

GOLD = Kind(0, 12345)
ACCOUNT = AccountId(b"a" * 32)


def rows(state):
    return [(m.direction, m.effect, m.running, m.internal) for m in ledger(state).movements]


def crossing(amount: int, kind: Kind = NATIVE) -> Crossing:
    return Crossing(EnvironmentId.TRANSPARENT, ACCOUNT, kind, amount)


@pytest.fixture
def story(alice, bob, chain, pay):
    """Alice shields 20 (fee 1), pays Bob 12 and 2 in gold, takes 3 out; Bob sends 5 back."""
    wallet = WalletState(alice)
    first = chain.action([pay(alice.address(0), 19, "savings", alice.ovk), pay(alice.address(1), 9,
                          kind=GOLD)])  # fmt: skip
    chain.block(chain.transaction(first, fee=1, public_values=(crossing(-20), crossing(-9, GOLD))))
    wallet.scan(chain.blocks[-1])
    spend = wallet.select(NATIVE, 13)
    chain.pay(
        pay(bob.address(3), 12, "rent", alice.ovk),
        pay(alice.address(0, internal=True), 6),
        spend=spend,
        fee=1,
    )
    wallet.scan(chain.blocks[-1])
    chain.block(
        chain.transaction(
            chain.action([pay(alice.address(0, internal=True), 2)], wallet.select(NATIVE, 6)),
            fee=1,
            public_values=(crossing(3),),
        )
    )
    chain.pay(pay(alice.address(9), 5, "back", bob.ovk))
    wallet.scan_all(chain.blocks[2:])
    return wallet


def test_effects_and_running_balance_of_a_full_key(story) -> None:
    assert rows(story) == [
        ("received", 0, 0, True),
        ("received", 0, 0, True),
        ("deposited", 20, 20, False),
        ("deposited", 9, 9, False),
        ("fee", -1, 19, False),
        ("spent", 0, 19, True),
        ("sent", -12, 7, False),
        ("change", 0, 7, True),
        ("fee", -1, 6, False),
        ("spent", 0, 6, True),
        ("change", 0, 6, True),
        ("withdrawn", -3, 3, False),
        ("fee", -1, 2, False),
        ("received", 5, 7, False),
    ]
    books = ledger(story)
    assert books.view is View.FULL
    assert books.totals == {NATIVE: 7, GOLD: 9}
    assert books.totals[NATIVE] == story.balance(NATIVE).total
    fees = [m.fee for m in books.movements if m.fee is not None]
    assert fees == [1, 1, 1]
    sent = next(m for m in books.movements if m.direction == "sent")
    assert (sent.output, sent.address is not None, sent.memo.rstrip(b"\0")) == (0, True, b"rent")
    assert repr(sent) == "<Movement: sent at 2, hidden>"
    assert repr(books) == "<Ledger: full, height 4, hidden>"


def test_sh46_lesser_keys_have_no_balance(alice, chain, story) -> None:
    """Received 19, 9 gold and 5; sent 19 (to herself) and 12. Neither is a balance."""
    incoming, outgoing = WalletState(alice.incoming), WalletState(alice.outgoing)
    for wallet in (incoming, outgoing):
        wallet.scan_all(chain.blocks)
    assert rows(incoming) == [
        ("received", 19, 19, False),
        ("received", 9, 9, False),
        ("received", 5, 24, False),
    ]
    assert ledger(incoming).view.running == "received"
    books = ledger(outgoing)
    assert books.view.running == "sent"
    assert books.totals[NATIVE] == 31
    assert [m.effect for m in books.movements if m.direction == "sent"] == [19, 12]
    assert not any(m.effect for m in books.movements if m.direction != "sent")


def test_what_other_parties_moved_is_a_row_of_its_own(alice, chain, pay) -> None:
    """A swap: 10 given, 8 gold got; the other party's account paid for fee and gold."""
    chain.pay(pay(alice.address(0), 10))
    wallet = WalletState(alice)
    wallet.scan(chain.blocks[0])
    chain.block(
        chain.transaction(
            chain.action([pay(alice.address(1), 8, kind=GOLD)], wallet.notes),
            fee=4,
        )
    )
    wallet.scan(chain.blocks[1])
    assert rows(wallet)[1:] == [
        ("spent", 0, 10, True),
        ("received", 0, 0, True),
        ("fee", -4, 6, False),
        ("other", 8, 8, False),
        ("other", -6, 0, False),
    ]
    assert ledger(wallet).totals == {NATIVE: 0, GOLD: 8}


def test_sh63_books_that_do_not_add_up_are_refused(alice, story) -> None:
    """Whatever is changed in the stored history, nothing is shown."""
    stored = wallet_json.encode(story)

    def books(change):
        document = {**stored, "history": [dict(entry) for entry in stored["history"]]}
        change(document["history"])
        return ledger(wallet_json.decode(alice, document))

    def set_quantity(index):
        return lambda history: history[index].update(quantity=history[index]["quantity"] + 1)

    def compensate(history):
        history[0]["quantity"] += 1
        history[-1]["quantity"] -= 1

    assert books(lambda _history: None).totals == ledger(story).totals
    moved = [i for i, e in enumerate(story.history) if e.direction in {"received", "change"}]
    moved += [i for i, e in enumerate(story.history) if e.direction is Direction.SPENT]
    assert len(moved) == 7
    changes = [set_quantity(index) for index in moved]
    changes += [lambda history, i=index: history.pop(i) for index in moved]
    changes += [
        compensate,
        lambda history: history.append(history[-1]),
        lambda history: history.clear(),
        lambda history: history[-1].update(label="00" * 32),
        lambda history: history[-1].update(tx_id="11" * 32),
        lambda history: history.reverse(),
        lambda history: history.insert(0, history.pop(5)),
    ]
    for number, change in enumerate(changes):
        with pytest.raises(LedgerMismatch) as caught:
            books(change)
        assert caught.value.rule == "SH-63", number


def test_sh63_a_note_that_is_spent_and_not_spent(alice, story) -> None:
    """Each transaction adds up; the unspent notes do not."""
    stored = wallet_json.encode(story)
    notes = [{**note, "spent_height": None} for note in stored["notes"]]
    with pytest.raises(LedgerMismatch, match="sum to the balance"):
        ledger(wallet_json.decode(alice, {**stored, "notes": notes}))


def test_sh63_received_sums_are_compared_with_the_notes(alice, chain, story) -> None:
    wallet = WalletState(alice.incoming)
    wallet.scan_all(chain.blocks)
    stored = wallet_json.encode(wallet)
    first = {**stored["history"][0], "quantity": 20}
    wrong = wallet_json.decode(
        alice.incoming, {**stored, "history": [first, *stored["history"][1:]]}
    )
    with pytest.raises(LedgerMismatch, match="received"):
        ledger(wrong)


def test_random_books_always_end_at_the_balance(alice, bob, chain, pay) -> None:
    rng = random.Random(11)
    wallet = WalletState(alice)
    wallet.scan(chain.pay(pay(alice.address(0), 100), pay(alice.address(1), 50)))
    for _ in range(15):
        amount = rng.randrange(1, 30)
        if rng.random() < 0.6 and wallet.balance(NATIVE).spendable > 60:
            spend = wallet.select(NATIVE, amount + 1)
            change = sum(note.note.quantity for note in spend) - amount - 1
            ovk = alice.ovk if rng.random() < 0.7 else None  # some without the sender's copy
            chain.pay(
                pay(bob.address(0), amount, "", ovk),
                pay(alice.address(0, internal=True), change),
                spend=spend,
                fee=1,
            )
        else:
            chain.pay(pay(alice.address(rng.randrange(9)), amount))
        wallet.scan(chain.blocks[-1])
        books = ledger(wallet)
        assert books.totals[NATIVE] == wallet.balance(NATIVE).total
        assert books.movements[-1].running == books.totals[NATIVE]
    assert {m.direction for m in books.movements} >= {"sent", "other", "spent", "received"}


def test_sh64_a_scanned_wallet_speaks_for_its_blocks_only(alice, story) -> None:
    assert "to block 4 only" in completeness(0, 4)
    assert "up to 7 were not looked for" in completeness(7, 9)
    assert "from block 8 to block 9" in completeness(7, 9)
    assert completeness(7, 7).startswith("No block was scanned")
    assert [view_of(key) for key in (alice, alice.incoming, alice.outgoing)] == list(View)
    for view in View:
        text = " ".join(view.cannot_prove)
        for phrase in ("outside the chain", "for another key", "other wallets"):
            assert phrase in text, view
    assert "Spending is invisible" in View.INCOMING.cannot_prove[0]


def test_an_empty_wallet_has_empty_books(alice) -> None:
    for key in (alice, alice.incoming, alice.outgoing):
        books = ledger(WalletState(key))
        assert (books.movements, books.totals) == ((), {})


def test_sh63_a_note_that_no_movement_brought(alice, story) -> None:
    state = WalletState.restore(
        alice,
        0,
        story.tree,
        [replace(note) for note in story.notes],
        story.history[:-1],
        {},
        story.verified,
    )
    with pytest.raises(LedgerMismatch):
        ledger(state)


def test_sh64_a_note_handed_over_outside_the_chain_is_in_no_ledger(alice, chain) -> None:
    """zcash#3060, done: the commitment is Alice's, the ciphertext noise; she is told and spends it.

    That the statement of every report says so is all that a viewing key can do about it.
    """
    address = alice.address(0)
    nullifiers = (chain.fresh_fr(), chain.fresh_fr())
    note = Note(
        NATIVE,
        1000,
        0,
        address.diversifier,
        address.owner,
        spec.created_nonce(0, *nullifiers),
        chain.fresh(),
    )
    noise = (encryption.encrypt_dummy(chain.fresh()), encryption.encrypt_dummy(chain.fresh()))
    chain.block(
        chain.transaction(ScannedAction(nullifiers, (note.commitment, chain.fresh_fr()), noise))
    )
    spent = ScannedAction(
        (note.nullifier(alice.nk), chain.fresh_fr()), (chain.fresh_fr(), chain.fresh_fr()), noise
    )
    chain.block(chain.transaction(spent, fee=1))
    for key in (alice, alice.incoming, alice.outgoing):
        wallet = WalletState(key)
        wallet.scan_all(chain.blocks)
        assert ledger(wallet).movements == ()
        assert "outside the chain" in " ".join(view_of(key).cannot_prove)
