"""The emergency path from end to end: real proofs, a chain on disk, its successor in a process."""

from __future__ import annotations

import json

import pytest

from node.app import process
from node.app.node import Node
from node.app.options import Options
from node.cli import pool_state
from node.cli.session import Places
from node.core import genesis_file
from node.core.genesis_file import load_genesis
from node.testing.nodes import development_genesis, serving

UNIT = 10**6


@pytest.fixture
def on_disk(offline):
    """The command line over a development chain in its own home; `stop` ends the node."""
    home = Places.of(str(offline.home)).node
    Node.create(home, development_genesis())
    running = serving(Node.open(home, options=Options(port=0, delay_ms=1)))
    client = running.__enter__()
    offline.url, offline.client = client.url, client
    stopped = []

    def stop():
        if not stopped:
            stopped.append(running.__exit__(None, None, None))

    offline.stop = stop
    yield offline
    stop()


def order(cli, state, *words):
    """A guardian's order, from draft to block; the height of that block."""
    file = str(cli.home.parent / f"{state}.json")
    made = cli.json("guardian", "order", state, "--reason", "a drill", "-o", file, *words)
    assert made.code == 0, made.out
    assert cli.json("guardian", "sign", file, "--dev", "--yes").code == 0
    done = cli.json("guardian", "submit", file, "--yes")
    assert (done.code, done.data["status"]) == (0, "included"), done.out
    return done.data["height"]


def refused(cli, *words):
    result = cli.pay(*words)
    assert result.code == 5, result.out
    return result.error["code"]


def pool(cli):
    return cli.json("chain", "pools").data["pools"][0]


def test_from_the_first_order_to_the_successor(on_disk, monkeypatch) -> None:
    cli = on_disk
    cli.wallet("alice")
    bob = cli.wallet("bob")["address"]
    alice = ("--wallet", "alice")
    assert cli.pay("shield", "10", *alice).code == 0
    assert cli.pay("send", "4", bob, *alice).code == 0
    assert pool(cli)["state"] == "open"

    # exit-only: value leaves, nothing enters, nothing moves inside.
    order(cli, "exit-only")
    assert pool(cli) | {"since": 0} == {
        "pool": "shielded", "state": "exit-only", "since": 0, "deadline": None, "insecure": [],
        "reason": "a drill", "closed_for_good": False,
    }  # fmt: skip
    send, shield = ("send", "1", bob, *alice), ("shield", "1", *alice)
    assert [refused(cli, *words) for words in (send, shield)] == ["EX-34", "EX-34"]
    with monkeypatch.context() as patched:  # a wallet that does not look is refused by the node
        patched.setattr(pool_state, "check", lambda _status, _action: None)
        assert refused(cli, *send) == "EX-34"
    left = cli.pay("unshield", "2", *alice)
    assert left.code == 0
    assert left.document["warnings"] == [
        "the shielded pool is exit-only (a drill): value may only leave it"
    ]
    assert "EXIT-ONLY: a drill" in cli("status").out
    assert cli.json("status").data["pools"] == cli.json("chain", "head").data["pools"]

    # frozen: nothing at all.
    order(cli, "frozen")
    out = ("unshield", "1", *alice)
    assert [refused(cli, *words) for words in (send, shield, out)] == ["EX-33"] * 3
    with monkeypatch.context() as patched:
        patched.setattr(pool_state, "check", lambda _status, _action: None)
        assert refused(cli, *out) == "EX-33"
    assert cli.json("chain", "migrate", "-o", "x.toml").error["code"] == "APP-003", "it runs"

    # insecure, with a deadline: one last block to leave in, then closed for good.
    height = order(cli, "exit-only", "--insecure", "action/1", "--deadline",
                   str(cli.client.status().height + 3))  # fmt: skip
    assert f"by block {height + 2}" in cli.pay(*out).document["warnings"][0]
    back = cli.json("guardian", "order", "open", "--reason", "no", "-o", "never.json")
    assert (back.code, "EX-30" in back.error["message"]) == (5, True)
    cli.client.make_block()
    assert cli.client.status().height == height + 2
    assert refused(cli, *out) == "EX-33"
    assert pool(cli)["closed_for_good"]
    assert "for good" in cli.json("balance", *alice).document["warnings"][0]
    assert "closed for good" in cli("chain", "pools").out
    again = cli.json("guardian", "order", "exit-only", "--reason", "no", "-o", "never.json")
    assert "EX-31" in again.error["message"]
    supply = {row["asset"]: row for row in cli.json("chain", "supply").data["kinds"]}
    account = cli.json("balance", *alice).data["assets"][0]["transparent"]["amount"]
    old = cli.client.status()
    cli.stop()

    # The successor: refused with the broken statement, rehearsed on this development chain.
    genesis = cli.home.parent / "genesis.toml"
    plain = cli.json("chain", "migrate", "-o", str(genesis))
    assert (plain.code, plain.error["code"]) == (5, "MIG-001")
    assert "CH-31" in plain.error["message"]
    assert not genesis.exists()
    with monkeypatch.context() as patched:  # as if there were more balances than a file holds
        size = (Places.of(str(cli.home)).node / "genesis.toml").stat().st_size
        patched.setattr(genesis_file, "MAX_FILE", size)
        big = cli.json("chain", "migrate", "-o", str(genesis), "--rehearsal")
        assert (big.code, big.error["code"], genesis.exists()) == (5, "MIG-001", False)
    made = cli.json("chain", "migrate", "-o", str(genesis), "--rehearsal")
    assert made.code == 0, made.out
    rows = {row["asset"]: row for row in made.data["kinds"]}
    assert rows["native"]["left_behind"] == supply["native"]["shielded"] != "0"
    assert rows["native"]["carried"] == supply["native"]["transparent"]
    for row in rows.values():
        assert int(row["issued"]) == int(row["carried"]) + int(row["left_behind"])
    assert made.data["predecessor"] == {
        "chain_id": old.chain_id, "height": old.height, "block_hash": old.block_hash,
    }  # fmt: skip
    assert made.data["chain_id"] != old.chain_id
    check = ("chain", "migrate", "--check", str(genesis))
    assert cli.json(*check, "--rehearsal").data["chain_id"] == made.data["chain_id"]
    assert cli.json("chain", "migrate", "-o", str(genesis), "--rehearsal").code == 3, "kept"
    assert load_genesis(genesis).chain_id.hex() == made.data["chain_id"][2:]
    forged = cli.home.parent / "forged.toml"
    forged.write_text(genesis.read_text().replace("fee_floor = ", 'fee_floor = "1" #'))
    wrong = cli.json("chain", "migrate", "--check", str(forged), "--rehearsal")
    assert (wrong.code, wrong.error["code"]) == (1, "MIG-002")
    assert "CH-33: parameters" in wrong.error["message"]

    # It starts in another home; the balance is there, the pool open and empty.
    begin_again(cli, genesis, made.data["chain_id"], account, old)


