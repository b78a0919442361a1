"""Messages that a node keeps and passes on: bounded in bytes, best fee per byte stays. Rule GO-20.

A fee is a promise until it is paid, and promising costs nothing. So fees only decide *which*
promises are kept; the bound on memory holds whatever is promised, and no peer fills more than its
share: beyond it, what a peer brings competes with what it brought.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from node.core.ids import Height
from node.gossip.errors import GossipRefused
from node.gossip.message import Message

Key = TypeVar("Key")

_RATE_UNIT: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of a pool.

    Attributes:
        most_bytes: encoded messages in sum; 64 MiB.
        share: the part of it that one peer may fill: one in `share`.
        most_ahead: blocks between now and an expiry, at most (GO-19).
    """

    most_bytes: int = 64 * 1024 * 1024
    share: int = 4
    most_ahead: int = 64


@dataclass(slots=True)
class Entry:
    """A message that is kept.

    Attributes:
        id: its id.
        message: as it was received.
        size: of its encoding.
        rate: what is offered and not yet taken, per byte.
        peer: who brought it; None: this node is its origin.
        order: place in the order of arrival.
        onward: with this node's hop, once it was passed on.
    """

    id: bytes
    message: Message
    size: int
    rate: int
    peer: bytes | None
    order: int
    onward: Message | None = None


@dataclass(slots=True)
class _Heap:
    """Entries by (rate, youngest first); those that left are skipped when they come up."""

    items: list[tuple[int, int, bytes]] = field(default_factory=list)
    size: int = 0
    count: int = 0


