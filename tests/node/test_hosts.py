"""Nodes as on machines of their own: `chiaro node init`, `run`, `status` with a real CometBFT."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from node.app import development, process, processes
from node.app.process import NodeProcess
from node.app.validator import create_key
from node.cli.session import Places
from node.consensus.cometbft.home import binary
from node.core.genesis import Parameters
from node.core.genesis_file import save_genesis
from node.rpc.client import NodeClient

needs_engine = pytest.mark.skipif(
    binary() is None, reason="CometBFT is not here: `make cometbft`, which needs Go"
)
WAIT_S = 60.0


def until(look, what: str):
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if found := look():
                return found
        time.sleep(0.1)
    raise AssertionError(f"not within {WAIT_S:g} s: {what}")


class Host:
    """One machine: a home, an address of loopback, the commands that its operator types."""

    def __init__(self, folder: Path, address: str, genesis: Path) -> None:
        self.home = folder
        self.address = address
        self.genesis = genesis
        self.places = Places.of(str(folder))
        self.child: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-P", "-m", "node.cli", "--home", str(self.home), "--json", *words]

    def ask(self, *words: str) -> tuple[int, dict]:
        ended = subprocess.run(self.command(*words), capture_output=True, check=False, timeout=60)
        return ended.returncode, json.loads(ended.stdout)

    def init(self, *words: str) -> str:
        given = ["--genesis", str(self.genesis), "--p2p", self.address, "--rpc", "127.0.0.1:0"]
        code, document = self.ask("node", "init", *given, *words)
        assert code == 0, document
        return document["data"]["peer"]

    def run(self) -> None:
        self.child = subprocess.Popen(
            self.command("node", "run"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @property
    def running(self) -> NodeProcess | None:
        return process.find(self.places.node, self.places.state)

    def reasons(self) -> list[str] | None:
        """Why it is not ready; nothing: it is. None: it does not answer."""
        if self.running is None:
            return None
        with NodeClient(self.running.url) as client:
            return [reason.code for reason in client.health().reasons]

    def end(self) -> tuple[int, bytes, bytes]:
        assert self.child is not None
        self.child.send_signal(signal.SIGTERM)
        out, err = self.child.communicate(timeout=WAIT_S)
        return self.child.returncode, out, err


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    folder = Path(tempfile.mkdtemp(prefix="ho", dir="/tmp"))
    key = create_key(folder)
    genesis = development.genesis(
        time.time_ns() // 1_000_000,
        parameters=Parameters(block_time_ms=200),
        validators=(key.public,),
        lane=None,
    )
    save_genesis(genesis, folder / "genesis.toml")
    port = 20000 + os.getpid() % 20000
    found = tuple(
        Host(folder / name, f"127.0.{1 + os.getpid() % 200}.{last}:{port}", folder / "genesis.toml")
        for last, name in ((2, "a"), (3, "b"))
    )
    yield found
    for host in found:
        if host.child is not None and host.child.poll() is None:
            host.child.kill()
            host.child.communicate()
    shutil.rmtree(folder, ignore_errors=True)


@needs_engine
@pytest.mark.oracle_cometbft
def test_a_validator_and_a_node_that_follows_it_on_two_hosts(hosts) -> None:
    first, second = hosts
    key = first.home.parent / "validator.key"
    peer = first.init("--role", "validator", "--validator-key", str(key))
    second.init("--role", "full", "--peer", peer)
    first.run()
    second.run()
    until(lambda: first.reasons() == [], "the validator is ready")
    until(lambda: second.reasons() == [], "the other follows")
    clients = [NodeClient(host.running.url) for host in hosts]
    until(lambda: min(c.status().height for c in clients) >= 3, "three blocks on both")
    assert len({client.block(3).state_root for client in clients}) == 1

    code, document = second.ask("node", "status")
    assert code == 0
    data = document["data"]
    assert (data["role"], data["engine"]["peers"], data["engine"]["syncing"]) == ("full", 1, False)
    assert data["engine"]["node"] != peer.partition("@")[0]

    engine = processes.engine_of(second.places.node)
    assert engine is not None
    processes.pause(engine)
    try:
        until(lambda: second.reasons() == ["engine"], "a silent CometBFT is told")
        code, document = second.ask("node", "status")
        assert (code, document["data"]["ready"]) == (1, False)
    finally:
        processes.resume(engine)
    until(lambda: second.reasons() == [], "it speaks again")

    for client in clients:
        client.close()
    for host in (second, first):
        code, out, err = host.end()
        assert code == 0
        assert json.loads(out)["data"]["stopped"] is True
        for line in err.splitlines():
            assert "event" in json.loads(line)
        assert key.read_bytes().split()[1] not in out + err
