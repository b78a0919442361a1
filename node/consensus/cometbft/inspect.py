"""What CometBFT says of itself, asked on its own UNIX socket: nobody else reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from node.core.errors import Unreachable
from zk import jsontext

_TIMEOUT_S: Final = 2.0
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Of one CometBFT.

    Attributes:
        height: of the last block that it has.
        syncing: it is fetching blocks that the others have.
        peers: with which it is connected.
        node: its id, as peers name it.
    """

    height: int
    syncing: bool
    peers: int
    node: str


async def ask(path: Path) -> EngineStatus:
    """On the event loop.

    Args:
        path: of the socket.

    Raises:
        Unreachable: it does not answer, or not as CometBFT does.
    """
    try:
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport, timeout=_TIMEOUT_S) as client:
            found = [await client.get(f"http://engine/{call}") for call in ("status", "net_info")]
    except httpx.HTTPError as error:
        raise _silent(path) from error
    return _read(path, found)


def ask_now(path: Path) -> EngineStatus:
    """The same, blocking."""
    try:
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(path)), timeout=_TIMEOUT_S
        ) as client:
            found = [client.get(f"http://engine/{call}") for call in ("status", "net_info")]
    except httpx.HTTPError as error:
        raise _silent(path) from error
    return _read(path, found)


def _read(path: Path, answers: list[httpx.Response]) -> EngineStatus:
    try:
        status, net = (_result(answer) for answer in answers)
        return EngineStatus(
            height=int(status["sync_info"]["latest_block_height"]),
            syncing=status["sync_info"]["catching_up"] is True,
            peers=int(net["n_peers"]),
            node=str(status["node_info"]["id"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _silent(path) from error


def _result(answer: httpx.Response) -> Any:
    if answer.status_code != httpx.codes.OK or len(answer.content) > _MOST_BYTES:
        raise ValueError(answer.status_code)
    return jsontext.loads(answer.content)["result"]


def _silent(path: Path) -> Unreachable:
    return Unreachable(
        "CometBFT does not answer",
        where=str(path),
        why="it does not run, or is starting",
        fix="see `engine.log` beside the socket",
    )
