"""What the RPC answers about open intents.  Rules RPC-41 … RPC-45.

All but problems is answered in the node's event loop, where its overlay lives.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import islice
from typing import Final

from node.core.errors import NotFound
from node.core.ids import Height
from node.core.intent import Intent
from node.core.interfaces import TxContext
from node.gossip.bus import Filter, HostBus
from node.gossip.errors import Duplicate
from node.gossip.fees import NoFee, SettlementFee
from node.gossip.message import Message
from node.gossip.pool import Entry
from node.intents.batch import Batch
from node.intents.solvers.problem import pose
from node.intents.view import View
from node.lane.fates import Fates
from node.lane.services import ScopedExecutor, Services
from node.rpc import gossip_schema as schema
from node.rpc.errors import BadRequest
from node.rpc.lane_schema import LeftOut
from node.rpc.text import bytes_of, hex_of
from node.store.versioned import VersionedStore


@dataclass(frozen=True, slots=True)
class GossipParts:
    """A node's place on the overlay.

    Attributes:
        bus: used in the event loop only.
        fates: of messages, by the node's own blocks; likewise.
    """

    bus: HostBus
    fates: Fates


class GossipViews:
    """One method per endpoint.

    Args:
        parts: of the node.
        services: of the lane, as the executor has them.
        store: of the node.
    """

    def __init__(self, parts: GossipParts, services: Services, store: VersionedStore) -> None:
        self._bus: Final = parts.bus
        self._fates: Final = parts.fates
        self._services: Final = services
        self._store: Final = store
        self._posing = threading.Lock()

    def publish(self, data: bytes) -> schema.PublishedView:
        """RPC-41: as of a peer, and from its origin only. Said again, it is still there."""
        message = Message.from_bytes(data)
        if len(message.hops) != message.envelope.bound:
            raise BadRequest(
                "RPC-41: somebody passed this message on already",
                where="message",
                why="a client is the origin of what it hands in; paths are what nodes walked",
                fix="hand it in as its origin signed it",
            )
        try:
            self._bus.submit(data)
        except Duplicate:
            if message.id not in self._bus.node.admission.pool:
                raise
        return schema.PublishedView(
            id=hex_of(message.id), height=self._store.height, expiry=message.envelope.expiry
        )

    def page(self, query: schema.MessagesQuery) -> schema.MessagePage:
        """RPC-42: what is held, with this node's hop for the solver that asks."""
        node = self._bus.node
        wanted = Filter(bytes_of(query.app, where="app"), query.schema)
        reader = None if query.solver is None else bytes_of(query.solver, where="solver")
        later = (entry for entry in node.admission.pool if entry.order > query.since)
        fitting = (entry for entry in later if _fits(entry, query, wanted))
        entries = list(islice(fitting, query.limit + 1))  # the pool is in the order of arrival
        found: list[schema.MessageView] = []
        for entry in entries[: query.limit]:
            message = entry.message if reader is None else node.hand_over(entry.id, reader)
            if message is not None:
                found.append(_message(entry, message))
        more = len(entries) > query.limit
        return schema.MessagePage(
            node=hex_of(node.node),
            height=self._store.height,
            messages=found,
            next=entries[query.limit - 1].order if more else None,
        )

    def fate(self, name: bytes) -> schema.FateView:
        """RPC-43: a settlement counts more than being held or expired. Raises NotFound."""
        height, settled = self._store.height, self._fates.settlement(name)
        entry = self._bus.node.admission.pool.get(name)
        expiry = self._fates.expiry(name) if entry is None else entry.message.envelope.expiry
        if settled is not None:
            return schema.FateView(
                id=hex_of(name),
                status="settled",
                height=height,
                expiry=expiry,
                settled=settled.height,
                tx_id=hex_of(settled.tx_id),
            )
        if expiry is None:
            raise NotFound(
                "RPC-43: this node holds no such message, and remembers no settlement of it",
                why="it was not handed in here, had to make room, or the node began anew",
                fix="hand it in again while it has not expired",
            )
        status: schema.FateName = "expired" if entry is None else "held"
        return schema.FateView(id=hex_of(name), status=status, height=height, expiry=expiry)

    def problem(self, intents: list[str]) -> schema.OpenProblemView:
        """RPC-44: posed on the committed state for the next block; nothing is kept or told.

        Raises:
            DecodeError: IN-2, IN-3; IntentRefused: IN-12.
        """
        services, chain_id = self._services, self._services.genesis.chain_id
        found = tuple(Intent.from_bytes(bytes_of(text, where="intents")) for text in intents)
        batch = Batch(chain_id, None, found)
        with self._posing:  # proofs are verified: one at a time
            state = self._store.reader()
            context = TxContext(chain_id, Height(state.height + 1))
            judge = ScopedExecutor(services.inner, None)
            view = View(context, state, judge, services.verifier, services.shielded)
            posed, out = pose(batch, view, services.registry)
        return schema.OpenProblemView(
            height=posed.height,
            problem=hex_of(posed.to_bytes()),
            left_out=[LeftOut(id=hex_of(key), code=e.id) for key, e in sorted(out.items())],
        )


def _fits(entry: Entry, query: schema.MessagesQuery, wanted: Filter) -> bool:
    envelope = entry.message.envelope
    if query.sealed or envelope.sealed:
        return query.sealed and envelope.sealed
    return wanted.matches(envelope)


def _message(entry: Entry, message: Message) -> schema.MessageView:
    envelope = message.envelope
    return schema.MessageView(
        order=entry.order,
        id=hex_of(entry.id),
        message=hex_of(message.to_bytes()),
        sealed=envelope.sealed,
        schema=envelope.schema,
        expiry=envelope.expiry,
        model=_model(message),
        fee=str(envelope.fee.worth),
        left=str(message.left),
    )


def _model(message: Message) -> schema.FeeModel:
    fee = message.envelope.fee
    if isinstance(fee, SettlementFee):
        return "settlement"
    return "none" if isinstance(fee, NoFee) else "ordering"
