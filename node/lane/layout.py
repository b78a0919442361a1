"""Where the state keeps sealed intents, and how.

    i/live                          batches that are not over, and when something is due
    i/next/ domain                  number of the domain's next batch
    i/batch/ ref                    the batch as `node.da.batch_codec` encodes it
    i/seal/ ref index               sealed intents, in order; until the batch ends
    i/open/ ref index               their plaintexts, where they have one; until the batch ends
    i/fate/ ref                     what became of each: a rule's id, or `ok`
    i/best/ ref                     best settlement so far and its solver; until the batch ends
    i/tree/ ref                     root of the namespaced tree over the opened intents
    i/r/ nullifier key              batch to which an opened intent's resource is reserved
    i/cover/ ref                    what accounts owe to the batch's intents; until the batch ends
    i/held/ account kind            sum of that over all batches (`node.lane.covers`)
    i/key/ domain epoch             the epoch's key
    i/made/ domain epoch            attempts at the key: number, opened at, how many messages
    i/word/ domain epoch attempt n  messages of key generation in order, each with its height;
                                    until shares of the epoch are needed no more
    i/fault/ domain epoch attempt   how an attempt ended, and who was at fault
    i/blob/ root                    a blob that was ordered (`node.lane.blobs.dispersal`)

Domain u32 and the other numbers u64 (index u16, attempt u32, n u32), big-endian in keys so that
they sort; `ref` is domain and number. Values are little-endian as everywhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import BatchScope
from node.core.ids import ID_BYTES, AccountId
from node.core.interfaces import StateReader
from node.da import batch_codec
from node.da.batch import Batch
from private_exec.keys import EpochKey
from zk.errors import DecodeError, NonCanonical

LIVE: Final = b"i/live"
MAX_LIVE: Final = 4096
_MAX_SETTLEMENT: Final = 1 << 20
OK: Final = "ok"


class Stage(IntEnum):
    """Where a live batch stands; what its `height` in `Live` means."""

    OPEN = 1
    """Closes in the block of `height`."""
    CLOSED = 2
    """Opened up to `height`, or expired in the block behind it."""
    SOLVING = 3
    """Opened; settles, or expires, in the block of `height`."""


@dataclass(frozen=True, slots=True, order=True)
class Live:
    """A batch that is not over. Sorted by domain and number."""

    domain: int
    number: int
    stage: Stage
    height: int
    epoch: int
    closed: int = 0
    """Height of the block that closed it; 0 while it is open."""

    @property
    def scope(self) -> BatchScope:
        return BatchScope(self.domain, self.epoch, self.number)

    @property
    def ref(self) -> bytes:
        return self.scope.ref


def live(state: StateReader) -> tuple[Live, ...]:
    """All that are not over."""
    data = state.get(LIVE)
    return () if data is None else _live(data)


@lru_cache(maxsize=256)
def _live(data: bytes) -> tuple[Live, ...]:
    reader = Reader(data, "live batches")
    found = tuple(
        Live(
            reader.u32(),
            reader.u64(),
            _stage(reader.u8()),
            reader.u64(),
            reader.u64(),
            reader.u64(),
        )
        for _ in range(reader.count(2, MAX_LIVE, "batches"))
    )
    reader.done()
    if not found or any(not a.ref < b.ref for a, b in itertools.pairwise(found)):
        raise NonCanonical("none, not sorted, or a batch twice", where="live batches")
    return found


def _stage(value: int) -> Stage:
    try:
        return Stage(value)
    except ValueError:
        raise DecodeError(f"no stage {value} of a batch", where="live batches") from None


def live_write(batches: Iterable[Live]) -> tuple[bytes, bytes | None]:
    """The write that makes exactly these the live ones."""
    items = sorted(batches)
    if any(a.ref == b.ref for a, b in itertools.pairwise(items)):
        raise ValueError("a batch is live twice")
    if not items:
        return LIVE, None
    writer = Writer().u16(len(items))
    for item in items:
        writer.u32(item.domain).u64(item.number).u8(item.stage).u64(item.height)
        writer.u64(item.epoch).u64(item.closed)
    return LIVE, writer.done()


def live_batch(state: StateReader, domain: int, number: int) -> Live | None:
    """One of them."""
    return next((b for b in live(state) if (b.domain, b.number) == (domain, number)), None)


def replaced(batches: Iterable[Live], item: Live, **changes: object) -> tuple[Live, ...]:
    """The same batches, one of them changed; no changes: without it."""
    others = tuple(other for other in batches if other.ref != item.ref)
    return (*others, replace(item, **changes)) if changes else others  # type: ignore[arg-type]


# KEYS


def next_key(domain: int) -> bytes:
    """Of the number that the domain's next batch gets."""
    return b"i/next/" + domain.to_bytes(4, "big")


def batch_key(ref: bytes) -> bytes:
    """Of a batch."""
    return b"i/batch/" + ref


def seal_key(ref: bytes, index: int) -> bytes:
    """Of a sealed intent."""
    return seal_prefix(ref) + index.to_bytes(2, "big")


