"""What a node tells of itself: a closed list of measurements, and whether it is ready."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from node.app import development, health, monitor
from node.app.errors import BadSettings
from node.app.health import LEAST_AGE_S, MOST_INTERVALS, Seen
from node.app.meters import Meters
from node.app.monitor import listen_on_loopback
from node.app.options import Options
from node.consensus.cometbft import inspect
from node.consensus.cometbft.inspect import EngineStatus
from node.core.errors import InvalidTransaction, Unreachable
from node.core.genesis import Parameters
from node.testing.clock import EPOCH_MS
from node.testing.nodes import VALIDATOR, memory_node, serving

PAGE = Path(__file__).parents[2] / "docs" / "production.md"
RUNNING = EngineStatus(height=7, syncing=False, peers=3, node="ab")
READY = Seen(started=True, age_s=1.0, interval_s=1.0, driven=True, engine=RUNNING, disk_free=9)


def ask(app, path: str, host: str = "127.0.0.1") -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.get(path)

    return asyncio.run(once())


def families(text: str) -> set[str]:
    found = (line.split()[2] for line in text.splitlines() if line.startswith("# TYPE"))
    return {name for name in found if not name.endswith("_created")}


def listed() -> set[str]:
    """Of docs/production.md."""
    return set(re.findall(r"^\| `(chiaro_[a-z_]+)`", PAGE.read_text(encoding="utf-8"), re.M))


def until_it_lagged(node) -> str:
    """What is told once the loop was looked at, which it is twenty times a second."""
    last = time.monotonic() + 20
    while True:
        text = ask(node.monitor.app, "/metrics").text
        if "chiaro_loop_lag_seconds_count 0.0" not in text or time.monotonic() > last:
            return text
        time.sleep(0.05)


@pytest.fixture
def node(genesis):
    return memory_node(genesis)


def test_rpc52_the_list_of_measurements_is_closed_and_names_nobody(node, make_person) -> None:
    with serving(node) as client:
        alice, bob = make_person(client, b"alice"), make_person(client, b"bob")
        client.faucet(alice.account, 10**6)
        tx_id, data = alice.transfer(bob.account, 5)
        client.submit(data)
        client.wait_for_tx(tx_id)
        with pytest.raises(InvalidTransaction, match="sequence number"):
            client.submit(alice.transfer(bob.account, 5, sequence=0)[1])
        text = until_it_lagged(node)
        height = client.status().height
    # A counter is listed by the name that a scrape has; of processes, what Linux tells.
    found = {name for name in families(text) if not name.startswith("chiaro_process_")}
    assert found <= listed()
    only_elsewhere = {
        name
        for name in listed()
        if name.startswith(("chiaro_engine_", "chiaro_disk_", "chiaro_snapshot_"))
    }
    assert (
        listed() - found - {n for n in listed() if n.startswith("chiaro_process_")}
        == only_elsewhere
    )
    assert "chiaro_process_resident_memory_bytes" in text
    assert not re.search(r"[0-9a-f]{16}", re.sub(r"\d+\.\d+", "", text))
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(values["chiaro_block_height"]) <= height
    assert float(values['chiaro_transactions_total{outcome="ok"}']) >= 2
    assert float(values['chiaro_call_seconds_count{call="check"}']) >= 2
    assert float(values['chiaro_call_seconds_count{call="finalize"}']) >= 2
    assert float(values["chiaro_loop_lag_seconds_count"]) > 0
    assert values["chiaro_ready"] == "1.0"


def test_rpc52_nodes_of_one_process_count_for_themselves(genesis) -> None:
    first, second = Meters(), Meters()
    first.block(3, 1000, 2, 1)
    assert first.registry.get_sample_value("chiaro_block_height") == 3
    assert second.registry.get_sample_value("chiaro_block_height") == 0


def test_rpc52_metrics_are_on_loopback_or_nowhere(node) -> None:
    with pytest.raises(BadSettings, match="RPC-52"):
        listen_on_loopback(("0.0.0.0", 0))  # noqa: S104
    with listen_on_loopback(("127.0.0.1", 0)) as taken, pytest.raises(Unreachable, match="listen"):
        listen_on_loopback(("127.0.0.1", taken.getsockname()[1]))
    refused = ask(node.monitor.app, "/metrics", host="example.org")
    assert refused.status_code == 403
    assert "RPC-6" in refused.text
    node.close()


def test_rpc52_they_are_served_beside_the_node(genesis) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(memory_node(genesis, options=Options(port=0, metrics=("127.0.0.1", port)))):
        found = httpx.get(f"http://127.0.0.1:{port}/metrics")
        assert "chiaro_block_height" in found.text
        assert httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200


SEEN = {
    "starting": replace(READY, started=False),
    "engine": replace(READY, engine=None),
    "syncing": replace(READY, engine=replace(RUNNING, syncing=True)),
    "behind": replace(READY, age_s=LEAST_AGE_S + 1),
    "diverged": replace(READY, age_s=LEAST_AGE_S + 1, diverged=True),
    "disk": replace(READY, disk_reserve=10),
}


@pytest.mark.parametrize("code", SEEN)
def test_rpc53_a_node_that_is_not_ready_says_why(code: str) -> None:
    assert health.reasons(READY) == ()
    (reason,) = health.reasons(SEEN[code])
    assert reason.code == code
    assert reason.text


def test_rpc53_a_node_that_waits_for_a_snapshot_is_syncing() -> None:
    (reason,) = health.reasons(replace(READY, started=False, joining=True))
    assert (reason.code, "snapshot" in reason.text) == ("syncing", True)


def test_rpc53_how_old_a_block_may_be_follows_the_timer() -> None:
    slow = replace(READY, interval_s=10.0, age_s=10.0 * MOST_INTERVALS - 1)
    assert health.reasons(slow) == ()
    assert health.reasons(replace(slow, age_s=10.0 * MOST_INTERVALS + 1))[0].code == "behind"
    assert health.reasons(replace(READY, age_s=None)) == ()  # blocks on demand


@pytest.mark.parametrize("private", [None, development.PRIVATE], ids=["on demand", "private"])
def test_rpc53_a_chain_whose_blocks_come_by_time_is_behind_without_them(private) -> None:
    parameters = Parameters(block_time_ms=development.PRIVATE_BLOCK_MS)
    genesis = development.genesis(
        EPOCH_MS, parameters=parameters, validators=(VALIDATOR.public,), private=private
    )
    node = memory_node(genesis)
    node.start()
    node.monitor.started = True
    node.meters.last_ms = 1
    found = {reason.code for reason in node.monitor.reasons()}
    assert found == (set() if private is None else {"behind"})
    node.close()


def test_rpc53_votes_for_another_state_are_looked_at_where_no_block_comes(
    genesis, monkeypatch
) -> None:
    node = memory_node(genesis)
    node.start()
    node.options = replace(node.options, engine=Path("engine"))
    voted = (0, bytes(32))
    monkeypatch.setattr(monitor, "voted_root", lambda _: voted)
    look = node.monitor._differs
    assert not look(Path("rpc.sock"))  # nothing is old
    node.meters.last_ms = 1
    assert look(Path("rpc.sock"))
    for voted in (None, (0, node.store.root), (1, bytes(32))):
        assert not look(Path("rpc.sock")), voted
    node.close()


VOTED = {"header": {"height": "29", "app_hash": "02A1"}}
PROPOSED = {"header": {"height": "29", "app_hash": "FF"}}


@pytest.mark.parametrize(
    ("valid", "proposed", "round_", "found"),
    [
        (None, None, -1, None),
        (None, PROPOSED, -1, None),
        (None, None, 0, None),
        (VOTED, PROPOSED, -1, (28, b"\x02\xa1")),
        (None, VOTED, 0, (28, b"\x02\xa1")),
    ],
)
def test_what_two_thirds_voted_for_names_the_state_before_it(
    valid, proposed, round_, found, monkeypatch
) -> None:
    state = {"valid_block": valid, "proposal_block": proposed, "commit_round": round_}
    answer = {"round_state": {"height": "29", **state}}
    monkeypatch.setattr(inspect.Query, "ask", lambda *_: answer)
    assert inspect.voted_root(Path("rpc.sock")) == found


def test_rpc53_live_and_ready_are_answered_on_both_ports(genesis) -> None:
    node = memory_node(genesis)
    for app in (node.monitor.app, node.server().app):
        assert ask(app, "/health/live").status_code == 200
        found = ask(app, "/health/ready", host="any.example")
        assert found.status_code == 503
        assert [reason["code"] for reason in found.json()["reasons"]] == ["starting"]
    with serving(node) as client:
        assert client.health().ready
        node.monitor._free = 0
        node.options = replace(node.options, disk_reserve=1)
        view = client.health()
        assert not view.ready
        assert [reason.code for reason in view.reasons] == ["disk"]
        assert httpx.get(f"{client.url}/health/live").status_code == 200
