"""A socket and uvicorn on it, inside somebody else's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from node.rpc.connections import BoundedProtocol
from node.rpc.errors import RequestRefused

_BACKLOG: Final = 128
_KEEP_ALIVE_S: Final = 20
_GRACE_S: Final = 5
_MAX_HEAD: Final = 16 * 1024


def url_of(address: tuple[str, int]) -> str:
    """Where this machine reaches what listens there."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])  # noqa: S104
    host = f"[{here}]" if ":" in here else here
    return f"http://{host}:{address[1]}"


def listen(host: str, port: int, *, allow_remote: bool = False) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        RequestRefused: RPC-1, an address that others can reach, without being told to.
        OSError: the port is taken, or there is no such address.
    """
    if not allow_remote:
        check_reach(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, since asyncio sets TCP_NODELAY on nothing else: answers would take 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def check_reach(host: str) -> None:
    """Raises RequestRefused: RPC-1, others can reach it, and nobody said that they may."""
    if not is_loopback(host):
        raise RequestRefused(
            f"RPC-1: {host} can be reached by other machines",
            why="the RPC has no passwords: whoever reaches it can fill its mempool and watch it",
            fix="use 127.0.0.1, or allow remote ones and put a proxy with rules before it: "
            "--allow-remote, in node.toml `node.allow_remote`",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address; names other than localhost count as not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Listener(uvicorn.Server):
    """uvicorn without its signal handlers: the node decides when to stop."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_GRACE_S,
                h11_max_incomplete_event_size=_MAX_HEAD,
                http=BoundedProtocol,
                ws="none",
                loop="asyncio",
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signals alone."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End it; who has not gone in time is cut off, as uvicorn would not."""
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def ready(self) -> None:
        """Return once requests are taken."""
        while not self.started:
            await asyncio.sleep(0.005)
