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

from node.private.member.transport import MOST_BYTES, PASSED_ON, Mail, Outbox
from private_exec.mpc.errors import TooEarly
from private_exec.mpc.message import Message
from private_exec.mpc.party import Party
from zk.errors import ChiaroError

T = TypeVar("T")


class _Later:
    """Messages of rounds that are far ahead, until those come: in bounds for each sender."""

    def __init__(self) -> None:
        self._rounds: dict[int, list[bytes]] = {}
        self._held: dict[int, int] = {}

    def put(self, data: bytes) -> bool:
        """Keep a message; False if its sender has too many here."""
        header = Message.from_bytes(data).header
        held = self._held.get(header.sender, 0) + len(data)
        if held > MOST_BYTES:
            return False
        self._held[header.sender] = held
        self._rounds.setdefault(header.round, []).append(data)
        return True

    def take(self, number: int) -> list[bytes]:
        """Those of a round that has come."""
        found = self._rounds.pop(number, [])
        for data in found:
            self._held[Message.from_bytes(data).sender] -= len(data)
        return found


async def drive(party: Party[T], mail: Mail, outbox: Outbox, report: Callable[[str], None]) -> T:
    """Run a session to its end; cancel it to drop out.

    What is new of rounds that wait for all is passed on (PV-24), and may have been: so there nobody
    is at fault for what he did not sign.

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
    ready: deque[bytes] = deque()
    try:
        while not party.done:
            if party.outgoing is not None:
                outbox.say(sid, party.outgoing.to_bytes())
            if party.step():
                ready.extend(later.take(party.round))
                continue
            data = ready.popleft() if ready else await flow.get()
            passed = Message.from_bytes(data).header.kind in PASSED_ON
            try:
                # All other mail is of its sender's own link (PV-153).
                if party.receive(data, own_link=not passed) and passed:
                    outbox.say(sid, data)
            except TooEarly as error:
                if not later.put(data):
                    report(f"{error.id}: {error}")
            except ChiaroError as error:
                report(f"{error.id}: {error}")
        return party.result
    finally:
        mail.close(sid)
