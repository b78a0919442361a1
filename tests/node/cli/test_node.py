"""`chiaro node`: homes of nodes on machines of their own, and the process in the foreground."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import tomllib

import httpx
import pytest

from node.app import hosting, process, settings
from node.app.errors import NoNode
from node.app.node import Node
from node.app.validator import create_key
from node.cli.session import Places
from node.consensus.cometbft import inspect
from node.consensus.cometbft.home import Network, Place
from node.core.errors import NotFound, Unreachable
from node.core.genesis_file import save_genesis
from node.lane.validator import identity
from node.testing.nodes import VALIDATOR, development_genesis
from zk import files
from zk.errors import ChiaroError

PEER = "0123456789abcdef0123456789abcdef01234567@127.0.0.9:26656"
WAIT_S = 60.0


def raising(error: ChiaroError):
    def call(path) -> None:
        raise error

    return call


@pytest.fixture
def genesis_file(tmp_path):
    path = tmp_path / "genesis.toml"
    save_genesis(development_genesis(), path)
    return path


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "moved.key"
    content = b"chiaro-validator-key/1 " + VALIDATOR.secret().hex().encode() + b"\n"
    files.write(path, content, mode=files.PRIVATE)
    return path


def test_init_says_what_peers_must_know_and_keeps_the_rest_private(
    offline, genesis_file, key_file
) -> None:
    words = ["node", "init", "--genesis", str(genesis_file), "--role", "validator"]
    words += ["--validator-key", str(key_file), "--peer", PEER, "--private", PEER[:40]]
    words += ["--external", "node.example.org:26656", "--metrics", "127.0.0.1:9464", "--exchange"]
    data = offline.json(*words).data
    home = Places.of(str(offline.home)).node
    node_id, _, address = data["peer"].partition("@")
    assert address == "node.example.org:26656"
    assert len(bytes.fromhex(node_id)) == 20
    assert data["validator"] == "0x" + VALIDATOR.public.hex()
    found = tomllib.loads((home / "engine/config/config.toml").read_text())
    assert found["p2p"]["persistent_peers"] == PEER
    assert found["p2p"]["pex"] is True
    assert settings.load(home).text("node.metrics") == "127.0.0.1:9464"
    for name in (
        "validator.key",
        "engine/config/priv_validator_key.json",
        "engine/config/node_key.json",
    ):
        assert (home / name).stat().st_mode & 0o777 == 0o600
    secret = VALIDATOR.secret().hex()
    assert secret not in json.dumps(data)
    refused = offline(*words, "--json")
    assert refused.code == 5
    assert "RPC-54" in refused.error["message"]


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("--role", "king"), "RPC-50"),
        (("--role", "light"), "RPC-50"),
        (("--role", "validator"), "RPC-51"),
        (("--metrics", "here"), "RPC-50"),
        (("--peer", "127.0.0.1:1"), "CH-58"),
        (("--p2p", "127.0.0.1"), "CH-58"),
        (("--p2p", "127.0.0.1:" + "9" * 5000), "CH-58"),
        (("--metrics", "0.0.0.0:9464"), "RPC-52"),
        (("--rpc", "0.0.0.0:7420"), "RPC-1"),
    ],
)
def test_a_refused_init_leaves_nothing(offline, genesis_file, words, rule) -> None:
    refused = offline("node", "init", "--genesis", str(genesis_file), *words, "--json")
    assert refused.code == (5 if rule == "RPC-1" else 3)
    assert rule in refused.error["message"]
    assert not Places.of(str(offline.home)).node.exists()


def test_rpc54_a_home_is_made_whole_or_not_at_all(tmp_path, monkeypatch) -> None:
    def fails(home, genesis) -> None:
        raise OSError("no space")

    home = tmp_path / "home"
    key = create_key(tmp_path)
    genesis = development_genesis()
    said = {"node.role": "full", "engine.mode": "child"}
    with monkeypatch.context() as patched:
        patched.setattr(Node, "create", fails)
        with pytest.raises(OSError, match="no space"):
            hosting.make(home, genesis, said)
    assert list(home.iterdir()) == []
    made = hosting.make(home, genesis, said, network=Network((PEER,)))
    assert made.validator is None
    with pytest.raises(NoNode, match="RPC-54"):
        hosting.make(home, genesis, said)
    (home / "genesis.toml").unlink()  # the engine's folder alone is enough
    with pytest.raises(NoNode, match="RPC-54"):
        hosting.make(home, genesis, said)
    (home / "genesis.toml").write_text("")
    with pytest.raises(NoNode, match="RPC-54"):
        hosting.make(home, genesis, said, key_file=tmp_path / identity.KEY_FILE)
    assert key.public != VALIDATOR.public


def test_rpc54_a_key_that_another_put_there_meanwhile_stays(
    tmp_path, key_file, monkeypatch
) -> None:
    home = tmp_path / "home"

    def meanwhile(*given) -> Place:
        create_key(home)
        return Place(*given)

    monkeypatch.setattr(hosting, "Place", meanwhile)
    said = {"node.role": "validator", "engine.mode": "embedded"}
    with pytest.raises(FileExistsError):
        hosting.make(home, development_genesis(), said, key_file=key_file)
    assert [path.name for path in home.iterdir()] == [identity.KEY_FILE]
    assert identity.load(home / identity.KEY_FILE).public != VALIDATOR.public


def test_a_node_in_the_foreground_logs_json_is_ready_and_ends_with_sigterm(
    offline, genesis_file, key_file, monkeypatch
) -> None:
    words = ["node", "init", "--genesis", str(genesis_file), "--role", "validator"]
    words += ["--engine", "embedded", "--validator-key", str(key_file), "--rpc", "127.0.0.1:0"]
    offline.json(*words)
    places = Places.of(str(offline.home))
    assert offline("node", "status", "--json").code == 6
    command = [sys.executable, "-P", "-m", "node.cli", "--home", str(offline.home), "--json"]
    with (
        subprocess.Popen(
            [*command, "node", "run", "--metrics", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as child,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(child.kill)  # where what follows fails, nobody else would
        deadline = time.monotonic() + WAIT_S
        while (running := process.find(places.node, places.state)) is None:
            assert child.poll() is None, child.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        found = offline("node", "status", "--json")
        assert found.code == 0
        assert found.data["ready"] is True
        assert found.data["role"] == "validator"
        with monkeypatch.context() as patched:
            (places.node / "engine").mkdir()
            (places.node / "engine" / "rpc.sock").touch()
            for error in (NotFound("an empty answer"), Unreachable("it is silent")):
                patched.setattr(inspect, "ask", raising(error))
                found = offline("node", "status", "--json")
                assert (found.code, found.data["engine"]) == (0, None)
                assert error.message in found.document["warnings"]
        assert httpx.get(f"{running.url}/health/live").status_code == 200
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=WAIT_S)
    assert child.returncode == 0
    assert json.loads(out)["data"]["stopped"] is True
    lines = [json.loads(line) for line in err.splitlines()]
    events = [line["event"] for line in lines]
    events.remove("metrics")  # at any moment before it is ready
    assert events == ["chain open", "ready", "stopped"]
    assert VALIDATOR.secret().hex().encode() not in out + err


def test_run_needs_a_home_with_settings(offline) -> None:
    refused = offline("node", "run", "--json")
    assert (refused.code, refused.error["code"]) == (5, "APP-004")
    with pytest.raises(ChiaroError) as spawned:
        process.spawn(Places.of(str(offline.home)).node, offline.home / "s", port=0, create=False)
    assert spawned.value.id == "APP-004"
