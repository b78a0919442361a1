"""A network that loses, doubles and reorders frames, and falls apart: seeded, without real time.

Drives `GossipNode`s. The same seed gives the same run, but for what is sealed: its keys are random.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from node.core.ids import ChainId, Height
from node.gossip.envelope import APP_BYTES, Envelope, plain
from node.gossip.fees import Fee
from node.gossip.message import Message
from node.gossip.node import (
    Accuse,
    Action,
    Delivery,
    GossipNode,
    Options,
    Refused,
    Send,
)
from node.gossip.sealed import BoxKey, Contact
from node.gossip.sequence import MemorySequence
from node.gossip.statement import Signer

CHAIN: Final = ChainId(hashlib.sha256(b"a chain for tests").digest())
APP: Final = b"app".ljust(APP_BYTES, b"\0")
TICK_MS: Final = 1000


def signer_of(name: str, chain_id: ChainId = CHAIN) -> Signer:
    """UNSAFE: a key that everyone can derive."""
    return Signer(hashlib.sha256(b"node " + name.encode()).digest(), chain_id)


def box_of(name: str) -> BoxKey:
    """UNSAFE, as `signer_of`."""
    return BoxKey(hashlib.sha256(b"box " + name.encode()).digest())


def intent(text: str = "swap 5 for 7", *, expiry: int = 32, fee: Fee | None = None) -> Envelope:
    """An envelope of a schema that means nothing."""
    return plain(APP, "test/1", Height(expiry), text.encode(), fee)


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to frames.

    Attributes:
        loss: part of the frames that is lost.
        doubled: part of them that arrives twice.
        least_ms, most_ms: how long one takes; the wider, the more are reordered.
    """

    loss: float = 0.0
    doubled: float = 0.0
    least_ms: int = 5
    most_ms: int = 50


@dataclass(slots=True)
class Member:
    """A node in the network, and all that came out of it."""

    node: GossipNode
    delivered: list[Delivery] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    accused: list[Accuse] = field(default_factory=list)

    @property
    def ids(self) -> set[bytes]:
        """Ids in its pool."""
        return {entry.id for entry in self.node.admission.pool}


class FakeNetwork:
    """Nodes named by text, and the frames between them.

    Args:
        names: one node for each.
        seed: of everything random.
        weather: of every link.
        options: of every node.
    """

    def __init__(
        self,
        names: Iterable[str],
        *,
        seed: int = 0,
        weather: Weather | None = None,
        options: Options | None = None,
    ) -> None:
        self.random: Final = random.Random(seed)
        self.weather = weather or Weather()
        self.now = 0
        self.frames = 0
        self.bytes = 0
        self.members: Final = {
            name: Member(GossipNode(signer_of(name), MemorySequence(), box_of(name), options))
            for name in names
        }
        self._names = {member.node.node: name for name, member in self.members.items()}
        self._flying: list[tuple[int, int, bytes, bytes, bytes]] = []
        self._islands: tuple[frozenset[str], ...] = ()
        self._next_tick = TICK_MS

    def __getitem__(self, name: str) -> GossipNode:
        return self.members[name].node

    def contact(self, name: str) -> Contact:
        """Where directed messages for a node go."""
        contact = self[name].contact
        if contact is None:
            raise KeyError(name)
        return contact

    def link(self, first: str, second: str) -> None:
        """Make two nodes peers."""
        for name, other in ((first, second), (second, first)):
            self.act(name, self[name].connect(self[other].node, self.now))

    def mesh(self, degree: int) -> None:
        """A ring, so that it is connected, and random links up to about `degree` a node."""
        names = list(self.members)
        wanted = {tuple(sorted(pair)) for pair in zip(names, names[1:] + names[:1], strict=True)}
        while len(wanted) < min(len(names) * degree // 2, len(names) * (len(names) - 1) // 2):
            wanted.add(tuple(sorted(self.random.sample(names, 2))))
        for first, second in sorted(wanted):
            if first != second:
                self.link(first, second)

    def split(self, *islands: Iterable[str]) -> None:
        """Frames between islands are lost from now on, until `heal`."""
        self._islands = tuple(frozenset(island) for island in islands)

    def heal(self) -> None:
        """One network again."""
        self._islands = ()

    def publish(self, name: str, envelope: Envelope) -> Message:
        """Undirected, by that node."""
        message, actions = self[name].publish(envelope, self.now)
        self.act(name, actions)
        return message

    def send(self, name: str, envelope: Envelope, to: Sequence[str]) -> list[Message]:
        """Directed, by that node."""
        contacts = [self.contact(other) for other in to]
        messages, actions = self[name].send(envelope, contacts, self.now)
        self.act(name, actions)
        return messages

    def advance(self, height: int) -> None:
        """A block that every node sees."""
        for member in self.members.values():
            member.node.advance(Height(height))

    def run(self, milliseconds: int) -> None:
        """Let time pass: deliver what arrives, and tick every second."""
        end = self.now + milliseconds
        while True:
            arrival = self._flying[0][0] if self._flying else end + 1
            if min(arrival, self._next_tick) > end:
                self.now = end
                return
            if self._next_tick <= arrival:
                self.now = self._next_tick
                self._next_tick += TICK_MS
                for name in self.members:
                    self.act(name, self[name].tick(self.now))
            else:
                self.now, _, source, target, data = heapq.heappop(self._flying)
                self._arrive(source, target, data)

    def rounds_until(self, wanted: set[bytes], most: int) -> int:
        """Ticks until every pool holds all of `wanted`; `most` + 1 if they never do."""
        for count in range(most + 1):
            if all(wanted <= member.ids for member in self.members.values()):
                return count
            self.run(TICK_MS)
        return most + 1

    def act(self, name: str, actions: Iterable[Action]) -> None:
        """Do what a node decided."""
        member = self.members[name]
        for action in actions:
            if isinstance(action, Send):
                self._fly(member.node.node, action.peer, action.data)
            elif isinstance(action, Delivery):
                member.delivered.append(action)
            elif isinstance(action, Refused):
                member.refused.append(action)
            elif isinstance(action, Accuse):
                member.accused.append(action)
            elif action.peer in self._names:
                self[self._names[action.peer]].disconnect(member.node.node)

    def refusals(self, name: str) -> set[str]:
        """Rules by which a node refused frames."""
        errors = [refused.error for refused in self.members[name].refused]
        return {error.id for error in errors}

    def _fly(self, source: bytes, target: bytes, data: bytes) -> None:
        self.frames += 1
        self.bytes += len(data)
        if self._apart(source, target):
            return
        copies = 2 if self.random.random() < self.weather.doubled else 1
        for _ in range(copies):
            if self.random.random() < self.weather.loss:
                continue
            due = self.now + self.random.randint(self.weather.least_ms, self.weather.most_ms)
            heapq.heappush(self._flying, (due, self.random.getrandbits(63), source, target, data))

    def _arrive(self, source: bytes, target: bytes, data: bytes) -> None:
        name = self._names.get(target)
        if name is not None and not self._apart(source, target):
            self.act(name, self[name].receive(source, data, self.now))

    def _apart(self, source: bytes, target: bytes) -> bool:
        here, there = self._names.get(source, ""), self._names.get(target, "")
        return any((here in island) != (there in island) for island in self._islands)
