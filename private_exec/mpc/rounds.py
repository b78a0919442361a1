"""How a protocol is written: a generator that yields rounds and is sent what the members said.

    inbox = yield Round(Kind.OPEN, body)        broadcast `body`, wait for the others'
    inbox = yield WAIT                          the same round again, with more messages

A protocol knows neither sockets nor clocks. Who drives it (`party.Party`) signs, checks and
delivers; when a member counts as absent is the driver's affair (`Inbox.closed`). So the same code
runs in one process, in tests with faults, and in daemons.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias, TypeVar

from private_exec.mpc.message import Kind, Message
from private_exec.mpc.vectors import words
from zk.field.arrays import LIMBS, U64Array


class Form(Enum):
    """What the bodies of a round are: what is refused before a protocol sees it (PV-11)."""

    BYTES = "bytes"
    VECTOR = "vector"


@dataclass(frozen=True, slots=True)
class Round:
    """One broadcast of every member. Bodies have one length, known beforehand: that of one's own.

    Attributes:
        kind: what it is for.
        body: one's own; does not print.
        form: VECTOR where bodies are field elements, canonical, 32 bytes each.
        whole: wait for all members until the round is closed; otherwise 2t + 1 suffice to go on.
    """

    kind: Kind
    body: bytes = field(repr=False)
    form: Form = Form.VECTOR
    whole: bool = False


class Wait:
    """What was received does not decide yet: the same round, when there is more."""


WAIT: Final = Wait()


@dataclass(frozen=True, slots=True)
class Inbox:
    """What a round brought: well-formed messages by member, one's own among them.

    Attributes:
        messages: by sender; absent members are missing.
        closed: nobody else will be waited for.
    """

    messages: Mapping[int, Message]
    closed: bool

    @property
    def bodies(self) -> dict[int, bytes]:
        """By member, ascending."""
        return {member: self.messages[member].body for member in sorted(self.messages)}

    @property
    def vectors(self) -> dict[int, U64Array]:
        """The same as values, of a round of vectors: that they are canonical was judged (PV-11)."""
        return {member: words(body).reshape(-1, LIMBS) for member, body in self.bodies.items()}


T = TypeVar("T")
Rounds: TypeAlias = Generator[Round | Wait, Inbox, T]
"""A protocol with a result of type T."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that a member did, as one member saw it.

    Attributes:
        member: who.
        rule: which rule it broke.
        round: where.
        what: in words, without values.
    """

    member: int
    rule: str
    round: int
    what: str
