"""Swaps from a wallet's notes: what is spent, what comes back, and that they can be sealed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.effects import BatchScope
from node.core.errors import PolicyRefused
from node.core.ids import NATIVE, Height
from node.intents.check import check_settlement
from node.intents.parties import (
    MAX_SEALED_BYTES,
    PlannedSwap,
    Swap,
    SwapTooLarge,
    build_swap,
    plan_swap,
)
from node.intents.solvers.cycles import solve
from node.intents.solvers.problem import pose
from node.intents.worker import seed_of
from node.lane.services import ScopedExecutor
from private_exec.envelope import size_class_of
from shielded.selection import InsufficientFunds
from shielded.transaction import Scope

SCOPE = Scope(1, 2)


def planned(market, who: int, swap: Swap, **changes) -> PlannedSwap:
    options = {
        "chain_id": market.chain_id,
        "expiry": Height(20),
        "scope": SCOPE,
        "seed": bytes([who]) * 32,
    }
    return plan_swap(market.wallets[who], market.keys[who], swap, **{**options, **changes})


def test_a_swap_spends_one_kind_and_gets_change_and_what_it_wants(market) -> None:
    gold, silver, _ = market.metals
    plan = planned(market, 0, Swap(gold, 60, silver, 30)).plan
    assert plan.imbalance() == {gold: 60, silver: -30}
    assert plan.summary().change == {gold: 40}
    assert plan.summary().paid() == {silver: 30}
    assert plan.scope == SCOPE


def test_nothing_comes_back_of_a_note_given_whole(market) -> None:
    gold, silver, _ = market.metals
    assert planned(market, 0, Swap(gold, 100, silver, 30)).plan.summary().change == {}


def test_a_fee_fits_beside_the_native_kind_only(market) -> None:
    gold, silver, _ = market.metals
    plan = planned(market, 0, Swap(NATIVE, 12, gold, 50, fee=3)).plan
    assert plan.imbalance() == {NATIVE: 15, gold: -50}
    plan = planned(market, 0, Swap(gold, 50, NATIVE, 12, fee=3)).plan
    assert plan.imbalance() == {NATIVE: -9, gold: 50}
    with pytest.raises(SwapTooLarge):
        planned(market, 0, Swap(gold, 50, silver, 12, fee=3))


def test_what_a_wallet_does_not_hold_is_not_given(market) -> None:
    gold, silver, _ = market.metals
    with pytest.raises(InsufficientFunds):
        planned(market, 0, Swap(gold, 101, silver, 1))


@pytest.mark.parametrize("change", [{"give": 0}, {"want": 0}, {"fee": -1}, {"same": True}])
def test_a_swap_that_moves_nothing_is_no_swap(market, change) -> None:
    gold, silver, _ = market.metals
    swap = Swap(gold, 1, silver, 1)
    swap = replace(swap, wants=gold) if change.pop("same", False) else replace(swap, **change)
    with pytest.raises(PolicyRefused):
        planned(market, 0, swap)


def test_three_built_swaps_can_be_sealed_and_settle(market) -> None:
    metals = market.metals
    intents = []
    for who in range(3):
        swap = Swap(metals[who], 60, metals[(who + 1) % 3], 60)
        item = planned(market, who, swap)
        intent = build_swap(item, market.keys[who], market.app, market.prove)
        assert build_swap(item, market.keys[who], market.app, market.prove) == intent
        assert len(intent.to_bytes()) <= MAX_SEALED_BYTES
        assert size_class_of(len(intent.to_bytes())) == 2
        intents.append(intent)
    batch = market.batch(*intents, scope=SCOPE)
    executor = ScopedExecutor(market.executor, BatchScope(SCOPE.domain, SCOPE.epoch, 0))
    view = replace(market.view(scope=SCOPE), executor=executor)
    problem, _ = pose(batch, view, market.registry)
    settlement = problem.settlement(solve(problem, seed_of(batch.id)))
    outcome = check_settlement(batch, settlement, view, market.registry)
    assert not outcome.refused
    assert outcome.score == 3


def test_nothing_of_a_swap_is_in_a_repr(market) -> None:
    gold, silver, _ = market.metals
    item = planned(market, 0, Swap(gold, 61, silver, 30))
    assert "61" not in repr(item) + repr(item.swap)
