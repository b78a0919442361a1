"""What a block begins with (P1-1): ends of batches whose time is over, then reveals.

    end …  end  |  reveal …  reveal  |  everything else; where one is missing, what passes
     LN-12             LN-11                       LN-10, LN-11

Once a batch is final, whoever gathered its shares can read it. So until everybody can, nothing else
changes the state: no last look. All of this follows from the state before the block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from node.core import private
from node.core.block import Transaction
from node.core.genesis import Genesis
from node.core.interfaces import StateReader
from node.lane import layout, sealed
from node.lane.errors import LaneRefused
from node.lane.layout import Live, Stage
from node.lane.payload import (
    LEAD,
    Ending,
    EndTx,
    LaneTx,
    RevealTx,
    Tag,
    decode,
    tag_of_wire,
    wire,
)

_PASSING: Final = LEAD | {Tag.KEY}
Find = Callable[[Live], bytes | None]
"""The transaction that opens a batch, where its shares have come."""


def ends(state: StateReader, height: int) -> tuple[bytes, ...]:
    """Whole transactions that end batches, due in the block of `height`, in order."""
    return tuple(wire(_end(state, item)) for item in layout.live(state) if is_over(item, height))


def is_over(item: Live, height: int) -> bool:
    """Whether the block of `height` ends this batch."""
    match item.stage:
        case Stage.CLOSED:
            return height > item.height
        case Stage.SOLVING:
            return height >= item.height
        case _:
            return False


def _end(state: StateReader, item: Live) -> EndTx:
    """How it ends: the state alone says so (LN-12)."""
    if item.stage is Stage.CLOSED:
        return EndTx(item.domain, item.number, Ending.UNREVEALED)
    best = layout.best(state, item.ref)
    if best is None:
        return EndTx(item.domain, item.number, Ending.UNSOLVED)
    return EndTx(item.domain, item.number, Ending.SETTLED, best.settlement)


def pending(state: StateReader, height: int) -> tuple[Live, ...]:
    """Batches that a block of `height` may open, in order; nothing else goes on before it does."""
    return tuple(
        item
        for item in layout.live(state)
        if item.stage is Stage.CLOSED and item.closed < height <= item.height
    )


def passes(data: bytes) -> bool:
    """Whether a transaction may stand in a block in which a batch waits.

    An end, a reveal; a message about keys; or what a private committee says of its values without
    moving any. The rounds of both end by height, and whoever has read a batch gains nothing by
    them: no intent depends on what they write, so nothing of the batch comes out otherwise.
    """
    return tag_of_wire(data) in _PASSING or private.is_said(data)


def waits(state: StateReader, height: int) -> str:
    """Why nothing but ends and reveals may change this state in the block (EX-39); else empty."""
    for item in layout.live(state):
        if is_over(item, height):
            return f"{_name(item)} is over and has not ended"
        if item.stage is Stage.CLOSED and item.closed < height:
            return f"{_name(item)} is final and has not been opened"
    return ""


def _name(item: Live) -> str:
    return f"batch {item.number} of domain {item.domain}"


def fitting(due: Sequence[bytes], genesis: Genesis) -> tuple[bytes, ...]:
    """As many of the ends as one block holds, the first at least; the others come in the next."""
    limits = genesis.parameters
    chosen: list[bytes] = []
    room = limits.max_block_bytes
    for item in due[: limits.max_block_txs]:
        room -= len(item)
        if room < 0 and chosen:
            break
        chosen.append(item)
    return tuple(chosen)


def begin(
    state: StateReader, height: int, genesis: Genesis, find: Find
) -> tuple[tuple[bytes, ...], bool]:
    """What an honest proposer begins a block with, and whether anything else may follow.

    Args:
        state: before the block.
        height: of it.
        genesis: of the chain.
        find: reveals; a batch that it does not know stays closed for now.
    """
    due = ends(state, height)
    chosen = list(fitting(due, genesis))
    missing = len(chosen) < len(due)
    limits = genesis.parameters
    room = limits.max_block_bytes - sum(map(len, chosen))
    for item in pending(state, height):
        data = find(item)
        if data is None or len(data) > room or len(chosen) == limits.max_block_txs:
            missing = True
            continue
        chosen.append(data)
        room -= len(data)
    return tuple(chosen), not missing


def check_lead(txs: Sequence[bytes], state: StateReader, height: int, genesis: Genesis) -> None:
    """A proposal begins as the state says, and goes on only where it may.

    Args:
        txs: whole transactions of the proposal.
        state: before it.
        height: of the block.
        genesis: of the chain.

    Raises:
        LaneRefused: LN-10, LN-11, LN-12.
        RevealRefused: PX-6, PX-17; DecodeError, SealRefused: a reveal that is none.
    """
    due = ends(state, height)
    first = fitting(due, genesis)
    _check_ends(txs, first)
    opened = _check_reveals(txs, len(first), state, height, genesis)
    rest = txs[len(first) + opened :]
    for index, data in enumerate(rest, len(first) + opened):
        if tag_of_wire(data) in LEAD:
            raise LaneRefused(
                "LN-10",
                "an end or reveal that no block of this height begins with",
                where=f"transaction {index}",
            )
    missing = len(due) - len(first) + len(pending(state, height)) - opened
    for index, data in enumerate(rest if missing else (), len(first) + opened):
        if not passes(data):
            raise LaneRefused(
                "LN-11",
                f"goes on while {missing} batches are final and neither opened nor over",
                where=f"transaction {index}",
            )


def _check_ends(txs: Sequence[bytes], first: Sequence[bytes]) -> None:
    """LN-12: exactly these, byte for byte."""
    for index, wanted in enumerate(first):
        if index >= len(txs) or txs[index] != wanted:
            raise LaneRefused(
                "LN-12", "not the end of a batch that is due here", where=f"transaction {index}"
            )


def _check_reveals(
    txs: Sequence[bytes], start: int, state: StateReader, height: int, genesis: Genesis
) -> int:
    """LN-11: reveals of batches that wait for one, in order, each right; how many there are."""
    waiting = list(pending(state, height))
    for index in range(start, len(txs)):
        tx = _lead(txs[index])
        if not isinstance(tx, RevealTx):
            return index - start
        while waiting and (waiting[0].domain, waiting[0].number) != (tx.domain, tx.number):
            waiting.pop(0)
        if not waiting:
            raise LaneRefused(
                "LN-11",
                f"batch {tx.number} of domain {tx.domain} is not to be opened here",
                where=f"transaction {index}",
            )
        item = waiting.pop(0)
        sealed.check_reveal(sealed.sealed_batch(state, item, genesis), tx.reveal, height)
    return len(txs) - start


def _lead(data: bytes) -> LaneTx | None:
    """The transaction, if it is one of those."""
    if tag_of_wire(data) not in LEAD:
        return None
    return decode(Transaction.from_bytes(data).payload)
