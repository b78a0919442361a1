"""Documents about batches of orders.  Amounts and prices are decimal text, in base units."""

from __future__ import annotations

from node.rpc.sale_schema import AttemptView, MadeView, ReadView
from node.rpc.schema import Amount, Count, Element, Hex, Id, KindView, Response


class BatchView(Response, frozen=True):
    """A batch behind the last block.

    Attributes:
        height: of that block.
        id: of the batch.
        status: in the next block: `bidding` (it takes orders), `accepting`, `computing`, `proved`,
            `opened`, `settled`, or `failed`: no result came in time.
        committee, epoch: whose keys inputs are sealed to.
        base, quote: what is traded, and for what.
        lot: base units of the base in a quantity of one.
        low, step: first price of a lot, and from each to the next.
        places, ticks: of orders, and of prices.
        orders: that entered.
        statement: whose key results are verified under.
        close, accept, prove: last heights of the steps.
        attempt: null before the first call.
        reads: what a session reads, once orders can be accepted no more.
        made: cells of the tick and of the fills; empty before there is a result.
        tick: of the price; `ticks`: nothing is traded; null before it is opened.
        price: of a lot; null before it is opened, and where nothing is traded.
    """

    height: Count
    id: Id
    status: str
    committee: Id
    epoch: Count
    base: KindView
    quote: KindView
    lot: Amount
    low: Amount
    step: Amount
    places: Count
    ticks: Count
    orders: Count
    statement: str
    close: Count
    accept: Count
    prove: Count
    reads: list[ReadView]
    made: list[MadeView]
    attempt: AttemptView | None = None
    tick: Count | None = None
    price: Amount | None = None


class BatchesView(Response, frozen=True):
    """Batches, by id, behind a block; `more`: others follow the last."""

    height: Count
    batches: list[BatchView]
    more: bool = False


class ToldView(Response, frozen=True):
    """What an order traded, under its pad: both numbers less the pad's are the fill's."""

    value: Element
    blinding: Element


class FillView(Response, frozen=True):
    """What an order traded, behind the settlement.

    Attributes:
        id: by which it is claimed.
        kind: in which.
        amount: commitment to it.
        claimed: it left.
    """

    id: Id
    kind: KindView
    amount: Id
    claimed: bool


class OrderView(Response, frozen=True):
    """An order; limit and quantity are hidden.

    Attributes:
        id: of the input.
        batch: for what.
        number: in the order of blocks.
        side: `buy` or `sell`.
        owner: key that may take it back.
        status: `pending`, `accepted`, `refused`, `claimed`.
        returns: whether what is left of it goes back, in the next block.
        locked: kind of what it locked.
        left: commitment to what its owner has of that: all of it; behind the settlement, less what
            was paid.
        height: of its block.
        told: null before the batch is opened.
        fill: null before it is settled, and where nothing is traded.
        message: the whole input, while it waits; null afterwards.
    """

    id: Id
    batch: Id
    number: Count
    side: str
    owner: Id
    status: str
    returns: bool
    locked: KindView
    left: Id
    height: Count
    told: ToldView | None = None
    fill: FillView | None = None
    message: Hex | None = None


class OrdersView(Response, frozen=True):
    """Orders of a batch, in the order of their blocks."""

    height: Count
    orders: list[OrderView]
