"""What a node says of batches of orders: one committed state.  Rules PV-140, PV-141."""

from __future__ import annotations

from node.core.interfaces import StateReader
from node.private import sale_state as entries
from node.private import state as shared
from node.private.batch_terms import BatchTerms, Clearing
from node.private.sale_entries import Order
from node.private.sale_state import Sale
from node.rpc import batch_schema as schema
from node.rpc import views
from node.rpc.committed import CommittedViews, missing, page_of
from node.rpc.sales import attempt_view, made_view, reads_view, returns, sale_of, sales_of
from node.rpc.text import hex_of
from zk.curve.encoding import g1_to_bytes


class BatchViews(CommittedViews):
    """Of one node."""

    def batches(self, after: bytes = b"", limit: int = 64) -> schema.BatchesView:
        """PV-141: those behind an id. Raises NotFound: PV-140."""
        state = self._state()
        page, more = page_of(sales_of(state, BatchTerms), after, limit)
        found = [self._batch(state, identity, *item) for identity, item in page]
        return schema.BatchesView(height=self._store.height, batches=found, more=more)

    def batch(self, identity: bytes) -> schema.BatchView:
        """One. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        return self._batch(state, identity, *sale_of(state, identity, BatchTerms))

    def orders(self, identity: bytes) -> schema.OrdersView:
        """Of a batch. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        of, terms = sale_of(state, identity, BatchTerms)
        every = entries.orders_of(state, identity, of)
        found = [self._order(state, key, order, terms) for key, order in every]
        return schema.OrdersView(height=self._store.height, orders=found)

    def order(self, identity: bytes) -> schema.OrderView:
        """One. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        found = entries.find_entry(state, identity)
        if not isinstance(found, Order):
            raise missing("order")
        return self._order(state, identity, found, sale_of(state, found.sale, BatchTerms)[1])

    def _batch(
        self, state: StateReader, identity: bytes, found: Sale, terms: BatchTerms
    ) -> schema.BatchView:
        following = self._store.height + 1
        tick = found.outcome.tick if isinstance(found.outcome, Clearing) else None
        trades = tick is not None and tick < terms.ticks
        return schema.BatchView(
            height=self._store.height,
            id=hex_of(identity),
            status=found.label(following),
            committee=hex_of(terms.committee),
            epoch=terms.epoch,
            base=views.kind(terms.base, self._names),
            quote=views.kind(terms.quote, self._names),
            lot=str(terms.lot),
            low=str(terms.low),
            step=str(terms.step),
            places=terms.orders,
            ticks=terms.ticks,
            orders=found.entered,
            statement=terms.program.statement,
            close=terms.close,
            accept=terms.accept,
            prove=terms.prove,
            attempt=attempt_view(found.attempt, self._genesis),
            reads=reads_view(state, identity, found, following),
            made=made_view(found),
            tick=tick,
            price=str(terms.price(tick)) if tick is not None and trades else None,
        )

    def _order(
        self, state: StateReader, identity: bytes, found: Order, terms: BatchTerms
    ) -> schema.OrderView:
        message, told = state.get(shared.input_key(identity)), found.told
        return schema.OrderView(
            id=hex_of(identity),
            batch=hex_of(found.sale),
            number=found.number,
            side=found.side.label,
            owner=hex_of(found.owner),
            status=found.status.label,
            returns=returns(state, identity, self._store.height + 1),
            locked=views.kind(terms.locks(found.side), self._names),
            left=hex_of(g1_to_bytes(found.left)),
            height=found.height,
            told=None
            if told is None
            else schema.ToldView(value=str(told.value), blinding=str(told.blinding)),
            fill=self._fill(state, entries.fill_id(identity)),
            message=None if message is None else hex_of(message),
        )

    def _fill(self, state: StateReader, identity: bytes) -> schema.FillView | None:
        found = entries.find_fill(state, identity)
        if found is None:
            return None
        return schema.FillView(
            id=hex_of(identity),
            kind=views.kind(found.kind, self._names),
            amount=hex_of(g1_to_bytes(found.amount)),
            claimed=found.claimed,
        )
