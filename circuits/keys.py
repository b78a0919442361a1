"""Where keys come from: nothing is used that does not match the registry.

Verifying keys lie in the folder of parameters. Proving keys are megabytes: a development key is
built from its published seed on first use, kept in the cache as a `.zkey`, compared with the
registry each time and mapped from disk; a ceremony's lies in the folder of parameters, where
`circuits.key_install` put it, or in the cache. Development keys are refused outside the profile
`dev`, and no version that is marked insecure gives a proving key.

    python -m circuits.keys        make params/dev and params/registry.toml again
"""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from circuits import registry
from circuits.key_registry import (
    CEREMONY,
    DEV,
    REGISTRY,
    KeyEntry,
    Registry,
    file_name,
    registry_text,
)
from circuits.statement import record
from zk import files, params
from zk.errors import DigestMismatch, FormatError, UnknownKey, UnsafeKey
from zk.formats import snarkjs
from zk.formats.zkey import read_zkey, write_zkey
from zk.groth16.keys import ProvingKey, VerifyingKey
from zk.groth16.setup import DEV_SEED, UNSAFE_STAMP, UnsafeDevSetup
from zk.interfaces import Backend, Progress
from zk.r1cs.matrices import R1CS


def recorded_shape(statement: str) -> R1CS:
    """The constraint system of a statement of this project.

    Raises:
        UnknownKey: no such statement.
    """
    return record(registry.statement(statement))


def _best_backend() -> Backend:
    from zk import backends

    return backends.get()


class KeyStore:
    """Keys by statement and profile, each loaded once.

    Args:
        listed: entries; by default those of `params/registry.toml`.
        cache: folder of proving keys; by default `keys` in the project's cache.
        shape: gives a statement's constraint system when a proving key must be built.
        backend: gives what builds it.
        allow_insecure: give proving keys of versions that are marked insecure, too: to take value
            out of their pool, and for nothing else.
    """

    def __init__(
        self,
        listed: Registry | None = None,
        *,
        cache: Path | None = None,
        shape: Callable[[str], R1CS] = recorded_shape,
        backend: Callable[[], Backend] = _best_backend,
        allow_insecure: bool = False,
    ) -> None:
        self.registry = listed if listed is not None else Registry.load()
        self._cache = cache
        self._shape = shape
        self._backend = backend
        self._allow_insecure = allow_insecure
        self._verifying: dict[str, VerifyingKey] = {}
        self._proving: dict[str, ProvingKey] = {}
        self._lock = threading.RLock()

    def entry(self, statement: str, profile: str) -> KeyEntry:
        """The registry's entry; raises as `Registry.find`."""
        return self.registry.find(statement, profile)

    def verifying_key(self, statement: str, profile: str) -> VerifyingKey:
        """The verifying key, linted (S-11) and compared with the registry.

        Also that of an insecure version: old blocks are checked with it.

        Raises:
            UnknownKey, DevParamsRefused: by the registry.
            DigestMismatch: the file holds another key, or one of another circuit.
            MalformedDocument: the file is damaged.
            UnsafeKey: rule S-11.
        """
        entry = self.entry(statement, profile)
        with self._lock:
            found = self._verifying.get(entry.verifying_key)
            if found is None:
                path = params.path(entry.verifying_key_file, self.registry.folder)
                found = snarkjs.read_verifying_key(path.read_bytes(), entry.verifying_key_file)
                _require(found.id, entry.verifying_key, "verifying key", str(path))
                _require_publics(found, entry, str(path))
                self._verifying[entry.verifying_key] = found
            return found

    def proving_key(
        self, statement: str, profile: str, progress: Progress | None = None
    ) -> ProvingKey:
        """The proving key: from its file, or built from its seed and cached.

        Args:
            statement: id.
            profile: `dev` gives development keys.
            progress: called with `key` and the share done while a key is built.

        Raises:
            UnknownKey, DevParamsRefused: by the registry; UnknownKey also where a ceremony's key
                is not on this machine.
            InsecureVersion: nothing new may be proved with this version (`allow_insecure`).
            DigestMismatch: circuit or finished key are not the registry's.
            UnsafeKey: rule S-11.
        """
        entry = self.entry(statement, profile)
        if not self._allow_insecure:
            entry.require_current()
        with self._lock:
            found = self._proving.get(entry.proving_key)
            if found is None:
                found = self._load(entry, progress)
                self._proving[entry.proving_key] = found
            return found

    def proving_key_path(self, statement: str, profile: str) -> Path:
        """Where the `.zkey` lies, or will lie once it is built."""
        entry = self.entry(statement, profile)
        return self._installed(entry) or self._path(entry)

    def _path(self, entry: KeyEntry) -> Path:
        folder = self._cache if self._cache is not None else params.cache_dir() / "keys"
        return folder / entry.proving_key_file

    def _installed(self, entry: KeyEntry) -> Path | None:
        """A ceremony's key beside its verifying key, if it is there."""
        if entry.origin != CEREMONY:
            return None
        found = (self.registry.folder or params.root()) / CEREMONY / entry.proving_key_file
        return found if found.exists() else None

    def _load(self, entry: KeyEntry, progress: Progress | None) -> ProvingKey:
        if entry.origin == CEREMONY:
            return self._load_ceremony(entry)
        path = self._path(entry)
        path.parent.mkdir(parents=True, exist_ok=True)
        found = _read_if_intact(path, entry)
        if found is None:
            from filelock import FileLock  # brings asyncio, which a warm start does without

            with FileLock(path.with_suffix(".lock")):
                found = _read_if_intact(path, entry)  # another process may have built it meanwhile
                if found is None:
                    self._build(entry, path, progress)
                    found = read_zkey(path)
        _require(found.verifying_key.id, entry.verifying_key, "verifying key", str(path))
        return found

    def _load_ceremony(self, entry: KeyEntry) -> ProvingKey:
        """A ceremony's key, which no seed makes again."""
        from zk.formats.ceremony import transcript_digest

        path = self._installed(entry) or self._path(entry)
        if not path.exists():
            raise UnknownKey(
                f"the proving key of {entry.statement} is not here, and no seed makes it",
                where=str(path),
                fix="`chiaro setup import` the ceremony's final .zkey, or put the file there",
            )
        _require(file_digest(path), entry.proving_key, "proving key", str(path))
        found = read_zkey(path)
        _require(found.verifying_key.id, entry.verifying_key, "verifying key", str(path))
        if not found.contributed:
            raise UnsafeKey("S-11: nobody contributed to this key", where=str(path))
        _require(transcript_digest(found).hex(), entry.transcript, "transcript", str(path))
        return found

    def _build(self, entry: KeyEntry, path: Path, progress: Progress | None) -> None:
        shape = self._shape(entry.statement)
        _require(shape.digest.hex(), entry.r1cs, "constraint system", entry.statement)
        key = UnsafeDevSetup(entry.seed).run(shape, self._backend(), _overall(progress))
        digest = write_atomically(key, path)
        if digest != entry.proving_key:
            path.unlink()
            _require(digest, entry.proving_key, "proving key", str(path))


