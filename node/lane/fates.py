"""What became of gossiped intents, as far as a node remembers: the last ones settled, and expired.

Policy of a node, not of the chain: what a block settled stands in its receipts for good, and this
only finds it. A process that starts reads as many blocks as a gossiped intent can live.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from node.core.block import Block, Receipt, Transaction
from node.core.ids import EnvironmentId, Height
from node.gossip.admission import Recent
from node.gossip.pool import Entry
from node.lane import payload
from node.lane.direct import DirectTx
from zk.errors import ChiaroError

MOST_REMEMBERED: Final = 65_536
SETTLED: Final = "settled"


@dataclass(frozen=True, slots=True)
class Settlement:
    """Where an open intent was settled first.

    Attributes:
        height: of the block.
        tx_id: of the transaction of its solver.
        intent: id of the intent.
    """

    height: Height
    tx_id: bytes
    intent: bytes


def settlements(block: Block, receipts: Sequence[Receipt]) -> Iterator[tuple[bytes, Settlement]]:
    """Messages of a block whose intents it settled: id of the message, and where."""
    for data, receipt in zip(block.txs, receipts, strict=True):
        if not receipt.ok or receipt.environment is not EnvironmentId.INTENTS:
            continue
        tx = _direct(data)
        if tx is None:
            continue
        done = {dict(event.data)["intent"] for event in receipt.events if event.name == SETTLED}
        for message, intent in zip(tx.messages, tx.intents, strict=True):
            if intent.id.hex() in done:
                yield message.id, Settlement(block.header.height, receipt.tx_id, intent.id)


def _direct(data: bytes) -> DirectTx | None:
    try:
        tx = payload.decode(Transaction.from_bytes(data).payload)
    except ChiaroError:  # a blob's transaction may not decode here, and is none
        return None
    return tx if isinstance(tx, DirectTx) else None


class Fates:
    """By id of the message or of its intent. Not safe between threads."""

    def __init__(self) -> None:
        self._settled = Recent[Settlement](MOST_REMEMBERED)
        self._expired = Recent[Height](MOST_REMEMBERED)

    def committed(self, block: Block, receipts: Sequence[Receipt]) -> None:
        """A new block. An intent that is settled in parts keeps its first settlement."""
        for name, found in settlements(block, receipts):
            for key in (name, found.intent):
                if key not in self._settled:
                    self._settled.put(key, found)

    def expired(self, entries: Iterable[Entry]) -> None:
        """What left the pool of its age."""
        for entry in entries:
            self._expired.put(entry.id, entry.message.envelope.expiry)

    def settlement(self, name: bytes) -> Settlement | None:
        return self._settled.get(name)

    def expiry(self, name: bytes) -> Height | None:
        """Of a message that expired here."""
        return self._expired.get(name)