class Pool:
    """Entries by id, by fee per byte, by expiry, by origin and by peer."""

    def __init__(self, limits: PoolLimits) -> None:
        self.limits: Final = limits
        self._entries: dict[bytes, Entry] = {}
        self._sorted: list[bytes] = []
        self._expiring: dict[int, set[bytes]] = {}
        self._origins: dict[bytes, set[bytes]] = {}
        self._all = _Heap()
        self._peers: dict[bytes | None, _Heap] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: bytes) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    @property
    def size(self) -> int:
        return self._all.size

    def get(self, name: bytes) -> Entry | None:
        return self._entries.get(name)

    def check_time(self, message: Message, height: Height) -> None:
        """GO-19: not expired, and not further ahead than is kept.

        Raises:
            GossipRefused
        """
        expiry = message.envelope.expiry
        if expiry < height:
            raise GossipRefused("GO-19", f"expired at {expiry}, this is {height}")
        if expiry > height + self.limits.most_ahead:
            raise GossipRefused(
                "GO-19", f"expires at {expiry}, more than {self.limits.most_ahead} after {height}",
                fix="send it with an earlier expiry",
            )  # fmt: skip

    def check_room(self, message: Message, size: int, peer: bytes | None) -> None:
        """GO-20: whether `add` would take it; changes nothing."""
        self._put_back(self._victims(_rate(message, size), size, peer))

    def add(self, message: Message, size: int, peer: bytes | None) -> tuple[Entry, list[Entry]]:
        """Keep a message; also returns those that had to go for it.

        Args:
            message: one that is not in the pool.
            size: of its encoding.
            peer: who brought it.

        Raises:
            GossipRefused: GO-20: all that is there offers as much per byte.
        """
        rate = _rate(message, size)
        victims = self._victims(rate, size, peer)
        for gone in victims:
            self._unlink(gone)
        self._arrivals += 1
        entry = Entry(message.id, message, size, rate, peer, self._arrivals)
        self._entries[entry.id] = entry
        insort(self._sorted, entry.id)
        self._expiring.setdefault(message.envelope.expiry, set()).add(entry.id)
        self._origins.setdefault(message.origin, set()).add(entry.id)
        for heap in (self._all, self._peers.setdefault(peer, _Heap())):
            heapq.heappush(heap.items, _rank(entry))
            heap.size += size
            heap.count += 1
        return entry, victims

    def drop(self, origin: bytes) -> list[Entry]:
        """Let go of all that a node is the origin of (GO-14)."""
        gone = [self._entries[name] for name in self._origins.get(origin, ())]
        for entry in gone:
            self._unlink(entry)
        return gone

    def advance(self, height: Height) -> list[Entry]:
        """GO-19: let go of what expired before this height."""
        names = [name for expiry, ids in self._expiring.items() if expiry < height for name in ids]
        gone = [self._entries[name] for name in names]
        for entry in gone:
            self._unlink(entry)
        return gone

    def ids_from(self, cursor: bytes, most: int) -> list[bytes]:
        """Up to `most` ids, in order, from `cursor` on."""
        start = bisect_left(self._sorted, cursor)
        return self._sorted[start : start + most]

    def _victims(self, rate: int, size: int, peer: bytes | None) -> list[Entry]:
        """Who must go, popped off the heap that chose them; nobody if it raises."""
        limits = self.limits
        share = limits.most_bytes // limits.share if peer is not None else limits.most_bytes
        own = self._peers.get(peer)
        victims: list[Entry] = []
        if own is not None and own.size + size > share:
            victims = self._pop(own, own.size + size - share, rate)
            if own.size + size - sum(entry.size for entry in victims) > share:
                self._put_back(victims)
                raise GossipRefused("GO-20", "this peer's share of the pool is full")
        elif size > share:
            raise GossipRefused("GO-20", "larger than this peer's share of the pool")
        freed = sum(entry.size for entry in victims)
        excess = self._all.size + size - freed - limits.most_bytes
        if excess > 0:
            chosen = frozenset(entry.id for entry in victims)
            more = self._pop(self._all, excess, rate, chosen)
            victims += more
            if sum(entry.size for entry in more) < excess:
                self._put_back(victims)
                raise GossipRefused("GO-20", "the pool is full of messages that offer as much")
        return victims

    def _pop(
        self, heap: _Heap, excess: int, rate: int, taken: frozenset[bytes] = frozenset()
    ) -> list[Entry]:
        """Take the cheapest entries off a heap, each below `rate`, until there is room."""
        found: list[Entry] = []
        skip = set(taken)
        while heap.items and excess > 0:
            lowest, order, name = heap.items[0]
            entry = self._entries.get(name)
            if entry is None or entry.order != -order or name in skip:
                heapq.heappop(heap.items)
                continue
            if lowest >= rate:
                break
            heapq.heappop(heap.items)
            found.append(entry)
            skip.add(name)
            excess -= entry.size
        return found

    def _put_back(self, entries: list[Entry]) -> None:
        """Undo `_pop`; an entry that stands on a heap twice is harmless."""
        for entry in entries:
            for heap in (self._all, self._peers[entry.peer]):
                heapq.heappush(heap.items, _rank(entry))
                self._tidy(heap)

    def _unlink(self, entry: Entry) -> None:
        del self._entries[entry.id]
        del self._sorted[bisect_left(self._sorted, entry.id)]
        _remove(self._expiring, entry.message.envelope.expiry, entry.id)
        _remove(self._origins, entry.message.origin, entry.id)
        own = self._peers[entry.peer]
        for heap in (self._all, own):
            heap.size -= entry.size
            heap.count -= 1
            self._tidy(heap)
        if not own.count:
            del self._peers[entry.peer]

    def _tidy(self, heap: _Heap) -> None:
        """Forget what left or stands there twice, once that is more than half of a heap."""
        if len(heap.items) <= 2 * heap.count + 64:
            return
        live = {
            item for item in heap.items
            if (entry := self._entries.get(item[2])) is not None and entry.order == -item[1]
        }  # fmt: skip
        heap.items = list(live)
        heapq.heapify(heap.items)


def _remove(index: dict[Key, set[bytes]], key: Key, name: bytes) -> None:
    index[key].discard(name)
    if not index[key]:
        del index[key]


def _rank(entry: Entry) -> tuple[int, int, bytes]:
    return entry.rate, -entry.order, entry.id


def _rate(message: Message, size: int) -> int:
    """What is offered and not yet taken, per byte."""
    return (message.envelope.fee.worth - sum(message.cuts)) * _RATE_UNIT // size
