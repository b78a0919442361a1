"""How much a peer may send, and how long it may err. Rules GO-18, GO-21, GO-22.

Times are integers of milliseconds, given by the caller; a clock that goes back grants nothing.
Peers are named by their node keys, which the transport has authenticated.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from node.gossip.errors import GossipRefused

INVALID: Final = -100
"""What one invalid message costs."""
DISCONNECT: Final = -200
BAN_MS: Final = 10 * 60 * 1000
"""How long a disconnected peer is refused, and in what time 100 points are forgiven."""
_UNIT: Final = 1000


@dataclass(slots=True)
class TokenBucket:
    """`rate` tokens a second, up to `burst` at once; full at first. Exact integers.

    Attributes:
        rate: tokens per second.
        burst: most tokens held.
        at: when it was looked at last.
    """

    rate: int
    burst: int
    at: int
    _thousandths: int = field(init=False)

    def __post_init__(self) -> None:
        self._thousandths = self.burst * _UNIT

    def take(self, now: int) -> bool:
        """One token, if there is one."""
        passed = max(0, now - self.at)
        self.at = max(self.at, now)
        self._thousandths = min(self.burst * _UNIT, self._thousandths + passed * self.rate)
        if self._thousandths < _UNIT:
            return False
        self._thousandths -= _UNIT
        return True


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """Bounds of what peers may do.

    Attributes:
        rate, burst: messages per second, and at once (GO-18).
        control_rate, control_burst: the same for digests, requests and evidence.
        most_connected: peers at one time.
        most_remembered: peers, connected or not, whose score and allowance are kept.
    """

    rate: int = 50
    burst: int = 200
    control_rate: int = 10
    control_burst: int = 20
    most_connected: int = 64
    most_remembered: int = 4096


@dataclass(slots=True)
class _Peer:
    received: TokenBucket
    control: TokenBucket
    sent: TokenBucket
    connected: bool = False
    score: int = 0
    forgiven_at: int = 0
    banned_until: int = 0


class PeerTable:
    """Allowances, scores and bans. A peer that comes back finds them as it left them."""

    def __init__(self, limits: PeerLimits) -> None:
        self.limits: Final = limits
        self._peers: OrderedDict[bytes, _Peer] = OrderedDict()
        self._connected: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self._peers)

    @property
    def connected(self) -> tuple[bytes, ...]:
        """In the order in which they came."""
        return tuple(self._connected)

    def connect(self, peer: bytes, now: int) -> None:
        """Let a peer in.

        Raises:
            GossipRefused: GO-21 it is banned; GO-22 there are as many as there may be.
        """
        known = self._peers.get(peer)
        if known is not None and now < known.banned_until:
            left = -(-(known.banned_until - now) // 1000)
            raise GossipRefused(
                "GO-21", f"this peer is banned for another {left} s", fix="wait, and repair it"
            )
        if peer in self._connected:
            return
        if len(self._connected) >= self.limits.most_connected:
            raise GossipRefused("GO-22", f"{len(self._connected)} peers are connected already")
        if known is None:
            bounds = self.limits
            known = _Peer(
                TokenBucket(bounds.rate, bounds.burst, now),
                TokenBucket(bounds.control_rate, bounds.control_burst, now),
                TokenBucket(bounds.rate, bounds.burst, now),
            )
            self._peers[peer] = known
        self._peers.move_to_end(peer)
        self._connected[peer] = None
        self._forget()

    def disconnect(self, peer: bytes) -> None:
        """The connection ended, on whichever side."""
        self._connected.pop(peer, None)

    def require(self, peer: bytes) -> None:
        """GO-22: nothing is read from whom was not let in."""
        if peer not in self._connected:
            raise GossipRefused("GO-22", "not a connected peer", fix="connect first")

    def spend(self, peer: bytes, now: int, *, control: bool = False) -> None:
        """GO-18: one token for a message, or for another frame.

        Raises:
            GossipRefused: none is left.
        """
        known = self._peers[peer]
        if not (known.control if control else known.received).take(now):
            what = "requests" if control else "messages"
            raise GossipRefused("GO-18", f"too many {what} from this peer", fix="send more slowly")

    def may_send(self, peer: bytes, now: int) -> bool:
        """Whether the peer would take another message: it keeps the same account of us."""
        return self._peers[peer].sent.take(now)

    def score(self, peer: bytes, now: int) -> int:
        """0 or less; 100 points are forgiven in ten minutes."""
        known = self._peers.get(peer)
        if known is None:
            return 0
        points = max(0, now - known.forgiven_at) * -INVALID // BAN_MS
        if points:
            known.score = min(0, known.score + points)
            known.forgiven_at += points * BAN_MS // -INVALID
        return known.score

    def penalise(self, peer: bytes, now: int) -> bool:
        """GO-21: one invalid message; True where the peer must go."""
        known = self._peers[peer]
        if self.score(peer, now) == 0:
            known.forgiven_at = now
        known.score += INVALID
        if known.score > DISCONNECT:
            return False
        known.banned_until, known.score = now + BAN_MS, 0
        self.disconnect(peer)
        return True

    def _forget(self) -> None:
        """Those that are not connected, longest unseen first; at worst a ban ends early."""
        for peer in list(self._peers):
            if len(self._peers) <= self.limits.most_remembered:
                return
            if peer not in self._connected:
                del self._peers[peer]
