"""What a private transaction is: its first byte."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from node.private.errors import PrivateRefused


class Tag(IntEnum):
    """What a payload is; its first byte."""

    DECLARE = 1
    CEREMONY = 2
    ROUND = 3
    DONATE = 4
    COMPLAINT = 5
    ACCEPT = 6
    OPEN = 7
    SETTLE = 8
    CLAIM = 9
    DEPOSIT = 10
    PLACE = 11
    WITHDRAW = 12
    REMASK = 13
    FREEZE = 14
    HANDOVER = 15
    NAME = 16
    TRANSFER = 17
    OFFER = 20
    BID = 21
    CALL = 22
    RESULT = 23
    BLAME = 24
    SILENCE = 25
    BATCH = 26
    ORDER = 27

    @property
    def label(self) -> str:
        return self.name.lower()


UNPAID: Final = frozenset(
    {
        Tag.CEREMONY,
        Tag.COMPLAINT,
        Tag.ACCEPT,
        Tag.OPEN,
        Tag.SETTLE,
        Tag.REMASK,
        Tag.FREEZE,
        Tag.HANDOVER,
        Tag.NAME,
        Tag.TRANSFER,
        Tag.CALL,
        Tag.RESULT,
        Tag.BLAME,
        Tag.SILENCE,
    }
)
"""What pays by being what somebody paid for: each counts once, and only if the state awaits it."""


def tag_of(payload: bytes) -> Tag:
    """PV-101. Raises PrivateRefused."""
    if payload and payload[0] in Tag.__members__.values():
        return Tag(payload[0])
    raise PrivateRefused("PV-101", "no private transaction begins so", where="tag")
