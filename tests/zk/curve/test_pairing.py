"""The pairing: py_ecc's values, bilinearity, and the identities its formulas rest on."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc import optimized_bn128 as oracle

from zk.curve.bn254 import G1, G2
from zk.curve.pairing import (
    LOOP,
    final_exponentiation,
    miller_loop,
    pairing,
    pairing_product_is_one,
)
from zk.field.params import FP, FR, SEED
from zk.field.tower import Fp12

P, R = FP.modulus, FR.modulus
G, H = G1.generator(), G2.generator()
# Hypothesis prefers small integers; a seed gives uniform ones beside them.
UNIFORM = st.integers(min_value=0).map(lambda seed: random.Random(seed).randrange(1, R))
SCALAR = UNIFORM | st.integers(min_value=1, max_value=R - 1)


def flat(x: Fp12) -> list[int]:
    """Coefficients of powers of w over Fp, as py_ecc has them: u = w⁶ − 9."""
    pairs = [c.to_ints() for c in x.coefficients()]
    return [(a - 9 * b) % P for a, b in pairs] + [b for _, b in pairs]


@pytest.mark.parametrize(("a", "b"), [(1, 1), (123456789, R - 987654321)])
def test_pairing_equals_py_ecc(a: int, b: int) -> None:
    theirs = oracle.pairing(oracle.multiply(oracle.G2, b), oracle.multiply(oracle.G1, a))
    assert flat(pairing(a * G, b * H)) == [int(c) for c in theirs.coeffs]


@given(SCALAR, SCALAR)
@settings(deadline=None, max_examples=8)
def test_bilinear(a: int, b: int) -> None:
    expected = pairing(G, H) ** (a * b % R)
    assert pairing(a * G, b * H) == expected
    assert pairing(a * b % R * G, H) == expected
    assert pairing(-a * G, b * H) == expected.conjugate()


def test_non_degenerate_of_order_r() -> None:
    e = pairing(G, H)
    assert e != Fp12.one()
    assert e**R == Fp12.one()


def test_infinity_pairs_to_one() -> None:
    assert pairing(G1.identity(), H) == Fp12.one()
    assert pairing(G, G2.identity()) == Fp12.one()
    assert pairing_product_is_one([])
    assert pairing_product_is_one([(G1.identity(), H), (G, G2.identity())])


@given(st.lists(st.tuples(SCALAR, SCALAR), min_size=1, max_size=3))
@settings(deadline=None, max_examples=8)
def test_products(scalars: list[tuple[int, int]]) -> None:
    pairs = [(a * G, b * H) for a, b in scalars]
    last = -sum(a * b for a, b in scalars) % R
    assert pairing_product_is_one([*pairs, (last * G, H)])
    assert not pairing_product_is_one([*pairs, ((last + 1) % R * G, H)])


def test_final_exponentiation_is_the_plain_power() -> None:
    f = miller_loop([(7 * G, 11 * H)])
    assert final_exponentiation(f) == f ** ((P**12 - 1) // R)


def test_hard_part_exponent() -> None:
    """λ₀ + λ₁p + λ₂p² + p³ = (p⁴ − p² + 1)/r, as integers."""
    x = SEED
    l0 = -2 - 18 * x - 30 * x**2 - 36 * x**3
    l1 = 1 - 12 * x - 18 * x**2 - 36 * x**3
    l2 = 1 + 6 * x**2
    assert l0 + l1 * P + l2 * P**2 + P**3 == (P**4 - P**2 + 1) // R
    assert (P**12 - 1) // R == (P**6 - 1) * (P**2 + 1) * ((P**4 - P**2 + 1) // R)


def test_no_step_of_the_loop_is_exceptional() -> None:
    """The multiples of Q that the loop adds are never equal or opposite, for Q of order r."""
    assert (LOOP + P - P**2 + P**3) % R == 0
    t = 1
    for bit in bin(LOOP)[3:]:
        t = 2 * t % R
        if bit == "1":
            assert t not in (1, R - 1)
            t += 1
    assert t == LOOP
    assert (t - P) % R
    assert (t + P) % R
    t = (t + P) % R
    assert (t - P**2) % R
    assert (t + P**2) % R
