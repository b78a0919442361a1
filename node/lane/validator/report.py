"""Where the keys of the lane stand, for people: what everybody can read from the state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from node.core.genesis import Genesis
from node.core.interfaces import StateReader
from node.core.lane import LaneDomain
from node.lane import generation, holders, layout, sealed
from node.lane.errors import LaneRefused
from node.lane.holders import Holders
from node.lane.payload import KeyMessage
from private_exec.keygen.protocol import FaultKind, Keygen, KeygenSucceeded
from private_exec.keys import EpochKey

ROUNDS = {what: number for number, what in enumerate(KeyMessage, 1)}
"""Which of the four rounds a message belongs to."""
_EXPECTED = {
    KeyMessage.NOTICE: "notice",
    KeyMessage.COMMIT: "commit",
    KeyMessage.DEALING: "dealing",
    KeyMessage.COMPLAINT: "complaint",
}


@dataclass(frozen=True, slots=True)
class Blame:
    """What a validator was found at fault for."""

    validator: bytes
    kind: FaultKind


@dataclass(frozen=True, slots=True)
class Share:
    """A validator of an epoch.

    Attributes:
        validator: consensus key.
        weight: its stake, as the roster has it.
        shares: virtual shares of the epoch's keys; 0: it has no part in them.
    """

    validator: bytes
    weight: int
    shares: int


@dataclass(frozen=True, slots=True)
class Protection:
    """What a key of an epoch promises (PX-5, PX-11).

    Attributes:
        shares: virtual shares in all.
        quorum: how many open a batch.
        privacy: how many can read nothing before a batch is opened.
        protected: coalitions with less than this part of the stake can read nothing early.
        opening: the least part of the stake that can open a batch.
        batch: most sealed intents of a batch, by what shares weigh (PX-24).
        digest: of who has which shares (LN-49).
    """

    shares: int
    quorum: int
    privacy: int
    protected: Fraction
    opening: Fraction
    batch: int
    digest: bytes


def protection(held: Holders) -> Protection:
    """Of every key of an epoch."""
    found, parameters = held.assignment, held.parameters
    return Protection(
        parameters.shares,
        parameters.quorum,
        parameters.privacy,
        found.protected,
        found.opening,
        found.batch,
        holders.digest(held.roster, parameters),
    )


def shares(held: Holders) -> tuple[Share, ...]:
    """Of everybody with stake, in the roster's order."""
    return tuple(
        Share(member.key, member.weight, count)
        for member, count in zip(held.committee.members, held.assignment.shares, strict=True)
    )


@dataclass(frozen=True, slots=True)
class KeyReport:
    """The key of a domain for an epoch.

    Attributes:
        domain: of genesis.
        epoch: number.
        first, last: heights of the epoch.
        attempt: number of the one that is under way or over, or that would be the next.
        key: if it was made.
        round: 1 to 4 while an attempt is under way; else 0.
        expected: kind of message that counts in it; else empty.
        until: last height at which that counts, or at which an attempt may be opened.
        reason: why the last attempt gave no key; else empty.
        participants: consensus keys of who gave an encryption key in the attempt.
        dealers: of whose secrets the key is the sum.
        faults: of the attempt.
        holders: who has stake in the epoch, and how many shares of its keys.
        protection: what they promise; None: the stakes give no safe shares (LN-45), and `reason`
            says so.
    """

    domain: LaneDomain
    epoch: int
    first: int
    last: int
    attempt: int
    key: EpochKey | None = None
    round: int = 0
    expected: str = ""
    until: int = 0
    reason: str = ""
    participants: tuple[bytes, ...] = ()
    dealers: tuple[bytes, ...] = ()
    faults: tuple[Blame, ...] = ()
    holders: tuple[Share, ...] = ()
    protection: Protection | None = None


def key_report(state: StateReader, genesis: Genesis, height: int) -> tuple[KeyReport, ...]:
    """By domain: the epoch of the block that comes next, and the following where anything is known.

    Args:
        state: after the last block.
        genesis: of the chain.
        height: of the last block.

    Raises:
        ConsensusFault: the chain has no lane.
    """
    lane = sealed.parameters_of(genesis)
    now = lane.epoch_of(height + 1)
    return tuple(
        _report(state, genesis, domain, epoch, height + 1)
        for domain in lane.domains
        for epoch in (now, now + 1)
        if epoch == now or layout.attempt(state, domain.number, epoch) is not None
    )


def _report(
    state: StateReader, genesis: Genesis, domain: LaneDomain, epoch: int, height: int
) -> KeyReport:
    lane = sealed.parameters_of(genesis)
    phase = generation.phase(state, genesis, domain.number, epoch, height)
    latest = layout.attempt(state, domain.number, epoch)
    key = layout.key_of(state, domain.number, epoch)
    first, last = lane.first_height(epoch), lane.last_height(epoch)
    under_way = phase.opened is not None and phase.what is not None and key is None
    try:
        held = holders.of(state, genesis, epoch)
    except LaneRefused as error:
        said = f"{error.id}: {error.message}"
        return KeyReport(domain, epoch, first, last, 0, until=phase.until, reason=said)
    about = KeyReport(
        domain, epoch, first, last, 0, until=phase.until, holders=shares(held),
        protection=protection(held),
    )  # fmt: skip
    if latest is None:
        return about
    found = generation.finding(state, domain.number, epoch, latest.number)
    keygen = generation.replay(state, genesis, domain.number, epoch, latest.number)
    faults = keygen.faults if found is None else found.faults
    return replace(
        about,
        attempt=latest.number,
        key=key,
        round=ROUNDS[phase.what] if under_way and phase.what is not None else 0,
        expected=_EXPECTED[phase.what] if under_way and phase.what is not None else "",
        reason="" if found is None or found.reason is None else found.reason.value,
        participants=_keys(held, keygen.keys),
        dealers=_keys(held, _dealers(keygen)) if key is not None else (),
        faults=tuple(Blame(held.roster.members[item.member].key, item.kind) for item in faults),
    )


def _dealers(keygen: Keygen) -> tuple[int, ...]:
    outcome = keygen.finish(keygen.schedule.complaints + 1)
    return outcome.qualified if isinstance(outcome, KeygenSucceeded) else ()


def _keys(held: Holders, members: Iterable[int]) -> tuple[bytes, ...]:
    return tuple(held.roster.members[member].key for member in sorted(members))
