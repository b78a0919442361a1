"""A member that speaks to some of the others only: what its links leave out."""

from __future__ import annotations

from collections.abc import Collection

from node.private.member.transport import Outbox
from private_exec.mpc.message import Kind, Message


class Withholding(Outbox):
    """What such a member says: all but its messages of one kind, which some do not get.

    It passes nothing on.

    Args:
        kind: of what it withholds.
        from_: members that do not get it.
    """

    def __init__(self, kind: Kind, from_: Collection[int]) -> None:
        super().__init__()
        self._kind = kind
        self._from = from_

    def say(self, sid: bytes, data: bytes, of: int = 0) -> None:
        if not of:
            super().say(sid, data)

    def due(self, said: set[tuple[bytes, int]], to: int = 0) -> list[bytes]:
        found = super().due(said, to)
        if to not in self._from:
            return found
        return [data for data in found if Message.from_bytes(data).header.kind is not self._kind]
