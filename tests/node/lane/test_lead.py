"""What a block begins with: LN-10 … LN-12, and that proposals are held to it (CH-36)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.consensus.application import LedgerApplication
from node.consensus.errors import InvalidBlock
from node.core.block import Block, Header, tx_root
from node.core.ids import NATIVE, AccountId, Height
from node.execution.overlay import Overlay
from node.lane import layout, lead, opening
from node.lane.errors import LaneRefused
from node.lane.layout import Best, Live, Stage
from node.lane.payload import Ending, EndTx, KeyMessage, RevealTx, wire
from node.testing.lane import lane_tx
from node.testing.ledger import transfer
from private_exec.errors import RevealRefused
from transparent.accounts import Ledger
from zk.curve.bn254 import G1_GENERATOR


def check(chain, *txs, state=None, height=None) -> None:
    lead.check_lead(txs, state or chain.state, height or chain.next_height, chain.genesis)


def refusal(chain, *txs, **place) -> str:
    with pytest.raises((LaneRefused, RevealRefused)) as caught:
        check(chain, *txs, **place)
    return caught.value.rule


def with_live(chain, *items, **best) -> Overlay:
    """The state with these batches live instead."""
    state = Overlay(chain.state)
    state.update([layout.live_write(items)])
    return state


@pytest.fixture
def payment(chain) -> bytes:
    return transfer(chain, chain.payers[0].account, 5, sequence=0)


@pytest.fixture
def two_closed(chain):
    """Both domains have a batch that the block of height 10 closed."""
    chain.run_to(9)
    chain.block(chain.seal(b"one"), chain.seal(b"two", domain=1))
    first, second = lead.pending(chain.state, 11)
    assert (first.domain, second.domain) == (0, 1)
    return chain


@pytest.fixture
def reveals(two_closed):
    return [two_closed.reveal(item) for item in lead.pending(two_closed.state, 11)]


# WHAT IS DUE


def test_ends_follow_from_the_state(chain) -> None:
    solved, unsolved = Live(1, 3, Stage.SOLVING, 30, 0, 20), Live(1, 2, Stage.SOLVING, 30, 0, 20)
    unrevealed, young = Live(0, 9, Stage.CLOSED, 29, 0, 19), Live(0, 10, Stage.CLOSED, 30, 0, 20)
    state = with_live(chain, solved, unsolved, unrevealed, young, Live(2, 0, Stage.OPEN, 30, 0))
    state.put(layout.best_key(solved.ref), Best(AccountId(bytes(32)), b"best").to_bytes())
    assert [lane_tx(data) for data in lead.ends(state, 30)] == [
        EndTx(0, 9, Ending.UNREVEALED),
        EndTx(1, 2, Ending.UNSOLVED),
        EndTx(1, 3, Ending.SETTLED, b"best"),
    ]
    assert lead.ends(state, 29) == ()
    assert lead.pending(state, 30) == (young,)
    assert lead.pending(state, 20) == (unrevealed,)  # the other closes at the end of this block


def test_what_is_missing_makes_the_rest_wait(chain) -> None:
    closed, solving = Live(0, 9, Stage.CLOSED, 30, 0, 20), Live(1, 2, Stage.SOLVING, 30, 0, 20)
    assert lead.waits(with_live(chain), 30) == ""
    assert lead.waits(with_live(chain, Live(0, 9, Stage.OPEN, 20, 0)), 20) == ""
    assert lead.waits(with_live(chain, closed), 20) == ""
    assert "not been opened" in lead.waits(with_live(chain, closed), 21)
    assert "not ended" in lead.waits(with_live(chain, closed), 31)
    assert lead.waits(with_live(chain, solving), 29) == ""
    assert "not ended" in lead.waits(with_live(chain, solving), 30)


def test_an_honest_beginning_passes_and_says_whether_more_may_follow(two_closed, payment) -> None:
    chain = two_closed
    known = {item.domain: chain.reveal(item) for item in lead.pending(chain.state, 11)}
    for domains, more in (((0, 1), True), ((0,), False), ((1,), False), ((), False)):
        txs, may = lead.begin(
            chain.state,
            11,
            chain.genesis,
            lambda item: known[item.domain] if item.domain in domains else None,  # noqa: B023
        )
        assert (txs, may) == (tuple(known[d] for d in domains), more)
        check(chain, *txs, *([payment] if may else []))


# LN-10


def test_ln10_ends_and_reveals_stand_at_the_beginning_only(two_closed, payment, reveals) -> None:
    chain = two_closed
    assert refusal(chain, *reveals, payment, reveals[0]) == "LN-10"
    assert refusal(chain, reveals[0], payment, reveals[1]) == "LN-10"
    assert refusal(chain, *reveals, wire(EndTx(0, 0, Ending.UNREVEALED))) == "LN-10"


def test_ln10_refuses_an_end_before_its_time(chain, payment) -> None:
    assert refusal(chain, wire(EndTx(0, 0, Ending.UNSOLVED)), payment) == "LN-10"


# LN-11


def test_ln11_nothing_follows_while_a_reveal_is_missing(two_closed, payment, reveals) -> None:
    chain = two_closed
    assert refusal(chain, payment) == "LN-11"
    assert refusal(chain, reveals[0], payment) == "LN-11"
    assert refusal(chain, reveals[1], payment) == "LN-11"
    check(chain)
    check(chain, reveals[1])
    check(chain, *reveals, payment)


def test_ln11_not_even_a_sealed_intent_but_messages_about_keys(two_closed, reveals) -> None:
    chain = two_closed
    assert refusal(chain, reveals[0], chain.seal(b"three")) == "LN-11"
    notice = chain.key_message(0, KeyMessage.NOTICE, epoch=1)
    check(chain, notice)
    check(chain, reveals[0], notice)
    assert refusal(chain, notice, reveals[0]) == "LN-10"


def test_ln11_reveals_come_in_order_and_once(two_closed, reveals) -> None:
    assert refusal(two_closed, *reversed(reveals)) == "LN-11"
    assert refusal(two_closed, reveals[0], reveals[0]) == "LN-11"


def test_ln11_refuses_the_reveal_of_a_batch_that_does_not_wait(two_closed, reveals) -> None:
    for changes in ({"number": 1}, {"domain": 7}):
        assert refusal(two_closed, wire(replace(lane_tx(reveals[0]), **changes))) == "LN-11"


def test_px17_a_wrong_reveal_is_refused_also_beside_a_remembered_one(two_closed, reveals) -> None:
    chain, tx = two_closed, lane_tx(reveals[0])
    check(chain, *reveals)
    wrong = replace(tx.reveal, points=(G1_GENERATOR,))
    swapped = lane_tx(reveals[1]).reveal
    for reveal in (wrong, swapped, replace(tx.reveal, root=bytes(32))):
        assert refusal(chain, wire(RevealTx(0, 0, reveal)), reveals[1]) == "PX-17"


def test_px6_a_reveal_comes_in_its_window(two_closed, reveals) -> None:
    chain = two_closed
    check(chain, *reveals, height=20)
    assert refusal(chain, *reveals, height=21) == "LN-12"  # both ends are due instead
    assert refusal(chain, *reveals, height=10) == "LN-11"


# LN-12


def test_ln12_a_block_begins_with_the_ends_that_are_due(chain, payment) -> None:
    items = Live(0, 9, Stage.CLOSED, 29, 0, 19), Live(1, 2, Stage.SOLVING, 30, 0, 20)
    state = with_live(chain, *items)
    first, second = lead.ends(state, 30)
    check(chain, first, second, payment, state=state, height=30)
    changed = wire(EndTx(1, 2, Ending.SETTLED, b"another"))
    for txs in ((), (payment,), (first,), (first, payment), (second, first), (first, changed)):
        assert refusal(chain, *txs, state=state, height=30) == "LN-12"
    assert refusal(chain, first, second, second, state=state, height=30) == "LN-10"


def test_ln12_ends_that_exceed_a_block_fill_it_and_nothing_follows(chain, payment) -> None:
    items = [Live(1, k, Stage.SOLVING, 30, 0, 20) for k in range(12)]
    state = with_live(chain, *items)
    for item in items:
        best = Best(AccountId(bytes(32)), bytes(200_000))
        state.put(layout.best_key(item.ref), best.to_bytes())
    due = lead.ends(state, 30)
    room = chain.genesis.parameters.max_block_bytes // len(due[0])
    assert room == 10
    assert lead.begin(state, 30, chain.genesis, lambda _: None) == (due[:room], False)
    check(chain, *due[:room], state=state, height=30)
    assert refusal(chain, *due[: room - 1], state=state, height=30) == "LN-12"
    assert refusal(chain, *due[:room], payment, state=state, height=30) == "LN-11"
    assert refusal(chain, *due, state=state, height=30) == "LN-10"


def limited(chain, **limits):
    return replace(chain.genesis, parameters=replace(chain.genesis.parameters, **limits))


def test_ln12_a_block_has_so_many_ends(chain) -> None:
    items = [Live(1, k, Stage.SOLVING, 30, 0, 20) for k in range(3)]
    state = with_live(chain, *items)
    genesis = limited(chain, max_block_txs=2)
    due = lead.ends(state, 30)
    assert lead.begin(state, 30, genesis, lambda _: None) == (due[:2], False)
    lead.check_lead(due[:2], state, 30, genesis)


def test_ln11_what_does_not_fit_is_opened_in_the_next_block(two_closed, reveals) -> None:
    chain, first = two_closed, reveals[0]
    for limits in ({"max_block_txs": 1}, {"max_block_bytes": len(first)}):
        genesis = limited(chain, **limits)
        assert lead.begin(chain.state, 11, genesis, chain.reveal) == ((first,), False)


def test_ln12_one_end_is_always_taken(chain) -> None:
    small = replace(chain.genesis.parameters, max_block_bytes=10)
    genesis = replace(chain.genesis, parameters=small)
    assert lead.fitting([b"x" * 20, b"y"], genesis) == (b"x" * 20,)
    assert lead.fitting([], genesis) == ()


# BLOCKS


def test_an_unopened_batch_expires_and_its_fees_go_back(two_closed) -> None:
    chain, payer = two_closed, two_closed.payers[0].account
    before = Ledger(chain.state).balance(payer, NATIVE)
    while chain.height < 20:
        assert chain.block() == ()
    assert [receipt.code for receipt in chain.step()] == ["ok", "ok"]
    assert layout.live(chain.state) == ()
    assert Ledger(chain.state).balance(payer, NATIVE) == before + 2000


def test_an_opened_batch_goes_on_and_ends(two_closed) -> None:
    chain = two_closed
    assert [receipt.code for receipt in chain.step()] == ["ok", "ok"]
    assert [(item.stage, item.height) for item in layout.live(chain.state)] == [
        (Stage.SOLVING, 15),
        (Stage.SOLVING, 13),
    ]
    chain.run_to(15)
    assert layout.live(chain.state) == ()


class Beginner:
    """A validator's lane that knows every share, and so every reveal."""

    def __init__(self, chain) -> None:
        self._chain = chain

    def lead(self, state, height):
        return lead.begin(state, height, self._chain.genesis, self._chain.reveal)

    def passes(self, data) -> bool:
        return lead.passes(data)

    def check_lead(self, txs, state, height) -> None:
        lead.check_lead(txs, state, height, self._chain.genesis)

    def receive(self, extension) -> None:
        """Nothing to learn."""


