"""What lies beside a block that orders blobs: their bytes, for who executes it again (AUD-019).

    count 2 ‖ count × (kind 1 ‖ content 4 + n)

kind 1: the blob; 2: evidence that it is ⊥. One entry for each blob that the block's receipts say
was ordered, in their order. Nothing of it is believed: content proves itself by the commitment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from node.core.block import MAX_BLOCK_BYTES, WIRE_VERSION, Block, Receipt, Transaction
from node.core.codec import Reader, Writer
from node.core.ids import EnvironmentId
from node.da import blob
from node.da.blob import Evidence
from node.da.certificate import Statement
from node.da.errors import BadEncoding, DataRefused
from node.da.rows import Commitment
from node.lane import payload
from node.lane.blobs.blob import BlobSource, NoBlobs
from node.lane.errors import LaneRefused
from node.lane.payload import DisperseTx, Tag
from node.store.chain import decode_receipts
from zk.errors import DecodeError

MAX_BYTES: Final = 16 * MAX_BLOCK_BYTES
"""Of the blobs of one block together."""
_BLOB: Final = 1
_EVIDENCE: Final = 2
_MAX_BLOBS: Final = 4096
_BEGINS: Final = bytes((WIRE_VERSION, EnvironmentId.INTENTS))
"""Every transaction of the lane begins so."""

Contents = Mapping[bytes, bytes | Evidence]
"""By the blob's root."""


class Attached:
    """`node.lane.blobs.blob.BlobSource` over what came with the blocks.

    Attributes:
        contents: of the block that is executed next; whoever executes sets it.
    """

    def __init__(self) -> None:
        self.contents: Contents = {}

    def blob(self, commitment: Commitment) -> bytes:
        """LN-37. Raises BadEncoding; NoBytes, nothing came for this blob."""
        found = self.contents.get(commitment.root)
        if found is None:
            return NoBlobs().blob(commitment)
        if isinstance(found, Evidence):
            raise BadEncoding("the rows are no encoding of a blob", found)
        return found


def due(block: Block, receipts: Sequence[Receipt]) -> tuple[Commitment, ...]:
    """Commitments of the blobs that a block ordered, by its receipts."""
    return tuple(said.commitment for said in ordered(block, receipts))


def ordered(block: Block, receipts: Sequence[Receipt]) -> tuple[Statement, ...]:
    """What the members signed of the blobs that a block ordered, by its receipts."""
    return tuple(_ordered(block, receipts))


def _ordered(block: Block, receipts: Sequence[Receipt]) -> Iterator[Statement]:
    for data, receipt in zip(block.txs, receipts, strict=False):
        if not receipt.ok or receipt.environment is not EnvironmentId.INTENTS:
            continue
        if payload.tag_of_wire(data) is not Tag.DISPERSE:
            continue
        try:
            tx = payload.decode(Transaction.from_bytes(data).payload)
        except (DecodeError, DataRefused, LaneRefused):
            continue  # it cannot have taken effect; who executes the block says so
        if isinstance(tx, DisperseTx):
            yield tx.certificate.statement


def due_raw(block: bytes, receipts: bytes) -> tuple[Commitment, ...]:
    """The same of bytes; nothing, where they are no block or no receipts."""
    if _BEGINS not in block:
        return ()  # most blocks need not be decoded for this
    try:
        return due(Block.from_bytes(block), decode_receipts(receipts))
    except DecodeError:
        return ()


def collect(commitments: Sequence[Commitment], source: BlobSource) -> bytes:
    """What goes beside the block; empty for a block without blobs.

    Raises:
        NodeError: a blob cannot be had any more.
    """
    if not commitments:
        return b""
    writer = Writer().u16(len(commitments))
    for commitment in commitments:
        try:
            kind, content = _BLOB, source.blob(commitment)
        except BadEncoding as error:
            kind, content = _EVIDENCE, error.evidence.to_bytes()
        writer.u8(kind).blob(content)
    return writer.done()


def read(data: bytes, commitments: Sequence[Commitment]) -> Contents:
    """AUD-019: exactly the contents of these blobs.

    Raises:
        DecodeError: not the encoding of so many.
        DataRefused: DA-5, a content is not the blob's; DA-6, evidence that shows nothing.
    """
    if not commitments and not data:
        return {}
    reader = Reader(data, "blobs")
    count = reader.count(2, _MAX_BLOBS, "blobs")
    if count != len(commitments):
        raise DecodeError(f"{count} blobs, {len(commitments)} were ordered", where="blobs")
    found = {}
    for commitment in commitments:
        kind, content = reader.u8(), reader.blob(MAX_BYTES, "blob")
        found[commitment.root] = _checked(kind, content, commitment)
    reader.done()
    return found


def _checked(kind: int, content: bytes, commitment: Commitment) -> bytes | Evidence:
    where = f"blob {commitment.root.hex()[:16]}…"
    if kind == _EVIDENCE:
        evidence = Evidence.from_bytes(content)
        if evidence.commitment != commitment:
            raise DataRefused("DA-6", "evidence about another blob", where=where)
        evidence.check()
        return evidence
    if kind != _BLOB:
        raise DecodeError(f"unknown kind {kind} of content", where=where)
    if len(content) != commitment.size or (
        blob.encode(content, commitment.coding).commitment != commitment
    ):
        raise DataRefused("DA-5", "these bytes are not the blob's", where=where)
    return content
