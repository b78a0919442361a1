"""Scanning, balances, selection, rewinding, storage."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace

import pytest

from node.core.effects import Crossing
from node.core.ids import NATIVE, AccountId, EnvironmentId, Kind
from shielded import wallet_json
from shielded.history import Direction
from shielded.scan import ScannedAction, ScannedBlock, ScannedTransaction
from shielded.selection import InsufficientFunds
from shielded.wallet import AnchorMismatch, Balance, NotNextBlock, WalletError, WalletState
from zk.errors import DecodeError, DigestMismatch, NonCanonical, WrongLength
from zk.field.params import FR

OTHER = Kind(0, 12345)


def directions(wallet: WalletState) -> list[tuple[str, int]]:
    return [(entry.direction.value, entry.quantity) for entry in wallet.history]


def a_story(alice, bob, chain, pay):
    """Alice receives 10 and 7, pays Bob 12 with a memo, gets 4 back; Bob pays 2 on."""
    a, b = WalletState(alice), WalletState(bob)
    blocks = [chain.pay(pay(alice.address(0), 10), pay(alice.address(5), 7, "seven"))]
    a.scan(blocks[-1])
    b.scan(blocks[-1])
    spend = a.select(NATIVE, 13)
    blocks.append(
        chain.pay(
            pay(bob.address(3), 12, "rent", alice.ovk),
            pay(alice.address(0, internal=True), 4),
            spend=spend,
            fee=1,
        )
    )
    a.scan(blocks[-1])
    b.scan(blocks[-1])
    blocks.append(
        chain.pay(
            pay(alice.address(9), 2, "back", bob.ovk),
            pay(bob.address(0, internal=True), 10),
            spend=b.select(NATIVE, 2),
        )
    )
    a.scan(blocks[-1])
    b.scan(blocks[-1])
    return a, b, blocks


def test_sh55_a_payment_from_both_sides(alice, bob, chain, pay) -> None:
    a, b, _ = a_story(alice, bob, chain, pay)
    assert a.balance(NATIVE) == Balance(spendable=6)
    assert b.balance(NATIVE) == Balance(spendable=10)
    assert directions(a) == [
        ("received", 10),
        ("received", 7),
        ("spent", 10),
        ("spent", 7),
        ("sent", 12),
        ("change", 4),
        ("fee", 1),
        ("received", 2),
    ]
    assert directions(b) == [("received", 12), ("spent", 12), ("sent", 2), ("change", 10)]
    sent = next(entry for entry in a.history if entry.direction is Direction.SENT)
    assert sent.address == bob.address(3)
    assert sent.memo.rstrip(b"\0") == b"rent"
    assert [note.address_index for note in a.notes] == [0, 5, 0, 9]
    assert [note.spent for note in a.notes] == [True, True, False, False]


def test_sh46_incoming_and_outgoing_wallets(alice, bob, chain, pay) -> None:
    """View-only: what came in, without change or spending; what went out, without receipts."""
    _, _, blocks = a_story(alice, bob, chain, pay)
    incoming, outgoing = WalletState(alice.incoming), WalletState(alice.outgoing)
    assert incoming.scan_all(blocks) == outgoing.scan_all(blocks) == 3
    assert directions(incoming) == [("received", 10), ("received", 7), ("received", 2)]
    assert not incoming.sees_spending
    assert not any(note.spent or note.nullifier for note in incoming.notes)
    assert directions(outgoing) == [("sent", 12)]
    assert outgoing.balances() == {}
    for wallet in (incoming, outgoing):
        with pytest.raises(WalletError, match="spent notes"):
            wallet.select(NATIVE, 1)


def test_sh55_a_note_is_counted_once(alice, chain, pay) -> None:
    """Incident 19, natively: a node that shows one action twice does not double a balance."""
    action = chain.action([pay(alice.address(0), 5)])
    chain.block(chain.transaction(action))
    chain.block(chain.transaction(action, action))
    for key in (alice, alice.incoming):
        wallet = WalletState(key)
        wallet.scan_all(chain.blocks)
        assert wallet.balance(NATIVE).total == 5
        assert len(wallet.notes) == 1


def test_sh55_a_note_is_spent_once(alice, chain, pay) -> None:
    """A node that shows two spends of one note does not halve a balance twice."""
    chain.pay(pay(alice.address(0), 5), pay(alice.address(0), 6))
    wallet = WalletState(alice)
    wallet.scan(chain.blocks[0])
    spend = wallet.notes[:1]
    chain.block(
        chain.transaction(chain.action((), spend)), chain.transaction(chain.action((), spend))
    )
    chain.pay(spend=spend)
    wallet.scan_all(chain.blocks[1:])
    assert directions(wallet)[2:] == [("spent", 5)]
    assert wallet.notes[0].spent_height == 2
    assert wallet.balance(NATIVE).total == 6


def test_sh52_faerie_gold(alice, chain, pay) -> None:
    """Incident 19: two notes equal in every field a sender chooses are both found and spendable."""
    actions = [chain.action([pay(alice.address(0), 5)]) for _ in range(2)]
    chain.block(chain.transaction(*actions))
    wallet = WalletState(alice)
    wallet.scan_all(chain.blocks)
    assert wallet.balance(NATIVE).spendable == 10
    assert len({note.nullifier for note in wallet.notes}) == 2
    chain.pay(spend=wallet.notes[:1])
    wallet.scan(chain.blocks[-1])
    assert wallet.balance(NATIVE).spendable == 5


def test_sh48_a_note_of_false_value_changes_no_balance(alice, chain, pay) -> None:
    """Incident 21: the ciphertext says a million, the commitment five."""
    start = chain.count
    five = chain.action([pay(alice.address(0), 5)])
    chain.count = start  # the same nullifiers and seeds again
    million = chain.action([pay(alice.address(0), 1_000_000)])
    assert five.nullifiers == million.nullifiers
    liar = replace(five, ciphertexts=(million.ciphertexts[0], five.ciphertexts[1]))
    chain.block(chain.transaction(liar))
    wallet = WalletState(alice)
    wallet.scan_all(chain.blocks)
    assert wallet.balances() == {}
    assert wallet.history == ()


def test_zero_quantities_are_no_notes_but_may_carry_words(alice, chain, pay) -> None:
    chain.pay(pay(alice.address(0), 0), pay(alice.address(0), 0, "hello"))
    wallet = WalletState(alice)
    wallet.scan_all(chain.blocks)
    assert wallet.notes == ()
    assert directions(wallet) == [("received", 0)]


def test_kinds_are_kept_apart(alice, chain, pay) -> None:
    chain.pay(pay(alice.address(0), 5), pay(alice.address(0), 8, kind=OTHER, data=3))
    wallet = WalletState(alice)
    wallet.scan_all(chain.blocks)
    assert wallet.balances() == {NATIVE: Balance(5), OTHER: Balance(8)}
    assert wallet.notes[1].note.data == 3
    with pytest.raises(InsufficientFunds):
        wallet.select(NATIVE, 6)


def test_public_values_of_own_transactions(alice, bob, chain, pay) -> None:
    """Shielding is a deposit, unshielding a withdrawal; of strangers' neither is shown."""
    account = AccountId(b"a" * 32)

    def crossing(amount: int) -> Crossing:
        return Crossing(EnvironmentId.TRANSPARENT, account, NATIVE, amount)

    shield = chain.action([pay(alice.address(0), 9, "", alice.ovk)])
    chain.block(
        chain.transaction(shield, fee=1, public_values=(crossing(-10),)),
        chain.transaction(chain.action(), fee=1, public_values=(crossing(3),)),
    )
    wallet, other = WalletState(alice), WalletState(bob)
    wallet.scan_all(chain.blocks)
    action = chain.action([pay(alice.address(0, internal=True), 2)], wallet.select(NATIVE, 9))
    chain.block(chain.transaction(action, fee=1, public_values=(crossing(6),)))
    wallet.scan(chain.blocks[-1])
    other.scan_all(chain.blocks)
    assert directions(wallet) == [
        ("received", 9),
        ("deposited", 10),
        ("fee", 1),
        ("spent", 9),
        ("change", 2),
        ("withdrawn", 6),
        ("fee", 1),
    ]
    assert {e.account for e in wallet.history if e.account} == {account}
    assert other.history == ()


