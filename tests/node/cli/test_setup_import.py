"""`chiaro setup import`, `genesis`: a verified ceremony becomes a folder of keys, and a chain."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from circuits.key_registry import Registry
from node.app import development
from node.core.genesis import ceremony_digest
from node.core.genesis_file import load_genesis
from node.lane.validator.identity import ConsensusKey
from node.testing.ceremonies import mark_insecure
from transparent.signature import SigningKey
from zk import params
from zk.backends import get
from zk.formats.ptau import write_ptau
from zk.formats.r1cs import write_r1cs
from zk.formats.zkey import read_zkey, write_zkey
from zk.groth16.ceremony.beacon import Beacon
from zk.groth16.ceremony.initial import initial_key
from zk.groth16.ceremony.phase1 import contribute_powers, new_powers
from zk.groth16.ceremony.phase2 import contribute
from zk.groth16.example import random_circuit

STATEMENT = "mine/3"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Both phases of a small circuit's ceremony, and files that do not belong to it."""
    folder, backend = tmp_path_factory.mktemp("import"), get()
    shape = replace(random_circuit(3, rows=9, publics=3)[0], name="mine")
    write_r1cs(shape, folder / "mine.r1cs")
    write_r1cs(random_circuit(4, rows=9, publics=3)[0], folder / "other.r1cs")
    powers, _ = contribute_powers(new_powers(5, backend), backend, seed=b"1" * 32, name="Ada")
    write_ptau(powers, folder / "p.ptau")
    first = initial_key(shape, powers, backend)
    write_zkey(first, folder / "0.zkey", plain=True)
    key, _ = contribute(first, backend, seed=b"2" * 32, name="Bob")
    write_zkey(key, folder / "nobeacon.zkey", plain=True)
    last, _ = contribute(key, backend, beacon=Beacon(b"\xcd" * 8, 10))
    write_zkey(last, folder / "last.zkey", plain=True)
    write_zkey(replace(key, gamma_g2=key.delta_g2), folder / "weak.zkey", plain=True)
    tampered = key.h.copy()
    tampered[0] = tampered[1]
    write_zkey(replace(key, h=tampered), folder / "tampered.zkey", plain=True)
    return folder


@pytest.fixture
def place(made, tmp_path, monkeypatch) -> Path:
    shutil.copytree(made, tmp_path / "files")
    monkeypatch.chdir(tmp_path / "files")
    return tmp_path / "files"


def imported(offline, zkey: str = "last.zkey", *words: str):
    known = ("--ptau", "p.ptau", "--params", "params")
    return offline("setup", "import", zkey, *known, *(words or WORDS), "--json")


WORDS = ("--r1cs", "mine.r1cs", "--statement", STATEMENT)


def test_import_then_genesis(offline, place, monkeypatch) -> None:
    done = imported(offline)
    assert done.code == 0, done.out
    assert done.document["schema"] == "chiaro.setup.import/1"
    assert (done.data["statement"], done.data["contributions"]) == (STATEMENT, 2)
    assert done.data["beacon"] == "0x" + "cd" * 8
    assert done.document["warnings"] == []
    folder = place / "params"
    listed = Registry.load(folder / "registry.toml")
    entry = listed.find(STATEMENT, "local")
    assert "0x" + entry.verifying_key == done.data["verifying_key"]
    assert all((folder / name).is_file() for name in done.data["files"])
    written = offline(
        "setup", "manifest", "last.zkey", "--ptau", "p.ptau", "--r1cs", "mine.r1cs", "-o", "m.json",
        "--initial", "0.zkey", "--json",
    )  # fmt: skip
    assert written.code == 0, written.out
    assert (place / "m.json").read_bytes() == (folder / entry.transcript_file).read_bytes()
    assert imported(offline).code == 0  # again: the same key

    monkeypatch.setattr(development, "STATEMENTS", (STATEMENT,))
    owner = "0x" + "ab" * 32
    (place / "owners.toml").write_text(
        f'[[allocations]]\naccount = "{owner}"\nasset = "native"\namount = "5000000"\n'
        f'[[allocations]]\naccount = "{owner}"\nasset = "gold"\namount = "1"\n'
    )
    words = ("--params", "params", "--allocations", "owners.toml", "--profile", "local")
    made = offline("setup", "genesis", "--name", "net", "-o", "genesis.toml", *words, "--json")
    assert made.code == 0, made.out
    genesis = load_genesis(place / "genesis.toml")
    assert made.data["chain_id"] == "0x" + genesis.chain_id.hex()
    assert genesis.ceremony == ceremony_digest({STATEMENT: bytes.fromhex(entry.transcript)})
    assert made.data["statements"][0]["transcript"] == "0x" + entry.transcript
    assert sorted(genesis.supply().values()) == [1, 5_000_000]
    assert (genesis.profile, genesis.name) == ("local", "net")
    monkeypatch.setenv(params.ENV_PARAMS, str(folder))
    told = offline("proof", "inspect", str(folder / entry.verifying_key_file), "--json")
    assert told.data["registered"] == STATEMENT


