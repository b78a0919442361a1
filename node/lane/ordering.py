"""Sealed intents get their place in a batch, and batches close.

A batch is opened by its first sealed intent and closes in the block whose height is the next
multiple of its domain's period. Everything about an envelope is checked for the closing height, so
that the whole batch can be decrypted once it has closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from node.core.codec import Writer
from node.core.effects import Effects, Event
from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.ids import Height, tagged_hash
from node.core.interfaces import StateReader
from node.da import batch as batches
from node.da.batch import Add, Close, Open, Sealed
from node.execution.bounded import BoundedCache
from node.lane import domains, holders, layout, sealed
from node.lane.errors import LaneOutdated, LaneRefused
from node.lane.layout import Live, Stage
from node.lane.payload import RevealTx, SealTx, wire
from private_exec import cipher, envelope
from private_exec.batch import duplicate_key
from private_exec.envelope import Envelope
from private_exec.errors import BadSeals, SealRefused
from private_exec.keys import EpochKey
from private_exec.reveal import Reveal
from zk.curve.encoding import G1_BYTES

_REVEAL_BYTES: Final = len(wire(RevealTx(0, 0, Reveal(0, 0, bytes(32), ()))))
"""Of a reveal without points, as a whole transaction."""
_CHECKED: Final[BoundedCache[bytes, bool]] = BoundedCache(8192)

Write = tuple[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a sealed intent of this block would go.

    Attributes:
        key: under which it is sealed.
        epoch: of the key.
        closes: height of the block that closes the batch.
    """

    key: EpochKey
    epoch: int
    closes: int


