"""Limit orders at given prices: how much of each, in whole units.  Rules IN-23, IN-24.

At fixed prices the score is linear in what is sold. Small books are one integer program, exact;
large amounts exceed what floats tell apart, so there the relaxation is rounded and mended in
integers. Either way what leaves here was checked in exact arithmetic.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from node.core.ids import Kind
from node.intents.solvers.milp import INFINITY, Row, Variable, maximise
from node.intents.solvers.problem import Offer

EXACT_BELOW: Final = 2**20
"""Products of amounts and prices up to here are told apart by the integer program."""
MOST_REPAIRS: Final = 20_000

Prices = Mapping[Kind, int]
"""Positive integers without a common divisor; ratios are what matters."""


@dataclass(frozen=True, slots=True)
class Book:
    """Orders that may trade at some prices.

    Attributes:
        offers: sorted by intent id.
        prices: of every kind that they name.
    """

    offers: tuple[Offer, ...]
    prices: Prices

    def ratio(self, offer: Offer) -> tuple[int, int]:
        """(a, c) in lowest terms: `sold` buys ⌊sold · a / c⌋."""
        a, c = self.prices[offer.order.sell], self.prices[offer.order.buy]
        divisor = math.gcd(a, c)
        return a // divisor, c // divisor

    def points(self, offer: Offer) -> Fraction:
        """What one base unit sold adds to the score (IN-26)."""
        a, c = self.ratio(offer)
        limit = Fraction(offer.order.numerator * c, offer.order.denominator * a)
        return (2 - limit) / offer.order.amount

    def is_valid(self, offer: Offer, sold: int) -> bool:
        """Nothing, or something within the limit after rounding."""
        a, c = self.ratio(offer)
        bought = sold * a // c
        return sold == 0 or (bought > 0 and bought >= offer.order.least_bought(sold))

    def willing(self) -> Book:
        """Without orders whose limit the prices break."""
        kept = (o for o in self.offers if self.points(o) * o.order.amount >= 1 and o.available)
        return Book(tuple(kept), self.prices)

    def score(self, sold: Sequence[int]) -> Fraction:
        """Of amounts sold, in the order of offers."""
        parts = (self.points(o) * amount for o, amount in zip(self.offers, sold, strict=True))
        return sum(parts, Fraction(0))

    def shortage(self, sold: Sequence[int]) -> dict[Kind, int]:
        """Kinds of which more is bought than sold (IN-24)."""
        sums = Counter[Kind]()
        for offer, amount in zip(self.offers, sold, strict=True):
            a, c = self.ratio(offer)
            sums[offer.order.sell] -= amount
            sums[offer.order.buy] += amount * a // c
        return {kind: n for kind, n in sorted(sums.items()) if n > 0}

    def is_exact(self, sold: Sequence[int]) -> bool:
        """Every rule of fills, in integers."""
        pairs = list(zip(self.offers, sold, strict=True))
        whole = all(n in {0, o.available} for o, n in pairs if not o.order.partial)
        bounded = all(0 <= n <= o.available and self.is_valid(o, n) for o, n in pairs)
        return whole and bounded and not self.shortage(sold)


def fill(book: Book) -> list[int]:
    """Base units to be sold, in the order of `book.offers`; all zero where nothing can be."""
    willing = book.willing()
    if not willing.offers:
        return [0] * len(book.offers)
    sold = _integer(willing) if _is_small(willing) else None
    if sold is None or not willing.is_exact(sold):
        sold = mend(willing, _relaxed(willing))
    if not willing.is_exact(sold):
        sold = [0] * len(willing.offers)
    by_id = dict(zip((o.intent.id for o in willing.offers), sold, strict=True))
    return [by_id.get(offer.intent.id, 0) for offer in book.offers]


def _is_small(book: Book) -> bool:
    def size(offer: Offer) -> int:
        a, c = book.ratio(offer)
        order = offer.order
        return max(offer.available * max(a, order.numerator, order.denominator), c)

    return all(size(offer) < EXACT_BELOW for offer in book.offers)


def _integer(book: Book) -> list[int] | None:
    """The integer program: sold, bought and, for whole orders, yes or no."""
    variables: list[Variable] = []
    rows: list[Row] = []
    flows: dict[Kind, dict[int, float]] = {}
    for offer in book.offers:
        order, (a, c) = offer.order, book.ratio(offer)
        sold, bought = len(variables), len(variables) + 1
        most = offer.available
        variables.append(Variable(float(book.points(offer)), most, integer=True))
        variables.append(Variable(0.0, most * a // c, integer=True))
        rows.append(Row({sold: a, bought: -c}, 0, c - 1))
        rows.append(Row({bought: order.denominator, sold: -order.numerator}, 0, INFINITY))
        if not order.partial:
            variables.append(Variable(0.0, 1, integer=True))
            rows.append(Row({sold: 1, bought + 1: -most}, 0, 0))
        flows.setdefault(order.sell, {})[sold] = 1
        flows.setdefault(order.buy, {})[bought] = -1
    rows += [Row(flow, 0, INFINITY) for flow in flows.values()]
    answer = maximise(variables, rows)
    if answer is None:
        return None
    amounts: list[int] = []
    at = 0
    for offer in book.offers:
        amounts.append(round(answer[at]))
        at += 2 if offer.order.partial else 3
    return amounts


def _relaxed(book: Book) -> list[int]:
    """Shares of orders by linear program (whole orders: yes or no), rounded down."""
    total = Counter[Kind]()
    for offer in book.offers:
        total[offer.order.sell] += offer.available
    variables: list[Variable] = []
    flows: dict[Kind, dict[int, float]] = {}
    for at, offer in enumerate(book.offers):
        order, (a, c) = offer.order, book.ratio(offer)
        gain = float(book.points(offer) * offer.available)
        whole = not order.partial
        supply = total[order.buy]
        if not supply:
            variables.append(Variable(gain, 0.0, integer=whole))
            continue
        variables.append(Variable(gain, 1.0, integer=whole))
        flows.setdefault(order.sell, {})[at] = offer.available / total[order.sell]
        flows.setdefault(order.buy, {})[at] = -float(Fraction(offer.available * a, c * supply))
    answer = maximise(variables, [Row(flow, -1e-9, INFINITY) for flow in flows.values()])
    if answer is None:
        return [0] * len(book.offers)
    sold: list[int] = []
    for offer, share in zip(book.offers, answer, strict=True):
        nearest = 1.0 if share > 1 - 1e-9 else max(share, 0.0)
        amount = offer.available if nearest == 1.0 else int(Fraction(nearest) * offer.available)
        sold.append(amount if offer.order.partial or amount == offer.available else 0)
    return sold


def mend(book: Book, sold: Sequence[int]) -> list[int]:
    """Reduce fills until every limit holds after rounding and no kind is short.

    Amounts only shrink, so it ends; where it takes too many steps the answer is nothing.
    """
    amounts = [_within(book, o, n, None) for o, n in zip(book.offers, sold, strict=True)]
    for _ in range(MOST_REPAIRS):
        short = book.shortage(amounts)
        if not short:
            return amounts
        kind, missing = next(iter(short.items()))
        buyers = [
            at for at, offer in enumerate(book.offers) if offer.order.buy == kind and amounts[at]
        ]
        # Parts first; among them the one that loses least, then the highest id.
        at = min(
            buyers,
            key=lambda i: (not book.offers[i].order.partial, book.points(book.offers[i]), -i),
        )
        a, c = book.ratio(book.offers[at])
        bought = amounts[at] * a // c
        amounts[at] = _within(book, book.offers[at], amounts[at], max(0, bought - missing))
    return [0] * len(amounts)


def _within(book: Book, offer: Offer, most: int, bought: int | None) -> int:
    """The largest amount up to `most` that is valid and buys at most `bought`, nearly."""
    a, c = book.ratio(offer)
    amount = min(most, offer.available)
    if bought is not None:
        amount = min(amount, ((bought + 1) * c - 1) // a)
    if not offer.order.partial:
        return amount if amount == offer.available and book.is_valid(offer, amount) else 0
    if book.is_valid(offer, amount):
        return amount
    fewest = -(-(amount * a // c) * c // a)  # the least that buys as much
    return fewest if book.is_valid(offer, fewest) else amount - amount % c
