"""The registry of keys and the key store: only what is listed, only where it may be used."""

from __future__ import annotations

import hashlib
import inspect
import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.key_registry import (
    CEREMONY,
    DEV,
    STATEMENT_ID,
    KeyEntry,
    Registry,
    registry_text,
)
from circuits.keys import KeyStore, generate
from circuits.prover import prove_statement
from shielded.build import statement_prover
from zk import backends, params
from zk.errors import (
    DevParamsRefused,
    DigestMismatch,
    InsecureVersion,
    ParamsError,
    UnknownKey,
    UnsafeKey,
)
from zk.formats.errors import MalformedDocument
from zk.groth16.example import random_circuit
from zk.r1cs.matrices import R1CS


@pytest.fixture(scope="session")
def shape() -> R1CS:
    return replace(random_circuit(21, rows=5, publics=2)[0], name="toy/1")


@pytest.fixture(scope="session")
def made(shape, tmp_path_factory) -> tuple[Path, Path]:
    """A folder of parameters and a cache, as `python -m circuits.keys` makes them."""
    folder, cache = tmp_path_factory.mktemp("params"), tmp_path_factory.mktemp("cache")
    generate([shape], folder, cache, backends.get("reference"))
    return folder, cache


@pytest.fixture
def folder(made, tmp_path, monkeypatch) -> Path:
    """A copy that a test may change, in the place of `params/`."""
    copy = tmp_path / "params"
    (copy / "dev").mkdir(parents=True)
    for file in ("registry.toml", "dev/toy-1.vk.json"):
        (copy / file).write_bytes((made[0] / file).read_bytes())
    monkeypatch.setenv(params.ENV_PARAMS, str(copy))
    return copy


@pytest.fixture
def a_store(folder, tmp_path, shape):
    def make(**changes) -> KeyStore:
        arguments = {
            "cache": tmp_path / "cache",
            "shape": lambda _statement: shape,
            "backend": lambda: backends.get("reference"),
        }
        return KeyStore(**(arguments | changes))

    return make


def edited(folder: Path, **changes: object) -> None:
    """Rewrite the one entry of the registry."""
    entry = Registry.load(folder / "registry.toml").find("toy/1", "dev")
    (folder / "registry.toml").write_text(registry_text([replace(entry, **changes)]))


