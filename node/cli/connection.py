"""Reaching the node that a session names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from node.cli import light_session
from node.cli.session import ConfigError, Session
from node.core.errors import Unreachable
from node.core.ids import ID_BYTES

if TYPE_CHECKING:
    from node.rpc.client import NodeClient


@contextmanager
def connected(session: Session) -> Iterator[NodeClient]:
    """A client of the session's node; nothing is asked yet."""
    from node.rpc.client import NodeClient

    with NodeClient(session.node) as client:
        light = light_session.exists(session)
        if session.holders or light:
            from node.lane.trust import Trust

            proven = partial(light_session.roster, session) if light else None
            client.trust = Trust(_pins(session.holders), proven)
        yield client


def _pins(text: str) -> frozenset[bytes]:
    """LN-49: the setting `holders`. Raises ConfigError."""
    if not text:
        return frozenset()
    try:
        pins = [bytes.fromhex(item.strip().removeprefix("0x")) for item in text.split(",")]
    except ValueError:
        pins = [b""]
    if any(len(pin) != ID_BYTES for pin in pins):
        raise ConfigError(
            "`holders` is not a list of digests",
            where="setting holders",
            fix="give 64 hexadecimal digits for each, with commas between them",
        )
    return frozenset(pins)


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
