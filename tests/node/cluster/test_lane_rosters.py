"""Clusters whose stake is unequal and moves: each epoch's own members make its key and open it.

Validators vote with what they have in genesis for the whole run; the rosters of epochs follow what
becomes of the stake (ST-1). What every run is judged by: `node.testing.cluster.trade`.
"""

from __future__ import annotations

import pytest

from node.core.ids import AccountId, Height
from node.lane import holders, layout
from node.lane.layout import Stage
from node.lane.payload import RevealTx
from node.lane.validator import extension
from node.stake import state as entries
from node.stake.faults import FaultKind
from node.stake.transaction import BondTx, EvidenceTx, Tag, sign, wire
from node.testing.cluster import lane_checks
from node.testing.cluster.faults import Faults
from node.testing.cluster.lane_host import QUICK, STAKE_UNIT, owner
from node.testing.cluster.lane_liars import LaneLie
from node.testing.cluster.trade import Trade

LAST = QUICK.last_height(1)
"""Of the last epoch that has the roster of genesis."""


def moves(trade: Trade, tag: Tag, place: int, amount: int) -> None:
    """The owner of a validator's stake bonds more, or gives notice, in the next block."""
    tx = BondTx(
        tag,
        trade.genesis.chain_id,
        trade.genesis.validators[place],
        AccountId(owner(place).account),
        amount * STAKE_UNIT,
        10_000,
        Height(trade.height + 30),
    )
    trade.cluster.submit(wire(sign(tx, owner(place))), late_ms=0)


def shares_of(trade: Trade, epoch: int) -> list[int]:
    """By place in genesis."""
    held = holders.of(trade.state, trade.genesis, epoch)
    members = [held.member(key) for key in trade.genesis.validators]
    return [0 if m is None else held.roster.members[m].shares for m in members]


def openings(trade: Trade) -> dict[int, int]:
    """Height of the block that opened each batch, by number."""
    return {
        tx.number: height
        for height in range(1, trade.height + 1)
        for tx in lane_checks.leads(trade.checker, height)
        if isinstance(tx, RevealTx)
    }


@pytest.mark.parametrize(
    ("stakes", "shares"),
    [((3, 1, 1, 1), [4, 1, 1, 1]), ((9, 4, 4, 1), [2, 1, 1, 0])],
)
def test_a_batch_is_ordered_opened_and_settled_by_unequal_holders(settled, stakes, shares) -> None:
    trade = Trade(4, stakes=stakes)
    settled(trade)
    assert shares_of(trade, 0) == shares
    assert trade.refused() == ""
    assert all(not keeper.faults for keeper in trade.keepers)


LIES = [LaneLie.BAD_DEALER, LaneLie.WRONG_SHARES]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name.lower())
def test_liars_with_less_than_a_third_stop_no_batch(settled, lie) -> None:
    """Two of five, with six of twenty."""
    settled(Trade(5, stakes=(5, 5, 4, 3, 3), faults=Faults(liars=dict.fromkeys((3, 4), lie))))


def test_one_with_more_than_a_third_lets_a_batch_die_unread() -> None:
    """One of four, with half; the others, three quarters of all validators, cannot open it."""
    lie = LaneLie.NO_SHARES | LaneLie.HIDES_REVEALS
    trade = Trade(4, stakes=(6, 2, 2, 2), faults=Faults(liars={0: lie}))
    trade.to_key()
    trade.seal(1, 2, 3)
    assert {ending for ending, _ in trade.to_end().values()} == {"UNREVEALED"}
    trade.judge()


def test_r15_a_roster_changes_while_what_was_sealed_before_waits() -> None:
    """The last batch of an epoch closes with it, and is opened by members of whom one has left."""
    trade = Trade(4, stakes=(9, 4, 4, 1), lane=QUICK)
    trade.step()
    moves(trade, Tag.UNBOND, 0, 9)
    moves(trade, Tag.BOND, 3, 8)
    trade.to_key(1)
    trade.to_height(LAST - 2)
    trade.seal(1, 2, 3)
    item = trade.to_live()
    assert item.epoch == 1
    trade.to_height(LAST)
    assert layout.live(trade.state)[0].stage is Stage.CLOSED
    before, after = shares_of(trade, 1), shares_of(trade, 2)
    assert before[0] > 0 == before[3]
    assert after[0] == 0 < after[3]
    old = layout.key_of(trade.state, 1, 1)
    assert sum(before[1:]) < old.parameters.quorum  # nobody opens it without who has left
    trade.to_key(2)
    assert layout.key_of(trade.state, 1, 2).roster != old.roster
    trade.seal(1, 2, 3)
    ends = trade.to_end(2)
    trade.judge()
    assert {ending for ending, _ in ends.values()} == {"SETTLED"}
    first, second = sorted(openings(trade).items())
    assert first[1] == LAST + 1
    assert second[1] > LAST + 1
    assert trade.refused() == ""


def test_r15_a_member_that_left_says_nothing_about_batches_of_the_next_epoch() -> None:
    trade = Trade(4, stakes=(9, 4, 4, 1), lane=QUICK)
    trade.step()
    moves(trade, Tag.UNBOND, 0, 9)
    moves(trade, Tag.BOND, 3, 8)
    trade.to_key(2)
    trade.to_height(LAST)
    trade.seal(1, 2, 3)
    item = trade.to_live()
    assert item.epoch == 2
    while layout.live(trade.state)[0].stage is Stage.OPEN:
        trade.step()
    height = Height(trade.height + 1)
    said = [
        [m.member for m in extension.decode(keeper.extend(trade.state, height))]
        for keeper in trade.keepers
    ]
    roster = layout.key_of(trade.state, 1, 2).roster
    places = [holders.member(roster, key) for key in trade.genesis.validators]
    assert places[0] is None
    assert said[0] == []
    assert all(told in ([], [place]) for told, place in zip(said, places, strict=True))
    assert {ending for ending, _ in trade.to_end().values()} == {"SETTLED"}
    trade.judge()


def test_r15_who_was_punished_loses_its_share_of_later_keys() -> None:
    """Its wrong shares are evidence; batches go on, and no roster from then on names it."""
    trade = Trade(
        4, stakes=(3, 3, 3, 3), lane=QUICK, faults=Faults(liars={3: LaneLie.WRONG_SHARES})
    )
    trade.to_key()
    trade.seal(1, 2, 3)
    while not any(keeper.evidence(trade.state) for keeper in trade.keepers):
        trade.step()
    proofs = {item for keeper in trade.keepers for item in keeper.evidence(trade.state)}
    assert {kind for kind, _ in proofs} == {FaultKind.WRONG_SHARE}
    for kind, data in sorted(proofs):
        trade.cluster.submit(wire(EvidenceTx(trade.genesis.chain_id, kind, data)), late_ms=0)
    liar = trade.genesis.validators[3]
    trade.step(3)
    found = entries.validator(trade.state, liar)
    assert found.fault > 0
    assert found.bonded < 3 * STAKE_UNIT
    later = QUICK.epoch_of(found.fault) + 2
    trade.to_key(later)
    assert all(shares_of(trade, later - 1))  # fixed before it was known
    assert [bool(n) for n in shares_of(trade, later)] == [True, True, True, False]
    assert holders.member(layout.key_of(trade.state, 1, later).roster, liar) is None
    assert {ending for ending, _ in trade.to_end().values()} == {"SETTLED"}
    trade.judge()
