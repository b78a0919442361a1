"""Data availability of a node over HTTP; whatever it answers is checked against the state root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.core.errors import NotFound
from node.da import blob
from node.da.errors import DataRefused
from node.da.rows import Commitment, Row
from node.da.sampling import Sampled, sample
from node.lane.blobs.dispersal import Ordered, ordered_key
from node.rpc import da_schema as schema
from node.rpc.errors import BadAnswer
from node.rpc.text import bytes_of, hex_of
from zk.errors import DecodeError

if TYPE_CHECKING:
    from node.rpc.client import NodeClient


class DaClient:
    """Of one node; a `node.da.sampling.RowSource`.

    Args:
        node: how it is reached.
    """

    def __init__(self, node: NodeClient) -> None:
        self._node = node

    def put(self, domain: int, data: bytes) -> schema.KeptView:
        """Hand a blob in; it is kept when this returns. Raises the refusing rule."""
        request = schema.PutRequest(domain=domain, blob=hex_of(data))
        return self._node.post("/da/blobs", request, schema.KeptView)

    def blob(self, root: bytes) -> schema.BlobView:
        """What the node says of a blob. Raises NotFound."""
        return self._node.get(f"/da/blobs/{root.hex()}", schema.BlobView)

    def ordered(self, root: bytes) -> Ordered:
        """RPC-38: the chain's entry of a blob, proved under the state root.

        Raises:
            NotFound: no block ordered it.
            BadAnswer: the entry is not of this blob.
        """
        view = self._node.state(ordered_key(root))
        if view.value is None:
            raise NotFound(
                f"no block has ordered blob {root.hex()}",
                fix="`chiaro da put --order` hands a certificate in",
            )
        return entry_of(root, bytes_of(view.value))

    def read(self, commitment: Commitment) -> bytes:
        """RPC-38: the blob, decoded here from rows that prove themselves.

        Raises:
            BadEncoding: it is ⊥ for everybody; carries the evidence.
            TooFewRows: the node does not have enough rows.
        """
        rows: list[Row] = []
        at: int | None = 0
        while at is not None and len(rows) < commitment.coding.k:
            query = {"from": at, "limit": commitment.coding.k - len(rows)}
            path = f"/da/blobs/{commitment.root.hex()}/rows"
            page = self._node.get(path, schema.RowPage, query)
            if page.next is not None and page.next <= at:
                raise BadAnswer("RPC-37: the node answers for other rows", where="rows")
            rows += [self._row(view) for view in page.rows]
            at = page.next
        return blob.recover(commitment, rows)

    def row(self, commitment: Commitment, index: int) -> Row | None:
        """RPC-39: one row; what does not come or does not decode counts as missing."""
        path = f"/da/blobs/{commitment.root.hex()}/rows/{index}"
        try:
            return self._row(self._node.get(path, schema.RowView))
        except (NotFound, BadAnswer):
            return None

    def sample(self, commitment: Commitment, samples: int, missing: int = 0) -> Sampled:
        """RPC-39: random rows, one request each; the node cannot foresee which.

        Raises:
            NotAvailable: too many are missing; DataRefused: DA-20, numbers without sense.
        """
        return sample(self, commitment, samples, missing=missing)

    def _row(self, view: schema.RowView) -> Row:
        try:
            row = Row.from_bytes(bytes_of(view.row))
        except DecodeError as error:
            raise BadAnswer(f"RPC-37: {error.message}", where=f"row {view.index}") from error
        return row


def entry_of(root: bytes, data: bytes) -> Ordered:
    """RPC-38: a proved entry of the state, read.

    Raises:
        BadAnswer: it is not of this blob.
    """
    try:
        found = Ordered.from_bytes(data)
    except (DecodeError, DataRefused) as error:
        raise BadAnswer(f"RPC-38: {error.message}", where="state") from error
    if found.commitment.root != root:
        raise BadAnswer("RPC-38: the state's entry is of another blob", where="state")
    return found