def seal_prefix(ref: bytes) -> bytes:
    """Of all sealed intents of a batch."""
    return b"i/seal/" + ref


def open_key(ref: bytes, index: int) -> bytes:
    """Of an opened intent."""
    return open_prefix(ref) + index.to_bytes(2, "big")


def open_prefix(ref: bytes) -> bytes:
    """Of all opened intents of a batch."""
    return b"i/open/" + ref


def fate_key(ref: bytes) -> bytes:
    """Of what became of the intents."""
    return b"i/fate/" + ref


def best_key(ref: bytes) -> bytes:
    """Of the best settlement."""
    return b"i/best/" + ref


def cover_key(ref: bytes) -> bytes:
    """Of what accounts owe to the intents."""
    return b"i/cover/" + ref


def tree_key(ref: bytes) -> bytes:
    """Of the root over the opened intents."""
    return b"i/tree/" + ref


def epoch_key(domain: int, epoch: int) -> bytes:
    """Of an epoch's key."""
    return b"i/key/" + _epoch(domain, epoch)


def attempt_key(domain: int, epoch: int) -> bytes:
    """Of the latest attempt at it."""
    return b"i/made/" + _epoch(domain, epoch)


def word_key(domain: int, epoch: int, attempt: int, number: int) -> bytes:
    """Of a message of an attempt."""
    return word_prefix(domain, epoch, attempt) + number.to_bytes(4, "big")


def word_prefix(domain: int, epoch: int, attempt: int) -> bytes:
    """Of all messages of an attempt."""
    return b"i/word/" + _epoch(domain, epoch) + attempt.to_bytes(4, "big")


def fault_key(domain: int, epoch: int, attempt: int) -> bytes:
    """Of who was at fault in an attempt."""
    return b"i/fault/" + _epoch(domain, epoch) + attempt.to_bytes(4, "big")


def _epoch(domain: int, epoch: int) -> bytes:
    return domain.to_bytes(4, "big") + epoch.to_bytes(8, "big")


# VALUES


def batch(state: StateReader, ref: bytes) -> Batch | None:
    """A batch of any state."""
    data = state.get(batch_key(ref))
    return None if data is None else batch_codec.decode_batch(data)


def batch_write(ref: bytes, item: Batch) -> tuple[bytes, bytes]:
    """The write that stores it."""
    return batch_key(ref), batch_codec.encode_batch(item)


def seals(state: StateReader, ref: bytes) -> Iterator[bytes]:
    """The sealed intents of a batch, in order, encoded."""
    return (value for _, value in state.iterate(seal_prefix(ref)))


def plaintexts(state: StateReader, ref: bytes) -> dict[int, bytes]:
    """By index; those that have one."""
    prefix = open_prefix(ref)
    return {
        int.from_bytes(key[len(prefix) :], "big"): value for key, value in state.iterate(prefix)
    }


def key_of(state: StateReader, domain: int, epoch: int) -> EpochKey | None:
    """The key of an epoch, if it was made."""
    data = state.get(epoch_key(domain, epoch))
    return None if data is None else _key(data)


@lru_cache(maxsize=64)
def _key(data: bytes) -> EpochKey:
    return EpochKey.from_bytes(data)


@dataclass(frozen=True, slots=True)
class Best:
    """The best settlement so far."""

    solver: AccountId
    settlement: bytes

    def to_bytes(self) -> bytes:
        return Writer().raw(self.solver, ID_BYTES).blob(self.settlement).done()


def best(state: StateReader, ref: bytes) -> Best | None:
    """The best settlement of a batch that is being solved."""
    data = state.get(best_key(ref))
    if data is None:
        return None
    reader = Reader(data, "best settlement")
    found = Best(AccountId(reader.take(ID_BYTES)), reader.blob(_MAX_SETTLEMENT, "settlement"))
    reader.done()
    return found


def fates(state: StateReader, ref: bytes) -> tuple[str, ...]:
    """Per sealed intent, `ok` or the id of the rule that refused it; empty before the opening."""
    data = state.get(fate_key(ref))
    return () if data is None else tuple(data.decode().split("\n"))


def fates_write(ref: bytes, codes: Iterable[str]) -> tuple[bytes, bytes]:
    """The write that stores them."""
    return fate_key(ref), "\n".join(codes).encode()


@dataclass(frozen=True, slots=True)
class Attempt:
    """The latest attempt at a key.

    Attributes:
        number: 0, 1, …
        opened: height of the block with its first notice; its rounds count from there.
        words: how many messages it has.
        over: whether it has ended, with a key or without.
    """

    number: int
    opened: int
    words: int
    over: bool = False

    def to_bytes(self) -> bytes:
        writer = Writer().u32(self.number).u64(self.opened).u32(self.words)
        return writer.u8(self.over).done()


def attempt(state: StateReader, domain: int, epoch: int) -> Attempt | None:
    """The latest attempt at the key of an epoch."""
    data = state.get(attempt_key(domain, epoch))
    if data is None:
        return None
    reader = Reader(data, "attempt")
    found = Attempt(reader.u32(), reader.u64(), reader.u32(), bool(reader.count(1, 1, "over")))
    reader.done()
    return found
