"""Field multiplication in bulk against an independent compiled twin: 32-bit limbs under Numba.

Plain integers check thousands of products in a second; this twin, with another radix, another
reduction and another front end of the compiler, checks hundreds of thousands.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest

from zk import backends
from zk.field.arrays import from_array, to_array
from zk.field.params import FR

COUNT = 200_000


@numba.njit(nogil=True)
def montgomery_product(a, b, modulus, inverse, out):
    """out[i] = a[i]·b[i]·2⁻²⁵⁶ mod m, operand scanning on eight 32-bit limbs held in uint64."""
    mask = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    for i in range(a.shape[0]):
        t = np.zeros(10, dtype=np.uint64)
        for j in range(8):
            carry = np.uint64(0)
            for k in range(8):
                s = t[k] + a[i, k] * b[i, j] + carry
                t[k] = s & mask
                carry = s >> shift
            s = t[8] + carry
            t[8] = s & mask
            t[9] = s >> shift
            m = (t[0] * inverse) & mask
            carry = (t[0] + m * modulus[0]) >> shift
            for k in range(1, 8):
                s = t[k] + m * modulus[k] + carry
                t[k - 1] = s & mask
                carry = s >> shift
            s = t[8] + carry
            t[7] = s & mask
            t[8] = t[9] + (s >> shift)
        difference = np.zeros(8, dtype=np.uint64)
        borrow = np.uint64(0)
        for k in range(8):
            s = t[k] - modulus[k] - borrow
            difference[k] = s & mask
            borrow = (s >> shift) & np.uint64(1)
        for k in range(8):
            out[i, k] = difference[k] if t[8] >= borrow else t[k]


def halves(array):
    """uint64[n, 4] → eight 32-bit limbs in uint64[n, 8]."""
    return np.ascontiguousarray(array).view(np.uint32).astype(np.uint64)


def whole(limbs):
    return np.ascontiguousarray(limbs.astype(np.uint32)).view(np.uint64)


def twin(a, b):
    modulus = halves(to_array([FR.modulus]))[0]
    inverse = np.uint64(-pow(FR.modulus, -1, 2**32) % 2**32)
    out = np.zeros((len(a), 8), dtype=np.uint64)
    montgomery_product(halves(a), halves(b), modulus, inverse, out)
    return whole(out)


def random_elements(seed: int, count: int):
    """Uniform below r, by rejection of whole rows."""
    rng = np.random.default_rng(seed)
    limbs = rng.integers(0, 2**64, size=(count, 4), dtype=np.uint64)
    limbs[:, 3] %= np.uint64(FR.modulus >> 192)
    return limbs


def test_the_twin_itself_agrees_with_integers() -> None:
    edges = [0, 1, 2, FR.modulus - 1, FR.modulus - 2, 2**256 % FR.modulus, FR.modulus >> 1]
    a, b = zip(*[(x, y) for x in edges for y in edges], strict=True)
    inverse = pow(2**256, -1, FR.modulus)
    expected = [x * y * inverse % FR.modulus for x, y in zip(a, b, strict=True)]
    assert from_array(twin(to_array(a), to_array(b))) == expected


def test_two_hundred_thousand_products() -> None:
    if "portable" not in backends.available():
        pytest.skip("compiled arithmetic does not start on this machine")
    a, b = random_elements(1, COUNT), random_elements(2, COUNT)
    np.testing.assert_array_equal(backends.get("portable").fr_mul(a, b), twin(a, b))
