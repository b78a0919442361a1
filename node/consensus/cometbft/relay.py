"""What came in here goes into CometBFT's mempool, whose gossip carries it to the others."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections import deque
from pathlib import Path
from typing import Any, Final

import httpx

MOST_WAITING: Final = 4096
_TIMEOUT_S: Final = 5.0
_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 2.0

_log = logging.getLogger(__name__)


class Relay:
    """Carries transactions, in order, until they are delivered; the oldest go if there are many.

    What is lost is lost to this path only: it stays in our own mempool, and in our own proposals.

    Args:
        path: of the UNIX socket of CometBFT's RPC.
    """

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        self._waiting: Final[deque[bytes]] = deque(maxlen=MOST_WAITING)
        self._arrived: Final = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def carry(self, tx: bytes) -> None:
        """From any thread; returns at once. What comes before `run` waits for it."""
        self._waiting.append(tx)
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._arrived.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set."""
        self._loop = asyncio.get_running_loop()
        self._arrived.set()
        delivering = asyncio.ensure_future(self._deliver())
        halted: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
        ends: set[asyncio.Future[Any]] = {halted, delivering}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if delivering.done():
                delivering.result()
        finally:
            self._loop = None
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def _deliver(self) -> None:
        transport = httpx.AsyncHTTPTransport(uds=str(self._path))
        async with httpx.AsyncClient(transport=transport, timeout=_TIMEOUT_S) as client:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    await self._post(client, self._waiting.popleft())

    async def _post(self, client: httpx.AsyncClient, tx: bytes) -> None:
        """Until CometBFT answers; what its mempool thinks of it is no concern of ours."""
        call: dict[str, Any] = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "broadcast_tx_async",
            "params": {"tx": base64.b64encode(tx).decode()},
        }
        pause = _PAUSE_S
        while True:
            with contextlib.suppress(httpx.HTTPError):
                await client.post("http://engine/", json=call)
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
