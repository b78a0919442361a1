"""Square roots of vectors against those of integers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.mpc import vectors
from private_exec.mpc.roots import roots
from private_exec.mpc.vectors import R, vec
from zk.field.params import FR
from zk.field.prime import sqrt


def check(values: list[int]) -> None:
    found, squares = roots(vec(values))
    for value, root, square in zip(values, vectors.ints(found), squares.tolist(), strict=True):
        wanted = sqrt(value, FR)
        assert square == (wanted is not None)
        if wanted is not None:
            assert root in (wanted, R - wanted)
            assert root % 2 == 0
            assert root < R


@settings(deadline=None, max_examples=30)
@given(values=st.lists(st.integers(0, R - 1), max_size=12))
def test_roots_of_any_values(values):
    check(values)


def test_roots_of_edges():
    check([0, 1, 4, 5, R - 1, R - 4, pow(2, -1, R)])


@pytest.mark.parametrize("bits", range(29))
def test_roots_of_unity_of_every_order(bits):
    """Each digit of the logarithm, and both parities."""
    root = pow(FR.root_of_unity, 1 << bits, R)
    check([pow(root, k, R) * 9 % R for k in (1, 2, 3, 127, 128, 129, 1 << 14, (1 << 27) + 1)])


def test_many_squares():
    rng = random.Random(1)
    values = [rng.randrange(R) ** 2 % R for _ in range(2000)]
    found, squares = roots(vec(values))
    assert squares.all()
    assert vectors.same(vectors.mul(found, found), vec(values))
