"""Commands of the fake peer, and a quick series with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zk import backends
from zk.bench import harness, inputs, peers, works
from zk.bench.peers import Command

FAKE = Path(__file__).with_name("fake_peer.py")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Inputs are made anew; kernels stay where they are."""
    monkeypatch.setattr(inputs, "folder", lambda: tmp_path)


@pytest.fixture
def fake():
    """The command of a peer of some kind."""
    return lambda way="ok", name="fake": Command(name, (sys.executable, str(FAKE), way))


@pytest.fixture
def measure(fake):
    """A series of `fr_mul` with the reference backend and fake peers."""

    def run(*ways: str, rounds: int = 3, pin: bool = True, made=None):
        (work,) = works.find("fr_mul")
        made = made or inputs.make(work, 5, backends.get("reference"))
        ours = {"reference": peers.ours("reference", 1)}
        others = [fake(way, f"peer{index}") for index, way in enumerate(ways)]
        plan = harness.Plan(work, 5, 1, rounds, pin=pin)
        return harness.run(plan, made, ours, others)

    return run
