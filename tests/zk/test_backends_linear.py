"""Vectors for shared secrets, on every backend that runs here, against integers."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk import backends
from zk.backends.linear_portable import exponent_digits
from zk.backends.portable import PortableBackend
from zk.backends.vector import VectorBackend
from zk.errors import BackendError
from zk.field.arrays import from_array, from_montgomery, to_array, to_montgomery, wide_integers
from zk.field.params import FR
from zk.kernels.vector import linear as vector_linear
from zk.kernels.vector import linear_library, linear_wide
from zk.kernels.vector.lanes import BoundError

R = FR.modulus
VALUE = st.sampled_from([0, 1, 2, R - 1, R - 2, R // 2]) | st.integers(0, R - 1)
WIDE = st.sampled_from([0, 1, R, (1 << 320) - 1, 1 << 256]) | st.integers(0, (1 << 320) - 1)


@pytest.fixture(params=[*backends.available(), "portable-threads", "ifma-emulated"], scope="module")
def backend(request):
    if request.param == "portable-threads":
        return PortableBackend(threads=3)
    if request.param == "ifma-emulated":
        return VectorBackend(request.param)
    return backends.get(request.param)


def montgomery(values):
    return to_array(to_montgomery(list(values), R))


def wide_rows(values, *shape: int):
    data = b"".join(v.to_bytes(40, "little") for v in values)
    return np.frombuffer(data, dtype="<u8").astype(np.uint64).reshape(*shape, 5)


@settings(deadline=None, max_examples=50)
@given(pairs=st.lists(st.tuples(VALUE, VALUE), max_size=9), one=VALUE)
def test_sums_and_products(backend, pairs, one):
    a, b = to_array(x for x, _ in pairs), to_array(y for _, y in pairs)
    assert from_array(backend.fr_add(a, b)) == [(x + y) % R for x, y in pairs]
    assert from_array(backend.fr_product(a, b)) == [x * y % R for x, y in pairs]
    assert from_array(backend.fr_add(a, to_array([one]))) == [(x + one) % R for x, _ in pairs]
    assert from_array(backend.fr_product(a, to_array([one]))) == [x * one % R for x, _ in pairs]


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_combinations(backend, data):
    sums, terms = data.draw(st.integers(0, 3)), data.draw(st.integers(1, 9))
    n = data.draw(st.integers(0, 10))
    rng = random.Random(data.draw(st.integers()))
    edge = [0, 1, R - 1]

    def some(count):
        return [rng.choice(edge) if rng.random() < 0.3 else rng.randrange(R) for _ in range(count)]

    rows, weights = [some(n) for _ in range(terms)], [some(terms) for _ in range(sums)]
    flat = montgomery(w for line in weights for w in line).reshape(sums, terms, 4)
    got = backend.fr_combine(flat, [to_array(row) for row in rows])
    assert got.shape == (sums, n, 4)
    for line, found in zip(weights, got, strict=True):
        assert from_array(found) == [
            sum(w * row[i] for w, row in zip(line, rows, strict=True)) % R for i in range(n)
        ]


@pytest.mark.parametrize("terms", [1, 26, 27, 28, 300])
def test_largest_combinations(backend, terms):
    """Sums around every limb that they overflow."""
    flat = to_array([R - 1] * terms).reshape(1, terms, 4)
    (weight,) = from_montgomery([R - 1], R)
    got = backend.fr_combine(flat, [to_array([R - 1, 1])] * terms)
    assert from_array(got[0]) == [weight * (R - 1) * terms % R, weight * terms % R]


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_wide_combinations(backend, data):
    terms, each, n = (data.draw(st.integers(*bounds)) for bounds in ((1, 4), (1, 3), (0, 10)))
    values = data.draw(st.lists(WIDE, min_size=terms * n * each, max_size=terms * n * each))
    weights = data.draw(st.lists(VALUE, min_size=terms * each, max_size=terms * each))
    flat = to_array((w << 384) % R for w in weights).reshape(terms, each, 4)
    got = backend.fr_combine_wide(flat, wide_rows(values, terms, n, each))
    assert from_array(got) == [
        sum(
            weights[k * each + j] * values[(k * n + i) * each + j]
            for k in range(terms)
            for j in range(each)
        ) % R
        for i in range(n)
    ]  # fmt: skip


@pytest.mark.parametrize(("terms", "each"), [(1, 1), (495, 4), (715, 1)])
def test_largest_wide_combinations(backend, terms, each):
    n = 9
    flat = to_array([R - 1] * (terms * each)).reshape(terms, each, 4)
    rows = np.full((terms, n, each, 5), (1 << 64) - 1, dtype=np.uint64)
    weight = (R - 1) * pow(1 << 384, -1, R)
    assert (
        from_array(backend.fr_combine_wide(flat, rows))
        == [weight * ((1 << 320) - 1) * terms * each % R] * n
    )


@settings(deadline=None, max_examples=25)
@given(values=st.lists(VALUE, max_size=9))
def test_inverses(backend, values):
    if 0 in values:
        with pytest.raises(ZeroDivisionError):
            backend.fr_inverse(to_array(values))
    else:
        assert from_array(backend.fr_inverse(to_array(values))) == [pow(v, -1, R) for v in values]


@pytest.mark.parametrize("exponent", [0, 1, 2, 15, 16, 17, 255, R - 2, (R - 1) // 2, 1 << 300])
def test_powers_with_one_exponent(backend, exponent):
    values = [0, 1, 2, R - 1, 12345, R // 3, 7, 8, 9, 10] * 4
    for count in (0, 1, 10, 16, 17, 40):
        got = backend.fr_raise(montgomery(values[:count]), exponent)
        assert from_montgomery(from_array(got), R) == [pow(v, exponent, R) for v in values[:count]]


def test_digits_of_an_exponent():
    assert exponent_digits(0) == []
    assert exponent_digits(0x1A05) == [1, 10, 0, 5]


def test_many_rows_over_threads():
    rng = random.Random(1)
    n = 1500  # above the limit of one thread, of no even share
    a, b = (to_array(rng.randrange(R) for _ in range(n)) for _ in range(2))
    wide = rng.randbytes(40 * 2 * n)
    rows = np.frombuffer(wide, dtype="<u8").astype(np.uint64).reshape(2, n, 1, 5)
    weights = to_array(rng.randrange(R) for _ in range(6))
    reference = backends.get("reference")
    for backend in (PortableBackend(threads=3), backends.get()):
        for call in (
            lambda x: x.fr_add(a, b),
            lambda x: x.fr_product(a, b),
            lambda x: x.fr_combine(weights.reshape(3, 2, 4), [a, b]),
            lambda x: x.fr_combine_wide(weights[:2].reshape(2, 1, 4), rows),
            lambda x: x.fr_raise(a, 5),
            lambda x: x.fr_raise(a, 1 << 70),
            lambda x: x.fr_inverse(a),
        ):
            np.testing.assert_array_equal(call(backend), call(reference))


def test_operands_stay_as_they_are(backend):
    a, b = to_array([5, 7]), to_array([11, 13])
    backend.fr_add(a, b)
    backend.fr_product(a, b)
    backend.fr_inverse(a)
    backend.fr_raise(a, 3)
    backend.fr_combine(to_array([1, 2]).reshape(1, 2, 4), [a, b])
    np.testing.assert_array_equal(a, to_array([5, 7]))
    np.testing.assert_array_equal(b, to_array([11, 13]))


@pytest.mark.parametrize("multiplier", ["ifma", "ifma-emulated"])
def test_more_terms_than_columns_hold_are_not_emitted(monkeypatch, multiplier):
    linear_library.build(multiplier)
    monkeypatch.setattr(linear_wide, "MOST", 256)
    with pytest.raises(BoundError):
        linear_library.build(multiplier)


@pytest.mark.parametrize("multiplier", ["fma", "ifma", "ifma-emulated"])
def test_vector_signatures_cover_exactly_the_exports(multiplier):
    module = linear_library.build(multiplier)
    wanted = {**vector_linear.SIGNATURES}
    if linear_library.has_wide(multiplier):
        wanted |= linear_wide.SIGNATURES
    assert set(module.exports) == set(wanted)


def u64(*shape: int):
    return np.zeros(shape, dtype=np.uint64)


REFUSED = {
    "sum, rows": lambda x: x.fr_add(u64(3, 4), u64(2, 4)),
    "sum, width": lambda x: x.fr_add(u64(3, 4), u64(3, 5)),
    "product, rows": lambda x: x.fr_product(u64(3, 4), u64(2, 4)),
    "product, kind": lambda x: x.fr_product(u64(3, 4), np.zeros((3, 4))),
    "combination, none": lambda x: x.fr_combine(u64(1, 0, 4), []),
    "combination, terms": lambda x: x.fr_combine(u64(1, 2, 4), [u64(3, 4)]),
    "combination, dimensions": lambda x: x.fr_combine(u64(2, 4), [u64(3, 4)] * 2),
    "combination, lengths": lambda x: x.fr_combine(u64(1, 2, 4), [u64(3, 4), u64(2, 4)]),
    "combination, width": lambda x: x.fr_combine(u64(1, 2, 5), [u64(3, 4)] * 2),
    "combination, strides": lambda x: x.fr_combine(u64(1, 1, 4), [u64(6, 4)[::2]]),
    "combination, weights": lambda x: x.fr_combine(u64(1, 4, 4)[:, ::2], [u64(3, 4)] * 2),
    "combination, list": lambda x: x.fr_combine(u64(1, 1, 4), [[1, 2, 3, 4]]),
    "wide, dimensions": lambda x: x.fr_combine_wide(u64(1, 1, 4), u64(1, 3, 5)),
    "wide, width": lambda x: x.fr_combine_wide(u64(1, 1, 4), u64(1, 3, 1, 4)),
    "wide, terms": lambda x: x.fr_combine_wide(u64(2, 1, 4), u64(1, 3, 1, 5)),
    "wide, each": lambda x: x.fr_combine_wide(u64(1, 2, 4), u64(1, 3, 1, 5)),
    "wide, strides": lambda x: x.fr_combine_wide(u64(1, 1, 4), u64(1, 6, 1, 5)[:, ::2]),
    "wide, kind": lambda x: x.fr_combine_wide(u64(1, 1, 4), np.zeros((1, 3, 1, 5))),
    "wide, weights": lambda x: x.fr_combine_wide(u64(1, 4), u64(1, 3, 1, 5)),
    "inverse, width": lambda x: x.fr_inverse(u64(3, 5)),
    "power, negative": lambda x: x.fr_raise(u64(3, 4), -1),
    "power, fraction": lambda x: x.fr_raise(u64(3, 4), 1.5),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(backend, case):
    with pytest.raises(BackendError):
        REFUSED[case](backend)


def test_wide_integers():
    numbers = [0, 1, (1 << 320) - 1, 1 << 319]
    assert wide_integers(wide_rows(numbers, 4)) == numbers
