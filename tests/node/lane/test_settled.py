"""Who reads blocks finds what settlements carried out: wallets, explorers, disclosures."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest

from node.core.block import Transaction
from node.core.effects import CARRIED, PART, Event
from node.core.errors import ConsensusFault, NotFound
from node.core.ids import EnvironmentId, Height
from node.core.interfaces import TxContext
from node.gossip.envelope import plain
from node.gossip.message import originate
from node.gossip.statement import Signer
from node.intents.batch import Batch
from node.intents.settlement import Complete, Composed, Settlement
from node.intents.solvers import standard
from node.intents.solvers.problem import pose
from node.intents.view import View
from node.intents.worker import seed_of
from node.lane import direct, payload, settled
from node.lane.direct import DirectTx
from node.lane.fates import Fates, settlements
from node.lane.payload import EndTx
from node.lane.services import ScopedExecutor
from node.rpc.actions import ActionStream, shielded_transactions
from node.rpc.scanning import scanned_blocks
from node.testing.market import METALS, Market
from shielded import disclosure
from shielded.encryption import NoteRefused
from shielded.env import TREE_KEY
from shielded.transaction import ShieldedTx
from shielded.tree import NoteTree
from shielded.wallet import WalletState
from transparent.transaction import TransparentTx


@functools.cache
def story() -> Market:
    """Three swaps in a ring, two orders, and a payment that was sealed; all of them settled."""
    market = Market()
    market.fund()
    assert market.story().ok
    return market


@pytest.fixture
def market() -> Market:
    return story()


def ending(market: Market) -> tuple[bytes, object]:
    chain = market.chain.chain
    height = Height(chain.height)
    return chain.block(height).txs[0], chain.receipts(height)[0]


def test_transactions_of_a_settlement_in_their_order(market) -> None:
    wire, receipt = ending(market)
    tx = payload.decode(Transaction.from_bytes(wire).payload)
    assert isinstance(tx, EndTx)
    components = Settlement.from_bytes(tx.settlement).components
    expected = [
        EnvironmentId.SHIELDED if isinstance(item, Composed) else EnvironmentId.TRANSPARENT
        for item in components
        if isinstance(item, Composed | Complete)
    ]
    found = [Transaction.from_bytes(data) for data in settled.transactions(wire, receipt)]
    assert [item.environment for item in found] == expected
    assert sorted(expected) == [EnvironmentId.TRANSPARENT, EnvironmentId.SHIELDED]
    (swap,) = [item for item in found if item.environment is EnvironmentId.SHIELDED]
    assert len(ShieldedTx.from_bytes(swap.payload).actions) == 3
    (payment,) = [item for item in found if item.environment is EnvironmentId.TRANSPARENT]
    assert TransparentTx.from_bytes(payment.payload).sender == market.accounts[2].account


def test_other_transactions_carry_nothing(market) -> None:
    chain = market.chain.chain
    for height in range(1, chain.height):
        block, receipts = chain.block(Height(height)), chain.receipts(Height(height))
        for data, receipt in zip(block.txs, receipts, strict=True):
            assert list(settled.carried(data, receipt)) == []


def test_actions_are_in_the_order_of_the_note_tree(market) -> None:
    chain = market.chain.chain
    tree = NoteTree()
    for height in range(1, chain.height + 1):
        block, receipts = chain.block(Height(height)), chain.receipts(Height(height))
        leaves = [leaf for tx in shielded_transactions(block, receipts) for leaf in tx.commitments]
        tree = tree.append(leaves)
    assert tree.to_bytes() == market.chain.state.get(TREE_KEY)


def test_rpc40_wallets_find_the_notes_of_a_swap(market) -> None:
    stream = ActionStream(market.chain.chain, market.chain.store, {})
    page = stream.page(1, 1000)
    assert [block.height for block in page.blocks][-1] == market.chain.height
    last = page.blocks[-1]
    assert (
        last.position
        == ActionStream(market.chain.chain, market.chain.store, {})
        .page(market.chain.height, 1)
        .blocks[0]
        .position
    )
    for index, key in enumerate(market.keys):
        wallet = WalletState(key.full_viewing_key)
        for block in scanned_blocks(page):
            wallet.scan(block)
        held = {note.note.kind: note.note.quantity for note in wallet.notes if not note.spent}
        assert held == {METALS[index]: 40, METALS[(index + 1) % 3]: 60}


@functools.cache
def in_the_open() -> Market:
    """The same ring of swaps, bound to no batch: published, and settled by an account."""
    market = Market()
    market.fund()
    chain_id = market.chain.genesis.chain_id
    intents = tuple(market.swap(i, METALS[(i + 1) % 3], scope=None) for i in range(3))
    batch = Batch(chain_id, None, intents)
    services = market.services
    context = TxContext(chain_id, market.chain.next_height)
    judge = ScopedExecutor(services.inner, None)
    view = View(context, market.chain.state, judge, services.verifier, services.shielded)
    problem, left_out = pose(batch, view, services.registry)
    assert not left_out
    messages = tuple(
        originate(
            Signer(bytes([number]) * 32, chain_id),
            0,
            plain(intent.app, intent.schema, intent.expiry, intent.to_bytes()),
        )
        for number, intent in enumerate(intents)
    )
    solver = market.accounts[2]
    settlement = problem.settlement(standard.solve(problem, seed_of(batch.id)))
    tx = DirectTx(chain_id, solver.account, 20_000, context.height, messages, settlement)
    (receipt,) = market.block(payload.wire(direct.sign(tx, solver)))
    assert receipt.ok, receipt
    return market


def test_rpc40_wallets_find_the_notes_of_an_open_swap() -> None:
    market = in_the_open()
    wire, receipt = ending(market)
    assert isinstance(payload.decode(Transaction.from_bytes(wire).payload), DirectTx)
    (swap,) = settled.transactions(wire, receipt)
    assert len(ShieldedTx.from_bytes(Transaction.from_bytes(swap).payload).actions) == 3
    page = ActionStream(market.chain.chain, market.chain.store, {}).page(1, 1000)
    for index, key in enumerate(market.keys):
        wallet = WalletState(key.full_viewing_key)
        for block in scanned_blocks(page):
            wallet.scan(block)
        held = {note.note.kind: note.note.quantity for note in wallet.notes if not note.spent}
        assert held == {METALS[index]: 40, METALS[(index + 1) % 3]: 60}


def test_what_became_of_an_open_intent_is_found_by_message_and_by_intent() -> None:
    market = in_the_open()
    chain = market.chain.chain
    height = Height(chain.height)
    block, receipts = chain.block(height), chain.receipts(height)
    tx = payload.decode(Transaction.from_bytes(block.txs[0]).payload)
    fates = Fates()
    fates.committed(block, receipts)
    for message, intent in zip(tx.messages, tx.intents, strict=True):
        for name in (message.id, intent.id):
            found = fates.settlement(name)
            assert (found.height, found.tx_id, found.intent) == (
                height, receipts[0].tx_id, intent.id
            )  # fmt: skip
    assert fates.settlement(bytes(32)) is None
    refused = [replace(receipt, code="LN-42", events=()) for receipt in receipts]
    assert not list(settlements(block, refused))
    assert not list(settlements(block, [replace(r, events=()) for r in receipts]))


def test_rpc40_what_a_settlement_carried_out_has_a_place_of_its_own(market) -> None:
    chain = market.chain.chain
    wire, receipt = ending(market)
    for item in settled.carried(wire, receipt):
        at = chain.locate(item.tx_id)
        assert (at.height, at.index, at.ok) == (chain.height, 0, True)
        assert settled.find(wire, receipt, item.tx_id) == item
        inner = settled.inner_receipt(receipt, item)
        assert (inner.tx_id, inner.environment, inner.fee) == (
            item.tx_id, item.environment, item.fee
        )  # fmt: skip
        assert inner.ok and inner.height == receipt.height
        assert all(event.name not in (PART, CARRIED) for event in inner.events)
    assert settled.find(wire, receipt, bytes(32)) is None
    with pytest.raises(NotFound):
        chain.locate(bytes(32))


def test_a_payment_of_a_swap_can_be_disclosed(market) -> None:
    wire, receipt = ending(market)
    (tx,) = [
        ShieldedTx.from_bytes(Transaction.from_bytes(data).payload)
        for data in settled.transactions(wire, receipt)
        if Transaction.from_bytes(data).environment is EnvironmentId.SHIELDED
    ]
    key = market.keys[0].full_viewing_key.incoming
    shown = 0
    for number in range(2 * len(tx.actions)):
        try:
            made = disclosure.create(key, tx.chain_id, tx.scanned, number // 2, number % 2)
        except NoteRefused:
            continue
        paid = disclosure.verify(made, tx.chain_id, tx.scanned)
        shown += paid.quantity
    assert shown == 100


def test_a_receipt_of_another_settlement_is_no_answer(market) -> None:
    wire, receipt = ending(market)
    told = (("environment", "shielded"), ("tx_id", "07" * 32), ("fee", "0"))
    foreign = replace(receipt, events=(*receipt.events, Event(CARRIED, told)))
    with pytest.raises(ConsensusFault):
        list(settled.carried(wire, foreign))
