"""Reference twins of the solvers: every possibility, for at most eight intents. Slow on purpose."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from node.core.ids import Kind
from node.intents.errors import TooComplex
from node.intents.solvers.cycles import Party
from node.intents.solvers.matching import Book
from node.intents.solvers.problem import Offer

MOST: Final = 8


def _check_size(count: int) -> None:
    if count > MOST:
        raise TooComplex(f"{count} intents; the reference takes {MOST}", where="batch")


def most_settled(parties: Sequence[Party]) -> int:
    """How many exact swaps any set of them can settle, over all subsets.

    Raises:
        TooComplex: more than eight.
    """
    _check_size(len(parties))
    most = 0
    for size in range(len(parties) + 1):
        for chosen in itertools.combinations(parties, size):
            sums = Counter[Kind]()
            for party in chosen:
                for kind, amount in party.nets.items():
                    sums[kind] += amount
            uses = [key for party in chosen for key in party.uses]
            if not any(sums.values()) and len(set(uses)) == len(uses):
                most = size
    return most


def best_fill(book: Book) -> Fraction:
    """The best score at the book's prices, over all whole amounts, by dynamic programming.

    Raises:
        TooComplex: more than eight.
    """
    _check_size(len(book.lines))
    kinds = sorted(book.prices)
    states: dict[tuple[int, ...], Fraction] = {(0,) * len(kinds): Fraction(0)}
    for line in book.lines:
        order, available = line.order, line.offer.available
        amounts = range(available + 1) if order.partial else (0, available)
        choices = [(n, line.bought(n)) for n in amounts if line.is_valid(n)]
        sell, buy = kinds.index(order.sell), kinds.index(order.buy)
        following: dict[tuple[int, ...], Fraction] = {}
        for state, score in states.items():
            for sold, bought in choices:
                changed = list(state)
                changed[sell] += sold
                changed[buy] -= bought
                key, value = tuple(changed), score + sold * line.points
                if value > following.get(key, Fraction(-1)):
                    following[key] = value
        states = following
    return max(value for state, value in states.items() if min(state) >= 0)


def best_score(offers: Sequence[Offer], most: int) -> Fraction:
    """The best score over all prices that are ratios of whole numbers up to `most`.

    Raises:
        TooComplex: more than eight orders or three kinds.
    """
    _check_size(len(offers))
    kinds = sorted({kind for o in offers for kind in (o.order.sell, o.order.buy)})
    if len(kinds) > 3:
        raise TooComplex(f"{len(kinds)} kinds; the reference takes 3", where="batch")
    grid = itertools.product(range(1, most + 1), repeat=len(kinds))
    return max(
        (best_fill(Book(offers, dict(zip(kinds, row, strict=True)))) for row in grid),
        default=Fraction(0),
    )
