"""Transactions inside transactions: what was carried out, as who reads blocks needs it.

A receipt names each part of an end with its result (`part`), and each transaction of a part that
took effect (`carried`). The bytes of swaps are in the end's settlement. Those of a transaction that
an intent brought (`Complete`) are nowhere else in the block, so the event itself has them; so has
that of what a private transaction carried (EX-43), whose payload is not read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from node.core.block import OK, Block, Receipt, Transaction
from node.core.effects import CARRIED, PART, Event
from node.core.errors import ConsensusFault
from node.core.ids import EnvironmentId, tagged_hash
from node.intents.settlement import Composed, Settlement
from node.lane import payload
from node.lane.direct import DirectTx
from shielded.transaction import ShieldedTx
from zk.errors import ChiaroError

_LABELS = {environment.label: environment for environment in EnvironmentId}
CARRIERS: Final = (EnvironmentId.INTENTS, EnvironmentId.PRIVATE)
"""Whose transactions have others inside."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A transaction that took effect inside another one.

    Attributes:
        tx_id: 32 bytes.
        environment: whose it is.
        fee: that it paid.
        wire: full bytes; None where the block does not have them: an entry of a blob.
        events: its own.
    """

    tx_id: bytes
    environment: EnvironmentId
    fee: int
    wire: bytes | None
    events: tuple[Event, ...]


def carried(wire: bytes, receipt: Receipt) -> Iterator[Carried]:
    """The transactions that `wire` carried out, in order; none for most.

    Args:
        wire: full bytes of a transaction of a block.
        receipt: its own.

    Raises:
        ConsensusFault: the receipt is not that of these bytes.
    """
    if not receipt.ok or receipt.environment not in CARRIERS:
        return
    known: dict[bytes, bytes] | None = None
    for event, inner in _split(receipt.events):
        said = dict(event.data)
        tx_id = bytes.fromhex(said["tx_id"])
        found = bytes.fromhex(said["wire"]) if "wire" in said else None
        environment = _LABELS[said["environment"]]
        if found is None and environment is not EnvironmentId.INTENTS:
            if known is None:
                known = _swaps(wire)
            found = known.get(tx_id)
            if found is None:
                raise ConsensusFault(
                    f"no bytes of transaction {tx_id.hex()} in the settlement that carried it out"
                )
        yield Carried(tx_id, environment, int(said["fee"]), found, inner)


def transactions(wire: bytes, receipt: Receipt) -> Iterator[bytes]:
    """Full bytes of the transactions that took effect inside another, in order."""
    return (item.wire for item in carried(wire, receipt) if item.wire is not None)


def flattened(block: Block, receipts: Iterable[Receipt]) -> Iterator[tuple[bytes, Receipt]]:
    """All that took effect in a block, in order, as if settlements were lists of transactions.

    What has parts comes first, then what was inside it, each with a receipt of its own.
    """
    for data, receipt in zip(block.txs, receipts, strict=True):
        if receipt.ok:
            yield data, receipt
            for item in carried(data, receipt):
                if item.wire is not None:
                    yield item.wire, inner_receipt(receipt, item)


def told(receipt: Receipt) -> Iterator[tuple[EnvironmentId | None, tuple[Event, ...]]]:
    """Environment and events of each transaction inside, as a receipt alone says; total."""
    if receipt.ok and receipt.environment in CARRIERS:
        for event, inner in _split(receipt.events):
            yield _LABELS.get(dict(event.data).get("environment", "")), inner


def proposed(wire: bytes) -> tuple[bytes, ...]:
    """Transactions that a settlement in an end or submission would carry out; total.

    Those that an intent brought are not among them: their bytes are in the intent.
    """
    try:
        return tuple(_swaps(wire).values())
    except ConsensusFault:
        return ()


def find(wire: bytes, receipt: Receipt, tx_id: bytes) -> Carried | None:
    """The one of that id inside a transaction."""
    return next((item for item in carried(wire, receipt) if item.tx_id == tx_id), None)


def inner_receipt(outer: Receipt, item: Carried) -> Receipt:
    """A receipt for a transaction inside another, at the other's place."""
    wire_id = outer.wire_id if item.wire is None else tagged_hash("wire", item.wire)
    return replace(
        outer,
        wire_id=wire_id,
        tx_id=item.tx_id,
        environment=item.environment,
        fee=item.fee,
        code=OK,
        events=item.events,
    )


def _split(events: Iterable[Event]) -> Iterator[tuple[Event, tuple[Event, ...]]]:
    """Each `carried` event with those behind it, up to the next of them or the next part."""
    head: Event | None = None
    inner: list[Event] = []
    for event in events:
        if event.name in (CARRIED, PART):
            if head is not None:
                yield head, tuple(inner)
            head, inner = (event if event.name == CARRIED else None), []
        else:
            inner.append(event)
    if head is not None:
        yield head, tuple(inner)


def _swaps(wire: bytes) -> dict[bytes, bytes]:
    """Full bytes of the shielded transactions of an end's settlement, by id."""
    try:
        tx = payload.decode(Transaction.from_bytes(wire).payload)
        if isinstance(tx, DirectTx):
            settlement = tx.settlement
        elif isinstance(tx, payload.EndTx | payload.SubmitTx) and tx.settlement:
            settlement = Settlement.from_bytes(tx.settlement)
        else:
            return {}
    except ChiaroError as error:
        raise ConsensusFault(f"a settlement that took effect does not decode: {error}") from error
    found: dict[bytes, bytes] = {}
    for component in settlement.components:
        if isinstance(component, Composed):
            try:
                tx_id = ShieldedTx.from_bytes(component.tx).id
            except ChiaroError:
                continue  # it cannot have taken effect
            found[tx_id] = Transaction(EnvironmentId.SHIELDED, component.tx).to_bytes()
    return found
