"""Which messages a node takes: cheap questions first, each refusal with its rule.

    1  size                        GO-16   nothing is read
    2  the same bytes before?      GO-17   one hash; also what was refused for good (S-23)
    3  the peer's allowance        GO-18
    4  decoding                    GO-1, GO-2, GO-7, GO-9, GO-11
    5  known under its id?         GO-17
    6  expiry, convictions, cuts and path, room      GO-19, GO-14, GO-6 … GO-8, GO-20
    7  signatures                  GO-3, GO-5: 1 + hops of them
    8  statements compared         GO-12: the only step that convicts
    9  the pool                    GO-20

Up to step 7 nothing is remembered of a message but that its *bytes* were refused: whoever sends
garbage under the id of an honest message does not keep that one out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from node.core.ids import ChainId, Height, tagged_hash
from node.gossip.equivocation import Evidence, StatementLedger
from node.gossip.errors import Duplicate, GossipRefused, InvalidMessage
from node.gossip.message import MAX_MESSAGE, Message
from node.gossip.pool import Entry, Pool, PoolLimits

Value = TypeVar("Value")

_NOT_ASKED_FOR: Final = frozenset({"GO-13", "GO-19"})
"""Refusals that follow from what the id covers, until the next block."""
_NO_ROOM: Final = "GO-20"
"""Follows from the bearer's share and from cuts that nobody verified: another peer may be asked."""


