"""A ceremony's keys in a folder of parameters: whole and usable, or not there at all."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from circuits import key_install
from circuits.key_install import install
from circuits.key_registry import CEREMONY, DEV, Registry, registry_text
from circuits.keys import KeyStore
from node.testing.ceremonies import (
    ceremony_key,
    ceremony_parameters,
    mark_insecure,
    write_ceremony,
)
from zk import backends, params
from zk.errors import (
    DevParamsRefused,
    DigestMismatch,
    InsecureVersion,
    ParamsError,
    UnknownKey,
    UnsafeKey,
)
from zk.formats.zkey import read_zkey, write_zkey
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding
from zk.groth16.prove import prove, public_inputs
from zk.groth16.verify import verify


@pytest.fixture(scope="module")
def circuit():
    shape, assignment = random_circuit(21, rows=5, publics=2)
    return replace(shape, name="toy/1"), assignment


@pytest.fixture(scope="module")
def made(circuit, tmp_path_factory):
    """The ceremony's last file, its manifest, a folder of parameters that has them."""
    folder = tmp_path_factory.mktemp("ceremony")
    document = write_ceremony(circuit[0], ceremony_key(circuit[0]), folder / "last.zkey")
    install(folder / "last.zkey", "toy/1", document, folder / "params")
    return folder, document


