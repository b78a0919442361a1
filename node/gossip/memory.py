"""A bus within one process: real nodes, frames passed by the event loop instead of sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from node.gossip.driver import TICK_SECONDS, Driver
from node.gossip.errors import GossipRefused
from node.gossip.node import GossipNode


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


class MemoryBus(Driver):
    """A `Driver` over a hub."""

    def __init__(self, hub: MemoryHub, node: GossipNode, clock: Callable[[], int]) -> None:
        super().__init__(node, clock)
        self._hub: Final = hub

    async def run(self) -> None:
        """Repair: tick until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick()

    def carry(self, peer: bytes, data: bytes) -> None:
        self._hub.carry(self.node.node, peer, data)

    def cut(self, peer: bytes) -> None:
        self._hub.cut(self.node.node, peer)

    def leave(self) -> None:
        self._hub.leave(self)