def test_a_key_is_built_once_then_mapped(a_store, shape, tmp_path) -> None:
    shares: list[float] = []
    store = a_store()
    key = store.proving_key("toy/1", DEV, progress=lambda phase, share: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert key.verifying_key == store.verifying_key("toy/1", DEV)
    assert store.proving_key("toy/1", DEV) is key

    def never(_statement: str) -> R1CS:
        raise AssertionError("the key is in the cache")

    again = a_store(shape=never).proving_key("toy/1", DEV, progress=lambda *_: pytest.fail("built"))
    assert again.verifying_key == key.verifying_key
    assert not again.a.flags.owndata
    assert store.proving_key_path("toy/1", DEV).parent == tmp_path / "cache"


def test_development_keys_are_refused_outside_their_profile(a_store) -> None:
    store = a_store()
    for profile in ("local", "prod", "DEV", ""):
        for use in (store.verifying_key, store.proving_key, store.entry):
            with pytest.raises(DevParamsRefused) as caught:
                use("toy/1", profile)
            assert caught.value.exit_code == 5


def test_no_profile_is_assumed() -> None:
    """A caller that forgets the profile must not get development keys on another chain."""
    for function in (
        KeyStore.entry,
        KeyStore.verifying_key,
        KeyStore.proving_key,
        KeyStore.proving_key_path,
        prove_statement,
        statement_prover,
    ):
        profile = inspect.signature(function).parameters["profile"]
        assert profile.default is inspect.Parameter.empty, function.__qualname__


def test_unknown_statements_are_refused(a_store) -> None:
    store = a_store()
    for profile in ("dev", "local"):
        with pytest.raises(UnknownKey):
            store.verifying_key("toy/2", profile)
    with pytest.raises(UnknownKey):
        store.registry.entry_of_key("00" * 32)


def test_the_registry_finds_statements_by_key(a_store) -> None:
    store = a_store()
    entry = store.entry("toy/1", DEV)
    assert store.registry.statements_by_key() == {entry.verifying_key: "toy/1"}
    assert store.registry.entry_of_key(entry.verifying_key) == entry
    assert "UNSAFE" in entry.label
    assert "UNSAFE" in entry.unsafe


def test_another_verifying_key_in_the_file_is_refused(a_store, folder) -> None:
    path = folder / "dev/toy-1.vk.json"
    document = json.loads(path.read_text())
    document["IC"] = [document["IC"][i] for i in (0, 2, 1)]
    path.write_text(json.dumps(document))
    with pytest.raises(DigestMismatch) as caught:
        a_store().verifying_key("toy/1", DEV)
    assert caught.value.exit_code == 8


def test_a_damaged_verifying_key_is_refused(a_store, folder) -> None:
    path = folder / "dev/toy-1.vk.json"
    path.write_text(path.read_text()[:-10])
    with pytest.raises(MalformedDocument):
        a_store().verifying_key("toy/1", DEV)


def test_s11_an_unsafe_verifying_key_in_the_file_is_refused(a_store, folder) -> None:
    path = folder / "dev/toy-1.vk.json"
    document = json.loads(path.read_text())
    document["vk_delta_2"] = document["vk_gamma_2"]
    path.write_text(json.dumps(document))
    with pytest.raises(UnsafeKey):
        a_store().verifying_key("toy/1", DEV)


def test_a_verifying_key_of_another_number_of_inputs_is_refused(a_store, folder) -> None:
    edited(folder, publics=3)
    with pytest.raises(DigestMismatch, match="public inputs"):
        a_store().verifying_key("toy/1", DEV)


@pytest.mark.parametrize("name", ["r1cs", "proving_key"])
def test_a_proving_key_of_another_digest_is_refused(a_store, folder, tmp_path, name) -> None:
    edited(folder, **{name: "ab" * 32})
    with pytest.raises(DigestMismatch):
        a_store().proving_key("toy/1", DEV)
    assert list((tmp_path / "cache").glob("*.zkey")) == []


def test_a_changed_circuit_is_refused(a_store) -> None:
    changed = random_circuit(22, rows=5, publics=2)[0]
    with pytest.raises(DigestMismatch, match="constraint system"):
        a_store(shape=lambda _statement: changed).proving_key("toy/1", DEV)


def test_a_proving_key_of_another_verifying_key_is_refused(a_store, folder) -> None:
    edited(folder, verifying_key="cd" * 32)
    with pytest.raises(DigestMismatch, match="verifying key"):
        a_store().proving_key("toy/1", DEV)


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d[:-1],
        lambda d: b"",
        lambda d: d[:999] + b"?" + d[1000:],
        lambda d: d[:-1] + bytes([d[-1] ^ 1]),  # decodes: only the digest tells
    ],
)
def test_a_damaged_cache_is_built_again(a_store, damage) -> None:
    store = a_store()
    store.proving_key("toy/1", DEV)
    path = store.proving_key_path("toy/1", DEV)
    intact = path.read_bytes()
    path.write_bytes(damage(intact))
    a_store().proving_key("toy/1", DEV)
    assert path.read_bytes() == intact


def test_ceremony_keys_are_never_built(a_store, folder) -> None:
    entry = Registry.load(folder / "registry.toml").find("toy/1", "dev")
    ceremony = replace(
        entry,
        origin=CEREMONY,
        seed="",
        unsafe="",
        transcript="ab" * 32,
        transcript_file="ceremony/toy-1.transcript.json",
        contributions=2,
        beacon="none",
    )
    (folder / "registry.toml").write_text(registry_text([ceremony]))
    store = a_store()
    assert store.entry("toy/1", "local") == ceremony
    assert store.verifying_key("toy/1", "local").publics == 2
    with pytest.raises(UnknownKey, match="no seed makes it"):
        store.proving_key("toy/1", "local")
    with pytest.raises(UnknownKey):
        store.verifying_key("toy/1", "dev")


def test_an_insecure_version_is_kept_for_history_only(a_store, folder) -> None:
    edited(folder, status="insecure", since="2026-05-01", reason="a wire is free")
    store = a_store()
    assert store.verifying_key("toy/1", DEV).publics == 2
    with pytest.raises(InsecureVersion, match="toy@1 is INSECURE since 2026-05-01: a wire") as no:
        store.proving_key("toy/1", DEV)
    assert (no.value.code, no.value.exit_code) == ("PAR-006", 5)


def test_generation_keeps_marks_and_what_it_does_not_make(folder, shape, tmp_path) -> None:
    entry = Registry.load(folder / "registry.toml").find("toy/1", "dev")
    old = replace(
        entry,
        statement="old/1",
        verifying_key="cd" * 32,
        status="insecure",
        since="2025-01-31",
        reason="history",
    )
    marked = replace(entry, status="insecure", since="2026-05-01", reason="a wire is free")
    (folder / "registry.toml").write_text(registry_text([old, marked]))
    generate([shape], folder, tmp_path / "cache", backends.get("reference"))
    found = Registry.load(folder / "registry.toml").entries
    assert found == {("old/1", DEV): old, ("toy/1", DEV): marked}
    changed = replace(random_circuit(22, rows=5, publics=2)[0], name="toy/1")
    generate([changed], folder, tmp_path / "cache", backends.get("reference"))
    assert Registry.load(folder / "registry.toml").find("toy/1", DEV).status == "current"


