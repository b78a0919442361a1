"""Complaints about inputs, of rounds, sales and deposits.  Rules PV-114, PV-174."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from node.core.effects import Effects, Event
from node.core.interfaces import StateReader
from node.private import committees, deposits, sales
from node.private import state as entries
from node.private.deposits import Deposit
from node.private.errors import PrivateOutdated
from node.private.messages import ComplaintTx
from node.private.rounds import read_input
from node.private.state import Donation, Status, Write
from node.private.terms import Phase
from private_exec.committee import inputs
from private_exec.committee.accusation import Accusation, Verdict
from private_exec.committee.epoch import EpochRecord


@lru_cache(maxsize=256)
def read(data: bytes) -> Accusation:
    """A complaint, strictly. Raises DecodeError."""
    return Accusation.from_bytes(data)


def pending(state: StateReader, identity: bytes, height: int) -> Donation | Deposit:
    """An input about which members may still say something.

    Raises:
        PrivateRefused: PV-109, there is none; PrivateOutdated: PV-114.
    """
    if deposits.find(state, identity) is not None:
        return deposits.pending(state, identity)
    found = entries.donation_of(state, identity)
    terms = entries.round_of(state, found.round).terms
    late = terms.phase(height) not in (Phase.DONATING, Phase.ACCEPTING)
    if found.status is not Status.PENDING or late:
        raise PrivateOutdated(
            "PV-114",
            f"the donation is {found.status.label}; complaints are heard to {terms.accept}",
            where="input",
        )
    return found


@dataclass(frozen=True, slots=True)
class _About:
    """What a complaint is about.

    Attributes:
        kind, group: for the event: name and id of the round, sale or committee.
        record: of the epoch whose keys the input was sealed to.
        refused: what the state has if the input was wrong.
    """

    kind: str
    group: bytes
    record: EpochRecord
    refused: list[Write]


def check_place(state: StateReader, identity: bytes, height: int) -> None:
    """PV-114, PV-174: members may still say something about this input.

    Raises:
        PrivateRefused: PV-109, there is none; PrivateOutdated: PV-114, PV-174.
    """
    if (sale := sales.sale_of_input(state, identity)) is None:
        pending(state, identity, height)
    else:
        sales.pending(state, identity, sale, height)


def _about(state: StateReader, identity: bytes, height: int) -> _About:
    if (sale := sales.sale_of_input(state, identity)) is not None:
        of = sales.pending(state, identity, sale, height)
        epoch = committees.epoch_of(state, of.terms.committee, of.terms.epoch)
        return _About("sale", sale, epoch.record, sales.refused(state, identity, sale, of))
    found = pending(state, identity, height)
    kind = "round" if isinstance(found, Donation) else "committee"
    group = found.round if isinstance(found, Donation) else found.committee
    return _About(kind, group, _record(state, found), _refused(state, found, identity))


def complain(tx: ComplaintTx, state: StateReader, height: int) -> Effects:
    """PV-114: an input that gave a member no share is refused; a false complaint is told.

    Raises:
        PrivateRefused: PV-109, PV-114; PrivateOutdated: PV-174; CommitteeRefused: PV-34.
    """
    about = _about(state, tx.input, height)
    said = read(tx.message)
    key = entries.heard_key(tx.input, said.accuser)
    if state.get(key) is not None:
        raise PrivateOutdated("PV-114", "this member complained before", where="input")
    data = state.get(entries.input_key(tx.input)) or b""
    verdict = inputs.judge(said, read_input(data), about.record)
    writes: list[Write] = [(key, b"\x01")]
    if verdict is Verdict.GUILTY_SENDER:
        writes += about.refused
    event = Event(
        "complaint",
        (
            (about.kind, about.group.hex()),
            ("input", tx.input.hex()),
            ("member", str(said.accuser)),
            ("verdict", verdict.name.lower()),
        ),
    )
    return Effects(writes=tuple(writes), events=(event,))


def _record(state: StateReader, found: Donation | Deposit) -> EpochRecord:
    if isinstance(found, Deposit):
        return committees.epoch_of(state, found.committee, found.epoch).record
    terms = entries.round_of(state, found.round).terms
    return committees.epoch_of(state, terms.committee, terms.epoch).record


def _refused(state: StateReader, found: Donation | Deposit, identity: bytes) -> list[Write]:
    if isinstance(found, Deposit):
        return deposits.over(state, found, identity, Status.REFUSED)
    return entries.over(found, identity, Status.REFUSED)
