"""The RPC over HTTP: strict at the door, and never blocking the event loop.

request → host → method, path → content type, size → query, body → endpoint → document
every refusal on the way is a `ProblemDocument` with a status of its own
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from node.consensus.cometbft.query import EngineAnswer
from node.core.errors import (
    ConsensusFault,
    InvalidTransaction,
    NotFound,
    PolicyRefused,
    StoreError,
    Unreachable,
)
from node.core.genesis import DEV_PROFILE
from node.da.domain import BATCH_BYTES
from node.gossip.envelope import MAX_ENVELOPE
from node.gossip.message import MAX_MESSAGE
from node.lane.direct import MAX_MESSAGES
from node.rpc import health, openapi, schema
from node.rpc.da_schema import PutRequest
from node.rpc.endpoint import Call, Endpoint
from node.rpc.endpoints import ENDPOINTS
from node.rpc.errors import (
    NO_NEWS,
    BadRequest,
    NodeFault,
    RequestRefused,
    Syncing,
    TooLarge,
    problem,
)
from node.rpc.gossip_schema import PoseRequest, PublishRequest
from node.rpc.health import Reason
from node.rpc.service import Service
from node.rpc.text import document_of
from node.rpc.tip import Tip
from zk.errors import BackendError, ChiaroError, DecodeError, InvalidProof

MAX_SMALL_BODY: Final = 4096
"""Bytes of a request that carries no transaction."""
MAX_QUERY: Final = 1024
MOST_IN_FLIGHT: Final = 256
"""RPC-12: requests at one time, those that wait for events included."""
READ_S: Final = 20.0
"""RPC-2: for a body to arrive."""
_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

_log = logging.getLogger(__name__)


class Server:
    """The ASGI application of one node.

    Args:
        service: what answers.
        tip: what wakes those who wait.
        wake: called after a request that may have brought something for a block.
        any_host: answer under every host name; else under those of this machine only.
        reasons: why the node is not ready (RPC-53).
        beside: routes of others on the same listener; they see to their own bounds.
    """

    def __init__(
        self,
        service: Service,
        tip: Tip,
        wake: Callable[[], None],
        *,
        any_host: bool = False,
        reasons: Callable[[], Sequence[Reason]] = tuple,
        beside: Sequence[BaseRoute] = (),
    ) -> None:
        self._service = service
        self._tip = tip
        self._wake = wake
        self._any_host = any_host
        self._in_flight = 0
        self._document = openapi.document(ENDPOINTS)
        development = service.genesis.profile == DEV_PROFILE
        routes: list[BaseRoute] = [
            Route(f"/{schema.API}{e.path}", self._handler(e), methods=[e.method])
            for e in ENDPOINTS
            if development or not e.development  # RPC-7
        ]
        routes.append(Route(f"/{schema.API}/openapi.json", self._openapi, methods=["GET"]))
        routes += health.routes(reasons)
        self.app: Final = Starlette(
            routes=[*routes, *beside],
            exception_handlers={HTTPException: self._refused_by_router},
        )

    # --- one request -------------------------------------------------------------------------

    def _handler(self, endpoint: Endpoint) -> Callable[[Request], Any]:
        async def handle(request: Request) -> Response:
            return await self._guarded(request, lambda: self._answer(endpoint, request))

        return handle

    async def _guarded(self, request: Request, answer: Callable[[], Any]) -> Response:
        """RPC-5: whatever happens, the answer is a document; details of faults stay in the log."""
        if self._in_flight >= MOST_IN_FLIGHT:
            return _refusal(RequestRefused("too many requests at one time", fix="try again"), 503)
        self._in_flight += 1
        try:
            check_host(request, any_host=self._any_host)
            document: schema.Response = await answer()
            return _json(document)
        except ChiaroError as error:
            return _refusal(error)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:
            _log.exception("request failed", extra={"path": request.url.path})
            return _refusal(NodeFault("the node failed on this request"))
        finally:
            self._in_flight -= 1

    async def _answer(self, endpoint: Endpoint, request: Request) -> schema.Response:
        self._service.check_state()
        call = Call(
            self._service,
            self._tip,
            request.path_params,
            _query(request, endpoint.query),
            await self._body(request, endpoint),
        )
        if endpoint.wait is not None:
            answer = await endpoint.wait(call)
        else:
            answer = await run_in_threadpool(endpoint.run or _no_call, call)  # RPC-13
        if endpoint.changes:
            self._wake()
        return answer

    async def _body(self, request: Request, endpoint: Endpoint) -> schema.Request | None:
        """RPC-2 and RPC-3: JSON, not larger than it need be, of exactly the documented form."""
        if endpoint.body is None:
            return None
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != schema.MEDIA_TYPE:
            raise _Media(f"RPC-3: the body must be {schema.MEDIA_TYPE}", where="Content-Type")
        most = MAX_SMALL_BODY
        if endpoint.body is schema.SubmitRequest:
            most += 2 * self._service.genesis.parameters.max_tx_bytes
        if endpoint.body is PutRequest:
            most += 2 * BATCH_BYTES
        if endpoint.body is PublishRequest:
            most += 2 * MAX_MESSAGE
        if endpoint.body is PoseRequest:
            most += 2 * MAX_MESSAGES * MAX_ENVELOPE
        try:
            async with asyncio.timeout(READ_S):
                data = await _read(request.stream(), most)
        except TimeoutError:
            raise _Slow(f"RPC-2: no whole body within {READ_S:g} s", where="body") from None
        try:
            return document_of(data, endpoint.body)
        except msgspec.DecodeError as error:
            raise _bad("RPC-3", error, "body") from None

    async def _openapi(self, request: Request) -> Response:
        async def answer() -> Mapping[str, Any]:
            return self._document

        return await self._guarded(request, answer)

    async def _refused_by_router(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        refusal: ChiaroError
        if status == 405:
            refusal = RequestRefused(f"{request.method} is not served here", where=request.url.path)
        else:
            refusal = NotFound("there is no such endpoint", fix="see docs/rpc.md")
        return _refusal(refusal, status)


def check_host(request: Request, *, any_host: bool) -> None:
    """RPC-6: a web page that names this machine as its own host gets no answer."""
    if not any_host and not is_this_machine(request.url.hostname or ""):
        raise RequestRefused(
            "RPC-6: this node answers to names of this machine only",
            where="Host",
            why="a web page could otherwise talk to it through a name of its own",
            fix="use http://127.0.0.1, or start the node with --allow-remote",
        )


class _Media(BadRequest):
    """A content type that browsers may send across origins without asking (RPC-3)."""


class _Slow(BadRequest):
    """A body that does not arrive."""


async def _read(stream: AsyncIterator[bytes], most: int) -> bytes:
    """RPC-2: counted as it comes, whatever the headers say."""
    parts, size = [], 0
    async for part in stream:
        size += len(part)
        if size > most:
            raise TooLarge(f"RPC-2: more than {most} bytes", where="body")
        parts.append(part)
    return b"".join(parts)


def _query(request: Request, kind: type[schema.Request]) -> schema.Request:
    """RPC-3: known parameters, each once."""
    if len(request.url.query) > MAX_QUERY:
        raise TooLarge(f"RPC-2: more than {MAX_QUERY} bytes", where="query")
    given = request.query_params.multi_items()
    values = dict(given)
    if len(values) != len(given):
        raise BadRequest("RPC-3: a parameter is given twice", where="query")
    try:
        return msgspec.convert(values, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise _bad("RPC-3", error, "query") from None


def _bad(rule: str, error: Exception, what: str) -> BadRequest:
    """Msgspec says what and where (`$.tx`); never what the value was."""
    message, _, place = str(error).partition(" - at ")
    where = place.strip("`").removeprefix("$").removeprefix(".")
    return BadRequest(f"{rule}: {message}", where=f"{what}: {where}" if where else what)


def is_this_machine(name: str) -> bool:
    """Whether a host name or address is loopback's."""
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _no_call(call: Call) -> schema.Response:
    raise NotFound(f"nothing answers for {call.path}")


def status_of(error: ChiaroError) -> int:
    """HTTP status of a refusal."""
    by_kind: tuple[tuple[type[ChiaroError], int], ...] = (
        (_Media, 415),
        (_Slow, 408),
        (TooLarge, 413),
        (RequestRefused, 403),
        (NotFound, 404),
        (PolicyRefused, 422),
        (InvalidTransaction, 422),
        (InvalidProof, 422),
        (DecodeError, 400),
        (Unreachable, 503),
        (EngineAnswer, 500),
        (Syncing, 503),
        (NodeFault, 500),
        (StoreError, 500),
        (ConsensusFault, 500),
        (BackendError, 500),
    )
    return next((status for kind, status in by_kind if isinstance(error, kind)), 400)


def _json(document: object, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(document),
        status_code=status,
        media_type=schema.MEDIA_TYPE,
        headers=dict(_HEADERS),
    )


def _refusal(error: ChiaroError, status: int | None = None) -> Response:
    found = status or status_of(error)
    if found >= 500 and not isinstance(error, NO_NEWS):
        _log.error("request failed: %s", error, extra={"code": error.id})
    return _json(schema.ProblemDocument(error=problem(error)), found)