@pytest.fixture
def place(made, tmp_path):
    """A copy that a test may change."""
    shutil.copytree(made[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def store(place) -> KeyStore:
    return KeyStore(Registry.load(place / "params/registry.toml"), cache=place / "cache")


def test_an_installed_key_proves_and_verifies(place, circuit, made) -> None:
    keys = store(place)
    entry = keys.entry("toy/1", "local")
    assert (entry.origin, entry.contributions, entry.beacon) == (CEREMONY, 3, "ab" * 32)
    assert "ceremony of 3 contributions, the last a beacon" in entry.made
    assert json.loads((place / "params" / entry.transcript_file).read_text()) == made[1]
    key, assignment = keys.proving_key("toy/1", "local"), circuit[1]
    assert keys.proving_key_path("toy/1", "local").parent == place / "params/ceremony"
    proof = prove(key, assignment, Blinding(5, 6), backends.get())
    verify(keys.verifying_key("toy/1", "local"), public_inputs(key, assignment), proof)
    assert not (place / "cache").exists()
    with pytest.raises(UnknownKey):
        keys.proving_key("toy/1", DEV)


def test_a_new_folder_has_what_the_installation_has(place, monkeypatch) -> None:
    """Constants, development keys: so the folder can stand in for the installation's."""
    constants = {path.name for path in (params.root() / "poseidon").iterdir()}
    monkeypatch.setenv(params.ENV_PARAMS, str(place / "params"))
    assert {path.name for path in (place / "params/poseidon").iterdir()} == constants
    keys = KeyStore()
    assert keys.verifying_key("action/1", DEV).publics == 13
    assert keys.verifying_key("toy/1", "local").publics == 2
    with pytest.raises(DevParamsRefused):
        keys.verifying_key("action/1", "local")


def test_a_key_in_the_cache_is_found(place) -> None:
    file = store(place).proving_key_path("toy/1", "local")
    (place / "cache").mkdir()
    file.rename(place / "cache" / file.name)
    assert store(place).proving_key("toy/1", "local").publics == 2
    (place / "cache" / file.name).unlink()
    with pytest.raises(UnknownKey, match="no seed makes it") as refused:
        store(place).proving_key("toy/1", "local")
    assert "setup import" in refused.value.fix


def test_a_damaged_key_is_refused_and_not_made_again(place) -> None:
    path = store(place).proving_key_path("toy/1", "local")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DigestMismatch) as refused:
        store(place).proving_key("toy/1", "local")
    assert refused.value.code == "PAR-003"
    assert path.read_bytes() != data


def rewritten(place, **changes) -> None:
    path = place / "params/registry.toml"
    entries = dict(Registry.load(path).entries)
    entries["toy/1", CEREMONY] = replace(entries["toy/1", CEREMONY], **changes)
    path.write_text(registry_text(entries.values()))


def test_another_transcript_than_the_registrys_is_refused(place) -> None:
    rewritten(place, transcript="ab" * 32)
    with pytest.raises(DigestMismatch, match="transcript"):
        store(place).proving_key("toy/1", "local")


def test_s11_a_key_that_nobody_contributed_to_is_refused(place, circuit, made) -> None:
    """In the registry, in the file behind it, and by the installation."""
    rewritten(place, contributions=0)
    with pytest.raises(UnsafeKey, match="S-11") as refused:
        store(place)
    assert refused.value.code == "PAR-004"
    rewritten_key = replace(read_zkey(place / "last.zkey"), contributions=bytes(4))
    document = write_ceremony(circuit[0], rewritten_key, place / "none.zkey")
    for folder in ("params", "fresh"):
        with pytest.raises(UnsafeKey, match="S-11"):
            install(place / "none.zkey", "toy/1", document, place / folder, replace=True)
    assert not (place / "fresh").exists()


def test_s11_a_file_without_contributions_is_refused_by_the_store(place) -> None:
    path = store(place).proving_key_path("toy/1", "local")
    write_zkey(replace(read_zkey(place / "last.zkey"), contributions=bytes(4)), path, plain=True)
    from circuits.keys import file_digest

    digest = file_digest(path)
    path.rename(path.with_name(f"toy-1-ceremony-{digest[:16]}.zkey"))
    rewritten(place, proving_key=digest)
    with pytest.raises(UnsafeKey, match="S-11: nobody contributed"):
        store(place).proving_key("toy/1", "local")


def test_s11_gamma_equal_to_delta_is_refused_by_installation_and_store(place, circuit) -> None:
    key = read_zkey(place / "last.zkey")
    with pytest.raises(UnsafeKey, match="gamma and delta"):
        write_ceremony(circuit[0], replace(key, gamma_g2=key.delta_g2), place / "weak.zkey")
    path = place / "params" / store(place).entry("toy/1", "local").verifying_key_file
    document = json.loads(path.read_text())
    document["vk_gamma_2"] = document["vk_delta_2"]
    path.write_text(json.dumps(document))
    with pytest.raises(UnsafeKey, match="gamma and delta") as refused:
        store(place).verifying_key("toy/1", "local")
    assert refused.value.code == "PAR-004"


def refused_installation(place, error, **changes) -> ParamsError:
    """An installation that fails and changes nothing."""
    document = json.loads(
        (place / "params" / store(place).entry("toy/1", "local").transcript_file).read_text()
    )
    arguments = {
        "source": place / "last.zkey",
        "statement": "toy/1",
        "document": document,
        "folder": place / "params",
    }
    before = content(place)
    with pytest.raises(error) as refused:
        install(**(arguments | changes))
    assert content(place) == before
    return refused.value


def test_refused_installations_change_nothing(place, circuit) -> None:
    other = ceremony_key(circuit[0], ("Eve",))
    document = write_ceremony(circuit[0], other, place / "other.zkey")
    error = refused_installation(place, ParamsError, source=place / "other.zkey", document=document)
    assert "--replace" in error.fix
    for statement in ("toy", "Toy/1", "../toy/1", "toy/1/2", "toy/x", ""):
        refused_installation(place, ParamsError, statement=statement)
    refused_installation(place, DigestMismatch, statement="action/1")  # another circuit
    refused_installation(place, DigestMismatch, source=place / "other.zkey")
    (place / "folder").mkdir()
    (place / "folder/letter.txt").write_text("dear")
    error = refused_installation(place, ParamsError, folder=place / "folder")
    assert "registry.toml" in error.message
    mark_insecure(place / "params", "toy/1", "2026-05-01", "rows 3 and 4 can be forged")
    refused_installation(place, InsecureVersion)


def test_another_circuit_of_a_statement_is_refused(place) -> None:
    shape = replace(random_circuit(22, rows=5, publics=2)[0], name="toy/1")
    document = write_ceremony(shape, ceremony_key(shape), place / "other.zkey")
    refused_installation(
        place, DigestMismatch, source=place / "other.zkey", document=document, replace=True
    )


def test_a_key_that_is_there_is_replaced_when_asked(place, circuit) -> None:
    document = write_ceremony(circuit[0], ceremony_key(circuit[0], ("Eve",)), place / "o.zkey")
    old = store(place).entry("toy/1", "local")
    new = install(place / "o.zkey", "toy/1", document, place / "params", replace=True)
    assert store(place).entry("toy/1", "local") == new != old
    assert (place / "params" / old.verifying_key_file).exists()
    assert store(place).proving_key("toy/1", "local").verifying_key.id == new.verifying_key
    again = install(place / "o.zkey", "toy/1", document, place / "params")  # the same: nothing new
    assert again == new


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("step", ["_check_copy", "manifest_bytes", "registry_text"])
def test_an_installation_that_fails_leaves_nothing(
    place, circuit, monkeypatch, step, fresh
) -> None:
    document = write_ceremony(circuit[0], ceremony_key(circuit[0], ("Eve",)), place / "o.zkey")
    folder = place / ("fresh" if fresh else "params")
    before = content(place)

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(key_install, step, full)
    with pytest.raises(OSError, match="No space"):
        install(place / "o.zkey", "toy/1", document, folder, replace=True)
    monkeypatch.undo()
    assert content(place) == before
    assert not (place / "fresh").exists()
    assert [path.name for path in place.iterdir() if path.name.startswith(".")] == []


def test_a_copy_that_is_not_what_was_verified_is_refused(place, monkeypatch) -> None:
    """The file was exchanged between verification and installation."""
    data = (place / "last.zkey").read_bytes()
    copied = key_install.shutil.copyfile

    def exchanged(source, target, **options):
        copied(source, target, **options)
        if str(source).endswith("last.zkey"):
            target.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

    monkeypatch.setattr(key_install.shutil, "copyfile", exchanged)
    refused_installation(place, DigestMismatch, folder=place / "fresh")


def test_two_statements_live_in_one_folder(place) -> None:
    shape = replace(random_circuit(23, rows=6, publics=1)[0], name="other/2")
    document = write_ceremony(shape, ceremony_key(shape, beacon=False), place / "other.zkey")
    entry = install(place / "other.zkey", "other/2", document, place / "params")
    assert (entry.beacon, entry.contributions) == ("none", 2)
    assert "beacon" not in entry.made
    assert store(place).verifying_key("other/2", "local").publics == 1
    assert store(place).verifying_key("toy/1", "local").publics == 2


def test_a_folder_of_ceremony_keys_begins_another(place, monkeypatch) -> None:
    monkeypatch.setenv(params.ENV_PARAMS, str(place / "params"))
    shape = replace(random_circuit(23, rows=6, publics=1)[0], name="other/2")
    ceremony_parameters(place / "second", shape)
    monkeypatch.delenv(params.ENV_PARAMS)
    keys = KeyStore(Registry.load(place / "second/registry.toml"), cache=place / "cache")
    assert keys.proving_key("toy/1", "local").publics == 2
    assert keys.proving_key("other/2", "local").publics == 1


def test_an_insecure_version_reads_history_and_proves_nothing(place) -> None:
    mark_insecure(place / "params", "toy/1", "2026-05-01", 'a "wire" is free')
    keys = store(place)
    entry = keys.entry("toy/1", "local")
    assert entry.insecure == 'toy@1 is INSECURE since 2026-05-01: a "wire" is free'
    assert keys.verifying_key("toy/1", "local").publics == 2
    with pytest.raises(InsecureVersion, match="toy@1 is INSECURE since 2026-05-01") as refused:
        keys.proving_key("toy/1", "local")
    assert (refused.value.code, refused.value.exit_code) == ("PAR-006", 5)
