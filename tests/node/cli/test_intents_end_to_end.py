"""One person alone: a node in the background, two wallets, a swap with real proofs, a solver."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from node.app import process
from node.cli.session import Places

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
TICK_MS = 600
"""Of the lane: five heights are what a solver has, its process's start included."""
ROUNDS = 3
"""On a busy machine a batch may be over before a command has begun; then both order again."""


def chiaro(home: Path, *words: str, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "node.cli", "--home", str(home), "--json", *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in codes, (words, done.stdout, done.stderr)
    return json.loads(done.stdout)["data"]


@dataclass
class Story:
    home: Path
    to: tuple[str, ...]
    ends: dict[str, dict[str, Any]]
    balances: dict[str, dict[str, str]]
    batch: str


def settle(story_home: Path, to: tuple[str, ...], yes: tuple[str, ...]) -> dict[str, Any]:
    """Order both until they met in a batch that was settled."""
    ends: dict[str, dict[str, Any]] = {}
    for _ in range(ROUNDS):
        with ThreadPoolExecutor(3) as at_once:
            solver = at_once.submit(
                chiaro, story_home, "solver", "run", "--once", "--wallet", "solver", *yes,
                codes=(0, 7),
            )  # fmt: skip
            sent = [
                at_once.submit(chiaro, story_home, "intent", "submit", "1", "--wallet", who, *yes)
                for who in ("alice", "bob")
            ]
            assert {future.result()["intent"]["stage"] for future in sent} <= {
                "ordered",
                "closed",
                "opened",
            }
            for who in ("alice", "bob"):
                words = ("intent", "status", "1", "--wait", "--wallet", who, *to)
                ends[who] = chiaro(story_home, *words, codes=(0, 1))["intent"]
            solver.result()
        if {end["stage"] for end in ends.values()} == {"settled"}:
            return ends
    pytest.fail(f"never met: {ends}")


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("intents")
    home, secret = folder / "home", folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    places = Places.of(str(home))
    node = process.spawn(places.node, places.state, port=0, lane_tick_ms=TICK_MS)
    try:
        to = ("--node", node.url)
        yes = (*to, "--yes", "--password-file", str(secret))
        for who in ("alice", "bob", "solver"):
            chiaro(home, "wallet", "new", who, *yes)
        chiaro(home, "shield", "10", "--asset", "gold", "--wallet", "alice", *yes)
        chiaro(home, "shield", "10", "--asset", "silver", "--wallet", "bob", *yes)
        swaps = {"alice": ("2", "gold", "5", "silver"), "bob": ("5", "silver", "2", "gold")}
        for who, (give, sold, want, bought) in swaps.items():
            words = ("--give", give, sold, "--want", want, bought, "--expires", "64")
            chiaro(home, "intent", "new", "swap", *words, "--wallet", who, *yes)
        ends = settle(home, to, yes)
        balances = {
            who: {
                item["asset"]: item["spendable"]["amount"]
                for item in chiaro(home, "balance", "--wallet", who, *to)["assets"]
            }
            for who in swaps
        }
        batch = f"{ends['alice']['domain']}/{ends['alice']['batch']}"
        yield Story(home, to, ends, balances, batch)
    finally:
        process.stop(places.node, places.state)


def test_both_have_what_they_wanted(story) -> None:
    assert story.balances["alice"]["gold"] == "8"
    assert story.balances["alice"]["silver"] == "5"
    assert story.balances["bob"]["gold"] == "2"
    assert story.balances["bob"]["silver"] == "5"
    assert story.ends["alice"]["batch"] == story.ends["bob"]["batch"]


def test_the_settlement_is_explained_and_the_supply_adds_up(story) -> None:
    told = chiaro(story.home, "solver", "explain", story.batch, *story.to)
    assert [entry["fate"] for entry in told["entries"]] == ["ok", "ok"]
    assert [item["code"] for item in told["components"]] == ["ok"]
    won = chiaro(story.home, "solver", "solutions", story.batch, *story.to)["solutions"]
    assert [item["won"] for item in won if item["best"]] == [True]
    assert chiaro(story.home, "chain", "supply", *story.to)["balanced"] is True


def test_the_password_is_in_no_file_below_the_home(story) -> None:
    for path in story.home.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path
