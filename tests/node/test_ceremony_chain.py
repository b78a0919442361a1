"""A chain commits to its keys' ceremonies, and begins with no version that is insecure (S-12)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import replace

import pytest

from circuits.key_registry import CEREMONY, Registry, registry_text
from circuits.keys import KeyStore
from node.app import development, founding
from node.app.__main__ import main
from node.app.errors import ForeignGenesis
from node.app.node import Node
from node.app.options import Options
from node.app.process import GENESIS_FILE
from node.core.genesis import Allocation, Genesis, ceremony_digest
from node.core.genesis_file import load_genesis, save_genesis
from node.core.ids import NATIVE, AccountId, tagged_hash
from node.store.memory import MemoryKeyValue
from node.testing.ceremonies import ceremony_parameters, mark_insecure
from node.testing.clock import EPOCH_MS
from node.testing.nodes import memory_node, serving
from zk import params
from zk.errors import (
    DecodeError,
    DevParamsRefused,
    InsecureVersion,
    UnknownKey,
    UnsafeKey,
)
from zk.groth16.example import random_circuit

TOY = "toy/1"
REASON = "a wire is free"
WHEN = "2026-05-01"


@pytest.fixture(scope="module")
def shape():
    return replace(random_circuit(21, rows=5, publics=2)[0], name=TOY)


@pytest.fixture
def folder(shape, tmp_path, monkeypatch):
    """Parameters of this installation, which verifies the toy statement and nothing else."""
    monkeypatch.setattr(development, "STATEMENTS", (TOY,))
    ceremony_parameters(tmp_path / "params", shape)
    monkeypatch.setenv(params.ENV_PARAMS, str(tmp_path / "params"))
    return tmp_path / "params"


def found(**changes) -> Genesis:
    arguments = {"time_ms": EPOCH_MS} | changes
    return founding.genesis("testnet", "local", KeyStore(), **arguments)


# --- the digest -----------------------------------------------------------------------------------


def test_ch34_the_ceremony_digest_covers_statements_and_transcripts_in_one_order() -> None:
    a, b = bytes(32), b"\x01" * 32
    digest = ceremony_digest({"x/1": a, "y/1": b})
    assert digest == ceremony_digest({"y/1": b, "x/1": a})
    text = b"\x02\0\0\0" + b"\x03\0\0\0x/1" + a + b"\x03\0\0\0y/1" + b
    assert digest == tagged_hash("ceremony", text)
    others = ({"x/1": b, "y/1": a}, {"x/1": a}, {"x/1": a, "y/2": b}, {"x/1": a, "y/1": a})
    assert len({digest, *map(ceremony_digest, others)}) == 5


@pytest.mark.parametrize("transcripts", [{}, {"x/1": b""}, {"x/1": bytes(31)}])
def test_ch34_no_statement_or_digest_is_refused(transcripts) -> None:
    with pytest.raises(DecodeError, match="CH-34"):
        ceremony_digest(transcripts)


def test_ch34_genesis_and_chain_id_follow_the_registry(folder) -> None:
    entry = KeyStore().entry(TOY, "local")
    genesis = found()
    assert genesis.ceremony == ceremony_digest({TOY: bytes.fromhex(entry.transcript)})
    other = dataclasses.replace(genesis, ceremony=bytes(32))
    assert other.chain_id != genesis.chain_id
    memory_node(genesis).close()


# --- the node -------------------------------------------------------------------------------------


def test_rpc24_another_ceremony_is_another_chain(folder, tmp_path) -> None:
    """The same circuit and key under another transcript: both digests are named."""
    genesis = found()
    memory_node(genesis).close()
    home = tmp_path / "node"
    Node.create(home, genesis)
    node = Node.open(home)
    node.start()
    node.close()
    path = folder / "registry.toml"
    entries = dict(Registry.load(path).entries)
    other = hashlib.sha256(b"another record").hexdigest()
    entries[TOY, CEREMONY] = replace(entries[TOY, CEREMONY], transcript=other)
    path.write_text(registry_text(entries.values()))
    ours = ceremony_digest({TOY: bytes.fromhex(other)}).hex()
    for start in (lambda: memory_node(genesis), lambda: Node.open(home)):  # the first, and a later
        with pytest.raises(ForeignGenesis, match="RPC-24") as refused:
            start()
        assert genesis.ceremony.hex() in refused.value.message
        assert ours in refused.value.message
        assert refused.value.code == "APP-002"


def test_rpc24_nothing_is_written_for_a_foreign_genesis(folder, tmp_path, capsys) -> None:
    file, home = tmp_path / "genesis.toml", tmp_path / "node"
    save_genesis(dataclasses.replace(found(), ceremony=bytes(32)), file)
    words = ["run", "--home", str(home), "--create", "--genesis", str(file)]
    assert main([*words, "--state", str(tmp_path / "state"), "--port", "0"]) == 8
    assert "RPC-24" in capsys.readouterr().err
    assert not (home / GENESIS_FILE).exists()


def test_ch17_no_other_profile_goes_without_a_ceremony(folder) -> None:
    with pytest.raises(DevParamsRefused, match="CH-17"):
        dataclasses.replace(found(), ceremony=None)
    with pytest.raises(DevParamsRefused, match="CH-17"):
        founding.genesis("testnet", "dev", KeyStore(), time_ms=0)


def test_s12_development_keys_found_no_other_chain(monkeypatch) -> None:
    with pytest.raises(DevParamsRefused) as refused:
        found()
    assert refused.value.code == "PAR-005"
    monkeypatch.setattr(development, "STATEMENTS", ("other/1",))
    with pytest.raises(UnknownKey):
        found()


@pytest.mark.parametrize("weak", ["gamma is delta", "nobody contributed"])
def test_s11_a_node_does_not_start_with_a_key_that_lets_proofs_be_forged(folder, weak) -> None:
    genesis = found()
    path = folder / KeyStore().entry(TOY, "local").verifying_key_file
    document = json.loads(path.read_text())
    if weak == "gamma is delta":
        document["vk_gamma_2"] = document["vk_delta_2"]
    else:
        document["vk_delta_2"], document["vk_gamma_2"] = (
            document["vk_gamma_2"],
            document["vk_beta_2"],
        )
    path.write_text(json.dumps(document))
    for use in (lambda: memory_node(genesis), found):
        with pytest.raises(UnsafeKey) as refused:
            use()
        assert refused.value.code == "PAR-004"


def test_rpc25_no_chain_begins_with_an_insecure_version(folder, tmp_path, capsys) -> None:
    genesis = found()
    save_genesis(genesis, tmp_path / "genesis.toml")
    home = tmp_path / "node"
    Node.create(home, genesis)
    mark_insecure(folder, TOY, WHEN, REASON)
    for begin in (found, lambda: memory_node(genesis), lambda: Node.open(home)):
        with pytest.raises(InsecureVersion, match=f"{WHEN}: {REASON}") as refused:
            begin()
        assert refused.value.code == "PAR-006"
    assert not (home / "chain").exists()
    words = ["run", "--home", str(tmp_path / "new"), "--state", str(tmp_path / "state")]
    assert main([*words, "--create", "--genesis", str(tmp_path / "genesis.toml")]) == 5
    assert "PAR-006" in capsys.readouterr().err
    assert not (tmp_path / "new" / GENESIS_FILE).exists()


def test_rpc25_a_chain_that_exists_goes_on_and_says_so(folder) -> None:
    genesis, database = found(), MemoryKeyValue()
    with serving(memory_node(genesis, database=database)) as client:
        (statement,) = client.status().statements
        assert (statement.insecure, statement.unsafe) == ("", "")
    mark_insecure(folder, TOY, WHEN, REASON)
    with serving(memory_node(genesis, database=database)) as client:
        status = client.status()
        assert status.ready
        assert status.statements[0].insecure == f"toy@1 is INSECURE since {WHEN}: {REASON}"


def test_a_genesis_that_was_asked_for_is_the_one_that_runs(folder, tmp_path, capsys) -> None:
    """`--genesis` beside another chain's folder does not quietly run that other chain."""
    home, file = tmp_path / "node", tmp_path / "other.toml"
    Node.create(home, found())
    save_genesis(found(time_ms=EPOCH_MS + 1), file)
    words = ["run", "--home", str(home), "--state", str(tmp_path / "state"), "--create"]
    assert main([*words, "--genesis", str(file)]) == 5
    assert "APP-004" in capsys.readouterr().err
    assert load_genesis(home / GENESIS_FILE) == found()


def test_a_founded_chain_has_its_allocations_and_no_faucet(folder) -> None:
    owned = (
        Allocation(AccountId(b"\x02" * 32), NATIVE, 5),
        Allocation(AccountId(bytes(32)), NATIVE, 7),
    )
    genesis = found(allocations=owned)
    assert genesis.supply() == {NATIVE: 12}
    with serving(memory_node(genesis, options=Options(port=0, delay_ms=1))) as client:
        status = client.status()
        assert (status.profile, status.faucet) == ("local", None)
        assert client.account(bytes(32)).balance(NATIVE) == 7
