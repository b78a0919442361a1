"""What members of a committee ask of each other, on a listener of its own.  Rules DA-34, DA-35.

    POST /v1/member/rows                 an offer, signed: keep these; answer: the signature
    GET  /v1/member/rows/<root>?from=&limit=   rows that are here; they prove themselves

Bodies are of `node.lane.blobs.offers`; refusals are documents as the RPC's. Nothing else of the
node is reached here: the RPC stays on its own machine.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from node.core.genesis import Genesis
from node.core.ids import ID_BYTES, Height
from node.da.errors import DataRefused
from node.da.rows import Row
from node.lane.blobs import dispersal, offers
from node.lane.blobs.availability import Availability
from node.lane.blobs.offers import MAX_OFFER, Offer
from node.rpc import schema
from node.rpc.errors import BadRequest, NodeFault, RequestRefused, TooLarge, problem
from node.rpc.server import status_of
from node.rpc.text import bytes_of
from node.store.versioned import VersionedStore
from zk.errors import ChiaroError

ROWS_PATH: Final = "/v1/member/rows"
MEDIA_TYPE: Final = "application/octet-stream"
MOST_OFFERS: Final = 8
"""At one time: each may hold four megabytes."""
MOST_OF_ONE: Final = 2
"""Offers of one member at one time: who sends slowly keeps nobody else out."""
MOST_READERS: Final = 32
MOST_ANSWERED: Final = 2 * 1024 * 1024
"""Bytes of rows in one answer, about."""
READ_S: Final = 10.0

_log = logging.getLogger(__name__)


class MemberServer:
    """The ASGI application.

    Args:
        genesis: of the chain.
        keeper: of this node's rows.
        store: of the node.
        own: this validator's key.
        wall: milliseconds since 1970.
    """

    def __init__(
        self,
        genesis: Genesis,
        keeper: Availability,
        store: VersionedStore,
        own: bytes,
        wall: Callable[[], int],
    ) -> None:
        self._genesis: Final = genesis
        self._keeper: Final = keeper
        self._store: Final = store
        self._own: Final = own
        self._wall: Final = wall
        self._offers = 0
        self._readers = 0
        self._sending: Final[Counter[bytes]] = Counter()
        self.app: Final = Starlette(
            routes=[
                Route(ROWS_PATH, self._on_offer, methods=["POST"]),
                Route(ROWS_PATH + "/{root}", self._on_read, methods=["GET"]),
            ]
        )

    async def _on_offer(self, request: Request) -> Response:
        if self._offers >= MOST_OFFERS:
            return _refusal(RequestRefused("too many offers at one time", fix="try again"), 503)
        self._offers += 1
        try:
            return await _guarded(lambda: self._offer(request))
        finally:
            self._offers -= 1

    async def _offer(self, request: Request) -> bytes:
        """DA-34: who asks is known before a byte of the body is read."""
        signed = offers.Request.from_text(request.headers.get("authorization", ""))
        await run_in_threadpool(self._admit, signed)
        if self._sending[signed.sender] >= MOST_OF_ONE:
            raise RequestRefused("too many offers of this member at one time", fix="try again")
        self._sending[signed.sender] += 1
        try:
            async with asyncio.timeout(READ_S):
                data = await _read(request)
            return await run_in_threadpool(self._keep, signed, data)
        finally:
            self._sending[signed.sender] -= 1

    def _admit(self, signed: offers.Request) -> None:
        reader = self._store.reader()
        if signed.sender not in self._keeper.members(reader, Height(reader.height + 1)):
            raise DataRefused(
                "DA-34", "nobody of the committee", where=f"member {signed.sender.hex()[:16]}…"
            )
        signed.check(self._genesis.chain_id, self._own, self._wall())

    def _keep(self, signed: offers.Request, data: bytes) -> bytes:
        signed.check_body(data)
        try:
            offer = Offer.from_bytes(data)
            if offer.promise.member != signed.sender:
                raise DataRefused("DA-35", "promised by another than who asks", where="promise")
            reader = self._store.reader()
            return self._keeper.keep(offer, reader, Height(reader.height + 1))
        except ChiaroError as error:
            name = signed.sender.hex()[:16]
            _log.warning("offer of member %s… refused: %s", name, error, extra={"code": error.id})
            raise

    async def _on_read(self, request: Request) -> Response:
        if self._readers >= MOST_READERS:
            return _refusal(RequestRefused("too many readers at one time", fix="try again"), 503)
        self._readers += 1
        try:
            return await _guarded(lambda: run_in_threadpool(self._rows, request))
        finally:
            self._readers -= 1

    def _rows(self, request: Request) -> bytes:
        root = bytes_of(request.path_params["root"], ID_BYTES, where="path")
        first, limit = _number(request, "from", 0), _number(request, "limit", 64)
        found = dispersal.ordered(self._store.reader(), root)
        commitment = self._keeper.commitment(root) if found is None else found.commitment
        rows: list[Row] = []
        size = 0
        for index in range(first, commitment.coding.n):
            if len(rows) == limit or size > MOST_ANSWERED:
                break
            if (row := self._keeper.row(commitment, index)) is not None:
                rows.append(row)
                size += len(row.data)
        return offers.write_rows(rows)


async def _guarded(answer: Callable[[], Awaitable[bytes]]) -> Response:
    try:
        return Response(await answer(), media_type=MEDIA_TYPE)
    except ChiaroError as error:
        return _refusal(error)
    except TimeoutError:
        return _refusal(RequestRefused("the request came too slowly"), 408)
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception:
        _log.exception("a member's request failed")
        return _refusal(NodeFault("the node failed on this request"))


async def _read(request: Request) -> bytes:
    """Counted as it comes, whatever the headers say."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_OFFER:
            raise TooLarge(f"DA-34: more than {MAX_OFFER} bytes", where="body")
        parts.append(part)
    return b"".join(parts)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise BadRequest(f"{name} is no number of a row", where="query")
    return int(text)


def _refusal(error: ChiaroError, status: int | None = None) -> Response:
    return Response(
        msgspec.json.encode(schema.ProblemDocument(error=problem(error))),
        status_code=status or status_of(error),
        media_type=schema.MEDIA_TYPE,
    )
