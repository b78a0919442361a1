"""Sizes, sharing, and reconstruction from shares that must agree."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from private_exec.mpc import shamir, spec, vectors
from private_exec.mpc.errors import Inconsistent, MalformedVector, TooFewVectors, UnfitKeys
from private_exec.mpc.shamir import Size
from private_exec.mpc.testing import seeded, shared
from private_exec.mpc.vectors import R, vec


@pytest.mark.parametrize("n", [-2, 0, 1, 3, 5, 6, 8, 12, 14, 16])
def test_pv1_other_sizes_are_refused(n):
    with pytest.raises(UnfitKeys) as refused:
        Size.of(n)
    assert refused.value.rule == "PV-1"


@pytest.mark.parametrize("t", [-1, 0, 5])
def test_pv1_other_thresholds_are_refused(t):
    with pytest.raises(UnfitKeys) as refused:
        Size(t)
    assert refused.value.rule == "PV-1"


@pytest.mark.parametrize("member", [0, -1, 5, R, R + 1])
def test_pv1_nobody_has_the_point_of_the_value(member):
    """A share of member 0, or of a number that is 0 or a member modulo r, would be the value."""
    size, shares = Size.of(4), shared([7], Size.of(4), 1)
    shares[member] = shares[1]
    with pytest.raises(UnfitKeys) as refused:
        shamir.reconstruct(size, shares, 1)
    assert refused.value.rule == "PV-1"


@pytest.mark.parametrize("degree", [0, -1, 4])
def test_pv1_degrees_that_hide_nothing_or_are_lost(degree):
    with pytest.raises(UnfitKeys) as refused:
        shamir.deal(vec([1]), Size.of(4), degree, seeded(1))
    assert refused.value.rule == "PV-1"


@pytest.mark.parametrize("n", [4, 7, 10, 13])
def test_shares_are_values_of_a_polynomial(n):
    size = Size.of(n)
    assert size.n == n
    rng, values = random.Random(n), [0, 1, R - 1, 5]
    for degree in (size.t, 2 * size.t):
        drawn = [[rng.randrange(R) for _ in values] for _ in range(degree)]
        given = iter([vec(row) for row in drawn])
        dealt = shamir.deal(vec(values), size, degree, lambda _, given=given: next(given))
        for member, found in zip(size.members, dealt, strict=True):
            lines = zip(values, *drawn, strict=True)
            assert vectors.ints(found) == [spec.share(line, member) for line in lines]


@pytest.mark.parametrize(("n", "degree"), [(4, 1), (4, 2), (7, 2), (7, 4), (10, 3), (13, 8)])
def test_enough_shares_give_the_values(n, degree):
    size = Size.of(n)
    shares = shared([3, 0, R - 1], size, degree)
    for count in (degree + 1, n):
        for chosen in list(combinations(size.members, count))[:20]:
            some = {i: shares[i] for i in chosen}
            assert vectors.ints(shamir.reconstruct(size, some, degree)) == [3, 0, R - 1]


def test_pv5_fewer_shares_are_no_value():
    size, shares = Size.of(7), shared([3], Size.of(7), 2)
    for count in range(3):
        with pytest.raises(TooFewVectors) as refused:
            shamir.reconstruct(size, {i: shares[i] for i in list(size.members)[:count]}, 2)
        assert refused.value.rule == "PV-5"


@pytest.mark.parametrize("liar", [1, 4, 7])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_pv5_shares_that_do_not_agree(liar, place):
    size, shares = Size.of(7), shared([3, 4, 5], Size.of(7), 2)
    wrong = vectors.ints(shares[liar])
    wrong[place] += 1
    shares[liar] = vec(wrong)
    with pytest.raises(Inconsistent) as refused:
        shamir.reconstruct(size, shares, 2)
    assert refused.value.rule == "PV-5"


def test_pv5_a_polynomial_of_higher_degree():
    with pytest.raises(Inconsistent) as refused:
        shamir.reconstruct(Size.of(7), shared([3], Size.of(7), 3), 2)
    assert refused.value.rule == "PV-5"


@pytest.mark.parametrize("length", [0, 1, 3])
def test_pv2_vectors_of_different_length(length):
    size, shares = Size.of(4), shared([3, 4], Size.of(4), 1)
    shares[2] = vec([1] * length)
    with pytest.raises(MalformedVector) as refused:
        shamir.reconstruct(size, shares, 1)
    assert refused.value.rule == "PV-2"