def write_atomically(key: ProvingKey, path: Path) -> str:
    """Write a `.zkey` so that its name never shows half a file; returns its BLAKE2b-256, hex."""
    with files.replacing(path, durable=True) as temporary:
        write_zkey(key, temporary)
        return file_digest(temporary)


def file_digest(path: Path) -> str:
    """BLAKE2b-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def _read_if_intact(path: Path, entry: KeyEntry) -> ProvingKey | None:
    """The cached key; None where there is none, or a damaged one, which is then built again."""
    try:
        if file_digest(path) != entry.proving_key:
            return None
        return read_zkey(path)
    except (OSError, FormatError):
        return None


def _require(found: str, listed: str, what: str, where: str) -> None:
    if found != listed:
        raise DigestMismatch(
            f"the {what} has digest {found[:16]}…, the registry lists {listed[:16]}…", where=where
        )


def _require_publics(key: VerifyingKey, entry: KeyEntry, where: str) -> None:
    if key.publics != entry.publics:
        raise DigestMismatch(
            f"the key has {key.publics} public inputs, the circuit {entry.publics}", where=where
        )


_SHARES: Final[Mapping[str, tuple[float, float]]] = {
    "scalars": (0.0, 0.2),
    "a": (0.2, 0.3),
    "b1": (0.3, 0.4),
    "b2": (0.4, 0.6),
    "c": (0.6, 0.7),
    "h": (0.7, 0.8),
    "hash": (0.8, 1.0),
}


def _overall(progress: Progress | None) -> Progress | None:
    """The setup's phases as one rising share of a phase called `key`."""
    if progress is None:
        return None
    report = progress
    highest = 0.0

    def rising(phase: str, share: float) -> None:
        nonlocal highest
        begin, end = _SHARES[phase]
        highest = max(highest, begin + share * (end - begin))
        report("key", highest)

    return rising


def generate(
    shapes: Iterable[R1CS],
    folder: Path,
    cache: Path,
    backend: Backend,
    report: Callable[[str], object] = lambda _line: None,
) -> None:
    """Make `dev/*.vk.json` and `registry.toml` below `folder`, and the `.zkey` files in `cache`.

    What a registry in `folder` says beside that stays: other statements, keys of ceremonies and
    marks of insecure versions, as long as the circuit is the same.

    Args:
        shapes: the statements' constraint systems, named by their ids.
        folder: the folder of parameters.
        cache: where proving keys go.
        backend: what computes; the result does not depend on it.
        report: called with lines for people.
    """
    (folder / "dev").mkdir(exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    listed = folder / REGISTRY
    entries = dict(Registry.load(listed).entries) if listed.exists() else {}
    for shape in shapes:
        key = UnsafeDevSetup().run(shape, backend)
        name = file_name(shape.name)
        digest = write_atomically(key, unnamed := cache / f"{name}-{DEV}.zkey")
        verifying_key = key.verifying_key
        file = f"dev/{name}.vk.json"
        document = snarkjs.verifying_key_document(verifying_key, unsafe=UNSAFE_STAMP)
        (folder / file).write_bytes(snarkjs.dump(document))
        entry = KeyEntry(
            statement=shape.name,
            origin=DEV,
            r1cs=shape.digest.hex(),
            publics=shape.publics,
            verifying_key=verifying_key.id,
            verifying_key_file=file,
            proving_key=digest,
            seed=DEV_SEED,
            unsafe=UNSAFE_STAMP,
        )
        unnamed.replace(cache / entry.proving_key_file)
        for old in [e for e in entries.values() if e.statement == shape.name]:
            if old.r1cs != entry.r1cs:
                del entries[old.statement, old.origin]
            else:
                entry = replace(entry, status=old.status, since=old.since, reason=old.reason)
        entries[shape.name, DEV] = entry
        report(f"{shape.name}: {shape.rows} rows, {entry.label}\n")
    listed.write_text(registry_text(entries.values()), encoding="utf-8")


if __name__ == "__main__":
    generate(
        map(recorded_shape, registry.STATEMENTS),
        params.root(),
        params.cache_dir() / "keys",
        _best_backend(),
        sys.stdout.write,
    )
