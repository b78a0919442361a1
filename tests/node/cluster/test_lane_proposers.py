"""Proposers that lie about how a block begins are refused, and stop nothing (P1-1)."""

from __future__ import annotations

import re

import pytest

from node.lane import lead
from node.testing.cluster.faults import Faults, Lie
from node.testing.cluster.invariants import Violation
from node.testing.cluster.lane_host import BUSY
from node.testing.cluster.lane_liars import LaneLie
from node.testing.cluster.trade import Trade, faulty

SIZES = [4, pytest.param(16, marks=pytest.mark.slow)]


PROPOSERS = {
    LaneLie.SKIPS_LEAD: {"LN-10", "LN-11", "LN-12"},
    LaneLie.LATE_LEAD: {"LN-10", "LN-11", "LN-12"},
    LaneLie.FALSE_LEAD: {"LN-10"},
    LaneLie.HIDES_REVEALS: set(),
}


@pytest.mark.parametrize("lie", PROPOSERS, ids=lambda lie: lie.name.lower())
@pytest.mark.parametrize("n", SIZES)
def test_f_proposers_that_lie_are_refused_and_stop_nothing(n, lie) -> None:
    trade = Trade(n, faults=Faults(liars=dict.fromkeys(faulty(n), lie)), lane=BUSY)
    ends = trade.busy(min(4 * n, 32))
    trade.judge()
    assert {ending for ending, _ in ends.values()} <= {"SETTLED", "UNSOLVED"}
    assert "SETTLED" in {ending for ending, _ in ends.values()}
    found = set(re.findall(r"CH-36: (LN-\d+)", trade.refused()))
    assert found <= PROPOSERS[lie]
    assert bool(found) == bool(PROPOSERS[lie])


@pytest.mark.parametrize("lie", list(Lie), ids=lambda lie: lie.name.lower())
def test_f_liars_of_the_rounds_stop_no_batch(settled, lie) -> None:
    settled(Trade(4, faults=Faults(liars={3: lie})))


def test_p1_1_without_the_guards_the_checker_sees_a_last_look(monkeypatch) -> None:
    """Nobody checks how blocks begin, and execution lets everything through: a liar is believed."""
    monkeypatch.setattr(lead, "check_lead", lambda *_: None)
    monkeypatch.setattr(lead, "waits", lambda *_: "")
    trade = Trade(4, faults=Faults(liars={3: LaneLie.SKIPS_LEAD}), lane=BUSY)
    trade.busy(16)
    with pytest.raises(Violation) as caught:
        trade.judge()
    assert caught.value.what == "last look"
