"""What an endpoint is, and what a request is once it is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from node.core.ids import ID_BYTES
from node.rpc import schema
from node.rpc.text import bytes_of
from node.rpc.tip import Tip

if TYPE_CHECKING:
    from node.rpc.service import Service


@dataclass(frozen=True, slots=True)
class Call:
    """A request, read: the path's variable parts by name, the query, the body."""

    service: Service
    tip: Tip
    parts: Mapping[str, str]
    query: Any
    body: Any

    @property
    def path(self) -> str:
        """The part called `id`; empty where the path has none."""
        return self.parts.get("id", "")

    @property
    def id(self) -> bytes:
        """The same as 32 bytes. Raises BadRequest."""
        return bytes_of(self.path, ID_BYTES, where="path")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint.

    Attributes:
        method, path: the path's variable parts have names in braces, such as `{id}`.
        summary: for docs/rpc.md and OpenAPI.
        answer: document of status 200.
        run: called on a thread, off the event loop.
        wait: in place of `run`, called on the event loop.
        query: parameters.
        body: document of the request.
        changes: whether it can make the chain grow; the block maker is woken after it.
        development: only on chains of profile `dev` (RPC-7).
    """

    method: str
    path: str
    summary: str
    answer: type[schema.Response]
    run: Callable[[Call], schema.Response] | None = None
    wait: Callable[[Call], Awaitable[schema.Response]] | None = None
    query: type[schema.Request] = schema.NoQuery
    body: type[schema.Request] | None = None
    changes: bool = False
    development: bool = False
