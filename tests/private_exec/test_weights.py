"""Stake to shares: the knapsack against all coalitions, refusals, extremes of rounding."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec import weights
from private_exec.errors import MalformedSeal, UnsafeWeights
from private_exec.parameters import Parameters
from private_exec.roster import Member, Roster


def coalitions(count: int):
    for size in range(count + 1):
        yield from combinations(range(count), size)


def worst(stakes, shares) -> tuple[int, int]:
    """By trying all: most shares of ≤ 1/3, fewest shares of ≥ 2/3."""
    total = sum(stakes)
    small = [
        sum(shares[v] for v in c)
        for c in coalitions(len(stakes))
        if 3 * sum(stakes[v] for v in c) <= total
    ]
    large = [
        sum(shares[v] for v in c)
        for c in coalitions(len(stakes))
        if 3 * sum(stakes[v] for v in c) >= 2 * total
    ]
    return max(small), min(large)


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=7).filter(any),
    st.integers(1, 20),
    st.integers(1, 3),
    st.integers(1, 20),
)
@settings(max_examples=150, deadline=None)
def test_px11_the_bound_is_exact(stakes, n, packing, quorum) -> None:
    """Refused exactly where some coalition breaks it."""
    try:
        parameters = Parameters(n, min(quorum, n), packing)
    except MalformedSeal:
        return
    shares = weights.apportion(stakes, n)
    most, fewest = worst(stakes, shares)
    safe = most <= parameters.privacy and fewest >= parameters.quorum
    if safe:
        weights.check(stakes, shares, parameters)
        return
    with pytest.raises(UnsafeWeights) as caught:
        weights.check(stakes, shares, parameters)
    assert caught.value.rule == "PX-11"
    held = sum(stakes[v] for v in caught.value.coalition)
    count = sum(shares[v] for v in caught.value.coalition)
    reads = 3 * held <= sum(stakes) and count > parameters.privacy
    blocks = 3 * held >= 2 * sum(stakes) and count < parameters.quorum
    assert reads or blocks


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=7).filter(any))
@settings(max_examples=60, deadline=None)
def test_what_is_assigned_is_safe_and_says_how_far(stakes) -> None:
    found = weights.assign(stakes)
    weights.check(stakes, found.shares, found.parameters)
    total, privacy = sum(stakes), found.parameters.privacy
    readers = [
        sum(stakes[v] for v in c)
        for c in coalitions(len(stakes))
        if sum(found.shares[v] for v in c) > privacy
    ]
    assert found.protected == Fraction(min(readers), total)
    assert found.protected > Fraction(1, 3)


@pytest.mark.parametrize(("n", "quorum"), [(1, 1), (4, 3), (7, 5), (10, 7), (16, 11)])
def test_equal_stakes_get_one_share_each(n, quorum) -> None:
    found = weights.assign([10**18] * n)
    assert found.shares == (1,) * n
    assert found.parameters == Parameters(n, quorum, 1)


def test_a_hundred_validators_are_packed() -> None:
    found = weights.assign([7] * 100)
    assert (found.parameters.quorum, found.parameters.packing) == (67, 9)
    assert found.parameters.privacy == 50
    assert found.batch == 128


@pytest.mark.parametrize(
    ("stakes", "n"),
    [((1, 1, 1), 3), ((10, 1, 1, 1), 13), ((34, 33, 33), 3), ((5, 3, 3, 2, 1), 14), ((1, 0, 0), 1)],
)
def test_uneven_stakes_are_served(stakes, n) -> None:
    found = weights.assign(stakes)
    assert found.parameters.shares >= sum(1 for s in stakes if s)
    assert found.parameters.shares <= max(64, n)


def test_px11_a_rounding_that_lets_a_third_read_is_refused() -> None:
    """Seven of sixteen shares to a validator with 30 % of the stake; packed, six protect."""
    stakes, shares = (30, 14, 14, 14, 14, 14), (7, 2, 2, 2, 2, 1)
    with pytest.raises(UnsafeWeights) as caught:
        weights.check(stakes, shares, Parameters(16, 11, 3))
    assert caught.value.rule == "PX-11"
    assert caught.value.coalition == (0,)
    assert "30 of 100 stake holds 7 shares" in caught.value.message


def test_px11_a_rounding_that_lets_a_third_withhold_is_refused() -> None:
    stakes, shares = (30, 14, 14, 14, 14, 14), (6, 2, 2, 2, 2, 2)
    with pytest.raises(UnsafeWeights) as caught:
        weights.check(stakes, shares, Parameters(16, 11, 1))
    assert caught.value.coalition == (1, 2, 3, 4, 5)
    assert "opening takes 11" in caught.value.message


def test_px11_too_much_packing_is_refused() -> None:
    with pytest.raises(UnsafeWeights) as caught:
        weights.assign([1] * 4, packing=5, most=8)
    assert caught.value.rule == "PX-11"


def test_px11_more_holders_than_shares_are_refused() -> None:
    with pytest.raises(UnsafeWeights) as caught:
        weights.assign([1] * 9, packing=3, most=4)
    assert caught.value.rule == "PX-11"


@pytest.mark.parametrize("stakes", [(), (0, 0), (3, -1)])
def test_px11_stakes_that_are_none_are_refused(stakes) -> None:
    with pytest.raises(MalformedSeal) as caught:
        weights.assign(stakes)
    assert caught.value.rule == "PX-11"


def test_px11_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(MalformedSeal) as caught:
        weights.check((1, 1, 1, 1), (1, 1, 1, 2), Parameters(4, 3, 1))
    assert caught.value.rule == "PX-11"


def test_px11_a_roster_has_proper_keys_once(helpers) -> None:
    key = helpers.public(helpers.signer("v"))
    for keys in ([key, key], [bytes(32)], [key[:31]]):
        with pytest.raises(MalformedSeal) as caught:
            Roster.of(keys)
        assert caught.value.rule == "PX-11"
    for shares in (-1, 0, 513):
        with pytest.raises(MalformedSeal) as caught:
            Roster((Member(key, shares),))
        assert caught.value.rule == "PX-11"


def test_px24_bandwidth_caps_the_batch() -> None:
    """100 holders without packing: 200 KiB in all; a holder of 200 shares: 8 KiB of its own."""
    assert weights.largest_batch([1] * 100, Parameters(100, 67, 1)) == 59
    assert weights.largest_batch([200] + [1] * 100, Parameters(300, 200, 1)) == 1
    with pytest.raises(UnsafeWeights) as caught:
        weights.largest_batch([300, 1], Parameters(301, 201, 1))
    assert caught.value.rule == "PX-24"
    assert caught.value.coalition == (0,)


def test_stakes_of_64_bits_and_many_holders() -> None:
    stakes = [2**64 - 1 - 2**60 * k for k in range(12)]
    found = weights.assign(stakes)
    weights.check(stakes, found.shares, found.parameters)
