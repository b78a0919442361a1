"""Where the keys of the lane stand, for people: what everybody can read from the state."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from node.core.genesis import Genesis
from node.core.interfaces import StateReader
from node.core.lane import LaneDomain
from node.lane import generation, layout, sealed
from node.lane.payload import KeyMessage
from private_exec import weights
from private_exec.keygen.protocol import Fault, FaultKind, Keygen, KeygenSucceeded
from private_exec.keys import EpochKey
from private_exec.parameters import Parameters

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


@dataclass(frozen=True, slots=True)
class Protection:
    """What a key of the chain's validators promises (PX-5, PX-11).

    Attributes:
        shares: virtual shares, one for each validator.
        quorum: how many open a batch.
        privacy: how many can read nothing before a batch is opened.
        protected: coalitions of less than this part of the validators can read nothing early.
        opening: the least part of the validators that can open a batch.
    """

    shares: int
    quorum: int
    privacy: int
    protected: Fraction
    opening: Fraction


def protection(genesis: Genesis) -> Protection:
    """Of every key of the chain: its validators hold one share each."""
    count = len(genesis.validators)
    parameters = Parameters.of_equals(count)
    equal = [1] * count
    table = weights.least_stakes(equal, equal)
    protected, opening = weights.fractions(table, count, parameters)
    return Protection(count, parameters.quorum, parameters.privacy, protected, opening)


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
    if latest is None:
        return KeyReport(domain, epoch, first, last, 0, until=phase.until)
    found = generation.finding(state, domain.number, epoch, latest.number)
    keygen = generation.replay(state, genesis, domain.number, epoch, latest.number)
    faults = keygen.faults if found is None else found.faults
    return KeyReport(
        domain,
        epoch,
        first,
        last,
        latest.number,
        key,
        ROUNDS[phase.what] if under_way and phase.what is not None else 0,
        _EXPECTED[phase.what] if under_way and phase.what is not None else "",
        phase.until,
        "" if found is None or found.reason is None else found.reason.value,
        _keys(genesis, keygen.keys),
        _keys(genesis, _dealers(keygen)) if key is not None else (),
        tuple(_blame(genesis, fault) for fault in faults),
    )


def _dealers(keygen: Keygen) -> tuple[int, ...]:
    outcome = keygen.finish(keygen.schedule.complaints + 1)
    return outcome.qualified if isinstance(outcome, KeygenSucceeded) else ()


def _keys(genesis: Genesis, members: object) -> tuple[bytes, ...]:
    return tuple(genesis.validators[member] for member in sorted(members))  # type: ignore[call-overload]


def _blame(genesis: Genesis, fault: Fault) -> Blame:
    return Blame(genesis.validators[fault.member], fault.kind)
