"""Quadratic funding in whole units, against sets tried one by one and exact fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from private_exec.programs.errors import ImpossibleTally
from private_exec.programs.quadratic import Tally, settle

MOST = 2**64 - 1


def tally(donations, minimum: int = 0) -> Tally:
    return Tally(sum(donations), sum(w * w for w in donations), minimum)


projects = st.builds(tally, st.lists(st.integers(0, 12), max_size=5), st.integers(0, 300))
rounds = st.tuples(st.integers(0, 400), st.lists(projects, max_size=6))


def payouts(pool: int, tallies, chosen) -> list[int]:
    """By the formula, in fractions: α·match, rounded down, with α = min(1, M / Σ match)."""
    weight = sum(t.roots**2 - t.total for t, c in zip(tallies, chosen, strict=True) if c)
    alpha = min(Fraction(1), Fraction(pool, weight)) if weight else Fraction(1)
    return [
        int(alpha * (t.roots**2 - t.total)) if c else 0
        for t, c in zip(tallies, chosen, strict=True)
    ]


def everybody_content(pool: int, tallies, chosen) -> bool:
    paid = payouts(pool, tallies, chosen)
    return all(t.total + p >= t.minimum for t, p, c in zip(tallies, paid, chosen, strict=True) if c)


def alone_bearable(pool: int, t: Tally) -> Fraction | float:
    """The largest weight of all under which a project has its minimum, by trying all of them."""
    match, need = t.roots**2 - t.total, t.minimum - t.total
    if need <= 0:
        return float("inf")
    if match < need:
        return -1
    weight = pool
    while pool * match // (weight + 1) >= need:
        weight += 1
    return weight


def by_trying_all(pool: int, tallies) -> tuple[bool, ...]:
    """The first set, in the order of what projects bear, among all sets that content everybody."""
    bears = [alone_bearable(pool, t) for t in tallies]
    order = sorted(range(len(tallies)), key=lambda i: (-bears[i], i))
    contenting = [
        c
        for c in product((False, True), repeat=len(tallies))
        if everybody_content(pool, tallies, c)
    ]
    return max(contenting, key=lambda c: [c[i] for i in order])


@settings(deadline=None)
@given(rounds)
@example((100, [tally([5, 5], 0), tally([3, 3], 40)]))
def test_pv80_is_the_first_of_all_sets_that_content_everybody(drawn) -> None:
    pool, tallies = drawn
    settled = settle(pool, tallies)
    assert settled.funded == by_trying_all(pool, tallies)
    assert list(settled.payouts) == payouts(pool, tallies, settled.funded)


@settings(deadline=None)
@given(rounds)
def test_pv80_pays_the_pool_and_no_more_and_turns_nobody_away_for_nothing(drawn) -> None:
    pool, tallies = drawn
    settled = settle(pool, tallies)
    assert min((*settled.payouts, settled.back)) >= 0
    assert sum(settled.payouts) + settled.back == pool
    assert everybody_content(pool, tallies, settled.funded)
    for index, t in enumerate(tallies):
        if not settled.funded[index]:
            assert t.minimum > t.total
            joined = [c or i == index for i, c in enumerate(settled.funded)]
            assert not everybody_content(pool, tallies, joined)


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), max_size=6), st.integers(0, 300))
def test_a_project_alone_with_a_rich_pool_gets_the_square_of_the_sum(donations, minimum) -> None:
    settled = settle(10**6, [tally(donations, minimum)])
    whole = sum(donations) ** 2
    if whole >= minimum:
        assert settled.payouts[0] + sum(w * w for w in donations) == whole
    else:
        assert settled == type(settled)((False,), (0,), 10**6)


def test_a_single_donor_is_not_matched() -> None:
    assert settle(50, [tally([7])]).payouts == (0,)


def test_a_demanding_project_leaves_the_pool_to_the_others() -> None:
    """Both match 8; half of the pool of 8 is not enough for the second, which wanted 12 in all."""
    settled = settle(8, [tally([2, 2]), tally([2, 2], 13)])
    assert settled.funded == (True, False)
    assert settled.payouts == (8, 0)
    assert settle(8, [tally([2, 2]), tally([2, 2], 12)]).payouts == (4, 4)


def test_who_asks_for_a_small_part_comes_before_who_asks_for_a_large_one() -> None:
    modest, greedy = tally([2, 2], 9), tally([2, 2], 16)
    assert settle(8, [greedy, modest]).funded == (False, True)
    assert settle(8, [greedy, greedy]).funded == (True, False)


def test_values_at_the_ends_of_their_ranges() -> None:
    largest = Tally(2**32 - 1, 2**64 - 2**33 + 1, MOST)
    settled = settle(MOST, [largest, tally([]), tally([0, 0])])
    assert settled.payouts == (0, 0, 0)
    assert settled.back == MOST
    many = Tally(2**48, 2**63, 2**63)
    assert settle(MOST, [many] * 32).payouts == (MOST // 32,) * 32
    wanting = Tally(2**48, 2**63, MOST)
    assert settle(MOST, [wanting] * 32).funded == (True,) * 2 + (False,) * 30
    assert settle(0, [many, wanting]).funded == (True, False)
    assert settle(0, []).back == 0


@pytest.mark.parametrize(
    ("roots", "total"), [(2, 6), (3, 1), (2, 3), (3, 4), (-1, 1), (0, 1), (1, 0), (0, -2)]
)
def test_pv81_refuses_sums_that_no_donations_have(roots: int, total: int) -> None:
    with pytest.raises(ImpossibleTally) as caught:
        settle(10, [tally([1]), Tally(roots, total)])
    assert caught.value.rule == "PV-81"
    assert caught.value.where == "project 1"


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), max_size=8))
def test_pv81_takes_the_sums_of_any_donations(donations) -> None:
    settle(1, [tally(donations)])
