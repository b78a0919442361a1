"""Keys of a chain: linted, those of genesis, vouched for by a registry or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from circuits.key_registry import CEREMONY, DEV, KeyEntry, Registry
from circuits.keys import KeyStore
from node.app import development, founding
from node.audit import bundle, keys
from node.audit.errors import AuditError, KeysRefused
from node.audit.export import export
from node.audit.perform import Options, perform
from node.audit.sources import FolderSource, bundle_in
from node.core.genesis import ceremony_digest
from node.core.genesis_file import format_genesis
from node.testing.ceremonies import ceremony_parameters
from node.testing.clock import EPOCH_MS
from node.testing.ledger import Ledger
from node.testing.nodes import development_genesis
from zk import params
from zk.curve.bn254 import G2
from zk.errors import DevParamsRefused, ParamsError, UnsafeKey
from zk.formats import snarkjs
from zk.groth16.example import random_circuit
from zk.groth16.keys import VerifyingKey

KEY_FILE = "keys/action-1.vk.json"
TRANSCRIPT = b"\x07" * 32


@pytest.fixture(scope="module")
def listed() -> KeyEntry:
    return Registry.load().entries["action/1", DEV]


@pytest.fixture(scope="module")
def shipped(listed) -> VerifyingKey:
    return snarkjs.read_verifying_key(params.path(listed.verifying_key_file).read_bytes())


@pytest.fixture(scope="module")
def foreign(shipped) -> VerifyingKey:
    """Another key of the same form, such as that of somebody's ceremony."""
    return replace(shipped, delta=(7 * G2.generator()).to_affine())


def document(key: VerifyingKey) -> bytes:
    return snarkjs.dump(snarkjs.verifying_key_document(key))


def registry_of(*entries: KeyEntry) -> Registry:
    return Registry({(entry.statement, entry.origin): entry for entry in entries})


@pytest.fixture(scope="module")
def elsewhere(foreign):
    """Genesis of a chain with a ceremony, which this installation has never heard of."""
    genesis = development_genesis()
    statement = replace(genesis.statements[0], verifying_key=bytes.fromhex(foreign.id))
    ceremony = ceremony_digest({"action/1": TRANSCRIPT})
    return replace(genesis, profile="main", statements=(statement,), ceremony=ceremony)


@pytest.fixture
def vouching(listed, foreign) -> Registry:
    return registry_of(
        replace(
            listed,
            origin=CEREMONY,
            verifying_key=foreign.id,
            seed="",
            unsafe="",
            transcript=TRANSCRIPT.hex(),
            contributions=1,
            beacon="none",
        )
    )


@pytest.fixture
def far(elsewhere, foreign, vouching, bundled, tmp_path):
    """Its bundle, with one empty block and the record of its ceremony."""
    ledger = Ledger(elsewhere)
    ledger.block()
    return bundled(
        ledger,
        tmp_path / "far.tar",
        vouching,
        keys={"action/1": document(foreign)},
        ceremony={"action/1": manifest(elsewhere)},
    )


def manifest(genesis, **changes) -> bytes:
    statement = genesis.statements[0]
    fields = {
        "schema": "chiaro.manifest/1",
        "circuit": "action/1",
        "r1cs": "0x" + statement.r1cs.hex(),
        "verifying_key": "0x" + statement.verifying_key.hex(),
        "transcript": "0x" + TRANSCRIPT.hex(),
        "contributions": [{"number": 1, "name": "Ada"}],
    }
    return json.dumps({**fields, **changes}).encode()


def test_aud009_a_key_that_genesis_does_not_name(members, foreign, audit, tmp_path) -> None:
    members[KEY_FILE] = document(foreign)
    with pytest.raises(KeysRefused) as refused:
        audit(members.write(tmp_path / "b"))
    assert (refused.value.id, refused.value.exit_code) == ("AUD-009", 8)


