"""Vectors modulo r against integers, and their one encoding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.mpc import vectors
from private_exec.mpc.errors import MalformedVector
from private_exec.mpc.vectors import R, vec

VALUE = st.sampled_from([0, 1, 2, R - 1, R - 2, R // 2]) | st.integers(0, R - 1)
VALUES = st.lists(VALUE, max_size=6)
PAIRS = st.lists(st.tuples(VALUE, VALUE), max_size=6)


@settings(deadline=None)
@given(pairs=PAIRS, k=st.integers(-R, 2 * R))
def test_element_by_element(pairs, k):
    x, y = [a for a, _ in pairs], [b for _, b in pairs]
    a, b = vec(x), vec(y)
    assert vectors.ints(vectors.add(a, b)) == [(u + v) % R for u, v in pairs]
    assert vectors.ints(vectors.sub(a, b)) == [(u - v) % R for u, v in pairs]
    assert vectors.ints(vectors.mul(a, b)) == [u * v % R for u, v in pairs]
    assert vectors.ints(vectors.neg(a)) == [-u % R for u in x]
    assert vectors.ints(vectors.scale(a, k)) == [k * u % R for u in x]
    for function, wanted in (
        (vectors.add, [(u + k) % R for u in x]),
        (vectors.sub, [(u - k) % R for u in x]),
        (vectors.mul, [u * k % R for u in x]),
    ):
        assert vectors.ints(function(a, k)) == wanted
    assert vectors.total(a) == sum(x) % R
    assert vectors.ints(a) == x  # operands stay as they are


@settings(deadline=None)
@given(data=st.data())
def test_combinations(data):
    terms, count = data.draw(st.integers(1, 7)), data.draw(st.integers(0, 4))
    line = st.lists(VALUE, min_size=terms, max_size=terms)
    matrix = data.draw(st.lists(line, min_size=1, max_size=4))
    rows = [data.draw(st.lists(VALUE, min_size=count, max_size=count)) for _ in range(terms)]
    got = vectors.combinations(matrix, [vec(row) for row in rows])
    assert got.shape == (len(matrix), count, 4)
    for line, found in zip(matrix, got, strict=True):
        wanted = [
            sum(w * row[i] for w, row in zip(line, rows, strict=True)) % R for i in range(count)
        ]
        assert vectors.ints(found) == wanted
        assert vectors.ints(vectors.combine(line, [vec(row) for row in rows])) == wanted


@pytest.mark.parametrize("bits", [0, 1, 63, 64, 65, 254])
def test_the_lowest_bits_of_values(bits):
    kept = vec([R - 1]) & vectors.lowest(bits, 4)
    assert vectors.ints(kept) == [(R - 1) % (1 << bits)]


def test_combine_takes_columns_of_another_array():
    rows = np.stack([vec([1, 2, 3, 4]), vec([5, 6, 7, 8])])
    got = vectors.combine([2, 3], [rows[0][::2], rows[1][1::2]])
    assert vectors.ints(got) == [2 * 1 + 3 * 6, 2 * 3 + 3 * 8]


@settings(deadline=None)
@given(x=VALUE, count=st.integers(0, 5))
def test_powers(x, count):
    assert vectors.ints(vectors.powers(x, count)) == [pow(x, k, R) for k in range(1, count + 1)]


@settings(deadline=None)
@given(values=VALUES)
def test_inverses(values):
    if 0 in values:
        with pytest.raises(ZeroDivisionError) as refused:
            vectors.inverse(vec(values))
        assert str(refused.value) == "0 has no inverse"
    else:
        assert vectors.ints(vectors.inverse(vec(values))) == [pow(v, -1, R) for v in values]


@settings(deadline=None)
@given(numbers=st.lists(st.integers(0, (1 << 320) - 1) | st.just((1 << 320) - 1), max_size=5))
def test_reduced(numbers):
    data = b"".join(n.to_bytes(40, "little") for n in numbers)
    assert vectors.ints(vectors.reduced(data)) == [n % R for n in numbers]


@settings(deadline=None)
@given(values=VALUES)
def test_encoding_and_back(values):
    data = vectors.to_bytes(vec(values))
    assert data == b"".join(v.to_bytes(32, "little") for v in values)
    back = vectors.from_bytes(data, len(values))
    assert vectors.same(back, vec(values))
    back += np.uint64(0)  # a fresh array, not the message's memory


@pytest.mark.parametrize("length", [0, 1, 31, 32, 63, 65, 96])
def test_pv2_a_vector_has_exactly_its_length(length):
    with pytest.raises(MalformedVector) as refused:
        vectors.from_bytes(bytes(length), 2)
    assert refused.value.rule == "PV-2"


@pytest.mark.parametrize("value", [R, R + 1, (1 << 256) - 1, R + (1 << 64), R + (1 << 192)])
@pytest.mark.parametrize("place", [0, 2])
def test_pv2_a_value_has_one_encoding(value, place):
    numbers = [R - 1] * 3
    numbers[place] = value
    with pytest.raises(MalformedVector) as refused:
        vectors.from_bytes(b"".join(n.to_bytes(32, "little") for n in numbers), 3)
    assert refused.value.rule == "PV-2"
    assert f"value {place} " in refused.value.where