def test_sh55_blocks_come_in_order(alice, chain) -> None:
    first, second = chain.block(), chain.block()
    wallet = WalletState(alice)
    with pytest.raises(NotNextBlock):
        wallet.scan(second)
    wallet.scan(first)
    with pytest.raises(NotNextBlock):
        wallet.scan(first)
    wallet.scan(second)
    assert wallet.height == 2


def test_sh55_a_lying_node_is_noticed_and_nothing_stays(alice, chain, pay) -> None:
    """Left-out, added or reordered outputs lead to another anchor."""
    chain.pay(pay(alice.address(0), 5))
    good = chain.block(
        chain.transaction(chain.action([pay(alice.address(0), 6)])),
        chain.transaction(chain.action([pay(alice.address(0), 7)])),
    )
    wallet = WalletState(alice)
    wallet.scan(chain.blocks[0])
    before = wallet_json.encode(wallet)
    lies = (
        replace(good, transactions=good.transactions[:1]),
        replace(good, transactions=good.transactions[::-1]),
        replace(good, transactions=(*good.transactions, chain.transaction(chain.action()))),
    )
    for lie in lies:
        with pytest.raises(AnchorMismatch):
            wallet.scan(lie)
        assert wallet_json.encode(wallet) == before
    wallet.scan(good)
    assert wallet.balance(NATIVE).spendable == 18


