"""A stopped node's chain, read for its successor: genesis, state after a block, that block.

As long as the state is kept, nothing is executed and no key is loaded: the version that makes the
successor has other statements than the chain that ends, and need not be able to run it. A state
that was pruned is made again from the blocks, which takes the keys of the old chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from circuits.keys import KeyStore
from node.app import assembly
from node.app.development import founded_with
from node.app.errors import AlreadyRunning, NoNode
from node.app.node import CHAIN_FOLDER
from node.app.process import GENESIS_FILE, LOCK_FILE
from node.consensus.application import LedgerApplication
from node.consensus.replay import replay
from node.core.block import Block
from node.core.errors import ConsensusFault, NotFound
from node.core.genesis import Genesis, StatementKey
from node.core.genesis_file import load_genesis
from node.core.ids import Height
from node.core.interfaces import StateReader
from node.execution.migration import Succession, check_successor, successor
from node.execution.verifier import GrothVerifier
from node.store.chain import Chain
from node.store.memory import memory_store
from node.store.rocksdb import open_store
from node.store.versioned import VersionedStore

_LOCK_S: Final = 2.0
Progress = Callable[[str, float], None]
"""Name of a phase, and the share of it that is done."""


def _silent(_phase: str, _share: float) -> None:
    """A report that nobody reads."""


@dataclass(frozen=True, slots=True)
class OldChain:
    """A chain on this machine's disk that no process works on."""

    genesis: Genesis
    store: VersionedStore

    @property
    def height(self) -> Height:
        return self.store.height


@dataclass(frozen=True, slots=True)
class Again:
    """What of a broken statement may be used again; see `node.execution.migration.successor`."""

    same_circuit: bool = False
    rehearsal: bool = False


@contextmanager
def opened(home: Path) -> Iterator[OldChain]:
    """The chain of the node in `home`, locked while the block runs.

    Raises:
        NoNode: there is none.
        AlreadyRunning: RPC-16, its node runs.
        StoreError, DecodeError: what is in the folder does not fit.
    """
    if not (home / GENESIS_FILE).is_file() or not (home / CHAIN_FOLDER).is_dir():
        raise NoNode("there is no chain in this folder", where=str(home), fix="name it: --home")
    genesis = load_genesis(home / GENESIS_FILE)
    lock = FileLock(home / LOCK_FILE)
    try:
        lock.acquire(timeout=_LOCK_S)
    except Timeout:
        raise AlreadyRunning(
            "RPC-16: the node of this chain runs", where=str(home),
            fix="stop it first: `chiaro down`",
        ) from None  # fmt: skip
    try:
        store = open_store(home / CHAIN_FOLDER, genesis.chain_id)
        try:
            yield OldChain(genesis, store)
        finally:
            store.close()
    finally:
        lock.release()


def installed_statements(
    statements: Iterable[str], profile: str, keys: KeyStore, *, insecure: bool = False
) -> tuple[StatementKey, ...]:
    """What a chain verifies, under this installation's keys.

    Raises:
        UnknownKey, DevParamsRefused: there are none for the profile.
        InsecureVersion: RPC-25, unless `insecure`.
    """
    entries = [keys.entry(statement, profile) for statement in statements]
    if not insecure:
        for entry in entries:
            entry.require_current()
    return tuple(
        StatementKey(e.statement, bytes.fromhex(e.r1cs), bytes.fromhex(e.verifying_key))
        for e in entries
    )


def succeed(
    old: OldChain,
    height: int | None = None,
    again: Again | None = None,
    *,
    keys: KeyStore | None = None,
    report: Progress = _silent,
) -> Succession:
    """The successor after block `height` (default: the last one).

    Raises:
        NotFound: no such block.
        NoSuccessor: CH-30, CH-31, CH-32.
        InsecureVersion: RPC-25.
        ForeignGenesis: its state was pruned, and this installation cannot execute its blocks.
    """
    again, keys, profile = again or Again(), keys or KeyStore(), old.genesis.profile
    at = old.height if height is None else Height(height)
    if not 1 <= at <= old.height:
        raise NotFound(
            f"the chain has no block {at}; its last one is {old.height}",
            fix="name a block of it: --height",
        )
    named = founded_with(old.genesis.private, keys.registry, profile)
    return successor(
        old.genesis,
        _state(old, at, keys, report),
        Chain(old.store).header(at),
        installed_statements(named, profile, keys, insecure=again.rehearsal),
        ceremony=assembly.ceremony_of(named, profile, keys),
        same_circuit=again.same_circuit,
        rehearsal=again.rehearsal,
    )


def _state(old: OldChain, height: Height, keys: KeyStore, report: Progress) -> StateReader:
    """State after a block: as it is kept, or from executing all blocks up to there again."""
    if height >= old.store.oldest:
        return old.store.reader(height)
    verifier = GrothVerifier(assembly.verifying_keys(old.genesis, keys))
    executor = assembly.executor(old.genesis, verifier)
    store = memory_store(old.genesis.chain_id)
    chain = Chain(old.store)
    chain.check_kept(1)

    def blocks() -> Iterator[Block]:
        for block in chain.blocks(Height(1), height):
            report("replayed", block.header.height / height)
            yield block

    try:
        root = replay(LedgerApplication(old.genesis, executor, store), blocks())
    finally:
        verifier.close()
    if root != chain.root_after(height):
        raise ConsensusFault(
            f"block {height} gives another state than the next header says",
            why="the blocks on this disk are not those of the chain, or the program differs",
            fix="sync the chain again, with the version that ran it",
        )
    return store.reader(height)


def check(
    old: OldChain,
    found: Genesis,
    again: Again | None = None,
    *,
    keys: KeyStore | None = None,
    report: Progress = _silent,
) -> Succession:
    """CH-33: `found` is what `succeed` gives at the height that it names.

    Raises:
        OtherSuccessor: it is not, or it continues another chain.
    """
    predecessor = found.predecessor
    height = None if predecessor is None else predecessor.height
    expected = succeed(old, height, again, keys=keys, report=report)
    check_successor(found, expected.genesis)
    return expected