def begin_again(cli, genesis, chain_id, account, old):
    wallets, home = cli.home, cli.home.parent / "next"
    cli.home = home
    try:
        cli.url = "http://127.0.0.1:9"
        started = cli.json("up", "--port", "0", "--genesis", str(genesis))
        assert started.code == 0, started.out
        cli.url = started.data["url"]
        status = cli.json("status").data
        assert status["chain_id"] == chain_id
        assert status["predecessor"]["chain_id"] == old.chain_id
        assert f"block {old.height}" in cli("status").out
        assert status["pools"][0]["state"] == "open"
        supply = {row["asset"]: row for row in cli.json("chain", "supply").data["kinds"]}
        assert (supply["native"]["shielded"], supply["native"]["balanced"]) == ("0", True)
        cli.home = wallets
        assert cli.json("balance", "--wallet", "alice").error["code"] == "WOP-003"
        assert cli.json("sync", "--rescan", "--wallet", "alice").code == 0
        found = cli.json("balance", "--wallet", "alice").data["assets"][0]
        assert found["transparent"]["amount"] == account
        assert found["spendable"]["amount"] == "0"
    finally:
        places = Places.of(str(home))
        process.stop(places.node, places.state)
        cli.home = wallets


def test_a_genesis_for_up_is_a_development_chain_s_and_never_replaces_another(offline) -> None:
    home = Places.of(str(offline.home)).node
    Node.create(home, development_genesis())
    file = offline.home.parent / "genesis.json"
    other = development_genesis()
    from dataclasses import replace

    from node.core.genesis_file import save_genesis

    save_genesis(replace(other, name="another"), file)
    result = offline.json("up", "--port", "0", "--genesis", str(file))
    assert (result.code, result.error["code"]) == (5, "APP-004")
    serious = offline.home.parent / "main.json"
    save_genesis(replace(other, profile="main", ceremony=bytes(32)), serious)
    assert offline.json("up", "--port", "0", "--genesis", str(serious)).code == 2
    assert json.loads(file.read_text())["name"] == "another"


def test_migrate_needs_a_chain_and_one_of_its_two_ways(offline, tmp_path) -> None:
    for words, code in (
        ((), 2),
        (("-o", "x.toml", "--check", "y.toml"), 2),
        (("-o", "x.yaml"), 2),
        (("--check", str(tmp_path / "missing.toml")), 3),
        (("--check", str(tmp_path / "missing.toml"), "--height", "3"), 2),
        (("-o", str(tmp_path / "x.toml")), 5),
    ):
        result = offline.json("chain", "migrate", *words)
        assert result.code == code, (words, result.out)
    assert not (tmp_path / "x.toml").exists()
