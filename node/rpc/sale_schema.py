"""Documents about sales.  Amounts are decimal text, in base units."""

from __future__ import annotations

from node.rpc.schema import Amount, Count, Element, Hex, Id, KindView, Response


class ReadView(Response, frozen=True):
    """A cell that a session reads; `c` is null where nobody took the place: it holds 0."""

    id: Id
    com: Id
    c: Element | None = None


class MadeView(Response, frozen=True):
    """A cell that a session made: masked value and commitment."""

    c: Element
    com: Id


class AttemptView(Response, frozen=True):
    """The session under way, or that led to the result.

    Attributes:
        number: of calls before it.
        called: height of its call.
        session: its id.
        absent: members whose word does not count in it.
        asked: height at which members were asked who is there; 0: they were not.
        spoiled: a batch of it was blamed: it is over.
        over: first height at which anybody may call again.
    """

    number: Count
    called: Count
    session: Id
    absent: list[Count]
    asked: Count
    spoiled: bool
    over: Count


class SaleView(Response, frozen=True):
    """A sale behind the last block.

    Attributes:
        height: of that block.
        id: of the sale.
        status: in the next block: `bidding`, `accepting`, `computing`, `proved`, `opened`,
            `settled`, or `failed`: no result came in time, or no reserve was accepted.
        committee, epoch: whose keys inputs are sealed to.
        kind: in which it is paid.
        item: digest of what is sold.
        seller: account that gets the price.
        bidders: places.
        bids: that entered.
        statement: whose key results are verified under.
        close, accept, prove: last heights of the steps.
        reserve: id of the input that has it.
        reserve_status: `pending`, `accepted` or `refused`.
        reserve_message: the whole input, while it waits; null afterwards.
        attempt: null before the first call.
        reads: what a session reads, once inputs can be accepted no more.
        made: cells of winner and price; empty before there is a result.
        winner: number of the bid; null before it is opened, and where nothing is sold.
        price: null before it is opened.
    """

    height: Count
    id: Id
    status: str
    committee: Id
    epoch: Count
    kind: KindView
    item: Id
    seller: Id
    bidders: Count
    bids: Count
    statement: str
    close: Count
    accept: Count
    prove: Count
    reserve: Id
    reserve_status: str
    reads: list[ReadView]
    made: list[MadeView]
    reserve_message: Hex | None = None
    attempt: AttemptView | None = None
    winner: Count | None = None
    price: Amount | None = None


class SalesView(Response, frozen=True):
    """Sales, by id, behind a block; `more`: others follow the last."""

    height: Count
    sales: list[SaleView]
    more: bool = False


class BidView(Response, frozen=True):
    """A bid; its amount is hidden.

    Attributes:
        id: of the input.
        sale: for what.
        number: in the order of blocks.
        owner: key that may take it back.
        status: `pending`, `accepted`, `refused`, `claimed`.
        returns: whether it goes back, in the next block.
        amount: commitment to what the owner has there: the bid; of a winner, behind the
            settlement, less the price.
        height: of its block.
        message: the whole input, while it waits; null afterwards.
    """

    id: Id
    sale: Id
    number: Count
    owner: Id
    status: str
    returns: bool
    amount: Id
    height: Count
    message: Hex | None = None


class BidsView(Response, frozen=True):
    """Bids of a sale, in the order of their blocks."""

    height: Count
    bids: list[BidView]