def test_aud009_keys_of_other_statements_than_genesis_names(members, tmp_path) -> None:
    record = members.manifest().keys[0]
    other = {**{f: getattr(record, f) for f in record.__struct_fields__}, "statement": "other/1"}
    other["file"] = bundle.key_file("other/1")
    members.list[3] = (other["file"], members[KEY_FILE])
    members.set_manifest(keys=[bundle.KeyRecord(**other)])
    with pytest.raises(AuditError) as refused, bundle_in(members.write(tmp_path / "b")):
        pass
    assert refused.value.id == "AUD-009"


def test_aud009_statements_that_this_version_does_not_know() -> None:
    genesis = development_genesis()
    later = replace(genesis, statements=(replace(genesis.statements[0], statement="action/2"),))
    with pytest.raises(KeysRefused) as refused:
        keys.choose(later, {}, Registry.load())
    assert refused.value.id == "AUD-009"
    assert "action/2" in refused.value.message


def test_aud009_a_registry_that_has_the_key_for_another_circuit(listed) -> None:
    with pytest.raises(KeysRefused) as refused:
        keys.choose(development_genesis(), {}, registry_of(replace(listed, r1cs="00" * 32)))
    assert refused.value.id == "AUD-009"


def test_s11_a_key_with_gamma_equal_to_delta_is_refused(members, audit, tmp_path) -> None:
    key = json.loads(members[KEY_FILE])
    key["vk_delta_2"] = key["vk_gamma_2"]
    members[KEY_FILE] = json.dumps(key).encode()
    for trust in (False, True):
        with pytest.raises(UnsafeKey) as refused:
            audit(members.write(tmp_path / "b"), trust_bundled=trust)
        assert (refused.value.id, refused.value.exit_code) == ("PAR-004", 8)


def test_aud010_a_key_that_no_registry_lists(far, audit, foreign) -> None:
    with pytest.raises(KeysRefused) as refused:
        audit(far)
    assert (refused.value.id, refused.value.exit_code) == ("AUD-010", 8)
    assert foreign.id in refused.value.message
    assert "--trust-bundled-keys" in refused.value.fix


def test_aud010_trusted_all_the_same_it_says_so(far, audit, foreign) -> None:
    report = audit(far, trust_bundled=True)
    assert report.valid
    (key,) = report.keys
    assert (key.origin, key.verifying_key) == (keys.BUNDLED, foreign.id)
    assert foreign.id in key.warning


def test_a_registry_that_lists_the_key_vouches_for_it(far, vouching, tmp_path) -> None:
    report = perform(lambda: bundle_in(far), Options(vouching, tmp_path / "work"))
    report.require_valid()
    (key,) = report.keys
    assert (key.origin, key.warning) == (CEREMONY, "")
    assert report.ceremony == [f"action/1: transcript {TRANSCRIPT.hex()}"]
    assert "ceremony of 1 contribution" in key.made


def test_development_keys_are_refused_outside_the_development_profile(listed, shipped) -> None:
    genesis = replace(development_genesis(), profile="main", ceremony=TRANSCRIPT)
    for trust in (False, True):
        with pytest.raises(DevParamsRefused):
            keys.choose(
                genesis, {"action/1": document(shipped)}, registry_of(listed), trust_bundled=trust
            )
    with pytest.raises(ParamsError):
        keys.choose(genesis, {}, registry_of(listed))


@pytest.mark.parametrize(
    "changes",
    [
        {"r1cs": "0x" + "00" * 32},
        {"verifying_key": "0x" + "00" * 32},
        {"transcript": "0x" + "00" * 32},
        {"transcript": "0x07"},
        {"transcript": 7},
    ],
)
def test_aud011_a_record_of_another_ceremony(elsewhere, changes) -> None:
    with pytest.raises(AuditError) as refused:
        keys.check_ceremony(elsewhere, {"action/1": manifest(elsewhere, **changes)}, registry_of())
    assert refused.value.id == "AUD-011"


