"""Rounds of matching funds: opened, given to, closed by heights, opened to sums, settled.

    round      locks the pool                                    → `Round` with empty tallies
    donate     a hidden amount out of the shielded pool          → `Donation`, pending
    complaint  the input is wrong: it goes back                  (complaints.py)
    accept     2t + 1 members have their shares; tallies grow    (acceptance.py)
    open       S = Σw and T = Σc of each project, checked against the sums of commitments
    settle     what follows from them, paid to accounts          → payouts; or the pool goes back

Nothing here is secret, and nothing asks who gave what: sums of commitments are public points.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import lru_cache

from circuits.crossing import MAX_WEIGHT
from node.core.amounts import MAX_AMOUNT
from node.core.effects import Crossing, Effects, Event
from node.core.ids import AccountId, EnvironmentId
from node.core.interfaces import StateReader
from node.core.private import PrivateParameters
from node.private import committees
from node.private import state as entries
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.gifts import DonateTx, carried_part
from node.private.messages import OpenTx, SettleTx
from node.private.paid import RoundTx
from node.private.state import CELLS_OF_DONATION, Donation, Round, Status, Sums, Tally, Write
from node.private.terms import Phase, Terms
from private_exec.committee import inputs, opening
from private_exec.committee.inputs import Input
from private_exec.programs import quadratic
from transparent.signature import check_key


@lru_cache(maxsize=256)
def read_input(data: bytes) -> Input:
    """An input, strictly. Raises DecodeError."""
    return Input.from_bytes(data)


# --- opening a round ----------------------------------------------------------------------------


def check_terms(terms: Terms) -> None:
    """PV-107, as far as it needs no state. Raises PrivateRefused, or InvalidTransaction: TR-3."""
    if terms.kind.logic or not 0 < terms.pool <= MAX_AMOUNT:
        raise PrivateRefused("PV-107", "a pool is of a plain kind, and not empty", where="pool")
    if not terms.projects or terms.least < 1:
        raise PrivateRefused(
            "PV-107", "a round has projects, and opens none without donations", where="projects"
        )
    for index, project in enumerate(terms.projects):
        check_key(project.recipient, what=f"recipient {index}")


def open_round(
    tx: RoundTx, state: StateReader, height: int, parameters: PrivateParameters
) -> Effects:
    """PV-107, PV-108: under terms that can be kept; the pool leaves its provider's account."""
    terms, step = tx.terms, parameters.step_heights
    epoch = committees.epoch_of(state, terms.committee, terms.epoch)
    deadlines = (height, terms.close, terms.accept, terms.open)
    if any(b - a < step for a, b in itertools.pairwise(deadlines)):
        raise PrivateRefused(
            "PV-107", f"deadlines {deadlines[1:]} are not {step} heights apart", where="deadlines"
        )
    last = min(epoch.until, height + parameters.round_heights)
    if terms.open > last:
        raise PrivateRefused(
            "PV-107",
            f"ends at {terms.open}; its keys, or any round, to {last} at most",
            where="deadlines",
        )
    found = Round(terms, tx.head.payer, 0, (Tally(),) * len(terms.projects))
    locked = Crossing(
        EnvironmentId.TRANSPARENT, tx.head.payer, terms.kind, -terms.pool, tx.authorization
    )
    return Effects(
        writes=((entries.round_key(tx.id), found.to_bytes()),),
        nullifiers=(tx.id,),
        crossings=(locked,),
        fee=tx.head.fee,
        payer=tx.head.payer,
        events=(_event("round", tx.id, pool=str(terms.pool), projects=str(len(terms.projects))),),
    )


# --- donations ----------------------------------------------------------------------------------


def check_donation(tx: DonateTx) -> None:
    """PV-109, as far as it needs no state: an input of two values, for this round.

    Raises:
        PrivateRefused: PV-109.
        DecodeError: no input.
        InvalidTransaction: TR-3, its owner is no key.
    """
    given = read_input(tx.given.input)
    if given.reference != tx.given.round or len(given.values) != CELLS_OF_DONATION:
        raise PrivateRefused("PV-109", "its input is not of w and c for this round", where="input")
    check_key(AccountId(given.owner), what="owner")


def donate(tx: DonateTx, state: StateReader, height: int, parameters: PrivateParameters) -> Effects:
    """PV-109, PV-112, PV-113: in time, from a member, once, of commitments that are its own."""
    found, given = entries.round_of(state, tx.given.round), read_input(tx.given.input)
    check_open(tx, found, height, parameters)
    terms = found.terms
    epoch = committees.epoch_of(state, terms.committee, terms.epoch)
    inputs.check(given, epoch.record)
    used = entries.used(state, given.duplicate_keys, given.id)
    identity, project = tx.given.round, tx.given.project
    weight, amount = given.commitments
    entry = Donation(identity, project, given.owner, Status.PENDING, weight, amount, height)
    after = replace(found, donations=found.donations + 1)
    writes: list[Write] = [
        (entries.round_key(identity), after.to_bytes()),
        (entries.listed_key(identity, found.donations), given.id),
        (entries.donation_key(given.id), entry.to_bytes()),
        (entries.input_key(given.id), tx.given.input),
        *entries.waiting_entries(given.id),
        *used,
    ]
    return Effects(
        writes=tuple(writes),
        nullifiers=(tx.given.nullifier.to_bytes(32, "little"),),
        carried_fee=tx.carried.fee,
        parts=(carried_part(tx, "donation", terms.kind),),
        events=(_event("donation", identity, input=given.id.hex(), project=str(project)),),
    )


