"""The dark pool against an exchange that sees its book."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.programs import clear
from private_exec.programs.darkpool import darkpool

TICKS = 5
MOST = 2**32 - 1

quantities = st.one_of(st.integers(0, 5), st.integers(0, MOST))
order = st.tuples(st.integers(0, 1), st.integers(0, TICKS - 1), quantities)
batches = st.lists(order, min_size=1, max_size=6)


@cache
def traced(orders: int, ticks: int):
    return darkpool.at(orders=orders, ticks=ticks)


def run(orders, ticks: int = TICKS):
    buys, limits, amounts = (list(column) for column in zip(*orders, strict=True))
    given_ = {"buys": buys, "limits": limits, "quantities": amounts}
    result = clear.run(traced(len(orders), ticks), given_)
    return result["tick"][0], list(result["fills"])


def curves(orders):
    demand = [sum(q for b, t, q in orders if b and t >= k) for k in range(TICKS)]
    supply = [sum(q for b, t, q in orders if not b and t <= k) for k in range(TICKS)]
    return demand, supply


def exchange(orders):
    """With open books: find the price, sort each side by priority, walk down it."""
    demand, supply = curves(orders)
    k = max((k for k in range(TICKS) if demand[k] >= supply[k]), default=-1)
    below = supply[k] if k >= 0 else 0
    above = demand[k + 1] if k + 1 < TICKS else 0
    price, volume = (k + 1, above) if above > below else (k, below)
    fills = [0] * len(orders)
    if volume == 0:
        return TICKS, fills
    for side, better in ((1, -1), (0, 1)):
        mine = [i for i, (b, _, _) in enumerate(orders) if b == side]
        left = volume
        for i in sorted(mine, key=lambda i: (better * orders[i][1], i)):
            _, limit, quantity = orders[i]
            if (limit >= price) if side else (limit <= price):
                fills[i] = min(quantity, left)
                left -= fills[i]
    return price, fills


@given(batches)
@settings(deadline=None, max_examples=150)
def test_pv89_fills_and_price_are_those_of_an_open_exchange(orders) -> None:
    assert run(orders) == exchange(orders)


@given(batches)
@settings(deadline=None)
def test_pv89_nothing_is_made_nobody_is_forced_and_no_price_trades_more(orders) -> None:
    tick, fills = run(orders)
    bought = sum(f for (b, _, _), f in zip(orders, fills, strict=True) if b)
    sold = sum(f for (b, _, _), f in zip(orders, fills, strict=True) if not b)
    assert bought == sold
    demand, supply = curves(orders)
    assert bought == max(map(min, zip(demand, supply, strict=True)))
    assert (tick == TICKS) == (bought == 0)
    for (buys, limit, quantity), fill in zip(orders, fills, strict=True):
        assert 0 <= fill <= quantity
        assert fill == 0 or (limit >= tick if buys else limit <= tick)


def test_pv89_the_earlier_of_two_equal_limits_trades_first() -> None:
    assert run([(0, 2, 5), (1, 2, 4), (1, 2, 4), (1, 3, 1)]) == (2, [5, 4, 0, 1])
    assert run([(0, 2, 3), (0, 2, 3), (1, 4, 4)])[1] == [3, 1, 4]


def test_pv89_of_two_ticks_that_trade_the_same_the_lower_is_the_price() -> None:
    """Demand and supply cross between ticks 2 and 3, and 5 can be traded at either."""
    assert run([(1, 4, 5), (1, 2, 1), (0, 0, 5), (0, 3, 1)]) == (2, [5, 0, 5, 0])


def test_prices_at_the_first_and_at_the_last_tick() -> None:
    assert run([(1, 0, 2), (0, 0, 2)]) == (0, [2, 2])
    assert run([(1, 4, 2), (0, 4, 2)]) == (4, [2, 2])
    assert run([(1, 1, 2), (0, 2, 2)]) == (TICKS, [0, 0])
    assert run([(1, 0, 3)], ticks=2) == (2, [0])
    assert run([(1, 0, 3), (0, 0, 4)], ticks=2) == (0, [3, 3])


def test_quantities_at_the_end_of_their_range() -> None:
    orders = [(1, 4, MOST)] * 3 + [(0, 0, MOST)] * 2
    assert run(orders)[1] == [MOST, MOST, 0, MOST, MOST]
