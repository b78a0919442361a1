"""The moduli as EIP-196 prints them, and what their parameter objects claim."""

from __future__ import annotations

import dataclasses
import math

import gmpy2
import pytest

from zk.errors import ParamsError
from zk.field.params import FP, FR, PrimeFieldParams

# The complete factorisations of p − 1 and r − 1, so that "multiplicative generator" can be tested.
FACTORS = {
    "Fp": (
        *(2, 3, 3, 13, 29, 67, 229, 311, 983, 11003, 405928799, 11465965001),
        13427688667394608761327070753331941386769,
    ),
    "Fr": (
        *(2,) * 28,
        *(3, 3, 13, 29, 983, 11003, 237073, 405928799, 1670836401704629),
        13818364434197438864469338081,
    ),
}


def test_moduli_are_those_of_eip_196_and_197() -> None:
    assert FP.modulus == (
        21888242871839275222246405745257275088696311157297823662689037894645226208583
    )
    assert FR.modulus == (
        21888242871839275222246405745257275088548364400416034343698204186575808495617
    )


@pytest.mark.parametrize("field", [FP, FR], ids=lambda f: f.name)
def test_parameters_hold(field: PrimeFieldParams) -> None:
    field.check()


@pytest.mark.parametrize("field", [FP, FR], ids=lambda f: f.name)
def test_generator_generates_the_whole_group(field: PrimeFieldParams) -> None:
    factors = FACTORS[field.name]
    assert math.prod(factors) == field.modulus - 1
    assert all(gmpy2.is_prime(q) for q in factors)
    for q in set(factors):
        assert pow(field.generator, (field.modulus - 1) // q, field.modulus) != 1


def test_root_of_unity_has_exactly_its_order() -> None:
    root = FR.root_of_unity
    assert pow(root, 1 << 28, FR.modulus) == 1
    assert pow(root, 1 << 27, FR.modulus) == FR.modulus - 1


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        ({"modulus": FR.modulus + 2}, "prime"),
        ({"two_adicity": 27}, "power of two"),
        ({"two_adicity": 29}, "power of two"),
        ({"generator": 4}, "non-residue"),
    ],
)
def test_wrong_parameters_are_refused(change: dict[str, int], claim: str) -> None:
    with pytest.raises(ParamsError, match=claim):
        dataclasses.replace(FR, **change).check()
