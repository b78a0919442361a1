"""Deposits: in from accounts and notes, into cells, to other keys, out to notes and accounts."""

from __future__ import annotations

import dataclasses

import pytest

from node.core.errors import InvalidTransaction
from node.core.ids import NATIVE, AccountId, EnvironmentId, Kind, tagged_hash
from node.execution import turnstile
from node.private import claims, committees, complaints, deposits
from node.private import state as entries
from node.private.errors import PrivateRefused
from node.private.gifts import DepositTx
from node.private.messages import ComplaintTx, RemaskTx
from node.private.paid import PlaceTx, sign_taking
from node.private.rounds import read_input
from node.private.state import Status
from node.testing.ledger import FAUCET
from node.testing.private import Held, PrivateChain, assert_ok, change_of, signer, wrong_input
from private_exec.committee import inputs, remask
from private_exec.committee.acceptance import Accepted
from private_exec.committee.cells import cell_id
from private_exec.committee.remask import Change
from private_exec.pedersen import Opening
from shielded.private_owner import PrivateOwner

ALICE = signer(7)


def owner(chain: PrivateChain, number: int) -> PrivateOwner:
    return PrivateOwner(tagged_hash("owner", bytes([number])), chain.declaration.id)


def status(chain: PrivateChain, held: Held) -> Status:
    return deposits.deposit_of(chain.state, held.input.id).status


def dark(chain: PrivateChain) -> int:
    held = chain.held()
    return held.get(EnvironmentId.SHIELDED, 0) + held.get(EnvironmentId.PRIVATE, 0)


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("shown", [True, False])
def test_pv124_a_deposit_leaves_once_wherever_it_came_from(chain, hidden, accepted, shown):
    number = 1 + hidden + 2 * accepted + 4 * shown
    make = chain.stored if hidden else chain.placed
    tx, held = make(50_000, owner(chain, number))
    assert_ok(chain.run(tx))
    assert chain.codes(tx) == ["PV-113" if hidden else "PV-122"]
    if accepted:
        assert_ok(chain.run(chain.welcome([held])))
        assert chain.cell(cell_id(held.input.id, 0)).epoch == 0
        assert status(chain, held) is Status.ACCEPTED
    before, notes, account = dark(chain), chain.purse.holdings, chain.balance(ALICE.account)
    if shown:
        first, again = (chain.withdrawal(held, ALICE.account) for _ in range(2))
    else:
        first, again = (chain.reclaim(held) for _ in range(2))
    assert chain.codes(first, again) == ["ok", "PV-124"]
    assert status(chain, held) is Status.CLAIMED
    assert chain.state.get(b"p/x/" + cell_id(held.input.id, 0)) is None
    assert deposits.of_cell(chain.state, cell_id(held.input.id, 0)) is None
    if shown:
        assert chain.balance(ALICE.account) == account + 50_000
        assert dark(chain) == before - 50_000
    else:
        assert chain.purse.holdings == notes + 50_000 - 1000
    assert all(row.adds_up for row in turnstile.supply(chain.state))


def test_pv122_a_deposit_is_of_one_value_for_its_committee_and_kind(chain):
    tx, held = chain.stored(40_000, owner(chain, 20))
    record, mine, values = chain.record, held.owner.public, (held.opening,)
    good = deposits.reference_of(chain.declaration.id, NATIVE)

    def refused(reference, given=values, public=mine) -> str:
        made = inputs.make(record, reference, public, given, b"\x01" * 32)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the rule is compared
            deposits.check_input(made.to_bytes(), NATIVE)
        return caught.value.rule

    two = (held.opening, Opening(1, 2))
    assert refused(good, two) == "PV-122"
    assert refused(b"\x01" * 32) == "PV-122"
    assert refused(deposits.reference_of(chain.declaration.id, Kind(0, 5))) == "PV-122"
    assert refused(good, public=b"\x01" + bytes(31)) == "TR-3"
    last = committees.epoch_of(chain.state, chain.declaration.id, 0).until
    assert deposits.deposit(tx, chain.state, last).parts
    with pytest.raises(PrivateRefused) as caught:
        deposits.deposit(tx, chain.state, last + 1)
    assert caught.value.rule == "PV-122"
    assert chain.codes(dataclasses.replace(tx, cv=b"\x01" * 32)) == ["PV-111"]
    assert chain.codes(tx) == ["ok"]
    with pytest.raises(PrivateRefused) as caught:
        deposits.deposit_of(chain.state, b"\x01" * 32)
    assert caught.value.rule == "PV-122"
    assert [key for key, _ in deposits.waiting(chain.state, chain.declaration.id)].count(
        held.input.id
    ) == 1


