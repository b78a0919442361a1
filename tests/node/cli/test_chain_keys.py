"""Spending with keys that are not the chain's, or of an insecure version: told before a draft."""

from __future__ import annotations

import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

from circuits.key_registry import DEV, Registry, registry_text
from node.cli import wallet_spend
from node.private.program_keys import programs
from node.testing.ceremonies import mark_insecure
from zk import params
from zk.errors import InsecureVersion


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the installation's parameters, in their place."""
    copy = shutil.copytree(params.root(), tmp_path / "params")
    monkeypatch.setenv(params.ENV_PARAMS, str(copy))
    return copy


@pytest.fixture
def alice(cli):
    cli.wallet("alice")
    assert cli.pay("shield", "10").code == 0
    return cli


def spends(cli, *actions):
    address = cli.json("address", "new").data["address"]
    for action in actions:
        words = (action, "1", address) if action == "send" else (action, "1")
        yield cli.pay(*words)
        yield cli.json(*words, "--dry-run")


def test_another_key_than_the_chains_is_refused_before_anything(alice, folder) -> None:
    path = folder / "registry.toml"
    entry = Registry.load(path).find("action/1", DEV)
    path.write_text(registry_text([replace(entry, verifying_key="ab" * 32)]))
    for refused in spends(alice, "send", "unshield", "shield"):
        assert (refused.code, refused.error["code"]) == (8, "PAR-003")
        assert "CHIARO_PARAMS" in refused.error["hint"]
    assert len(alice.json("tx", "list").data["operations"]) == 1  # nothing was begun


def test_an_insecure_version_is_refused_before_anything(alice, folder) -> None:
    mark_insecure(folder, "action/1", "2026-05-01", "a wire is free")
    for refused in spends(alice, "send", "shield"):
        assert (refused.code, refused.error["code"]) == (5, "PAR-006")
        assert "a wire is free" in refused.error["message"]
    assert len(alice.json("tx", "list").data["operations"]) == 1
    assert alice.json("balance").code == 0  # seeing needs no proof
    assert all(done.code == 0 for done in spends(alice, "unshield"))  # nor is anyone locked in


def test_an_insecure_program_stops_who_bids_or_orders_and_nobody_else(folder) -> None:
    program = next(iter(programs()))
    keys = [Registry.load().find(name, DEV) for name in ("action/1", program)]
    named = [SimpleNamespace(id=k.statement, verifying_key="0x" + k.verifying_key) for k in keys]
    status = SimpleNamespace(name="chain", statements=named)
    wallet_spend.check_keys(status, DEV, "bid")
    mark_insecure(folder, program, "2026-05-01", "a bid is free")
    for action in ("bid", "order"):
        with pytest.raises(InsecureVersion, match="a bid is free"):
            wallet_spend.check_keys(status, DEV, action)
    for action in ("send", "shield", "unshield", "donate"):
        wallet_spend.check_keys(status, DEV, action)


def test_status_warns_of_an_insecure_version(offline, folder) -> None:
    from node.store.memory import MemoryKeyValue
    from node.testing.nodes import development_genesis, memory_node, serving

    database = MemoryKeyValue()
    with serving(memory_node(development_genesis(), database=database)):
        pass
    mark_insecure(folder, "action/1", "2026-05-01", "a wire is free")
    with serving(memory_node(development_genesis(), database=database)) as client:
        offline.url = client.url
        told = offline.json("status")
        shown = offline("status")
    text = "action@1 is INSECURE since 2026-05-01: a wire is free"
    assert told.data["insecure"] == [text]
    assert text in told.document["warnings"]
    assert text in shown.err
