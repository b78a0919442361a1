"""Validators that lie about keys and shares stop no batch, and are named."""

from __future__ import annotations

import pytest

from node.lane import generation, layout
from node.testing.cluster.faults import Faults
from node.testing.cluster.lane_liars import LaneLie
from node.testing.cluster.trade import Trade, faulty

SIZES = [4, pytest.param(16, marks=pytest.mark.slow)]


ROLES = [
    LaneLie.SILENT,
    LaneLie.BAD_DEALER,
    LaneLie.FALSE_ACCUSER,
    LaneLie.WRONG_SHARES,
    LaneLie.NO_SHARES,
]


@pytest.mark.parametrize("lie", ROLES, ids=lambda lie: lie.name.lower())
@pytest.mark.parametrize("n", SIZES)
def test_f_liars_stop_no_batch(settled, n, lie) -> None:
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
        known = {fault.validator for keeper in trade.keepers for fault in keeper.faults}
        members = {places.index(key) for key in known}
        assert members <= set(faulty(n))
        assert members
        assert "CH-21: LN-29" in trade.refused() or "CH-21: PX-18" in trade.refused()
