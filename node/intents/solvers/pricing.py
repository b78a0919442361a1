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
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Final

from node.core.ids import Kind
from node.intents.errors import TooComplex
from node.intents.schema import Fill
from node.intents.settlement import MAX_PRICED_KINDS, PRICE_BYTES, Component, Fills
from node.intents.solvers.matching import Book, fill
from node.intents.solvers.problem import Offer, Problem
from node.intents.solvers.starts import Exact, starts

MOST_ORDERS: Final = 512
LEAST_EVALUATIONS: Final = 40
MOST_EVALUATIONS: Final = 500
"""Prices tried per connected set of orders; divided by its size where that is large."""
MOST_UNITS: Final = 8
"""Up to so many units an order, all prices are tried at which something comes out even."""
MOST_CANDIDATES: Final = 128
"""Per kind and round."""
_MOST_PRICE: Final = 2 ** (8 * PRICE_BYTES)


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
        found += best_components(offers)
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
    kept = list(unique.values())
    while True:
        sold = {offer.order.sell for offer in kept}
        bought = {offer.order.buy for offer in kept}
        still = [o for o in kept if o.order.buy in sold and o.order.sell in bought]
        if len(still) == len(kept):
            return kept
        kept = still


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


def best_components(offers: Sequence[Offer]) -> tuple[Fills, ...]:
    """Prices and fills of the best score found, one component per set of kinds that trades."""
    kinds = _kinds(offers)
    budget = max(LEAST_EVALUATIONS, MOST_EVALUATIONS * 8 // max(8, len(offers)))
    best_score, best = Fraction(0), tuple[Fills, ...]()
    tried = dict[tuple[int, ...], Fraction]()

    def evaluate(prices: Exact) -> Fraction:
        nonlocal best_score, best, budget
        whole = _whole(prices)
        if whole is None:
            return Fraction(-1)
        key = tuple(whole[kind] for kind in kinds)
        if key not in tried:
            budget -= 1
            book = Book(offers, whole)
            sold = fill(book)
            tried[key] = book.score(sold)
            if tried[key] > best_score:
                best_score, best = tried[key], _components(book, sold)
        return tried[key]

    for start in starts(offers, kinds):
        if budget <= 0:
            break
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


def _components(book: Book, sold: Sequence[int]) -> tuple[Fills, ...]:
    """Only what trades; sets that share no kind stand alone (S-19)."""
    pairs = zip(book.lines, sold, strict=True)
    traded = {line.offer.intent.id: (line, amount) for line, amount in pairs if amount}
    found: list[Fills] = []
    for members in connected([line.offer for line, _ in traded.values()]):
        fills: list[Fill] = []
        for offer in members:
            line, amount = traded[offer.intent.id]
            fills.append(Fill(offer.intent.id, amount, line.bought(amount)))
        used = _kinds(members)
        divisor = math.gcd(*(book.prices[kind] for kind in used))
        prices = tuple((kind, book.prices[kind] // divisor) for kind in used)
        found.append(Fills(prices, tuple(fills)))
    return tuple(found)


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
    """Prices of `kind`, the others fixed, at which something changes; bounded."""
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
    even = set[Fraction]()
    if all(offer.available <= MOST_UNITS for offer in offers):
        even = set(_unit_prices(offers, prices, kind)) - found
    return iter((*_spread(found), *_spread(even)))


def _spread(prices: set[Fraction]) -> list[Fraction]:
    """Ascending; evenly thinned where there are too many."""
    ordered = sorted(prices)
    return ordered[:: -(-len(ordered) // MOST_CANDIDATES) or 1]


def _unit_prices(offers: Sequence[Offer], prices: Exact, kind: Kind) -> Iterator[Fraction]:
    """Prices at which some amount buys a whole number of units: in small books rounding decides."""
    for offer in offers:
        order = offer.order
        units = range(1, offer.available + 1)
        for sold, bought in itertools.product(units, range(1, 2 * MOST_UNITS + 1)):
            if order.sell == kind:
                yield prices[order.buy] * Fraction(bought, sold)
            elif order.buy == kind:
                yield prices[order.sell] * Fraction(sold, bought)
