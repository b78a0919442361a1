"""One member in one computation: between a protocol and whatever carries bytes.  PV-10 … PV-12.

    party.outgoing                     the signed message of the current round, for everybody
    party.receive(data)                somebody's message, in any order, early or twice
    party.step(closed=…)               on to the next round, if what is there suffices
    party.news()                       what others said and all should have, to be passed on

A driver that knows who brought a message says so: then some count before they are verified
(`credit`).

No sockets, no clocks: the driver decides when a round is closed. Members are not in step, so its
deadlines count from the session's start, later ones from earlier ones, not from when a member got
there: who had all messages of a round at once waits in the next one for those who did not.

Messages of the rounds ahead are kept, at most WINDOW rounds of them; those of rounds behind are
only compared with what was said there before.
"""

from __future__ import annotations

from typing import Final, Generic

from private_exec.mpc import vectors
from private_exec.mpc.context import Context
from private_exec.mpc.errors import MessageRefused, TooEarly
from private_exec.mpc.message import Header, Message, body_digest, check_equivocation, sign
from private_exec.mpc.rounds import Form, Inbox, Round, Rounds, T, Wait
from zk.errors import DecodeError
from zk.field.arrays import BYTES

WINDOW: Final = 64
"""Rounds ahead whose messages are kept: whom nobody waits for may be behind by more."""
MOST_EARLY: Final = 16 << 20
"""Bytes of one sender's messages that are kept for later rounds."""


