"""Signed digits: they recompose, for every window and every 256-bit integer."""

from __future__ import annotations

import random

import numpy as np
import pytest

from zk.field.arrays import to_array
from zk.field.params import FR
from zk.kernels import library
from zk.kernels.msm import MAX_WINDOW, windows

EDGES = [
    0,
    1,
    2,
    FR.modulus - 1,
    FR.modulus,
    (1 << 254) - 1,
    (1 << 255) - 1,
    1 << 255,
    (1 << 256) - 1,
]


@pytest.mark.parametrize("c", range(2, MAX_WINDOW + 1))
def test_digits_recompose_and_stay_in_range(c):
    rng = random.Random(c)
    halves = [sum(1 << (c * w + c - 1) for w in range(256 // c)) % (1 << 256)]
    scalars = [*EDGES, *halves, *(rng.randrange(1 << 256) for _ in range(50))]
    array, count = to_array(scalars), windows(c)
    digits = np.zeros((count, len(scalars)), dtype=np.int16)
    library.shared().call("digits", digits.ctypes.data, array.ctypes.data, len(scalars), c, count)
    half = 1 << (c - 1)
    assert int(digits.min()) >= -half
    assert int(digits.max()) < half
    for i, k in enumerate(scalars):
        assert sum(int(digits[w, i]) << (c * w) for w in range(count)) == k
