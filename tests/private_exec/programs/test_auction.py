"""The auction against one written in the plainest way."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from private_exec.programs import clear
from private_exec.programs.auction import auction
from private_exec.programs.errors import ProgramRefused

MOST = 2**32 - 1


def vickrey(bids, reserve):
    """Sort by bid, then by position."""
    order = sorted(range(len(bids)), key=lambda i: (-bids[i], i))
    if bids[order[0]] < reserve:
        return len(bids), 0
    return order[0], max([reserve, *(bids[i] for i in order[1:2])])


@cache
def traced(bidders: int):
    return auction.at(bidders=bidders)


def run(bids, reserve):
    result = clear.run(traced(len(bids)), {"bids": bids, "reserve": reserve})
    return result["winner"][0], result["price"][0]


values = st.one_of(st.integers(0, 4), st.integers(0, MOST), st.sampled_from([MOST, MOST - 1]))


@given(st.lists(values, min_size=1, max_size=9), values)
@example([7], 7)
@example([7], 8)
@example([0], 0)
@example([5, 5, 5], 5)
@example([MOST] * 4, MOST)
@settings(deadline=None)
def test_pv88_the_auction_is_vickreys(bids, reserve) -> None:
    assert run(bids, reserve) == vickrey(bids, reserve)


def test_pv88_ties_go_to_the_earliest_wherever_they_stand() -> None:
    for size in range(2, 8):
        for first in range(size - 1):
            bids = [3] * first + [9] + [3] * (size - first - 2) + [9]
            assert run(bids, 0) == (first, 9)


def test_only_the_winner_and_the_price_come_out() -> None:
    program = auction.at(bidders=4)
    assert [name for name, _ in program.circuit.outputs] == ["winner", "price"]
    assert set(program.declaration.outputs) == {"winner", "price"}


def test_pv87_a_bid_out_of_range_is_refused_without_being_told() -> None:
    with pytest.raises(ProgramRefused) as caught:
        run([1, 2**32], 0)
    assert caught.value.rule == "PV-87"
    assert caught.value.where == "bids 1"
    assert str(2**32) not in str(caught.value)
