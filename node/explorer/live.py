"""Blocks as they come, as server-sent events (RPC-60).

    event: block
    id: 812
    data: {"height":812,"txs":2,"time_ms":…}

Only that there is a block, never what is in it: pages fetch themselves again. Nothing is queued for
anybody: who is slow is told of the last block only, and who takes nothing is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from node.rpc.service import Service
from node.rpc.tip import Tip

MOST_LISTENERS: Final = 64
BEAT_S: Final = 15.0
"""A comment, when no block comes: proxies and dead connections."""
SEND_S: Final = 10.0
"""RPC-60: a reader that takes nothing for so long is dropped."""
LIFE_S: Final = 900.0
"""Browsers connect again by themselves."""


class Live:
    """All who listen to one node.

    Args:
        service: of the node.
        tip: wakes for each block.
        most: listeners at one time.
        send_s, life_s: see the constants.
    """

    def __init__(
        self,
        service: Service,
        tip: Tip,
        *,
        most: int = MOST_LISTENERS,
        send_s: float = SEND_S,
        life_s: float = LIFE_S,
    ) -> None:
        self._service = service
        self._tip = tip
        self._most = most
        self.send_s: Final = send_s
        self.life_s: Final = life_s
        self.listeners = 0

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return self.listeners >= self._most

    async def events(self, after: int) -> AsyncIterator[bytes]:
        """What a listener is sent, from the last block above `after` on; ends with the node."""
        yield b"retry: 2000\n\n"
        while not self._tip.closed:
            await self._tip.above(after, BEAT_S)
            if self._tip.height > after:
                after = self._tip.height
                yield await asyncio.to_thread(self._event, after)
            else:
                yield b": still here\n\n"

    def _event(self, height: int) -> bytes:
        (found,) = self._service.blocks(height, 1).blocks
        told = {"height": height, "txs": len(found.tx_ids), "time_ms": found.time_ms}
        return b"event: block\nid: %d\ndata: %s\n\n" % (height, msgspec.json.encode(told))

    def stream(self, after: int, headers: dict[str, str]) -> Stream:
        """The answer to one listener."""
        return Stream(self, after, headers)


class Stream:
    """One listener's answer, as an ASGI application. Starlette's own waits for slow readers."""

    def __init__(self, live: Live, after: int, headers: dict[str, str]) -> None:
        self._live = live
        self._after = after
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        self._live.listeners += 1
        try:
            with contextlib.suppress(_Slow):
                await self._serve(receive, send)
        finally:
            self._live.listeners -= 1

    async def _serve(self, receive: Receive, send: Send) -> None:
        raw = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        gone = asyncio.create_task(_gone(receive))
        sending = asyncio.create_task(self._send_all(send))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, sending):
                task.cancel()
            results = await asyncio.gather(gone, sending, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _send_all(self, send: Send) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._live.life_s):
                async for data in self._live.events(self._after):
                    await self._send(send, data, more=True)
        await self._send(send, b"", more=False)

    async def _send(self, send: Send, data: bytes, *, more: bool) -> None:
        """RPC-60. Raises _Slow."""
        try:
            async with asyncio.timeout(self._live.send_s):
                await send({"type": "http.response.body", "body": data, "more_body": more})
        except TimeoutError:
            raise _Slow from None


class _Slow(Exception):
    """A reader that takes nothing."""


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
