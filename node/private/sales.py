"""Sales: sealed-bid second-price auctions, from an offer to accepted bids.

    offer      terms, and a reserve that nobody sees            → `Sale`, its reserve pending
    bid        a hidden amount out of the shielded pool         → `Bid`, pending, locked
    complaint  an input is wrong: the bid goes back, or there is no auction
    accept     2t + 1 members have their shares                 → cells of the sale

What is computed of them is in calls.py, what comes of it in results.py. A reserve is a number, not
money: nothing goes back for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import replace

from node.core.effects import Effects, Event
from node.core.ids import AccountId
from node.core.interfaces import StateReader
from node.core.private import PrivateParameters
from node.private import committees
from node.private import sale_state as entries
from node.private import state as shared
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.gifts import BidTx, carried_part
from node.private.messages import AcceptTx
from node.private.rounds import read_input
from node.private.sale_payload import OfferTx
from node.private.sale_state import Bid, Sale
from node.private.sale_terms import (
    MAX_BIDDERS,
    MIN_BIDDERS,
    SalePhase,
    SaleTerms,
    statement_of,
)
from node.private.state import Status, Write
from private_exec.committee import acceptance as acceptances
from private_exec.committee import inputs
from private_exec.committee.acceptance import Acceptance
from private_exec.committee.cells import cell_id
from private_exec.committee.inputs import Input
from private_exec.mpc.labels import CellId
from transparent.signature import check_key
from zk.curve.bn254 import G1Affine

COMPUTING_STEPS = 2
"""Steps between the last acceptance and the last result, at least: those of one attempt."""

# --- offers -------------------------------------------------------------------------------------


def check_terms(terms: SaleTerms) -> None:
    """PV-170, as far as it needs no state.

    Raises:
        PrivateRefused: PV-170; InvalidTransaction: TR-3, the seller is no account.
    """
    if terms.kind.logic:
        raise PrivateRefused("PV-170", "prices are of a plain kind", where="kind")
    if not MIN_BIDDERS <= terms.bidders <= MAX_BIDDERS:
        raise PrivateRefused(
            "PV-170", f"a sale has {MIN_BIDDERS} to {MAX_BIDDERS} places", where="bidders"
        )
    check_key(terms.seller, what="seller")


def check_offer(tx: OfferTx) -> None:
    """PV-170, PV-171, as far as they need no state.

    Raises:
        PrivateRefused: PV-170, PV-171; DecodeError: no input; InvalidTransaction: TR-3.
    """
    check_terms(tx.terms)
    given = _one_value(tx.input, tx.sale, "PV-171")
    if (given.committee, given.epoch) != (tx.terms.committee, tx.terms.epoch):
        raise PrivateRefused("PV-171", "its reserve is for another committee", where="input")


def offer(
    tx: OfferTx,
    state: StateReader,
    height: int,
    parameters: PrivateParameters,
    statements: Collection[str],
) -> Effects:
    """PV-170: under terms that can be kept, of a program whose key the chain has.

    Raises:
        PrivateRefused: PV-106, PV-113, PV-170; InputRefused: PV-33, PV-40, PV-41.
    """
    terms, step = tx.terms, parameters.step_heights
    if (name := statement_of(terms.bidders)) not in statements:
        raise PrivateRefused("PV-170", f"the chain has no key of {name}", where="bidders")
    epoch = committees.epoch_of(state, terms.committee, terms.epoch)
    last = min(epoch.until - step, height + parameters.round_heights)
    _check_deadlines(terms, height, step, last)
    given = read_input(tx.input)
    inputs.check(given, epoch.record)
    found = Sale(terms, given.id, given.commitments[0])
    return Effects(
        writes=(
            (entries.sale_key(tx.sale), found.to_bytes()),
            (entries.reserve_key(given.id), tx.sale),
            *_entered(given, tx.input, state),
        ),
        nullifiers=(tx.sale,),
        fee=tx.head.fee,
        payer=tx.head.payer,
        events=(event("sale", tx.sale, item=terms.item.hex(), bidders=str(terms.bidders)),),
    )


def _check_deadlines(terms: SaleTerms, height: int, step: int, last: int) -> None:
    """PV-170. Raises PrivateRefused."""
    deadlines = (height, terms.close, terms.accept, terms.prove)
    if any(b - a < step for a, b in itertools.pairwise(deadlines)) or (
        terms.prove - terms.accept < COMPUTING_STEPS * step
    ):
        raise PrivateRefused(
            "PV-170",
            f"deadlines {deadlines[1:]} are not {step} heights apart, the last two twice as much",
            where="deadlines",
        )
    if terms.prove > last:
        raise PrivateRefused(
            "PV-170", f"ends at {terms.prove}; its keys, or any sale, at {last}", where="deadlines"
        )


# --- bids ---------------------------------------------------------------------------------------


def check_bid(tx: BidTx) -> None:
    """PV-172, as far as it needs no state: an input of one value, for this sale.

    Raises:
        PrivateRefused: PV-172; DecodeError: no input; InvalidTransaction: TR-3.
    """
    _one_value(tx.input, tx.sale, "PV-172")


def check_open(tx: BidTx, found: Sale, height: int) -> None:
    """PV-172: the sale still takes bids, of this kind.

    Raises:
        PrivateRefused: PV-172; PrivateOutdated: PV-172, it came too late, or all places are taken.
    """
    terms = found.terms
    if tx.carried.hidden_values[0].kind != terms.kind:
        raise PrivateRefused("PV-172", "bids are of the sale's kind", where="kind")
    if terms.phase(height) is not SalePhase.BIDDING:
        raise PrivateOutdated("PV-172", f"bids ended at {terms.close}", where="sale")
    if found.bids >= terms.bidders:
        raise PrivateOutdated("PV-172", f"all {terms.bidders} places are taken", where="sale")


def bid(tx: BidTx, state: StateReader, height: int) -> Effects:
    """PV-172: in time, in a place, of a commitment of its own; locked until the sale is over.

    Raises:
        PrivateRefused: PV-106, PV-113, PV-170, PV-172; PrivateOutdated: PV-172.
        InputRefused: PV-33, PV-40, PV-41.
    """
    found, given = entries.sale_of(state, tx.sale), read_input(tx.input)
    check_open(tx, found, height)
    epoch = committees.epoch_of(state, found.terms.committee, found.terms.epoch)
    inputs.check(given, epoch.record)
    amount = given.commitments[0]
    entry = Bid(tx.sale, found.bids, given.owner, Status.PENDING, amount, height)
    after = replace(found, bids=found.bids + 1)
    carried = carried_part(tx, "bid", found.terms.kind)
    return Effects(
        writes=(
            (entries.sale_key(tx.sale), after.to_bytes()),
            (entries.place_key(tx.sale, found.bids), given.id),
            (entries.bid_key(given.id), entry.to_bytes()),
            *_entered(given, tx.input, state),
        ),
        nullifiers=(tx.id,),
        carried_fee=tx.carried.fee,
        parts=(carried,),
        events=(event("bid", tx.sale, input=given.id.hex(), number=str(found.bids)),),
    )


def _one_value(data: bytes, sale: bytes, rule: str) -> Input:
    given = read_input(data)
    if given.reference != sale or len(given.values) != 1:
        raise PrivateRefused(rule, "its input is not of one value for this sale", where="input")
    check_key(AccountId(given.owner), what="owner")
    return given


def _entered(given: Input, data: bytes, state: StateReader) -> list[Write]:
    """PV-113: the input waits for members, and its commitment is used up."""
    if any(state.get(shared.used_key(key)) is not None for key in given.duplicate_keys):
        raise PrivateRefused("PV-113", "a commitment of it was used before", where="input")
    return [
        (shared.input_key(given.id), data),
        (shared.waiting_key(cell_id(given.id, 0)), given.id + b"\x00"),
        *((shared.used_key(key), given.id) for key in given.duplicate_keys),
    ]


# --- members ------------------------------------------------------------------------------------


def sale_of_input(state: StateReader, identity: bytes) -> bytes | None:
    """The sale that an input belongs to, as a bid or as its reserve."""
    if (found := entries.find_bid(state, identity)) is not None:
        return found.sale
    return state.get(entries.reserve_key(identity))


def pending(state: StateReader, identity: bytes, sale: bytes, height: int) -> Sale:
    """PV-174: an input of a sale about which members may still say something.

    Raises:
        PrivateRefused: PV-170; PrivateOutdated: PV-174.
    """
    found = entries.sale_of(state, sale)
    bid = entries.find_bid(state, identity)
    status = found.status if bid is None else bid.status
    late = found.terms.phase(height) not in (SalePhase.BIDDING, SalePhase.ACCEPTING)
    if status is not Status.PENDING or late:
        raise PrivateOutdated(
            "PV-174",
            f"the input is {status.label}; members are heard to {found.terms.accept}",
            where="input",
        )
    return found


def became(
    state: StateReader, identity: bytes, found: Sale, status: Status
) -> tuple[Sale, list[Write]]:
    """An input that waits no longer; the sale is written by the caller."""
    writes = shared.forget_input(identity)
    bid = entries.find_bid(state, identity)
    if bid is None:
        return replace(found, status=status), writes
    writes.append((entries.bid_key(identity), replace(bid, status=status).to_bytes()))
    return found, writes


def refused(state: StateReader, identity: bytes, sale: bytes, found: Sale) -> list[Write]:
    """PV-174: a bid that gave a member no share goes back; without a reserve there is no call."""
    after, writes = became(state, identity, found, Status.REFUSED)
    return [*writes, (entries.sale_key(sale), after.to_bytes())]


def check_place(state: StateReader, sale: bytes, height: int) -> Sale:
    """PV-174: the sale still takes acceptances. Raises PrivateOutdated."""
    found = entries.sale_of(state, sale)
    if found.terms.phase(height) not in (SalePhase.BIDDING, SalePhase.ACCEPTING):
        raise PrivateOutdated(
            "PV-174", f"inputs were accepted until {found.terms.accept}", where="sale"
        )
    return found


def accept(tx: AcceptTx, said: Acceptance, state: StateReader, height: int) -> Effects:
    """PV-174: inputs of a sale, named in the place of a round, become its cells.

    Raises:
        PrivateRefused: PV-106; PrivateOutdated: PV-174; CommitteeRefused: PV-43, PV-44.
    """
    found = check_place(state, tx.round, height)
    epoch = committees.epoch_of(state, found.terms.committee, found.terms.epoch)
    here: dict[CellId, tuple[bytes, G1Affine]] = {}
    for row in said.cells:
        place = state.get(shared.waiting_key(row.id))
        if place is None or sale_of_input(state, place[:-1]) != tx.round:
            continue
        bid = entries.find_bid(state, place[:-1])
        here[row.id] = place[:-1], found.asked if bid is None else bid.amount
    commitments = {cell: com for cell, (_, com) in here.items()}
    writes: list[Write] = []
    for cell in acceptances.accept(said, epoch.record, commitments):
        found, changes = became(state, here[cell.id][0], found, Status.ACCEPTED)
        writes += [*changes, (entries.cell_key(cell.id), cell.to_bytes())]
    writes.append((entries.sale_key(tx.round), found.to_bytes()))
    names = ",".join(identity.hex() for identity, _ in here.values())
    return Effects(writes=tuple(writes), events=(event("accepted", tx.round, inputs=names),))


def event(name: str, sale: bytes, **fields: str) -> Event:
    """Of a sale."""
    return Event(name, (("sale", sale.hex()), *fields.items()))
