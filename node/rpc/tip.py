"""Waiting for the next block on the event loop."""

from __future__ import annotations

import asyncio
import contextlib


class Tip:
    """Wakes everyone who waits when a block is on disk (RPC-9), or when the node stops."""

    def __init__(self, height: int) -> None:
        self.height = height
        self.closed = False
        self._changed = asyncio.Event()

    def reached(self, height: int) -> None:
        """A block of this height is on disk. On the event loop's thread."""
        self.height = max(self.height, height)
        self._wake()

    def close(self) -> None:
        """Nobody waits any longer."""
        self.closed = True
        self._wake()

    async def above(self, height: int, seconds: float) -> None:
        """Return once there is a block above `height`, or the time is over, or the node stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.height <= height and not self.closed:
                    await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
