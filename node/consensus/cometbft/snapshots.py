"""ABCI's four calls on snapshots.  Rules SN-1 … SN-9, as CometBFT hears of them.

A node that joins gets offers and chunks, one after the other, before anything else is said to it;
the others list and load. All four run on a thread of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from node.consensus.cometbft import abci_pb2 as abci
from node.core.genesis import Genesis
from node.store.snapshots.errors import Blame, SnapshotRefused
from node.store.snapshots.importing import Import, check_offer
from node.store.snapshots.manifest import FORMAT
from node.store.snapshots.shelf import Shelf
from node.store.versioned import CrashPoint, VersionedStore, no_crash

CALLS: Final = frozenset(
    ("list_snapshots", "offer_snapshot", "load_snapshot_chunk", "apply_snapshot_chunk")
)
_Offer = abci.ResponseOfferSnapshot.Result
_Chunk = abci.ResponseApplySnapshotChunk.Result

_log = logging.getLogger(__name__)


class SnapshotCalls:
    """One node's side of state sync.

    Args:
        genesis: of the chain.
        store: of the node.
        shelf: what it serves; None: nothing.
        restored: called when the store has a state that came as a snapshot, before CometBFT hears.
        crash_point: see `node.store.snapshots.importing.CRASH_POINTS`.
    """

    def __init__(
        self,
        genesis: Genesis,
        store: VersionedStore,
        shelf: Shelf | None,
        restored: Callable[[], None] = lambda: None,
        crash_point: CrashPoint = no_crash,
    ) -> None:
        self._genesis: Final = genesis
        self._store: Final = store
        self._shelf: Final = shelf
        self._restored: Final = restored
        self._crash_point: Final = crash_point
        self._import: Import | None = None

    # SERVING

    def list_snapshots(self, request: abci.RequestListSnapshots) -> abci.ResponseListSnapshots:  # noqa: ARG002
        return abci.ResponseListSnapshots(
            snapshots=[
                abci.Snapshot(
                    height=item.height,
                    format=FORMAT,
                    chunks=len(item.chunks),
                    hash=item.hash,
                    metadata=item.to_bytes(),
                )
                for item in (self._shelf.manifests() if self._shelf is not None else ())
            ]
        )

    def load_snapshot_chunk(
        self, request: abci.RequestLoadSnapshotChunk
    ) -> abci.ResponseLoadSnapshotChunk:
        """No bytes: it is not here."""
        found = None
        if request.format == FORMAT and self._shelf is not None:
            found = self._shelf.chunk(request.height, request.chunk)
        return abci.ResponseLoadSnapshotChunk(chunk=found or b"")

    # JOINING

    def offer_snapshot(self, request: abci.RequestOfferSnapshot) -> abci.ResponseOfferSnapshot:
        """SN-1 … SN-3, SN-8."""
        said = request.snapshot
        self._import = None
        try:
            manifest = check_offer(
                said.metadata,
                height=said.height,
                format_=said.format,
                chunks=said.chunks,
                hash_=said.hash,
                chain_id=self._genesis.chain_id,
                trusted=request.app_hash,
            )
        except SnapshotRefused as error:
            _log.warning("snapshot of %d refused: %s", said.height, error, extra=_code(error))
            formats = error.blame is Blame.FORMAT
            return abci.ResponseOfferSnapshot(
                result=_Offer.REJECT_FORMAT if formats else _Offer.REJECT_SENDER
            )
        self._import = Import(
            self._store, manifest, self._genesis.to_bytes(), crash_point=self._crash_point
        )
        _log.info("snapshot of %d, %d chunks", manifest.height, len(manifest.chunks))
        return abci.ResponseOfferSnapshot(result=_Offer.ACCEPT)

    def apply_snapshot_chunk(
        self, request: abci.RequestApplySnapshotChunk
    ) -> abci.ResponseApplySnapshotChunk:
        """SN-4 … SN-7, SN-9: whom a refusal blames decides what comes next."""
        taking = self._import
        if taking is None:
            return abci.ResponseApplySnapshotChunk(result=_Chunk.ABORT)
        try:
            last = taking.apply(request.index, request.chunk)
        except SnapshotRefused as error:
            _log.warning("from %s: %s", request.sender, error, extra=_code(error))
            if error.blame is Blame.SENDER:
                return abci.ResponseApplySnapshotChunk(
                    result=_Chunk.RETRY,
                    refetch_chunks=[request.index],
                    reject_senders=[request.sender],
                )
            self._import = None
            taking.abandon()
            return abci.ResponseApplySnapshotChunk(result=_Chunk.REJECT_SNAPSHOT)
        if last:
            self._import = None
            self._restored()
            _log.info(
                "state restored",
                extra={"height": self._store.height, "root": self._store.root.hex()},
            )
        return abci.ResponseApplySnapshotChunk(result=_Chunk.ACCEPT)


def _code(error: SnapshotRefused) -> dict[str, str]:
    return {"code": error.id}
