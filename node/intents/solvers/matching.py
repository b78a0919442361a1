"""Limit orders at given prices: how much of each, in whole units.  Rules IN-23, IN-24.

At fixed prices the score is linear in what is sold. Small books are one integer program, exact;
large amounts exceed what floats tell apart, so there the relaxation is rounded and mended in
integers. Either way what leaves here was checked in exact arithmetic.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from node.core.ids import Kind
from node.intents.limit import LimitOrder
from node.intents.solvers.milp import INFINITY, Row, Variable, maximise
from node.intents.solvers.problem import Offer

EXACT_BELOW: Final = 2**20
"""Products of amounts and prices up to here are told apart by the integer program."""
EXACT_ORDERS: Final = 16
WHOLE_ORDERS: Final = 64
"""Up to so many orders, those of all or nothing are chosen exactly."""
PATIENCE: Final = 16
"""Repairs after which each takes away twice as much."""

Prices = Mapping[Kind, int]
"""Positive integers without a common divisor; ratios are what matters."""


@dataclass(frozen=True, slots=True)
class Line:
    """An order at some prices.

    Attributes:
        offer: the order, and what is available of it.
        a, c: coprime; `sold` buys ⌊sold · a / c⌋.
        points: what one base unit sold adds to the score (IN-26).
    """

    offer: Offer
    a: int
    c: int
    points: Fraction

    @property
    def order(self) -> LimitOrder:
        return self.offer.order

    def bought(self, sold: int) -> int:
        return sold * self.a // self.c

    def is_willing(self) -> bool:
        """The price is within the limit, before rounding."""
        order = self.order
        return self.offer.available > 0 and self.a * order.denominator >= self.c * order.numerator

    def is_valid(self, sold: int) -> bool:
        """Nothing, or something within the limit after rounding."""
        bought = self.bought(sold)
        return sold == 0 or (bought > 0 and bought >= self.order.least_bought(sold))


class Book:
    """Orders and prices.

    Args:
        offers: sorted by intent id.
        prices: of every kind that they name.
    """

    def __init__(self, offers: Sequence[Offer], prices: Prices) -> None:
        self.prices: Final = prices
        self.lines: Final = tuple(_line(offer, prices) for offer in offers)

    def score(self, sold: Sequence[int]) -> Fraction:
        """Of amounts sold, line by line."""
        parts = (line.points * n for line, n in zip(self.lines, sold, strict=True) if n)
        return sum(parts, Fraction(0))

    def shortage(self, sold: Sequence[int]) -> dict[Kind, int]:
        """Kinds of which more is bought than sold (IN-24)."""
        sums = Counter[Kind]()
        for line, amount in zip(self.lines, sold, strict=True):
            sums[line.order.sell] -= amount
            sums[line.order.buy] += line.bought(amount)
        return {kind: n for kind, n in sorted(sums.items()) if n > 0}

    def is_exact(self, sold: Sequence[int]) -> bool:
        """Every rule of fills, in integers."""
        pairs = list(zip(self.lines, sold, strict=True))
        whole = all(n in {0, line.offer.available} for line, n in pairs if not line.order.partial)
        bounded = all(0 <= n <= line.offer.available and line.is_valid(n) for line, n in pairs)
        return whole and bounded and not self.shortage(sold)


def _line(offer: Offer, prices: Prices) -> Line:
    order = offer.order
    a, c = prices[order.sell], prices[order.buy]
    divisor = math.gcd(a, c)
    a, c = a // divisor, c // divisor
    limit = Fraction(order.numerator * c, order.denominator * a)
    return Line(offer, a, c, (2 - limit) / order.amount)


def fill(book: Book) -> list[int]:
    """Base units to be sold, line by line; all zero where nothing can be."""
    places = [at for at, line in enumerate(book.lines) if line.is_willing()]
    willing = Book([book.lines[at].offer for at in places], book.prices)
    sold = _integer(willing) if places and _is_small(willing) else None
    if sold is None or not willing.is_exact(sold):
        sold = mend(willing, _relaxed(willing)) if places else []
    amounts = [0] * len(book.lines)
    for at, amount in zip(places, sold, strict=True):
        amounts[at] = amount
    return amounts


def _is_small(book: Book) -> bool:
    def size(line: Line) -> int:
        order = line.order
        factor = max(line.a, order.numerator, order.denominator)
        return max(line.offer.available * factor, line.c)

    return len(book.lines) <= EXACT_ORDERS and all(size(n) < EXACT_BELOW for n in book.lines)


def _integer(book: Book) -> list[int] | None:
    """The integer program: sold, bought and, for whole orders, yes or no."""
    variables: list[Variable] = []
    rows: list[Row] = []
    flows: dict[Kind, dict[int, float]] = {}
    places: list[int] = []
    for line in book.lines:
        order = line.order
        sold, bought = len(variables), len(variables) + 1
        places.append(sold)
        most = line.offer.available
        variables.append(Variable(float(line.points), most, integer=True))
        variables.append(Variable(0.0, line.bought(most), integer=True))
        rows.append(Row({sold: line.a, bought: -line.c}, 0, line.c - 1))
        rows.append(Row({bought: order.denominator, sold: -order.numerator}, 0, INFINITY))
        if not order.partial:
            variables.append(Variable(0.0, 1, integer=True))
            rows.append(Row({sold: 1, bought + 1: -most}, 0, 0))
        flows.setdefault(order.sell, {})[sold] = 1
        flows.setdefault(order.buy, {})[bought] = -1
    rows += [Row(flow, 0, INFINITY) for flow in flows.values()]
    answer = maximise(variables, rows)
    return None if answer is None else [round(answer[at]) for at in places]


def _relaxed(book: Book) -> list[int]:
    """Shares of orders by linear program, rounded down.

    Whole orders are yes or no; in large books a first program without that condition says which.
    """
    lines = book.lines
    if len(lines) <= WHOLE_ORDERS:
        answer = _shares(book, [1.0] * len(lines), whole=True)
    else:
        answer = _shares(book, [1.0] * len(lines), whole=False)
        pairs = zip(lines, answer, strict=True)
        upper = [1.0 if n.order.partial or share > 1 - 1e-9 else 0.0 for n, share in pairs]
        answer = _shares(book, upper, whole=False)
    return [_rounded(line, share) for line, share in zip(lines, answer, strict=True)]


def _shares(book: Book, upper: Sequence[float], *, whole: bool) -> list[float]:
    total = Counter[Kind]()
    for line in book.lines:
        total[line.order.sell] += line.offer.available
    variables: list[Variable] = []
    flows: dict[Kind, dict[int, float]] = {}
    for at, (line, most) in enumerate(zip(book.lines, upper, strict=True)):
        order, available = line.order, line.offer.available
        supply = total[order.buy]
        gain = float(line.points * available)
        integer = whole and not order.partial
        variables.append(Variable(gain, most if supply else 0.0, integer=integer))
        if supply:
            flows.setdefault(order.sell, {})[at] = available / total[order.sell]
            flows.setdefault(order.buy, {})[at] = -(available * line.a) / (line.c * supply)
    answer = maximise(variables, [Row(flow, -1e-9, INFINITY) for flow in flows.values()])
    return [0.0] * len(variables) if answer is None else answer


def _rounded(line: Line, share: float) -> int:
    available = line.offer.available
    if share > 1 - 1e-9:
        return available
    return int(Fraction(max(share, 0.0)) * available) if line.order.partial else 0


def mend(book: Book, sold: Sequence[int]) -> list[int]:
    """Reduce fills until every limit holds after rounding and no kind is short.

    Amounts only shrink, and by more the longer it takes, so it ends soon.
    """
    lines = book.lines
    amounts = [_within(line, n, None) for line, n in zip(lines, sold, strict=True)]
    for step in itertools.count():
        short = book.shortage(amounts)
        if not short:
            return amounts
        kind, missing = next(iter(short.items()))
        buyers = [at for at, n in enumerate(amounts) if n and lines[at].order.buy == kind]
        # Parts first; among them the one that loses least, then the highest id.
        at = min(buyers, key=lambda i: (not lines[i].order.partial, lines[i].points, -i))
        # What is short travels round a ring of kinds; taking more each round ends it.
        least = lines[at].bought(amounts[at]) - (missing << step // PATIENCE)
        amounts[at] = _within(lines[at], amounts[at], max(0, least))
    raise AssertionError("amounts shrink to nothing, of which no kind is short")


def _within(line: Line, most: int, bought: int | None) -> int:
    """The largest amount up to `most` that is valid and buys at most `bought`, nearly."""
    available = line.offer.available
    amount = min(most, available)
    if bought is not None:
        amount = min(amount, ((bought + 1) * line.c - 1) // line.a)
    if not line.order.partial:
        return amount if amount == available and line.is_valid(amount) else 0
    if line.is_valid(amount):
        return amount
    fewest = -(-line.bought(amount) * line.c // line.a)  # the least that buys as much
    return fewest if line.is_valid(fewest) else amount - amount % line.c
