"""Prices to start from, exact: of a program over values, of limits, of rings of orders."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from node.core.ids import Kind
from node.intents.solvers.milp import INFINITY, Row, Variable, maximise
from node.intents.solvers.problem import Offer

Exact = dict[Kind, Fraction]
GROPING_STEPS: Final = 200
MOST_RINGS: Final = 48
MOST_SUGGESTED: Final = 64
"""Orders up to which the program over values is worth its time."""
_NEAREST: Final = 10**6
_NONE: Final[Mapping[Kind, Fraction]] = MappingProxyType({})


def starts(offers: Sequence[Offer], kinds: Sequence[Kind]) -> Iterator[Exact]:
    """The program's prices, groped ones, those of limits hop by hop, those of rings."""
    if len(offers) <= MOST_SUGGESTED:
        suggestion = _suggest(offers, kinds)
        if suggestion is not None:
            yield suggestion
    yield _grope(offers, kinds)
    yield _propagate(offers, kinds, dict[Kind, float]())
    for ring in itertools.islice(_rings(offers), MOST_RINGS):
        start = _ring_prices(offers, kinds, ring)
        if start is not None:
            yield start


def _grope(offers: Sequence[Offer], kinds: Sequence[Kind]) -> Exact:
    """Prices of large books: raised where more is wanted than offered, in ever smaller steps.

    Walras's tatonnement; an order counts in full once the price is two per cent within its limit.
    """
    first = _propagate(offers, kinds, {})
    near = {kind: float(first[kind]) for kind in kinds}
    rows = [
        (o.order.sell, o.order.buy, o.order.numerator / o.order.denominator, float(o.available))
        for o in offers
    ]
    for step in range(GROPING_STEPS):
        offered, wanted = dict.fromkeys(kinds, 1.0), dict.fromkeys(kinds, 1.0)
        for sell, buy, limit, available in rows:
            ratio = near[sell] / (limit * near[buy])
            if ratio > 1.0:
                value = available * near[sell] * min(1.0, (ratio - 1.0) * 50)
                offered[sell] += value
                wanted[buy] += value
        pace = 0.3 / (1 + step / 40)
        for kind in kinds:
            pressure = (wanted[kind] / offered[kind]) ** pace
            near[kind] *= min(1.1, max(0.9, pressure))
    return _propagate(offers, kinds, near)


def _rings(offers: Sequence[Offer]) -> Iterator[tuple[Offer, ...]]:
    """Two or three orders, each selling what the next one buys, within all limits together."""
    for first in offers:
        for second in offers:
            if second.order.buy != first.order.sell:
                continue
            if second.order.sell == first.order.buy:
                yield first, second
                continue
            for third in offers:
                if third.order.buy == second.order.sell and third.order.sell == first.order.buy:
                    yield first, second, third


def _ring_prices(
    offers: Sequence[Offer], kinds: Sequence[Kind], ring: Sequence[Offer]
) -> Exact | None:
    """Prices at which a ring trades as much as its limits allow; None where they cannot all hold.

    Each order sells a kind whose price over that of the kind it buys is at least its limit. Around
    a ring these ratios multiply to 1, so limits multiply to at most 1; what is spare is shared out
    in the order of the ring.
    """
    limits = [Fraction(o.order.numerator, o.order.denominator) for o in ring]
    spare = 1 / math.prod(limits, start=Fraction(1))
    if spare < 1:
        return None
    prices = {ring[0].order.sell: Fraction(1)}
    for offer, limit, behind in zip(ring[1:], limits[1:], ring, strict=False):
        wanted = Fraction(behind.available, offer.available)
        ratio = min(max(wanted, limit), limit * spare)
        spare /= ratio / limit
        prices[offer.order.sell] = prices[offer.order.buy] * ratio
    return _propagate(offers, kinds, {}, prices)


def _suggest(offers: Sequence[Offer], kinds: Sequence[Kind]) -> Exact | None:
    """Prices at which many orders trade, by a program over values.

    Variables: per kind its price times its supply, q; per order the value sold, v, and whether it
    trades, y. Σ v sold = Σ v bought per kind; v ≤ q · share of supply; a limit holds where y.
    """
    supply = Counter[Kind]()
    for offer in offers:
        supply[offer.order.sell] += offer.available
    place = {kind: at for at, kind in enumerate(kinds)}
    most = float(len(kinds))
    variables = [Variable(0.0, most, 1e-4) for _ in kinds]
    flows: list[dict[int, float]] = [{} for _ in kinds]
    rows = [Row(dict.fromkeys(range(len(kinds)), 1.0), most, most)]
    for offer in offers:
        order = offer.order
        share = offer.available / supply[order.sell]
        value, trades = len(variables), len(variables) + 1
        variables.append(Variable(1 / share, most))
        variables.append(Variable(0.0, 1.0, integer=True))
        sell, buy = place[order.sell], place[order.buy]
        flows[sell][value], flows[buy][value] = 1.0, -1.0
        rows.append(Row({value: 1.0, sell: -share}, -INFINITY, 0.0))
        rows.append(Row({value: 1.0, trades: -most}, -INFINITY, 0.0))
        limit = float(
            Fraction(order.numerator * supply[order.sell], order.denominator * supply[order.buy])
        )
        slack = most * limit
        rows.append(Row({buy: limit, sell: -1.0, trades: slack}, -INFINITY, slack))
        if not order.partial:
            rows.append(Row({value: 1.0, sell: -share, trades: -most}, -most, INFINITY))
    rows += [Row(flow, 0.0, 0.0) for flow in flows if flow]
    answer = maximise(variables, rows)
    if answer is None:
        return None
    near = {kind: answer[place[kind]] / supply[kind] for kind in kinds}
    return _propagate(offers, kinds, near)


def _propagate(
    offers: Sequence[Offer],
    kinds: Sequence[Kind],
    near: Mapping[Kind, float],
    known: Mapping[Kind, Fraction] = _NONE,
) -> Exact:
    """Exact prices near given ones: along limits that are just met, else the nearest fraction.

    A limit that is met in floats is met or missed by a hair; what trades at it needs it exactly.
    """
    links: dict[Kind, list[tuple[Kind, Fraction]]] = {kind: [] for kind in kinds}
    for offer in offers:
        order = offer.order
        limit = Fraction(order.numerator, order.denominator)  # price of sell ≥ limit · price of buy
        if near and not math.isclose(
            float(limit) * near[order.buy], near[order.sell], rel_tol=1e-6
        ):
            continue
        links[order.buy].append((order.sell, limit))
        links[order.sell].append((order.buy, 1 / limit))
    prices: Exact = dict(known)
    for root in (*known, *kinds):
        if root not in prices:
            scale = near.get(root, 1.0) / near[kinds[0]] if near else 1.0
            prices[root] = _nearest(scale)
        queue = [root]
        for kind in queue:
            for other, ratio in links[kind]:
                if other not in prices:
                    prices[other] = prices[kind] * ratio
                    queue.append(other)
    return prices


def _nearest(value: float) -> Fraction:
    """A fraction of small height, for large and small values alike."""
    if value >= 1:
        return Fraction(value).limit_denominator(_NEAREST)
    return 1 / Fraction(1 / Fraction(value)).limit_denominator(_NEAREST)