class Party(Generic[T]):
    """A member that runs a protocol.

    Args:
        context: the member's; `context.faults` gathers what others did wrong.
        protocol: not started yet.

    Attributes:
        context: as given.
        round: number of the current round.
        outgoing: the member's message of this round; None when the protocol is done.
    """

    def __init__(self, context: Context, protocol: Rounds[T]) -> None:
        self.context = context
        self.round = -1
        self.outgoing: Message | None = None
        self._protocol = protocol
        self._current: Round | None = None
        self._result: list[T] = []
        self._known: dict[tuple[int, int], Header] = {}
        self._proved: set[tuple[int, int]] = set()
        self._untaken: set[tuple[int, int]] = set()
        self._kept: dict[int, dict[int, Message]] = {}
        self._fresh = False
        self._news: list[Message] = []
        self._awaited = set(context.session.members) - context.absent
        self._advance(None)

    @property
    def done(self) -> bool:
        return self._current is None

    @property
    def result(self) -> T:
        """What the protocol came to; only when done."""
        return self._result[0]

    @property
    def unheard(self) -> frozenset[int]:
        """Members whose message of the present round is not here."""
        return frozenset(self._awaited - self._kept.get(self.round, {}).keys())

    def receive(self, data: bytes, *, own_link: bool = False) -> bool:
        """Take a message.

        What is late, was said before, or comes from a member that already told two stories in that
        round changes nothing and is not verified. What the round did not take is no story there:
        who says such a thing to one member only would have that one refuse what all others have.

        Args:
            data: the message.
            own_link: whether the driver knows that its sender itself brought it (PV-25).

        Returns:
            Whether it was new.

        Raises:
            DecodeError: no message.
            TooEarly: PV-11, it is not kept yet: nobody's fault; to be brought again.
            MessageRefused: PV-10, not of a member of this session; PV-11, not what this round
                takes; PV-12, the member said something else before.
        """
        message = Message.from_bytes(data)
        context, header = self.context, message.header
        if message.sid != context.session.sid:
            raise MessageRefused("PV-10", "of another session", where="message")
        place = header.round, header.sender
        known, ahead = self._known.get(place), header.round > self.round
        settled = known is not None and place not in self._untaken
        over = header.round < self.round and not settled
        told = known == header or (place in self._proved and settled and not ahead)
        if over or told or header.sender in context.absent:
            return False
        credited = known is None and own_link and context.credit.covers(header)
        if not credited:
            self._verify(header, own_link=own_link)
        if header.round > self.round + WINDOW:
            raise self._early_by(header, "further ahead than messages are kept")
        if known is not None and context.credit.signed(known):  # else PV-27: it gives way
            if known.tells_as(header):
                return False
            two = self._two_stories(known, header)
            if ahead:
                raise self._early_by(header, "another story than the one that is kept")
            if settled:
                raise two
        else:
            self._untaken.discard(place)
        if ahead and self._early(header.sender) + header.length > MOST_EARLY:
            raise self._early_by(header, "more than is kept for later rounds")
        if credited:
            context.credit.give(header)
        self._known[place] = header
        if ahead:
            self._kept.setdefault(header.round, {})[header.sender] = message
        elif header.round == self.round and self._current is not None:
            self._take(message)
        return True

    def news(self) -> list[Message]:
        """PV-24: what others said in rounds that wait for everybody, and counts; each once.

        Of a sender and round there is one such message at most, and its signature was verified
        (PV-25): what a member passes on is bounded by what its protocol takes.
        """
        found, self._news = self._news, []
        return found

    def step(self, *, closed: bool = False) -> bool:
        """Go on, if the round's messages suffice or nobody else is waited for.

        Args:
            closed: the driver waits for nobody else in this round.

        Returns:
            Whether the protocol took a step: to another round, or to its end.

        Raises:
            whatever the protocol refuses; it is over then.
        """
        if self._current is None:
            return False
        inbox = self._kept.get(self.round, {})
        everybody = self._awaited <= inbox.keys()
        enough = not self._current.whole and len(inbox) >= self.context.session.quorum
        if not (closed or everybody or (enough and self._fresh)):
            return False
        self._fresh = False
        return self._advance(Inbox(dict(inbox), closed or everybody))

    def _advance(self, inbox: Inbox | None) -> bool:
        """Hand the protocol what it waits for."""
        try:
            asked = next(self._protocol) if inbox is None else self._protocol.send(inbox)
        except StopIteration as end:
            self._result.append(end.value)
            self._current = self.outgoing = None
            return True
        except BaseException:
            self._current = self.outgoing = None
            raise
        if isinstance(asked, Wait):
            return False
        self._kept.pop(self.round, None)
        self.round += 1
        self._current = asked
        context = self.context
        self.outgoing = self._say(asked)
        context.begin(self.round, len(asked.body))
        early = self._kept.pop(self.round, {})
        self._known[self.round, context.member] = self.outgoing.header
        self._take(self.outgoing)
        for message in early.values():
            if message.sender != context.member:
                self._take_early(message)
        return True

    def _verify(self, header: Header, *, own_link: bool) -> None:
        """PV-10, before it counts; PV-26, what its sender itself brought is at least its fault."""
        try:
            header.check(self.context.session)
        except MessageRefused:
            if own_link and header.sender in self.context.session.members:
                self.context.distrust(header)
            raise

    def _two_stories(self, known: Header, header: Header) -> MessageRefused:
        """PV-12: evidence, once for a sender and round; the refusal of the second."""
        check_equivocation(self.context.session, known, header)
        what = "told two stories in one round"
        place = header.round, header.sender
        if place in self._proved:
            return self._refusal(header, "PV-12", what)
        self._proved.add(place)
        self.context.evidence.append((known, header))
        return self._refuse(header, "PV-12", what)

    def _early(self, sender: int) -> int:
        """Bytes that are kept of a sender for later rounds."""
        ahead = (kept for number, kept in self._kept.items() if number > self.round)
        return sum(kept[sender].header.length for kept in ahead if sender in kept)

    def _say(self, asked: Round) -> Message:
        """PV-12: the member's message of a round; it never signs another one there."""
        context, number = self.context, self.round
        said = bytes((asked.kind,)) + body_digest(asked.body)
        if context.recorded(b"said" + number.to_bytes(4, "little"), said) != said:
            raise MessageRefused(
                "PV-12", "this member said something else there before", where=f"round {number}"
            )
        return sign(context.session, context.member, context.signer, number, asked.kind, asked.body)

    def _take_early(self, message: Message) -> None:
        """A message that came before its round: what is wrong with it is noted only."""
        try:
            self._take(message)
        except MessageRefused:
            return

    def _take(self, message: Message) -> None:
        """PV-11: of the right kind, of the right length, canonical; then it counts."""
        asked, header = self._current, message.header
        if asked is None:
            return
        if header.kind != asked.kind or header.length != len(asked.body):
            raise self._not_taken(header, "another kind or length than this round takes")
        if asked.form is Form.VECTOR:
            try:
                vectors.from_bytes(message.body, len(message.body) // BYTES)
            except DecodeError:
                raise self._not_taken(header, "values that are not canonical") from None
        self._untaken.discard((header.round, header.sender))
        self._kept.setdefault(self.round, {})[header.sender] = message
        self._fresh = True
        if asked.whole and header.sender != self.context.member:
            self._news.append(message)

    def _not_taken(self, header: Header, what: str) -> MessageRefused:
        """PV-11: its sender is at fault, once a round; what it says there next may count."""
        place = header.round, header.sender
        if place in self._untaken:
            return self._refusal(header, "PV-11", what)
        self._untaken.add(place)
        return self._refuse(header, "PV-11", what)

    def _early_by(self, header: Header, what: str) -> TooEarly:
        """The refusal of a message that this member is too far behind for."""
        return TooEarly("PV-11", what, where=f"member {header.sender}, round {header.round}")

    def _refuse(self, header: Header, rule: str, what: str) -> MessageRefused:
        """The refusal of a message: its sender is at fault."""
        if not self.context.hold(header, rule, what):
            rule, what = "PV-26", "not signed"
        return self._refusal(header, rule, what)

    @staticmethod
    def _refusal(header: Header, rule: str, what: str) -> MessageRefused:
        return MessageRefused(rule, what, where=f"member {header.sender}, round {header.round}")
