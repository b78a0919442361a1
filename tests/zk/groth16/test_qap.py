from __future__ import annotations

import gmpy2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.errors import ParamsError
from zk.field.arrays import from_array
from zk.field.params import FR
from zk.groth16.qap import (
    columns_at,
    extended_rows,
    inverses,
    lagrange_basis,
    quotient,
    root_of_unity,
)

R = FR.modulus


def evaluate(coefficients: list[int], x: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * x + coefficient) % R
    return value


@given(st.lists(st.integers(1, R - 1), max_size=20))
def test_inverses(values) -> None:
    for value, inverse in zip(values, inverses([gmpy2.mpz(v) for v in values]), strict=True):
        assert value * inverse % R == 1


@settings(max_examples=20)
@given(
    tau=st.integers(2, R - 1).filter(lambda t: pow(t, 8, R) != 1),
    coefficients=st.lists(st.integers(0, R - 1), min_size=8, max_size=8),
)
def test_the_basis_interpolates(tau, coefficients) -> None:
    root = root_of_unity(8)
    assert pow(root, 4, R) == R - 1
    values = [evaluate(coefficients, pow(root, i, R)) for i in range(8)]
    basis = lagrange_basis(tau, 8)
    assert sum(v * b for v, b in zip(values, basis, strict=True)) % R == evaluate(coefficients, tau)


def test_a_point_of_the_domain_has_no_basis() -> None:
    with pytest.raises(ParamsError):
        lagrange_basis(root_of_unity(8), 8)


def test_columns_are_sums_over_rows(case) -> None:
    basis = [gmpy2.mpz(i + 1) for i in range(case.shape.domain)]
    found = columns_at(case.shape.a, basis, case.shape.wires)
    expected = [0] * case.shape.wires
    for row in range(case.shape.rows):
        for wire, value in case.shape.a.row(row):
            expected[wire] = (expected[wire] + (row + 1) * value) % R
    assert [int(v) for v in found] == expected


def test_each_public_wire_has_a_row_of_its_own(case) -> None:
    """Without these rows the Aᵢ of public wires may depend on each other, and proofs transfer."""
    a, b = extended_rows(case.shape)
    shape = case.shape
    for wire in range(shape.publics + 1):
        assert a.row(shape.rows + wire) == [(wire, (1 << 512) % R)]
        assert b.row(shape.rows + wire) == []
    for row in range(shape.rows + shape.publics + 1, shape.domain):
        assert a.row(row) == b.row(row) == []
    for row in range(shape.rows):
        assert b.row(row) == [(w, v * (1 << 512) % R) for w, v in shape.b.row(row)]


def test_the_quotient_is_a_times_b_minus_c_at_any_point(case, backend) -> None:
    """Σ P(g^(2i+1))·Lᵢ(x) = A(x)·B(x) − C(x), with C = A·B on the domain, for a random x."""
    shape, x = case.shape, 987654321
    odd = from_array(quotient(case.proving_key, case.assignment, backend))
    basis = lagrange_basis(x, 2 * shape.domain)[1::2]
    found = sum(p * b for p, b in zip(odd, basis, strict=True)) % R

    w = from_array(case.assignment)
    small = lagrange_basis(x, shape.domain)
    left = shape.a.times(w) + w[: shape.publics + 1]
    right = shape.b.times(w) + [0] * (shape.publics + 1)
    a = sum(v * b for v, b in zip(left, small, strict=False)) % R
    b = sum(v * b for v, b in zip(right, small, strict=False)) % R
    c = sum(p * q % R * b for p, q, b in zip(left, right, small, strict=False)) % R
    assert found == (a * b - c) % R
