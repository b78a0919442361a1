"""What a solver is given, and what it is: a value that fits through a pipe, and one function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, NATIVE, AccountId, ChainId, Height, Kind
from node.core.intent import MAX_INTENT_BYTES, Intent
from node.intents.batch import MAX_BATCH, Batch
from node.intents.limit import LimitOrder, LimitSchema
from node.intents.schema import MACHINE_FAULTS, Decoded, Registry
from node.intents.settlement import Component, Settlement
from node.intents.swap import SwapSchema, SwapTerms
from node.intents.view import View
from zk.errors import ChiaroError, NonCanonical


@dataclass(frozen=True, slots=True, repr=False)
class Offer:
    """A limit order that can trade.

    Attributes:
        intent: its envelope.
        order: as signed.
        available: base units that may be sold now; the whole amount unless `order.partial`.
    """

    intent: Intent
    order: LimitOrder
    available: int

    def __repr__(self) -> str:
        return "<Offer: hidden>"


@dataclass(frozen=True, slots=True, repr=False)
class Problem:
    """A batch without what cannot settle.

    Attributes:
        batch_id: 32 bytes.
        chain_id: where.
        height: of the block that would settle it.
        entries: valid intents sorted by id, so that no order of arrival can matter, each with what
            is available of a limit order (0 for others).
    """

    batch_id: bytes
    chain_id: ChainId
    height: Height
    entries: tuple[tuple[Intent, int], ...]

    def __repr__(self) -> str:
        return f"<Problem of {len(self.entries)} intents>"

    def of(self, schema: str) -> Iterator[tuple[Intent, int]]:
        """Entries of one schema."""
        return (entry for entry in self.entries if entry[0].schema == schema)

    def swaps(self) -> list[tuple[Intent, SwapTerms]]:
        """Exact swaps, decoded; they were verified before."""
        schema = SwapSchema()
        return [(item, schema.parse(item, self.chain_id)) for item, _ in self.of(schema.name)]

    def offers(self) -> list[Offer]:
        """Limit orders, decoded; they were verified before."""
        schema = LimitSchema()
        return [
            Offer(item, schema.parse(item, self.chain_id), available)
            for item, available in self.of(schema.name)
        ]

    def settlement(self, components: tuple[Component, ...]) -> Settlement:
        return Settlement(self.batch_id, components)

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.batch_id, ID_BYTES).raw(self.chain_id, ID_BYTES)
        writer.u64(self.height).u32(len(self.entries))
        for intent, available in self.entries:
            writer.blob(intent.to_bytes()).u64(available)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Problem:
        """Strict.

        Raises:
            DecodeError: not an encoding.
        """
        reader = Reader(data, "problem")
        batch_id, chain_id = reader.take(ID_BYTES), ChainId(reader.take(ID_BYTES))
        height = Height(reader.u64())
        entries = tuple(
            (Intent.from_bytes(reader.blob(MAX_INTENT_BYTES, "intent")), reader.u64())
            for _ in range(reader.count(4, MAX_BATCH, "intents"))
        )
        reader.done()
        ids = [intent.id for intent, _ in entries]
        if ids != sorted(set(ids)):
            raise NonCanonical("intents are not sorted, or one is there twice", where="problem")
        return Problem(batch_id, chain_id, height, entries)


Solve = Callable[[Problem, bytes], tuple[Component, ...]]
"""A solver: (problem, 32-byte seed) → components. Deterministic; raises TooComplex to decline."""


def pose(batch: Batch, view: View, registry: Registry) -> tuple[Problem, dict[bytes, ChiaroError]]:
    """The part of a batch that can settle on a state, and why the rest cannot.

    An intent that uses what one of a lower id uses stays: solvers choose, IN-14 checks. Orders of
    one account share its balances: in the order of their ids, each gets what those before leave.
    """
    reserved = Counter[tuple[AccountId, Kind]]()
    entries: list[tuple[Intent, int]] = []
    out: dict[bytes, ChiaroError] = {}
    for intent_id, item in sorted(batch.decode(registry).items()):
        if not isinstance(item, Decoded):
            out[intent_id] = item
            continue
        try:
            item.validate(view)
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            out[intent_id] = error
            continue
        terms, room = item.terms, 0
        if isinstance(terms, LimitOrder):
            room = terms.available(view.state, item.intent.fee, reserved)
            if room:
                reserved[terms.account, terms.sell] += room
                reserved[terms.account, NATIVE] += terms.due(view.state, item.intent.fee)
        entries.append((item.intent, room))
    context = view.context
    return Problem(batch.id, context.chain_id, context.height, tuple(entries)), out
