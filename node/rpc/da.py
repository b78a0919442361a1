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
from node.da import blob
from node.da.errors import BadEncoding
from node.da.rows import Commitment, Row
from node.execution.executor import Executor
from node.lane.blobs import dispersal
from node.lane.blobs.availability import Availability
from node.lane.blobs.blob import BlobSource, NoBytes
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
        keeper: of rows, this node's and the members'.
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
            signers=len(kept.certificate.signers),
            faults=[
                schema.FaultView(member=hex_of(item.member), code=item.code, message=item.message)
                for item in kept.faults
            ],
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
        """RPC-37: those that are here or can be made here, with their proofs; RPC-12: bounded.

        A member of several has few of the rows of an ordered blob, and makes the others of it.
        """
        commitment = self.commitment(root)
        if sum(self.held(root)) < commitment.coding.k and (made := self._made(root, commitment)):
            room = max(1, MOST_ROW_BYTES // commitment.row_bytes)
            end = first + min(limit, room)
            views = [
                schema.RowView(index=row.index, row=hex_of(row.to_bytes()))
                for row in made[first:end]
            ]
            return schema.RowPage(rows=views, next=end if end < len(made) else None)
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
        """RPC-39: one row for a sample, from who keeps it; that it is missing is an answer, too."""
        row = self._parts.keeper.anywhere(self.commitment(root), index)
        if row is None:
            raise NotFound(f"row {index} of blob {root.hex()[:16]}… is not here")
        return schema.RowView(index=index, row=hex_of(row.to_bytes()))

    def _made(self, root: bytes, commitment: Commitment) -> list[Row]:
        """All rows of an ordered blob that can be read, made again; none of one that is ⊥."""
        if dispersal.ordered(self._parts.store.reader(), root) is None:
            return []
        try:
            coded = blob.encode(self._parts.keeper.blob(commitment), commitment.coding)
        except (BadEncoding, NoBytes):
            return []
        return [coded.row(index) for index in range(commitment.coding.n)]

    def commitment(self, root: bytes) -> Commitment:
        """Raises NotFound: neither ordered nor kept here."""
        ordered = dispersal.ordered(self._parts.store.reader(), root)
        return self._parts.keeper.commitment(root) if ordered is None else ordered.commitment
