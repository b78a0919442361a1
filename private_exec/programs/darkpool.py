"""A batch of limit orders at one price, without a book that anybody sees.  Rule PV-89.

Prices are numbered ticks, public. An order buys or sells a quantity at its own tick or better.

    demand D_k = what buyers at tick k or above want      falls with k
    supply S_k = what sellers at tick k or below offer    rises with k

Let k be the highest tick with D_k ≥ S_k (−1 if there is none). Most can be traded at k, which is
S_k, or at k + 1, which is D_{k+1}; the price is k + 1 if that is more, else k. There, whoever has a
strictly better limit than the price trades all of its order, whoever has just that limit in the
order of arrival until nothing is left. Where nothing can be traded the tick is the number of ticks.

Everything is computed for every tick and every order, whatever they are: the ladder
L_k = [price ≥ k] is the only form in which the price exists before it is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from private_exec.programs.functions import OneHot, maximum, minimum, one_hot, select, total
from private_exec.programs.program import private_program
from private_exec.programs.trace import Secret
from private_exec.programs.types import Below, Input, Output, Uint


@dataclass(frozen=True, slots=True)
class _Market:
    """What the batch comes to.

    Attributes:
        volume: what is traded.
        ladder: L_0 … L_T, bits: is the price tick k or above.
    """

    volume: Secret
    ladder: tuple[Secret, ...]


@private_program(
    name="darkpool",
    sizes={"orders": 16, "ticks": 16},
    inputs={
        "buys": Input(Uint(1), giver="trader", per="orders"),
        "limits": Input(Below("ticks"), giver="trader", per="orders"),
        "quantities": Input(Uint(32), giver="trader", per="orders"),
    },
    outputs={
        "tick": Output(Uint(16)),
        "fills": Output(Uint(32), to="trader", per="orders"),
    },
    leaks=(
        "The tick at which the batch trades is public, or that nothing trades; the volume is not.",
        "A trader learns its own fill, and from a part of it that its limit was the price.",
        "The number of orders is public, and who placed one.",
        "Of two orders that trade each knows the other's side, and that it wanted as much or more.",
        "One order alone trades nothing, and nothing of it is revealed.",
    ),
)
def darkpool(
    buys: Sequence[Secret], limits: Sequence[Secret], quantities: Sequence[Secret], ticks: int
) -> Mapping[str, Secret | Sequence[Secret]]:
    """Dark pool: limit orders matched at one price, fills to their owners only."""
    places = [one_hot(limit, ticks) for limit in limits]
    bought = [select(buy, q, 0) for buy, q in zip(buys, quantities, strict=True)]
    sold = [(q - b).within(0, q.high) for q, b in zip(quantities, bought, strict=True)]
    most = total(quantities).high
    market = _clear(_column_sums(places, bought), _column_sums(places, sold), most)
    traded = market.volume > 0
    fills = _fill(market, buys, places, quantities)
    return {"tick": select(traded, total(market.ladder[1:]), ticks), "fills": fills}


def _column_sums(places: Sequence[OneHot], quantities: Sequence[Secret]) -> list[Secret]:
    """What is wanted at exactly each tick."""
    rows = [place.spread(q) for place, q in zip(places, quantities, strict=True)]
    return [total(column) for column in zip(*rows, strict=True)]


def _clear(wanted: Sequence[Secret], offered: Sequence[Secret], most: int) -> _Market:
    """The price, from what is wanted and offered at each tick; no side of all exceeds `most`."""
    ticks = len(wanted)
    demand = [total(wanted[k:]).within(0, most) for k in range(ticks)]
    supply = [total(offered[: k + 1]).within(0, most) for k in range(ticks)]
    enough = [d >= s for d, s in zip(demand, supply, strict=True)]
    nothing = enough[0].lift(0)
    at, after = [*enough, nothing], [nothing + 1, *enough]
    # Demand falls and supply rises: `enough` falls from 1 to 0 once, so one difference is 1.
    highest = OneHot(tuple((a - b).within(0, 1) for a, b in zip(after, at, strict=True)))
    below = highest.pick([nothing, *supply])
    above = highest.pick([*demand, nothing])
    upper = above > below
    ladder = tuple(select(upper, a, b) for a, b in zip(after, at, strict=True))
    return _Market(select(upper, above, below), ladder)


def _fill(
    market: _Market, buys: Sequence[Secret], places: Sequence[OneHot], quantities: Sequence[Secret]
) -> list[Secret]:
    """What each order trades: min(what it may, what those before it leave)."""
    able: list[Secret] = []
    ahead: list[Secret] = []
    marginal: list[Secret] = []
    for buy, place, quantity in zip(buys, places, quantities, strict=True):
        at_least = place.pick(market.ladder[:-1])  # price ≥ limit
        over = place.pick(market.ladder[1:])  # price > limit
        may = select(buy, 1 - over, at_least)
        better = select(buy, 1 - at_least, over)
        able.append(select(may, quantity, 0))
        ahead.append(select(better, quantity, 0))
        marginal.append((may - better).within(0, 1))
    sides = [_Queue.of(buys, able, ahead), _Queue.of([1 - b for b in buys], able, ahead)]
    fills = []
    for index, buy in enumerate(buys):
        before = marginal[index] * select(buy, sides[0].before(index), sides[1].before(index))
        left = maximum(market.volume - before, 0)
        fills.append(minimum(able[index], left))
    return fills


@dataclass(frozen=True, slots=True)
class _Queue:
    """One side's orders in the order in which they trade at the margin.

    Attributes:
        better: what all strictly better limits trade.
        marginal: what each order at the margin wants; 0 of all others.
    """

    better: Secret
    marginal: tuple[Secret, ...]

    @staticmethod
    def of(side: Sequence[Secret], able: Sequence[Secret], ahead: Sequence[Secret]) -> _Queue:
        better = [select(s, a, 0) for s, a in zip(side, ahead, strict=True)]
        wants = [select(s, a, 0) for s, a in zip(side, able, strict=True)]
        margin = tuple((w - b).within(0, w.high) for w, b in zip(wants, better, strict=True))
        return _Queue(total(better), margin)

    def before(self, index: int) -> Secret:
        """What is traded before the order of this index, if it is at the margin."""
        return self.better.plus(self.marginal[:index])
