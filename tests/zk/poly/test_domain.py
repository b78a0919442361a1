"""Domains: against galois in a toy field, against Horner in Fr."""

from __future__ import annotations

import random

import galois
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.errors import ShapeMismatch
from zk.field.params import FP, FR, PrimeFieldParams
from zk.poly.domain import Domain, batch_inverse, evaluate_polynomial

TOY = PrimeFieldParams("F97", 97, 5, 5)
RNG = random.Random("domain")
SIZES = st.integers(min_value=0, max_value=5).map(lambda k: 1 << k)


@pytest.mark.parametrize("size", [2, 4, 8, 16, 32])
def test_toy_transform_agrees_with_galois(size: int) -> None:
    """Every unit vector, hence by linearity every vector; galois's ω may differ by a power."""
    field = galois.GF(97)
    domain = Domain(size, TOY)
    for k in range(size):
        unit = [int(i == k) for i in range(size)]
        expected = galois.Poly(field(unit[::-1]))(field(domain.elements()))
        assert domain.evaluate(unit) == [int(v) for v in np.asarray(expected)]
        assert domain.interpolate(domain.evaluate(unit)) == unit
    theirs = {int(v) for v in galois.ntt(field([0, 1] + [0] * (size - 2)))}
    assert theirs == set(domain.elements())  # the transform of X lists the same points


@given(SIZES, st.randoms(use_true_random=False), st.integers(min_value=1, max_value=FR.modulus - 1))
@settings(deadline=None, max_examples=30)
def test_transform_is_evaluation(size: int, rng: random.Random, shift: int) -> None:
    coefficients = [rng.randrange(FR.modulus) for _ in range(size)]
    for domain in (Domain(size), Domain(size).coset(shift)):
        values = domain.evaluate(coefficients)
        assert values == [evaluate_polynomial(coefficients, x) for x in domain.elements()]
        assert domain.interpolate(values) == coefficients


@given(SIZES, st.integers(min_value=0).map(lambda s: random.Random(s).randrange(FR.modulus)))
@settings(deadline=None, max_examples=30)
def test_lagrange_basis_interpolates(size: int, x: int) -> None:
    coefficients = [RNG.randrange(FR.modulus) for _ in range(size)]
    for domain in (Domain(size), Domain(size).coset(7)):
        basis = domain.lagrange(x)
        values = domain.evaluate(coefficients)
        combined = sum(b * v for b, v in zip(basis, values, strict=True)) % FR.modulus
        assert combined == evaluate_polynomial(coefficients, x)


def test_lagrange_basis_on_the_domain_is_a_unit_vector() -> None:
    domain = Domain(8).coset(3)
    for i, point in enumerate(domain.elements()):
        assert domain.lagrange(point) == [int(i == j) for j in range(8)]


def test_vanishing_polynomial_is_zero_exactly_on_the_domain() -> None:
    for domain in (Domain(8, TOY), Domain(8, TOY).coset(5)):
        roots = {x for x in range(97) if domain.vanishing(x) == 0}
        assert roots == set(domain.elements())
        assert len(roots) == 8


def test_generator_has_exactly_the_order() -> None:
    for k in (1, 2, 14, 28):
        w = Domain(1 << k).generator
        assert pow(w, 1 << (k - 1), FR.modulus) == FR.modulus - 1


def test_short_polynomials_are_padded() -> None:
    assert Domain(4).evaluate([9]) == [9] * 4
    assert Domain(4).evaluate([]) == [0] * 4


def test_shapes_are_refused() -> None:
    for size in (0, -1, 3, 12):
        with pytest.raises(ShapeMismatch, match="power of two"):
            Domain(size)
    with pytest.raises(ShapeMismatch, match="no domain"):
        Domain(1 << 29)
    with pytest.raises(ShapeMismatch, match="no domain"):
        Domain(4, FP)
    with pytest.raises(ShapeMismatch, match="do not fit"):
        Domain(2).evaluate([1, 2, 3])
    for values in ([1], [1, 2, 3]):
        with pytest.raises(ShapeMismatch, match="values"):
            Domain(2).interpolate(values)


def test_at_least_gives_the_smallest_domain() -> None:
    sizes = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 1024: 1024, 1025: 2048}
    assert {n: Domain.at_least(n).size for n in sizes} == sizes


def test_batch_inverse() -> None:
    assert batch_inverse(list(range(1, 97)), TOY) == [pow(v, -1, 97) for v in range(1, 97)]
    assert batch_inverse([]) == []
    with pytest.raises(ZeroDivisionError):
        batch_inverse([3, 0, 5])
