"""`GET /health/live` and `/health/ready`, for whoever restarts a node or sends it traffic.  RPC-53.

Live: the event loop turns. Ready: answers of this node are the chain's; else 503 and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from node.rpc import schema
from node.rpc.health_schema import HealthView, ReasonView

LIVE: Final = "/health/live"
READY: Final = "/health/ready"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a node is not ready.

    Attributes:
        code: a word: `starting`, `engine`, `syncing`, `diverged`, `behind`, `disk`.
        text: for people.
    """

    code: str
    text: str


def routes(reasons: Callable[[], Sequence[Reason]]) -> list[Route]:
    """Both endpoints; `reasons` is called on the event loop and waits for nothing."""

    async def live(_: Request) -> Response:
        return Response(b'{"live":true}', media_type=schema.MEDIA_TYPE)

    async def ready(_: Request) -> Response:
        found = reasons()
        view = HealthView(
            ready=not found, reasons=[ReasonView(code=r.code, text=r.text) for r in found]
        )
        return Response(
            msgspec.json.encode(view),
            status_code=503 if found else 200,
            media_type=schema.MEDIA_TYPE,
            headers={"cache-control": "no-store"},
        )

    return [Route(LIVE, live, methods=["GET"]), Route(READY, ready, methods=["GET"])]
