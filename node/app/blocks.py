"""When the embedded engine makes a block: soon after something waits, or on a timer.

Sealed intents count heights: while a batch of them is not over, or a key is being made, blocks go
on although nobody sends anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from node.consensus.local import Produced
from node.core.interfaces import TransactionSource

RETRY_MS: Final = 1000
"""How long to wait when what is pending did not fit into a block, as of an empty balance."""


def system_clock() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class BlockMaker:
    """Makes blocks until told to stop; an error ends it, and so the node.

    Args:
        produce: makes one block, off the event loop.
        source: the mempool.
        delay_ms: how long to gather transactions after the first one came.
        interval_ms: least time between two blocks (the chain's `block_time_ms`).
        empty_blocks: make one every `interval_ms` even if nothing waits.
        busy: whether heights are waited for.
        tick_ms: how long after the last block the next one comes, if it is busy.
    """

    def __init__(
        self,
        produce: Callable[[], Awaitable[Produced]],
        source: TransactionSource,
        *,
        delay_ms: int,
        interval_ms: int,
        empty_blocks: bool = False,
        busy: Callable[[], bool] = lambda: False,
        tick_ms: int = 1000,
    ) -> None:
        self._produce = produce
        self._source = source
        self._delay = delay_ms / 1000
        self._interval = interval_ms / 1000
        self._empty_blocks = empty_blocks
        self._busy = busy
        self._tick = tick_ms / 1000
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Something may wait. On the event loop's thread."""
        self._wanted.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Make blocks until `stop` is set; a block under way is finished."""
        loop = asyncio.get_running_loop()
        halted: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
        due = loop.time()
        try:
            while not stop.is_set():
                await self._pause(halted, due - loop.time())
                self._wanted.clear()
                waits = bool(self._source.pending(1 << 30))
                if stop.is_set() or not (waits or self._empty_blocks):
                    due = loop.time()
                    tick = self._tick if self._busy() else None
                    await self._until_wanted(halted, tick)
                    if tick is None or self._wanted.is_set() or stop.is_set():
                        due = max(due, loop.time() + self._delay)
                        continue
                produced = await self._produce()
                due = loop.time() + self._interval
                if waits and not produced.block.txs:
                    await self._until_wanted(halted, RETRY_MS / 1000)
        finally:
            halted.cancel()

    async def _until_wanted(self, halted: asyncio.Future[Any], seconds: float | None) -> None:
        wanted: asyncio.Future[Any] = asyncio.ensure_future(self._wanted.wait())
        try:
            await asyncio.wait(
                {halted, wanted}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            wanted.cancel()

    @staticmethod
    async def _pause(halted: asyncio.Future[Any], seconds: float) -> None:
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(halted), seconds)
