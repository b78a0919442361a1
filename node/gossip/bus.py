"""What applications and solvers see of the overlay: publish, send, subscribe. Rule GO-27."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

from node.core.ids import Height
from node.gossip.envelope import APP_BYTES, Envelope
from node.gossip.errors import GossipRefused
from node.gossip.fees import Fee
from node.gossip.message import Message
from node.gossip.node import Delivery, GossipNode
from node.gossip.pool import Entry
from node.gossip.sealed import Contact

MOST_UNREAD: Final = 1024


@dataclass(frozen=True, slots=True)
class Filter:
    """Which intents a subscriber wants.

    Attributes:
        app: the first bytes of the namespace; empty: any.
        schema: the first characters of the schema; empty: any.
    """

    app: bytes = b""
    schema: str = ""

    def __post_init__(self) -> None:
        """GO-27: a filter that nothing can pass is a mistake."""
        if len(self.app) > APP_BYTES:
            raise GossipRefused(
                "GO-27", f"a namespace has {APP_BYTES} bytes, this prefix {len(self.app)}",
                where="filter", fix="shorten the prefix",
            )  # fmt: skip

    def matches(self, envelope: Envelope) -> bool:
        """For directed messages too: those are compared by what was inside."""
        return envelope.app.startswith(self.app) and envelope.schema.startswith(self.schema)


class Subscription:
    """Intents as they come: `async for delivery in subscription`, in a `with` block.

    GO-27: as many wait as it has room for; whoever reads too slowly loses the oldest, and `missed`
    says how many. Nobody else waits for that.
    """

    def __init__(self, wanted: Filter, most: int, cancel: Callable[[Subscription], None]) -> None:
        if most < 1:
            raise GossipRefused("GO-27", f"room for {most} unread intents", fix="give it 1 or more")
        self.wanted: Final = wanted
        self.missed = 0
        self._most = most
        self._unread: deque[Delivery] = deque()
        self._ready = asyncio.Event()
        self._cancel = cancel
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery:
        while not self._unread:
            if not self._open:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._unread.popleft()

    def offer(self, delivery: Delivery) -> None:
        """By the bus: hand it over if it is wanted."""
        if not self._open or not self.wanted.matches(delivery.envelope):
            return
        if len(self._unread) == self._most:
            self._unread.popleft()
            self.missed += 1
        self._unread.append(delivery)
        self._ready.set()

    def close(self) -> None:
        """No more comes; what is unread can still be read."""
        if self._open:
            self._open = False
            self._cancel(self)
            self._ready.set()


class IntentBus(Protocol):
    """One node's place on an overlay, whatever carries it."""

    async def publish(self, envelope: Envelope) -> bytes:
        """Undirected, to everyone; returns the id of the message.

        Raises:
            GossipRefused, InvalidMessage, SequenceFault
        """
        ...

    async def send(
        self, envelope: Envelope, contacts: Sequence[Contact], postage: Fee | None = None
    ) -> tuple[bytes, ...]:
        """Directed: sealed for each of these nodes; returns the ids of the messages."""
        ...

    def subscribe(self, wanted: Filter, most: int = MOST_UNREAD) -> Subscription:
        """What comes from now on and passes the filter."""
        ...


class HostBus(IntentBus, Protocol):
    """The same for the process that runs the node: clients, blocks, the end."""

    @property
    def node(self) -> GossipNode:
        """The node behind it."""
        ...

    def submit(self, data: bytes) -> Message:
        """A message of a client, which is its origin (GO-28).

        Raises:
            GossipRefused, InvalidMessage, SequenceFault
        """
        ...

    def advance(self, height: Height) -> list[Entry]:
        """A new block; returns what expired."""
        ...

    async def run(self) -> None:
        """Repair, until cancelled. Raises SequenceFault."""
        ...

    def close(self) -> None:
        """Leave; subscriptions end."""
        ...
