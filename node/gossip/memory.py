"""A bus within one process: real nodes, frames passed by the event loop instead of sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from node.core.ids import Height
from node.gossip.bus import MOST_UNREAD, Filter, Subscription
from node.gossip.envelope import Envelope
from node.gossip.equivocation import Evidence
from node.gossip.errors import GossipRefused
from node.gossip.fees import Fee
from node.gossip.message import Message
from node.gossip.node import Accuse, Action, Delivery, Disconnect, GossipNode, Send
from node.gossip.pool import Entry
from node.gossip.sealed import Contact

TICK_SECONDS: Final = 1.0


class MemoryHub:
    """Where the buses of a process meet."""

    def __init__(self) -> None:
        self._buses: dict[bytes, MemoryBus] = {}

    def join(self, node: GossipNode, clock: Callable[[], int]) -> MemoryBus:
        """A bus for a node; `clock` gives milliseconds.

        Raises:
            GossipRefused: GO-22 this key is in use here.
        """
        if node.node in self._buses:
            raise GossipRefused("GO-22", "a node with this key is here", fix="use another key")
        bus = MemoryBus(self, node, clock)
        self._buses[node.node] = bus
        return bus

    def link(self, first: MemoryBus, second: MemoryBus) -> None:
        """Make two nodes peers.

        Raises:
            GossipRefused: GO-21, GO-22 one of them does not want the other.
        """
        one, two = first.node.node, second.node.node
        opened = first.node.connect(two, first.now())
        try:
            answered = second.node.connect(one, second.now())
        except GossipRefused:
            first.node.disconnect(two)
            raise
        first.act(opened)
        second.act(answered)

    def link_all(self) -> None:
        """Make every node every other's peer."""
        buses = list(self._buses.values())
        for index, first in enumerate(buses):
            for second in buses[index + 1 :]:
                if second.node.node not in first.node.peers.connected:
                    self.link(first, second)

    def carry(self, source: bytes, target: bytes, data: bytes) -> None:
        """Deliver in a later turn of the event loop, as a socket would."""
        bus = self._buses.get(target)
        if bus is not None:
            asyncio.get_running_loop().call_soon(bus.receive, source, data)

    def cut(self, source: bytes, target: bytes) -> None:
        """One side ended the connection: the other one notices."""
        bus = self._buses.get(target)
        if bus is not None:
            bus.node.disconnect(source)

    def leave(self, bus: MemoryBus) -> None:
        """A bus goes: its peers notice."""
        self._buses.pop(bus.node.node, None)
        for peer in bus.node.peers.connected:
            bus.node.disconnect(peer)
            self.cut(bus.node.node, peer)


class MemoryBus:
    """`node.gossip.bus.IntentBus` over a hub. Lives in one event loop.

    Attributes:
        node: the node behind it.
        convicted: evidence that it has seen, in the order in which it came.
    """

    def __init__(self, hub: MemoryHub, node: GossipNode, clock: Callable[[], int]) -> None:
        self._hub = hub
        self._clock = clock
        self._subscriptions: list[Subscription] = []
        self.node: Final = node
        self.convicted: Final[list[Evidence]] = []

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

    async def run(self) -> None:
        """Repair: tick until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick()

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
                self._hub.carry(self.node.node, action.peer, action.data)
            elif isinstance(action, Delivery):
                for subscription in list(self._subscriptions):
                    subscription.offer(action)
            elif isinstance(action, Disconnect):
                self._hub.cut(self.node.node, action.peer)
            elif isinstance(action, Accuse):
                self.convicted.append(action.evidence)

    def close(self) -> None:
        """Leave the hub; subscriptions end."""
        self._hub.leave(self)
        for subscription in list(self._subscriptions):
            with contextlib.suppress(ValueError):
                subscription.close()
