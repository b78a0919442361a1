"""Runs of clusters by seeded schedules."""

from __future__ import annotations

import pytest

from node.testing.cluster.faults import random_faults
from node.testing.cluster.ledger import add, seal
from node.testing.cluster.simulation import Cluster


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
