"""Documents of data availability: blobs of sealed intents, rows with their proofs."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from node.rpc.schema import Count, Hex, Id, Request, Response

RowIndex = Annotated[int, Meta(ge=0, le=65535)]


class PutRequest(Request, frozen=True):
    """A blob to be kept for a domain, as `node.lane.blobs.blob` encodes it."""

    domain: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    blob: Hex


class FaultView(Response, frozen=True):
    """A member that did not sign for its rows, and by which rule it refused, if it did."""

    member: Id
    code: str
    message: str


class KeptView(Response, frozen=True):
    """A blob that the node took, and signed for (RPC-36).

    Attributes:
        root: names it.
        entries: sealed intents in it.
        expiry: last height of a block that may order it.
        certificate: of more than two thirds of the committee.
        tx: the transaction that orders it, to be handed in with `POST /tx`.
        tx_id: of that transaction.
        signers: members that signed.
        faults: those that did not.
    """

    root: Id
    domain: Count
    entries: Count
    bytes: Count
    expiry: Count
    certificate: Hex
    tx: Hex
    tx_id: Id
    signers: Count
    faults: list[FaultView]


class BlobView(Response, frozen=True):
    """What the chain says of a blob, and how many of its rows this node has.

    Attributes:
        status: `kept` here and not ordered yet; `ordered` by a block.
        height: of the block that ordered it.
        entries: sealed intents in it; 0 in an ordered one: empty for everybody (LN-36).
        commitment: code, size and root, encoded; the state has it under `i/blob/ root`.
        rows: of `total`, `needed` of which are enough to read it.
    """

    root: Id
    status: Literal["kept", "ordered"]
    commitment: Hex
    bytes: Count
    rows: Count
    total: Count
    needed: Count
    height: Count | None = None
    domain: Count | None = None
    entries: Count | None = None


class RowsQuery(Request, frozen=True):
    """Which rows: from an index on, at most so many."""

    first: RowIndex = msgspec.field(default=0, name="from")
    limit: Annotated[int, Meta(ge=1, le=1024)] = 64


class RowView(Response, frozen=True):
    """A row with its proof, encoded; checked by who asked (RPC-37)."""

    index: Count
    row: Hex


class RowPage(Response, frozen=True):
    """Rows that the node has, ascending; `next` is where to go on, absent behind the last."""

    rows: list[RowView]
    next: Count | None = None
