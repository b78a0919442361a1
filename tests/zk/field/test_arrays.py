"""Integers to limbs and back, in both forms."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.field.arrays import address, from_array, from_montgomery, to_array, to_montgomery
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


@pytest.mark.parametrize("what", ["whole", "read only", "empty", "strided", "part", "bytes"])
def test_an_address_is_where_the_data_lie(what: str) -> None:
    whole = np.arange(40, dtype=np.uint64).reshape(10, 4)
    sealed = whole.copy()
    sealed.flags.writeable = False
    array = {
        "whole": whole,
        "read only": sealed,
        "empty": whole[:0],
        "strided": whole[::2, 1:3],
        "part": whole[3:],
        "bytes": np.frombuffer(bytes(64), dtype=np.uint64),
    }[what]
    assert address(array) == array.__array_interface__["data"][0]
