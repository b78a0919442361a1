"""What lies between two nodes of a localnet: a TCP relay that holds, cuts or delays what passes.

Node a dials node b at 127.0.(1+a).(2+b), where a link listens and passes on to 127.0.0.(2+b).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_CHUNK: Final = 1 << 16
_AHEAD: Final = 64
"""Chunks of one direction that are under way while it is delayed."""
_RESET: Final = b"\1\0\0\0\0\0\0\0"
"""`struct linger`: on, no time."""

_Flying = asyncio.Queue[tuple[float, bytes]]
Pair = tuple[int, int]


class Mode(StrEnum):
    """What a link does."""

    OPEN = "open"
    HELD = "held"
    """Nothing passes and connections stand, as behind an unplugged cable; what was sent waits."""
    CUT = "cut"
    """Connections are reset, and new ones at once."""


@dataclass(frozen=True, slots=True)
class Weather:
    """Of a link, both ways.

    Attributes:
        mode: whether anything passes.
        delay_ms: how long each piece takes, one way.
        drop: probability that a piece is lost, which breaks its connection.
    """

    mode: Mode = Mode.OPEN
    delay_ms: int = 0
    drop: float = 0.0


CLEAR: Final = Weather()


def dialled(a: int, b: int, port: int) -> str:
    """Where node a reaches node b."""
    return f"127.0.{1 + a}.{2 + b}:{port}"


def pairs(nodes: int) -> list[Pair]:
    """Ordered."""
    return list(itertools.permutations(range(nodes), 2))


class Link:
    """From one node to another: a listener, and the connections that came through it."""

    def __init__(self, pair: Pair, port: int) -> None:
        self.pair: Final = pair
        self._port: Final = port
        self.weather = CLEAR
        self.bytes = 0
        self._open: Final = asyncio.Event()
        self._open.set()
        self._writers: Final[set[asyncio.StreamWriter]] = set()
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Raises OSError: the address is taken."""
        a, b = self.pair
        self._server = await asyncio.start_server(
            self._accepted, f"127.0.{1 + a}.{2 + b}", self._port
        )

    def set(self, weather: Weather) -> None:
        self.weather = weather
        if weather.mode is Mode.HELD:
            self._open.clear()
        else:
            self._open.set()
        if weather.mode is Mode.CUT:
            self._reset()

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        return len(self._tasks)

    def _reset(self) -> None:
        for writer in tuple(self._writers):
            _abort(writer)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather.mode is Mode.CUT:
            _abort(writer)
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        other: asyncio.StreamWriter | None = None
        try:
            await self._open.wait()
            there, other = await asyncio.open_connection(f"127.0.0.{2 + self.pair[1]}", self._port)
            self._writers.add(other)
            ways = {
                asyncio.create_task(self._pass(reader, other)),
                asyncio.create_task(self._pass(there, writer)),
            }
            await _all(ways)
        except OSError:
            pass  # the other side is down, or hung up
        finally:
            for end in (writer, other):
                if end is not None:
                    self._writers.discard(end)
                    end.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One way, until its end; order is kept, and a delay does not narrow it."""
        flying: _Flying = asyncio.Queue(_AHEAD)
        await _all(
            {
                asyncio.create_task(self._take(reader, flying)),
                asyncio.create_task(self._deliver(flying, writer)),
            }
        )

    async def _take(self, reader: asyncio.StreamReader, flying: _Flying) -> None:
        """Raises ConnectionResetError: a piece is lost."""
        loop = asyncio.get_running_loop()
        data = b"-"
        while data:
            data = await reader.read(_CHUNK)
            if self.weather.drop and random.random() < self.weather.drop:
                raise ConnectionResetError
            await flying.put((loop.time() + self.weather.delay_ms / 1000, data))

    async def _deliver(self, flying: _Flying, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await flying.get()
            if (early := due - loop.time()) > 0:
                await asyncio.sleep(early)
            await self._open.wait()
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
            self.bytes += len(data)


async def _all(tasks: set[asyncio.Task[None]]) -> None:
    """Until all are done, or one fails, which ends the others and is raised."""
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Reset: what is in the buffers goes nowhere."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
