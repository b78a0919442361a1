"""The explorer over HTTP: routes, bounds, headers. What is on a page is told by the `…_pages`.

request → host → pages in flight → query → page on a thread → template → headers
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as Path
from starlette.types import ASGIApp

from node.core.errors import NotFound
from node.core.ids import AccountId, Height, TxId
from node.explorer import (
    chain_pages,
    da_pages,
    lane_pages,
    search,
    state_pages,
    tx_pages,
    validator_pages,
)
from node.explorer.again import Again, Verdict
from node.explorer.errors import ForeignForm, NotSearchable, TooMany, TooSoon
from node.explorer.live import Live
from node.explorer.page import Ask, Page, Route
from node.explorer.render import ROOT, Static, Templates
from node.rpc.errors import NO_NEWS, BadRequest, NodeFault, TooLarge, problem
from node.rpc.server import MAX_QUERY, check_host, status_of
from node.rpc.service import Service
from node.rpc.tip import Tip
from zk.errors import ChiaroError
from zk.groth16.keys import VerifyingKey

ROUTES: Final = (
    *chain_pages.ROUTES,
    *tx_pages.ROUTES,
    *lane_pages.ROUTES,
    *state_pages.ROUTES,
    *validator_pages.ROUTES,
    *da_pages.ROUTES,
)
MOST_PAGES: Final = 32
"""RPC-60: pages in flight; the RPC has its own bound, so that neither starves the other."""
_AT_ONE_TIME: Final = 1
"""RPC-60: pages on a thread. With more of them none is sooner, and blocks beside them are later."""
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
"""RPC-58: of every answer."""
_FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
_STATUSES: Final[Mapping[type[ChiaroError], int]] = {TooSoon: 429, TooMany: 503}
_NO_QUERY: Final[tuple[str, ...]] = ()

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the explorer is given.

    Attributes:
        service: what the RPC is answered by, too (RPC-57).
        tip: wakes for each block.
        keys: verifying key of each statement of the chain.
        engine: what decides blocks here, in words.
        any_host: answer under every host name; else under those of this machine only (RPC-6).
    """

    service: Service
    tip: Tip
    keys: Mapping[str, VerifyingKey]
    engine: str
    any_host: bool = False


