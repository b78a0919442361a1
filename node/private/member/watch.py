"""What a member tells who watches it: which messages came and went, and who was at fault.

No values: of a message its session, round, kind and length. A line of JSON each:

    {"what": "said", "to": 2, "session": "0x…", "round": 0, "kind": "open", "bytes": 170}
    {"what": "heard", "from": 2, "session": "0x…", "round": 0, "kind": "open", "bytes": 170}
    {"what": "fault", "member": 4, "rule": "PV-13", "round": 0, "about": "sums of round 0x…"}
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from private_exec.mpc.message import Message
from private_exec.mpc.rounds import Fault


class Watch:
    """Nobody watches."""

    def said(self, to: int, data: bytes) -> None:
        """A message went to a member: one's own, or what is passed on."""

    def heard(self, sender: int, data: bytes) -> None:
        """A message came over a member's link."""

    def fault(self, about: str, fault: Fault) -> None:
        """Something that a member did in a session that ended well."""


class Lines(Watch):
    """Somebody reads lines.

    Args:
        write: takes one.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def said(self, to: int, data: bytes) -> None:
        self._line(what="said", to=to, **_message(data))

    def heard(self, sender: int, data: bytes) -> None:
        self._line(what="heard", **{"from": sender}, **_message(data))

    def fault(self, about: str, fault: Fault) -> None:
        self._line(
            what="fault", member=fault.member, rule=fault.rule, round=fault.round, about=about
        )

    def _line(self, **said: Any) -> None:
        self._write(json.dumps(said))


def _message(data: bytes) -> dict[str, Any]:
    message = Message.from_bytes(data)
    return {
        "session": "0x" + message.sid.hex(),
        "round": message.header.round,
        "kind": message.header.kind.name.lower(),
        "bytes": len(data),
    }
