"""Connections of a listener: how many, and how long one may be slow.  Rule RPC-63.

uvicorn waits without end for the head of a request, and for a reader to take an answer. Each such
connection holds a file descriptor, and a node whose descriptors are gone cannot open its database.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

MOST_CONNECTIONS: Final = 400
"""Of one listener: more than the RPC's requests and the explorer's listeners together."""
HEAD_S: Final = 10.0
"""From a connection, or from the first byte behind an answer, to the whole head of a request."""
TAKE_S: Final = 20.0
LEAST_TAKEN: Final = 16 * 1024
"""Bytes that a reader takes in that time, or all that is left."""


class BoundedProtocol(H11Protocol):
    """uvicorn's, with an end to waiting.

    Attributes:
        most, head_s, take_s: see the constants.
    """

    most = MOST_CONNECTIONS
    head_s = HEAD_S
    take_s = TAKE_S

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head: asyncio.TimerHandle | None = None
        self._take: asyncio.TimerHandle | None = None

    def connection_made(  # type: ignore[override]
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()  # RPC-63
            return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._await_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._stop_head()  # uvicorn's own timer runs until the next byte
        self._watch_reader()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head()
        if self._take is not None:
            self._take.cancel()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        """RPC-63: a clock runs while no request is under way; further bytes do not set it back."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._stop_head()
        elif self._head is None:
            self._head = self.loop.call_later(self.head_s, self.transport.abort)

    def _stop_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _watch_reader(self) -> None:
        left = self.transport.get_write_buffer_size()
        if left and self._take is None:
            self._take = self.loop.call_later(self.take_s, self._look, left)

    def _look(self, before: int) -> None:
        """RPC-63: what was ready for a reader got less, or nobody reads."""
        self._take = None
        if self.transport.get_write_buffer_size() > max(0, before - LEAST_TAKEN):
            self.transport.abort()
        else:
            self._watch_reader()
