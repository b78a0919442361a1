"""What one member computes with: session, keys, journal, and what it counts and notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from node.core.ids import tagged_hash
from private_exec.mpc.credit import Credit
from private_exec.mpc.errors import CertificateRefused, MaterialRefused
from private_exec.mpc.labels import Label
from private_exec.mpc.message import OVERHEAD, Header, Session
from private_exec.mpc.prss import PrssKeys
from private_exec.mpc.rounds import Fault
from private_exec.roster import Signer

L = TypeVar("L", bound=Label)


class Journal(Protocol):
    """What this member said and decided; outlives the process. Rules PV-12, PV-16."""

    def record(self, key: bytes, value: bytes) -> bytes:
        """The first value ever recorded under this key: `value`, unless there was one.

        Durable when it returns: what follows from the decision leaves the member only afterwards.
        """
        ...


class MemoryJournal:
    """A `Journal` for tests and simulations; a member's lies on disk."""

    def __init__(self) -> None:
        self._entries: dict[bytes, bytes] = {}

    def record(self, key: bytes, value: bytes) -> bytes:
        return self._entries.setdefault(key, value)


@dataclass
class Tally:
    """What a computation cost one member.

    Attributes:
        rounds: broadcasts.
        bytes: sent to each other member, with headers and signatures.
        triples: multiplications prepared or used.
        bits: random bits prepared or used.
    """

    rounds: int = 0
    bytes: int = 0
    triples: int = 0
    bits: int = 0


@dataclass
class Context:
    """A member in a session.

    Attributes:
        session: of the computation.
        member: 1 … n.
        keys: its pseudo-random secret-sharing keys.
        signer: its signing key.
        journal: its memory.
        absent: members who are not heard in this session, by a record on the chain (PV-23).
        tally: what was spent so far.
        faults: what other members did wrong, as seen from here.
        evidence: pairs of headers that prove equivocation (PV-12).
        round: number of the current round.
        credit: what counts although it was not verified yet (PV-25).
    """

    session: Session
    member: int
    keys: PrssKeys
    signer: Signer = field(repr=False)
    journal: Journal = field(default_factory=MemoryJournal, repr=False)
    absent: frozenset[int] = frozenset()
    tally: Tally = field(default_factory=Tally)
    faults: list[Fault] = field(default_factory=list)
    evidence: list[tuple[Header, Header]] = field(default_factory=list, repr=False)
    round: int = -1
    credit: Credit = field(init=False, repr=False)
    _spent: set[Label] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        self.credit = Credit(self.session)

    def begin(self, number: int, length: int) -> None:
        """A round begins with a body of this length."""
        self.round = number
        self.tally.rounds += 1
        self.tally.bytes += length + OVERHEAD

    def accuse(self, members: tuple[int, ...], rule: str, what: str) -> None:
        """Note what members did wrong in the current round."""
        self.faults.extend(Fault(member, rule, self.round, what) for member in members)

    def hold(self, header: Header, rule: str, what: str) -> bool:
        """PV-26: note what a member did wrong by a message, if it signed that.

        Returns:
            Whether it did. If not, it is at fault for having brought it.
        """
        signed = self.credit.signed(header)
        if signed:
            self.faults.append(Fault(header.sender, rule, header.round, what))
        else:
            self.distrust(header)
        return signed

    def distrust(self, header: Header) -> None:
        """PV-26: note, once, that a member itself brought what it had not signed."""
        if self.credit.lose(header.sender):
            what = "brought a message that it had not signed"
            self.faults.append(Fault(header.sender, "PV-26", header.round, what))

    def once(self, label: L) -> L:
        """The label, at its first use in this session.

        Raises:
            MaterialRefused: PV-19, it was used before.
        """
        if label in self._spent:
            raise MaterialRefused("PV-19", "randomness of one name is made once", where="label")
        self._spent.add(label)
        return label

    def recorded(self, name: bytes, choice: bytes) -> bytes:
        """What this member first chose in this session under a name: now, or before a restart.

        A choice depends on what had arrived, so a member that starts again might choose otherwise.
        It repeats what it chose, recorded before it was sent.
        """
        return self.journal.record(
            tagged_hash("private/mpc/choice", self.session.digest, name), choice
        )

    def decide_once(self, name: bytes, choice: bytes) -> None:
        """PV-16: record a decision of this session before it is sent.

        Raises:
            CertificateRefused: PV-16, it was decided otherwise before, perhaps before a restart.
        """
        if self.recorded(name, choice) != choice:
            raise CertificateRefused(
                "PV-16", "this member decided otherwise before", where=f"round {self.round}"
            )