class Explorer:
    """The pages of one node.

    Args:
        parts: of the node.
        again: does what readers ask for; default: its own.
        live: who listens; default: its own.
    """

    def __init__(
        self, parts: Parts, *, again: Again | None = None, live: Live | None = None
    ) -> None:
        self._service: Final = parts.service
        self._any_host: Final = parts.any_host
        self._again: Final = again or Again(parts.service, parts.keys)
        self.live: Final = live or Live(parts.service, parts.tip)
        self._static: Final = Static()
        genesis = parts.service.genesis
        site = {
            "chain": genesis.name,
            "profile": genesis.profile,
            "chain_id": genesis.chain_id.hex(),
            "engine": parts.engine,
            "has_lane": genesis.lane is not None,
            "version": parts.service.status().version,
        }
        self._templates: Final = Templates(self._static, site)
        self._in_flight = 0
        self._limits: dict[str, anyio.CapacityLimiter] = {}

    @property
    def routes(self) -> list[BaseRoute]:
        """For the node's server."""
        pages: list[BaseRoute] = [
            Path(f"{ROOT}{route.path}", self._page(route), methods=["GET"]) for route in ROUTES
        ]
        return [
            *pages,
            Path(f"{ROOT}/search", self._guard(self._search), methods=["GET"]),
            Path(f"{ROOT}/live", self._guard(self._listen), methods=["GET"]),
            Path(f"{ROOT}/static/{{name}}", self._guard(self._file), methods=["GET"]),
            Path(f"{ROOT}/tx/{{id}}/proof/{{number}}", self._guard(self._verify), methods=["POST"]),
            Path(f"{ROOT}/da/{{root}}", self._guard(self._reconstruct), methods=["POST"]),
            Path(f"{ROOT}/{{rest:path}}", self._guard(self._nowhere), methods=["GET", "POST"]),
            Path("/", self._guard(self._front), methods=["GET"]),
        ]

    # --- one request -------------------------------------------------------------------------

    def _guard(
        self, answer: Callable[[Request], Awaitable[Response | ASGIApp]]
    ) -> Callable[[Request], Any]:
        """Whatever happens, the answer is a page; details of faults stay in the log."""

        async def handle(request: Request) -> Any:
            try:
                check_host(request, any_host=self._any_host)  # RPC-6
                if answer != self._file:
                    self._service.check_state()
                return await answer(request)
            except ChiaroError as error:
                return self._refusal(error)
            except HTTPException:
                raise
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception:
                _log.exception("page failed", extra={"path": request.url.path})
                return self._refusal(NodeFault("the node failed on this page"))

        return handle

    def _page(self, route: Route) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            query = _query(request, route.query)
            ask = Ask(self._service, request.path_params, query)
            return await self._made(lambda: route.make(ask))

        return self._guard(answer)

    async def _made(self, make: Callable[[], Page], kind: str = "page") -> Response:
        """RPC-60, RPC-61: off the event loop, those of a kind one after the other."""
        if self._in_flight >= MOST_PAGES:
            raise TooMany("RPC-60: too many pages at one time", fix="try again")
        limit = self._limits.setdefault(kind, anyio.CapacityLimiter(_AT_ONE_TIME))
        self._in_flight += 1
        try:
            return await run_sync(partial(self._answer, make), limiter=limit)
        finally:
            self._in_flight -= 1

    def _answer(self, make: Callable[[], Page]) -> Response:
        page = make()
        if page.moved is not None:
            return RedirectResponse(ROOT + page.moved, status_code=303, headers=dict(HEADERS))
        return self._rendered(page)

    def _rendered(self, page: Page) -> Response:
        context = {**page.context, "title": page.title, "here": page.here}
        return Response(
            self._templates.render(page.template, context),
            status_code=page.status,
            media_type="text/html; charset=utf-8",
            headers=dict(HEADERS),
        )

    def _refusal(self, error: ChiaroError) -> Response:
        status = _STATUSES.get(type(error)) or status_of(error)
        if status >= 500 and not isinstance(error, NO_NEWS):
            _log.error("page failed: %s", error, extra={"code": error.id})
        context = {"problem": problem(error), "status": status}
        return self._rendered(Page("error", "Not here", "", context, status))

    # --- more than pages ---------------------------------------------------------------------

    async def _front(self, request: Request) -> Response:
        """A browser goes to the explorer; a program is told that nothing is here."""
        if "text/html" not in request.headers.get("accept", ""):
            raise HTTPException(404)
        return RedirectResponse(ROOT, status_code=303, headers=dict(HEADERS))

    async def _nowhere(self, request: Request) -> Response:
        if not request.path_params["rest"] and request.method == "GET":
            return RedirectResponse(ROOT, status_code=303, headers=dict(HEADERS))
        raise NotFound("there is no such page", fix="begin at the overview")

    async def _file(self, request: Request) -> Response:
        found = self._static.find(request.path_params["name"])
        if found is None:
            raise NotFound("there is no such file")
        data, media = found
        return Response(data, media_type=media, headers={**HEADERS, **_FOREVER})

    async def _listen(self, request: Request) -> ASGIApp:
        """RPC-60: events, to not too many."""
        _query(request, _NO_QUERY)
        if self.live.is_full:
            raise TooMany("RPC-60: too many listeners", fix="load the page again later")
        last = request.headers.get("last-event-id", "")
        chain = self._service.node.chain
        tip = chain.height
        after = search.height(last) if last else tip
        if after > tip:  # heard of another chain, which was here before: told of this one at once,
            after = max(tip, chain.first) - 1  # or of its first block that is here
        kind = {"content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no"}
        return self.live.stream(after, {**HEADERS, **kind})

    async def _search(self, request: Request) -> Response:
        query = _query(request, ("q",))
        return await self._made(lambda: find(self._service, query.get("q", "")))

    # --- what readers set in motion ----------------------------------------------------------

    async def _verify(self, request: Request) -> Response:
        _check_origin(request)
        ask = Ask(self._service, request.path_params, _query(request, _NO_QUERY))

        def make() -> Page:
            page = tx_pages.proof(ask)
            return _judged(page, self._again.verify(page.context["claim"]))

        return await self._made(make, "again")

    async def _reconstruct(self, request: Request) -> Response:
        _check_origin(request)
        ask = Ask(self._service, request.path_params, _query(request, _NO_QUERY))

        def make() -> Page:
            page = da_pages.blob(ask)
            return _judged(page, self._again.reconstruct(ask.identity("root")))

        return await self._made(make, "again")


