"""A node of the overlay without I/O: frames and ticks go in, actions come out.

    undirected   publish → every peer, which passes on what it admits, once (flood)
    directed     a sealed box per recipient, flooded as any message
    repair       every tick each peer gets a digest of what is here, and asks for what it lacks

Nothing here waits, reads a clock or opens a socket, so the same object runs behind any transport
and under a simulator that loses, doubles and reorders (`node.testing.network`).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field
from typing import Final

from node.core.ed25519 import KEY_BYTES
from node.core.ids import Height
from node.gossip.admission import Admission, MemoryLimits, Recent
from node.gossip.envelope import Envelope
from node.gossip.equivocation import Evidence
from node.gossip.errors import GossipRefused, InvalidMessage
from node.gossip.fees import Fee
from node.gossip.frames import MOST_LISTED, MOST_WANTED, Frame, FrameKind, check_size
from node.gossip.limits import PeerLimits, PeerTable, TokenBucket
from node.gossip.message import MAX_HOPS, Message, bind, originate, pass_on
from node.gossip.pool import Entry, PoolLimits
from node.gossip.sealed import BoxKey, Contact, seal, try_open
from node.gossip.sequence import Sequence
from node.gossip.statement import Signer
from zk.errors import ChiaroError

CLIENTS: Final = b"clients"
"""The name under which all clients of this node's own are one bearer (GO-28)."""
MOST_CULPRITS_LISTED: Final = 64
MOST_ASKED: Final = 3
"""Peers that are asked for one id at a time: one that lists it and keeps it delays nobody alone."""
_FIRST: Final = bytes(32)
_MESSAGE: Final = bytes((FrameKind.MESSAGE,))
_EVIDENCE: Final = bytes((FrameKind.EVIDENCE,))


