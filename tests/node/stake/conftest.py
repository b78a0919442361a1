"""A chain with stake whose blocks are made by hand."""

from __future__ import annotations

import pytest

from node.testing.stake import StakeChain, genesis


@pytest.fixture
def chain() -> StakeChain:
    return StakeChain(genesis())
