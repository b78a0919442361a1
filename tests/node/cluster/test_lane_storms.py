"""The sealed lane in runs by schedules of their own: liars, crashes, partitions, bad weather."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from node.testing.cluster.faults import Lie, random_faults
from node.testing.cluster.lane_host import BUSY
from node.testing.cluster.lane_liars import LaneLie
from node.testing.cluster.trade import Trade


def storm(seed: int, n: int) -> Trade:
    """A run by a schedule of its own: liars of every kind, crashes, a partition, bad weather."""
    draw = random.Random(f"lane {seed} {n}")
    base = random_faults(seed, n, calm_ms=2_500)
    kinds = [*LaneLie, *Lie]
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
