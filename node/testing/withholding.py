"""A member that speaks to some of the others only: what its links leave out."""

from __future__ import annotations

from collections.abc import Callable, Collection

from node.private.member.transport import Outbox
from private_exec.mpc.message import Kind, Message


class Withholding(Outbox):
    """What such a member says: all but its messages of one kind, which some do not get.

    It passes nothing on.

    Args:
        kind: of what it withholds.
        from_: members that do not get it.
        instead: what they get in its place, by what they should have got; by default nothing.
    """

    def __init__(
        self,
        kind: Kind,
        from_: Collection[int],
        instead: Callable[[Message], list[bytes]] = lambda _: [],
    ) -> None:
        super().__init__()
        self._kind = kind
        self._from = from_
        self._instead = instead

    def say(self, sid: bytes, data: bytes, of: int = 0) -> None:
        if not of:
            super().say(sid, data)

    def due(self, said: set[tuple[bytes, int]], to: int = 0) -> list[bytes]:
        found = super().due(said, to)
        if to not in self._from:
            return found
        for data in list(found):
            message = Message.from_bytes(data)
            if message.header.kind is self._kind:
                place = found.index(data)
                found[place : place + 1] = self._instead(message)
        return found
