"""Key generation as every node replays it from the chain.  Rules PX-22, PX-23.

Messages come in the chain's order, each with the height of its block; deadlines are heights. What a
message does is a function of the messages before it, so all nodes end with the same key, or the
same reason why there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.errors import KeygenRefused
from private_exec.keygen import complaint as complaints
from private_exec.keygen import dealing as dealings
from private_exec.keygen import notice as notices
from private_exec.keygen.complaint import Complaint, Verdict
from private_exec.keygen.context import Context, Schedule
from private_exec.keygen.dealing import Dealing
from private_exec.keygen.notice import Notice
from private_exec.keys import EpochKey
from private_exec.roster import SIGNATURE_BYTES, Signer
from private_exec.sharing import commitment_weights
from zk.curve.bn254 import G1Affine


class FaultKind(Enum):
    """What a member can be blamed for; the node decides what it costs."""

    NOT_OPENED = "committed to a dealing and did not open it"
    INVALID_DEALING = "dealt what PX-3 or PX-20 refuses"
    BAD_SHARE = "sealed a wrong share"
    FALSE_COMPLAINT = "accused a dealer whose share was right"
    TWO_COMMITS = "signed two commits"


@dataclass(frozen=True, slots=True)
class Fault:
    """Blame with a public reason."""

    member: int
    kind: FaultKind


class FailureReason(Enum):
    """Why an attempt gave no key."""

    TOO_FEW_NOTICES = "holders of fewer than T shares gave encryption keys"
    TOO_FEW_DEALERS = "holders of fewer than T shares dealt rightly"
    CANCELLED_OUT = "the dealings' secrets add up to 0"


@dataclass(frozen=True, slots=True)
class KeygenFailed:
    """No key; the old one is kept for a while, and then the sealed lane closes loudly."""

    reason: FailureReason
    weight: int
    needed: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class KeygenSucceeded:
    """A key, and who dealt it."""

    key: EpochKey
    qualified: tuple[int, ...]
    faults: tuple[Fault, ...]


Outcome = KeygenSucceeded | KeygenFailed
CheckDealing = Callable[[Dealing, Context, dict[int, G1Affine]], None]
"""`dealing.check`, or one that remembers what passed."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Hash of a dealing that is still to come, signed by the dealer."""

    dealer: int
    digest: bytes
    signature: bytes

    def to_bytes(self) -> bytes:
        return Writer().u16(self.dealer).raw(self.digest, 32).done() + self.signature

    @staticmethod
    def from_bytes(data: bytes) -> Commit:
        reader = Reader(data, "commit")
        commit = Commit(reader.u16(), reader.take(32), reader.take(SIGNATURE_BYTES))
        reader.done()
        return commit


def make_commit(session: bytes, dealing: Dealing, signer: Signer) -> Commit:
    """Commit to a dealing."""
    digest = dealing.digest(session)
    return Commit(dealing.dealer, digest, signer.sign(_commit_digest(session, digest)))


def _commit_digest(session: bytes, digest: bytes) -> bytes:
    return tagged_hash("private/keygen/commit", session, digest)