def test_threads_share_one_key(a_store) -> None:
    store = a_store()
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(store.proving_key("toy/1", DEV)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(key) for key in found}) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "format = 1" + text.split("format = 2")[1],
        lambda text: text.replace("format = 2", ""),
        lambda text: text + "[",
        lambda text: "deep = " + 100_000 * "[" + text,
        lambda text: text.replace("keys.dev", "keys.other"),
        lambda text: text.replace("publics = 2", 'publics = "two"'),
        lambda text: text.replace('r1cs = "', 'r1cs = "ff'),
        lambda text: text.replace('proving_key = "', 'proving_key = "G'),
        lambda text: "\n".join(line for line in text.splitlines() if "unsafe" not in line),
        lambda text: text.replace("verifying_key_file", "file"),
        lambda text: "format = 2\nstatements = 3\n",
        lambda text: text.replace('status = "current"\n', ""),
        lambda text: text.replace('"current"', '"fine"'),
        lambda text: text.replace('"current"', '"insecure"'),  # neither since nor reason
        lambda text: text.replace('"current"', '"insecure"\nsince = "2026-05-01"'),
        lambda text: text.replace('"current"', '"insecure"\nsince = "May"\nreason = "x"'),
        lambda text: text.replace('"current"', '"insecure"\nsince = "2026-05-01"\nreason = ""'),
        lambda text: text.replace('"current"', '"current"\nreason = "x"'),
        lambda text: text.replace('"current"', '"current"\nnote = "x"'),
        lambda text: text + 'note = "x"\n',
        lambda text: text.replace("publics = 2", "publics = -2"),
        lambda text: text.replace("publics = 2", "publics = true"),
        lambda text: text.replace("toy/1", "../toy/1"),
        lambda text: text + text[text.index("[statements") :].replace("toy/1", "twin/1"),
    ],
)
def test_a_registry_of_another_form_is_refused(folder, spoil) -> None:
    path = folder / "registry.toml"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(ParamsError, match="registry"):
        Registry.load()


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_what_is_written_is_read_again(data, tmp_path_factory) -> None:
    digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
    letters = st.sampled_from([chr(n) for n in range(0x3000) if chr(n).isprintable()])
    lines = st.text(letters, min_size=1, max_size=40)
    entries = {}
    for statement in data.draw(st.sets(st.from_regex(STATEMENT_ID, fullmatch=True), max_size=3)):
        insecure = data.draw(st.booleans())
        about = {
            "statement": statement,
            "r1cs": data.draw(digests),
            "publics": data.draw(st.integers(0, 2**40)),
            "status": "insecure" if insecure else "current",
            "since": data.draw(st.dates()).isoformat() if insecure else "",
            "reason": data.draw(lines) if insecure else "",
        }
        for origin in data.draw(st.sets(st.sampled_from([DEV, CEREMONY]), min_size=1)):
            pair = {
                "verifying_key": hashlib.sha256(f"{statement} {origin}".encode()).hexdigest(),
                "verifying_key_file": data.draw(lines),
                "proving_key": data.draw(digests),
            }
            if origin == DEV:
                pair |= {"unsafe": data.draw(lines), "seed": data.draw(lines)}
            else:
                pair |= {
                    "transcript": data.draw(digests),
                    "transcript_file": data.draw(lines),
                    "contributions": data.draw(st.integers(1, 2**20)),
                    "beacon": data.draw(st.just("none") | st.binary(min_size=1).map(bytes.hex)),
                }
            entries[statement, origin] = KeyEntry(**about, **pair, origin=origin)
    path = tmp_path_factory.mktemp("registry") / "registry.toml"
    path.write_text(registry_text(entries.values()), encoding="utf-8")
    assert Registry.load(path).entries == entries


def test_a_missing_registry_is_refused(folder) -> None:
    (folder / "registry.toml").unlink()
    with pytest.raises(ParamsError):
        Registry.load()


def test_generation_is_deterministic(made, shape, tmp_path) -> None:
    generate([shape], tmp_path, tmp_path / "cache", backends.get("reference"))
    for file in ("registry.toml", "dev/toy-1.vk.json"):
        assert (tmp_path / file).read_bytes() == (made[0] / file).read_bytes()


def test_development_keys_cannot_pass_for_a_ceremony(folder) -> None:
    path = folder / "registry.toml"
    path.write_text(path.read_text().replace(".keys.dev]", ".keys.ceremony]"))
    with pytest.raises(ParamsError, match="stamped"):
        Registry.load()
