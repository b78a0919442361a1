"""Between a protocol and the links: a member's part in one session.

No clock decides here. The protocols of a committee go on when 2t + 1 members agree, and wait
otherwise; what ends a session that cannot is the chain, whose heights say that it is due no more
(`follow.py`). Who drops out, or starts anew, runs the session of the same id and says the same
again: all that these protocols say follows from their parameters, which the id covers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from node.private.member.transport import Mail, Outbox
from private_exec.mpc.party import Party
from zk.errors import ChiaroError

T = TypeVar("T")


async def drive(party: Party[T], mail: Mail, outbox: Outbox, report: Callable[[str], None]) -> T:
    """Run a session to its end; cancel it to drop out.

    Args:
        party: at its start.
        mail: where others' messages come.
        outbox: who carries one's own.
        report: told of messages that are refused, in words.

    Raises:
        whatever the protocol refuses.
    """
    sid = party.context.session.sid
    queue = mail.open(sid)
    try:
        while not party.done:
            if party.outgoing is not None:
                outbox.say(sid, party.outgoing.to_bytes())
            if party.step():
                continue
            try:
                party.receive(await queue.get())
            except ChiaroError as error:
                report(f"{error.id}: {error}")
        return party.result
    finally:
        mail.close(sid)
