"""The tower against py_ecc's flat Fp12, and its structure against plain powers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc.fields import optimized_bn128_FQ2 as FQ2
from py_ecc.fields import optimized_bn128_FQ12 as FQ12

from zk.errors import NonCanonical
from zk.field.params import FP
from zk.field.tower import XI, Fp2, Fp6, Fp12

P = FP.modulus
# Hypothesis prefers small integers; a seed gives uniform ones beside them.
UNIFORM = st.integers(min_value=0).map(lambda seed: random.Random(seed).randrange(P))
COEFFICIENT = UNIFORM | st.integers(min_value=0, max_value=P - 1)
FP2 = st.builds(Fp2, COEFFICIENT, COEFFICIENT)
FP6 = st.builds(Fp6, FP2, FP2, FP2)
FP12 = st.builds(Fp12, FP6, FP6)


def flat(x: Fp12) -> list[int]:
    """Coefficients over Fp of powers of w, for w¹² − 18w⁶ + 82 = 0: u = w⁶ − 9."""
    coefficients = [0] * 12
    for i, c in enumerate(x.coefficients()):
        a, b = c.to_ints()
        coefficients[i] = (a - 9 * b) % P
        coefficients[i + 6] = b
    return coefficients


@given(FP2, FP2)
@settings(deadline=None, max_examples=50)
def test_fp2_agrees_with_py_ecc(x: Fp2, y: Fp2) -> None:
    a, b = FQ2(x.to_ints()), FQ2(y.to_ints())
    assert (x + y).to_ints() == tuple(map(int, (a + b).coeffs))
    assert (x - y).to_ints() == tuple(map(int, (a - b).coeffs))
    assert (x * y).to_ints() == tuple(map(int, (a * b).coeffs))
    assert x.square() == x * x
    assert x.times_xi() == x * XI
    if y:
        assert (x / y).to_ints() == tuple(map(int, (a / b).coeffs))


@given(FP2)
@settings(deadline=None, max_examples=30)
def test_fp2_square_roots(x: Fp2) -> None:
    square = x.square()
    root = square.sqrt()
    assert root in (x, -x)
    if x:
        assert (square * XI).sqrt() is None  # ξ is a non-residue


@pytest.mark.parametrize("value", [0, 1, 2, 3, P - 1, 5, 7, 11])
def test_fp2_roots_of_the_base_field(value: int) -> None:
    """Every element of Fp has a root in Fp2; the imaginary ones take another branch."""
    for x in (Fp2(value, 0), Fp2(value, 0) * Fp2(0, 1) * Fp2(0, 1)):
        root = x.sqrt()
        assert root is not None
        assert root.square() == x


def test_fp2_constructor_is_strict() -> None:
    for bad in ((P, 0), (0, P), (-1, 0), (0, -1)):
        with pytest.raises(NonCanonical):
            Fp2(*bad)


def test_fp2_powers_and_norm() -> None:
    x = Fp2(3, 4)
    assert x.norm() == 25
    assert x * x.conjugate() == Fp2(25, 0)
    assert x**P == x.conjugate()
    assert x**0 == Fp2.one()
    assert x ** (P * P - 1) == Fp2.one()


@given(FP6, FP6, FP2, FP2)
@settings(deadline=None, max_examples=20)
def test_fp6_products(x: Fp6, y: Fp6, d: Fp2, e: Fp2) -> None:
    assert x * y == Fp6(
        x.c0 * y.c0 + (x.c1 * y.c2 + x.c2 * y.c1) * XI,
        x.c0 * y.c1 + x.c1 * y.c0 + x.c2 * y.c2 * XI,
        x.c0 * y.c2 + x.c1 * y.c1 + x.c2 * y.c0,
    )
    zero = Fp2.zero()
    assert x.times_sparse(d, e) == x * Fp6(d, e, zero)
    assert x.times_v() == x * Fp6(zero, Fp2.one(), zero)
    assert x.scale(d) == x * Fp6(d, zero, zero)
    if x:
        assert x * x.inverse() == Fp6.one()


@given(FP12, FP12, COEFFICIENT, FP2, FP2)
@settings(deadline=None, max_examples=20)
def test_fp12_agrees_with_py_ecc(x: Fp12, y: Fp12, a: int, b: Fp2, c: Fp2) -> None:
    assert flat(x * y) == [int(v) for v in (FQ12(flat(x)) * FQ12(flat(y))).coeffs]
    assert flat(x + y) == [int(v) for v in (FQ12(flat(x)) + FQ12(flat(y))).coeffs]
    assert flat(x - y) == [int(v) for v in (FQ12(flat(x)) - FQ12(flat(y))).coeffs]
    assert x.square() == x * x
    zero = Fp2.zero()
    line = Fp12(Fp6(Fp2(a, 0), zero, zero), Fp6(b, c, zero))
    assert x.times_line(a, b, c) == x * line
    if x.c0 or x.c1:
        assert x * x.inverse() == Fp12.one()


def test_frobenius_is_the_pth_power() -> None:
    rng = random.Random(12)
    x = Fp12(*(Fp6(*(Fp2(rng.randrange(P), rng.randrange(P)) for _ in "abc")) for _ in "ab"))
    assert x.frobenius() == x**P
    six_times = x
    for _ in range(6):
        six_times = six_times.frobenius()
    assert six_times == x.conjugate()
    assert x.c0.frobenius() == (Fp12(x.c0, Fp6.zero()) ** P).c0


def test_zero_has_no_inverse() -> None:
    for zero in (Fp2.zero(), Fp6.zero(), Fp12(Fp6.zero(), Fp6.zero())):
        with pytest.raises(ZeroDivisionError):
            zero.inverse()
