"""What filled limit orders do to accounts.  Rules IN-16, IN-23, IN-24, IN-25."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from node.core.effects import Effects, Event
from node.core.ids import FEE_ACCOUNT, NATIVE, Kind
from node.core.interfaces import StateReader
from node.intents.errors import SettlementRefused
from node.intents.limit import LimitOrder
from node.intents.schema import Fill
from node.intents.settlement import Fills
from transparent.accounts import Ledger


def bought_at(sold: int, sell_price: int, buy_price: int) -> int:
    """What `sold` buys at these prices, rounded down: the pot never pays more than it got."""
    return sold * sell_price // buy_price


def check_prices(component: Fills, orders: Mapping[bytes, LimitOrder]) -> None:
    """IN-23: one price per kind, exactly the kinds traded, and every fill at that price.

    Raises:
        SettlementRefused: IN-23.
    """
    prices = dict(component.prices)
    traded = {kind for order in orders.values() for kind in (order.sell, order.buy)}
    if traded != set(prices):
        raise SettlementRefused("IN-23", "not exactly the kinds traded have prices", where="prices")
    for fill in component.fills:
        order = orders[fill.intent_id]
        due = bought_at(fill.sold, prices[order.sell], prices[order.buy])
        if fill.sold == 0 or fill.bought != due or due == 0:
            raise SettlementRefused(
                "IN-23", "a fill is not at the settlement's price", where=fill.intent_id.hex()
            )


def leftovers(fills: Sequence[Fill], orders: Mapping[bytes, LimitOrder]) -> dict[Kind, int]:
    """Per kind, what rounding leaves.  Rule IN-24.

    Raises:
        SettlementRefused: IN-24, a kind of which more is bought than sold.
    """
    sums = Counter[Kind]()
    for fill in fills:
        order = orders[fill.intent_id]
        sums[order.sell] += fill.sold
        sums[order.buy] -= fill.bought
    if any(amount < 0 for amount in sums.values()):
        raise SettlementRefused("IN-24", "more of a kind is bought than sold", where="fills")
    return {kind: amount for kind, amount in sorted(sums.items()) if amount}


def fill_effects(
    component: Fills,
    orders: Mapping[bytes, LimitOrder],
    fees: Mapping[bytes, int],
    state: StateReader,
) -> Effects:
    """All that a component of fills does, on a state.

    Every debit comes before any credit, so the order of fills does not matter. What rounding
    leaves, and the fees, go to FEE_ACCOUNT within these writes; `Effects.fee` is 0.

    Args:
        component: checked for form only.
        orders: by intent id, those of the component.
        fees: by intent id; due with an order's first fill.
        state: before.

    Raises:
        SettlementRefused: IN-16 more than an order has left, IN-23, IN-24.
        InvalidTransaction: TR-7, TR-8, of balances.
    """
    check_prices(component, orders)
    rest = leftovers(component.fills, orders)
    ledger = Ledger(state)
    records: list[tuple[bytes, bytes | None]] = []
    events: list[Event] = []
    total_fees = 0
    for fill in component.fills:
        order = orders[fill.intent_id]
        before = order.filled(state)
        if before + fill.sold > order.amount or (not order.partial and fill.sold != order.amount):
            raise SettlementRefused(
                "IN-16", "more than the order has left, or a part of a whole one",
                where=fill.intent_id.hex(),
            )  # fmt: skip
        if fill.bought < order.least_bought(fill.sold):
            raise SettlementRefused("IN-16", "outside the limit", where=fill.intent_id.hex())
        if before == 0:
            ledger.debit(order.account, NATIVE, fees[fill.intent_id])
            total_fees += fees[fill.intent_id]
        ledger.debit(order.account, order.sell, fill.sold)
        records.append((order.record_key, (before + fill.sold).to_bytes(8, "little")))
        events.append(_event(order, fill))
    for fill in component.fills:
        order = orders[fill.intent_id]
        ledger.credit(order.account, order.buy, fill.bought)
    for kind, amount in rest.items():
        ledger.credit(FEE_ACCOUNT, kind, amount)
    ledger.credit(FEE_ACCOUNT, NATIVE, total_fees)
    return Effects(writes=(*ledger.writes(), *records), events=tuple(events))


def _event(order: LimitOrder, fill: Fill) -> Event:
    return Event(
        "fill",
        (
            ("account", order.account.hex()),
            ("order", order.digest.hex()),
            ("sold_label", str(order.sell.label)),
            ("sold", str(fill.sold)),
            ("bought_label", str(order.buy.label)),
            ("bought", str(fill.bought)),
        ),
    )
