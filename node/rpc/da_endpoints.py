"""Endpoints of data availability.  Rules RPC-36 … RPC-39."""

from __future__ import annotations

from typing import Final

from node.rpc import da_schema
from node.rpc.endpoint import Call, Endpoint
from node.rpc.lane_endpoints import number
from node.rpc.text import bytes_of


def _put(call: Call) -> da_schema.KeptView:
    return call.service.da.put(call.body.domain, bytes_of(call.body.blob, where="blob"))


DA_ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/da/blobs",
        "Keep a blob of sealed intents; its certificate",
        da_schema.KeptView,
        _put,
        body=da_schema.PutRequest,
    ),
    Endpoint(
        "GET",
        "/da/blobs/{id}",
        "A blob: whether it is ordered, and what is here",
        da_schema.BlobView,
        lambda call: call.service.da.blob(call.id),
    ),
    Endpoint(
        "GET",
        "/da/blobs/{id}/rows",
        "Rows of a blob, with proofs",
        da_schema.RowPage,
        lambda call: call.service.da.rows(call.id, call.query.first, call.query.limit),
        query=da_schema.RowsQuery,
    ),
    Endpoint(
        "GET",
        "/da/blobs/{id}/rows/{index}",
        "One row, for a sample",
        da_schema.RowView,
        lambda call: call.service.da.row(call.id, number(call, "index")),
    ),
)
