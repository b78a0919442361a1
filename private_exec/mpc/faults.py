"""What dishonest members do, by name: for simulations and tests.

A fault changes what a member says, which it then believes itself, or holds back, drops or changes
what reaches one receiver. All of it is signed, as a dishonest member would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from private_exec.mpc import vectors
from private_exec.mpc.message import Kind, Message
from private_exec.mpc.rounds import Round, Rounds, T
from zk.field.arrays import BYTES

Resign = Callable[[Message, bytes], Message]
"""A message and another body → the member's signed message with that body."""


@dataclass(frozen=True, slots=True)
class Late:
    """Delivered when the receiver has gone on."""

    message: Message


class Fault:
    """What a faulty member does; as it stands, nothing."""

    def speak(self, member: int, asked: Round) -> Round:  # noqa: ARG002
        """What a member says where its protocol asks for this: it believes itself what it says."""
        return asked

    def carry(self, message: Message, receiver: int, resign: Resign) -> Message | Late | None:  # noqa: ARG002
        """What becomes of a message to one receiver: itself, another one, later, or nothing."""
        return message


@dataclass(frozen=True)
class Silent(Fault):
    """Sends nothing from a round on."""

    member: int
    since: int = 0

    def carry(self, message: Message, receiver: int, resign: Resign) -> Message | Late | None:
        gone = message.sender == self.member and message.header.round >= self.since
        return None if gone else super().carry(message, receiver, resign)


@dataclass(frozen=True)
class Withheld(Fault):
    """Says something in rounds of a kind to some only, and nothing to others.

    Attributes:
        member: who.
        kind: in which rounds.
        others: who is not told.
    """

    member: int
    kind: Kind
    others: Sequence[int]

    def carry(self, message: Message, receiver: int, resign: Resign) -> Message | Late | None:
        chosen = message.sender == self.member and message.header.kind is self.kind
        untold = chosen and receiver in self.others
        return None if untold else super().carry(message, receiver, resign)


@dataclass(frozen=True)
class Unsigned(Fault):
    """Sends in rounds of a kind what it did not sign.

    Attributes:
        member: who.
        kind: in which rounds.
        to: to whom; everybody where it is empty.
    """

    member: int
    kind: Kind
    to: Sequence[int] = ()

    def carry(self, message: Message, receiver: int, resign: Resign) -> Message | Late | None:
        chosen = message.sender == self.member and message.header.kind is self.kind
        if chosen and (not self.to or receiver in self.to):
            return replace(message, header=replace(message.header, signature=bytes(64)))
        return super().carry(message, receiver, resign)


@dataclass(frozen=True)
class Slow(Fault):
    """Speaks in rounds of a kind when the others have gone on."""

    member: int
    kind: Kind

    def carry(self, message: Message, receiver: int, resign: Resign) -> Message | Late | None:
        slow = message.sender == self.member and message.header.kind is self.kind
        return Late(message) if slow else super().carry(message, receiver, resign)


@dataclass(frozen=True)
class Wrong(Fault):
    """Says another value in rounds of a kind.

    Attributes:
        member: who.
        kind: in which rounds.
        place: which value of the vector, from the end where negative.
        by: what is added.
        skip: so many rounds of that kind are left alone.
    """

    member: int
    kind: Kind
    place: int = 0
    by: int = 1
    skip: int = 0
    _seen: list[None] = field(default_factory=list, repr=False)

    def speak(self, member: int, asked: Round) -> Round:
        if member != self.member or asked.kind is not self.kind:
            return asked
        self._seen.append(None)
        if len(self._seen) <= self.skip:
            return asked
        return replace(asked, body=_moved(asked.body, self.place, self.by))


@dataclass(frozen=True)
class TwoStories(Fault):
    """Says something else in rounds of a kind, to some only: the first bit turned over.

    Attributes:
        member: who.
        kind: in which rounds.
        to: who is told the other story.
    """

    member: int
    kind: Kind
    to: Sequence[int]

    def carry(self, message: Message, receiver: int, resign: Resign) -> Message | Late | None:
        chosen = message.sender == self.member and message.header.kind is self.kind
        if chosen and receiver in self.to:
            return resign(message, bytes(b ^ (k == 0) for k, b in enumerate(message.body)))
        return message


@dataclass(frozen=True)
class Shifted(Fault):
    """Members that add one polynomial's values to all shares of a kind: liars that agree.

    Attributes:
        members: who.
        kind: in which rounds.
        polynomial: its coefficients, the constant first.
    """

    members: Sequence[int]
    kind: Kind
    polynomial: Sequence[int]

    def speak(self, member: int, asked: Round) -> Round:
        if member not in self.members or asked.kind is not self.kind:
            return asked
        by = sum(c * pow(member, k, vectors.R) for k, c in enumerate(self.polynomial))
        values = vectors.from_bytes(asked.body, len(asked.body) // BYTES)
        return replace(asked, body=vectors.to_bytes(vectors.add(values, by)))


@dataclass(frozen=True)
class Rewritten(Fault):
    """Sends another body in rounds of a kind: of another length, say, or not canonical."""

    member: int
    kind: Kind
    body: Callable[[bytes], bytes]

    def carry(self, message: Message, receiver: int, resign: Resign) -> Message | Late | None:
        if message.sender != self.member or message.header.kind is not self.kind:
            return super().carry(message, receiver, resign)
        return resign(message, self.body(message.body))


def spoken(member: int, protocol: Rounds[T], faults: Sequence[Fault]) -> Rounds[T]:
    """A protocol, not started yet, as a member with these faults runs it."""
    try:
        asked = next(protocol)
        while True:
            if isinstance(asked, Round):
                for fault in faults:
                    asked = fault.speak(member, asked)
            inbox = yield asked
            asked = protocol.send(inbox)
    except StopIteration as end:
        result: T = end.value
        return result


def _moved(body: bytes, place: int, by: int) -> bytes:
    """A vector with one value changed."""
    values = vectors.ints(vectors.from_bytes(body, len(body) // BYTES))
    values[place % len(values)] += by
    return vectors.to_bytes(vectors.vec(values))


NONCANONICAL: Final = b"\xff" * BYTES
"""A value that is not below r."""
