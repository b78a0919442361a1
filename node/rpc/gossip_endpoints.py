"""Endpoints of open intents.  Rules RPC-41 … RPC-45."""

from __future__ import annotations

from typing import Final

from node.rpc import gossip_schema as schema
from node.rpc.endpoint import Call, Endpoint
from node.rpc.text import bytes_of


async def _publish(call: Call) -> schema.PublishedView:
    return call.service.gossip.publish(bytes_of(call.body.message, where="message"))


async def _page(call: Call) -> schema.MessagePage:
    return call.service.gossip.page(call.query)


async def _fate(call: Call) -> schema.FateView:
    return call.service.gossip.fate(call.id)


GOSSIP_ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/gossip",
        "Publish a message on the overlay, as its origin",
        schema.PublishedView,
        wait=_publish,
        body=schema.PublishRequest,
    ),
    Endpoint(
        "GET",
        "/gossip",
        "Messages that the node holds, handed over to a solver",
        schema.MessagePage,
        wait=_page,
        query=schema.MessagesQuery,
    ),
    Endpoint(
        "POST",
        "/gossip/problem",
        "What a solver is given for open intents",
        schema.OpenProblemView,
        lambda call: call.service.gossip.problem(call.body.intents),
        body=schema.PoseRequest,
    ),
    Endpoint(
        "GET",
        "/gossip/{id}",
        "What became of a message, or of the intent in it",
        schema.FateView,
        wait=_fate,
    ),
)
