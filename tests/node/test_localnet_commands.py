"""`chiaro localnet` on real CometBFT: disturbed, healed, interrupted, and nothing left of it."""

from __future__ import annotations

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

import pytest

from node.app import localnet, process, processes, relays
from node.cli.main import main
from node.consensus.cometbft.home import binary
from node.rpc.client import NodeClient
from node.testing.localnets import free_port, p2p_port, until

pytestmark = [
    pytest.mark.oracle_cometbft,
    pytest.mark.skipif(binary() is None, reason="CometBFT is not here: `make cometbft`, needs Go"),
]
ADDRESSES = ["127.0.0.2", "127.0.0.3", "127.0.1.3", "127.0.2.2"]


class Chiaro:
    """The command, in a folder with a short name, since paths of sockets are short."""

    def __init__(self, capsys) -> None:
        self.capsys = capsys
        self.home = Path(tempfile.mkdtemp(prefix="cli", dir="/tmp"))
        self.folder = self.home / "localnet"

    def begin(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "node.cli", "--home", str(self.home), "--json"]
        return subprocess.Popen(
            [*command, "localnet", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str) -> dict:
        with pytest.raises(SystemExit) as ended:
            main(["--home", str(self.home), "--json", "localnet", *words])
        out, err = self.capsys.readouterr()
        assert ended.value.code == 0, out + err
        return json.loads(out)["data"]

    def states(self) -> list[str]:
        return [node["state"] for node in self("status")["nodes"]]

    def left(self) -> list[object]:
        """Processes and sockets."""
        pids = [pid for home in localnet.homes(self.folder) for pid in processes.of_home(home)]
        return [*pids, *self.folder.rglob("*.sock"), *(["relays"] * relays.running(self.folder))]


@pytest.fixture
def chiaro(capsys) -> Iterator[Chiaro]:
    found = Chiaro(capsys)
    yield found
    if found.folder.exists():
        localnet.down(found.folder)
    shutil.rmtree(found.home)


def test_a_localnet_is_disturbed_and_nothing_of_it_is_left(chiaro: Chiaro) -> None:
    port = str(free_port(ADDRESSES, 2))
    chiaro("init", "--validators", "2", "--relays", "--block-ms", "200", "--p2p-port", port)
    up = chiaro("up", "--port", "0")
    assert (up["running"], up["height"] >= 1) == (2, True)
    assert chiaro("up", "--port", "0")["height"] > up["height"]

    assert chiaro("partition", "0|1")["parted"] == [[0, 1]]
    time.sleep(1)
    before = chiaro("status")["height"]
    time.sleep(2)
    assert chiaro("status")["height"] == before
    assert chiaro("partition", "--heal")["parted"] == []
    assert chiaro("up")["height"] > before

    paused = chiaro("pause", "1")
    assert len(paused["pids"]) == 2
    assert chiaro.states() == ["up", "paused"]
    assert chiaro("resume", "1")["pids"] == paused["pids"]
    killed = chiaro("kill", "0", "--engine")
    assert killed["pids"] == [up["nodes"][0]["engine_pid"]]
    assert chiaro.states() == ["down", "up"]
    chiaro("pause", "1")  # so that no block comes, and `up` waits for one
    again = chiaro.begin("up", "--port", "0")
    home = chiaro.folder / "node0"
    until(lambda: process.find(home, home / processes.STATE_FOLDER), "node 0 answers", 60)
    time.sleep(2)  # `up` knows it by then
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=60)
    assert again.returncode == 130
    assert chiaro.states() == ["down", "paused"]  # what it started is stopped, and nothing else
    chiaro("resume", "1")
    assert chiaro("up", "--port", "0")["running"] == 2
    chiaro("pause", "0")
    pids = [pid for home in localnet.homes(chiaro.folder) for pid in processes.of_home(home)]
    assert len(pids) == 4
    assert chiaro("down") == {"stopped": 2}
    assert chiaro.left() == []
    assert all(processes.gone(pid) for pid in pids)

    starting = chiaro.begin("up", "--port", "0")
    until(lambda: len(chiaro.left()) >= 3, "relays and a node begin")
    starting.send_signal(signal.SIGINT)
    starting.communicate(timeout=60)
    assert starting.returncode == 130
    assert chiaro.left() == []


def test_an_engine_that_others_start_may_end_and_come_back(chiaro: Chiaro) -> None:
    """As two units of systemd would: the node stays where its CometBFT goes, and the other way."""
    port = p2p_port(1)
    localnet.create(
        chiaro.folder, 1, time_ms=time.time_ns() // 10**6, block_time_ms=100, p2p_port=port
    )
    (home,) = localnet.homes(chiaro.folder)
    folder = home / "engine"

    def engine() -> subprocess.Popen[bytes]:
        (folder / "rpc.sock").unlink(missing_ok=True)
        with (folder / "engine.log").open("ab") as log:
            return subprocess.Popen(
                [localnet.binary(), "start", "--home", folder], stdout=log, stderr=log
            )

    def node() -> process.NodeProcess:
        return process.spawn(
            home, home / "state", port=0, create=False, arguments=("--cometbft",), timeout=120
        )

    def reaches(client: NodeClient, height: int) -> None:
        until(lambda: client.status().height >= height, f"block {height}")

    running = node()
    decides = engine()
    try:
        with NodeClient(running.url) as client:
            reaches(client, 2)
            decides.kill()
            decides.wait()
            stands = client.status().height
            decides = engine()
            reaches(client, stands + 2)
        os.kill(running.pid, signal.SIGKILL)
        os.waitpid(running.pid, 0)
        decides.kill()  # it may end by itself, or hang
        decides.wait()
        running, decides = node(), engine()
        with NodeClient(running.url) as client:
            reaches(client, stands + 4)
        decides.terminate()
        decides.wait(30)
        assert process.stop(home, home / "state") is not None
    finally:
        decides.kill()
        decides.wait()
