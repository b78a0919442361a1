"""Taking a snapshot from peers who may lie.  Rules SN-2 … SN-9.

    offer   manifest against the offer, the chain and the root that the light client verified
    chunks  in order, each against the manifest
    end     the tree of all entries against that root; then, and only then, the head is written

What a manifest says is believed of nothing but which bytes are meant: a false one leads to another
root. Memory holds one chunk, an entry that has not ended, and a small part of the tree.
"""

from __future__ import annotations

from typing import Final

from node.core.errors import ConsensusFault
from node.core.head import CHAIN_KEY, HEAD_KEY, Head
from node.core.ids import ChainId
from node.store.chain import Chain, anchor_entries, genesis_entries
from node.store.restore import Restoration
from node.store.snapshots.errors import Blame, SnapshotRefused
from node.store.snapshots.manifest import FORMAT, MAX_MANIFEST, Manifest, chunk_hash
from node.store.snapshots.stream import Reading
from node.store.versioned import CrashPoint, VersionedStore, no_crash
from zk.errors import DecodeError

CRASH_POINTS: Final = ("restore-begun", "restore-chunk", "restore-rooted", "restore-committed")
"""Places where the process may be killed."""
_NAMES: Final = frozenset((CHAIN_KEY, HEAD_KEY))


def check_offer(
    metadata: bytes,
    *,
    height: int,
    format_: int,
    chunks: int,
    hash_: bytes,
    chain_id: ChainId,
    trusted: bytes,
) -> Manifest:
    """The manifest of an offer that is worth fetching.

    Args:
        metadata: the manifest, as it was offered.
        height: of the offer.
        format_: of the offer.
        chunks: how many, says the offer.
        hash_: of the offer.
        chain_id: of this node's chain.
        trusted: state root after `height`, from headers that a light client verified.

    Raises:
        SnapshotRefused: SN-1, SN-2, SN-3.
    """
    if format_ != FORMAT:
        raise SnapshotRefused("SN-2", f"format {format_}, not {FORMAT}", Blame.FORMAT)
    if len(metadata) > MAX_MANIFEST:
        raise SnapshotRefused("SN-1", f"a manifest of {len(metadata)} bytes", Blame.SENDER)
    try:
        found = Manifest.from_bytes(metadata)
    except DecodeError as error:
        raise SnapshotRefused("SN-1", error.message.removeprefix("SN-1: "), Blame.SENDER) from error
    said = (height, chunks, hash_)
    if said != (found.height, len(found.chunks), found.hash):
        raise SnapshotRefused("SN-2", "the offer is not that of its manifest", Blame.SENDER)
    if found.chain_id != chain_id:
        raise SnapshotRefused("SN-3", "of another chain", Blame.SENDER)
    if found.state_root != trusted:
        raise SnapshotRefused(
            "SN-3", f"another state root at {height} than the validators signed", Blame.SENDER
        )
    return found


class Import:
    """One snapshot on its way into the store.

    Args:
        store: empty, or with nothing but an earlier import in it.
        manifest: of `check_offer`.
        genesis: of the chain, canonical bytes.
        crash_point: see `CRASH_POINTS`.

    Raises:
        ConsensusFault: SN-8.
    """

    def __init__(
        self,
        store: VersionedStore,
        manifest: Manifest,
        genesis: bytes,
        *,
        crash_point: CrashPoint = no_crash,
    ) -> None:
        if not store.empty:
            anchor = Chain(store).anchor
            if anchor is None or anchor.height != store.height:
                raise ConsensusFault(
                    f"SN-8: a snapshot is offered to a ledger at height {store.height}",
                    why="the engine's folder was lost or replaced, and the ledger would be as well",
                    fix="restore the engine's folder, or begin with empty folders on both sides",
                )
            store.wipe()
        self.manifest: Final = manifest
        self._store: Final = store
        self._genesis: Final = genesis
        self._crash_point: Final = crash_point
        self._reading: Final = Reading()
        self._said: Final[dict[bytes, bytes]] = {}
        self._next = 0
        self._restoration: Final[Restoration] = store.restore(manifest.height)
        crash_point("restore-begun")

    def apply(self, index: int, chunk: bytes) -> bool:
        """Take a chunk; whether it was the last one, and the state is the store's.

        After a refusal that blames the sender the same chunk may come again; after any other one
        the import is over, and `abandon` is due.

        Raises:
            SnapshotRefused: SN-4 … SN-6, SN-9.
        """
        if index != self._next:
            raise SnapshotRefused("SN-4", f"chunk {index} for {self._next}", Blame.SNAPSHOT)
        where = f"chunk {index}"
        if chunk_hash(chunk) != self.manifest.chunks[index]:
            raise SnapshotRefused(
                "SN-4", "not the chunk that the manifest names", Blame.SENDER, where=where
            )
        if len(chunk) != self.manifest.length(index):  # nobody could send another
            raise SnapshotRefused("SN-4", f"{len(chunk)} bytes", Blame.SNAPSHOT, where=where)
        entries = self._reading.feed(chunk)
        self._said.update(entry for entry in entries if entry[0] in _NAMES)
        self._restoration.add(entries)
        self._next += 1
        self._crash_point("restore-chunk")
        if self._next < len(self.manifest.chunks):
            return False
        self._finish()
        return True

    def abandon(self) -> None:
        """SN-7: the store is as empty as before."""
        self._store.wipe()

    def _finish(self) -> None:
        self._reading.done(self.manifest.entries)
        root = self._restoration.root()
        if root != self.manifest.state_root:
            raise SnapshotRefused(
                "SN-6", f"its entries give root {root.hex()[:16]}…", Blame.SNAPSHOT
            )
        head = self._head()
        self._crash_point("restore-rooted")
        self._restoration.commit({**genesis_entries(self._genesis), **anchor_entries(head)})
        self._crash_point("restore-committed")

    def _head(self) -> Head:
        """SN-9: the state says itself of which chain and height it is."""
        try:
            head = Head.from_bytes(self._said.get(HEAD_KEY, b""))
        except DecodeError as error:
            raise SnapshotRefused("SN-9", error.message, Blame.SNAPSHOT) from error
        said = (self._said.get(CHAIN_KEY), head.height)
        if said != (self.manifest.chain_id, self.manifest.height):
            raise SnapshotRefused(
                "SN-9", f"the state says that it is of height {head.height}", Blame.SNAPSHOT
            )
        return head
