"""Shares of validators as they arrive, until they open a batch.  Rules LN-30, LN-31.

What arrives is signed or it is nothing: every message is checked against its member's consensus key
before it takes room, so only validators can fill it, and each only its own part.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from node.core.effects import BatchScope
from node.core.lane import MAX_REVEAL_WINDOW
from node.lane import evidence
from node.lane.errors import LaneRefused
from private_exec import reveal as reveals
from private_exec.batch import Batch
from private_exec.errors import SealRefused, TooFewShares
from private_exec.keys import EpochKey
from private_exec.reveal import Reveal
from private_exec.shares import ShareMessage, check_form, check_two_roots, judge

MOST_EARLY: Final = 16
"""Messages of a member that wait for their batch to be known here."""
MOST_KEPT: Final = 256
"""Faults that are remembered."""
_AHEAD: Final = 16
"""How far ahead of the last block here a message's height may be: this node may be behind."""


@dataclass(frozen=True, slots=True)
class ShareFault:
    """A validator signed shares that do not fit its public key (PX-18).

    Attributes:
        validator: its consensus key; its place is another in each epoch.
        domain: number.
        height: of the block that closed the batch.
        rule: that the shares break.
        evidence: LN-51, of kind `WRONG_SHARE`; empty where what it signed proves nothing to others.
    """

    validator: bytes
    domain: int
    height: int
    rule: str
    evidence: bytes = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class TwoRoots:
    """Two signed messages that prove that their sender broke PX-19.

    Attributes:
        validator: its consensus key.
        domain: number.
        first, second: what it signed.
    """

    validator: bytes
    domain: int
    first: ShareMessage
    second: ShareMessage

    @property
    def evidence(self) -> bytes:
        """LN-50, of kind `TWO_ROOTS`."""
        return evidence.two_roots(self.domain, self.first, self.second)


class Gathering:
    """The shares of one batch.

    Attributes:
        scope: of the batch.
        batch: the batch.
        reveal: what opens it, once enough is there.
    """

    def __init__(self, scope: BatchScope, batch: Batch) -> None:
        self.scope: Final = scope
        self.batch: Final = batch
        self.reveal: Reveal | None = None
        self._messages: dict[int, ShareMessage] = {}
        self._guilty: set[int] = set()

    @property
    def members(self) -> tuple[int, ...]:
        """Whose shares are here."""
        return tuple(sorted(self._messages))

    @property
    def missing(self) -> int:
        """Shares that lack until it can be opened."""
        key = self.batch.key
        here = sum(key.roster.members[m].shares for m in self._messages)
        return 0 if self.reveal is not None else max(0, key.parameters.quorum - here)

    def add(self, message: ShareMessage) -> None:
        """LN-31: one message for each member, of the right form; its points are checked later.

        Raises:
            LaneRefused: LN-31, its first message was wrong.
            SealRefused: PX-8, PX-18.
        """
        check_form(message, self.batch)
        if message.member in self._guilty:
            raise LaneRefused("LN-31", "its sender signed wrong shares", where="shares")
        self._messages.setdefault(message.member, message)

    def combine(self) -> list[ShareFault]:
        """Try to open the batch; returns who turned out to have signed wrong shares."""
        roster, quorum = self.batch.key.roster, self.batch.key.parameters.quorum
        weight = sum(roster.members[m].shares for m in self._messages)
        if self.reveal is not None or weight < quorum:
            return []
        messages = [self._messages[m] for m in self.members]
        try:
            self.reveal, refused = reveals.recover(self.batch, messages)
        except TooFewShares:
            verdicts = zip(messages, judge(self.batch, messages), strict=True)
            refused = {m.member: error for m, error in verdicts if error is not None}
        found = [
            self._fault(self._messages[member], refused[member].rule) for member in sorted(refused)
        ]
        for member in refused:
            del self._messages[member]
            self._guilty.add(member)
        return found

    def convict(self, message: ShareMessage) -> list[ShareFault]:
        """Judge one message alone; the sender of a wrong one is known by it, needed or not.

        Raises:
            SealRefused: PX-8, PX-18, it is not even of the right form.
        """
        check_form(message, self.batch)
        refused = judge(self.batch, [message])[0]
        if refused is None:
            return []
        if self._messages.get(message.member) == message:
            del self._messages[message.member]
        self._guilty.add(message.member)
        return [self._fault(message, refused.rule)]

    def _fault(self, message: ShareMessage, rule: str) -> ShareFault:
        return ShareFault(
            self.batch.key.roster.members[message.member].key,
            self.scope.domain,
            self.batch.height,
            rule,
            evidence.wrong_share(self.scope.domain, self.batch, message),
        )


