"""Integers to limbs and back, in both forms."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.field.arrays import from_array, from_montgomery, to_array, to_montgomery
from zk.field.params import FP, FR

# Hypothesis prefers small integers; a seed gives uniform ones beside them.
UNIFORM = st.integers(min_value=0).map(lambda seed: random.Random(seed).getrandbits(256))
VALUES = st.lists(UNIFORM | st.integers(min_value=0, max_value=(1 << 256) - 1), max_size=8)


@given(VALUES)
@settings(deadline=None)
def test_round_trip(values: list[int]) -> None:
    array = to_array(values)
    assert array.dtype == np.uint64
    assert array.shape == (len(values), 4)
    assert array.flags.c_contiguous
    assert from_array(array) == values


def test_limbs_are_little_endian() -> None:
    assert to_array([1 + (2 << 64) + (3 << 128) + (4 << 192)]).tolist() == [[1, 2, 3, 4]]


@given(VALUES, st.sampled_from([FP.modulus, FR.modulus]))
@settings(deadline=None)
def test_montgomery_form(values: list[int], p: int) -> None:
    reduced = [v % p for v in values]
    encoded = to_montgomery(reduced, p)
    assert encoded == [v * pow(2, 256, p) % p for v in reduced]
    assert from_montgomery(encoded, p) == reduced
