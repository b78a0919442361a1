"""Random walks over ABCI's grammar, with restarts, against the same application called directly.

Ten thousand of them: `make long-faults SCENARIOS=grammar`.
"""

from __future__ import annotations

import asyncio

import pytest

from node.testing.walks import walk

HEIGHTS = 12
SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_ch44_walks_with_restarts_reach_the_roots_of_direct_calls(host, seed: int) -> None:
    found = asyncio.run(walk(host, seed, HEIGHTS))
    assert found.height == HEIGHTS
    assert host.app.info().state_root == found.app_hash


def test_what_is_seen_over_the_socket_is_a_function_of_the_calls(make_host) -> None:
    first, second = make_host(), make_host()
    one, two = asyncio.run(walk(first, 99, HEIGHTS)), asyncio.run(walk(second, 99, HEIGHTS))
    assert one.decided == two.decided
    assert one.app_hash == two.app_hash


def test_ch44_an_application_that_forgets_is_found(host, monkeypatch) -> None:
    """The walk sees what it is for: a block that is executed to something else than directly."""
    executor = type(host.executor)
    monkeypatch.setattr(executor, "__init__", _writes_another_thing)
    with pytest.raises(AssertionError, match="another root"):
        asyncio.run(walk(host, 1, HEIGHTS))


def _writes_another_thing(self) -> None:
    self.writes_too = {b"t/odd": b"%d" % next(COUNT)}
    self.selects_anything = False


COUNT = iter(range(1000))
