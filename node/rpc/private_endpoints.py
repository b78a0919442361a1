"""Endpoints of the private environment.  Rules PV-140, PV-141."""

from __future__ import annotations

from typing import Final

from node.rpc import batch_schema, private_schema, sale_schema
from node.rpc.endpoint import Call, Endpoint
from node.rpc.text import bytes_of


def _after(call: Call) -> bytes:
    return bytes_of(call.query.after, where="after")


PRIVATE_ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/private/committees",
        "Committees: who, since when, with which keys",
        private_schema.CommitteesView,
        lambda call: call.service.private.committees(_after(call), call.query.limit),
        query=private_schema.AfterQuery,
    ),
    Endpoint(
        "GET",
        "/private/committees/{id}",
        "A committee",
        private_schema.CommitteeView,
        lambda call: call.service.private.committee(call.id),
    ),
    Endpoint(
        "GET",
        "/private/committees/{id}/ceremony",
        "The key ceremony under way, with its messages",
        private_schema.CeremonyView,
        lambda call: call.service.private.ceremony(call.id),
    ),
    Endpoint(
        "GET",
        "/private/rounds",
        "Rounds of matching funds",
        private_schema.RoundsView,
        lambda call: call.service.private.rounds(_after(call), call.query.limit),
        query=private_schema.AfterQuery,
    ),
    Endpoint(
        "GET",
        "/private/rounds/{id}",
        "A round: terms, tallies, what was opened, what came of it",
        private_schema.RoundView,
        lambda call: call.service.private.round(call.id),
    ),
    Endpoint(
        "GET",
        "/private/rounds/{id}/inputs",
        "Donations of a round, their amounts hidden",
        private_schema.InputsView,
        lambda call: call.service.private.inputs(call.id, call.query.first, call.query.limit),
        query=private_schema.InputsQuery,
    ),
    Endpoint(
        "GET",
        "/private/inputs/{id}",
        "A donation, its amount hidden",
        private_schema.InputView,
        lambda call: call.service.private.input(call.id),
    ),
    Endpoint(
        "GET",
        "/private/committees/{id}/deposits",
        "Deposits that wait for a committee",
        private_schema.DepositsView,
        lambda call: call.service.private.deposits(call.id),
    ),
    Endpoint(
        "GET",
        "/private/committees/{id}/cells",
        "Cells of deposits that a committee holds",
        private_schema.HeldCellsView,
        lambda call: call.service.private.held(call.id, call.query.first),
        query=private_schema.HeldQuery,
    ),
    Endpoint(
        "GET",
        "/private/committees/{id}/succession",
        "Who follows a committee, and cells on their way",
        private_schema.SuccessionView,
        lambda call: call.service.private.succession(call.id),
    ),
    Endpoint(
        "GET",
        "/private/owners/{id}/deposits",
        "Deposits of an owner's key",
        private_schema.DepositsView,
        lambda call: call.service.private.owned(call.id),
    ),
    Endpoint(
        "GET",
        "/private/deposits/{id}",
        "A deposit",
        private_schema.DepositView,
        lambda call: call.service.private.deposit(call.id),
    ),
    Endpoint(
        "GET",
        "/private/cells/{id}",
        "A cell: masked value and commitment",
        private_schema.CellView,
        lambda call: call.service.private.cell(call.id),
    ),
    Endpoint(
        "GET",
        "/private/sales",
        "Sealed-bid auctions",
        sale_schema.SalesView,
        lambda call: call.service.sales.sales(_after(call), call.query.limit),
        query=private_schema.AfterQuery,
    ),
    Endpoint(
        "GET",
        "/private/sales/{id}",
        "A sale: terms, the attempt under way, what came of it",
        sale_schema.SaleView,
        lambda call: call.service.sales.sale(call.id),
    ),
    Endpoint(
        "GET",
        "/private/sales/{id}/bids",
        "Bids of a sale, their amounts hidden",
        sale_schema.BidsView,
        lambda call: call.service.sales.bids(call.id),
    ),
    Endpoint(
        "GET",
        "/private/bids/{id}",
        "A bid, its amount hidden",
        sale_schema.BidView,
        lambda call: call.service.sales.bid(call.id),
    ),
    Endpoint(
        "GET",
        "/private/batches",
        "Batches of orders",
        batch_schema.BatchesView,
        lambda call: call.service.batches.batches(_after(call), call.query.limit),
        query=private_schema.AfterQuery,
    ),
    Endpoint(
        "GET",
        "/private/batches/{id}",
        "A batch: terms, the attempt under way, what came of it",
        batch_schema.BatchView,
        lambda call: call.service.batches.batch(call.id),
    ),
    Endpoint(
        "GET",
        "/private/batches/{id}/orders",
        "Orders of a batch, limits and quantities hidden",
        batch_schema.OrdersView,
        lambda call: call.service.batches.orders(call.id),
    ),
    Endpoint(
        "GET",
        "/private/orders/{id}",
        "An order, and what it traded, under its pad",
        batch_schema.OrderView,
        lambda call: call.service.batches.order(call.id),
    ),
)