class Keygen:
    """One attempt, replayed. A method that raises has changed nothing but, at most, the faults.

    Attributes:
        context: of the attempt.
        schedule: its deadlines.
        keys: encryption keys by member, as noticed so far.
        dealings: valid dealings by dealer.
        guilty: dealers whose shares were found wrong.
        faults: everything that somebody can be blamed for.
    """

    def __init__(
        self, context: Context, schedule: Schedule, check: CheckDealing = dealings.check
    ) -> None:
        self._check = check
        self.context = context
        self.schedule = schedule
        self.keys: dict[int, G1Affine] = {}
        self.commits: dict[int, bytes] = {}
        self.dealings: dict[int, Dealing] = {}
        self.guilty: set[int] = set()
        self._heard: set[tuple[int, int]] = set()
        self.faults: list[Fault] = []

    def copy(self) -> Keygen:
        """The same attempt at the same point; what one is told the other does not hear."""
        other = Keygen(self.context, self.schedule, self._check)
        other.keys, other.commits = dict(self.keys), dict(self.commits)
        other.dealings, other.guilty = dict(self.dealings), set(self.guilty)
        other._heard, other.faults = set(self._heard), list(self.faults)
        return other

    @property
    def session(self) -> bytes:
        """Meaningful once notices are closed."""
        return dealings.session_of(self.context, self.keys)

    def notice(self, message: Notice, height: int) -> None:
        """An encryption key.

        Raises:
            KeygenRefused: PX-23 late or second, PX-2.
        """
        self._in_time(height, 0, self.schedule.notices, "notice")
        if message.member in self.keys:
            raise KeygenRefused("PX-23", "this member gave its key", where="notice")
        notices.check(message, self.context)
        self.keys[message.member] = message.key

    def commit(self, message: Commit, height: int) -> None:
        """The hash of a dealing.

        Raises:
            KeygenRefused: PX-23 early, late, second, or not the dealer's.
        """
        self._in_time(height, self.schedule.notices + 1, self.schedule.commits, "commit")
        roster = self.context.roster
        if message.dealer >= len(roster.members) or not roster.check_signature(
            message.dealer, _commit_digest(self.session, message.digest), message.signature
        ):
            raise KeygenRefused("PX-23", "not signed by its dealer", where="commit")
        known = self.commits.get(message.dealer)
        if known is not None:
            if known != message.digest:
                self._blame(message.dealer, FaultKind.TWO_COMMITS)
            raise KeygenRefused("PX-23", "this dealer has committed", where="commit")
        self.commits[message.dealer] = message.digest

    def deal(self, message: Dealing, height: int) -> None:
        """A dealing that was committed to.

        Raises:
            KeygenRefused: PX-23 early, late, second, or another than committed to (that says
                nothing about the dealer: anyone can send one); PX-3, PX-20: its dealer is blamed
                and left out.
        """
        self._in_time(height, self.schedule.commits + 1, self.schedule.dealings, "dealing")
        if message.dealer in self.dealings:
            raise KeygenRefused("PX-23", "this dealer has dealt", where="dealing")
        if self.commits.get(message.dealer) != message.digest(self.session):
            raise KeygenRefused("PX-23", "not what its dealer committed to", where="dealing")
        try:
            self._check(message, self.context, self.keys)
        except KeygenRefused:
            self._blame(message.dealer, FaultKind.INVALID_DEALING)
            raise
        self.dealings[message.dealer] = message

    def complain(self, message: Complaint, height: int) -> Verdict:
        """A complaint in time: changes who is qualified.

        Raises:
            KeygenRefused: PX-23 early, late or second, PX-21.
        """
        self._in_time(height, self.schedule.dealings + 1, self.schedule.complaints, "complaint")
        return self._judge(message)

    def complain_late(self, message: Complaint, height: int) -> Verdict:
        """PX-10: behind the deadline a complaint still blames, and the key stays as it is.

        Raises:
            KeygenRefused: PX-23 in time, so it belongs to `complain`, or second; PX-21.
        """
        if height <= self.schedule.complaints:
            raise KeygenRefused("PX-23", "this complaint is in time", where="complaint")
        return self._judge(message, late=True)

    def _judge(self, message: Complaint, *, late: bool = False) -> Verdict:
        dealing = self.dealings.get(message.dealer)
        if dealing is None:
            raise KeygenRefused(
                "PX-21", "it is about a dealing that does not stand", where="complaint"
            )
        if (message.accuser, message.dealer) in self._heard:
            raise KeygenRefused("PX-23", "this complaint was heard", where="complaint")
        verdict = complaints.judge(message, dealing, self.context, self.keys)
        self._heard.add((message.accuser, message.dealer))
        if verdict is Verdict.FALSE_ACCUSER:
            self._blame(message.accuser, FaultKind.FALSE_COMPLAINT)
        else:
            self._blame(message.dealer, FaultKind.BAD_SHARE)
            if not late:
                self.guilty.add(message.dealer)
        return verdict

    def finish(self, height: int) -> Outcome:
        """The result, once complaints are closed.

        Raises:
            KeygenRefused: PX-23, not yet.
        """
        if height <= self.schedule.complaints:
            raise KeygenRefused(
                "PX-23", f"complaints are heard until {self.schedule.complaints}", where="finish"
            )
        faults = list(self.faults)
        blamed = {fault.member for fault in faults if fault.kind is FaultKind.INVALID_DEALING}
        faults += [
            Fault(dealer, FaultKind.NOT_OPENED)
            for dealer in sorted(set(self.commits) - set(self.dealings) - blamed)
        ]
        qualified = tuple(sorted(set(self.dealings) - self.guilty))
        needed = self.context.parameters.quorum
        for reason, among in (
            (FailureReason.TOO_FEW_NOTICES, self.keys),
            (FailureReason.TOO_FEW_DEALERS, qualified),
        ):
            weight = sum(self.context.roster.members[m].shares for m in among)
            if weight < needed:
                return KeygenFailed(reason, weight, needed, tuple(faults))
        key = self._key(qualified)
        if key is None:
            return KeygenFailed(FailureReason.CANCELLED_OUT, 0, needed, tuple(faults))
        return KeygenSucceeded(key, qualified, tuple(faults))

    def _key(self, qualified: tuple[int, ...]) -> EpochKey | None:
        """Sum of the qualified dealings' commitments, evaluated for every share number."""
        parameters, count = self.context.parameters, self.context.commitments
        chosen = [self.dealings[dealer] for dealer in qualified]
        pk1 = group.total_g1([dealing.first[0] for dealing in chosen])
        columns = [group.total_g2([dealing.second[k] for dealing in chosen]) for k in range(count)]
        vks = tuple(
            group.sum_g2(commitment_weights(parameters.packing, i, count), columns)
            for i in range(1, parameters.shares + 1)
        )
        if pk1 is None or None in vks:
            return None
        return EpochKey(
            self.context.domain,
            self.context.epoch,
            parameters,
            self.context.roster,
            pk1,
            columns[0],
            vks,
        )

    def _in_time(self, height: int, first: int, last: int, what: str) -> None:
        if not first <= height <= last:
            raise KeygenRefused(
                "PX-23", f"a {what} counts up to height {last}, not at {height}", where=what
            )

    def _blame(self, member: int, kind: FaultKind) -> None:
        fault = Fault(member, kind)
        if fault not in self.faults:
            self.faults.append(fault)