def most(genesis: Genesis, key: EpochKey) -> int:
    """LN-5: most sealed intents of a batch under a key: its reveal fits a transaction, too.

    Else every honest proposal would have a reveal that is too long for a block (CH-7), and the
    chain would stand still.
    """
    limits = genesis.parameters
    room = min(limits.max_tx_bytes, limits.max_block_bytes) - _REVEAL_BYTES
    return min(holders.capacity(key.roster, key.parameters), max(0, room // G1_BYTES))


def slot(genesis: Genesis, number: int, state: StateReader, height: int) -> Slot:
    """The batch that a block of `height` adds to.

    Raises:
        LaneRefused: LN-2, no such domain.
        LaneOutdated: LN-3, its epoch has no key yet.
    """
    closes = domains.closing(domains.entry(genesis, number), height)
    epoch = sealed.parameters_of(genesis).epoch_of(closes)
    key = layout.key_of(state, number, epoch)
    if key is None:
        raise LaneOutdated("LN-3", f"domain {number} has no key for epoch {epoch}", where="epoch")
    return Slot(key, epoch, closes)


def check_form(number: int, item: Envelope, genesis: Genesis) -> None:
    """What needs neither state nor height.

    Raises:
        LaneRefused: LN-2; LN-4, too small a fee.
    """
    least = domains.least_fee(genesis, number, len(item.to_bytes()), item.terms.gas_cap)
    if item.terms.fee < least:
        raise LaneRefused("LN-4", f"a fee of {item.terms.fee}, not {least}", where="fee")


def check(number: int, item: Envelope, state: StateReader, height: int, genesis: Genesis) -> None:
    """That the envelope can be decrypted in the batch of this height: times, consent, proof.

    Raises:
        LaneRefused: LN-2, LN-4; LaneOutdated: LN-3.
        SealRefused: PX-4, PX-7; BadSeals: PX-14.
    """
    check_form(number, item, genesis)
    place = slot(genesis, number, state, height)
    window = sealed.window(genesis, place.epoch)
    envelope.check_times(item, place.key, window, place.closes)
    name = _name(item, place)
    if _CHECKED.get(name) is None:
        envelope.check(item, place.key, window, place.closes)
        cipher.verify_batch(place.key, [(item.label(place.key), item.seal)])
        _CHECKED.put(name, True)


def _name(item: Envelope, place: Slot) -> bytes:
    """What a verdict on consent and proof is remembered by: all bytes and the key."""
    return tagged_hash("lane/checked", item.to_bytes(), place.key.digest)


def foresee(
    items: Iterable[tuple[int, Envelope]], state: StateReader, height: int, genesis: Genesis
) -> None:
    """Check many at once, which takes a tenth of the time; `check` remembers those that passed.

    Changes no answer: what does not pass here is checked again by itself, and refused there.

    Args:
        items: domain and envelope of each.
        state: before the block.
        height: of the block.
        genesis: of the chain.
    """
    by_domain: dict[int, dict[bytes, Envelope]] = {}
    places: dict[int, Slot] = {}
    for number, item in items:
        try:
            check_form(number, item, genesis)
            place = places.get(number) or slot(genesis, number, state, height)
            places[number] = place
            name = _name(item, place)
            if _CHECKED.get(name) is None:
                envelope.check(item, place.key, sealed.window(genesis, place.epoch), place.closes)
                by_domain.setdefault(number, {})[name] = item
        except (LaneRefused, SealRefused):
            continue
    for number, found in by_domain.items():
        key, bad = places[number].key, frozenset[int]()
        try:
            cipher.verify_batch(key, [(item.label(key), item.seal) for item in found.values()])
        except BadSeals as error:
            bad = frozenset(error.culprits)
        for index, name in enumerate(found):
            if index not in bad:
                _CHECKED.put(name, True)


def order(
    number: int, item: Envelope, state: StateReader, height: Height, genesis: Genesis
) -> Effects:
    """Add a sealed intent to the batch of its domain; the first one opens it.

    Its U is spent (PX-12) and its payer pays.

    Raises:
        LaneRefused: LN-2, LN-4; LaneOutdated: LN-3, LN-5.
        SealRefused: PX-4, PX-7; BadSeals: PX-14; DataRefused: DA-24.
    """
    check(number, item, state, height, genesis)
    place = slot(genesis, number, state, height)
    domain = domains.domain_of(genesis, number)
    live, batch, writes = _open(number, place, state, height, genesis)
    index = len(batch.entries)
    if index >= (limit := most(genesis, place.key)):
        raise LaneOutdated("LN-5", f"a batch has at most {limit} intents", where="batch")
    data, tag = item.to_bytes(), duplicate_key(item.seal.u)
    terms, name = item.terms, item.id(place.key)
    entry = Sealed(name, tag, terms.payer, terms.fee, len(data), Height(terms.expiry))
    after = batches.step(batch, Add(entry), domain, height)
    writes += (layout.batch_write(live.ref, after), (layout.seal_key(live.ref, index), data))
    event = Event(
        "sealed",
        (
            ("domain", str(number)),
            ("batch", str(live.number)),
            ("index", str(index)),
            ("id", name.hex()),
            ("closes", str(place.closes)),
        ),
    )
    return Effects(
        writes=writes, nullifiers=(tag,), fee=terms.fee, events=(event,), payer=terms.payer
    )


def seal(tx: SealTx, state: StateReader, height: Height, genesis: Genesis) -> Effects:
    """A transaction that orders one sealed intent. Raises as `order`."""
    return order(tx.domain, tx.envelope, state, height, genesis)


def _open(
    number: int, place: Slot, state: StateReader, height: Height, genesis: Genesis
) -> tuple[Live, Open, tuple[Write, ...]]:
    """The domain's open batch, or a new one and what makes it live."""
    alive = layout.live(state)
    for item in alive:
        if item.domain == number and item.stage is Stage.OPEN:
            found = layout.batch(state, item.ref)
            if not isinstance(found, Open):
                raise ConsensusFault(f"live batch {item.ref.hex()} is not open")
            return item, found, ()
    if len(alive) >= layout.MAX_LIVE:
        raise LaneOutdated("LN-5", f"{len(alive)} batches are not over", where="batch")
    data = state.get(layout.next_key(number))
    count = 0 if data is None else int.from_bytes(data, "little")
    batch = batches.open_batch(domains.domain_of(genesis, number), count, height)
    live = Live(number, count, Stage.OPEN, place.closes, place.epoch)
    writes: tuple[Write, ...] = (
        (layout.next_key(number), Writer().u64(count + 1).done()),
        layout.live_write((*alive, live)),
    )
    return live, batch, writes


def close(state: StateReader, height: Height, genesis: Genesis) -> tuple[Write, ...]:
    """At the end of a block: batches whose height it is close, for good (DA-25)."""
    found = layout.live(state)
    due = [item for item in found if item.stage is Stage.OPEN and item.height <= height]
    writes: list[Write] = []
    for item in due:
        domain = domains.domain_of(genesis, item.domain)
        batch = layout.batch(state, item.ref)
        if batch is None:
            raise ConsensusFault(f"live batch {item.ref.hex()} is nowhere")
        after = batches.step(batch, Close(), domain, height)
        writes.append(layout.batch_write(item.ref, after))
        deadline = item.height + domain.reveal_window
        found = layout.replaced(
            found, item, stage=Stage.CLOSED, height=deadline, closed=item.height
        )
    return (*writes, layout.live_write(found)) if due else ()
