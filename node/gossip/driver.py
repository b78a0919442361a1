"""What every driver of a `GossipNode` does: actions of the node out, frames of its peers in."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from node.core.ids import Height
from node.gossip.bus import MOST_UNREAD, Filter, Subscription
from node.gossip.envelope import Envelope
from node.gossip.equivocation import Evidence
from node.gossip.fees import Fee
from node.gossip.message import Message
from node.gossip.node import Accuse, Action, Delivery, Disconnect, GossipNode, Send
from node.gossip.pool import Entry
from node.gossip.sealed import Contact

TICK_SECONDS: Final = 1.0


class Driver(ABC):
    """`node.gossip.bus.HostBus`, but for what carries the frames. Lives in one event loop.

    Args:
        node: the node behind it.
        clock: milliseconds that never go back.

    Attributes:
        node: the same.
        convicted: evidence that it has seen, in the order in which it came.
    """

    def __init__(self, node: GossipNode, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._subscriptions: list[Subscription] = []
        self.node: Final = node
        self.convicted: Final[list[Evidence]] = []

    @abstractmethod
    def carry(self, peer: bytes, data: bytes) -> None:
        """Give a frame to a peer, later or never."""

    @abstractmethod
    def cut(self, peer: bytes) -> None:
        """The node ended the connection to a peer."""

    @abstractmethod
    async def run(self) -> None:
        """Until cancelled."""

    @abstractmethod
    def leave(self) -> None:
        """No frame comes or goes any more."""

    def now(self) -> int:
        return self._clock()

    async def publish(self, envelope: Envelope) -> bytes:
        message, actions = self.node.publish(envelope, self.now())
        self.act(actions)
        return message.id

    async def send(
        self, envelope: Envelope, contacts: Sequence[Contact], postage: Fee | None = None
    ) -> tuple[bytes, ...]:
        messages, actions = self.node.send(envelope, contacts, self.now(), postage)
        self.act(actions)
        return tuple(message.id for message in messages)

    def submit(self, data: bytes) -> Message:
        """`HostBus`: of a client."""
        message, actions = self.node.submit(data, self.now())
        self.act(actions)
        return message

    def subscribe(self, wanted: Filter, most: int = MOST_UNREAD) -> Subscription:
        subscription = Subscription(wanted, most, self._subscriptions.remove)
        self._subscriptions.append(subscription)
        return subscription

    def tick(self) -> None:
        """Tell every peer what is here."""
        self.act(self.node.tick(self.now()))

    def advance(self, height: Height) -> list[Entry]:
        """A new block; returns what expired."""
        return self.node.advance(height)

    def receive(self, source: bytes, data: bytes) -> None:
        """A frame of a peer's."""
        self.act(self.node.receive(source, data, self.now()))

    def act(self, actions: Iterable[Action]) -> None:
        """Do what the node decided."""
        for action in actions:
            if isinstance(action, Send):
                self.carry(action.peer, action.data)
            elif isinstance(action, Delivery):
                for subscription in list(self._subscriptions):
                    subscription.offer(action)
            elif isinstance(action, Disconnect):
                self.cut(action.peer)
            elif isinstance(action, Accuse):
                self.convicted.append(action.evidence)

    def close(self) -> None:
        """Leave; subscriptions end."""
        self.leave()
        for subscription in list(self._subscriptions):
            with contextlib.suppress(ValueError):
                subscription.close()