def proposal(chain, *txs) -> Block:
    head = chain.chain.header(Height(chain.height))
    header = Header(
        chain.genesis.chain_id,
        chain.next_height,
        head.time_ms,
        head.hash,
        chain.store.root,
        tx_root(txs),
    )
    return Block(header, txs)


def test_ch36_a_proposal_begins_as_the_lane_says_or_is_refused(two_closed, payment) -> None:
    chain = two_closed
    application = LedgerApplication(
        chain.genesis, chain.executor, chain.store, lane=Beginner(chain)
    )
    made = application.prepare_proposal(chain.next_height, [payment], 1 << 20)
    assert made == (*chain.due(), payment)
    application.process_proposal(proposal(chain, *made))
    for txs in ((payment,), made[1:], made[::-1]):
        with pytest.raises(InvalidBlock) as caught:
            application.process_proposal(proposal(chain, *txs))
        assert caught.value.rule == "CH-36"
        assert "LN-1" in caught.value.message
    with pytest.raises(InvalidBlock) as caught:
        application.process_proposal(proposal(chain, *made, b"garbage"))
    assert caught.value.rule == "CH-8"


def test_ch36_nothing_follows_a_beginning_that_cannot_be_carried_out(
    two_closed, payment, monkeypatch
) -> None:
    """A reveal that fails where it is executed costs its batch, not the chain."""
    chain = two_closed
    application = LedgerApplication(
        chain.genesis, chain.executor, chain.store, lane=Beginner(chain)
    )
    opens = opening.open_batch

    def fails(tx, *rest):
        if tx.domain == 0:
            raise LaneRefused("LN-13", "a bug", where="batch")
        return opens(tx, *rest)

    monkeypatch.setattr(opening, "open_batch", fails)
    second = chain.due()[1]
    made = application.prepare_proposal(chain.next_height, [payment], 1 << 20)
    assert made == (second,)
    application.process_proposal(proposal(chain, *made))
    chain.block(*made)
    while lead.pending(chain.state, chain.next_height):
        chain.block(*application.prepare_proposal(chain.next_height, [payment], 1 << 20))
    assert [receipt.code for receipt in chain.step(payment)][-1] == "ok"
