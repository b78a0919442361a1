"""The key ceremony as every node replays it from the chain.  Rules PV-35, PV-36.

    notice      EKᵢ, fresh, with a proof, signed
    dealing     hashes and sealed parts of the keys of the dealer's sets
    complaint   K = eᵢ·E: anyone opens what was sealed to the accuser, and judges
    finish      the epoch's record, or why there is none

Messages come in the chain's order, each with the height of its block. No dealer is replaced: each
set has t + 1 dealers, so while at most t members are faulty an honest one is left, and the key of a
set is made of the parts of those who are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from private_exec.committee import accusation as accusations
from private_exec.committee import dealing as dealings
from private_exec.committee import notice as notices
from private_exec.committee.accusation import Accusation, Verdict
from private_exec.committee.dealing import Dealing
from private_exec.committee.epoch import EpochContext, EpochRecord, Schedule
from private_exec.committee.errors import CeremonyRefused, ComplaintRefused
from private_exec.committee.notice import Notice
from zk.curve.bn254 import G1Affine


class FaultKind(Enum):
    """What a member can be blamed for; the node decides what it costs."""

    SILENT = "gave no encryption key"
    NO_DEALING = "gave an encryption key and dealt nothing"
    INVALID_DEALING = "signed a dealing that PV-32 or PV-33 refuses"
    BAD_PART = "sealed a part that its hash does not fit"
    FALSE_COMPLAINT = "accused a dealer whose parts were right"


@dataclass(frozen=True, slots=True)
class Fault:
    """Blame with a public reason."""

    member: int
    kind: FaultKind


@dataclass(frozen=True, slots=True)
class CeremonyFailed:
    """No keys: more than t members are faulty. The old ones serve until their end."""

    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class CeremonySucceeded:
    """The epoch's record, and who was at fault; its record counts them."""

    record: EpochRecord
    faults: tuple[Fault, ...]


Outcome = CeremonySucceeded | CeremonyFailed
CheckDealing = Callable[[Dealing, EpochContext, dict[int, G1Affine]], None]
"""`dealing.check`, or one that remembers what passed."""


class Ceremony:
    """One attempt, replayed. A method that raises has changed nothing but, at most, the faults.

    Attributes:
        context: of the attempt.
        schedule: its deadlines.
        keys: encryption keys by member, as noticed so far.
        dealings: valid dealings by dealer.
        guilty: dealers whose parts were found wrong.
        faults: everything that somebody was blamed for so far.
    """

    def __init__(
        self, context: EpochContext, schedule: Schedule, check: CheckDealing = dealings.check
    ) -> None:
        self._check = check
        self.context = context
        self.schedule = schedule
        self.keys: dict[int, G1Affine] = {}
        self.dealings: dict[int, Dealing] = {}
        self.guilty: set[int] = set()
        self.faults: list[Fault] = []
        self._heard: set[tuple[int, int]] = set()

    def copy(self) -> Ceremony:
        """The same attempt at the same point; what one is told the other does not hear."""
        other = Ceremony(self.context, self.schedule, self._check)
        other.keys, other.dealings = dict(self.keys), dict(self.dealings)
        other.guilty, other.faults = set(self.guilty), list(self.faults)
        other._heard = set(self._heard)
        return other

    @property
    def session(self) -> bytes:
        """Meaningful once notices are closed."""
        return self.context.session(self.keys)

    def notice(self, message: Notice, height: int) -> None:
        """An encryption key.

        Raises:
            CeremonyRefused: PV-35 late or second, PV-31.
        """
        self.schedule.in_time(height, 0, self.schedule.notices, "notice")
        if message.member in self.keys:
            raise CeremonyRefused("PV-35", "this member gave its key", where="notice")
        notices.check(message, self.context)
        self.keys[message.member] = message.key

    def deal(self, message: Dealing, height: int) -> None:
        """A dealing.

        Raises:
            CeremonyRefused: PV-35 early, late or second; PV-32 not its dealer's; PV-32, PV-33: its
                dealer is blamed and left out.
        """
        self.schedule.in_time(height, self.schedule.notices + 1, self.schedule.dealings, "dealing")
        if message.dealer in self.dealings or self._is_blamed(message.dealer):
            raise CeremonyRefused("PV-35", "this dealer has dealt", where="dealing")
        dealings.check_signature(message, self.context, self.keys)
        try:
            self._check(message, self.context, self.keys)
        except CeremonyRefused:
            self._blame(message.dealer, FaultKind.INVALID_DEALING)
            raise
        self.dealings[message.dealer] = message

    def complain(self, message: Accusation, height: int) -> Verdict:
        """A complaint: changes who is qualified.

        Raises:
            CeremonyRefused: PV-35 early, late or second.
            ComplaintRefused: PV-34.
        """
        first, last = self.schedule.dealings + 1, self.schedule.complaints
        self.schedule.in_time(height, first, last, "complaint")
        dealing = self._accused(message)
        if (message.accuser, dealing.dealer) in self._heard:
            raise CeremonyRefused("PV-35", "this complaint was heard", where="complaint")
        verdict = self._judge(message, dealing)
        self._heard.add((message.accuser, dealing.dealer))
        if verdict is Verdict.FALSE_ACCUSER:
            self._blame(message.accuser, FaultKind.FALSE_COMPLAINT)
        else:
            self._blame(dealing.dealer, FaultKind.BAD_PART)
            self.guilty.add(dealing.dealer)
        return verdict

    def _accused(self, message: Accusation) -> Dealing:
        session = self.session
        for dealing in self.dealings.values():
            if dealing.digest(session) == message.about and dealing.dealer != message.accuser:
                return dealing
        raise ComplaintRefused(
            "PV-34",
            "it is about no other member's dealing that stands",
            where=f"complaint of member {message.accuser}",
        )

    def _judge(self, message: Accusation, dealing: Dealing) -> Verdict:
        shared = accusations.disclosed(
            message,
            self.context.declaration,
            self.session,
            self.keys,
            message.about,
            dealing.sealed.ephemeral,
        )
        if shared is None:
            return Verdict.FALSE_ACCUSER
        parts = dealings.open_parts(dealing, self.context, self.keys, message.accuser, shared)
        return Verdict.GUILTY_SENDER if parts is None else Verdict.FALSE_ACCUSER

    def finish(self, height: int) -> Outcome:
        """The result, once complaints are closed.

        Raises:
            CeremonyRefused: PV-35, not yet.
        """
        if height <= self.schedule.complaints:
            raise CeremonyRefused(
                "PV-35", f"complaints are heard until {self.schedule.complaints}", where="finish"
            )
        members = self.context.declaration.members
        faults = list(self.faults)
        faults += [Fault(m, FaultKind.SILENT) for m in members if m not in self.keys]
        faults += [
            Fault(m, FaultKind.NO_DEALING)
            for m in sorted(self.keys)
            if m not in self.dealings and not self._is_blamed(m)
        ]
        faulty = tuple(sorted({fault.member for fault in faults}))
        if len(faulty) > self.context.declaration.size.t:
            return CeremonyFailed(tuple(faults))
        qualified = tuple(sorted(set(self.dealings) - self.guilty))
        record = EpochRecord(self.context, dict(self.keys), qualified, faulty)
        return CeremonySucceeded(record, tuple(faults))

    def _is_blamed(self, dealer: int) -> bool:
        return Fault(dealer, FaultKind.INVALID_DEALING) in self.faults

    def _blame(self, member: int, kind: FaultKind) -> None:
        fault = Fault(member, kind)
        if fault not in self.faults:
            self.faults.append(fault)
