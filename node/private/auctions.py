"""Sealed-bid second-price auctions: what of a sale is an auction's alone.  Rules PV-170 … PV-173.

    offer      terms, and a reserve that nobody sees            → `Sale`, its reserve pending
    bid        a hidden amount out of the shielded pool         → `Bid`, pending, locked
    read       bids, 0 in places that nobody took, the reserve
    open       winner and price
    settle     the price to the seller; the winner's bid is less by that

A reserve is a number, not money: nothing goes back for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from node.core.effects import Crossing, Effects
from node.core.ids import EnvironmentId
from node.core.interfaces import StateReader
from node.core.private import PrivateParameters
from node.private import sale_state as entries
from node.private import sales
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.gifts import BidTx, carried_part
from node.private.rounds import read_input
from node.private.sale_entries import Bid
from node.private.sale_payload import OfferTx
from node.private.sale_state import Outcome, Reserve, Sale
from node.private.sale_terms import LIMIT, SalePhase, SaleTerms
from node.private.state import Status, Write
from private_exec import group
from private_exec.committee.cells import Cell, cell_id
from private_exec.pedersen import Opening
from private_exec.provable.session import Known, Read
from transparent.signature import check_key

# --- offers -------------------------------------------------------------------------------------


def check_terms(terms: SaleTerms) -> None:
    """PV-170, as far as it needs no state.

    Raises:
        PrivateRefused: PV-170; InvalidTransaction: TR-3, the seller is no account.
    """
    if terms.kind.logic:
        raise PrivateRefused("PV-170", "prices are of a plain kind", where="kind")
    terms.program.check("PV-170")
    check_key(terms.seller, what="seller")


def check_offer(tx: OfferTx) -> None:
    """PV-170, PV-171, as far as they need no state.

    Raises:
        PrivateRefused: PV-170, PV-171; DecodeError: no input; InvalidTransaction: TR-3.
    """
    check_terms(tx.terms)
    given = sales.check_input(tx.input, tx.sale, 1, "PV-171")
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
    terms, given = tx.terms, read_input(tx.input)
    sales.check_kept(terms, state, height, parameters, statements, "PV-170")
    found = Sale(terms, Reserve(given.id, given.commitments[0]))
    return Effects(
        writes=(
            (entries.sale_key(tx.sale), found.to_bytes()),
            (entries.reserve_key(given.id), tx.sale),
            *sales.entered(given, tx.input, terms, state),
        ),
        nullifiers=(tx.sale,),
        fee=tx.head.fee,
        payer=tx.head.payer,
        events=(sales.event("sale", tx.sale, item=terms.item.hex(), bidders=str(terms.bidders)),),
    )


# --- bids ---------------------------------------------------------------------------------------


def check_bid(tx: BidTx) -> None:
    """PV-172, as far as it needs no state: an input of one value, for this sale.

    Raises:
        PrivateRefused: PV-172; DecodeError: no input; InvalidTransaction: TR-3.
    """
    sales.check_input(tx.input, tx.sale, 1, "PV-172")


def check_open(tx: BidTx, found: Sale, height: int) -> SaleTerms:
    """PV-172: the sale still takes bids, of this kind.

    Raises:
        PrivateRefused: PV-172; PrivateOutdated: PV-172, it came too late, or all places are taken.
    """
    terms = found.terms
    if not isinstance(terms, SaleTerms) or tx.carried.hidden_values[0].kind != terms.kind:
        raise PrivateRefused("PV-172", "bids are of the sale's kind", where="kind")
    if terms.phase(height) is not SalePhase.BIDDING:
        raise PrivateOutdated("PV-172", f"bids ended at {terms.close}", where="sale")
    if found.entered >= terms.bidders:
        raise PrivateOutdated("PV-172", f"all {terms.bidders} places are taken", where="sale")
    return terms


def bid(tx: BidTx, state: StateReader, height: int) -> Effects:
    """PV-172: in time, in a place, of a commitment of its own; locked until the sale is over.

    Raises:
        PrivateRefused: PV-106, PV-113, PV-170, PV-172; PrivateOutdated: PV-172.
        InputRefused: PV-33, PV-40, PV-41.
    """
    found, given = entries.sale_of(state, tx.sale), read_input(tx.input)
    terms = check_open(tx, found, height)
    amount = given.commitments[0]
    entry = Bid(tx.sale, found.entered, given.owner, Status.PENDING, amount, height)
    return Effects(
        writes=(
            *sales.entry(given, entry, found),
            *sales.entered(given, tx.input, terms, state),
        ),
        nullifiers=(tx.id,),
        carried_fee=tx.carried.fee,
        parts=(carried_part(tx, "bid", terms.kind),),
        events=(sales.event("bid", tx.sale, input=given.id.hex(), number=str(found.entered)),),
    )


# --- what comes of it ---------------------------------------------------------------------------


class Auction:
    """What of a session is an auction's; see `node.private.markets`."""

    def check_ready(self, state: StateReader, sale: bytes, found: Sale) -> None:
        """PV-175. Raises PrivateOutdated."""
        if found.lacks:
            raise PrivateOutdated("PV-175", "its reserve was not accepted", where="sale")
        if not entries.accepted(state, sale, found):
            raise PrivateOutdated("PV-175", "no bid was accepted", where="sale")

    def reads(self, state: StateReader, sale: bytes, found: Sale) -> list[Read]:
        """PV-177: its bids, 0 in places that nobody took, the reserve."""
        taken: list[Read] = [
            entries.cell_of(state, cell_id(key, 0))
            for key, _ in entries.accepted(state, sale, found)
        ]
        empty = range(len(taken), found.terms.program.places)
        places = [*taken, *(Known(cell_id(sale, number), 0) for number in empty)]
        asked = () if found.reserve is None else (found.reserve.input,)
        return [*places, *(entries.cell_of(state, cell_id(key, 0)) for key in asked)]

    def declared(
        self,
        state: StateReader,  # noqa: ARG002 - an auction opens all that it makes
        sale: bytes,  # noqa: ARG002
        found: Sale,  # noqa: ARG002
        made: Sequence[Cell],
    ) -> list[list[Cell]]:
        """PV-180: winner and price."""
        return [[cell] for cell in made]

    def opened(
        self,
        outputs: Sequence[Opening],
        state: StateReader,
        sale: bytes,
        found: Sale,
    ) -> Effects:
        """PV-180: a place or none, and a price that a bid can have. Raises PrivateRefused."""
        place, price = (output.value for output in outputs)
        if place > found.terms.program.places or price > LIMIT:
            raise PrivateRefused("PV-180", "no auction has such an outcome", where="outputs")
        # The program counts accepted bids; everybody else counts those that entered.
        bids = entries.accepted(state, sale, found)
        winner = bids[place][1].number if place < len(bids) else found.terms.program.places
        after = replace(found, outcome=Outcome(winner, price))
        return Effects(
            writes=((entries.sale_key(sale), after.to_bytes()),),
            events=(sales.event("outcome", sale, winner=str(winner), price=str(price)),),
        )

    def settle(self, state: StateReader, sale: bytes, found: Sale) -> Effects:
        """PV-181: the price goes to the seller out of the winner's bid; all at once."""
        terms, outcome = found.terms, found.outcome
        if not isinstance(terms, SaleTerms) or not isinstance(outcome, Outcome):
            raise PrivateOutdated("PV-181", "its outputs are not open", where="sale")
        writes: list[Write] = sales.over(state, sale, found)
        if (won := entries.entry_at(state, sale, outcome.winner)) is None:
            gone = sales.event("settled", sale, sold="0")
            return Effects(writes=tuple(writes), events=(gone,))
        key, price = won[0], outcome.price
        bid = entries.bid_of(state, key)
        paid = group.base_g1([price])[0] if price else None
        change = group.total_g1([bid.amount, group.negative(paid)])
        writes.append((entries.entry_key(key), replace(bid, amount=change).to_bytes()))
        due = Crossing(EnvironmentId.TRANSPARENT, terms.seller, terms.kind, price)
        told = sales.event("settled", sale, sold="1", input=key.hex(), price=str(price))
        return Effects(writes=tuple(writes), crossings=(due,) if price else (), events=(told,))
