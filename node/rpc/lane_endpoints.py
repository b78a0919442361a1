"""Endpoints of the sealed lane.  Rules RPC-26 … RPC-34."""

from __future__ import annotations

from typing import Final

from node.core.intent import APP_BYTES
from node.rpc import lane_schema, schema
from node.rpc.endpoint import Call, Endpoint
from node.rpc.errors import BadRequest
from node.rpc.lane_keys import LaneKeysView
from node.rpc.text import bytes_of

_MOST_DIGITS: Final = 19


def number(call: Call, name: str) -> int:
    """RPC-4: a number in a path, in its one spelling."""
    text = call.parts.get(name, "")
    plain = text.isascii() and text.isdigit() and (text == "0" or text[0] != "0")
    if not plain or len(text) > _MOST_DIGITS:
        raise BadRequest("RPC-4: a decimal number was expected", where=f"path: {name}")
    return int(text)


def _domain(call: Call) -> int:
    return number(call, "domain")


def _batch(call: Call) -> tuple[int, int]:
    return _domain(call), number(call, "number")


LANE_ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/lane",
        "Sealed lane: domains, keys, batches under way",
        lane_schema.LaneView,
        lambda call: call.service.lane.lane(),
    ),
    Endpoint(
        "GET",
        "/lane/keys",
        "Who makes the keys, how far they are, who is at fault",
        LaneKeysView,
        lambda call: call.service.lane_keys(),
    ),
    Endpoint(
        "GET",
        "/lane/{domain}/key",
        "The key under which intents are sealed",
        lane_schema.KeyView,
        lambda call: call.service.lane.key(_domain(call), call.query.epoch),
        query=lane_schema.EpochQuery,
    ),
    Endpoint(
        "POST",
        "/lane/{domain}/key",
        "Ask the validator to make the key",
        lane_schema.WantedView,
        lambda call: call.service.lane.want(_domain(call)),
        body=schema.Nothing,
        changes=True,
    ),
    Endpoint(
        "GET",
        "/lane/{domain}/batches/{number}",
        "A batch, from its first intent to its end",
        lane_schema.BatchView,
        lambda call: call.service.lane.batch(*_batch(call)),
    ),
    Endpoint(
        "GET",
        "/lane/{domain}/batches/{number}/problem",
        "What solvers are given",
        lane_schema.ProblemView,
        lambda call: call.service.lane.problem(*_batch(call)),
    ),
    Endpoint(
        "GET",
        "/lane/{domain}/batches/{number}/proof",
        "All opened intents of an application, proved",
        lane_schema.CompletenessView,
        lambda call: call.service.lane.completeness(
            *_batch(call), bytes_of(call.query.app, APP_BYTES, where="app")
        ),
        query=lane_schema.AppQuery,
    ),
    Endpoint(
        "GET",
        "/lane/seals/{id}",
        "Which batch has a sealed intent, and its fate",
        lane_schema.SealView,
        lambda call: call.service.lane.seal(call.id),
    ),
)
