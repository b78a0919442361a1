"""Covers: what accounts owe to opened intents, held until the batch ends.  Rule TR-11.

A limit order is paid from a balance, which no nullifier stands for. Held is what valid orders may
take, and no more than the account has; holds of several batches add up. They go before the parts of
a settlement run, so that its fills find everything.

    i/cover/ ref            what the batch holds: count 2; account 32, kind 64, amount 8, sorted
    i/held/ account kind    sum over the batches that are not over, u64; absent when zero
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import held_key
from node.core.ids import ID_BYTES, AccountId, Kind
from node.core.interfaces import StateReader
from node.lane.layout import cover_key
from transparent.accounts import Ledger, held

_MAX_COVERS: Final = 8192

Write = tuple[bytes, bytes | None]
Covers = Mapping[tuple[AccountId, Kind], int]


def within(owed: Covers, state: StateReader) -> Covers:
    """What intents may take, as far as accounts have it."""
    ledger = Ledger(state)
    found = {entry: min(amount, ledger.free(*entry)) for entry, amount in sorted(owed.items())}
    return {entry: amount for entry, amount in found.items() if amount}


def hold(state: StateReader, ref: bytes, covers: Covers) -> Iterator[Write]:
    """TR-11: the writes that hold these for a batch."""
    if not covers:
        return
    writer = Writer().u16(len(covers))
    for (account, kind), amount in sorted(covers.items()):
        writer.raw(account, ID_BYTES).raw(kind.to_bytes(), 64).u64(amount)
        yield held_key(account, kind), _encode(held(state, account, kind) + amount)
    yield cover_key(ref), writer.done()


def release(state: StateReader, ref: bytes) -> Iterator[Write]:
    """The writes that let go what a batch holds."""
    data = state.get(cover_key(ref))
    if data is None:
        return
    reader = Reader(data, "covers")
    for _ in range(reader.count(2, _MAX_COVERS, "covers")):
        account, kind = AccountId(reader.take(ID_BYTES)), Kind.read(reader)
        yield held_key(account, kind), _encode(held(state, account, kind) - reader.u64())
    reader.done()
    yield cover_key(ref), None


def _encode(amount: int) -> bytes | None:
    return amount.to_bytes(8, "little") if amount else None
