"""Making a snapshot, beside a node that goes on.  Rule SN-10.

The node makes a checkpoint of its database (hard links, so quickly); another process reads it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Final, Protocol

from node.core.ids import ChainId, Height, StateRoot
from node.store.rocksdb import open_store
from node.store.snapshots.manifest import Manifest, chunk_hash
from node.store.snapshots.shelf import CHECKPOINT, MANIFEST_FILE, PARTIAL, Shelf
from node.store.snapshots.stream import Writing
from node.store.versioned import CrashPoint, VersionedStore, no_crash
from zk import files

CRASH_POINTS: Final = (
    "snapshot-checkpointed",
    "snapshot-chunk",
    "snapshot-before-rename",
    "snapshot-after-rename",
)
"""Places where the process may be killed."""


class State(Protocol):
    """A state at one height: `node.store.versioned.VersionedReader`."""

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]: ...


def export(
    shelf: Shelf,
    state: State,
    chain_id: ChainId,
    height: Height,
    root: StateRoot,
    crash_point: CrashPoint = no_crash,
) -> Manifest:
    """Put the snapshot of a state on the shelf.

    Args:
        shelf: has none of this height.
        state: after the block of `height`.
        chain_id: of the chain.
        height: of the state.
        root: of the state.
        crash_point: see `CRASH_POINTS`.

    Raises:
        NotFound: the state left the window meanwhile (CH-12).
        StoreError, OSError: the disk; an entry too large for any snapshot.
    """
    folder = shelf.place(height, PARTIAL)
    shutil.rmtree(folder, ignore_errors=True)
    files.make_private_folder(folder)
    writing = Writing(state.iterate(b""))
    hashes = []
    for index, chunk in enumerate(writing.chunks()):
        files.write(folder / str(index), chunk, durable=True)
        hashes.append(chunk_hash(chunk))
        crash_point("snapshot-chunk")
    found = Manifest(chain_id, height, root, writing.entries, writing.size, tuple(hashes))
    files.write(folder / MANIFEST_FILE, found.to_bytes(), durable=True)
    crash_point("snapshot-before-rename")
    shelf.finish(height)
    crash_point("snapshot-after-rename")
    return found


def checkpoint(shelf: Shelf, store: VersionedStore, height: Height) -> None:
    """What `export_checkpoint` reads; of this height or a little later, which does not matter."""
    path = shelf.place(height, CHECKPOINT)
    shutil.rmtree(path, ignore_errors=True)
    store.checkpoint(path)


def export_checkpoint(
    shelf: Shelf, chain_id: ChainId, height: Height, crash_point: CrashPoint = no_crash
) -> Manifest:
    """The snapshot of a height from a checkpoint, which is removed.

    Raises:
        NotFound, StoreError, OSError: as `export`.
    """
    path = shelf.place(height, CHECKPOINT)
    crash_point("snapshot-checkpointed")
    try:
        store = open_store(path, chain_id)
        try:
            reader = store.reader(height)
            root = store.root_at(height)
            return export(shelf, reader, chain_id, height, root, crash_point)
        finally:
            store.close()
    finally:
        shutil.rmtree(path, ignore_errors=True)
