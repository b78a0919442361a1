"""All members in one process, some of them faulty: the same code as in daemons, without a network.

    outcome = run(Committee.of(Size.of(4), seed), program, faults=[Wrong(2, Kind.PRODUCT)])

A program is a function of a member's context. Faults (`faults`) are what dishonest members do. Runs
are deterministic. With `order`, messages arrive one at a time in an order drawn from that seed, and
members go on as soon as they can.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Generic

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.core.ids import ChainId, tagged_hash
from private_exec.mpc import vectors
from private_exec.mpc.context import Context, Journal, MemoryJournal
from private_exec.mpc.errors import MpcRefused
from private_exec.mpc.faults import Fault, Late, spoken
from private_exec.mpc.labels import SessionId
from private_exec.mpc.material import Material, Request, Triples
from private_exec.mpc.message import Kind, Message, Session, sign
from private_exec.mpc.party import Party
from private_exec.mpc.prss import PrssKeys
from private_exec.mpc.rounds import Rounds, T
from private_exec.mpc.shamir import Size
from private_exec.mpc.testing import keys_of_all, shared
from private_exec.roster import Signer
from zk.errors import ChiaroError
from zk.field.arrays import U64Array


@dataclass(frozen=True)
class Committee:
    """Members with everything that each of them has.

    Attributes:
        session: that they compute in.
        keys: by member.
        signers: by member.
        absent: members who are not heard.
    """

    session: Session
    keys: Mapping[int, PrssKeys] = field(repr=False)
    signers: Mapping[int, Signer] = field(repr=False)
    absent: frozenset[int] = frozenset()

    @staticmethod
    def of(size: Size, seed: bytes) -> Committee:
        """A committee that is a function of a seed: for tests and measurements."""

        def derived(*parts: object) -> bytes:
            return tagged_hash("private/mpc/simulate", seed, repr(parts).encode())

        signers = {
            member: Ed25519PrivateKey.from_private_bytes(derived("signer", member))
            for member in size.members
        }
        keys = {held.member: held for held in keys_of_all(size, derived("keys"))}
        public = tuple(s.public_key().public_bytes_raw() for s in signers.values())
        session = Session(ChainId(derived("chain")), SessionId(derived("session")), size, public)
        return Committee(session, keys, signers)

    def context(self, member: int, journal: Journal | None = None) -> Context:
        """A member that starts."""
        return Context(
            self.session,
            member,
            self.keys[member],
            self.signers[member],
            MemoryJournal() if journal is None else journal,
            self.absent,
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """What an observer of the network sees of a message: round, kind, sender, bytes of the body."""

    round: int
    kind: Kind
    sender: int
    length: int


@dataclass
class Outcome(Generic[T]):
    """What became of a run.

    Attributes:
        results: of members that finished.
        errors: what members refused to go on for.
        contexts: of all members: tallies, faults noted, evidence.
        sent: every broadcast, as it should have been sent.
        messages: the same, whole: what a test looks into.
        unheard: whom members that neither finish nor refuse wait for, by member.
    """

    results: dict[int, T] = field(default_factory=dict)
    errors: dict[int, ChiaroError] = field(default_factory=dict)
    contexts: dict[int, Context] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list, repr=False)
    unheard: dict[int, frozenset[int]] = field(default_factory=dict)

    def accused(self, of: int) -> set[int]:
        """Members that a member holds to be faulty."""
        return {fault.member for fault in self.contexts[of].faults}

    def refused(self, among: Iterable[int] | None = None) -> set[tuple[type[ChiaroError], str]]:
        """Errors' types and rules, of some members or of all that have one."""
        chosen = self.errors.values() if among is None else (self.errors[m] for m in among)
        return {(type(error), error.id) for error in chosen}


def run(
    committee: Committee,
    program: Callable[[Context], Rounds[T]],
    *,
    faults: Iterable[Fault] = (),
    journals: Mapping[int, Journal] | None = None,
    order: int | None = None,
    relay: bool = False,
    own_links: bool = True,
    closes: bool = True,
) -> Outcome[T]:
    """Let all members run a program until each is done, or refuses.

    Args:
        committee: who.
        program: what.
        faults: applied to every message and receiver, in order.
        journals: by member; fresh ones otherwise.
        order: seed of the order in which messages arrive; without it everybody hears everybody
            in each round.
        relay: members pass on what others say in rounds that wait for all (PV-24).
        own_links: members know what its sender itself brought (PV-25).
        closes: rounds in which nobody gets on are closed; no member's process does that.
    """
    simulation: _Simulation[T] = _Simulation(
        committee, tuple(faults), order, relay, own_links, closes
    )
    return simulation.run(program, journals or {})


