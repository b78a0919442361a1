"""Real CometBFT: nodes join by a snapshot, though one of those who serve it lies."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from node.app import hosting, localnet, process, sync
from node.app.node import ENGINE_FOLDER
from node.app.process import GENESIS_FILE
from node.consensus.cometbft.home import CONFIG_FILE, Network, Timing, binary
from node.consensus.cometbft.mapping import address_of
from node.consensus.cometbft.query import Query
from node.core.block import Transaction
from node.core.genesis import DEV_FAUCET_SEED
from node.core.ids import NATIVE, EnvironmentId
from node.lane.validator import identity
from node.rpc.client import NodeClient
from node.store.chain import NotKept
from node.testing import small_chunks
from node.testing.localnets import p2p_port, until
from transparent.signature import SigningKey
from transparent.transaction import Transfer, sign
from zk.errors import ChiaroError

needs_engine = pytest.mark.skipif(
    binary() is None, reason="CometBFT is not here: `make cometbft`, which needs Go"
)
FAUCET = SigningKey(DEV_FAUCET_SEED)
INTERVAL = 30


def start(home: Path, program=small_chunks.PROGRAM, interval: int = 0) -> NodeClient:
    running = process.spawn(
        home,
        home / "state",
        port=0,
        create=False,
        cometbft=binary(),
        program=program,
        arguments=("--snapshot-interval", str(interval)),
    )
    return NodeClient(running.url)


def log_of(home: Path) -> list[dict]:
    return [json.loads(line) for line in (home / "state" / "node.log").read_text().splitlines()]


def peers_of(home: Path) -> list[str]:
    text = (home / ENGINE_FOLDER / "config" / CONFIG_FILE).read_text()
    return tomllib.loads(text)["p2p"]["persistent_peers"].split(",")


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short name, since paths of sockets are short."""
    found = Path(tempfile.mkdtemp(prefix="late", dir="/tmp"))
    try:
        yield found
    finally:
        with contextlib.suppress(ChiaroError):
            localnet.down(found)
        shutil.rmtree(found)


def remade(home: Path, genesis, given: dict, network: Network, p2p: str) -> Path:
    """The home of a node that begins with a snapshot; a validator's key in it stays."""
    shutil.rmtree(home / ENGINE_FOLDER, ignore_errors=True)
    (home / GENESIS_FILE).unlink(missing_ok=True)
    given = {**given, "engine.mode": "child", "engine.binary": str(binary())}
    hosting.make(home, genesis, given, p2p=p2p, network=network)
    return home


def signed(server: str, height: int, key: bytes) -> bool:
    """Whether the validator's precommit is in the commit of this height."""
    found = Query(server).ask("commit", height=height)["signed_header"]["commit"]["signatures"]
    own = address_of(key).hex().upper()
    return any(item["validator_address"] == own and item["block_id_flag"] == 2 for item in found)


@needs_engine
@pytest.mark.oracle_cometbft
def test_a_validator_and_another_node_join_by_a_snapshot_and_leave_a_peer_that_lies(
    folder: Path,
) -> None:
    """Three of four validators run; one of them turns a bit of every chunk that it serves."""
    port = p2p_port(5, 3)
    now = time.time_ns() // 1_000_000
    genesis = localnet.create(
        folder, 4, time_ms=now, block_time_ms=100, p2p_port=port, engine_rpc=True,
        timing=Timing(propose=300, vote=150, more=100),
    )  # fmt: skip
    *homes, late = localnet.homes(folder)
    own = identity.load(late / identity.KEY_FILE).public
    programs = [small_chunks.LYING, *[small_chunks.PROGRAM] * 2]
    with ThreadPoolExecutor(3) as threads, contextlib.ExitStack() as stack:
        clients = list(threads.map(start, homes, programs, [INTERVAL, INTERVAL, 0]))
        for client in clients:
            stack.callback(client.close)
        person = SigningKey(b"\x01" * 32).account
        tx = sign(FAUCET, genesis.chain_id, 0, 60, 1000, (Transfer(person, NATIVE, 5),))
        clients[2].submit(Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes())
        shelves = [home / "snapshots" for home in homes[:2]]
        until(lambda: all(list(s.glob("[0-9]*/manifest")) for s in shelves), "snapshots")

        servers = [f"http://127.0.0.{k}:{port + 2}" for k in (2, 3)]
        begin = sync.trusted(genesis, servers)
        peers = (peers_of(homes[1])[0], *peers_of(homes[0])[:2])
        network = Network(peers, sync=begin)
        joining = [
            remade(late, genesis, {"node.role": "validator"}, network, f"127.0.0.5:{port}"),
            remade(folder / "node4", genesis, {}, network, f"127.0.0.6:{port}"),
        ]
        joined = list(threads.map(start, joining))
        for client in joined:
            stack.callback(client.close)
        first = [until(client.status, "a state").height for client in joined]
        for client in joined:
            until(lambda c=client: c.status().height >= max(first) + 3, "blocks behind it")

        everybody = (*clients, *joined)
        at = min(client.status().height for client in everybody)
        views = [client.block(at) for client in everybody]
        assert len({(view.hash, view.root_after) for view in views}) == 1
        assert [client.account(person).balance(NATIVE) for client in joined] == [5, 5]
        logs = [log_of(home) for home in joining]
        for log, client in zip(logs, joined, strict=True):
            (restored,) = [line for line in log if line["event"] == "state restored"]
            assert restored["height"] % INTERVAL == 0
            assert restored["root"] == clients[2].block(restored["height"]).root_after[2:]
            with pytest.raises(NotKept, match="SN-12"):
                client.block(restored["height"])
            # Of the one that lies; and the other's were used.
            assert [line for line in log if line.get("code") == "SN-4"]
        until(lambda: signed(servers[0], clients[0].status().height - 1, own), "its votes")

        # It goes on where it was, and does not sync again.
        process.stop(joining[1], joining[1] / "state")
        again = start(joining[1])
        stack.callback(again.close)
        until(lambda: again.status().height >= at + 3, "it follows")
        events = [line["event"] for line in log_of(joining[1])]
        assert events.count("state restored") == 1