def test_pv122_an_input_is_sealed_by_who_knows_its_key_to_keys_that_there_are(chain):
    """P2-1: who takes another's E would have members open what was sealed to them."""
    tx, held = chain.placed(8000, owner(chain, 33))
    other, _ = chain.placed(8000, owner(chain, 34))
    copied = dataclasses.replace(held.input, sealed=read_input(other.input).sealed)
    short = dataclasses.replace(held.input, values=(held.input.values[0][:1],))
    for made, rule in ((copied, "PV-33"), (short, "PV-40")):
        bad = sign_taking(dataclasses.replace(tx, input=made.to_bytes()), FAUCET)
        assert chain.codes(bad) == [rule]
    assert chain.codes(tx) == ["ok"]


def test_pv122_a_hidden_commitment_is_used_once(chain):
    tx, held = chain.stored(41_000, owner(chain, 21))
    assert_ok(chain.run(tx))
    other = inputs.make(
        chain.record, held.input.reference, held.owner.public, (held.opening,), b"\x09" * 32
    )
    again = DepositTx(tx.chain_id, tx.cv, other.to_bytes(), tx.linked, tx.carried)
    with pytest.raises(PrivateRefused) as caught:
        deposits.deposit(again, chain.state, chain.height + 1)
    assert caught.value.rule == "PV-113"


def test_pv123_an_amount_that_everybody_sees_is_the_one_that_is_shared(chain):
    tx, held = chain.placed(7000, owner(chain, 22))
    before = chain.balance(FAUCET.account)
    for changes in ({"amount": 7001}, {"amount": 0}, {"kind": Kind(3, 0)}):
        bad = sign_taking(dataclasses.replace(tx, **changes), FAUCET)
        assert chain.codes(bad) == ["PV-123"]
    blinded = inputs.make(
        chain.record, held.input.reference, held.owner.public, (Opening(7000, 5),), b"\x02" * 32
    )
    bad = sign_taking(PlaceTx(chain.head(), NATIVE, 7000, blinded.to_bytes()), FAUCET)
    assert chain.codes(bad) == ["PV-123"]
    assert chain.codes(dataclasses.replace(tx, authorization=bytes(64))) == ["TR-10"]
    assert chain.balance(FAUCET.account) == before
    twin, _ = chain.placed(7000, owner(chain, 22), salt=1)
    assert chain.codes(tx, twin) == ["ok", "ok"]
    assert chain.balance(FAUCET.account) == before - 2 * 8000


def test_pv125_a_withdrawal_opens_the_commitment_by_its_owners_will(chain):
    tx, held = chain.stored(60_000, owner(chain, 23))
    assert_ok(chain.run(tx))
    right = chain.withdrawal(held, ALICE.account)
    more = Opening(held.opening.value + 1, held.opening.blinding)
    assert chain.codes(chain.withdrawal(held, ALICE.account, opened=more)) == ["PV-125"]
    none = chain.withdrawal(held, ALICE.account, opened=Opening(0, held.opening.blinding))
    assert chain.codes(none) == ["PV-125"]
    with pytest.raises(PrivateRefused, match="nothing would leave") as caught:
        claims.check_withdrawal(none)
    assert caught.value.rule == "PV-125"
    nobody = chain.withdrawal(held, AccountId(b"\x01" + bytes(31)))
    with pytest.raises(InvalidTransaction) as caught:
        claims.check_withdrawal(nobody)
    assert caught.value.rule == "TR-3"
    stolen = dataclasses.replace(right, authorization=signer(1).sign(right.digest))
    assert chain.codes(stolen) == ["PV-125"]
    turned = dataclasses.replace(right, account=signer(1).account)
    signed = dataclasses.replace(turned, signature=FAUCET.sign(turned.consent))
    assert chain.codes(turned, signed) == ["PV-103", "PV-125"]
    assert chain.codes(right) == ["ok"]


