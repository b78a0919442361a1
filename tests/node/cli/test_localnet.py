"""`chiaro localnet …` as far as it goes without CometBFT; with it: tests/node/test_localnet.py."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

from node.app import relays
from node.consensus.cometbft import home, mapping
from node.core.genesis_file import load_genesis
from node.lane.validator import identity


def test_init_makes_homes_and_folders_for_cometbft(offline) -> None:
    made = offline.json("localnet", "init", "--validators", "3")
    assert made.code == 0, made.out
    folder = offline.home / "localnet"
    assert made.data["folder"] == str(folder)
    genesis = load_genesis(folder / "node0" / "genesis.toml")
    assert made.data["validators"] == ["0x" + key.hex() for key in genesis.validators]
    documents, addresses = [], []
    for number in range(3):
        node = folder / f"node{number}"
        key = identity.load(node / identity.KEY_FILE)
        assert key.secret().hex() not in made.out
        config = node / "engine" / "config"
        own = json.loads((config / "priv_validator_key.json").read_text())
        assert own["address"] == mapping.address_of(key.public).hex().upper()
        for name in ("priv_validator_key.json", "node_key.json"):
            assert stat.S_IMODE((config / name).stat().st_mode) == 0o600
        documents.append((config / "genesis.json").read_text())
        text = (config / "config.toml").read_text()
        assert f'laddr = "tcp://127.0.0.{2 + number}:26656"' in text
        addresses.append(text.count("@127.0.0."))
    assert len(set(documents)) == 1
    assert json.loads(documents[0]) == home.genesis_document(genesis)
    assert addresses == [2, 2, 2]
    again = offline.json("localnet", "init")
    assert (again.code, again.error["code"]) == (5, "APP-004"), again.out


def test_init_beside_what_is_left_of_another_is_refused_and_changes_nothing(offline) -> None:
    offline.json("localnet", "init", "--validators", "2", "--relays")
    folder = offline.home / "localnet"
    shutil.rmtree(folder / "node0")
    key = (folder / "node1" / identity.KEY_FILE).read_bytes()
    again = offline.json("localnet", "init")
    assert (again.code, again.error["code"]) == (5, "APP-004"), again.out
    assert not (folder / "node0").exists()
    assert (folder / "node1" / identity.KEY_FILE).read_bytes() == key
    shutil.rmtree(folder / "node1")
    again = offline.json("localnet", "init")
    assert (again.code, again.error["where"]) == (5, str(folder / relays.RECORD)), again.out
    (folder / relays.RECORD).unlink()
    assert offline.json("localnet", "init").code == 0


def test_init_that_cannot_end_leaves_nothing(offline, monkeypatch) -> None:
    def full(folder, *_, **__):
        if folder.parent.name == "node1":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        folder.mkdir()

    monkeypatch.setattr(home, "make", full)
    refused = offline.json("localnet", "init", "--validators", "2")
    assert (refused.code, refused.error["code"]) == (3, "FIL-001"), refused.out
    assert list((offline.home / "localnet").iterdir()) == []


def test_init_with_stake_gives_each_validator_a_bond(offline) -> None:
    made = offline.json("localnet", "init", "--validators", "2", "--stake")
    assert made.data["stake"] is True
    genesis = load_genesis(offline.home / "localnet" / "node1" / "genesis.toml")
    assert [bond.key for bond in genesis.stake.bonds] == list(genesis.validators)
    assert genesis.stake.epoch_heights == genesis.lane.epoch_heights


def test_status_and_down_of_nodes_that_do_not_run(offline) -> None:
    missing = offline.json("localnet", "status")
    assert missing.error["code"] == "APP-004"
    offline.json("localnet", "init", "--validators", "2")
    found = offline.json("localnet", "status").data
    assert (found["height"], found["running"], found["validators"]) == (None, 0, 2)
    assert [node["pid"] for node in found["nodes"]] == [None, None]
    assert offline.json("localnet", "down").data == {"stopped": 0}
    assert offline("localnet", "status").code == 0


def test_up_without_cometbft_says_how_to_get_it(offline, monkeypatch) -> None:
    offline.json("localnet", "init", "--validators", "2")
    monkeypatch.setattr(home, "binary", lambda: None)
    refused = offline.json("localnet", "up")
    assert "make cometbft" in refused.error["hint"], refused.out


def test_how_many_are_allowed_is_said(offline) -> None:
    assert offline.json("localnet", "init", "--validators", "17").code == 2


def test_disturbing_what_does_not_run_says_so(offline) -> None:
    offline.json("localnet", "init", "--validators", "2")
    for command in ("kill", "pause", "resume"):
        refused = offline.json("localnet", command, "1")
        assert refused.error["code"] == "APP-004", refused.out
        assert "does not run" in refused.error["message"]
        assert "no node 2" in offline.json("localnet", command, "2").error["message"]
    refused = offline.json("localnet", "partition", "0|1")
    assert "--relays" in refused.error["hint"], refused.out


def test_what_kill_and_partition_do_not_understand_is_usage(offline) -> None:
    offline.json("localnet", "init", "--validators", "2", "--relays")
    for words in (
        ("kill", "0", "--app", "--engine"),
        ("kill", "0", "--app", "--both"),
        ("partition",),
        ("partition", "0|1", "--heal"),
        ("partition", "0|1", "--reset", "--delay-ms", "5"),
        ("partition", "a|b"),
    ):
        assert offline.json("localnet", *words).code == 2, words
    refused = offline.json("localnet", "partition", "0|1")
    assert "do not run" in refused.error["message"]


def test_watching_with_json_is_a_document_a_line(offline) -> None:
    offline.json("localnet", "init", "--validators", "1")
    command = [sys.executable, "-P", "-m", "node.cli", "--home", str(offline.home), "--json"]
    with subprocess.Popen(
        [*command, "localnet", "status", "--watch"], stdout=subprocess.PIPE, text=True
    ) as watching:
        found = [json.loads(watching.stdout.readline()) for _ in range(2)]
        watching.send_signal(signal.SIGINT)
        watching.communicate()
    assert watching.returncode == 130
    for document in found:
        assert document["schema"] == "chiaro.localnet.status/1"
        assert document["data"]["nodes"][0]["state"] == "down"


def test_watching_draws_until_interrupted(offline) -> None:
    offline.json("localnet", "init", "--validators", "2")
    command = [sys.executable, "-P", "-m", "node.cli", "--home", str(offline.home)]
    with subprocess.Popen(
        [*command, "localnet", "status", "--watch"], stdout=subprocess.PIPE, text=True
    ) as watching:
        time.sleep(0.2)
        while not (line := watching.stdout.readline()).strip().startswith("1"):
            assert line or watching.poll() is None
        watching.send_signal(signal.SIGINT)
        rest = watching.stdout.read()
    assert watching.returncode == 130
    assert "Traceback" not in rest
    assert "down" in line
