"""Clusters of real validators with the sealed lane: keys, orders, reveals, settlements, crashes.

What every run is judged by: `node.testing.cluster.trade`.
"""

from __future__ import annotations

import pytest

from node.core.ids import NATIVE
from node.core.lane import MAX_REVEAL_WINDOW
from node.lane import generation, layout
from node.lane.errors import LaneOutdated
from node.lane.layout import Stage
from node.lane.payload import RevealTx
from node.lane.validator.keeper import Keeper
from node.testing.cluster import lane_checks
from node.testing.cluster.faults import Faults, Partition
from node.testing.cluster.lane_host import LaneHost
from node.testing.cluster.lane_liars import LaneLie
from node.testing.cluster.market import GOLD, SILVER
from node.testing.cluster.trade import SOLD, Trade, faulty

SIZES = [4, pytest.param(16, marks=pytest.mark.slow)]


@pytest.mark.parametrize("n", [7, *SIZES])
def test_a_batch_is_ordered_opened_and_settled(settled, n) -> None:
    trade = Trade(n)
    settled(trade)
    assert trade.refused() == ""
    assert all(not keeper.faults for keeper in trade.keepers)


def test_shares_in_votes_alone_open_a_batch(settled, monkeypatch) -> None:
    """As where an engine carries extensions and there is no other way between validators."""
    monkeypatch.setattr(LaneHost, "hear", lambda *_: None)
    settled(Trade(4))


def test_shares_beside_the_votes_alone_open_a_batch(settled, monkeypatch) -> None:
    monkeypatch.setattr(Keeper, "extend", lambda *_: b"")
    settled(Trade(4))


def test_without_any_shares_nothing_is_opened(monkeypatch) -> None:
    """That the two tests above could fail."""
    monkeypatch.setattr(LaneHost, "hear", lambda *_: None)
    monkeypatch.setattr(Keeper, "extend", lambda *_: b"")
    trade = Trade(4)
    trade.to_key()
    trade.seal(1, 2, 3)
    assert {ending for ending, _ in trade.to_end().values()} == {"UNREVEALED"}


@pytest.mark.parametrize("n", SIZES)
def test_more_than_f_that_withhold_let_a_batch_die_unread(n) -> None:
    """P1-6: it expires, its fees go back, and nobody reads it; the chain goes on."""
    lie = LaneLie.NO_SHARES | LaneLie.HIDES_REVEALS
    places = range(n - (n - 1) // 3 - 1, n)
    trade = Trade(n, faults=Faults(liars=dict.fromkeys(places, lie)))
    trade.to_key()
    trade.seal(1, 2, 3)
    item = trade.to_live()
    closed = item.height if item.stage is Stage.OPEN else item.closed
    assert all(trade.balance(who, NATIVE) < 0 for who in SOLD)
    assert trade.to_end() == {(1, 0): ("UNREVEALED", closed + MAX_REVEAL_WINDOW + 1)}
    for kind in (NATIVE, GOLD, SILVER):
        assert {trade.balance(who, kind) for who in SOLD} == {0}
    assert all(not lane_checks.opened(trade.checker.state_at(h)) for h in range(trade.height + 1))
    trade.judge()


@pytest.mark.parametrize("lie", [LaneLie.SILENT, LaneLie.BAD_DEALER], ids=["silent", "bad_dealer"])
def test_more_than_f_that_spoil_the_key_close_the_lane_and_not_the_chain(lie) -> None:
    """Attempt after attempt fails, for the reason that the state says; nothing can be sealed."""
    trade = Trade(4, faults=Faults(liars=dict.fromkeys((2, 3), lie)))
    trade.step(22)
    attempts = layout.attempt(trade.state, 1, 0).number
    assert attempts >= 1
    for attempt in range(attempts):
        finding = generation.finding(trade.state, 1, 0, attempt)
        assert finding.reason is not None
        if lie is LaneLie.BAD_DEALER:
            assert {fault.member for fault in finding.faults} == {2, 3}
    with pytest.raises(LaneOutdated) as caught:
        trade.seal(1)
    assert caught.value.rule == "LN-3"
    trade.judge()


@pytest.mark.parametrize("n", SIZES)
def test_f_crashes_and_a_restart_of_all_lose_no_batch(n) -> None:
    """f are down while a batch closes and is opened; then all at once while it is solved."""
    trade = Trade(n)
    trade.to_key()
    down = tuple(faulty(n))
    trade.seal(1, 2, 3)
    trade.to_live()
    trade.cluster.stop(*down)
    trade.cluster.run(1_500)
    trade.cluster.start(*down)
    trade.height = min(trade.cluster.heights)
    everyone = tuple(range(n))
    trade.cluster.stop(*everyone)
    trade.cluster.run(500)
    trade.cluster.start(*everyone)
    ends = trade.to_end()
    trade.judge()
    assert len(ends) == 1
    revealed = [
        height
        for height in range(1, trade.height + 1)
        for tx in lane_checks.leads(trade.checker, height)
        if isinstance(tx, RevealTx)
    ]
    assert len(revealed) == 1


def test_a_validator_that_restarts_goes_on_with_its_secrets(settled) -> None:
    """All crash in the middle of making a key, and again while shares are due."""
    trade = Trade(4)
    for height in (2, 4, 6):
        trade.step(height - trade.height)
        trade.cluster.stop(0, 1, 2, 3)
        trade.cluster.run(100)
        trade.cluster.start(0, 1, 2, 3)
    settled(trade)
    finding = generation.finding(trade.state, 1, 0, layout.attempt(trade.state, 1, 0).number)
    assert finding.reason is None
    assert finding.faults == ()


def test_islands_without_a_quorum_open_nothing_and_go_on_together(settled) -> None:
    cut = Partition(600, 3_000, (frozenset({0, 2}),))
    trade = Trade(4, faults=Faults(3_000, partitions=(cut,)))
    settled(trade)
    assert trade.cluster.now > 3_000


def test_what_was_sealed_for_an_epoch_is_opened_in_the_next() -> None:
    """The last batch of an epoch is opened under its key; later ones are sealed under another."""
    trade = Trade(4)
    last = trade.genesis.lane.last_height(0)
    trade.to_key()
    trade.step(last - 3 - trade.height)
    trade.seal(1, 2, 3)
    item = trade.to_live()
    assert item.epoch == 0
    trade.to_key(1)
    trade.step(max(0, last - trade.height))
    assert layout.key_of(trade.state, 1, 0).digest != layout.key_of(trade.state, 1, 1).digest
    trade.seal(1, 2, 3)
    ends = trade.to_end(2)
    trade.judge()
    assert {ending for ending, _ in ends.values()} == {"SETTLED"}
    assert all(height > last for _, height in ends.values())
    batches = {
        item.epoch for h in range(trade.height) for item in layout.live(trade.checker.state_at(h))
    }
    assert batches == {0, 1}