def test_pv125_a_donation_that_goes_back_may_leave_in_the_clear(chain):
    identity = chain.open_round()
    given = chain.donate(identity, 0, 200, 5)
    held = Held(given.input, given.openings.amount, given.owner)
    early = chain.withdrawal(held, ALICE.account)
    assert chain.codes(early) == ["PV-118"]
    chain.to(entries.round_of(chain.state, identity).terms.accept)
    before = chain.balance(ALICE.account)
    assert chain.codes(chain.withdrawal(held, ALICE.account)) == ["ok"]
    assert chain.balance(ALICE.account) == before + 40_000
    assert chain.codes(chain.claim(given)) == ["PV-118"]
    gone = [key for key, _ in entries.forget_input(given.input.id)]
    assert [chain.state.get(key) for key in gone] == [None] * 3


def test_pv114_a_false_complaint_about_a_deposit_changes_nothing(chain):
    tx, held = chain.stored(30_000, owner(chain, 24))
    assert_ok(chain.run(tx))
    accused = inputs.accuse(held.input, chain.secrets[2], signer(2), b"\x03" * 32)
    (receipt,) = chain.run(ComplaintTx(held.input.id, accused.to_bytes()))
    assert receipt.ok and dict(receipt.events[0].data)["verdict"] == "false_accuser"
    assert complaints.pending(chain.state, held.input.id, chain.height).status is Status.PENDING
    assert_ok(chain.run(chain.welcome([held])))
    assert chain.codes(ComplaintTx(held.input.id, accused.to_bytes())) == ["PV-114"]


def test_pv114_a_deposit_that_gave_a_member_no_share_is_refused_and_leaves(chain):
    mine, opening = owner(chain, 32), Opening(9000, 0)
    reference = deposits.reference_of(chain.declaration.id, NATIVE)
    made = wrong_input(chain.record, reference, mine.public, (opening,), 2)
    tx = sign_taking(PlaceTx(chain.head(), NATIVE, 9000, made.to_bytes()), FAUCET)
    assert_ok(chain.run(tx))
    held = Held(made, opening, mine)
    accused = inputs.accuse(made, chain.secrets[2], signer(2), b"\x03" * 32)
    (receipt,) = chain.run(ComplaintTx(made.id, accused.to_bytes()))
    assert receipt.ok and dict(receipt.events[0].data)["verdict"] == "guilty_sender"
    assert status(chain, held) is Status.REFUSED
    waiting = {key for key, _ in deposits.waiting(chain.state, chain.declaration.id)}
    assert made.id not in waiting
    row = Accepted(cell_id(made.id, 0), 1, 1)
    assert chain.codes(chain.certified(chain.declaration.id, [row])) == ["PV-44"]
    before = chain.balance(ALICE.account)
    assert chain.codes(chain.withdrawal(held, ALICE.account)) == ["ok"]
    assert chain.balance(ALICE.account) == before + 9000


def test_pv115_deposits_are_accepted_by_their_committee(chain):
    tx, held = chain.stored(31_000, owner(chain, 25))
    assert_ok(chain.run(tx))
    identity = chain.open_round()
    rows = chain.rows([held.input])
    assert chain.codes(chain.certified(identity, rows)) == ["PV-44"]
    assert chain.codes(chain.certified(chain.declaration.id, rows, (1, 2))) == ["PV-43"]
    given = chain.donate(identity, 0, 50, 6)
    mixed = chain.certified(chain.declaration.id, chain.accepted([given]))
    assert chain.codes(mixed) == ["PV-44"]
    right = chain.certified(chain.declaration.id, rows)
    assert chain.codes(right, right) == ["ok", "PV-44"]


def test_pv115_an_owner_who_leaves_takes_nothing_from_the_others(chain):
    (one, leaving), (two, staying) = (
        chain.stored(amount, owner(chain, number))
        for amount, number in ((31_500, 30), (32_500, 31))
    )
    assert_ok(chain.run(one, two))
    gone, welcome = chain.withdrawal(leaving, ALICE.account), chain.welcome([leaving, staying])
    assert chain.codes(gone, welcome) == ["ok", "ok"]
    assert [status(chain, held) for held in (leaving, staying)] == [
        Status.CLAIMED, Status.ACCEPTED,
    ]  # fmt: skip
    assert chain.state.get(entries.cell_key(cell_id(leaving.input.id, 0))) is None
    assert chain.cell(cell_id(staying.input.id, 0)).epoch == 0


