"""A settlement as a value: what a solver proposes, component by component.

    batch id 32, count 2, components
    1 composed    count 1, ids 32 each, transaction 4 + n       exact swaps as one transaction
    2 fills       count 1, prices (kind 64, price 32); count 2, fills (id 32, sold 8, bought 8)
    3 complete    id 32                                         a transaction that an intent brings

One encoding per settlement (IN-22). Whether it may take effect is decided in `check`.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Final

from node.core.block import MAX_BLOCK_BYTES, MAX_TX_BYTES
from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, Kind, tagged_hash
from node.intents.errors import SettlementRefused
from node.intents.schema import Fill
from shielded.transaction import MAX_PARTIES
from zk.errors import DecodeError

MAX_COMPONENTS: Final = 4096
MAX_FILLS: Final = 4096
MAX_PRICED_KINDS: Final = 255
MAX_SETTLEMENT_BYTES: Final = MAX_BLOCK_BYTES
PRICE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Composed:
    """Exact swaps joined into one shielded transaction.

    Attributes:
        intents: ids, in the order of the transaction's parties.
        tx: bytes of the shielded transaction.
    """

    intents: tuple[bytes, ...]
    tx: bytes


@dataclass(frozen=True, slots=True)
class Fills:
    """Limit orders executed at one price per kind.

    Attributes:
        prices: per kind, sorted; positive integers below 2²⁵⁶ without a common divisor. What is
            sold of kind A for kind B buys ⌊sold · price A / price B⌋.
        fills: sorted by intent.
    """

    prices: tuple[tuple[Kind, int], ...]
    fills: tuple[Fill, ...]

    @property
    def intents(self) -> tuple[bytes, ...]:
        return tuple(fill.intent_id for fill in self.fills)


@dataclass(frozen=True, slots=True)
class Complete:
    """The transaction that one intent brings."""

    intent: bytes

    @property
    def intents(self) -> tuple[bytes, ...]:
        return (self.intent,)


Component = Composed | Fills | Complete


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a solver proposes for one batch.

    Attributes:
        batch_id: 32 bytes.
        components: applied in this order, each wholly or not at all.
    """

    batch_id: bytes
    components: tuple[Component, ...]

    @property
    def id(self) -> bytes:
        """32 bytes: hash of everything."""
        return tagged_hash("intents/settlement", self.to_bytes())

    @property
    def intents(self) -> tuple[bytes, ...]:
        """Ids of all intents that it covers, in order."""
        return tuple(itertools.chain.from_iterable(c.intents for c in self.components))

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.batch_id, ID_BYTES).u16(len(self.components))
        for component in self.components:
            _write(writer, component)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Settlement:
        """Strict.

        Raises:
            SettlementRefused: IN-22.
        """
        if len(data) > MAX_SETTLEMENT_BYTES:
            raise SettlementRefused("IN-22", f"{len(data)} bytes are too many", where="settlement")
        reader = Reader(data, "settlement")
        try:
            batch_id = reader.take(ID_BYTES)
            count = reader.count(2, MAX_COMPONENTS, "components")
            components = tuple(_read(reader) for _ in range(count))
            reader.done()
        except DecodeError as error:
            raise SettlementRefused(
                "IN-22", f"{error.id}: {error.message}", where=error.where
            ) from error
        return Settlement(batch_id, components)


def _write(writer: Writer, component: Component) -> None:
    match component:
        case Composed(intents, tx):
            writer.u8(1).u8(len(intents))
            for intent_id in intents:
                writer.raw(intent_id, ID_BYTES)
            writer.blob(tx)
        case Fills(prices, fills):
            writer.u8(2).u8(len(prices))
            for kind, price in prices:
                writer.raw(kind.to_bytes(), 64).uint(price, PRICE_BYTES)
            writer.u16(len(fills))
            for fill in fills:
                writer.raw(fill.intent_id, ID_BYTES).u64(fill.sold).u64(fill.bought)
        case Complete(intent_id):
            writer.u8(3).raw(intent_id, ID_BYTES)


def _read(reader: Reader) -> Component:
    tag = reader.u8()
    if tag == 1:
        ids = tuple(reader.take(ID_BYTES) for _ in range(reader.count(1, MAX_PARTIES, "parties")))
        return Composed(ids, reader.blob(MAX_TX_BYTES, "transaction"))
    if tag == 2:
        return _read_fills(reader)
    if tag == 3:
        return Complete(reader.take(ID_BYTES))
    raise SettlementRefused("IN-22", f"unknown component {tag}", where="components")


def _read_fills(reader: Reader) -> Fills:
    count = reader.count(1, MAX_PRICED_KINDS, "prices")
    prices = tuple((Kind.read(reader), reader.uint(PRICE_BYTES)) for _ in range(count))
    count = reader.count(2, MAX_FILLS, "fills")
    fills = tuple(Fill(reader.take(ID_BYTES), reader.u64(), reader.u64()) for _ in range(count))
    sorted_ = all(a[0] < b[0] for a, b in itertools.pairwise(prices)) and all(
        a.intent_id < b.intent_id for a, b in itertools.pairwise(fills)
    )
    if not fills or not sorted_:
        raise SettlementRefused("IN-22", "empty, not sorted, or an entry twice", where="fills")
    if any(price == 0 for _, price in prices) or math.gcd(*(p for _, p in prices)) != 1:
        raise SettlementRefused("IN-22", "prices are zero or have a divisor", where="prices")
    return Fills(prices, fills)