def test_sh55_a_long_scan_returns_to_the_last_verified_height(alice, chain, pay) -> None:
    for _ in range(70):
        chain.block()
    chain.pay(pay(alice.address(0), 5))
    wrong = replace(chain.pay(pay(alice.address(0), 6)), anchor=1)
    seen: list[tuple[int, int]] = []
    wallet = WalletState(alice)
    with pytest.raises(AnchorMismatch):
        wallet.scan_all([*chain.blocks[:-1], wrong], lambda *at: seen.append(at))
    assert wallet.height == 64
    assert wallet.notes == ()
    assert seen[-1] == (72, 4)
    assert wallet.scan_all(chain.blocks[64:]) == 8
    assert wallet.balance(NATIVE).spendable == 11


def test_sh55_an_interrupted_scan_is_verified_later(alice, chain, pay) -> None:
    """The connection breaks before an anchor was compared: nothing counts as verified."""
    for _ in range(5):
        chain.block()
    lie = replace(chain.pay(pay(alice.address(0), 5)), transactions=())
    chain.block()

    def broken():
        yield from [*chain.blocks[:5], lie]
        raise ConnectionError

    wallet = WalletState(alice)
    with pytest.raises(ConnectionError):
        wallet.scan_all(broken())
    assert (wallet.height, wallet.verified) == (6, 0)
    again = wallet_json.decode(alice, wallet_json.encode(wallet))
    for resumed in (wallet, again):
        with pytest.raises(AnchorMismatch):
            resumed.scan_all(chain.blocks[6:])
        assert resumed.height == 0
        resumed.scan_all(chain.blocks)
        assert (resumed.verified, resumed.balance(NATIVE).spendable) == (7, 5)


def test_sh55_rewinding_equals_never_having_scanned(alice, bob, chain, pay) -> None:
    _, _, blocks = a_story(alice, bob, chain, pay)
    for height in range(len(blocks) + 1):
        wallet, fresh = WalletState(alice), WalletState(alice)
        wallet.scan_all(blocks)
        wallet.rewind(height)
        fresh.scan_all(blocks[:height])
        assert wallet_json.encode(wallet) == wallet_json.encode(fresh)
        wallet.scan_all(blocks[height:])
        fresh.scan_all(blocks[height:])
        assert wallet_json.encode(wallet) == wallet_json.encode(fresh)


