"""Between a protocol and the links: a member's part in one session.

No clock decides here. The protocols of a committee go on when 2t + 1 members agree, and wait
otherwise; what ends a session that cannot is the chain, whose heights say that it is due no more
(`run.py`). Who drops out, or starts anew, runs the session of the same id and says the same
again: all that these protocols say follows from their parameters, which the id covers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from node.private.member.transport import MOST_BYTES, Mail, Outbox
from private_exec.mpc.errors import TooEarly
from private_exec.mpc.message import Message
from private_exec.mpc.party import Party
from zk.errors import ChiaroError

T = TypeVar("T")


class _Later:
    """Messages of rounds that are far ahead, until those come: in bounds for each caller."""

    def __init__(self) -> None:
        self._rounds: dict[int, list[tuple[int, bytes]]] = {}
        self._held: dict[int, int] = {}

    def put(self, caller: int, data: bytes) -> bool:
        """Keep a message; False if whoever brought it has too many here."""
        held = self._held.get(caller, 0) + len(data)
        if held > MOST_BYTES:
            return False
        self._held[caller] = held
        number = Message.from_bytes(data).header.round
        self._rounds.setdefault(number, []).append((caller, data))
        return True

    def take(self, number: int) -> list[tuple[int, bytes]]:
        """Those of a round that has come."""
        found = self._rounds.pop(number, [])
        for caller, data in found:
            self._held[caller] -= len(data)
        return found


async def drive(party: Party[T], mail: Mail, outbox: Outbox, report: Callable[[str], None]) -> T:
    """Run a session to its end; cancel it to drop out.

    What counts in rounds that wait for all is passed on (PV-24). Who brought what is refused is
    reported; nobody is at fault for what he did not sign.

    Args:
        party: at its start.
        mail: where others' messages come.
        outbox: who carries one's own, and what is passed on.
        report: told of messages that are refused, in words.

    Raises:
        whatever the protocol refuses.
    """
    sid = party.context.session.sid
    flow, later = mail.open(sid), _Later()
    ready: deque[tuple[int, bytes]] = deque()
    try:
        while not party.done:
            if party.outgoing is not None:
                outbox.say(sid, party.outgoing.to_bytes())
            for message in party.news():
                outbox.say(sid, message.to_bytes(), of=message.sender)
            if party.step():
                ready.extend(later.take(party.round))
                continue
            caller, data = ready.popleft() if ready else await flow.get()
            sender = Message.from_bytes(data).sender
            try:
                party.receive(data, own_link=sender == caller)
            except TooEarly as error:
                if not later.put(caller, data):
                    report(f"{error.id}: {error} (brought by member {caller})")
            except ChiaroError as error:
                report(f"{error.id}: {error} (brought by member {caller})")
        return party.result
    finally:
        mail.close(sid)
