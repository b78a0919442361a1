"""Reaching the node that a session names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from node.cli.session import Session
from node.core.errors import Unreachable

if TYPE_CHECKING:
    from node.rpc.client import NodeClient


@contextmanager
def connected(session: Session) -> Iterator[NodeClient]:
    """A client of the session's node; nothing is asked yet."""
    from node.rpc.client import NodeClient

    with NodeClient(session.node) as client:
        yield client


@contextmanager
def if_reachable(session: Session) -> Iterator[NodeClient | None]:
    """A client, or None where nobody answers: for what also works offline."""
    with connected(session) as client:
        try:
            client.status()
        except Unreachable:
            yield None
        else:
            yield client
