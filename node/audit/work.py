"""What an audit keeps between its runs: the state it computed, and figures of each block.

    <folder>/state/      a store as of a node, with every block and receipt that held
    <folder>/lock        one audit at a time

The figures of a block lie in the log of that store and are written with the block's state in one
write (CH-11), so an audit that is killed anywhere goes on at the last whole block.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from node.audit.errors import AuditError, WorkBusy
from node.core.genesis import Genesis
from node.core.ids import Height, StateRoot
from node.core.interfaces import Staged, StateReader
from node.execution.overlay import Overlay
from node.store.layout import u64
from node.store.memory import memory_store
from node.store.versioned import VersionedStore
from zk import files, params

FORMAT: Final = 1
_STATE: Final = "state"
_MARK: Final = "audit.json"
_FIGURES: Final = b"a/"


class Figures(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Of one block that holds.

    Attributes:
        transactions, refused, shielded, private, proofs: counts; see `report.Counts`.
        proof_us: microseconds per proof where its proofs were verified; 0: no proofs.
        held: kinds that a movement changed: logic, label, and what each environment holds after it.
    """

    transactions: int = 0
    refused: int = 0
    shielded: int = 0
    private: int = 0
    proofs: int = 0
    proof_us: int = 0
    held: tuple[tuple[str, str, tuple[tuple[int, str], ...]], ...] = ()


class Journal:
    """`node.core.interfaces.Store` that writes a block's figures with the block."""

    def __init__(self, store: VersionedStore) -> None:
        self._store = store
        self.figures = Figures()
        """Of the block that is staged next."""
        self._writes: Mapping[bytes, bytes | None] = {}

    @property
    def height(self) -> Height:
        return self._store.height

    @property
    def root(self) -> StateRoot:
        return self._store.root

    @property
    def empty(self) -> bool:
        return self._store.empty

    def reader(self, height: Height | None = None) -> StateReader:
        return self._store.reader(height)

    def stage(
        self,
        height: Height,
        writes: Mapping[bytes, bytes | None],
        log: Mapping[bytes, bytes | None],
    ) -> Staged:
        self._writes = writes
        own = {_FIGURES + u64(height): msgspec.msgpack.encode(self.figures)}
        return self._store.stage(height, writes, {**log, **own})

    def staged_state(self) -> StateReader:
        """The state as the block that was staged last would leave it."""
        state = Overlay(self._store.reader())
        state.update(self._writes.items())
        return state

    def commit(self, staged: Staged) -> None:
        self._store.commit(staged)

    def recompute(self, height: Height, writes: Mapping[bytes, bytes | None]) -> StateRoot:
        return self._store.recompute(height, writes)

    def log(self, key: bytes) -> bytes | None:
        return self._store.log(key)

    def log_range(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        return self._store.log_range(start, stop)

    def prove(self, key: bytes, height: Height | None = None) -> bytes:
        return self._store.prove(key, height)

    def close(self) -> None:
        self._store.close()

    def history(self) -> Iterator[tuple[int, Figures]]:
        """Height and figures of every block, ascending."""
        for key, data in self.log_range(_FIGURES + u64(1), _FIGURES + u64(self.height + 1)):
            height = int.from_bytes(key[len(_FIGURES) :], "big")
            yield height, msgspec.msgpack.decode(data, type=Figures)


def default_folder(genesis: Genesis) -> Path:
    """Below the cache, one per chain."""
    return params.cache_dir() / "audit" / genesis.chain_id.hex()[:32]


@contextmanager
def in_memory(genesis: Genesis) -> Iterator[Journal]:
    """Work that is gone afterwards."""
    yield Journal(memory_store(genesis.chain_id))


@contextmanager
def in_folder(folder: Path, genesis: Genesis, *, fresh: bool = False) -> Iterator[Journal]:
    """Work that the next audit of this chain goes on from.

    What another version of the program computed is thrown away: only what this one found counts.

    Args:
        folder: made if need be.
        genesis: of the chain.
        fresh: throw away what is there.

    Raises:
        WorkBusy: another audit has the folder.
        AuditError: AUD-017, the folder holds something else.
        StoreError: the state there is damaged.
    """
    from filelock import FileLock, Timeout

    from node.store.rocksdb import open_store

    if folder.exists() and not _ours(folder):
        raise AuditError(
            "AUD-017",
            "the folder holds something else",
            where=str(folder),
            why="an audit deletes what is in its folder when it begins again",
            fix="name an empty folder, or one of an earlier audit, with --work",
        )
    files.make_private_folder(folder)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0.2)
    except Timeout:
        raise WorkBusy("AUD-017", "another audit works in this folder", where=str(folder)) from None
    try:
        mark = _mark(genesis)
        path = folder / _MARK
        if fresh or not path.exists() or path.read_bytes() != mark:
            path.unlink(missing_ok=True)
            shutil.rmtree(folder / _STATE, ignore_errors=True)
            files.write(path, mark, durable=True)
        store = open_store(folder / _STATE, genesis.chain_id)
        try:
            yield Journal(store)
        finally:
            store.close()
    finally:
        lock.release()


def _ours(folder: Path) -> bool:
    """Empty, or with the mark of an audit; a run that was killed early has the lock alone."""
    names = {e.name for e in folder.iterdir() if not e.name.startswith(f".{_MARK}.")}
    return names <= {"lock"} or (_MARK in names and names <= {_STATE, _MARK, "lock"})


def _mark(genesis: Genesis) -> bytes:
    """Whose work it is: chain, form of the figures, program."""
    document = {
        "format": FORMAT,
        "program": version("chiaroscuro"),
        "chain_id": genesis.chain_id.hex(),
    }
    return msgspec.json.encode(document) + b"\n"
