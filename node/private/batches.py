"""Batches of orders at one price: what of a sale is a batch's alone.  Rules PV-200 … PV-207.

    batch      two kinds, a ladder of prices                    → `Sale`
    order      limit, quantity and a pad, all hidden            → `Order`, pending; what it can cost
                                                                  is locked
    read       sides, limits, quantities; nothing in places that nobody took
    open       the tick, and each fill under its owner's pad
    settle     what is left of each order, and what it traded, by adding points

An owner shares a random pad with the members beside its order. What is opened of a fill is its sum
with the pad, which says nothing to anybody else: so everybody sees that every owner was told, in
the moment in which the price is, and that it was told the truth.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from node.core.effects import Effects
from node.core.ids import AccountId
from node.core.interfaces import StateReader
from node.core.private import PrivateParameters
from node.private import sale_state as entries
from node.private import sales
from node.private.batch_terms import MAX_UNIT, BatchTerms, Clearing
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.gifts import OrderTx, carried_part
from node.private.rounds import read_input
from node.private.sale_entries import LIMIT_AT, PAD_AT, QUANTITY_AT, VALUES, Fill, Order
from node.private.sale_payload import BatchTx
from node.private.sale_state import Sale
from node.private.sale_terms import SalePhase, Side
from node.private.state import Status, Write
from private_exec import group
from private_exec.committee.cells import Cell, cell_id
from private_exec.pedersen import Opening
from private_exec.provable.session import Known, Read

# --- batches ------------------------------------------------------------------------------------


def check_terms(terms: BatchTerms) -> None:
    """PV-200, as far as it needs no state. Raises PrivateRefused."""
    if terms.base.logic or terms.quote.logic or terms.base == terms.quote:
        raise PrivateRefused("PV-200", "trades two plain kinds for each other", where="kinds")
    terms.program.check("PV-200")
    if not (terms.low and terms.step and 1 <= terms.lot <= MAX_UNIT and terms.top <= MAX_UNIT):
        raise PrivateRefused(
            "PV-200",
            f"prices rise from 1 to {MAX_UNIT}, and a lot has as many units",
            where="prices",
        )


def open_batch(
    tx: BatchTx,
    state: StateReader,
    height: int,
    parameters: PrivateParameters,
    statements: Collection[str],
) -> Effects:
    """PV-200: under terms that can be kept, of a program whose key the chain has.

    Raises:
        PrivateRefused: PV-106, PV-200.
    """
    terms = tx.terms
    sales.check_kept(terms, state, height, parameters, statements, "PV-200")
    sizes = {"orders": str(terms.orders), "ticks": str(terms.ticks)}
    return Effects(
        writes=((entries.sale_key(tx.sale), Sale(terms).to_bytes()),),
        nullifiers=(tx.sale,),
        fee=tx.head.fee,
        payer=tx.head.payer,
        events=(sales.event("batch", tx.sale, **sizes),),
    )


# --- orders -------------------------------------------------------------------------------------


def check_order(tx: OrderTx) -> None:
    """PV-201, as far as it needs no state: an input of three values, for this batch.

    Raises:
        PrivateRefused: PV-201; DecodeError: no input; InvalidTransaction: TR-3.
    """
    said = tx.ordered
    if not (1 <= said.unit <= MAX_UNIT and said.ticks):
        raise PrivateRefused("PV-201", "no order locks so much", where="unit")
    sales.check_input(said.input, said.sale, VALUES, "PV-201")


def check_open(tx: OrderTx, found: Sale, height: int) -> tuple[BatchTerms, Side]:
    """PV-201: the batch still takes orders, and this one is proved for its terms.

    Raises:
        PrivateRefused: PV-201; PrivateOutdated: PV-201, it came too late, or all places are taken.
    """
    terms, kind = found.terms, tx.carried.hidden_values[0].kind
    side = terms.side(kind) if isinstance(terms, BatchTerms) else None
    if not isinstance(terms, BatchTerms) or side is None:
        raise PrivateRefused("PV-201", "orders lock a kind of their batch", where="kind")
    if (tx.ordered.unit, tx.ordered.ticks) != (terms.unit(side), terms.ticks):
        raise PrivateRefused("PV-201", "it is proved for other terms", where="unit")
    if terms.phase(height) is not SalePhase.BIDDING:
        raise PrivateOutdated("PV-201", f"orders ended at {terms.close}", where="sale")
    if found.entered >= terms.orders:
        raise PrivateOutdated("PV-201", f"all {terms.orders} places are taken", where="sale")
    return terms, side


def order(tx: OrderTx, state: StateReader, height: int) -> Effects:
    """PV-201: in time, in a place, of commitments of its own; locked until the batch is over.

    Raises:
        PrivateRefused: PV-106, PV-113, PV-170, PV-201; PrivateOutdated: PV-201.
        InputRefused: PV-33, PV-40, PV-41.
    """
    sale, given = tx.ordered.sale, read_input(tx.ordered.input)
    found = entries.sale_of(state, sale)
    terms, side = check_open(tx, found, height)
    limit, quantity, pad = given.commitments
    locked = group.multiple_g1(terms.unit(side), quantity)
    entry = Order(
        sale, found.entered, given.owner, Status.PENDING, height, side, limit, quantity, pad, locked
    )
    said = {"input": given.id.hex(), "number": str(found.entered), "side": side.label}
    return Effects(
        writes=(
            *sales.entry(given, entry, found),
            *sales.entered(given, tx.ordered.input, terms, state),
        ),
        nullifiers=(tx.id,),
        carried_fee=tx.carried.fee,
        parts=(carried_part(tx, "order", terms.locks(side)),),
        events=(sales.event("order", sale, **said),),
    )


# --- what comes of it ---------------------------------------------------------------------------


class Batch:
    """What of a session is a batch's; see `node.private.markets`."""

    def check_ready(
        self,
        state: StateReader,  # noqa: ARG002 - the batch has counted
        sale: bytes,  # noqa: ARG002
        found: Sale,
    ) -> None:
        """PV-204: one of each side, or nothing can be traded. Raises PrivateOutdated."""
        if found.lacks:
            raise PrivateOutdated("PV-204", "no orders of both sides were accepted", where="sale")

    def reads(self, state: StateReader, sale: bytes, found: Sale) -> list[Read]:
        """PV-204: sides, limits, quantities, each in the order of arrival; 0 where nobody is."""
        orders, places = _accepted(state, sale, found), found.terms.program.places
        names = iter(range(VALUES * places))
        sides = [order.side for _, order in orders] + [Side.SELL] * (places - len(orders))
        reads: list[Read] = [Known(cell_id(sale, next(names)), int(side)) for side in sides]
        for at in (LIMIT_AT, QUANTITY_AT):
            reads += [entries.cell_of(state, cell_id(key, at)) for key, _ in orders]
            empty = range(len(orders), places)
            reads += [Known(cell_id(sale, next(names)), 0) for _ in empty]
        return reads

    def declared(
        self, state: StateReader, sale: bytes, found: Sale, made: Sequence[Cell]
    ) -> list[list[Cell]]:
        """PV-205: the tick; of each order its fill, under its pad."""
        tick, *fills = made
        pads = [
            entries.cell_of(state, cell_id(key, PAD_AT)) for key, _ in _accepted(state, sale, found)
        ]
        return [[tick], *([fill, pad] for fill, pad in zip(fills, pads, strict=False))]

    def opened(
        self, outputs: Sequence[Opening], state: StateReader, sale: bytes, found: Sale
    ) -> Effects:
        """PV-205: a tick or none; every owner is told. Raises PrivateRefused."""
        tick, told = outputs[0].value, outputs[1:]
        if tick > found.terms.program.sizes[1]:
            raise PrivateRefused("PV-205", "no batch trades at such a tick", where="outputs")
        after = replace(found, outcome=Clearing(tick))
        orders = _accepted(state, sale, found)
        return Effects(
            writes=(
                (entries.sale_key(sale), after.to_bytes()),
                *(
                    (entries.entry_key(key), replace(order, told=opening).to_bytes())
                    for (key, order), opening in zip(orders, told, strict=True)
                ),
            ),
            events=(sales.event("outcome", sale, tick=str(tick)),),
        )

    def settle(self, state: StateReader, sale: bytes, found: Sale) -> Effects:
        """PV-206: each order's fill, and what is left of what it locked; all at once."""
        terms, outcome = found.terms, found.outcome
        if not isinstance(terms, BatchTerms) or not isinstance(outcome, Clearing):
            raise PrivateOutdated("PV-206", "its outputs are not open", where="sale")
        writes: list[Write] = sales.over(state, sale, found)
        traded = outcome.tick < terms.ticks
        if not traded:
            told = sales.event("settled", sale, traded="0")
            return Effects(writes=tuple(writes), events=(told,))
        price = terms.price(outcome.tick)
        for (key, order), made in zip(_accepted(state, sale, found), found.made[1:], strict=False):
            bought, paid = group.multiples_g1([terms.lot, price], [made.com, made.com])
            gets, gives = (bought, paid) if order.side is Side.BUY else (paid, bought)
            left = group.total_g1([order.left, group.negative(gives)])
            fill = Fill(sale, AccountId(order.owner), terms.gets(order.side), gets)
            writes.append((entries.entry_key(key), replace(order, left=left).to_bytes()))
            writes.append((entries.fill_key(entries.fill_id(key)), fill.to_bytes()))
        told = sales.event("settled", sale, traded="1", price=str(price))
        return Effects(writes=tuple(writes), events=(told,))


def _accepted(state: StateReader, sale: bytes, found: Sale) -> list[tuple[bytes, Order]]:
    """Orders that are cells, in the order of arrival."""
    return [
        (key, order)
        for key, order in entries.orders_of(state, sale, found)
        if order.status is Status.ACCEPTED
    ]
