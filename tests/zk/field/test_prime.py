"""Field elements: exhaustively against galois in a toy field, by laws in the real ones."""

from __future__ import annotations

import random

import galois
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.errors import NonCanonical
from zk.field.bn254 import Fp, Fr
from zk.field.hashing import hash_to_fr
from zk.field.params import FP, FR, PrimeFieldParams
from zk.field.prime import PrimeElement, is_square, sqrt


class Toy(PrimeElement):
    """97 − 1 = 2⁵·3: roots take a logarithm of five bits."""

    __slots__ = ()
    params = PrimeFieldParams("F97", 97, 5, 5)


REAL = st.sampled_from([Fp, Fr])
# Hypothesis prefers small integers; a seed gives uniform ones beside them.
UNIFORM = st.integers(min_value=0).map(lambda seed: random.Random(seed).getrandbits(300))
NUMBERS = UNIFORM | st.integers(min_value=-(1 << 300), max_value=1 << 300)


def test_toy_field_agrees_with_galois_everywhere() -> None:
    column = galois.GF(97).Range(0, 97).reshape(97, 1)
    row, nonzero = column.reshape(1, 97), column[1:].reshape(1, 96)
    sums, differences, products = (column + row, column - row, column * row)
    quotients, powers = column / nonzero, column[1:] ** np.arange(-40, 60)
    for a in range(97):
        x = Toy(a)
        assert [int(x + Toy(b)) for b in range(97)] == sums[a].tolist()
        assert [int(x - Toy(b)) for b in range(97)] == differences[a].tolist()
        assert [int(x * Toy(b)) for b in range(97)] == products[a].tolist()
        assert [int(x / Toy(b)) for b in range(1, 97)] == quotients[a].tolist()
        assert int(-x) == differences[0][a]
        assert int(x.square()) == products[a][a]
        if a:
            assert [int(x**e) for e in range(-40, 60)] == powers[a - 1].tolist()


def test_toy_square_roots_agree_with_galois() -> None:
    field = galois.GF(97)
    squares = {int(s) for s in field.squares}
    for a in range(97):
        assert Toy(a).is_square() == (a in squares)
        root = Toy(a).sqrt()
        if a in squares:
            assert root is not None
            assert root.square() == a
            assert int(root) <= int(-root)
        else:
            assert root is None


@given(field=REAL, a=NUMBERS, b=NUMBERS, c=NUMBERS)
@settings(deadline=None, max_examples=60)
def test_real_fields_are_fields(field: type[PrimeElement], a: int, b: int, c: int) -> None:
    p = field.params.modulus
    x, y, z = (field.reduce(v) for v in (a, b, c))
    assert int(x + y) == (a + b) % p
    assert int(x - y) == (a - b) % p
    assert int(x * y) == a * b % p
    assert (x + y) + z == x + (y + z)
    assert (x * y) * z == x * (y * z)
    assert x * (y + z) == x * y + x * z
    assert x + -x == field.zero()
    assert x**5 == x * x * x * x * x
    if x:
        assert x * x.inverse() == field.one()
        assert y / x * x == y
        assert x**-2 == (x * x).inverse()
    assert (x * b, b * x, x + b, b + x, b - x) == (x * y, x * y, x + y, x + y, y - x)


@given(params=st.sampled_from([FP, FR]), a=NUMBERS)
@settings(deadline=None, max_examples=60)
def test_square_roots(params: PrimeFieldParams, a: int) -> None:
    p = params.modulus
    root = sqrt(a * a, params)
    assert root == min(a % p, -a % p)
    assert is_square(a * a % p, params)
    # One of a and g·a is a square, unless both are 0.
    if a % p:
        assert (sqrt(a, params) is None) != (sqrt(a * params.generator, params) is None)
    else:
        assert sqrt(a, params) == 0


@pytest.mark.parametrize("field", [Fp, Fr])
def test_constructor_refuses_what_is_not_canonical(field: type[PrimeElement]) -> None:
    p = field.params.modulus
    assert int(field(p - 1)) == p - 1
    for value in (-1, p, p + 1, 1 << 256):
        with pytest.raises(NonCanonical):
            field(value)


def test_fields_do_not_mix() -> None:
    assert Fp(3) != Fr(3)
    with pytest.raises(TypeError):
        Fp(3) + Fr(3)
    with pytest.raises(TypeError):
        Fp(3) * Fr(3)


@pytest.mark.parametrize("field", [Fp, Fr, Toy])
def test_zero_has_no_inverse(field: type[PrimeElement]) -> None:
    with pytest.raises(ZeroDivisionError):
        field.zero().inverse()
    with pytest.raises(ZeroDivisionError):
        field.one() / field.zero()


def test_equal_elements_hash_alike() -> None:
    assert len({Fr(5), Fr(2) + 3, Fr(5) * 1, Fr(6)}) == 2
    assert repr(Fr(5)) == "Fr(5)"


def test_hash_to_fr_separates_names_and_stays_below_r() -> None:
    values = [hash_to_fr(str(i).encode()) for i in range(200)]
    assert len(set(values)) == 200
    assert all(0 <= v < FR.modulus for v in values)
    assert max(values) > FR.modulus // 2  # not truncated


@pytest.mark.parametrize(
    ("modulus", "generator", "adicity"),
    [(13, 2, 2), (41, 6, 3), (97, 5, 5), (193, 5, 6), (257, 3, 8), (12289, 11, 12), (65537, 3, 16)],
)
def test_roots_for_any_2_adicity(modulus: int, generator: int, adicity: int) -> None:
    """All residues of small primes: widths of digits from 2 to 8, one digit and several."""
    params = PrimeFieldParams("toy", modulus, generator, adicity)
    params.check()
    for x in range(0, modulus, max(1, modulus // 4000)):
        root = sqrt(x * x % modulus, params)
        assert root == min(x, modulus - x)
        assert (sqrt(x, params) is None) == (not is_square(x, params))


def test_roots_of_roots_of_unity() -> None:
    """Logarithms whose digits are all zero, all one, or a single one."""
    r = FR.modulus
    for exponent in (0, 2, 4, 1 << 27, (1 << 28) - 2, 1 << 7, 1 << 14, 127 << 7, 0xAAAAAAA):
        square = pow(FR.root_of_unity, exponent, r)
        root = sqrt(square, FR)
        assert root is not None
        assert root * root % r == square
        assert root <= r >> 1
