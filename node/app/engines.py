"""CometBFT's parts of a node, loaded where there is one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from node.consensus.application import LedgerApplication
from node.consensus.local import Produced
from node.core.genesis import Genesis
from node.store.chain import Chain
from node.store.snapshots.shelf import Shelf
from node.store.versioned import CrashPoint, VersionedStore

if TYPE_CHECKING:
    from node.consensus.cometbft.bridge import Pool
    from node.consensus.cometbft.engine import CometEngine
    from node.consensus.cometbft.query import Query
    from node.consensus.cometbft.relay import Relay


def relay(folder: Path) -> Relay:
    """To the mempool of the CometBFT in `folder`."""
    from node.consensus.cometbft.home import RPC_SOCKET
    from node.consensus.cometbft.relay import Relay

    return Relay(folder / RPC_SOCKET)


def query(folder: Path) -> Query:
    """To the RPC of the CometBFT in `folder`."""
    from node.consensus.cometbft.home import RPC_SOCKET
    from node.consensus.cometbft.query import Query

    return Query(folder / RPC_SOCKET)


def joins(folder: Path | None) -> bool:
    """Whether the CometBFT in `folder` begins with a snapshot, if it has nothing yet."""
    if folder is None or not folder.exists():
        return False
    from node.consensus.cometbft.home import syncs

    return syncs(folder)


def comet(
    genesis: Genesis,
    app: LedgerApplication,
    store: VersionedStore,
    pool: Pool,
    own: bytes,
    folder: Path,
    carrier: Relay,
    *,
    decided: Callable[[Produced], None],
    restored: Callable[[], None],
    binary: Path | None,
    shelf: Shelf | None,
    prunes: bool,
    crash_point: CrashPoint,
) -> CometEngine:
    """The engine of a node that CometBFT drives.

    Args:
        genesis: of the chain.
        app: the state machine.
        store: of `app`.
        pool: of the node.
        own: this validator's consensus key; empty: it does not vote.
        folder: of CometBFT.
        carrier: of `relay`.
        decided: called when a block is on the disk.
        restored: called when there is a state that came as a snapshot.
        binary: CometBFT, to be run as a child.
        shelf: of snapshots.
        prunes: whether the node keeps its last blocks only.
        crash_point: see `node.store.snapshots.importing.CRASH_POINTS`.
    """
    from node.consensus.cometbft.engine import CometEngine
    from node.consensus.cometbft.snapshots import SnapshotCalls

    chain = Chain(store)

    def retain() -> int:
        """SN-15: CometBFT keeps what we do, and what a light client of a snapshot needs."""
        if not prunes:
            return 0
        return min([chain.first, *([] if shelf is None else shelf.heights())])

    calls = SnapshotCalls(genesis, store, shelf, restored, crash_point)
    return CometEngine(
        genesis, app, store, pool, own, folder, carrier, decided, binary, calls, retain
    )
