"""The node as a process: started in the background, stopped, killed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from node.app import __main__ as program
from node.app.errors import AlreadyRunning, BadSettings, DiskRefused, StartFailed
from node.app.node import Node
from node.app.process import (
    ERROR_FILE,
    LOG_FILE,
    PROCESS_FILE,
    NodeProcess,
    Starting,
    find,
    last_error,
    spawn,
    stop,
)
from node.core.errors import Unreachable
from node.core.genesis_file import load_genesis
from node.core.ids import NATIVE
from node.lane.errors import DamagedLog
from node.lane.validator.secrets import AttemptId, FileSecrets
from node.rpc.client import NodeClient
from node.rpc.text import bytes_of
from zk import files
from zk.errors import ChiaroError, DecodeError


@pytest.fixture
def places(tmp_path):
    home, state = tmp_path / "node", tmp_path / "state"
    yield home, state
    stop(home, state)


def test_rpc16_rpc17_start_find_and_stop(places) -> None:
    home, state = places
    assert find(home, state) is None
    assert stop(home, state) is None
    running = spawn(home, state, port=0)
    assert find(home, state) == running
    with NodeClient(running.url) as client:
        status = client.status()
        assert status.chain_id == "0x" + running.chain_id
        assert (status.profile, status.height) == ("dev", 0)
        waiting: list[float] = []
        waiter = threading.Thread(target=lambda: waiting.append(len(client.events(0, 9).blocks)))
        waiter.start()
        with pytest.raises(AlreadyRunning, match=running.url):
            spawn(home, state, port=0)
        assert stop(home, state) == running
        waiter.join()
        assert waiting == [0]  # those who wait are answered, not cut off
    assert find(home, state) is None
    assert not (state / PROCESS_FILE).exists()
    lines = [json.loads(line) for line in (state / LOG_FILE).read_text().splitlines()]
    assert [line["event"] for line in lines] == ["chain open", "ready", "stopped"]


def test_rpc17_sigterm_ends_with_code_0(places) -> None:
    home, state = places
    command = [sys.executable, "-P", "-m", "node.app", "run", "--home", home, "--state", state]
    with subprocess.Popen([*command, "--port", "0", "--create"], stderr=subprocess.PIPE) as child:
        while NodeProcess.read(state) is None:
            assert child.poll() is None, child.stderr.read()
            time.sleep(0.02)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0


def test_rpc15_the_process_refuses_optimisation(places) -> None:
    home, state = places
    command = [sys.executable, "-O", "-P", "-m", "node.app", "run", "--home", home, "--create"]
    ended = subprocess.run(
        [*command, "--state", state], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 70
    assert "RPC-15" in ended.stderr


def test_why_it_did_not_start_is_the_error_it_was(places) -> None:
    home, state = places
    home.mkdir()
    (home / "genesis.toml").write_text("profile = 1\n")
    with pytest.raises(ChiaroError, match="CH-16") as refused:
        spawn(home, state, port=0)
    assert refused.value.id == DecodeError.code
    assert find(home, state) is None


def test_settings_that_it_did_not_start_with_are_the_error_they_are(places) -> None:
    home, state = places
    home.mkdir()
    (home / "node.toml").write_text("[node]\nrol = 'full'\n")
    with pytest.raises(BadSettings, match=r"RPC-50: there is no setting .node\.rol") as refused:
        spawn(home, state, port=0)
    assert refused.value.exit_code == BadSettings.exit_code


def test_what_a_disk_refuses_is_an_error_of_its_own_and_no_bug(places, monkeypatch) -> None:
    home, state = places

    class Full(Node):
        @classmethod
        def open(cls, home, **_):
            raise OSError(errno.ENOSPC, "No space left on device")

    words = ["run", "--home", str(home), "--state", str(state), "--port", "0", "--create"]
    assert program.main(words, Full) == DiskRefused.exit_code
    told = last_error(state)
    assert isinstance(told, DiskRefused)
    assert told.message == "No space left on device"

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write", full)
    (state / ERROR_FILE).unlink()
    assert program.main(words, Full) == DiskRefused.exit_code  # though it cannot say so
    assert last_error(state) is None


def test_a_node_that_could_not_even_say_why_ended_on_a_full_disk(tmp_path, monkeypatch) -> None:
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as child:
        child.wait()
    starting = Starting(child, tmp_path)
    with pytest.raises(StartFailed, match="ended with code 3"):
        starting.ready()
    usage = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DiskRefused, match=r"ended with code 3 .* the disk is full"):
        starting.ready()


def test_a_taken_port_is_named(places, tmp_path) -> None:
    home, state = places
    running = spawn(home, state, port=0)
    with pytest.raises(Unreachable, match=str(running.port)):
        spawn(tmp_path / "other", tmp_path / "other-state", port=running.port)


def kills(places, make_person, times: int) -> None:
    """Kill the process again and again while a client pays; what was told must stay true."""
    home, state = places
    told: dict[bytes, tuple[int, str]] = {}
    recipient = None
    for turn in range(times):
        running = spawn(home, state, port=0, delay_ms=1)
        with NodeClient(running.url) as client:
            alice, bob = make_person(client, b"alice"), make_person(client, b"bob")
            recipient = bob.account
            for tx_id, (height, block_hash) in told.items():
                view = client.transaction(tx_id)
                assert (view.status, view.receipt.height) == ("included", height)
                assert view.block_hash == block_hash
            assert client.supply().balanced
            if turn == 0:
                client.faucet(alice.account, 10**9)
            timer = threading.Timer(0.15 + 0.13 * turn, os.kill, (running.pid, signal.SIGKILL))
            timer.start()
            try:
                while True:
                    tx_id, data = alice.transfer(recipient, 1)
                    client.submit(data)
                    done = client.wait_for_tx(tx_id, timeout=30)
                    told[tx_id] = (done.receipt.height, done.block_hash)
            except Unreachable:
                timer.join()
        os.waitpid(running.pid, 0)
        assert find(home, state) is None
    running = spawn(home, state, port=0)
    with NodeClient(running.url) as client:
        paid = client.account(recipient).balance(NATIVE)
        assert len(told) <= paid <= len(told) + times  # a block may be whole and not yet told
        assert told
        for tx_id, (height, block_hash) in told.items():
            assert client.block(height).hash == block_hash
            assert bytes_of(client.transaction(tx_id).tx_id) == tx_id


def test_rpc17_kill_9_loses_nothing_that_was_told(places, make_person) -> None:
    kills(places, make_person, 2)


@pytest.mark.slow
def test_rpc17_kill_9_many_times(places, make_person) -> None:
    kills(places, make_person, 25)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are read from /proc")
def test_a_node_leaves_no_image_of_its_memory(places) -> None:
    """It holds a validator's key and secrets."""
    home, state = places
    running = spawn(home, state, port=0)
    lines = Path(f"/proc/{running.pid}/limits").read_text().splitlines()
    (found,) = [line.split() for line in lines if line.startswith("Max core file size")]
    assert found[4:6] == ["0", "0"]


def test_a_lost_log_of_shares_keeps_its_exit_code(places) -> None:
    home, state = places
    spawn(home, state, port=0)
    stop(home, state)
    secrets = FileSecrets(home / "lane" / "secrets", load_genesis(home / "genesis.toml").chain_id)
    secrets.put(AttemptId(0, 0, 0), bytes(32))
    with pytest.raises(DamagedLog, match="LN-27") as refused:
        spawn(home, state, port=0)
    assert refused.value.exit_code == 3