def test_aud011_a_registry_with_another_ceremony(elsewhere, vouching) -> None:
    """The key is the same, the record of who made it is not (RPC-24)."""
    assert keys.check_ceremony(elsewhere, {}, vouching)
    (entry,) = vouching.entries.values()
    other = registry_of(replace(entry, transcript="00" * 32))
    with pytest.raises(AuditError) as refused:
        keys.check_ceremony(elsewhere, {}, other)
    assert refused.value.id == "AUD-011"


def test_aud011_records_where_genesis_names_no_ceremony(elsewhere) -> None:
    with pytest.raises(AuditError) as refused:
        keys.check_ceremony(
            development_genesis(), {"action/1": manifest(elsewhere)}, Registry.load()
        )
    assert refused.value.id == "AUD-011"
    assert keys.check_ceremony(development_genesis(), {}, Registry.load()) == []


def test_a_chain_of_a_ceremony_takes_its_records_along(tmp_path, monkeypatch) -> None:
    """From `setup import` to a verdict: the toy statement's keys, as any ceremony leaves them."""
    monkeypatch.setattr(development, "STATEMENTS", ("toy/1",))
    shape = replace(random_circuit(21, rows=5, publics=2)[0], name="toy/1")
    entry = ceremony_parameters(tmp_path / "params", shape)
    monkeypatch.setenv(params.ENV_PARAMS, str(tmp_path / "params"))
    registry = Registry.load()
    genesis = founding.genesis("testnet", "local", KeyStore(registry), time_ms=EPOCH_MS)
    ledger = Ledger(genesis)
    ledger.block()
    path = tmp_path / "chain.tar"
    export(FolderSource(ledger.store, genesis, "memory", None), path, registry)
    report = perform(lambda: bundle_in(path), Options(registry, tmp_path / "work"))
    report.require_valid()
    (key,) = report.keys
    assert (key.origin, key.warning) == (CEREMONY, "")
    assert "ceremony of 3 contributions, the last a beacon" in key.made
    assert report.ceremony == [f"toy/1: transcript {entry.transcript}"]
    with bundle_in(path) as source:
        document = json.loads(source.ceremony["toy/1"])
    assert [line["name"] for line in document["contributions"]] == ["Ada", "Bob", "beacon"]


def test_an_insecure_version_is_said(listed) -> None:
    marked = replace(listed, status="insecure", since="2026-05-01", reason="a wire is free")
    _, (used,) = keys.choose(development_genesis(), {}, registry_of(marked))
    assert "INSECURE since 2026-05-01: a wire is free" in used.warning


def test_aud011_in_a_bundle(far, taken_apart, elsewhere, audit, tmp_path) -> None:
    members = taken_apart(far)
    members["ceremony/action-1.json"] = manifest(elsewhere, transcript="0x" + "00" * 32)
    with pytest.raises(AuditError) as refused:
        audit(members.write(tmp_path / "b"), trust_bundled=True)
    assert refused.value.id == "AUD-011"
    members["ceremony/action-1.json"] = b"{"
    with pytest.raises(AuditError) as refused:
        audit(members.write(tmp_path / "c"), trust_bundled=True)
    assert refused.value.id == "AUD-011"


def test_aud007_a_genesis_that_says_another_profile(members, story, audit, tmp_path) -> None:
    """Profile and ceremony are in the chain id: a development chain cannot pass for another."""
    genesis = replace(story.ledger.genesis, profile="main", ceremony=TRANSCRIPT)
    members[bundle.GENESIS] = genesis.to_bytes()
    members[bundle.GENESIS_TEXT] = format_genesis(genesis, json_format=False).encode()
    with pytest.raises(AuditError) as refused:
        audit(members.write(tmp_path / "b"))
    assert refused.value.id == "AUD-007"
    members.set_manifest(chain_id=genesis.chain_id.hex(), profile="main")
    with pytest.raises(DevParamsRefused):
        audit(members.write(tmp_path / "c"))