class _Simulation(Generic[T]):
    """One run."""

    def __init__(
        self,
        committee: Committee,
        faults: tuple[Fault, ...],
        order: int | None,
        relay: bool,
        own_links: bool,
        closes: bool,
    ) -> None:
        self.committee = committee
        self.faults = faults
        self.relay = relay
        self.own_links = own_links
        self.closes = closes
        self.random = None if order is None else random.Random(order)
        self.parties: dict[int, Party[T]] = {}
        self.outcome: Outcome[T] = Outcome()
        self.queue: list[tuple[int, bool, bytes]] = []
        self.later: list[tuple[int, bool, bytes]] = []
        self.sent: dict[int, int] = {}

    def run(
        self, program: Callable[[Context], Rounds[T]], journals: Mapping[int, Journal]
    ) -> Outcome[T]:
        for member in self.committee.session.members:
            context = self.committee.context(member, journals.get(member))
            self.outcome.contexts[member] = context
            self._guarded(member, partial(self._begin, member, context, program))
        while self.parties:
            self._send()
            self._deliver()
            if not self._step(closed=False) and not self.queue and not self._close():
                break
            self.queue, self.later = self.queue + self.later, []
        self.outcome.unheard = {m: party.unheard for m, party in self.parties.items()}
        return self.outcome

    def _begin(
        self, member: int, context: Context, program: Callable[[Context], Rounds[T]]
    ) -> None:
        self.parties[member] = Party(context, spoken(member, program(context), self.faults))
        self._finish(member)

    def _guarded(self, member: int, action: Callable[[], object]) -> None:
        """An error ends a member, not the run."""
        try:
            action()
        except ChiaroError as error:
            self.outcome.errors[member] = error
            self.parties.pop(member, None)

    def _finish(self, member: int) -> None:
        if self.parties[member].done:
            self.outcome.results[member] = self.parties.pop(member).result

    def _send(self) -> None:
        """Everybody's message of its round, once, to everybody else."""
        for member, party in self.parties.items():
            message = party.outgoing
            if message is None or self.sent.get(member, -1) >= party.round:
                continue
            self.sent[member] = party.round
            head = message.header
            self.outcome.sent.append(Sent(head.round, head.kind, member, head.length))
            self.outcome.messages.append(message)
            data = message.to_bytes()
            for receiver in self.committee.session.members:
                if receiver != member:
                    self._carry(message, data, receiver)

    def _carry(self, message: Message, data: bytes, receiver: int) -> None:
        late, original = False, message
        for fault in self.faults:
            changed = fault.carry(message, receiver, self._resign)
            if changed is None:
                return
            late = late or isinstance(changed, Late)
            message = changed.message if isinstance(changed, Late) else changed
        carried = data if message is original else message.to_bytes()
        own = self.own_links and message.sender == original.sender
        (self.later if late else self.queue).append((receiver, own, carried))

    def _resign(self, message: Message, body: bytes) -> Message:
        head = message.header
        signer = self.committee.signers[head.sender]
        return sign(self.committee.session, head.sender, signer, head.round, head.kind, body)

    def _deliver(self) -> None:
        """All of the queue, or one message where the order is drawn."""
        if self.random is None:
            queue, self.queue = self.queue, []
        elif self.queue:
            queue = [self.queue.pop(self.random.randrange(len(self.queue)))]
        else:
            return
        for receiver, own, data in queue:
            if receiver in self.parties:
                try:
                    self.parties[receiver].receive(data, own_link=own)
                except MpcRefused:
                    continue  # noted by the party, if it is somebody's fault
                self._pass_on(receiver)

    def _pass_on(self, member: int) -> None:
        """PV-24, where it is asked for."""
        for message in self.parties[member].news():
            others = set(self.committee.session.members) - {member, message.sender}
            if self.relay:
                data = message.to_bytes()
                self.queue.extend((other, False, data) for other in sorted(others))

    def _close(self) -> bool:
        """What is late counts where no round is closed; otherwise a round is, for some."""
        return self._step(closed=True) if self.closes else bool(self.later)

    def _step(self, *, closed: bool) -> bool:
        """One step for everybody who can take one; a round is closed for those furthest behind."""
        moved = False
        first = min((party.round for party in self.parties.values()), default=0)
        for member, party in list(self.parties.items()):
            if closed and party.round > first:
                continue

            def step(member: int = member) -> None:
                nonlocal moved
                moved = self.parties[member].step(closed=closed) or moved
                self._pass_on(member)
                self._finish(member)

            before = len(self.parties)
            self._guarded(member, step)
            moved = moved or len(self.parties) < before
        return moved


# -- what a test deals itself ---------------------------------------------------------------------


def shares_of(committee: Committee, values: Iterable[int], seed: int = 0) -> dict[int, U64Array]:
    """Shares of values, by member, dealt by whoever tests."""
    size = committee.session.size
    return shared(values, size, size.t, seed)


def material_of(committee: Committee, request: Request, seed: int = 0) -> dict[int, Material]:
    """What preparation would have made, by member, dealt by whoever tests."""
    drawn = random.Random(seed)
    a, b = ([drawn.randrange(vectors.R) for _ in range(request.triples)] for _ in range(2))
    bits = [drawn.randrange(2) for _ in range(request.bits)]
    columns = (a, b, [x * y for x, y in zip(a, b, strict=True)], bits)
    parts = [shares_of(committee, values, seed + k) for k, values in enumerate(columns)]
    return {
        member: Material(Triples(*(part[member] for part in parts[:3])), parts[3][member], ())
        for member in committee.session.members
    }
