"""A page: which template, with what; and what a page may ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from node.explorer import search
from node.rpc.service import Service


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for a page, read.

    Attributes:
        service: what the RPC is answered by, too (RPC-57).
        path: variable parts of the address.
        query: known parameters, each once.
    """

    service: Service
    path: Mapping[str, str]
    query: Mapping[str, str]

    def height(self, name: str) -> int:
        """RPC-59."""
        return search.height(self.path[name])

    def identity(self, name: str) -> bytes:
        """RPC-59."""
        return search.identity(self.path[name])

    def start(self, name: str, default: int) -> int:
        """Where a list begins, out of the query. RPC-59."""
        return search.height(self.query[name]) if name in self.query else default


@dataclass(frozen=True, slots=True)
class Page:
    """What is rendered.

    Attributes:
        template: its name.
        title: of the window.
        here: entry of the navigation that it belongs to.
        context: what the template reads.
        status: of the answer.
        moved: address to go to instead, below the explorer's root.
    """

    template: str
    title: str
    here: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    moved: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A page's address below the explorer's root.

    Attributes:
        path: variable parts in braces.
        make: synchronous, called off the event loop.
        query: parameters that it knows.
    """

    path: str
    make: Callable[[Ask], Page]
    query: tuple[str, ...] = ()
