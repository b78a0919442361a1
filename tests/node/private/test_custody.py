"""Cells under other keys, of other committees, and of none."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from node.core.ids import EnvironmentId, tagged_hash
from node.execution import turnstile
from node.private import committees, deposits, freezing
from node.private import held as holdings
from node.private import state as entries
from node.private.messages import FreezeTx, HandoverTx, RemaskTx
from node.private.state import Status
from node.rpc.private import PrivateViews
from node.testing.private import Held, PrivateChain, assert_ok, change_of, signer
from private_exec import group
from private_exec.committee import certificate, remask
from private_exec.committee.cells import Cell, cell_id
from private_exec.committee.certificate import Certificate
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.remask import Change
from private_exec.committee.reshare import Transfer
from shielded.private_owner import PrivateOwner

ALICE = signer(7)
SIGNERS = (1, 2, 3)


class Keepers:
    """A chain with cells, and whoever may get them: keys that were, and keys that are.

    Args:
        amounts: of deposits that were accepted.
        elsewhere: the second keys are of another committee; default: of the next epoch.
    """

    def __init__(self, *amounts: int, elsewhere: bool = False) -> None:
        chain = self.chain = PrivateChain()
        chain.start(notes=len(amounts) + 1)
        self.held: list[Held] = []
        for number, amount in enumerate(amounts):
            tx, held = chain.stored(amount, owner(chain, number))
            assert_ok(chain.run(tx))
            self.held.append(held)
        assert_ok(chain.run(chain.welcome(self.held)))
        self.committee = chain.declaration.id
        self.old, self.before = chain.record, chain.secrets
        if elsewhere:
            chain.declaration = dataclasses.replace(chain.declaration, purpose=b"\x05" * 32)
            assert_ok(chain.run(chain.declare()))
        else:
            chain.to(committees.committee_of(chain.state, self.committee).opens() - 1)
        chain.ceremony()
        self.new = chain.record

    @property
    def cells(self) -> list[Cell]:
        return [self.chain.cell(cell_id(held.input.id, 0)) for held in self.held]

    def changes(self) -> list[Change]:
        """What the members find, here by interpolation in one process."""
        return [change_of(self.before, self.chain.secrets, cell) for cell in self.cells]

    def remasking(self, changes: list[Change], signers=SIGNERS) -> bytes:
        signed = {m: remask.sign(self.old, self.new, changes, signer(m)) for m in signers}
        return remask.assemble(self.old, self.new, changes, signed).to_bytes()

    def remask(self, changes: list[Change]) -> RemaskTx:
        return RemaskTx(self.committee, 0, self.remasking(changes))

    def will(self, changes: list[Change], signers=SIGNERS, new: EpochRecord | None = None):
        ids = tuple(change.id for change in changes)
        transfer = Transfer(self.old, new or self.new, ids)
        whose = self.old.declaration
        return Certificate.of(
            {m: certificate.sign(whose, transfer.digest, signer(m)) for m in signers}
        )

    def hand_over(self, changes: list[Change], **fields) -> HandoverTx:
        bare = HandoverTx(
            self.committee, 0, self.chain.declaration.id, 0, 0, self.will(changes),
            self.remasking(changes),
        )  # fmt: skip
        return dataclasses.replace(bare, **fields)


def owner(chain: PrivateChain, number: int) -> PrivateOwner:
    return PrivateOwner(tagged_hash("owner", bytes([number])), chain.declaration.id)


def frozen(chain: PrivateChain, committee: bytes, epoch: int = 0) -> FreezeTx:
    """A freeze, when it is time for it."""
    until = committees.epoch_of(chain.state, committee, epoch).until
    chain.to(until + freezing.GRACE_STEPS * chain.parameters.step_heights)
    return FreezeTx(committee, epoch)


def test_pv126_cells_of_rounds_stay() -> None:
    chain = PrivateChain()
    chain.start(notes=2)
    identity = chain.open_round(close=chain.height + 260, accept=262 + chain.height,
                                open=264 + chain.height)  # fmt: skip
    given = chain.donate(identity, 0, 200, 0)
    assert_ok(chain.run(chain.accept(identity, [given])))
    old = chain.record
    chain.to(committees.committee_of(chain.state, chain.declaration.id).opens() - 1)
    chain.ceremony()
    changes = [Change(chain.cell(cell_id(given.input.id, 0)).id, 1, 2)]
    signed = {m: remask.sign(old, chain.record, changes, signer(m)) for m in SIGNERS}
    said = remask.assemble(old, chain.record, changes, signed)
    assert chain.codes(RemaskTx(chain.declaration.id, 0, said.to_bytes())) == ["PV-46"]


@pytest.mark.parametrize("elsewhere", [True, False])
def test_pv126_who_leaves_undoes_no_move_of_others(elsewhere) -> None:
    at = Keepers(70_000, 80_000, elsewhere=elsewhere)
    changes = at.changes()
    tx = at.hand_over(changes) if elsewhere else at.remask(changes)
    assert at.chain.codes(at.chain.reclaim(at.held[0]), tx) == ["ok", "ok"]
    left, moved = (cell_id(held.input.id, 0) for held in at.held)
    assert at.chain.state.get(entries.cell_key(left)) is None
    assert deposits.of_cell(at.chain.state, left) is None
    assert at.chain.value_of(at.chain.cell(moved)) == 80_000


def test_pv127_an_epoch_is_frozen_once_when_its_members_had_their_time() -> None:
    chain = PrivateChain()
    chain.start(notes=1)
    here = chain.declaration.id
    assert chain.codes(FreezeTx(here, 0), FreezeTx(here, 1)) == ["PV-127", "PV-106"]
    tx = frozen(chain, here)
    assert freezing.find(chain.state, here, 0) is None
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the rule is compared
        freezing.check_due(tx, chain.state, chain.height, chain.parameters)
    assert caught.value.rule == "PV-127"
    assert chain.codes(tx, tx) == ["ok", "PV-49"]
    made = freezing.find(chain.state, here, 0)
    assert made is not None and made.height == chain.height
    assert chain.codes(tx) == ["PV-49"]
    assert freezing.find(chain.state, here, 0) == made


def test_pv128_behind_a_freeze_nothing_of_the_epoch_lands() -> None:
    at = Keepers(70_000, 80_000)
    chain, changes = at.chain, at.changes()
    (tx, late), (more, later) = (chain.placed(5000, owner(chain, k)) for k in (8, 9))
    assert_ok(chain.run(tx, more))
    one, other = ([change] for change in changes)
    freeze, first, second = frozen(chain, at.committee), at.remask(one), at.remask(other)
    assert chain.codes(freeze, first) == ["ok", "ok"]
    assert [cell.epoch for cell in at.cells] == [1, 0]
    assert chain.codes(second) == ["PV-49"]
    assert chain.codes(chain.welcome([late])) == ["ok"]
    assert chain.codes(frozen(chain, at.committee, 1)) == ["ok"]
    assert chain.codes(chain.welcome([later])) == ["PV-49"]


def test_pv128_nothing_goes_to_keys_that_are_frozen() -> None:
    at = Keepers(70_000)
    message = at.remask(at.changes())
    assert at.chain.codes(frozen(at.chain, at.committee, 1)) == ["ok"]
    assert freezing.find(at.chain.state, at.committee, 0) is None
    assert at.chain.codes(message) == ["PV-49"]


def test_pv129_behind_a_freeze_owners_leave_and_what_has_none_stays() -> None:
    chain = PrivateChain()
    chain.start(notes=6)
    waits, accepted = (chain.stored(50_000 + k, owner(chain, k)) for k in range(2))
    assert_ok(chain.run(waits[0], accepted[0]))
    assert_ok(chain.run(chain.welcome([accepted[1]])))
    identity = chain.open_round()
    given = chain.donate(identity, 0, 200, 0)
    assert_ok(chain.run(chain.accept(identity, [given])))
    chain.to(entries.round_of(chain.state, identity).terms.accept)
    assert_ok(chain.run(chain.sums(identity)))
    assert_ok(chain.run(chain.settle(identity)))
    assert chain.codes(frozen(chain, chain.declaration.id)) == ["ok"]
    chain.run()
    for index in range(2):
        cell = chain.cell(cell_id(given.input.id, index))
        assert deposits.of_cell(chain.state, cell.id) is None
    counted = Held(given.input, given.openings.amount, given.owner)
    assert chain.codes(chain.claim(given)) == ["PV-118"]
    assert chain.codes(chain.withdrawal(counted, ALICE.account)) == ["PV-118"]
    views = PrivateViews(chain.genesis, chain.ledger.store, {})
    freeze = freezing.find(chain.state, chain.declaration.id, 0)
    assert views.deposit(accepted[1].input.id).frozen == freeze.height
    before = chain.balance(ALICE.account)
    assert chain.codes(chain.withdrawal(waits[1], ALICE.account)) == ["ok"]
    assert chain.balance(ALICE.account) == before + 50_000
    notes = chain.purse.holdings
    assert chain.codes(chain.reclaim(accepted[1])) == ["ok"]
    assert chain.purse.holdings == notes + 50_001 - 1000
    assert all(row.adds_up for row in turnstile.supply(chain.state))


def test_pv130_cells_go_to_another_committee_by_the_will_of_both() -> None:
    at = Keepers(70_000, 80_000, elsewhere=True)
    chain, changes = at.chain, at.changes()
    refused = {
        "PV-43": [
            at.hand_over(changes, will=at.will(changes, (1, 2))),
            at.hand_over(changes, will=at.will(changes[:1])),
            at.hand_over(changes, will=at.will(changes, new=at.old)),
            at.hand_over(changes, retry=1),
            at.hand_over(changes, message=at.remasking(changes, (1, 2))),
        ],
        "PV-106": [at.hand_over(changes, serving=1), at.hand_over(changes, epoch=1)],
        "PV-130": [at.hand_over(changes, successor=at.committee)],
    }
    for rule, wrong in refused.items():
        for tx in wrong:
            assert chain.codes(tx) == [rule]
    before, gone = at.cells, Change(cell_id(b"\x01" * 32, 0), 1, 2)
    tx = at.hand_over([*changes, gone])  # as if its owner had left meanwhile
    assert chain.codes(tx, tx) == ["ok", "PV-46"]
    for cell, was, held in zip(at.cells, before, at.held, strict=True):
        assert (cell.id, cell.com) == (was.id, was.com) and cell.c != was.c
        assert chain.value_of(cell) == held.opening.value
        found = deposits.deposit_of(chain.state, held.input.id)
        assert (found.committee, found.status) == (chain.declaration.id, Status.ACCEPTED)
    assert chain.codes(at.remask(changes)) == ["PV-106"]
    first, second = at.held
    assert chain.codes(chain.reclaim(first)) == ["ok"]
    assert chain.codes(chain.withdrawal(second, ALICE.account)) == ["ok"]
    assert chain.codes(chain.reclaim(first)) == ["PV-124"]
    assert all(row.adds_up for row in turnstile.supply(chain.state))


def test_pv130_a_transfer_counts_once() -> None:
    """Who has the message of a transfer could else undo that cells came back, at no charge."""
    at = Keepers(70_000, elsewhere=True)
    chain, changes = at.chain, at.changes()
    there = at.hand_over(changes)
    assert chain.codes(there) == ["ok"]
    reverse = [Change(c.id, -c.value % group.R, -c.blinding % group.R) for c in changes]
    at.old, at.new = at.new, at.old
    back = HandoverTx(
        at.old.declaration.id, 0, at.committee, 0, 0, at.will(reverse), at.remasking(reverse)
    )
    assert chain.codes(back, there, back) == ["ok", "EX-7", "PV-46"]
    found = deposits.deposit_of(chain.state, at.held[0].input.id)
    assert found.committee == at.committee


def test_pv130_to_keys_that_serve() -> None:
    at = Keepers(70_000, elsewhere=True)
    tx = at.hand_over(at.changes())
    until = committees.epoch_of(at.chain.state, at.chain.declaration.id, 0).until
    at.chain.to(until)
    assert at.chain.codes(tx) == ["PV-130"]


def test_pv128_a_hand_over_is_of_keys_that_are_not_frozen() -> None:
    at = Keepers(70_000, elsewhere=True)
    tx = at.hand_over(at.changes())
    assert at.chain.codes(frozen(at.chain, at.committee)) == ["ok"]
    assert at.chain.codes(tx) == ["PV-49"]


def assert_listed(at: Keepers) -> None:
    """PV-220: what is listed is what deposits and cells say."""
    state = at.chain.state
    here, now = at.committee, at.chain.declaration.id
    listed = {(c, *place) for c in {here, now} for place in holdings.cells(state, c, 0)}
    expected = set()
    for item in at.held:
        found, cell = deposits.deposit_of(state, item.input.id), cell_id(item.input.id, 0)
        if found.status in (Status.PENDING, Status.ACCEPTED):
            made = state.get(entries.cell_key(cell)) is not None
            epoch = entries.cell_of(state, cell).epoch if made else found.epoch
            expected.add((found.committee, epoch, cell))
    assert listed == expected


@settings(max_examples=4, deadline=None)
@drawn(
    deposits_=st.lists(
        st.tuples(st.integers(2000, 10**6), st.booleans(), st.booleans()), min_size=1, max_size=3
    ),
    elsewhere=st.booleans(),
    freezes=st.booleans(),
)
def test_value_is_conserved_whoever_holds_it(deposits_, elsewhere, freezes) -> None:
    """Deposits move to other keys or stay, are frozen or not, and leave as notes or shown."""
    at = Keepers(*[amount for amount, _, _ in deposits_], elsewhere=elsewhere)
    chain, hidden = at.chain, sum(amount for amount, _, _ in deposits_)

    def check() -> None:
        held = chain.held()
        dark = held.get(EnvironmentId.SHIELDED, 0) + held.get(EnvironmentId.PRIVATE, 0)
        assert dark == chain.purse.holdings + hidden
        assert all(row.adds_up for row in turnstile.supply(chain.state))
        assert_listed(at)

    check()
    moving = [
        change for change, (_, moves, _) in zip(at.changes(), deposits_, strict=True) if moves
    ]
    if moving:
        assert_ok(chain.run(at.hand_over(moving) if elsewhere else at.remask(moving)))
        check()
    if freezes:
        assert_ok(chain.run(frozen(chain, at.committee)))
        check()
    for held, (amount, _, shown) in zip(at.held, deposits_, strict=True):
        out = chain.withdrawal(held, ALICE.account) if shown else chain.reclaim(held)
        assert chain.codes(out, out) == ["ok", "PV-124"]
        hidden -= amount
        check()
    assert hidden == 0