def check_open(tx: DonateTx, found: Round, height: int, parameters: PrivateParameters) -> None:
    """PV-109: what a donation says of its round is so, and the round still takes donations.

    Raises:
        PrivateRefused: PV-109; PrivateOutdated: PV-109, it came too late, or the round is full.
    """
    terms = found.terms
    if tx.given.project >= len(terms.projects) or tx.given.members != terms.members:
        raise PrivateRefused("PV-109", "its project or members are not the round's", where="round")
    if terms.phase(height) is not Phase.DONATING:
        raise PrivateOutdated("PV-109", f"donations ended at {terms.close}", where="round")
    if found.donations >= parameters.max_donations:
        raise PrivateOutdated("PV-109", f"it has {found.donations} donations", where="round")


# --- sums ---------------------------------------------------------------------------------------


def check_phase(found: Round, height: int) -> None:
    """PV-116: sums are opened once, in their time. Raises PrivateOutdated: PV-116."""
    if found.sums or found.terms.phase(height) is not Phase.OPENING:
        raise PrivateOutdated(
            "PV-116",
            f"sums are opened once, from {found.terms.accept + 1} to {found.terms.open}",
            where="round",
        )


def check_sums(tx: OpenTx, found: Round, height: int) -> tuple[Sums, ...]:
    """PV-116: each project's sums open the sums of its commitments, and are sums of donations.

    Returns:
        By project; zeros for those that are not opened.

    Raises:
        PrivateOutdated: PV-116, too early, too late, or opened before.
        PrivateRefused: PV-116; OpeningRefused: PV-45; ImpossibleTally: PV-81.
    """
    check_phase(found, height)
    terms = found.terms
    wanted = [tally for tally in found.tallies if tally.count >= terms.least]
    commitments = [com for tally in wanted for com in (tally.weights, tally.amounts)]
    opening.check(tx.opened, tx.round, commitments, named=False)  # anybody may send it, unpaid
    given = iter([output.value for output in tx.opened.outputs])
    sums = tuple(
        Sums(next(given), next(given)) if tally.count >= terms.least else Sums()
        for tally in found.tallies
    )
    _check_payable(sums, found)
    return sums


def _check_payable(sums: tuple[Sums, ...], found: Round) -> None:
    """PV-116: what was opened can be settled, so that no round is stuck between open and settled.

    Raises:
        PrivateRefused: PV-116; ImpossibleTally: PV-81.
    """
    for index, (item, tally) in enumerate(zip(sums, found.tallies, strict=True)):
        if item.weights > tally.count * MAX_WEIGHT:
            raise PrivateRefused("PV-116", "no such weights", where=f"project {index}")
    if found.terms.pool + sum(item.amounts for item in sums) > MAX_AMOUNT:
        raise PrivateRefused("PV-116", "more was given than there is", where="sums")
    quadratic.check_tallies([quadratic.Tally(item.weights, item.amounts) for item in sums])


def open_sums(tx: OpenTx, state: StateReader, height: int) -> Effects:
    """PV-116. Raises PrivateRefused: PV-107, PV-116."""
    found = entries.round_of(state, tx.round)
    sums = check_sums(tx, found, height)
    after = replace(found, sums=sums)
    shown = ",".join(f"{item.weights}:{item.amounts}" for item in sums)
    return Effects(
        writes=((entries.round_key(tx.round), after.to_bytes()),),
        events=(_event("sums", tx.round, sums=shown),),
    )


# --- ends ---------------------------------------------------------------------------------------


def check_due(found: Round, height: int) -> None:
    """PV-117: a round is settled once, when its sums are open or can be no more.

    Raises:
        PrivateOutdated: PV-117.
    """
    if found.settled or not (found.sums or height > found.terms.open):
        raise PrivateOutdated(
            "PV-117", f"settled, or not opened yet and not over at {found.terms.open}",
            where="round",
        )  # fmt: skip


def payouts(found: Round) -> tuple[tuple[int | None, ...], int]:
    """PV-117 (PV-80): what each project gets beside its donations, and what the provider gets back.

    A project that was not opened gets nothing, whatever its minimum: its donors get theirs back.

    Raises:
        ImpossibleTally: PV-81, sums that no donations have.
    """
    if not found.sums:
        return (), found.terms.pool
    tallies = [
        quadratic.Tally(item.weights, item.amounts, project.minimum)
        for item, project in zip(found.sums, found.terms.projects, strict=True)
    ]
    settled = quadratic.settle(found.terms.pool, tallies)
    paid = tuple(
        payout if funded and tally.count >= found.terms.least else None
        for payout, funded, tally in zip(
            settled.payouts, settled.funded, found.tallies, strict=True
        )
    )
    return paid, settled.back


def settle(tx: SettleTx, state: StateReader, height: int) -> Effects:
    """PV-117, PV-118: pay what follows from the sums, or give the pool back."""
    found = entries.round_of(state, tx.round)
    check_due(found, height)
    paid, back = payouts(found)
    due: dict[AccountId, int] = {found.provider: back}
    for payout, item, project in zip(paid, found.sums, found.terms.projects, strict=False):
        if payout is not None:
            mine = due.get(project.recipient, 0)
            due[project.recipient] = mine + item.amounts + payout
    crossings = tuple(
        Crossing(EnvironmentId.TRANSPARENT, account, found.terms.kind, amount)
        for account, amount in sorted(due.items())
        if amount
    )
    after = replace(found, payouts=paid, settled=True)
    shown = ",".join("-" if payout is None else str(payout) for payout in paid)
    return Effects(
        writes=((entries.round_key(tx.round), after.to_bytes()),),
        crossings=crossings,
        events=(_event("settled", tx.round, payouts=shown, back=str(back)),),
    )


def _event(name: str, identity: bytes, **fields: str) -> Event:
    return Event(name, (("round", identity.hex()), *fields.items()))
