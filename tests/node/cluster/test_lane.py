"""Clusters of real validators with the sealed lane: keys, orders, reveals, settlements, and liars.

Every run is judged by `judge`: agreement and validity (a fresh replay), shares of final blocks only
(PX-1), no last look (P1-1), nothing opened early.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from node.core.ids import NATIVE
from node.core.lane import MAX_REVEAL_WINDOW
from node.lane import generation, layout, lead
from node.lane.errors import LaneOutdated
from node.lane.layout import Stage
from node.lane.payload import RevealTx
from node.lane.validator.keeper import Keeper
from node.testing.cluster import lane_checks, market
from node.testing.cluster.faults import Faults, Lie, Partition, random_faults
from node.testing.cluster.invariants import Violation
from node.testing.cluster.keys import entropy
from node.testing.cluster.lane_host import BUSY, LANE, LaneHost, LaneKit
from node.testing.cluster.lane_liars import LaneLie
from node.testing.cluster.market import GOLD, SILVER, START, trader
from node.testing.cluster.simulation import Cluster
from transparent.accounts import Ledger

SOLD = {1: 60, 2: 100, 3: 60}
"""What traders 1 to 3 sell; 1 and 3 gold, 2 silver, at one for one."""


class Trade:
    """A cluster, three traders and a solver; what they do follows from the chain."""

    def __init__(self, n: int, *, seed: int = 1, faults: Faults | None = None, lane=None) -> None:
        lane = lane or (LANE if n < 16 else BUSY)  # more validators, more messages that are late
        self.kit = LaneKit.of(n, allocations=market.allocations(4), lane=lane)
        self.genesis = self.kit.keys.genesis
        self.cluster = Cluster(n, seed=seed, faults=faults, kit=self.kit)
        self.services = market.services_of(self.genesis, self.kit.verifier)
        self.sealer = market.Sealer(self.genesis)
        self.checker = self.cluster.checker
        self.height = 0
        self.solved: set[bytes] = set()
        self.nonce = 0

    @property
    def state(self):
        return self.checker.state

    def step(self, heights: int = 1) -> None:
        """Go on; the solver settles whatever was opened."""
        for _ in range(heights):
            self.height += 1
            self.cluster.run_to(self.height)
            for item in layout.live(self.state):
                if item.stage is Stage.SOLVING and item.ref not in self.solved:
                    self.solved.add(item.ref)
                    tx = market.solved(self.services, self.state, item, trader(0))
                    if tx is not None:
                        self.cluster.submit(tx, late_ms=0)

    def to_key(self, epoch: int = 0) -> None:
        while layout.key_of(self.state, 1, epoch) is None:
            self.step()
            assert self.height < self.genesis.lane.last_height(epoch)

    def seal(self, *who: int) -> None:
        """Seal an order of each, for the next block."""
        for k in who:
            sell, buy = (SILVER, GOLD) if k == 2 else (GOLD, SILVER)
            self.nonce += 1
            intent = market.order(
                self.genesis, k, sell, SOLD[k], buy, expiry=self.height + 60, nonce=self.nonce
            )
            fresh = entropy("seal", self.cluster.seed, self.nonce)
            height = self.height + 1
            tx = self.sealer.seal(self.state, height, intent.to_bytes(), trader(k), fresh)
            self.cluster.submit(tx, late_ms=0)

    def to_end(self, batches: int = 1, most: int = 60) -> dict:
        """Until so many batches are over; how they ended."""
        for _ in range(most):
            ended = lane_checks.endings(self.checker, self.height)
            if len(ended) >= batches and not layout.live(self.state):
                return ended
            self.step()
        raise AssertionError(f"nothing ended up to {self.height}: {layout.live(self.state)}")

    def judge(self) -> None:
        self.cluster.finish()
        lane_checks.check_no_last_look(self.checker, self.height)
        lane_checks.check_nothing_opened_early(self.checker, self.height)

    def balance(self, who: int, kind) -> int:
        return Ledger(self.state).balance(trader(who).account, kind) - START

    def refused(self) -> str:
        """Why honest validators refused what they refused."""
        return "\n".join(line for line in self.cluster.lines if " refuses " in line)

    def keepers(self):
        return [self.cluster.running[place].host.keeper for place in self.cluster.honest]


def settled(trade: Trade) -> None:
    """The usual story, and that it went through."""
    trade.to_key()
    trade.seal(1, 2, 3)
    ends = trade.to_end()
    assert {ending for ending, _ in ends.values()} == {"SETTLED"}, ends
    trade.judge()
    gold = {who: trade.balance(who, GOLD) for who in SOLD}
    silver = {who: trade.balance(who, SILVER) for who in SOLD}
    assert sum(gold.values()) == sum(silver.values()) == 0
    assert gold[2] == -silver[2] == 100
    assert -silver[2] == silver[1] + silver[3]


def faulty(n: int) -> range:
    """The last f of n."""
    return range(n - (n - 1) // 3, n)


def sizes(*slow: int):
    return [4, *(pytest.param(n, marks=pytest.mark.slow) for n in slow or (7, 16))]


@pytest.mark.parametrize("n", [7, *sizes(16)])
def test_a_batch_is_ordered_opened_and_settled(n) -> None:
    trade = Trade(n)
    settled(trade)
    assert trade.refused() == ""
    assert all(not keeper.faults for keeper in trade.keepers())


def test_shares_in_votes_alone_open_a_batch(monkeypatch) -> None:
    """As where an engine carries extensions and there is no other way between validators."""
    monkeypatch.setattr(LaneHost, "hear", lambda *_: None)
    settled(Trade(4))


def test_shares_beside_the_votes_alone_open_a_batch(monkeypatch) -> None:
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


ROLES = [
    LaneLie.SILENT,
    LaneLie.BAD_DEALER,
    LaneLie.FALSE_ACCUSER,
    LaneLie.WRONG_SHARES,
    LaneLie.NO_SHARES,
]


@pytest.mark.parametrize("lie", ROLES, ids=lambda lie: lie.name.lower())
@pytest.mark.parametrize("n", sizes())
def test_f_liars_stop_no_batch(n, lie) -> None:
    trade = Trade(n, faults=Faults(liars=dict.fromkeys(faulty(n), lie)))
    settled(trade)
    attempt = layout.attempt(trade.state, 1, 0).number
    faults = generation.finding(trade.state, 1, 0, attempt).faults
    blamed = {fault.member for fault in faults}
    if lie in LaneLie.SILENT | LaneLie.BAD_DEALER | LaneLie.FALSE_ACCUSER:
        assert blamed == (set() if lie is LaneLie.SILENT else set(faulty(n)))
    else:
        assert blamed == set()
    if lie is LaneLie.WRONG_SHARES:
        places = trade.genesis.validators
        known = {fault.validator for keeper in trade.keepers() for fault in keeper.faults}
        members = {places.index(key) for key in known}
        assert members <= set(faulty(n))
        assert members
        assert "CH-21: LN-29" in trade.refused() or "CH-21: PX-18" in trade.refused()


def busy(trade: Trade, heights: int) -> dict:
    """A sealed order in every block; how the batches ended, after so many heights."""
    trade.to_key()
    last = trade.height + heights
    while trade.height < last:
        trade.seal(1 + trade.height % 3)
        trade.step()
    return trade.to_end()


PROPOSERS = {
    LaneLie.SKIPS_LEAD: {"LN-10", "LN-11", "LN-12"},
    LaneLie.LATE_LEAD: {"LN-10", "LN-11", "LN-12"},
    LaneLie.FALSE_LEAD: {"LN-10"},
    LaneLie.HIDES_REVEALS: set(),
}


@pytest.mark.parametrize("lie", PROPOSERS, ids=lambda lie: lie.name.lower())
@pytest.mark.parametrize("n", sizes())
def test_f_proposers_that_lie_are_refused_and_stop_nothing(n, lie) -> None:
    trade = Trade(n, faults=Faults(liars=dict.fromkeys(faulty(n), lie)), lane=BUSY)
    ends = busy(trade, min(4 * n, 32))
    trade.judge()
    assert {ending for ending, _ in ends.values()} <= {"SETTLED", "UNSOLVED"}
    assert "SETTLED" in {ending for ending, _ in ends.values()}
    found = set(re.findall(r"CH-36: (LN-\d+)", trade.refused()))
    assert found <= PROPOSERS[lie]
    assert bool(found) == bool(PROPOSERS[lie])


@pytest.mark.parametrize("lie", list(Lie), ids=lambda lie: lie.name.lower())
def test_f_liars_of_the_rounds_stop_no_batch(lie) -> None:
    settled(Trade(4, faults=Faults(liars={3: lie})))


@pytest.mark.parametrize("n", sizes())
def test_more_than_f_that_withhold_let_a_batch_die_unread(n) -> None:
    """P1-6: it expires, its fees go back, and nobody reads it; the chain goes on."""
    lie = LaneLie.NO_SHARES | LaneLie.HIDES_REVEALS
    places = range(n - (n - 1) // 3 - 1, n)
    trade = Trade(n, faults=Faults(liars=dict.fromkeys(places, lie)))
    trade.to_key()
    trade.seal(1, 2, 3)
    while not layout.live(trade.state):
        trade.step()
    (item,) = layout.live(trade.state)
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


@pytest.mark.parametrize("n", sizes())
def test_f_crashes_and_a_restart_of_all_lose_no_batch(n) -> None:
    """f are down while a batch closes and is opened; then all at once while it is solved."""
    trade = Trade(n)
    trade.to_key()
    down = tuple(faulty(n))
    trade.seal(1, 2, 3)
    while not layout.live(trade.state):
        trade.step()
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


def test_a_validator_that_restarts_goes_on_with_its_secrets() -> None:
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


def test_islands_without_a_quorum_open_nothing_and_go_on_together() -> None:
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
    while not layout.live(trade.state):
        trade.step()
    (item,) = layout.live(trade.state)
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


def storm(seed: int, n: int) -> Trade:
    """A run by a schedule of its own: liars of every kind, crashes, a partition, bad weather."""
    draw = random.Random(f"lane {seed} {n}")
    base = random_faults(seed, n, calm_ms=2_500)
    kinds = [*ROLES, *PROPOSERS, *Lie]
    places = draw.sample(range(n), draw.randint(0, (n - 1) // 3))
    faults = replace(base, liars={place: draw.choice(kinds) for place in places})
    trade = Trade(n, seed=seed, faults=faults, lane=BUSY)
    trade.to_key(1 if draw.random() < 0.1 else 0)
    for _ in range(6):
        trade.seal(1 + draw.randrange(3))
        trade.step()
    ends = trade.to_end()
    trade.judge()
    assert ends
    return trade


@pytest.mark.parametrize("seed", range(1, 5))
def test_p1_1_storms_n4(seed) -> None:
    storm(seed, 4)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "seeds"), [(4, range(5, 30)), (7, range(1, 10))])
def test_p1_1_storms_long(n, seeds) -> None:
    for seed in seeds:
        storm(seed, n)


def test_p1_1_without_the_guards_the_checker_sees_a_last_look(monkeypatch) -> None:
    """Nobody checks how blocks begin, and execution lets everything through: a liar is believed."""
    monkeypatch.setattr(lead, "check_lead", lambda *_: None)
    monkeypatch.setattr(lead, "waits", lambda *_: "")
    trade = Trade(4, faults=Faults(liars={3: LaneLie.SKIPS_LEAD}), lane=BUSY)
    busy(trade, 16)
    with pytest.raises(Violation) as caught:
        trade.judge()
    assert caught.value.what == "last look"
