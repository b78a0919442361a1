"""Runs of clusters by seeded schedules."""

from __future__ import annotations

import pytest

from node.testing.cluster.faults import random_faults
from node.testing.cluster.ledger import add, seal
from node.testing.cluster.market import GOLD, SILVER
from node.testing.cluster.simulation import Cluster
from node.testing.cluster.trade import SOLD, Trade


def cluster(seed: int = 0, n: int = 4, *, faults=None, **options) -> Cluster:
    """A cluster with sealed intents and others in its pools."""
    made = Cluster(n, seed=seed, faults=faults, **options)
    made.submit(*(seal(made.keys.sealed(k)) for k in range(8)))
    made.submit(*(add(f"counter{k}", k) for k in range(4)))
    return made


def stormy(seed: int, n: int = 4, height: int = 2, **options) -> Cluster:
    """A run of the seed's own schedule to a height, not yet judged."""
    made = cluster(seed, n, faults=random_faults(seed, n), **options)
    made.run_to(height)
    return made


@pytest.fixture(scope="session")
def make_cluster():
    return cluster


@pytest.fixture(scope="session")
def storm():
    return stormy


def go_through(trade: Trade) -> None:
    """The usual story of a trade, to its end."""
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


@pytest.fixture(scope="session")
def settled():
    """Asserts that a trade goes through."""
    return go_through
