"""A verified ceremony's keys become those of a folder of parameters, whole or not at all.

Below the folder:

    ceremony/NAME-VERSION-KEY.vk.json            the verifying key
    ceremony/NAME-VERSION-KEY.transcript.json    who contributed, and the digests (`manifest`)
    ceremony/NAME-VERSION-ceremony-DIGEST.zkey   the proving key
    registry.toml                                the entry that names them, written last

Files have the digests of what they hold in their names, so a failure before the registry is
replaced leaves the old one with all that it names. Nothing here verifies a ceremony: callers do
(`zk.groth16.ceremony`), and hand over what they found.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from circuits.key_registry import (
    CEREMONY,
    NO_BEACON,
    REGISTRY,
    STATEMENT_ID,
    KeyEntry,
    Registry,
    file_name,
    registry_text,
)
from circuits.keys import file_digest, recorded_shape
from zk import files, params
from zk.errors import DigestMismatch, ParamsError, UnknownKey, UnsafeKey
from zk.formats import snarkjs
from zk.formats.ceremony import transcript_digest
from zk.formats.zkey import read_zkey
from zk.groth16.keys import ProvingKey
from zk.r1cs.matrices import R1CS

SCHEMA: Final = "chiaro.manifest/1"
_SHORT: Final = 16


def manifest(
    circuit: str,
    r1cs: str,
    key: ProvingKey,
    *,
    proving_key: str,
    first_phase: str,
    contributions: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """What belongs together, by digest: circuit, keys, first phase, transcript.

    Args:
        circuit: its name.
        r1cs: digest of its constraint system, `0x` and hex, as are all of them.
        key: the ceremony's last key.
        proving_key: digest of its file.
        first_phase: digest of the `.ptau` file.
        contributions: `{number, name, hash, beacon, iterations_exp}` each.

    Raises:
        UnsafeKey: rule S-11.
    """
    return {
        "schema": SCHEMA,
        "circuit": circuit,
        "r1cs": r1cs,
        "verifying_key": "0x" + key.verifying_key.id,
        "proving_key": proving_key,
        "first_phase": first_phase,
        "transcript": "0x" + transcript_digest(key).hex(),
        "contributions": [dict(line) for line in contributions],
    }


def manifest_bytes(document: Mapping[str, Any]) -> bytes:
    """A manifest as it is written."""
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def install(
    source: Path,
    statement: str,
    document: Mapping[str, Any],
    folder: Path,
    *,
    replace: bool = False,
    shape: Callable[[str], R1CS] = recorded_shape,
) -> KeyEntry:
    """Make a verified key the one that a folder of parameters has for a statement.

    A folder that does not exist, or is empty, begins as a copy of the installation's parameters.

    Args:
        source: the ceremony's last `.zkey`.
        statement: the id it is for.
        document: its manifest, made when it was verified.
        folder: of parameters; its parent exists.
        replace: also where the folder has another ceremony's key of that statement.
        shape: the circuit of a statement of this project; raises UnknownKey for others.

    Raises:
        DigestMismatch: the file is not the one that was verified, or not of the statement's
            circuit.
        InsecureVersion: the statement is marked insecure.
        UnsafeKey: rule S-11; so for a key that nobody contributed to.
        ParamsError: no statement's id, no folder of parameters, or a key is there already.
        OSError: the disk refuses.
    """
    if not STATEMENT_ID.fullmatch(statement):
        raise ParamsError(
            f"{statement[:80]!r} is no statement's id",
            why="names and versions go into file names and into genesis",
            fix="give NAME/VERSION: lower-case letters, digits and hyphens, then a number",
        )
    if not document["contributions"]:
        raise UnsafeKey("S-11: nobody contributed to this key", where=str(source))
    with contextlib.suppress(UnknownKey):
        ours = "0x" + shape(statement).digest.hex()
        _same(document["r1cs"], ours, f"the circuit of the key and {statement}", str(source))
    if (folder / REGISTRY).exists():
        with files.locked(folder):  # two at once would lose one of two registries
            return _add(source, statement, document, folder, replace=replace)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ParamsError(
            "not a folder of parameters: it has no registry.toml",
            where=str(folder),
            why="keys beside files of another kind would not be found",
            fix="name a folder of parameters, or one that is empty or not there yet",
        )
    if not folder.name:
        raise ParamsError(
            "the folder has no name", where=str(folder),
            why="a folder of parameters is made under another name, and takes its own when whole",
            fix="give its name, seen from the folder above it",
        )  # fmt: skip
    staged = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.tmp")
    staged.mkdir()
    try:
        _begin(staged)
        entry = _add(source, statement, document, staged, replace=replace)
        staged.replace(folder)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return entry


def _begin(folder: Path) -> None:
    """Constants, registry and the files that it names, from the installation's parameters."""
    root = params.root()
    shutil.copytree(root / "poseidon", folder / "poseidon")
    listed = Registry.load(params.path(REGISTRY))
    for entry in listed.entries.values():
        key = f"{CEREMONY}/{entry.proving_key_file}"
        for name in (entry.verifying_key_file, entry.transcript_file, key):
            if name and (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(params.path(name), folder / name)
    (folder / REGISTRY).write_text(registry_text(listed.entries.values()), encoding="utf-8")


def _add(
    source: Path, statement: str, document: Mapping[str, Any], folder: Path, *, replace: bool
) -> KeyEntry:
    listed = Registry.load(folder / REGISTRY)
    entry = _entry(source, statement, document)
    for other in listed.of_statement(statement):
        other.require_current()
        _same(entry.r1cs, other.r1cs, f"the circuit of the key and of {other.label}", str(source))
    there = listed.entries.get((statement, CEREMONY))
    if there is not None and there.verifying_key != entry.verifying_key and not replace:
        raise ParamsError(
            f"the folder has a ceremony's key of {statement} already",
            where=f"{folder}: {there.label}",
            why="chains that were founded on it would not start with another",
            fix="name another folder, or say --replace if no chain uses it",
        )
    names = (
        f"{CEREMONY}/{entry.proving_key_file}",
        entry.verifying_key_file,
        entry.transcript_file,
    )
    targets = [folder / name for name in names]
    made = [target for target in targets if not target.exists()]
    begun = not (folder / CEREMONY).exists()
    try:
        (folder / CEREMONY).mkdir(exist_ok=True)
        with contextlib.ExitStack() as stack:
            # The first to be entered is the last to take its name.
            table = stack.enter_context(files.replacing(folder / REGISTRY, durable=True))
            zkey, key, record = (
                stack.enter_context(files.replacing(target, durable=True)) for target in targets
            )
            shutil.copyfile(source, zkey)
            _check_copy(zkey, entry, str(source))
            verifying = read_zkey(zkey).verifying_key
            key.write_bytes(snarkjs.dump(snarkjs.verifying_key_document(verifying)))
            record.write_bytes(manifest_bytes(document))
            entries = {**listed.entries, (statement, CEREMONY): entry}
            table.write_text(registry_text(entries.values()), encoding="utf-8")
    except BaseException:
        for target in made:
            target.unlink(missing_ok=True)
        if begun:
            with contextlib.suppress(OSError):
                (folder / CEREMONY).rmdir()
        raise
    return entry


def _entry(source: Path, statement: str, document: Mapping[str, Any]) -> KeyEntry:
    key = read_zkey(source).verifying_key
    _same(document["verifying_key"], "0x" + key.id, "verified and installed key", str(source))
    contributions = document["contributions"]
    beacon = contributions[-1]["beacon"]
    base = f"{CEREMONY}/{file_name(statement)}-{key.id[:_SHORT]}"
    return KeyEntry(
        statement=statement,
        origin=CEREMONY,
        r1cs=document["r1cs"][2:],
        publics=key.publics,
        verifying_key=key.id,
        verifying_key_file=f"{base}.vk.json",
        proving_key=document["proving_key"][2:],
        transcript=document["transcript"][2:],
        transcript_file=f"{base}.transcript.json",
        contributions=len(contributions),
        beacon=beacon[2:] if beacon else NO_BEACON,
    )


def _check_copy(copy: Path, entry: KeyEntry, where: str) -> None:
    """That the bytes in the folder are those that were verified."""
    _same(file_digest(copy), entry.proving_key, "verified and copied key", where)
    key = read_zkey(copy)
    _same(transcript_digest(key).hex(), entry.transcript, "verified and copied transcript", where)


def _same(found: str, wanted: str, what: str, where: str) -> None:
    if found != wanted:
        raise DigestMismatch(
            f"{what} have different digests: {found[:18]}… and {wanted[:18]}…", where=where
        )