def _judged(page: Page, verdict: Verdict) -> Page:
    return Page(page.template, page.title, page.here, {**page.context, "verdict": verdict})


def find(service: Service, text: str) -> Page:
    """Where what was typed leads.

    An id is looked for as a transaction, a block, a sealed intent, a blob, an account, in this
    order. RPC-59.
    """
    if not text.strip():
        return Page("search", "Search", "", {"typed": "", "problem": None})
    try:
        wanted = search.typed(text)
    except NotSearchable as refused:
        context = {"typed": text[: search.MOST_TYPED], "problem": problem(refused)}
        return Page("search", "Search", "", context, status=400)
    match wanted:
        case int():
            service.block(Height(wanted))
            return _moved(f"/blocks/{wanted}")
        case (domain, number):
            return _moved(f"/batches/{domain}/{number}")
        case _:
            return _find_id(service, wanted)


def _find_id(service: Service, wanted: bytes) -> Page:
    digits = wanted.hex()
    if service.transaction(TxId(wanted)).status != "unknown":
        return _moved(f"/tx/{digits}")
    for look in (_block_of, _seal_of, _blob_of, _account_of):
        try:
            return _moved(look(service, wanted))
        except NotFound:
            continue
    raise NotFound(
        f"nothing here has the id {digits[:16]}…",
        why="no transaction, block, sealed intent, blob, or account with a balance",
    )


def _block_of(service: Service, wanted: bytes) -> str:
    return f"/blocks/{service.node.chain.height_of(wanted)}"


def _seal_of(service: Service, wanted: bytes) -> str:
    found = service.lane.seal(wanted)
    return f"/batches/{found.domain}/{found.number}"


def _blob_of(service: Service, wanted: bytes) -> str:
    service.da.blob(wanted)
    return f"/da/{wanted.hex()}"


def _account_of(service: Service, wanted: bytes) -> str:
    found = service.account(AccountId(wanted))
    if not found.balances and not found.sequence:
        raise NotFound("an account without anything")
    return f"/account/{wanted.hex()}"


def _moved(where: str) -> Page:
    return Page("", "", moved=where)


def _query(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    """RPC-59: known parameters, each once."""
    if len(request.url.query) > MAX_QUERY:
        raise TooLarge(f"RPC-59: more than {MAX_QUERY} bytes", where="query")
    given = request.query_params.multi_items()
    values = dict(given)
    if len(values) != len(given) or not set(values) <= set(known):
        raise BadRequest("RPC-59: an unknown parameter, or one twice", where="query")
    return values


def _check_origin(request: Request) -> None:
    """RPC-61: browsers say which site a form is of; those of others, and of none, are refused."""
    origin = request.headers.get("origin", "")
    host = request.headers.get("host", "")
    if not host or urlsplit(origin).netloc != host:
        raise ForeignForm("RPC-61: this form is not of the explorer's own pages", where="Origin")