def test_sh55_another_branch_after_a_rewind(alice, bob, chain, new_chain, pay) -> None:
    """After a reorganisation the spent note is unspent, and spent otherwise on the new branch."""
    _, _, blocks = a_story(alice, bob, chain, pay)
    wallet = WalletState(alice)
    wallet.scan_all(blocks)
    wallet.rewind(1)
    assert wallet.balance(NATIVE).spendable == 17
    branch = new_chain("branch")
    branch.tree, branch.blocks = branch.tree.append(blocks[0].commitments), [blocks[0]]
    branch.pay(pay(bob.address(0), 7, "", alice.ovk), spend=wallet.select(NATIVE, 7))
    wallet.scan(branch.blocks[-1])
    assert wallet.balance(NATIVE).spendable == 10
    assert directions(wallet)[2:] == [("spent", 7), ("sent", 7)]


def test_sh55_a_hundred_blocks_back_and_no_further(alice, chain, pay) -> None:
    chain.pay(pay(alice.address(0), 5))
    wallet = WalletState(alice)
    wallet.scan(chain.blocks[0])
    chain.pay(spend=wallet.notes)
    for _ in range(199):
        chain.block()
    wallet.scan_all(chain.blocks[1:])
    assert wallet.notes[0].spent
    assert not wallet.tree.marks  # no way back to before it was spent
    with pytest.raises(DecodeError, match="no checkpoint"):
        wallet.rewind(1)
    wallet.rewind(101)
    assert wallet.height == 101


def test_birthday_starts_behind_the_tree(alice, chain, pay) -> None:
    for _ in range(5):
        chain.pay(pay(alice.address(0), 1))
    tree = chain.tree
    chain.pay(pay(alice.address(0), 5))
    wallet = WalletState(alice, birthday=5, tree=tree)
    wallet.scan(chain.blocks[-1])
    assert wallet.balance(NATIVE).spendable == 5
    assert wallet.notes[0].position == 10
    context = wallet.spend_context(wallet.notes)
    assert context.paths[0].root(wallet.notes[0].commitment) == chain.tree.root


def test_sh58_one_anchor_for_a_whole_transaction(alice, chain, pay) -> None:
    """S-24: notes of different blocks, one root; a younger note has no path under an older one."""
    for amount in (5, 6, 7):
        chain.pay(pay(alice.address(0), amount))
    wallet = WalletState(alice)
    wallet.scan_all(chain.blocks)
    context = wallet.spend_context(wallet.notes)
    assert (context.height, context.anchor) == (3, chain.tree.root)
    for note, path in zip(wallet.notes, context.paths, strict=True):
        assert path.root(note.commitment) == context.anchor
        assert path.top == context.paths[0].top
    older = wallet.spend_context(wallet.notes[:2], 2)
    assert older.anchor == chain.blocks[1].anchor
    with pytest.raises(DecodeError, match="no path"):
        wallet.spend_context(wallet.notes, 2)


def test_confirmations_and_locks(alice, chain, pay) -> None:
    chain.pay(pay(alice.address(0), 5))
    chain.pay(pay(alice.address(0), 6))
    wallet = WalletState(alice)
    wallet.scan_all(chain.blocks)
    assert wallet.balance(NATIVE, confirmations=2) == Balance(spendable=5, pending=6)
    with pytest.raises(InsufficientFunds):
        wallet.select(NATIVE, 6, confirmations=2)
    wallet.lock(wallet.select(NATIVE, 5), until=4)
    assert wallet.balance(NATIVE) == Balance(spendable=6, locked=5)
    with pytest.raises(InsufficientFunds):
        wallet.select(NATIVE, 7)
    wallet.scan(chain.block())
    assert wallet.balance(NATIVE).locked == 5
    wallet.scan(chain.block())  # block 4 was the last that could hold it
    assert wallet.balance(NATIVE) == Balance(spendable=11)
    wallet.lock(wallet.notes, until=9)
    wallet.unlock(wallet.notes[:1])
    assert wallet.balance(NATIVE) == Balance(spendable=5, locked=6)
    chain.pay(spend=wallet.notes[1:])
    wallet.scan(chain.blocks[-1])
    assert wallet.balance(NATIVE) == Balance(spendable=5)


