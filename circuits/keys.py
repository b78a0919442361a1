"""Which keys may be used for which statement: the registry, and where keys come from.

`params/registry.toml` ties each statement's id to the digest of its constraint system, the id of
its verifying key and the digest of its proving key file. Nothing is used that does not match.

Verifying keys ship in `params/`. Proving keys are megabytes: a development key is built from its
published seed on first use, kept in the cache as a `.zkey`, compared with the registry each time
and mapped from disk. Development keys are refused outside the profile `dev`.

    python -m circuits.keys        make params/dev and params/registry.toml again
"""

from __future__ import annotations

import hashlib
import sys
import threading
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from circuits import registry
from circuits.statement import record
from zk import files, params
from zk.errors import DevParamsRefused, DigestMismatch, FormatError, ParamsError, UnknownKey
from zk.formats import snarkjs
from zk.formats.zkey import read_zkey, write_zkey
from zk.groth16.keys import ProvingKey, VerifyingKey
from zk.groth16.setup import DEV_SEED, UNSAFE_STAMP, UnsafeDevSetup
from zk.interfaces import Backend, Progress
from zk.r1cs.matrices import R1CS

REGISTRY: Final = "registry.toml"
DEV: Final = "dev"
CEREMONY: Final = "ceremony"
FORMAT: Final = 1
_HEX_DIGITS: Final = 64


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One pair of keys of one statement, as the registry has it.

    Attributes:
        statement: id, such as `action/1`.
        origin: `dev` or `ceremony`.
        r1cs: digest of the constraint system, hex.
        publics: number of public inputs.
        verifying_key: id of the verifying key, hex.
        verifying_key_file: path below `params/`.
        proving_key: BLAKE2b-256 of the `.zkey` file, hex.
        seed: the published seed of a development key, else empty.
        unsafe: the warning of a development key, else empty.
    """

    statement: str
    origin: str
    r1cs: str
    publics: int
    verifying_key: str
    verifying_key_file: str
    proving_key: str
    seed: str = ""
    unsafe: str = ""

    @property
    def label(self) -> str:
        """What messages call this key; development keys carry UNSAFE."""
        stamp = "UNSAFE development " if self.unsafe else ""
        return f"{stamp}key {self.verifying_key[:16]} of {self.statement}"

    @property
    def proving_key_file(self) -> str:
        """Name of the proving key in the cache: another key has another name."""
        return f"{file_name(self.statement)}-{self.origin}-{self.proving_key[:16]}.zkey"


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry's entries by statement and origin."""

    entries: Mapping[tuple[str, str], KeyEntry]

    @classmethod
    def load(cls, path: Path | None = None) -> Registry:
        """Read `registry.toml`.

        Raises:
            ParamsError: missing, or not of the documented form.
        """
        path = path or params.path(REGISTRY)
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']} is not {FORMAT}")
            found = [
                _entry(statement, origin, about, pair)
                for statement, about in document["statements"].items()
                for origin, pair in about["keys"].items()
            ]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ParamsError(
                f"the registry of keys cannot be read: {error}",
                where=str(path),
                why="without it no key can be told from a forged one",
                fix="restore the file from the release",
            ) from error
        return cls({(entry.statement, entry.origin): entry for entry in found})

    def find(self, statement: str, profile: str) -> KeyEntry:
        """The entry that a profile may use.

        Raises:
            UnknownKey: no keys of this statement are listed.
            DevParamsRefused: only development keys exist, and the profile is not `dev`.
        """
        origin = DEV if profile == DEV else CEREMONY
        found = self.entries.get((statement, origin))
        if found is not None:
            return found
        if origin == CEREMONY and (statement, DEV) in self.entries:
            raise DevParamsRefused(
                f"{statement} has only development keys, which profile {profile!r} refuses",
                where=REGISTRY,
            )
        raise UnknownKey(f"the registry lists no key of {statement}", where=REGISTRY)

    def statements_by_key(self) -> dict[str, str]:
        """Statement id of each verifying-key id."""
        return {entry.verifying_key: entry.statement for entry in self.entries.values()}

    def entry_of_key(self, verifying_key: str) -> KeyEntry:
        """The entry of a verifying-key id.

        Raises:
            UnknownKey: not listed.
        """
        for entry in self.entries.values():
            if entry.verifying_key == verifying_key:
                return entry
        raise UnknownKey("the registry does not list this key", where=f"key {verifying_key}")


