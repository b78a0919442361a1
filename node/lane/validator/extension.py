"""Decryption shares in vote extensions.  Rules LN-28, LN-29.

    count 1, then for each batch: length 4, `ShareMessage`      8 KiB at most; empty: no shares

A vote for height H carries shares of batches that closed before H. What is pending is read from the
state before H, so all honest validators judge an extension alike (P1-8): strictly where something
is there, and absence is no fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from node.core.codec import Reader, Writer
from node.lane import holders
from node.lane.errors import LaneRefused
from private_exec.batch import Batch
from private_exec.shares import ShareMessage, check_form, judge
from private_exec.weights import MAX_MESSAGE_BYTES

MAX_EXTENSION: Final = 8 * 1024
MAX_MESSAGES: Final = 255
_WHERE: Final = "vote extension"


def encode(messages: Sequence[ShareMessage]) -> bytes:
    """As many of them as fit, from the first on; empty if there is none."""
    parts: list[bytes] = []
    room = MAX_EXTENSION - 1
    for message in messages[:MAX_MESSAGES]:
        part = Writer().blob(message.to_bytes()).done()
        if len(part) > room:
            break
        parts.append(part)
        room -= len(part)
    return Writer().u8(len(parts)).done() + b"".join(parts) if parts else b""


def decode(data: bytes) -> tuple[ShareMessage, ...]:
    """LN-28: strict, one encoding.

    Raises:
        LaneRefused: LN-28, too long, or without a message though not empty.
        DecodeError: not an encoding; SealRefused: PX-24.
    """
    if not data:
        return ()
    if len(data) > MAX_EXTENSION:
        raise LaneRefused("LN-28", f"{len(data)} bytes, at most {MAX_EXTENSION}", where=_WHERE)
    reader = Reader(data, _WHERE)
    count = reader.u8()
    if not count:
        raise LaneRefused("LN-28", "no shares are an empty extension", where=_WHERE)
    parts = [reader.blob(MAX_MESSAGE_BYTES, "shares") for _ in range(count)]
    reader.done()
    return tuple(ShareMessage.from_bytes(part) for part in parts)


def check(data: bytes, voter: bytes, pending: Sequence[Batch]) -> None:
    """LN-29: right shares of the voter, of batches that are pending, in their order.

    Which member the voter is follows from the roster of each batch's key (LN-46).

    Args:
        data: what the vote carries.
        voter: its consensus key.
        pending: batches that are closed and not opened, in order, by the state before the height.

    Raises:
        LaneRefused: LN-28, LN-29; LN-46, of a batch whose key it has no share of.
        SealRefused: PX-8, PX-18, PX-24 of a message.
        DecodeError: not an encoding.
    """
    messages = decode(data)
    if not messages:
        return
    rest = iter(pending)
    for message in messages:
        batch = next((item for item in rest if item.root == message.root), None)
        if batch is None:
            raise LaneRefused(
                "LN-29",
                "shares of a batch that is not pending, or out of order",
                where=_WHERE,
                why="a share of a batch that is not final would open what may never be ordered",
            )
        member = holders.member(batch.key.roster, voter)
        if member is None:
            raise LaneRefused(
                "LN-46",
                f"shares of one who has none of the key of epoch {batch.key.epoch}",
                where=_WHERE,
            )
        if message.member != member:
            raise LaneRefused(
                "LN-29", f"shares of member {message.member}, not of the voter", where=_WHERE
            )
        check_form(message, batch)
        refused = judge(batch, [message])[0]
        if refused is not None:
            raise refused