def test_selection_takes_the_fewest_notes(alice, chain, pay) -> None:
    amounts = (5, 1, 8, 3, 2, 9, 4)
    for amount in amounts:
        chain.pay(pay(alice.address(0), amount))
    wallet = WalletState(alice)
    wallet.scan_all(chain.blocks)

    def chosen(amount: int, most: int = 2) -> list[int]:
        return [note.note.quantity for note in wallet.select(NATIVE, amount, most=most)]

    assert chosen(0) == []
    assert chosen(1) == [1]
    assert chosen(6) == [8]
    assert chosen(9) == [9]
    assert chosen(10) == [9, 1]
    assert chosen(17) == [9, 8]
    with pytest.raises(InsufficientFunds):
        chosen(18)
    assert chosen(18, most=3) == [9, 8, 1]
    assert sum(chosen(32, most=9)) == 32
    with pytest.raises(InsufficientFunds):
        chosen(33, most=9)


def test_the_books_balance(alice, bob, chain, pay) -> None:
    """A random history: balance = received + change − spent, and own transactions net to zero."""
    rng = random.Random(7)
    wallet = WalletState(alice)
    wallet.scan(chain.pay(pay(alice.address(0), 100), pay(alice.address(1), 50)))
    for _ in range(12):
        amount = rng.randrange(1, 30)
        if rng.random() < 0.5 and wallet.balance(NATIVE).spendable > 60:
            spend = wallet.select(NATIVE, amount + 1)
            change = sum(note.note.quantity for note in spend) - amount - 1
            chain.pay(
                pay(bob.address(0), amount, "", alice.ovk),
                pay(alice.address(0, internal=True), change),
                spend=spend,
                fee=1,
            )
        else:
            chain.pay(pay(alice.address(rng.randrange(9)), amount))
        wallet.scan(chain.blocks[-1])
    sums = Counter[Direction]()
    own = Counter[tuple[bytes, bool]]()
    spending = {e.tx_id for e in wallet.history if e.direction is Direction.SPENT}
    for entry in wallet.history:
        sums[entry.direction] += entry.quantity
        if entry.tx_id in spending:
            own[entry.tx_id, entry.direction is Direction.SPENT] += entry.quantity
    balance = sums[Direction.RECEIVED] + sums[Direction.CHANGE] - sums[Direction.SPENT]
    assert wallet.balance(NATIVE).total == balance
    assert spending
    for tx_id in spending:
        assert own[tx_id, True] == own[tx_id, False]


def test_sh56_state_round_trips_without_keys(alice, bob, chain, pay) -> None:
    a, _, _ = a_story(alice, bob, chain, pay)
    a.lock(a.notes[-1:], until=99)
    text = json.dumps(wallet_json.encode(a))
    again = wallet_json.decode(alice, json.loads(text))
    assert wallet_json.encode(again) == json.loads(text)
    assert again.balances() == a.balances()
    assert again.history == a.history
    assert again.notes == a.notes
    chain.pay(pay(alice.address(0), 1))
    for wallet in (a, again):
        wallet.scan(chain.blocks[-1])
    assert wallet_json.encode(again) == wallet_json.encode(a)
    hidden = (alice.ovk, alice.dk, alice.ivk, alice.ivk_int, alice.nk.to_bytes(32, "big"))
    for secret in (*hidden, alice.mpk.to_bytes(32, "big"), alice.ak.x.to_bytes(32, "big")):
        assert secret.hex() not in text
        assert secret[::-1].hex() not in text
    for key in (alice.incoming, alice.outgoing):
        wallet = WalletState(key)
        wallet.scan_all(chain.blocks)
        stored = wallet_json.encode(wallet)
        assert wallet_json.encode(wallet_json.decode(key, stored)) == stored


