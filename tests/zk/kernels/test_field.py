"""Prime fields: every function at and inside its stated bounds, against plain integers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.field.params import FP as PLAIN_FP
from zk.field.params import FR as PLAIN_FR
from zk.field.params import SEED as PLAIN_SEED
from zk.kernels import inverse
from zk.kernels.constants import FP, FR, FR_GENERATOR, FR_TWO_ADICITY, SEED, Modulus

R = 1 << 256
FIELDS = [FP, FR]


def edges(m: Modulus) -> list[int]:
    """Lazy values around every bound, and those whose limbs are all ones or all zeros."""
    p = m.value
    near = [0, 1, 2, p - 2, p - 1, p, p + 1, 2 * p - 2, 2 * p - 1, R % p, p // 2, p // 2 + 1]
    limbs = [(1 << (64 * i)) + d for i in range(1, 4) for d in (-1, 0, 1)]
    return near + limbs + [(1 << 254) - 1, (1 << 253) - 1]


def lazy(m: Modulus) -> st.SearchStrategy[int]:
    return st.sampled_from(edges(m)) | st.integers(0, 2 * m.value - 1)


def test_constants_are_those_of_the_field_parameters():
    assert (SEED, FP.value, FR.value) == (PLAIN_SEED, PLAIN_FP.modulus, PLAIN_FR.modulus)
    assert (PLAIN_FR.generator, PLAIN_FR.two_adicity) == (FR_GENERATOR, FR_TWO_ADICITY)
    for m in FIELDS:
        assert m.n0 * m.value % (1 << 64) == (1 << 64) - 1
        assert 4 * m.value < R  # what the lazy bounds rest on
        assert 4 * m.value**2 // R + m.value < 2 * m.value


@pytest.mark.parametrize("m", FIELDS, ids=lambda m: m.prefix)
def test_every_pair_of_edges(m, call):
    inverse = pow(R, -1, m.value)
    expected = {
        "mul": lambda a, b: a * b * inverse,
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
    }
    for name, plain in expected.items():
        for a in edges(m):
            for b in edges(m):
                (got,) = call(f"{m.prefix}_{name}", 1, [a], [b])
                assert got < 2 * m.value, (name, a, b)
                assert (got - plain(a, b)) % m.value == 0, (name, a, b)


@pytest.mark.parametrize("m", FIELDS, ids=lambda m: m.prefix)
@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_random_lazy_values(m, call, data):
    a, b = data.draw(lazy(m)), data.draw(lazy(m))
    inverse = pow(R, -1, m.value)
    (product,) = call(f"{m.prefix}_mul", 1, [a], [b])
    assert product < 2 * m.value
    assert (product - a * b * inverse) % m.value == 0
    assert call(f"{m.prefix}_sqr", 1, [a]) == call(f"{m.prefix}_mul", 1, [a], [a])


@pytest.mark.parametrize("m", FIELDS, ids=lambda m: m.prefix)
def test_unary_functions(m, call):
    p = m.value
    for a in edges(m):
        (negated,) = call(f"{m.prefix}_neg", 1, [a])
        assert negated < 2 * p
        assert (negated + a) % p == 0
        assert call(f"{m.prefix}_reduce", 1, [a]) == [a % p]
        assert call(f"{m.prefix}_is_zero", 1, [a])[0] & 1 == (a % p == 0)
        (inverted,) = call(f"{m.prefix}_inv", 1, [a])
        assert inverted < 2 * p
        assert (inverted * a - (R * R if a % p else 0)) % p == 0


@pytest.mark.parametrize("m", FIELDS, ids=lambda m: m.prefix)
@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_inverses(m, call, data):
    """Also where quotients are long: powers of two and their neighbours, small and large values."""
    p = m.value
    power = st.builds(lambda i, d: (1 << i) + d, st.integers(0, 253), st.integers(-2, 2))
    near = power.map(abs) | power.map(lambda v: p - v) | st.integers(0, 1 << 20)
    a = data.draw(lazy(m) | near.map(lambda v: v % (2 * p)))
    (inverted,) = call(f"{m.prefix}_inv", 1, [a])
    assert inverted < 2 * p
    assert (inverted * a - (R * R if a % p else 0)) % p == 0
    assert call(f"{m.prefix}_inv", 1, [a], alias=True) == [inverted]


@pytest.mark.parametrize("m", FIELDS, ids=lambda m: m.prefix)
def test_most_division_steps_fit_the_batches(m):
    """Theorem 11.2 of eprint 2019/266, for f = m and g < m."""
    d = m.value.bit_length()
    assert d >= 46
    assert (49 * d + 57) // 17 <= inverse.STEPS * inverse.BATCHES
    assert 7 * m.value < 1 << 257


@pytest.mark.parametrize("m", FIELDS, ids=lambda m: m.prefix)
@pytest.mark.parametrize("name", ["mul", "add", "sub"])
def test_output_may_be_an_input(m, name, call):
    a, b = m.value - 3, m.value + 5
    apart = call(f"{m.prefix}_{name}", 1, [a], [b])
    assert call(f"{m.prefix}_{name}", 1, [a], [b], alias=True) == apart
