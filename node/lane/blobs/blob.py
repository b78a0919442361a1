"""Blobs of sealed intents: their encoding, and where a node gets their bytes.

    version 1 ‖ count 2 ‖ count × (length 4 ‖ envelope)

A blob is kept by the committee of its domain (`node.da`); blocks order its certificate only. What
the bytes mean is decided when the certificate is executed (`node.lane.blobs.dispersal`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from node.core.codec import Reader, Writer
from node.core.errors import Missing, NotFound
from node.da import blob
from node.da.errors import TooFewRows
from node.da.rows import Commitment, Row
from node.da.shards import ShardStore
from node.lane.errors import LaneRefused
from private_exec.envelope import SIZE_CLASSES, Envelope, size_of
from private_exec.errors import SealRefused
from zk.errors import DecodeError

VERSION: Final = 1
MAX_ENTRIES: Final = 1024
_MAX_ENVELOPE: Final = size_of(len(SIZE_CLASSES) - 1)


class NoBytes(Missing):
    """LN-37: this node cannot get a blob that a block ordered."""

    code = "LAN-010"
    why = "what the block does depends on these bytes, and to guess would fork this node"
    fix = "reach more members of the domain's committee, or an archival node; then go on"

    @property
    def id(self) -> str:
        return "LN-37"


class BlobSource(Protocol):
    """Where the bytes of ordered blobs come from: this node's disk, or its network."""

    def blob(self, commitment: Commitment) -> bytes:
        """The blob; the same content on every node, or ⊥ on every node (`node.da.blob`).

        Raises:
            BadEncoding: it is ⊥.
            NodeError: this machine cannot get it now.
        """
        ...


class NoBlobs:
    """The source of a node that keeps nothing and asks nobody."""

    def blob(self, commitment: Commitment) -> bytes:
        """LN-37. Raises NoBytes."""
        raise NoBytes("no source of blobs", where=f"blob {commitment.root.hex()[:16]}…")


class ShardBlobs:
    """Rows in stores of members that this process can read: all rows, for a committee of one.

    Also a `node.da.sampling.RowSource`.

    Args:
        stores: of the members.
    """

    def __init__(self, stores: Sequence[ShardStore]) -> None:
        self._stores = tuple(stores)

    def row(self, commitment: Commitment, index: int) -> Row | None:
        """From whichever store has it."""
        for store in self._stores:
            try:
                return store.row(commitment.root, index)
            except NotFound:
                continue
        return None

    def blob(self, commitment: Commitment) -> bytes:
        """LN-37: from any K rows.

        Raises:
            BadEncoding: DA-5.
            NoBytes: fewer than K rows are here.
        """
        rows = (self.row(commitment, index) for index in range(commitment.coding.n))
        try:
            return blob.recover(commitment, (row for row in rows if row is not None))
        except TooFewRows as error:
            raise NoBytes(error.message, where=error.where) from error


def encode(envelopes: Iterable[Envelope]) -> bytes:
    """A blob of these.

    Raises:
        LaneRefused: LN-38, none or too many.
    """
    items = tuple(envelopes)
    _check_count(len(items))
    writer = Writer().u8(VERSION).u16(len(items))
    for item in items:
        writer.blob(item.to_bytes())
    return writer.done()


def decode(data: bytes) -> tuple[Envelope, ...]:
    """LN-38: strict, one encoding; a blob with anything else in it is no list of sealed intents.

    Raises:
        LaneRefused: LN-38.
    """
    reader = Reader(data, "blob")
    try:
        version = reader.u8()
        count = reader.count(2, MAX_ENTRIES, "sealed intents")
        items = tuple(
            Envelope.from_bytes(reader.blob(_MAX_ENVELOPE, "sealed intent")) for _ in range(count)
        )
        reader.done()
    except (DecodeError, SealRefused) as error:
        raise LaneRefused("LN-38", f"{error.id}: {error.message}", where=error.where) from error
    if version != VERSION:
        raise LaneRefused("LN-38", f"unknown version {version} of a blob", where="blob")
    _check_count(count)
    return items


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_ENTRIES:
        raise LaneRefused("LN-38", f"{count} sealed intents, not 1 to {MAX_ENTRIES}", where="blob")
