"""Chains with keys made, once a session; every test goes on from a copy."""

from __future__ import annotations

import functools

import pytest

from node.testing.lane import LaneChain
from node.testing.market import Market


@functools.cache
def _with_keys(n: int) -> LaneChain:
    chain = LaneChain(n)
    chain.make_key(0)
    chain.make_key(1)
    return chain


@pytest.fixture(scope="session")
def with_keys():
    """`with_keys(n)`: n validators, keys of both domains for epoch 0, at height 8."""
    return lambda n=4: _with_keys(n).copy()


@pytest.fixture
def chain(with_keys) -> LaneChain:
    """Four validators."""
    return with_keys(4)


@pytest.fixture
def fresh():
    """`fresh(n)`: a chain that has only its genesis."""
    return lambda n=4, **options: LaneChain(n, **options)


@functools.cache
def _market() -> Market:
    return Market()


@pytest.fixture(scope="session")
def make_market():
    """Markets that go on from the same height, with keys of epoch 0 made by one validator."""
    return lambda: _market().copy()


@pytest.fixture
def market(make_market) -> Market:
    """One validator, four accounts, three wallets."""
    return make_market()
