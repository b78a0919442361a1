from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.backends import get
from zk.errors import ParamsError
from zk.field.arrays import from_array, from_montgomery, to_array
from zk.field.params import FR
from zk.groth16.qap import (
    columns_at,
    extended_rows,
    lagrange_basis,
    quotient,
    root_of_unity,
    scaled,
)

R = FR.modulus


def evaluate(coefficients: list[int], x: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * x + coefficient) % R
    return value


@settings(max_examples=20)
@given(
    tau=st.integers(2, R - 1).filter(lambda t: pow(t, 8, R) != 1),
    coefficients=st.lists(st.integers(0, R - 1), min_size=8, max_size=8),
)
def test_the_basis_interpolates(tau, coefficients) -> None:
    root = root_of_unity(8)
    assert pow(root, 4, R) == R - 1
    values = [evaluate(coefficients, pow(root, i, R)) for i in range(8)]
    basis = from_array(lagrange_basis(tau, 8, get("reference")))
    assert sum(v * b for v, b in zip(values, basis, strict=True)) % R == evaluate(coefficients, tau)


@pytest.mark.parametrize("order", [1, 2, 16])
def test_the_basis_is_the_product_formula(order, backend) -> None:
    """Lᵢ(τ) = (τⁿ − 1)/n · ωⁱ/(τ − ωⁱ)."""
    tau, root = 271828, root_of_unity(order)
    share = (pow(tau, order, R) - 1) * pow(order, -1, R) % R
    points = [pow(root, i, R) for i in range(order)]
    want = [share * p * pow(tau - p, -1, R) % R for p in points]
    assert from_array(lagrange_basis(tau, order, backend)) == want


def test_a_point_of_the_domain_has_no_basis(backend) -> None:
    with pytest.raises(ParamsError):
        lagrange_basis(root_of_unity(8), 8, backend)


def test_columns_are_sums_over_rows(case, backend) -> None:
    basis = to_array(range(1, case.shape.rows + 1))
    for _, matrix in case.shape.matrices():
        found = columns_at(scaled(matrix, backend), basis, case.shape.wires, backend)
        expected = [0] * case.shape.wires
        for row in range(case.shape.rows):
            for wire, value in matrix.row(row):
                expected[wire] = (expected[wire] + (row + 1) * value) % R
        assert from_montgomery(from_array(found), R) == expected


def test_each_public_wire_has_a_row_of_its_own(case, backend) -> None:
    """Without these rows the Aᵢ of public wires may depend on each other, and proofs transfer."""
    a, b = extended_rows(case.shape, backend)
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
    basis = from_array(lagrange_basis(x, 2 * shape.domain, backend)[1::2])
    found = sum(p * b for p, b in zip(odd, basis, strict=True)) % R

    w = from_array(case.assignment)
    small = from_array(lagrange_basis(x, shape.domain, backend))
    left = shape.a.times(w) + w[: shape.publics + 1]
    right = shape.b.times(w) + [0] * (shape.publics + 1)
    a = sum(v * b for v, b in zip(left, small, strict=False)) % R
    b = sum(v * b for v, b in zip(right, small, strict=False)) % R
    c = sum(p * q % R * b for p, q, b in zip(left, right, small, strict=False)) % R
    assert found == (a * b - c) % R
