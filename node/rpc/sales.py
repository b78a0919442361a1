"""What a node says of sales: one committed state.  Rules PV-140, PV-141."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from node.core.genesis import Genesis
from node.core.interfaces import StateReader
from node.private import calls, claims, markets
from node.private import sale_state as entries
from node.private import state as shared
from node.private.batch_terms import BatchTerms
from node.private.errors import PrivateRefused
from node.private.sale_entries import Bid
from node.private.sale_payload import members_of
from node.private.sale_state import Attempt, Outcome, Sale
from node.private.sale_terms import SalePhase, SaleTerms
from node.private.state import Status
from node.rpc import sale_schema as schema
from node.rpc import views
from node.rpc.committed import CommittedViews, missing, page_of, parameters_of
from node.rpc.text import hex_of
from private_exec.committee.cells import Cell
from private_exec.provable.session import Read
from zk.curve.encoding import g1_to_bytes

Terms = TypeVar("Terms", SaleTerms, BatchTerms)

_NAMES: Final[Mapping[type[SaleTerms | BatchTerms], str]] = {SaleTerms: "sale", BatchTerms: "batch"}


class SaleViews(CommittedViews):
    """Of one node."""

    def sales(self, after: bytes = b"", limit: int = 64) -> schema.SalesView:
        """PV-141: those behind an id. Raises NotFound: PV-140."""
        state = self._state()
        page, more = page_of(sales_of(state, SaleTerms), after, limit)
        found = [self._sale(state, identity, *item) for identity, item in page]
        return schema.SalesView(height=self._store.height, sales=found, more=more)

    def sale(self, identity: bytes) -> schema.SaleView:
        """One. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        return self._sale(state, identity, *sale_of(state, identity, SaleTerms))

    def bids(self, identity: bytes) -> schema.BidsView:
        """Of a sale. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        of, _ = sale_of(state, identity, SaleTerms)
        found = [self._bid(state, key, bid) for key, bid in entries.bids_of(state, identity, of)]
        return schema.BidsView(height=self._store.height, bids=found)

    def bid(self, identity: bytes) -> schema.BidView:
        """One. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        found = entries.find_bid(state, identity)
        if found is None:
            raise missing("bid")
        return self._bid(state, identity, found)

    def _sale(
        self, state: StateReader, identity: bytes, found: Sale, terms: SaleTerms
    ) -> schema.SaleView:
        following, reserve = self._store.height + 1, found.reserve
        asked = b"" if reserve is None else reserve.input
        message = state.get(shared.input_key(asked))
        outcome = found.outcome if isinstance(found.outcome, Outcome) else None
        nobody = outcome is None or outcome.winner >= terms.bidders
        return schema.SaleView(
            height=self._store.height,
            id=hex_of(identity),
            status=found.label(following),
            committee=hex_of(terms.committee),
            epoch=terms.epoch,
            kind=views.kind(terms.kind, self._names),
            item=hex_of(terms.item),
            seller=hex_of(terms.seller),
            bidders=terms.bidders,
            bids=found.entered,
            statement=terms.program.statement,
            close=terms.close,
            accept=terms.accept,
            prove=terms.prove,
            reserve=hex_of(asked),
            reserve_status=Status.REFUSED.label if reserve is None else reserve.status.label,
            reserve_message=None if message is None else hex_of(message),
            attempt=attempt_view(found.attempt, self._genesis),
            reads=reads_view(state, identity, found, following),
            made=made_view(found),
            winner=None if nobody or outcome is None else outcome.winner,
            price=None if outcome is None else str(outcome.price),
        )

    def _bid(self, state: StateReader, identity: bytes, found: Bid) -> schema.BidView:
        message = state.get(shared.input_key(identity))
        return schema.BidView(
            id=hex_of(identity),
            sale=hex_of(found.sale),
            number=found.number,
            owner=hex_of(found.owner),
            status=found.status.label,
            returns=returns(state, identity, self._store.height + 1),
            amount=hex_of(g1_to_bytes(found.amount)),
            height=found.height,
            message=None if message is None else hex_of(message),
        )


def sales_of(state: StateReader, of: type[Terms]) -> Iterator[tuple[bytes, tuple[Sale, Terms]]]:
    """Those with terms of this type: auctions, or batches."""
    for identity, found in entries.sales(state):
        if isinstance(found.terms, of):
            yield identity, (found, found.terms)


def sale_of(state: StateReader, identity: bytes, of: type[Terms]) -> tuple[Sale, Terms]:
    """One with terms of this type. Raises NotFound: PV-141."""
    found = entries.find(state, identity)
    if found is None or not isinstance(found.terms, of):
        raise missing(_NAMES[of])
    return found, found.terms


def attempt_view(found: Attempt, genesis: Genesis) -> schema.AttemptView | None:
    """The session under way; None: nobody called."""
    if not found.called:
        return None
    return schema.AttemptView(
        number=found.number - 1,
        called=found.called,
        session=hex_of(found.session),
        absent=list(members_of(found.absent)),
        asked=found.asked,
        spoiled=found.spoiled,
        over=calls.over_at(found, parameters_of(genesis).step_heights),
    )


def reads_view(
    state: StateReader, identity: bytes, found: Sale, height: int
) -> list[schema.ReadView]:
    """What a session reads, once inputs can be accepted no more, until there is a result."""
    market = markets.of(found)
    if found.proved or found.terms.phase(height) is not SalePhase.COMPUTING:
        return []
    try:
        market.check_ready(state, identity, found)
    except PrivateRefused:
        return []
    return [_read(one) for one in market.reads(state, identity, found)]


def made_view(found: Sale) -> list[schema.MadeView]:
    """Cells of the result."""
    return [schema.MadeView(c=str(one.c), com=hex_of(g1_to_bytes(one.com))) for one in found.made]


def returns(state: StateReader, identity: bytes, height: int) -> bool:
    """Whether an input, or what an order traded, can be claimed in a block of this height."""
    try:
        claims.leaving(state, identity, height)
    except PrivateRefused:
        return False
    return True


def _read(one: Read) -> schema.ReadView:
    c = str(one.c) if isinstance(one, Cell) else None
    return schema.ReadView(id=hex_of(one.id), com=hex_of(g1_to_bytes(one.com)), c=c)