class Recent(Generic[Value]):
    """The last things that happened, by a name of 32 bytes; the oldest is forgotten first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, name: bytes) -> bool:
        return name in self._kept

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._kept)

    def get(self, name: bytes) -> Value | None:
        return self._kept.get(name)

    def put(self, name: bytes, value: Value) -> None:
        self._kept[name] = value
        self._kept.move_to_end(name)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, name: bytes) -> None:
        self._kept.pop(name, None)

    def clear(self) -> None:
        self._kept.clear()


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """How much is remembered of what is not in the pool.

    Attributes:
        seen: hashes of bytes, accepted and refused for good.
        known: ids of messages that were accepted.
        statements: compared for equivocation.
        culprits: convicted nodes.
        handed: messages as they were handed to readers.
    """

    seen: int = 65_536
    known: int = 65_536
    statements: int = 65_536
    culprits: int = 4096
    handed: int = 4096


class Admission:
    """The rules, the pool behind them, and what was proved against whom.

    Args:
        chain_id: on whose overlay.
        node: key of this node, which bound messages must name.
        pool: bounds of the pool.
        memory: bounds of the rest.
    """

    def __init__(
        self, chain_id: ChainId, node: bytes, pool: PoolLimits, memory: MemoryLimits
    ) -> None:
        self._chain_id = chain_id
        self._node = node
        self.pool: Final = Pool(pool)
        self.height = Height(0)
        self.ledger: Final = StatementLedger(memory.statements)
        self.culprits: Final = Recent[Evidence](memory.culprits)
        self._seen = Recent[tuple[str, str, str] | None](memory.seen)
        self._known = Recent[bytes](memory.known)
        self._declined = Recent[None](memory.known)
        self._new_evidence: list[Evidence] = []

    # --- messages --------------------------------------------------------------------------------

    def admit(self, data: bytes, peer: bytes, spend: Callable[[], None]) -> Entry:
        """Take a message in, or say why not.

        Args:
            data: its encoding.
            peer: who brought it.
            spend: takes a token of the peer's, or raises GO-18.

        Raises:
            InvalidMessage: the peer is at fault.
            GossipRefused: nobody is; `Duplicate` where it is known.
        """
        if len(data) > MAX_MESSAGE:
            raise InvalidMessage("GO-16", f"{len(data)} bytes, at most {MAX_MESSAGE}")
        digest = tagged_hash("gossip/bytes", data)
        if digest in self._seen:
            refused = self._seen.get(digest)
            if refused is None:
                raise Duplicate("GO-17", "these bytes were accepted before")
            raise InvalidMessage(refused[0], refused[1], where=refused[2])
        spend()
        try:
            message = Message.from_bytes(data)
            entry = self._admit(message, len(data), peer)
        except InvalidMessage as error:
            self._seen.put(digest, (error.rule, error.message, error.where))
            raise
        self._seen.put(digest, None)
        self._known.put(entry.id, digest)
        return entry

    def add_own(self, message: Message) -> Entry:
        """A message of which this node is the origin.

        Raises:
            GossipRefused: GO-19, GO-20: nobody would take it, or there is no room.
        """
        self.pool.check_time(message, self.height)
        entry, victims = self.pool.add(message, len(message.to_bytes()), None)
        self._evicted(victims)
        self._known.put(entry.id, b"")
        return entry

    def knows(self, name: bytes, peer: bytes = b"") -> bool:
        """Whether an id need not be asked for, of this peer: of a message or of a culprit."""
        return (
            name in self.pool
            or name in self._known
            or name in self._declined
            or _of_peer(name, peer) in self._declined
            or name in self.culprits
        )

    def advance(self, height: Height) -> list[Entry]:
        """A new block: what expired leaves, and what had to go may come again."""
        self.height = height
        self._declined.clear()
        return self.pool.advance(height)

    def _admit(self, message: Message, size: int, peer: bytes) -> Entry:
        name = message.id
        if name in self.pool or name in self._known:
            self._compare(message)
            raise Duplicate("GO-17", "known by another path")
        try:
            if self.ledger.is_twin(message.statements()[0]):
                raise GossipRefused(
                    "GO-13", "the origin said the same before, under another signature",
                    fix="send the message that was signed first",
                )  # fmt: skip
            self.pool.check_time(message, self.height)
            self._check_culprits(message)
            message.check(self._node)
            self.pool.check_room(message, size, peer)
            message.verify(self._chain_id, self._node)
            self._record(message)
            entry, victims = self.pool.add(message, size, peer)
        except GossipRefused as error:
            # Any copy would be refused as well, so it is not asked for; brought, it is looked at.
            if error.rule in _NOT_ASKED_FOR or self._is_culprit(message.origin):
                self._declined.put(name, None)
            elif error.rule == _NO_ROOM:
                self._declined.put(_of_peer(name, peer), None)
            raise
        self._evicted(victims)
        return entry

    def _evicted(self, victims: list[Entry]) -> None:
        """Not asked for again before the next block; taken if somebody brings it then."""
        for gone in victims:
            digest = self._known.get(gone.id)
            if digest:
                self._seen.forget(digest)
            self._known.forget(gone.id)
            self._declined.put(gone.id, None)

    # --- equivocation ----------------------------------------------------------------------------

    def take_evidence(self) -> list[Evidence]:
        """What was found since the last call, for others."""
        found, self._new_evidence = self._new_evidence, []
        return found

    def convict(self, evidence: Evidence) -> list[Entry]:
        """Verify evidence and act on it: what the culprit is the origin of leaves the pool.

        Raises:
            Duplicate: GO-14 it is convicted already.
            InvalidMessage: GO-12 the evidence is none.
        """
        if evidence.culprit_id in self.culprits:
            raise Duplicate("GO-14", "this node is convicted already")
        evidence.verify(self._chain_id)
        self.culprits.put(evidence.culprit_id, evidence)
        self._new_evidence.append(evidence)
        return self.pool.drop(evidence.node)

    def _check_culprits(self, message: Message) -> None:
        """GO-14."""
        for node in message.nodes:
            if self._is_culprit(node):
                raise GossipRefused(
                    "GO-14", f"{node.hex()[:16]}… signed two statements under one number",
                    where="path", fix="send it by a path without that node",
                )  # fmt: skip

    def _is_culprit(self, node: bytes) -> bool:
        return len(self.culprits) > 0 and tagged_hash("gossip/culprit", node) in self.culprits

    def _record(self, message: Message) -> None:
        """Compare verified statements with earlier ones; refuse what a culprit says."""
        for statement in message.statements():
            evidence = self.ledger.record(statement)
            if evidence is not None and evidence.culprit_id not in self.culprits:
                self.convict(evidence)
        self._check_culprits(message)

    def _compare(self, message: Message) -> None:
        """A known message by another path: verified only where it contradicts what was said."""
        if any(self.ledger.conflicts(said) for said in message.statements()):
            self._check_culprits(message)
            message.verify(self._chain_id, self._node)
            self._record(message)


def _of_peer(name: bytes, peer: bytes) -> bytes:
    """Under which it is remembered that this peer's copy of a message was declined."""
    return tagged_hash("gossip/declined", name, peer)