def test_pv115_another_committee_accepts_nothing_that_is_not_its_own():
    """Anybody can declare one, of members of his own."""
    chain = PrivateChain()
    chain.start(notes=2)
    tx, held = chain.stored(50_000, owner(chain, 1))
    assert_ok(chain.run(tx))
    rows, right = chain.rows([held.input]), chain.welcome([held])
    chain.declaration = dataclasses.replace(chain.declaration, purpose=b"\x05" * 32)
    assert_ok(chain.run(chain.declare()))
    chain.ceremony()
    foreign = chain.certified(chain.declaration.id, rows)
    assert chain.codes(foreign, right) == ["PV-44", "ok"]


def test_pv126_cells_go_to_the_next_epochs_keys_and_hold_what_they_held():
    chain = PrivateChain()
    chain.start(notes=2)
    tx, held = chain.stored(70_000, owner(chain, 1))
    assert_ok(chain.run(tx))
    assert_ok(chain.run(chain.welcome([held])))
    cell = chain.cell(cell_id(held.input.id, 0))
    old, keys = chain.record, chain.secrets
    committee = chain.declaration.id
    late, waits = chain.placed(9000, owner(chain, 2))
    assert_ok(chain.run(late))
    nothing = RemaskTx(committee, 0, bytes(1))
    assert chain.codes(nothing) == ["PV-46"]
    chain.to(committees.committee_of(chain.state, committee).opens() - 1)
    chain.ceremony()
    new = chain.record
    foreign = chain.certified(committee, [Accepted(cell_id(waits.input.id, 0), 1, 1)])
    assert chain.codes(foreign) == ["PV-44"], "it waits for members with other keys"
    change = change_of(keys, chain.secrets, cell)

    def message(*changes: Change, signers=(1, 2, 3), epoch: int = 0) -> RemaskTx:
        signatures = {m: remask.sign(old, new, changes, signer(m)) for m in signers}
        said = remask.assemble(old, new, changes, signatures)
        return RemaskTx(committee, epoch, said.to_bytes())

    assert chain.codes(message(change, signers=(1, 2))) == ["PV-43"]
    assert chain.codes(message(change, epoch=1)) == ["PV-106"]
    unknown = dataclasses.replace(change, id=cell_id(b"\x01" * 32, 0))
    assert chain.codes(message(unknown)) == ["PV-46"]
    right = message(unknown, change)  # as if the other had left meanwhile
    assert chain.codes(right, right) == ["ok", "PV-46"]
    assert chain.state.get(entries.cell_key(unknown.id)) is None
    after = chain.cell(cell.id)
    assert (after.epoch, after.com, after.id) == (1, cell.com, cell.id) and after.c != cell.c
    assert chain.value_of(after) == 70_000
    assert chain.codes(chain.reclaim(held)) == ["ok"]


def test_pv126_another_committee_moves_nothing_that_is_not_its_own():
    """Anybody can declare one, of members of his own, and have epochs of the same numbers."""
    chain = PrivateChain()
    chain.start(notes=4)
    tx, held = chain.stored(70_000, owner(chain, 1))
    assert_ok(chain.run(tx))
    assert_ok(chain.run(chain.welcome([held])))
    identity = chain.open_round(least=1, open=chain.height + 300)
    given = chain.donate(identity, 0, 50, 1)
    assert_ok(chain.run(chain.accept(identity, [given])))
    cells = [chain.cell(cell_id(item.input.id, 0)) for item in (held, given)]
    ours = chain.record
    chain.declaration = dataclasses.replace(chain.declaration, purpose=b"\x05" * 32)
    assert_ok(chain.run(chain.declare()))
    chain.ceremony()
    old = chain.record
    chain.to(committees.committee_of(chain.state, chain.declaration.id).opens() - 1)
    chain.ceremony()
    new = chain.record
    assert (old.epoch, ours.epoch) == (0, 0)
    for cell in cells:
        changes = (Change(cell.id, 1, 2),)
        signatures = {m: remask.sign(old, new, changes, signer(m)) for m in (1, 2, 3)}
        said = remask.assemble(old, new, changes, signatures)
        assert chain.codes(RemaskTx(chain.declaration.id, 0, said.to_bytes())) == ["PV-46"]
        assert chain.cell(cell.id) == cell