def test_sh56_the_state_of_another_key_is_refused(alice, bob, chain, pay) -> None:
    a, _, _ = a_story(alice, bob, chain, pay)
    stored = wallet_json.encode(a)
    for key in (bob, alice.incoming, alice.outgoing):
        with pytest.raises(DigestMismatch, match="another key"):
            wallet_json.decode(key, stored)


def test_sh56_a_changed_note_is_refused(alice, bob, chain, pay) -> None:
    """Whoever edits the file cannot give the owner money."""
    a, _, _ = a_story(alice, bob, chain, pay)
    stored = wallet_json.encode(a)

    def changed(**changes: object) -> dict[str, object]:
        *rest, last = stored["notes"]
        return {**stored, "notes": [*rest, {**last, **changes}]}

    assert wallet_json.decode(alice, changed()).balance(NATIVE).total == 6
    for wrong in (
        changed(quantity=2_000),
        changed(nullifier="00" * 32),
        changed(nullifier=None),
        changed(position=99),
        changed(quantity=2**64),
        changed(internal=1),
        changed(rseed="AB" * 32),
        changed(memo="00" * 513),
        {**stored, "version": 2},
        {**stored, "locks": [[99, 1]]},
        {**stored, "locks": [["0", 1]]},
        {**stored, "history": [{}]},
        {**stored, "tree": {}},
        [],
    ):
        with pytest.raises(DecodeError):
            wallet_json.decode(alice, wrong)


def test_sh56_a_changed_note_is_refused_without_a_nullifier_too(alice, chain, pay) -> None:
    chain.pay(pay(alice.address(0), 5))
    wallet = WalletState(alice.incoming)
    wallet.scan_all(chain.blocks)
    stored = wallet_json.encode(wallet)
    wrong = {**stored, "notes": [{**stored["notes"][0], "quantity": 2_000}]}
    with pytest.raises(DecodeError, match="not the one"):
        wallet_json.decode(alice.incoming, wrong)


def test_scanned_blocks_round_trip_and_decode_strictly(alice, chain, pay) -> None:
    crossing = Crossing(EnvironmentId.TRANSPARENT, AccountId(b"a" * 32), NATIVE, -7)
    action = chain.action([pay(alice.address(0), 5)])
    block = chain.block(chain.transaction(action, fee=2, public_values=(crossing,)))
    data = json.loads(json.dumps(block.to_json()))
    assert ScannedBlock.from_json(data) == block
    assert ScannedBlock.from_json({**data, "anchor": None}).anchor is None
    act = data["transactions"][0]["actions"][0]
    above = f"{FR.modulus:064x}"
    bad: list[tuple[type[Exception], object]] = [
        (NonCanonical, {**act, "nullifiers": [above, act["nullifiers"][1]]}),
        (NonCanonical, {**act, "commitments": [act["commitments"][0].upper()] * 2}),
        (WrongLength, {**act, "commitments": ["00"] * 2}),
        (WrongLength, {**act, "ciphertexts": [act["ciphertexts"][0] + "00"] * 2}),
        (DecodeError, {**act, "nullifiers": act["nullifiers"] * 2}),
        (DecodeError, {**act, "ciphertexts": [1, 2]}),
        (DecodeError, {}),
        (DecodeError, []),
    ]
    for error, wrong in bad:
        with pytest.raises(error):
            ScannedAction.from_json(wrong)
    tx = data["transactions"][0]
    for wrong in ({**tx, "fee": True}, {**tx, "tx_id": "00"}, {**tx, "public_values": [{}]}):
        with pytest.raises(DecodeError):
            ScannedTransaction.from_json(wrong)
    value = {**tx["public_values"][0], "target": 9}
    with pytest.raises(DecodeError, match="environment"):
        ScannedTransaction.from_json({**tx, "public_values": [value]})


def test_reprs_show_nothing(alice, bob, chain, pay) -> None:
    a, _, _ = a_story(alice, bob, chain, pay)
    assert repr(a) == "<WalletState: height 3>"
    assert repr(a.notes[0]) == "<OwnedNote: position 0, hidden>"
    assert repr(a.history[0]) == "<HistoryEntry: received at 1, hidden>"
