"""What a chain with the sealed lane must show, whoever lied while it was made.

Read from the blocks and the states between them alone, without asking the rules that made them.
"""

from __future__ import annotations

from collections.abc import Iterator

from node.core.block import Transaction
from node.core.interfaces import StateReader
from node.core.private import is_said
from node.lane import layout, payload
from node.lane.layout import Stage
from node.lane.payload import EndTx, RevealTx, Tag
from node.testing.cluster.invariants import Violation
from node.testing.history import History


def check_no_last_look(history: History, last: int) -> None:
    """P1-1: nothing stands between the close of a batch and its opening, messages apart (EX-39).

    Args:
        history: of a run.
        last: height up to which every block is final.

    Raises:
        Violation: `last look`.
    """
    for height in range(1, last + 1):
        waiting = {
            (item.domain, item.number)
            for item in layout.live(history.state_at(height - 1))
            if item.stage is Stage.CLOSED
        }
        for index, tx in enumerate(history.final[height][0].txs):
            lead = lead_of(tx)
            if isinstance(lead, RevealTx | EndTx):
                waiting.discard((lead.domain, lead.number))
            elif waiting and payload.tag_of_wire(tx) is not Tag.KEY and not is_said(tx):
                raise Violation(
                    "last look",
                    f"transaction {index} of block {height}, while {sorted(waiting)} can be read",
                )


def check_nothing_opened_early(history: History, last: int) -> None:
    """No plaintext is in a state before the block behind the batch's close, nor in one that died.

    Raises:
        Violation: `early`.
    """
    for height in range(1, last + 1):
        state = history.state_at(height)
        live = {item.ref: item for item in layout.live(state)}
        for ref in opened(state):
            item = live.get(ref)
            if item is None or item.stage is not Stage.SOLVING or not item.closed < height:
                raise Violation("early", f"a plaintext of batch {ref.hex()} at {height}")


def opened(state: StateReader) -> set[bytes]:
    """Batches of which a plaintext is in the state."""
    prefix = layout.open_prefix(b"")
    return {key[len(prefix) : -2] for key, _ in state.iterate(prefix)}


def endings(history: History, last: int) -> dict[tuple[int, int], tuple[str, int]]:
    """How each batch ended, and in which block."""
    return {
        (tx.domain, tx.number): (tx.ending.name, height)
        for height in range(1, last + 1)
        for tx in leads(history, height)
        if isinstance(tx, EndTx)
    }


def leads(history: History, height: int) -> Iterator[RevealTx | EndTx]:
    """Ends and reveals of a block."""
    for data in history.final[height][0].txs:
        tx = lead_of(data)
        if tx is not None:
            yield tx


def lead_of(data: bytes) -> RevealTx | EndTx | None:
    """What a transaction ends or opens."""
    if payload.tag_of_wire(data) not in payload.LEAD:
        return None
    tx = payload.decode(Transaction.from_bytes(data).payload)
    return tx if isinstance(tx, RevealTx | EndTx) else None
