"""Limit orders: one price per kind, then fills, for the best score found.  Rule IN-29.

Where price and amount are both free the problem is bilinear. But in *values* (amount · price) the
clearing of every kind is linear, so one mixed-integer program gives a start: which orders trade,
and at about which prices. From there prices move, one kind at a time, through those where anything
changes: a limit is just met, or supply and demand of the best few orders just meet. With two kinds
that visits every such price. Prices are exact rationals throughout; programs are only suggestions.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from node.core.ids import Kind
from node.intents.errors import TooComplex
from node.intents.schema import Fill
from node.intents.settlement import MAX_PRICED_KINDS, PRICE_BYTES, Component, Fills
from node.intents.solvers.matching import Book, fill
from node.intents.solvers.milp import INFINITY, Row, Variable, maximise
from node.intents.solvers.problem import Offer, Problem

MOST_ORDERS: Final = 512
MOST_EVALUATIONS: Final = 400
"""Prices tried per connected set of orders; divided by its size where that is large."""
MOST_CANDIDATES: Final = 96
"""Per kind and round."""
_NEAREST: Final = 10**6
_MOST_PRICE: Final = 2 ** (8 * PRICE_BYTES)

Exact = dict[Kind, Fraction]


def solve(problem: Problem, seed: bytes) -> tuple[Component, ...]:  # noqa: ARG001
    """Settle what limit orders can be settled; no randomness is used.

    Raises:
        TooComplex: more than MOST_ORDERS orders hang together, and nothing else was found.
    """
    found: list[Component] = []
    left_out = 0
    for offers in connected(tradable(problem.offers())):
        if len(offers) > MOST_ORDERS or len(_kinds(offers)) > MAX_PRICED_KINDS:
            left_out += len(offers)
            continue
        component = best_component(offers)
        if component is not None:
            found.append(component)
    if left_out and not found:
        raise TooComplex(
            f"{left_out} orders hang together, {MOST_ORDERS} are matched", where="orders"
        )
    return tuple(found)


def tradable(offers: Sequence[Offer]) -> list[Offer]:
    """Without orders that nobody can serve, one per order, sorted by intent id."""
    unique: dict[bytes, Offer] = {}
    for offer in sorted(offers, key=lambda item: item.intent.id):
        if offer.available:
            unique.setdefault(offer.order.digest, offer)
    kept = _covered(unique.values())
    while True:
        sold = {offer.order.sell for offer in kept}
        bought = {offer.order.buy for offer in kept}
        still = [o for o in kept if o.order.buy in sold and o.order.sell in bought]
        if len(still) == len(kept):
            return kept
        kept = still


def _covered(offers: Iterable[Offer]) -> list[Offer]:
    """Orders of one account share its balance: later ones get what earlier ones leave.

    `available` of an order looks at that order alone; together they might overdraw the account and
    lose the whole component.
    """
    kept: list[Offer] = []
    seen = set[tuple[bytes, Kind]]()
    for offer in offers:
        key = bytes(offer.order.account), offer.order.sell
        if key not in seen:
            kept.append(offer)
        seen.add(key)
    return kept


def connected(offers: Sequence[Offer]) -> list[list[Offer]]:
    """Orders that share kinds, directly or through others; each list sorted by id."""
    groups: list[tuple[set[Kind], list[Offer]]] = []
    for offer in offers:
        kinds, members = {offer.order.sell, offer.order.buy}, [offer]
        apart = []
        for group in groups:
            if group[0] & kinds:
                kinds |= group[0]
                members = group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (kinds, members)]
    return sorted(
        (sorted(members, key=lambda item: item.intent.id) for _, members in groups),
        key=lambda members: members[0].intent.id,
    )


def best_component(offers: Sequence[Offer]) -> Fills | None:
    """Prices and fills of the best score found; None where nothing trades."""
    kinds = _kinds(offers)
    budget = max(24, MOST_EVALUATIONS * 8 // max(8, len(offers)))
    best_score, best = Fraction(0), None
    tried = dict[tuple[int, ...], Fraction]()

    def evaluate(prices: Exact) -> Fraction:
        nonlocal best_score, best, budget
        whole = _whole(prices)
        if whole is None:
            return Fraction(-1)
        key = tuple(whole[kind] for kind in kinds)
        if key not in tried:
            budget -= 1
            book = Book(tuple(offers), whole)
            sold = fill(book)
            tried[key] = book.score(sold)
            if tried[key] > best_score:
                best_score, best = tried[key], _component(book, sold)
        return tried[key]

    for start in _starts(offers, kinds):
        here, prices = evaluate(start), dict(start)
        improved = True
        while improved and budget > 0:
            improved = False
            for kind in kinds:
                for candidate in _candidates(offers, prices, kind):
                    if budget <= 0:
                        break
                    score = evaluate({**prices, kind: candidate})
                    if score > here:
                        here, improved = score, True
                        prices = {**prices, kind: candidate}
    return best


def _component(book: Book, sold: Sequence[int]) -> Fills:
    """Only what trades, with the prices of its kinds in lowest terms."""
    fills: list[Fill] = []
    used = set[Kind]()
    for offer, amount in zip(book.offers, sold, strict=True):
        if amount:
            a, c = book.ratio(offer)
            fills.append(Fill(offer.intent.id, amount, amount * a // c))
            used |= {offer.order.sell, offer.order.buy}
    divisor = math.gcd(*(book.prices[kind] for kind in used))
    prices = tuple((kind, book.prices[kind] // divisor) for kind in sorted(used))
    return Fills(prices, tuple(sorted(fills, key=lambda item: item.intent_id)))


def _kinds(offers: Iterable[Offer]) -> list[Kind]:
    return sorted({kind for o in offers for kind in (o.order.sell, o.order.buy)})


def _whole(prices: Exact) -> dict[Kind, int] | None:
    """Integers without a common divisor, or None where they are too large for a settlement."""
    scale = math.lcm(*(price.denominator for price in prices.values()))
    whole = {kind: int(price * scale) for kind, price in prices.items()}
    divisor = math.gcd(*whole.values())
    whole = {kind: price // divisor for kind, price in whole.items()}
    return whole if all(0 < price < _MOST_PRICE for price in whole.values()) else None


def _candidates(offers: Sequence[Offer], prices: Exact, kind: Kind) -> Iterator[Fraction]:
    """Prices of `kind`, the others fixed, at which something changes; ascending, bounded."""
    sellers: list[tuple[Fraction, Fraction]] = []  # least price, units of `kind`
    buyers: list[tuple[Fraction, Fraction]] = []  # highest price, value paid
    for offer in offers:
        order = offer.order
        limit = Fraction(order.numerator, order.denominator)
        if order.sell == kind:
            sellers.append((prices[order.buy] * limit, Fraction(offer.available)))
        elif order.buy == kind:
            buyers.append((prices[order.sell] / limit, offer.available * prices[order.sell]))
    sellers.sort()
    buyers.sort(reverse=True)
    found = {price for price, _ in (*sellers, *buyers)}
    supply = list(itertools.accumulate(units for _, units in sellers))
    demand = list(itertools.accumulate(value for _, value in buyers))
    for value, units in itertools.product(demand[:12], supply[:12]):
        price = value / units
        if sellers[0][0] <= price <= buyers[0][0]:
            found.add(price)
    ordered = sorted(price for price in found if price > 0)
    step = max(1, len(ordered) // MOST_CANDIDATES)
    return iter(ordered[::step])


# --- where to start ------------------------------------------------------------------------------


def _starts(offers: Sequence[Offer], kinds: Sequence[Kind]) -> Iterator[Exact]:
    """The program's prices, then those of the lowest limits, hop by hop from the first kind."""
    suggestion = _suggest(offers, kinds)
    if suggestion is not None:
        yield suggestion
    yield _propagate(offers, kinds, dict[Kind, float]())


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


def _propagate(offers: Sequence[Offer], kinds: Sequence[Kind], near: Mapping[Kind, float]) -> Exact:
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
    prices: Exact = {}
    for root in kinds:
        if root in prices:
            continue
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