def test_people_see_what_was_installed_and_what_is_next(offline, place) -> None:
    done = offline(
        "setup", "import", "nobeacon.zkey", "--ptau", "p.ptau", "--params", "params", *WORDS
    )
    assert done.code == 0
    assert "installed mine@3" in done.out
    assert f"CHIARO_PARAMS={place / 'params'}" in done.out
    assert "no beacon ends this ceremony" in done.err


REFUSED = {
    "nobody contributed": (("0.zkey",), 1, "CER-001"),
    "gamma is delta": (("weak.zkey",), 1, "CER-008"),
    "a query that was made otherwise": (("tampered.zkey",), 1, "CER-009"),
    "another circuit": (("last.zkey", "--r1cs", "other.r1cs", "--statement", STATEMENT), 1, "CER-"),
    "no statement": (("last.zkey", "--r1cs", "mine.r1cs"), 2, "USE-001"),
    "a statement of ours": (("last.zkey", "--r1cs", "mine.r1cs", "--statement", "action/1"), 8,
                            "PAR-003"),
    "no statement's id": (("last.zkey", "--r1cs", "mine.r1cs", "--statement", "../x/1"), 8,
                          "PAR-001"),
    "two names": (("last.zkey", "--circuit", "action", "--statement", "x/1"), 2, "USE-001"),
    "no circuit": (("last.zkey", "--statement", STATEMENT), 2, "USE-001"),
    "a first phase": (("p.ptau",), 2, "USE-001"),
    "no key": (("mine.r1cs",), 3, "FMT-010"),
    "no file": (("nowhere",), 3, "FIL-001"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_imports_leave_nothing(offline, place, name) -> None:
    words, code, error = REFUSED[name]
    before = sorted(place.rglob("*"))
    result = imported(offline, *words)
    assert result.code == code, result.out
    assert result.error["code"].startswith(error)
    assert sorted(place.rglob("*")) == before


def test_a_folder_that_is_none_or_cannot_be_made_is_refused(offline, place) -> None:
    known = ("setup", "import", "last.zkey", "--ptau", "p.ptau", *WORDS, "--json")
    refused = offline(*known, "--params", "mine.r1cs")
    assert (refused.code, refused.error["code"]) == (8, "PAR-001")
    refused = offline(*known, "--params", "no/such/parent")
    assert (refused.code, refused.error["code"]) == (3, "FIL-001")
    refused = offline(*known, "--params", ".")
    assert (refused.code, refused.error["code"]) == (8, "PAR-001")


def test_a_folder_without_a_name_of_its_own_is_refused(offline, place, monkeypatch) -> None:
    (place / "empty").mkdir()
    monkeypatch.chdir(place / "empty")
    words = ("setup", "import", "../last.zkey", "--ptau", "../p.ptau", "--r1cs", "../mine.r1cs")
    refused = offline(*words, "--statement", STATEMENT, "--params", ".", "--json")
    assert (refused.code, refused.error["code"]) == (8, "PAR-001")
    assert list(place.glob("empty/*")) == []


def test_another_key_needs_replace_and_an_insecure_version_takes_none(offline, place) -> None:
    assert imported(offline).code == 0
    refused = imported(offline, "nobeacon.zkey")
    assert (refused.code, refused.error["code"]) == (8, "PAR-001")
    assert "--replace" in refused.error["hint"]
    assert imported(offline, "nobeacon.zkey", *WORDS, "--replace").data["beacon"] is None
    mark_insecure(place / "params", STATEMENT, "2026-05-01", "a wire is free")
    refused = imported(offline)
    assert (refused.code, refused.error["code"]) == (5, "PAR-006")


def test_a_fault_of_the_disk_leaves_no_folder(offline, place, monkeypatch) -> None:
    from circuits import key_install

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(key_install, "manifest_bytes", full)
    refused = imported(offline)
    assert (refused.code, refused.error["code"]) == (3, "FIL-001")
    assert not (place / "params").exists()


@pytest.mark.parametrize("document", [
    "allocations = 3\n",
    'note = "x"\n',
    '[[allocations]]\naccount = "ab"\nasset = "native"\namount = "1"\n',
    f'[[allocations]]\naccount = "{"ab" * 32}"\nasset = "native"\namount = 1\n',
    f'[[allocations]]\naccount = "{"ab" * 32}"\nasset = "native"\n',
    f'[[allocations]]\naccount = "{"ab" * 32}"\nasset = 1\namount = "1"\n',
    f'[[allocations]]\naccount = "{"ab" * 32}"\nasset = "x"\nlogic = "0"\namount = "1"\n',
    f'[[allocations]]\naccount = "{"ab" * 32}"\nasset = "native"\namount = "0"\n',
    2 * f'[[allocations]]\naccount = "{"ab" * 32}"\nasset = "native"\namount = "1"\n',
    "[[",
])  # fmt: skip
def test_allocations_are_read_strictly(offline, place, monkeypatch, document) -> None:
    assert imported(offline).code == 0
    monkeypatch.setattr(development, "STATEMENTS", (STATEMENT,))
    (place / "a.toml").write_text(document)
    refused = offline(
        "setup", "genesis", "--name", "n", "-o", "g.toml", "--params", "params", "--profile",
        "local", "--allocations", "a.toml", "--json",
    )  # fmt: skip
    assert (refused.code, refused.error["code"][:4]) == (3, "ENC-")
    assert not (place / "g.toml").exists()


NO_GENESIS = {
    "of profile dev": (("-o", "g.toml"), 5, "PAR-005"),
    "of development keys": (("-o", "g.toml", "--profile", "local"), 5, "PAR-005"),
    "of another kind of file": (("-o", "g.txt", "--profile", "local"), 2, "USE-001"),
    "without parameters": (("-o", "g.toml", "--profile", "local", "--params", "no"), 8, "PAR-001"),
    "without owners' file": (
        ("-o", "g.toml", "--profile", "local", "--allocations", "no.toml"), 3, "ENC-001"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_GENESIS)
def test_no_genesis(offline, place, name) -> None:
    words, code, error = NO_GENESIS[name]
    refused = offline("setup", "genesis", "--name", "net", *words, "--json")
    assert (refused.code, refused.error["code"]) == (code, error)
    assert not (place / "g.toml").exists()


def test_up_takes_the_chain_that_the_profile_names(offline, place, monkeypatch) -> None:
    """Refused before a process starts: another profile, a missing or malformed genesis."""
    assert imported(offline).code == 0
    monkeypatch.setattr(development, "STATEMENTS", (STATEMENT,))
    made = offline(
        "setup", "genesis", "--name", "n", "-o", "g.toml", "--params", "params", "--profile",
        "local", "--time-ms", "1", "--block-time-ms", "0", "--json",
    )  # fmt: skip
    assert any("nobody owns" in warning for warning in made.document["warnings"])
    for words, code, error in (
        (("--genesis", "g.toml"), 2, "USE-001"),
        (("--profile", "local"), 2, "USE-001"),
        (("--profile", "local", "--genesis", "no.toml"), 3, "ENC-001"),
        (("--profile", "local", "--genesis", "mine.r1cs"), 3, "ENC-001"),
    ):
        refused = offline("up", *words, "--json")
        assert (refused.code, refused.error["code"]) == (code, error), words
    # The installation without the folder has no ceremony of that statement.
    refused = offline("up", "--port", "0", "--profile", "local", "--genesis", "g.toml", "--json")
    assert (refused.code, refused.error["code"]) == (8, "APP-002")
    assert json.loads(refused.out)["ok"] is False
    assert not (offline.home / "node/genesis.toml").exists()


def test_keys_are_those_of_the_ceremony(offline, place) -> None:
    assert imported(offline).code == 0
    installed = next((place / "params/ceremony").glob("*.zkey"))
    assert installed.read_bytes() == (place / "last.zkey").read_bytes()
    assert read_zkey(installed).verifying_key == read_zkey(place / "last.zkey").verifying_key


def test_ch28_guardians_of_a_new_chain(offline, place, monkeypatch) -> None:
    """A majority by default, in any order; keys and thresholds that do not fit are refused."""
    assert imported(offline).code == 0
    monkeypatch.setattr(development, "STATEMENTS", (STATEMENT,))
    keys = ["0x" + bytes(SigningKey(bytes([i]) * 32).account).hex() for i in (1, 2, 3)]
    known = ("setup", "genesis", "--name", "n", "--params", "params", "--profile", "local")

    def made(name, *words):
        return offline(*known, "-o", name, *words, "--json")

    chosen = [word for key in keys for word in ("--guardian", key)]
    found = made("g.toml", *chosen)
    assert (found.data["guardians"], found.data["guardian_threshold"]) == (sorted(keys), 2)
    assert not any("guardians" in text for text in found.document["warnings"])
    assert load_genesis(place / "g.toml").guardian_threshold == 2
    assert made("h.toml", *chosen, "--guardian-threshold", "3").data["guardian_threshold"] == 3
    assert any("no guardians" in text for text in made("i.toml").document["warnings"])
    for words, code, error in (
        ((*chosen, "--guardian-threshold", "1"), 3, "ENC-001"),
        ((*chosen, "--guardian", keys[0]), 3, "ENC-002"),
        (("--guardian", "0x" + "00" * 32), 3, "ENC-001"),
        (("--guardian", "0x00"), 2, "USE-001"),
    ):
        refused = made("j.toml", *words)
        assert (refused.code, refused.error["code"]) == (code, error), words
    assert not (place / "j.toml").exists()


def test_genesis_with_bonds_of_several_validators(offline, place, monkeypatch) -> None:
    assert imported(offline).code == 0
    monkeypatch.setattr(development, "STATEMENTS", (STATEMENT,))
    words = ("setup", "genesis", "--name", "n", "--params", "params", "--profile", "local")
    keys = sorted(ConsensusKey(bytes([i]) * 32).public for i in (1, 2))
    owner = SigningKey(bytes([3]) * 32).account
    bonds = [f"0x{key.hex()}:0x{owner.hex()}:{5 + i}" for i, key in enumerate(keys)]
    chosen = [word for bond in reversed(bonds) for word in ("--bond", bond)]
    made = offline(*words, "-o", "g.toml", *chosen, "--epoch-heights", "50", "--json")
    assert made.code == 0, made.out
    amounts = [item["amount"] for item in made.data["bonds"]]
    assert amounts == [{"amount": "5", "unit": "native"}, {"amount": "6", "unit": "native"}]
    genesis = load_genesis(place / "g.toml")
    assert (genesis.validators, genesis.stake.epoch_heights) == (tuple(keys), 50)
    assert genesis.stake.bonded == 11_000_000
    for bad, code, error in (
        (("--bond", "1:2"), 2, "USE-001"),
        (("--bond", f"0x{keys[0].hex()}:0x{owner.hex()}:much"), 3, "ENC-001"),
        (("--bond", f"0x{keys[0].hex()}:0x{owner.hex()}:0.5"), 3, "ENC-001"),
        ((*chosen, "--validator", "0x" + keys[0].hex()), 2, "USE-001"),
        (("--epoch-heights", "50"), 2, "USE-001"),
        ((*chosen, *chosen), 3, "ENC-002"),
    ):
        refused = offline(*words, "-o", "h.toml", *bad, "--json")
        assert (refused.code, refused.error["code"]) == (code, error), bad
        assert not (place / "h.toml").exists()


def test_genesis_with_validators_and_a_lane(offline, place, monkeypatch) -> None:
    assert imported(offline).code == 0
    monkeypatch.setattr(development, "STATEMENTS", (STATEMENT,))
    words = ("setup", "genesis", "--name", "n", "--params", "params", "--profile", "local")
    key = ConsensusKey(bytes(32)).public
    made = offline(*words, "-o", "g.toml", "--validator", "0x" + key.hex(), "--lane", "--json")
    assert made.code == 0, made.out
    assert (made.data["validators"], made.data["domains"]) == (
        ["0x" + key.hex()], ["main", "fast"],
    )  # fmt: skip
    genesis = load_genesis(place / "g.toml")
    assert (genesis.validators, genesis.lane) == ((key,), development.LANE)
    keys = [ConsensusKey(bytes([n]) * 32).public.hex() for n in range(7)]
    seven = [word for key in keys for word in ("--validator", key)]
    assert offline(*words, "-o", "seven.toml", *seven, "--lane", "--json").code == 0
    assert load_genesis(place / "seven.toml").lane.round_heights == 3  # CH-35
    bonds = [word for key in keys[:4] for word in ("--bond", f"{key}:{keys[4]}:5")]
    assert offline(*words, "-o", "bonds.toml", *bonds, "--lane", "--json").code == 0
    found = load_genesis(place / "bonds.toml")
    assert (found.lane.round_heights, found.stake.max_validators) == (2, 6)
    for bad, code, error in (
        (("--lane",), 3, "ENC-001"),
        (("--lane", "--validator", "00" * 32), 3, "ENC-001"),
        (("--validator", "0x12"), 2, "USE-001"),
    ):
        refused = offline(*words, "-o", "h.toml", *bad, "--json")
        assert (refused.code, refused.error["code"]) == (code, error)
        assert not (place / "h.toml").exists()