class Gatherings:
    """All batches that are pending here, and what came too early for one.

    Attributes:
        faults: wrong shares, attributed.
        two_roots: evidence, the first against each member in each domain: it is enough, and who
            signs much more pushes out nobody else's.
    """

    def __init__(self) -> None:
        self.faults: deque[ShareFault] = deque(maxlen=MOST_KEPT)
        self.two_roots: list[TwoRoots] = []
        self._height = 0
        self._keys: Mapping[tuple[int, int], EpochKey] = {}
        self._pending: dict[bytes, Gathering] = {}
        self._early: dict[bytes, deque[ShareMessage]] = {}
        self._said: dict[tuple[int, int, int, int], ShareMessage] = {}

    def follow(
        self,
        height: int,
        keys: Mapping[tuple[int, int], EpochKey],
        pending: Sequence[tuple[BatchScope, Batch]],
    ) -> None:
        """The state went on: these batches are pending now, under these keys.

        Args:
            height: of the last block.
            keys: by domain and epoch.
            pending: in the order in which they are to be opened.
        """
        self._height, self._keys = height, keys
        before, self._pending = self._pending, {}
        for scope, batch in pending:
            self._pending[batch.root] = before.get(batch.root) or Gathering(scope, batch)
        self._said = {
            place: message
            for place, message in self._said.items()
            if place[2] >= height - MAX_REVEAL_WINDOW
        }
        early, self._early = self._early, {}
        for sender, message in ((key, message) for key, row in early.items() for message in row):
            with contextlib.suppress(LaneRefused, SealRefused):
                self._place(message, sender)
        for item in self._pending.values():
            self._blame(*item.combine())

    def missing(self) -> int:
        """Shares that lack until all that is pending can be opened."""
        return sum(item.missing for item in self._pending.values())

    def of(self, scope: BatchScope) -> Gathering | None:
        """The shares of a batch that is pending."""
        return next((g for g in self._pending.values() if g.scope == scope), None)

    def hear(self, message: ShareMessage) -> None:
        """LN-31: keep what a validator signed.

        Raises:
            LaneRefused: LN-31, signed by none, of another time, or of one who signed wrong shares.
            SealRefused: PX-8, PX-18.
        """
        if not -MAX_REVEAL_WINDOW <= message.height - self._height <= _AHEAD:
            raise LaneRefused(
                "LN-31", f"shares of height {message.height} at {self._height}", where="shares"
            )
        domain = self._domain_of(message)
        if domain is None:
            raise LaneRefused("LN-31", "no validator signed these shares", where="shares")
        sender = self._sender(domain, message)
        self._compare(domain, message, sender)
        try:
            gathering = self._place(message, sender)
        except SealRefused as error:
            self._blame(self._malformed(domain, message, error.rule))
            raise
        if gathering is not None:
            self._blame(*gathering.combine())

    def convict(self, messages: Sequence[ShareMessage]) -> None:
        """LN-31: shares of a vote that is refused because one of them is wrong.

        What is refused with a vote would else be seen by nobody whose batch opens without it.
        """
        for message in messages:
            gathering, domain = self._pending.get(message.root), self._domain_of(message)
            if gathering is None or domain is None:
                continue
            try:
                self._blame(*gathering.convict(message))
            except SealRefused as error:
                self._blame(self._malformed(domain, message, error.rule))

    def _malformed(self, domain: int, message: ShareMessage, rule: str) -> ShareFault:
        """Signed, and not even of the form that the batch asks for.

        Proved by that to others only where it was signed under the batch's own key: under another
        epoch's its member has another place in the roster, or none.
        """
        batch, key = self._pending[message.root].batch, self._keys[domain, message.epoch]
        own = (message.height, key.digest) == (batch.height, batch.key.digest)
        proof = evidence.wrong_share(domain, batch, message) if own else b""
        return ShareFault(self._sender(domain, message), domain, message.height, rule, proof)

    def _blame(self, *faults: ShareFault) -> None:
        self.faults.extend(fault for fault in faults if fault not in self.faults)

    def _domain_of(self, message: ShareMessage) -> int | None:
        """Under whose key it was signed; the key's digest is in what is signed."""
        for (domain, epoch), key in self._keys.items():
            if (
                epoch == message.epoch
                and message.member < len(key.roster.members)
                and key.roster.check_signature(
                    message.member, message.digest(key), message.signature
                )
            ):
                return domain
        return None

    def _sender(self, domain: int, message: ShareMessage) -> bytes:
        """Consensus key of who signed."""
        return self._keys[domain, message.epoch].roster.members[message.member].key

    def _compare(self, domain: int, message: ShareMessage, sender: bytes) -> None:
        """PX-19: two roots of one height are evidence."""
        place = (domain, message.epoch, message.height, message.member)
        first = self._said.setdefault(place, message)
        try:
            check_two_roots(self._keys[domain, message.epoch], first, message)
        except SealRefused:
            return
        known = {(item.domain, item.validator) for item in self.two_roots}
        if (domain, sender) not in known:
            self.two_roots.append(TwoRoots(sender, domain, first, message))

    def _place(self, message: ShareMessage, sender: bytes) -> Gathering | None:
        """Into its batch, or to those that came early; what is over is dropped."""
        gathering = self._pending.get(message.root)
        if gathering is not None:
            gathering.add(message)
        elif message.height > self._height:
            row = self._early.setdefault(sender, deque(maxlen=MOST_EARLY))
            if message not in row:
                row.append(message)
        return gathering
