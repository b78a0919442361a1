"""What the RPC answers about data availability: it takes blobs, and serves rows with their proofs.

RPC-37: nothing of it has to be believed. A row proves itself against a commitment that the state
has, and who reads a blob decodes it from rows (`node.rpc.da_client`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.codec import Writer
from node.core.errors import NotFound
from node.core.ids import Height
from node.da.rows import Commitment
from node.execution.executor import Executor
from node.lane.blobs import dispersal
from node.lane.blobs.availability import Availability
from node.lane.blobs.blob import BlobSource
from node.lane.payload import DisperseTx
from node.rpc import da_schema as schema
from node.rpc.text import hex_of
from node.store.versioned import VersionedStore

MOST_ROW_BYTES: Final = 2 * 1024 * 1024
"""RPC-12: of rows in one answer, about."""


@dataclass(frozen=True, slots=True)
class DaParts:
    """What is read.

    Attributes:
        keeper: of the rows of this node.
        executor, store: of the node.
    """

    keeper: Availability
    executor: Executor
    store: VersionedStore


class DaViews:
    """One method per endpoint; synchronous, safe from several threads."""

    def __init__(self, parts: DaParts) -> None:
        self._parts: Final = parts

    @property
    def source(self) -> BlobSource:
        """Of whole blobs."""
        return self._parts.keeper

    def put(self, domain: int, data: bytes) -> schema.KeptView:
        """RPC-36: only what would be ordered now, entry by entry, is kept and signed for."""
        parts = self._parts
        reader = parts.store.reader()
        height = Height(reader.height + 1)
        kept = parts.keeper.put(domain, data, parts.executor, reader, height)
        return schema.KeptView(
            root=hex_of(kept.commitment.root),
            domain=domain,
            entries=kept.entries,
            bytes=kept.commitment.size,
            expiry=kept.expiry,
            certificate=hex_of(kept.certificate.to_bytes()),
            tx=hex_of(dispersal.wire(domain, kept.certificate)),
            tx_id=hex_of(dispersal.tx_id(DisperseTx(domain, kept.certificate))),
        )

    def blob(self, root: bytes) -> schema.BlobView:
        """RPC-38: what the state says of it, else that it is kept here."""
        ordered = dispersal.ordered(self._parts.store.reader(), root)
        commitment = self.commitment(root) if ordered is None else ordered.commitment
        writer = Writer()
        commitment.write(writer)
        coding = commitment.coding
        return schema.BlobView(
            root=hex_of(root),
            status="kept" if ordered is None else "ordered",
            commitment=hex_of(writer.done()),
            bytes=commitment.size,
            rows=sum(self.held(root)),
            total=coding.n,
            needed=coding.k,
            height=None if ordered is None else ordered.height,
            domain=None if ordered is None else ordered.domain,
            entries=None if ordered is None else ordered.entries,
        )

    def held(self, root: bytes) -> list[bool]:
        """Of each row whether it is here."""
        commitment = self.commitment(root)
        keeper = self._parts.keeper
        return [keeper.row(commitment, i) is not None for i in range(commitment.coding.n)]

    def rows(self, root: bytes, first: int, limit: int) -> schema.RowPage:
        """RPC-37: those that are here, with their proofs; RPC-12: bounded."""
        commitment = self.commitment(root)
        found: list[schema.RowView] = []
        size = 0
        for index in range(first, commitment.coding.n):
            if len(found) == limit or size > MOST_ROW_BYTES:
                return schema.RowPage(rows=found, next=index)
            row = self._parts.keeper.row(commitment, index)
            if row is not None:
                data = row.to_bytes()
                found.append(schema.RowView(index=index, row=hex_of(data)))
                size += len(data)
        return schema.RowPage(rows=found)

    def row(self, root: bytes, index: int) -> schema.RowView:
        """RPC-39: one row for a sample; that it is missing is an answer, too."""
        row = self._parts.keeper.row(self.commitment(root), index)
        if row is None:
            raise NotFound(f"row {index} of blob {root.hex()[:16]}… is not here")
        return schema.RowView(index=index, row=hex_of(row.to_bytes()))

    def commitment(self, root: bytes) -> Commitment:
        """Raises NotFound: neither ordered nor kept here."""
        ordered = dispersal.ordered(self._parts.store.reader(), root)
        return self._parts.keeper.commitment(root) if ordered is None else ordered.commitment
