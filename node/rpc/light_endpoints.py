"""Endpoints for light clients.  Rule LC-20."""

from __future__ import annotations

from typing import Final

from node.rpc import light_schema
from node.rpc.endpoint import Call, Endpoint
from node.rpc.lane_endpoints import number


def _height(call: Call) -> int | None:
    return None if call.parts.get("height") == "tip" else number(call, "height")


LIGHT_ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/light/commit/{height}",
        "CometBFT's header and who signed it, by height or `tip`",
        light_schema.CommitView,
        lambda call: call.service.light.commit(_height(call)),
    ),
    Endpoint(
        "GET",
        "/light/validators/{height}",
        "Validators of a height",
        light_schema.ValidatorsView,
        lambda call: call.service.light.validators(number(call, "height")),
    ),
    Endpoint(
        "GET",
        "/light/headers",
        "Our headers, as bytes",
        light_schema.HeadersView,
        lambda call: call.service.light.headers(call.query.first, call.query.limit),
        query=light_schema.HeadersQuery,
    ),
)
