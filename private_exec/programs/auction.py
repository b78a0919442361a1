"""Sealed-bid second-price auction with a reserve.  Rule PV-88.

The highest bid wins and pays the second highest, or the reserve if that is more. Of equal bids the
earlier one wins. Where no bid reaches the reserve nothing is sold: the winner is the number of
bidders, the price 0.

A tournament in the order of bids: a match keeps the higher of two bids, its position, and the
second of all under it. Three comparisons of a match run at once, so rounds grow with the logarithm
of the number of bidders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from private_exec.programs.functions import exchange, maximum, select
from private_exec.programs.program import private_program
from private_exec.programs.trace import Secret
from private_exec.programs.types import Input, Output, Uint


@dataclass(frozen=True, slots=True)
class _Leader:
    """Who leads some of the bidders.

    Attributes:
        top: the highest bid.
        position: whose it is.
        second: the second highest; none of a single bidder.
    """

    top: Secret
    position: Secret
    second: Secret | None = None


@private_program(
    name="auction",
    sizes={"bidders": 16},
    inputs={
        "bids": Input(Uint(32), giver="bidder", per="bidders"),
        "reserve": Input(Uint(32), giver="seller"),
    },
    outputs={"winner": Output(Uint(16)), "price": Output(Uint(32))},
    leaks=(
        "The price is the second highest bid or the reserve, and nobody is told which of the two.",
        "The winner bid no less than the price; everybody else no more.",
        "Where nothing is sold every bid was below the reserve.",
        "A bidder whose bid is the price knows that it was second, or that the reserve is as much.",
    ),
)
def auction(bids: Sequence[Secret], reserve: Secret) -> Mapping[str, Secret]:
    """Second-price auction: highest bid wins, pays the second highest or the reserve."""
    nobody = len(bids)
    leaders = [_Leader(bid, bid.lift(position)) for position, bid in enumerate(bids)]
    while len(leaders) > 1:
        pairs = zip(leaders[::2], leaders[1::2], strict=False)
        leaders = [_match(a, b) for a, b in pairs] + leaders[len(leaders) & ~1 :]
    (leader,) = leaders
    sold = leader.top >= reserve
    asked = reserve if leader.second is None else maximum(leader.second, reserve)
    return {
        "winner": select(sold, leader.position, nobody),
        "price": select(sold, asked, 0),
    }


def _match(a: _Leader, b: _Leader) -> _Leader:
    """The leader of both; `a` stands earlier."""
    ahead = a.top >= b.top
    top, other = exchange(ahead, a.top, b.top)
    second = other
    if a.second is not None and b.second is not None:
        second = select(ahead, maximum(b.top, a.second), maximum(a.top, b.second))
    elif a.second is not None:
        second = select(ahead, maximum(b.top, a.second), a.top)
    return _Leader(top, select(ahead, a.position, b.position), second)
