"""Limit orders: uniform prices and whole amounts, against every possibility and large numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.ids import AccountId, Height, Kind
from node.core.intent import Intent
from node.intents.check import check_settlement, fill_points
from node.intents.errors import TooComplex
from node.intents.limit import LimitOrder
from node.intents.solvers import brute, pricing
from node.intents.solvers.matching import Book, fill, mend
from node.intents.solvers.problem import Offer

KINDS = [Kind(0, label) for label in range(1, 5)]


def offer(number: int, sell: int, buy: int, amount: int, price, partial=True, available=None):
    """An order without account and signature, for solvers that look at neither."""
    divisor = math.gcd(*price)
    order = LimitOrder(
        AccountId(bytes([number]) * 32),
        KINDS[sell],
        amount,
        KINDS[buy],
        price[0] // divisor,
        price[1] // divisor,
        partial,
        digest=bytes([number]) * 32,
    )
    intent = Intent(bytes(29), "limit", bytes([number]), Height(9), 0, bytes(32))
    return Offer(intent, order, amount if available is None else available)


def books(kinds: int, most: int, orders: int):
    pairs = st.permutations(range(kinds)).map(lambda p: p[:2])
    price = st.tuples(st.integers(1, 4), st.integers(1, 4))
    one = st.tuples(pairs, st.integers(1, most), price, st.booleans())
    return st.lists(one, min_size=1, max_size=orders).map(
        lambda rows: sorted(
            (offer(n, *pair, a, p, whole) for n, (pair, a, p, whole) in enumerate(rows)),
            key=lambda o: o.intent.id,
        )
    )


def score(offers, components) -> Fraction:
    by_id = {o.intent.id: o.order for o in offers}
    return sum(
        (fill_points(by_id[f.intent_id], f, dict(c.prices)) for c in components for f in c.fills),
        Fraction(0),
    )


def solve(offers):
    groups = pricing.connected(pricing.tradable(offers))
    return [component for group in groups for component in pricing.best_components(group)]


def check(offers, components) -> None:
    """The rules of fills, written once more: price, limit, amount, flag, conservation."""
    by_id = {o.intent.id: o for o in offers}
    sums = dict.fromkeys(KINDS, 0)
    for component in components:
        prices = dict(component.prices)
        for item in component.fills:
            found = by_id[item.intent_id]
            order = found.order
            assert item.bought == item.sold * prices[order.sell] // prices[order.buy] > 0
            assert item.bought * order.denominator >= item.sold * order.numerator
            assert 0 < item.sold <= found.available
            assert order.partial or item.sold == order.amount
            sums[order.sell] += item.sold
            sums[order.buy] -= item.bought
    assert all(amount >= 0 for amount in sums.values())


@given(books(3, 5, 8), st.tuples(*[st.integers(1, 4)] * 3))
@settings(max_examples=60, deadline=None)
def test_in29_at_given_prices_as_good_as_every_amount(offers, prices) -> None:
    book = Book(offers, dict(zip(KINDS, prices, strict=False)))
    assert book.score(fill(book)) == brute.best_fill(book)


@given(books(2, 4, 8))
@settings(max_examples=8, deadline=None)
def test_in29_two_kinds_near_the_best_of_all_prices(offers) -> None:
    """Rounding leaves prices between any two tried ones; what they add is small."""
    components = solve(offers)
    check(offers, components)
    assert score(offers, components) >= Fraction(9, 10) * brute.best_score(offers, 8)


@given(books(3, 3, 5))
@settings(max_examples=6, deadline=None)
def test_in29_three_kinds_within_the_rules_and_not_empty_handed(offers) -> None:
    components = solve(offers)
    check(offers, components)
    reference = brute.best_score(offers, 4)
    assert score(offers, components) >= reference / 2


def test_two_orders_meet_between_their_limits() -> None:
    offers = [offer(1, 0, 1, 100, (1, 2)), offer(2, 1, 0, 60, (3, 2))]
    (component,) = solve(offers)
    assert sorted((f.sold, f.bought) for f in component.fills) == [(60, 100), (100, 60)]
    assert dict(component.prices) == {KINDS[0]: 3, KINDS[1]: 5}


def test_limits_that_just_touch_trade_and_limits_that_do_not_meet_do_not() -> None:
    touching = [offer(1, 0, 1, 90, (2, 3)), offer(2, 1, 0, 60, (3, 2))]
    (component,) = solve(touching)
    assert {f.sold for f in component.fills} == {90, 60}
    assert solve([offer(1, 0, 1, 90, (2, 3)), offer(2, 1, 0, 60, (151, 100))]) == []


def test_a_ring_of_orders_and_orders_that_nobody_serves() -> None:
    ring = [offer(1, 0, 1, 12, (1, 1)), offer(2, 1, 2, 12, (1, 1)), offer(3, 2, 0, 12, (1, 1))]
    lonely = offer(4, 3, 0, 5, (1, 1))
    components = solve([*ring, lonely])
    check(ring, components)
    assert sum(len(c.fills) for c in components) == 3


def test_kinds_that_do_not_meet_are_components_of_their_own() -> None:
    offers = [
        offer(n, *pair, 10, (1, 1)) for n, pair in enumerate([(0, 1), (1, 0), (2, 3), (3, 2)])
    ]
    assert sorted(len(c.fills) for c in solve(offers)) == [2, 2]


@given(st.data())
@settings(max_examples=8, deadline=None)
def test_in24_large_amounts_are_mended_in_integers(data) -> None:
    """Amounts near 2⁶⁴, which floats cannot tell apart: exact or nothing, and not nothing here."""
    amount = st.integers(2**62, 2**64 - 1)
    price = st.tuples(st.integers(1, 2**20), st.integers(2**20, 2**21))
    offers = []
    for number in range(data.draw(st.integers(2, 6))):
        pair = (0, 1) if number % 2 else (1, 0)
        offers.append(offer(number, *pair, data.draw(amount), data.draw(price)))
    components = solve(offers)
    check(offers, components)
    assert components


def test_mending_takes_away_and_never_adds() -> None:
    offers = [offer(1, 0, 1, 100, (1, 3)), offer(2, 1, 0, 100, (1, 3))]
    book = Book(offers, {KINDS[0]: 3, KINDS[1]: 5})
    mended = mend(book, [100, 20])
    assert book.is_exact(mended)
    assert 0 < mended[0] <= 100
    assert 0 < mended[1] <= 20
    assert mend(book, [100, 0]) == [0, 0]


def test_in29_too_many_orders_are_declined(market, monkeypatch) -> None:
    gold, silver, _ = market.metals
    batch = market.batch(market.order(0, gold, 5, silver), market.order(1, silver, 5, gold))
    problem = market.problem(batch)
    assert pricing.solve(problem, bytes(32))
    monkeypatch.setattr(pricing, "MOST_ORDERS", 1)
    with pytest.raises(TooComplex):
        pricing.solve(problem, bytes(32))


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (1, 3, 0, 2)])
def test_in23_arrival_changes_no_price_and_no_fill(market, order) -> None:
    gold, silver, _ = market.metals
    orders = [
        market.order(0, gold, 70, silver, (1, 2)),
        market.order(1, silver, 40, gold, (1, 1)),
        market.order(2, gold, 50, silver, (2, 3), partial=False),
        market.order(3, silver, 80, gold, (6, 5)),
    ]
    batch = market.batch(*(orders[at] for at in order))
    problem = market.problem(batch)
    components = pricing.solve(problem, bytes(32))
    settlement = problem.settlement(components)
    outcome = check_settlement(batch, settlement, market.view(), market.registry)
    assert not outcome.refused
    assert outcome.score > 0
    assert components == pricing.solve(market.problem(market.batch(*orders)), bytes(32))


def test_orders_of_one_account_share_its_balance(market) -> None:
    """1000 gold, two orders of 700: 1000 in all are offered, so what is found can be paid."""
    gold, silver, copper = market.metals
    batch = market.batch(
        market.order(3, gold, 700, silver, fee=5),
        market.order(3, gold, 700, copper, fee=5),
        market.order(4, silver, 900, gold),
        market.order(5, copper, 900, gold),
    )
    problem = market.problem(batch)
    rooms = [o.available for o in problem.offers() if o.order.sell == gold]
    assert sorted(rooms) == [300, 700]
    settlement = problem.settlement(pricing.solve(problem, bytes(32)))
    outcome = check_settlement(batch, settlement, market.view(), market.registry)
    assert not outcome.refused
    assert market.balance(outcome.posterior, 3, gold) < 1000


def test_no_price_in_the_book_is_out_of_range() -> None:
    assert Book((), {}).score([]) == 0
