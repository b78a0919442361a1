"""Frames between two nodes over carriage that anybody writes to. Rules GO-32, GO-33.

    datagram  version 1 ‖ counter 8 ‖ mark 16 ‖ frame
    key       H("gossip/link", chain id, sender, recipient, their sessions, X25519 of the sessions)
    mark      BLAKE2b-128 under the key, over counter and frame

One key for each direction and pair of sessions, so nothing of another run, pair or direction fits.
The mark costs microseconds, so a flood of what is not a peer's costs little.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from node.core.codec import Reader, Writer
from node.core.ids import ChainId, tagged_hash
from node.gossip.errors import GossipRefused, InvalidMessage, decoding
from node.gossip.frames import MAX_FRAME

MARK_BYTES: Final = 16
HEAD_BYTES: Final = 1 + 8 + MARK_BYTES
MAX_DATAGRAM: Final = HEAD_BYTES + MAX_FRAME
_VERSION: Final = 1
WINDOW: Final = 1024
"""How far behind the newest a frame may come."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """A frame on its way, believed by nobody yet."""

    counter: int
    mark: bytes
    frame: bytes

    def to_bytes(self) -> bytes:
        head = Writer().u8(_VERSION).u64(self.counter).raw(self.mark, MARK_BYTES)
        return head.done() + self.frame

    @staticmethod
    def from_bytes(data: bytes) -> Datagram:
        """GO-32, GO-33. Raises InvalidMessage."""
        check_size(data)
        with decoding("GO-32", "datagram"):
            reader = Reader(data[:HEAD_BYTES], "datagram")
            version, counter, mark = reader.u8(), reader.u64(), reader.take(MARK_BYTES)
            reader.done()
        if version != _VERSION:
            raise InvalidMessage("GO-32", f"version {version} of a datagram", where="datagram")
        return Datagram(counter, mark, data[HEAD_BYTES:])


def check_size(data: bytes) -> None:
    """GO-33: before a byte is read. Raises InvalidMessage."""
    if len(data) > MAX_DATAGRAM:
        raise InvalidMessage("GO-33", f"{len(data)} bytes, at most {MAX_DATAGRAM}", where="bus")


class Session:
    """This node's side of all links of one run. Its repr shows the public half.

    Args:
        own: its node key.
        chain_id: of the overlay.
    """

    def __init__(self, own: bytes, chain_id: ChainId) -> None:
        self._secret = X25519PrivateKey.generate()
        self._own = own
        self._chain_id = chain_id
        self.public: Final = self._secret.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"<Session: {self.public.hex()[:16]}…>"

    def link(self, peer: bytes, session: bytes) -> Link:
        """To a node that signed this session.

        Raises:
            InvalidMessage: GO-31, the session is no proper key.
        """
        try:
            shared = self._secret.exchange(X25519PublicKey.from_public_bytes(session))
        except ValueError:
            raise InvalidMessage("GO-31", "no proper session key", where="presence") from None
        here, there = (self._own, peer), (peer, self._own)
        mine, theirs = (self.public, session), (session, self.public)
        return Link(
            tagged_hash("gossip/link", self._chain_id, *here, *mine, shared),
            tagged_hash("gossip/link", self._chain_id, *there, *theirs, shared),
        )


class Link:
    """One peer's keys and counters.

    Args:
        outward, inward: keys of the two directions.
    """

    __slots__ = ("_inward", "_newest", "_outward", "_seen", "_sent")

    def __init__(self, outward: bytes, inward: bytes) -> None:
        self._outward = outward
        self._inward = inward
        self._sent = 0
        self._seen = 0
        self._newest = 0

    def __repr__(self) -> str:
        return f"<Link: {self._sent} sent, {self._newest} seen>"

    def pack(self, frame: bytes) -> bytes:
        """A frame for the peer."""
        self._sent += 1
        mark = _mark(self._outward, self._sent, frame)
        return Datagram(self._sent, mark, frame).to_bytes()

    def open(self, datagram: Datagram) -> bytes:
        """The frame, if the peer sent it and it did not come before.

        Raises:
            InvalidMessage: GO-32, somebody else wrote it, or for another session.
            GossipRefused: GO-32, it was here, or is too old to tell.
        """
        wanted = _mark(self._inward, datagram.counter, datagram.frame)
        if not hmac.compare_digest(wanted, datagram.mark):
            raise InvalidMessage("GO-32", "not marked by that peer", where="datagram")
        ahead = datagram.counter - self._newest
        if ahead > 0:
            self._seen = (self._seen << min(ahead, WINDOW) | 1) & ((1 << WINDOW) - 1)
            self._newest = datagram.counter
            return datagram.frame
        bit = 1 << -ahead if -ahead < WINDOW else 0
        if not bit or self._seen & bit:
            raise GossipRefused("GO-32", "a frame that was here before", where="datagram")
        self._seen |= bit
        return datagram.frame


def _mark(key: bytes, counter: int, frame: bytes) -> bytes:
    hasher = hashlib.blake2b(counter.to_bytes(8, "little"), digest_size=MARK_BYTES, key=key)
    hasher.update(frame)
    return hasher.digest()