def _entry(statement: str, origin: str, about: dict[str, Any], pair: dict[str, Any]) -> KeyEntry:
    if origin not in (DEV, CEREMONY):
        raise ValueError(f"keys of unknown origin {origin!r}")
    entry = KeyEntry(
        statement=statement,
        origin=origin,
        r1cs=_digest(about["r1cs"]),
        publics=int(about["publics"]),
        verifying_key=_digest(pair["verifying_key"]),
        verifying_key_file=str(pair["verifying_key_file"]),
        proving_key=_digest(pair["proving_key"]),
        seed=str(pair.get("seed", "")),
        unsafe=str(pair.get("unsafe", "")),
    )
    if (origin == DEV) != bool(entry.seed and entry.unsafe):
        raise ValueError(f"the {origin} keys of {statement} are not stamped for what they are")
    return entry


def _digest(text: str) -> str:
    if len(text) != _HEX_DIGITS or bytes.fromhex(text).hex() != text:
        raise ValueError(f"{text!r} is no digest")
    return text


def file_name(statement: str) -> str:
    """A statement's id where a file name is needed."""
    return statement.replace("/", "-")


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
    """

    def __init__(
        self,
        listed: Registry | None = None,
        *,
        cache: Path | None = None,
        shape: Callable[[str], R1CS] = recorded_shape,
        backend: Callable[[], Backend] = _best_backend,
    ) -> None:
        self.registry = listed if listed is not None else Registry.load()
        self._cache = cache
        self._shape = shape
        self._backend = backend
        self._verifying: dict[str, VerifyingKey] = {}
        self._proving: dict[str, ProvingKey] = {}
        self._lock = threading.RLock()

    def entry(self, statement: str, profile: str) -> KeyEntry:
        """The registry's entry; raises as `Registry.find`."""
        return self.registry.find(statement, profile)

    def verifying_key(self, statement: str, profile: str) -> VerifyingKey:
        """The verifying key, linted (S-11) and compared with the registry.

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
                path = params.path(entry.verifying_key_file)
                found = snarkjs.read_verifying_key(path.read_bytes(), entry.verifying_key_file)
                _require(found.id, entry.verifying_key, "verifying key", str(path))
                _require_publics(found, entry, str(path))
                self._verifying[entry.verifying_key] = found
            return found

    def proving_key(
        self, statement: str, profile: str, progress: Progress | None = None
    ) -> ProvingKey:
        """The proving key: from the cache, or built from its seed and cached.

        Args:
            statement: id.
            profile: `dev` gives development keys.
            progress: called with `key` and the share done while a key is built.

        Raises:
            UnknownKey, DevParamsRefused: by the registry.
            DigestMismatch: circuit or finished key are not the registry's.
        """
        entry = self.entry(statement, profile)
        with self._lock:
            found = self._proving.get(entry.proving_key)
            if found is None:
                found = self._load(entry, progress)
                self._proving[entry.proving_key] = found
            return found

    def proving_key_path(self, statement: str, profile: str) -> Path:
        """Where the `.zkey` lies, or will lie once it is built."""
        return self._path(self.entry(statement, profile))

    def _path(self, entry: KeyEntry) -> Path:
        folder = self._cache if self._cache is not None else params.cache_dir() / "keys"
        return folder / entry.proving_key_file

    def _load(self, entry: KeyEntry, progress: Progress | None) -> ProvingKey:
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

    def _build(self, entry: KeyEntry, path: Path, progress: Progress | None) -> None:
        if entry.origin != DEV:
            raise UnknownKey(
                f"the proving key of {entry.statement} is not here, and no seed makes it",
                where=str(path),
                fix="put the ceremony's final .zkey in this place",
            )
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

    Args:
        shapes: the statements' constraint systems, named by their ids.
        folder: the folder of parameters.
        cache: where proving keys go.
        backend: what computes; the result does not depend on it.
        report: called with lines for people.
    """
    (folder / "dev").mkdir(exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    entries = []
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
        entries.append(entry)
        report(f"{shape.name}: {shape.rows} rows, {entry.label}\n")
    (folder / REGISTRY).write_text(registry_text(entries), encoding="utf-8")


def registry_text(entries: list[KeyEntry]) -> str:
    """`registry.toml` of development keys."""
    blocks = [
        "# Which keys belong to which statement. By `python -m circuits.keys`; see README.md.\n"
        f"\nformat = {FORMAT}\n"
    ]
    blocks += [
        f'\n[statements."{entry.statement}"]\n'
        f'r1cs = "{entry.r1cs}"\n'
        f"publics = {entry.publics}\n"
        f'\n[statements."{entry.statement}".keys.{entry.origin}]\n'
        f'unsafe = "{entry.unsafe}"\n'
        f'seed = "{entry.seed}"\n'
        f'verifying_key = "{entry.verifying_key}"\n'
        f'verifying_key_file = "{entry.verifying_key_file}"\n'
        f'proving_key = "{entry.proving_key}"\n'
        for entry in entries
    ]
    return "".join(blocks)


if __name__ == "__main__":
    generate(
        map(recorded_shape, registry.STATEMENTS),
        params.root(),
        params.cache_dir() / "keys",
        _best_backend(),
        sys.stdout.write,
    )
