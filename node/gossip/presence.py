"""Who is there: signed presence, and which of them become peers. Rules GO-31, GO-38.

    presence  version 1 ‖ node 32 ‖ session 32 ‖ time 8 ‖ here 1 ‖ signature 64
    signed    H("gossip/presence", chain id, node, session, time, here)

The session is an X25519 key that its node makes at every start (`node.gossip.link`). Times are
milliseconds since 1970 by the clock of whoever signs; nodes compare them with their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import KEY_BYTES, is_proper
from node.core.ids import ChainId
from node.gossip.errors import GossipRefused, InvalidMessage, decoding
from node.gossip.limits import TokenBucket
from node.gossip.statement import SIGNATURE_BYTES, Signer, verify_tagged

EVERY_MS: Final = 2000
"""Between two of a node's own."""
SILENT_MS: Final = 7000
"""Whoever says nothing for so long is gone."""
CLOCKS_APART_MS: Final = 60_000
SOONEST_MS: Final = 250
"""Between two of one node that are looked at."""
MOST_KNOWN: Final = 1024
_STRANGERS: Final = 20
_STRANGERS_AT_ONCE: Final = 128
_VERSION: Final = 1
_TAG: Final = "gossip/presence"


@dataclass(frozen=True, slots=True)
class Presence:
    """What a node says of itself.

    Attributes:
        node: its key.
        session: its X25519 public key of this run.
        time_ms: when it said so, by its clock.
        here: False: it is leaving.
        signature: of `node`.
    """

    node: bytes
    session: bytes
    time_ms: int
    here: bool
    signature: bytes

    @staticmethod
    def sign(signer: Signer, session: bytes, time_ms: int, *, here: bool = True) -> Presence:
        """Of this node, now."""
        signature = signer.sign(_TAG, session, time_ms.to_bytes(8, "little"), bytes((here,)))
        return Presence(signer.node, session, time_ms, here, signature)

    def verify(self, chain_id: ChainId) -> None:
        """GO-31. Raises InvalidMessage."""
        said = self.session, self.time_ms.to_bytes(8, "little"), bytes((self.here,))
        if not is_proper(self.node) or not verify_tagged(
            self.node, self.signature, chain_id, _TAG, *said
        ):
            raise InvalidMessage("GO-31", "not signed by that node on this chain", where="presence")

    def to_bytes(self) -> bytes:
        writer = Writer().u8(_VERSION).raw(self.node, KEY_BYTES).raw(self.session, KEY_BYTES)
        writer.u64(self.time_ms).u8(self.here)
        return writer.raw(self.signature, SIGNATURE_BYTES).done()

    @staticmethod
    def from_bytes(data: bytes) -> Presence:
        """Strict. Raises InvalidMessage (GO-31)."""
        with decoding("GO-31", "presence"):
            reader = Reader(data, "presence")
            version, node, session = reader.u8(), reader.take(KEY_BYTES), reader.take(KEY_BYTES)
            time_ms, here = reader.u64(), reader.u8()
            signature = reader.take(SIGNATURE_BYTES)
            reader.done()
        if version != _VERSION or here > 1:
            raise InvalidMessage("GO-31", "a presence of another version", where="presence")
        return Presence(node, session, time_ms, bool(here), signature)


@dataclass(slots=True)
class _Known:
    said: Presence
    looked_at: int
    alive_at: int


class Directory:
    """The nodes that are there, by what they signed.

    Args:
        own: this node's key.
        chain_id: of the overlay.
        now: milliseconds that never go back.
    """

    def __init__(self, own: bytes, chain_id: ChainId, now: int) -> None:
        self._own = own
        self._chain_id = chain_id
        self._known: dict[bytes, _Known] = {}
        self._strangers = TokenBucket(_STRANGERS, _STRANGERS_AT_ONCE, now)

    def session(self, node: bytes) -> bytes | None:
        """Its X25519 key; None: it is not there."""
        known = self._known.get(node)
        return None if known is None else known.said.session

    def hear(self, said: Presence, now: int, wall_ms: int) -> None:
        """Take a presence; cheap questions first.

        Raises:
            InvalidMessage: GO-31 not signed.
            GossipRefused: GO-31 old, of another time, this node's own; GO-35 too many.
        """
        known = self._known.get(said.node)
        if said.node == self._own:
            raise GossipRefused("GO-31", "this node's own presence", where="presence")
        if abs(said.time_ms - wall_ms) > CLOCKS_APART_MS:
            raise GossipRefused(
                "GO-31", f"of {abs(said.time_ms - wall_ms) // 1000} s from now", where="presence",
                fix="set the clocks of both machines",
            )  # fmt: skip
        if known is not None:
            if said.time_ms <= known.said.time_ms:
                raise GossipRefused("GO-31", "older than what it said last", where="presence")
            if now - known.looked_at < SOONEST_MS and (said.here or not self._strangers.take(now)):
                raise GossipRefused("GO-35", "too many of this node", where="presence")
            known.looked_at = now
        elif len(self._known) >= MOST_KNOWN or not self._strangers.take(now):
            raise GossipRefused("GO-35", "too many new nodes", where="presence")
        said.verify(self._chain_id)
        if said.here:
            self._known[said.node] = _Known(said, now, now)
        else:
            self._known.pop(said.node, None)

    def alive(self, node: bytes, now: int) -> None:
        """It proved that it is there by other means."""
        known = self._known.get(node)
        if known is not None:
            known.alive_at = now

    def silent(self, now: int) -> list[bytes]:
        """GO-38: forget those that said nothing for long; who they were."""
        gone = [name for name, item in self._known.items() if now - item.alive_at > SILENT_MS]
        for name in gone:
            del self._known[name]
        return gone

    def wanted(self) -> set[bytes]:
        """GO-38: whom this node wants as peers."""
        return neighbours(self._own, self._known)


def neighbours(own: bytes, others: Iterable[bytes]) -> set[bytes]:
    """Those 1, 2, 4, 8 … places away in the circle of all keys, on both sides.

    Mutual where both know the same nodes; any two are log₂ n links apart at most.
    """
    circle = sorted({own, *others})
    place, count = circle.index(own), len(circle)
    found = set()
    step = 1
    while step < count:
        found |= {circle[(place + step) % count], circle[place - step]}
        step *= 2
    return found - {own}