@dataclass(frozen=True, slots=True)
class Send:
    """Give these bytes to a peer."""

    peer: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """An intent for whoever is interested here. Each comes once.

    Attributes:
        envelope: what was published, or what a box held.
        sender: the origin; of a directed message the node that signed inside.
        message: the message that carried it: its id, and the path that a settlement pays.
        directed: whether it was for this node only.
    """

    envelope: Envelope
    sender: bytes
    message: Message
    directed: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A frame was not taken; for logs and counters.

    Attributes:
        peer: who sent it; of a false box its origin, since nobody else is to blame.
        error: with the rule that refused.
    """

    peer: bytes
    error: ChiaroError


@dataclass(frozen=True, slots=True)
class Disconnect:
    """End the connection: the peer is banned (GO-21)."""

    peer: bytes


@dataclass(frozen=True, slots=True)
class Accuse:
    """A node was convicted; the evidence is for anyone."""

    evidence: Evidence


Action = Send | Delivery | Refused | Disconnect | Accuse


@dataclass(frozen=True, slots=True)
class Options:
    """What a node does by choice.

    Attributes:
        cut: base units of a settlement fee that it takes for passing a message on, or what is left.
        sign_path: add a hop to what it passes on; without, `cut` is not taken. Messages whose last
            hop names this node, and bound ones, always get one.
        ask_again_ms: how long an answer to a request may take; in that time an id is asked for once
            of each of three peers that list it, at most.
        peers, pool, memory: bounds.
    """

    cut: int = 0
    sign_path: bool = True
    ask_again_ms: int = 1000
    peers: PeerLimits = field(default_factory=PeerLimits)
    pool: PoolLimits = field(default_factory=PoolLimits)
    memory: MemoryLimits = field(default_factory=MemoryLimits)


class GossipNode:
    """One node. Not safe between threads; times are milliseconds, given by the caller.

    Args:
        signer: its key, on the chain whose overlay this is.
        sequence: numbers for its statements; of a key that is kept, a `SequenceFile`.
        box: opens what is directed to it; None: it receives nothing directed.
        options: choices and bounds.

    Attributes:
        taken, refused: frames of peers since it began.
    """

    def __init__(
        self,
        signer: Signer,
        sequence: Sequence,
        box: BoxKey | None = None,
        options: Options | None = None,
    ) -> None:
        self._signer = signer
        self._sequence = sequence
        self._box = box
        self.options: Final = options or Options()
        self.peers: Final = PeerTable(self.options.peers)
        self.admission: Final = Admission(
            signer.chain_id, signer.node, self.options.pool, self.options.memory
        )
        self._asked = Recent[tuple[int, tuple[bytes, ...]]](self.options.memory.known)
        self._delivered = Recent[None](self.options.memory.known)
        self._handed = Recent[Message](self.options.memory.handed)
        self._clients: TokenBucket | None = None
        self._cursor: dict[bytes, bytes] = {}
        self.taken = 0
        self.refused = 0
        self._culprit_cursor = 0

    @property
    def node(self) -> bytes:
        """This node's key: what its peers call it."""
        return self._signer.node

    @property
    def contact(self) -> Contact | None:
        """What others need to send it directed messages."""
        return self._box.contact(self._signer) if self._box else None

    # --- from this machine -----------------------------------------------------------------------

    def publish(self, envelope: Envelope, now: int) -> tuple[Message, list[Action]]:
        """Undirected: to everyone.

        Raises:
            GossipRefused: GO-19, GO-20.
            SequenceFault: GO-15.
        """
        message = originate(self._signer, self._sequence.take(), envelope)
        return message, self._start(message, now)

    def send(
        self,
        envelope: Envelope,
        contacts: SequenceOf[Contact],
        now: int,
        postage: Fee | None = None,
    ) -> tuple[list[Message], list[Action]]:
        """Directed: to these nodes, and nobody else can read it. One message for each.

        Raises:
            GossipRefused: GO-24 nobody is named; GO-19, GO-20: the messages before that are on
                their way.
            InvalidMessage: GO-24 a contact, GO-25 the envelope; nothing is sent.
        """
        if not contacts:
            raise GossipRefused("GO-24", "no recipient", fix="name one, or publish to everyone")
        sealed: list[Message] = []
        for contact in contacts:
            outer = Signer(secrets.token_bytes(32), self._signer.chain_id)
            boxed = seal(self._signer, outer.node, contact, envelope, postage)
            sealed.append(originate(outer, 0, boxed))
        actions: list[Action] = []
        for message in sealed:
            actions += self._start(message, now)
        return sealed, actions

    def submit(self, data: bytes, now: int) -> tuple[Message, list[Action]]:
        """A message of a client of this node, which is its origin and no peer. GO-28.

        Raises:
            InvalidMessage: with the rule.
            GossipRefused: as of a peer; `Duplicate` where it is known.
            SequenceFault: GO-15.
        """
        entry = self.admission.admit(data, CLIENTS, lambda: self._spend_of_clients(now))
        return entry.message, [
            *self._deliver(entry.message),
            *self._flood(entry, None, now),
            *self._accusations(None),
        ]

    def _spend_of_clients(self, now: int) -> None:
        if self._clients is None:
            self._clients = TokenBucket(self.options.peers.rate, self.options.peers.burst, now)
        if not self._clients.take(now):
            raise GossipRefused("GO-18", "too many messages of clients", fix="send more slowly")

    def hand_over(self, name: bytes, reader: bytes) -> Message | None:
        """A message that is here as one gets it who is no peer, such as a solver. GO-29.

        Its path ends with this node's hop, which names the reader; sealed ones, and full paths that
        name nobody, stay as they are.

        Returns:
            None: it is not here, or its path may not end at this reader.

        Raises:
            SequenceFault: GO-15.
        """
        entry = self.admission.pool.get(name)
        if entry is None:
            return None
        message = entry.message
        must = message.named or message.envelope.bound
        wants = self.options.sign_path and not message.envelope.sealed
        if reader == self.node or not (must or wants):
            return message
        if not self._may_extend(message):
            return None if must else message
        found = self._handed.get(name + reader)
        if found is None:
            seq = self._sequence.take()
            if message.envelope.bound and not message.hops:
                found = bind(message, self._signer, seq, reader)
            else:
                cut = min(self.options.cut, message.left) if self.options.sign_path else 0
                found = pass_on(message, self._signer, seq, cut, reader)
            self._handed.put(name + reader, found)
        return found

    def _start(self, message: Message, now: int) -> list[Action]:
        entry = self.admission.add_own(message)
        return [*self._deliver(entry.message), *self._flood(entry, None, now)]

    # --- from peers ------------------------------------------------------------------------------

    def connect(self, peer: bytes, now: int) -> list[Action]:
        """A peer whose key the transport has authenticated.

        Raises:
            GossipRefused: GO-21 banned, GO-22 too many.
        """
        if len(peer) != KEY_BYTES or peer == self.node:
            raise GossipRefused("GO-22", "not the key of another node", fix="check the address")
        self.peers.connect(peer, now)
        return self._digest(peer)

    def disconnect(self, peer: bytes) -> None:
        """The connection ended."""
        self.peers.disconnect(peer)
        self._cursor.pop(peer, None)

    def receive(self, peer: bytes, data: bytes, now: int) -> list[Action]:
        """A frame of a peer's; never raises for what a peer sends.

        Raises:
            SequenceFault: GO-15 this node cannot sign its hops any more.
        """
        try:
            self.peers.require(peer)
            check_size(data)
            actions = self._receive(peer, data, now)
            self.taken += 1
        except InvalidMessage as error:
            self.refused += 1
            actions = [Refused(peer, error)]
            if self.peers.penalise(peer, now):
                self._cursor.pop(peer, None)
                actions.append(Disconnect(peer))
        except GossipRefused as error:
            self.refused += 1
            actions = [Refused(peer, error)]
        return [*actions, *self._accusations(peer if data[:1] == _EVIDENCE else None)]

    def _receive(self, peer: bytes, data: bytes, now: int) -> list[Action]:
        if data[:1] == _MESSAGE:
            return self._take(peer, data[1:], now)
        self.peers.spend(peer, now, control=True)
        frame = Frame.from_bytes(data)
        if frame.kind == FrameKind.DIGEST:
            return self._ask(peer, frame.ids, now)
        if frame.kind == FrameKind.WANT:
            return self._answer(peer, frame.ids, now)
        self.admission.convict(Evidence.from_bytes(frame.data))
        return []

    def _take(self, peer: bytes, data: bytes, now: int) -> list[Action]:
        entry = self.admission.admit(data, peer, lambda: self.peers.spend(peer, now))
        self._asked.forget(entry.id)
        return [*self._deliver(entry.message), *self._flood(entry, peer, now)]

    def _accusations(self, source: bytes | None) -> list[Action]:
        """What was found, for every peer but the one that sent it as evidence."""
        actions: list[Action] = []
        for evidence in self.admission.take_evidence():
            actions.append(Accuse(evidence))
            data = Frame(FrameKind.EVIDENCE, evidence.to_bytes()).to_bytes()
            actions += [Send(peer, data) for peer in self.peers.connected if peer != source]
        return actions

    # --- delivery and flood ----------------------------------------------------------------------

    def _deliver(self, message: Message) -> list[Action]:
        if message.id in self._delivered:
            return []
        self._delivered.put(message.id, None)
        envelope = message.envelope
        if not envelope.sealed:
            return [Delivery(envelope, message.origin, message, directed=False)]
        if self._box is None:
            return []
        try:
            opened = try_open(self._box, self.node, self._signer.chain_id, message.origin, envelope)
        except InvalidMessage as error:
            # Only the recipient can see this, so whoever passed it on is not to blame.
            return [Refused(message.origin, error)]
        if opened is None:
            return []
        return [Delivery(opened.envelope, opened.sender, message, directed=True)]

    def _flood(self, entry: Entry, source: bytes | None, now: int) -> list[Action]:
        nodes = entry.message.nodes
        actions: list[Action] = []
        for peer in self.peers.connected:
            if peer != source and peer not in nodes:
                actions += self._pass_on(entry, peer, now)
        return actions

    def _pass_on(self, entry: Entry, peer: bytes, now: int) -> list[Action]:
        bound = entry.message.envelope.bound
        if (bound or entry.message.named) and not self._may_extend(entry.message):
            return []  # whoever got it without this node's hop would have to refuse it (GO-6)
        if not self.peers.may_send(peer, now):
            return []  # it would drop it (GO-18); a digest brings it later
        sent = self._bound_for(entry.message, peer) if bound else self._onward(entry)
        return [Send(peer, _MESSAGE + sent.to_bytes())]

    def _onward(self, entry: Entry) -> Message:
        """With this node's hop: signed once, whoever gets it."""
        if entry.onward is None:
            message = entry.message
            signs = message.named or (self.options.sign_path and entry.peer is not None)
            if signs and self._may_extend(message):
                cut = min(self.options.cut, message.left) if self.options.sign_path else 0
                message = pass_on(message, self._signer, self._sequence.take(), cut)
            entry.onward = message
        return entry.onward

    def _bound_for(self, message: Message, peer: bytes) -> Message:
        """A statement of its own for each successor."""
        seq = self._sequence.take()
        if not message.hops:
            return bind(message, self._signer, seq, peer)
        cut = min(self.options.cut, message.left)
        return pass_on(message, self._signer, seq, cut, peer)

    def _may_extend(self, message: Message) -> bool:
        """GO-7: room for a hop, and this node is not in the path (but as the origin of its own)."""
        own = message.origin == self.node and not message.hops
        return len(message.hops) < MAX_HOPS and (own or self.node not in message.nodes)

    # --- repair ----------------------------------------------------------------------------------

    def tick(self, now: int) -> list[Action]:  # noqa: ARG002
        """To be called every second or so: tells every peer what is here."""
        return [action for peer in self.peers.connected for action in self._digest(peer)]

    def advance(self, height: Height) -> list[Entry]:
        """A new block; returns what expired."""
        return self.admission.advance(height)

    def _digest(self, peer: bytes) -> list[Action]:
        """Up to 500 ids, from where the last digest for this peer ended."""
        start = self._cursor.get(peer, _FIRST)
        room = MOST_LISTED - MOST_CULPRITS_LISTED
        ids = self.admission.pool.ids_from(start, room)
        after = int.from_bytes(ids[-1], "big") + 1 if len(ids) == room else 0
        self._cursor[peer] = (after % (1 << 256)).to_bytes(32, "big")
        listed = sorted({*ids, *self._some_culprits()})
        return [Send(peer, Frame(FrameKind.DIGEST, ids=tuple(listed)).to_bytes())] if listed else []

    def _some_culprits(self) -> list[bytes]:
        names = list(self.admission.culprits)
        if len(names) > MOST_CULPRITS_LISTED:
            start = self._culprit_cursor % len(names)
            self._culprit_cursor = start + MOST_CULPRITS_LISTED
            names = [*names[start:], *names[:start]]
        return names[:MOST_CULPRITS_LISTED]

    def _ask(self, peer: bytes, ids: tuple[bytes, ...], now: int) -> list[Action]:
        wanted: list[bytes] = []
        for name in ids:
            since, peers = self._asked.get(name) or (now, ())
            if now - since >= self.options.ask_again_ms:
                since, peers = now, ()
            if len(peers) == MOST_ASKED or peer in peers or self.admission.knows(name, peer):
                continue
            self._asked.put(name, (since, (*peers, peer)))
            wanted.append(name)
            if len(wanted) == MOST_WANTED:
                break
        return [Send(peer, Frame(FrameKind.WANT, ids=tuple(wanted)).to_bytes())] if wanted else []

    def _answer(self, peer: bytes, ids: tuple[bytes, ...], now: int) -> list[Action]:
        actions: list[Action] = []
        for name in ids:
            entry = self.admission.pool.get(name)
            evidence = self.admission.culprits.get(name)
            if entry is not None:
                actions += self._pass_on(entry, peer, now)
            elif evidence is not None:
                data = Frame(FrameKind.EVIDENCE, evidence.to_bytes()).to_bytes()
                actions.append(Send(peer, data))
        return actions
