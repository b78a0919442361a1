"""Every method of every backend against plain integers and py_ecc, through the same tests."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc import optimized_bn128 as ecc

from zk import backends
from zk.backends.portable import PortableBackend
from zk.field.arrays import from_array, from_montgomery, to_array, to_montgomery
from zk.field.params import FP, FR

P, R = FP.modulus, FR.modulus
MONT = 1 << 256
SMALL = st.sampled_from([0, 1, 2, R - 1, R - 2, R // 2]) | st.integers(0, R - 1)


@pytest.fixture(params=["reference", "portable", "portable-threads"], scope="module")
def backend(request):
    """Three threads, so that uneven shares occur even where there are two processors."""
    if request.param == "portable-threads":
        return PortableBackend(threads=3)
    return backends.get(request.param)


# -- oracles: py_ecc for points, integers for vectors -------------------------------------------


def g1_row(point) -> list[int]:
    if ecc.is_inf(point):
        return [0, 0]
    return to_montgomery([int(c.n) for c in ecc.normalize(point)], P)


def g2_row(point) -> list[int]:
    if ecc.is_inf(point):
        return [0] * 4
    return to_montgomery([int(c) for xy in ecc.normalize(point) for c in xy.coeffs], P)


def rows(points, row, width: int):
    return to_array(c for p in points for c in row(p)).reshape(-1, width)


G1 = (ecc.G1, ecc.Z1, g1_row, 8, "msm_g1", "fixed_base_g1")
G2 = (ecc.G2, ecc.Z2, g2_row, 16, "msm_g2", "fixed_base_g2")
groups = pytest.mark.parametrize("group", [G1, G2], ids=["g1", "g2"])


def times(k: int, point):
    return ecc.multiply(point, k)


def check_msm(backend, group, logs: list[int], scalars: list[int]) -> None:
    """Σ kᵢ·[aᵢ]G against [Σ kᵢ·aᵢ]G; aᵢ small so that py_ecc is quick."""
    generator, infinity, row, width, msm, _ = group
    known = {a: times(a % R, generator) if a % R else infinity for a in set(logs)}
    points = rows([known[a] for a in logs], row, width)
    total = sum(k * a for k, a in zip(scalars, logs, strict=True)) % R
    want = row(times(total, generator) if total else infinity)
    got = getattr(backend, msm)(points, to_array(scalars))
    assert got.shape == (width,)
    assert got.dtype == np.uint64
    assert from_array(got) == want


MSM_CASES = {
    "empty": ([], []),
    "one point": ([3], [R - 5]),
    "zero scalar": ([3], [0]),
    "scalar one": ([3], [1]),
    "infinity": ([0], [R - 1]),
    "all infinity": ([0] * 5, [1, 2, 3, R - 1, 0]),
    "all zero scalars": ([1, 2, 3], [0, 0, 0]),
    "equal points, equal scalars": ([7] * 9, [R - 2] * 9),
    "equal points, scalar one": ([7] * 10, [1] * 10),
    "a point and its negative": ([5, -5], [12345, 12345]),
    "negatives in one bucket": ([5, -5, 5, -5, 5], [1, 1, 1, 1, 1]),
    "cancelling scalars": ([5, 5], [1, R - 1]),
    "bits": ([1, 2, 3, 4, 5, 6, 7], [0, 1, 1, 0, 1, 0, 1]),
    "largest scalars": ([1, 2, 3], [R - 1, R - 1, R - 1]),
    "window edges": ([1, 2, 3, 4], [1 << 253, (1 << 253) - 1, (1 << 128) - 1, 1 << 128]),
    "among infinities": ([0, 3, 0, 0, -3, 4, 0], [9, 8, 7, 6, 5, 4, 3]),
}


@groups
@pytest.mark.parametrize("case", MSM_CASES)
def test_msm_worst_cases(backend, group, case):
    check_msm(backend, group, *MSM_CASES[case])


@groups
@settings(deadline=None, max_examples=8)
@given(terms=st.lists(st.tuples(st.integers(-3, 4), SMALL), max_size=12))
def test_msm_random(backend, group, terms):
    check_msm(backend, group, [a for a, _ in terms], [k for _, k in terms])


@groups
@pytest.mark.parametrize("n", [513, 1000])
def test_large_msm_over_threads(group, n):
    """Sizes above the serial limit, of no power of two, with many equal points in one bucket."""
    rng = random.Random(n)
    logs = [rng.choice([1, 2, -2, 3, 0]) for _ in range(n)]
    scalars = [rng.choice([0, 1, R - 1, rng.randrange(R)]) for _ in range(n)]
    check_msm(PortableBackend(threads=3), group, logs, scalars)
    check_msm(PortableBackend(threads=1), group, [1] * n, [R - 1] * n)


@groups
def test_fixed_base(backend, group):
    generator, infinity, row, width, _, fixed = group
    scalars = [0, 1, 2, R - 1, R - 2, 0, 1 << 128, (1 << 253) + 5]
    want = rows([times(k, generator) if k else infinity for k in scalars], row, width)
    np.testing.assert_array_equal(getattr(backend, fixed)(to_array(scalars)), want)
    base = times(11, generator)
    for shape in ((1, width), (width,)):
        other = rows([base], row, width).reshape(shape)
        got = getattr(backend, fixed)(to_array(scalars[:3]), other)
        np.testing.assert_array_equal(got, rows([infinity, base, times(2, base)], row, width))
    nothing = getattr(backend, fixed)(to_array([5, 0]), np.zeros((1, width), np.uint64))
    assert not nothing.any()
    assert getattr(backend, fixed)(to_array([])).shape == (0, width)


@groups
def test_fixed_base_in_several_chunks(group):
    """More scalars than one chunk, against the sum that an MSM gives."""
    generator, _, row, _, msm, fixed = group
    rng = random.Random(5)
    scalars = [rng.randrange(R) for _ in range(1500)]
    backend = PortableBackend(threads=2)
    points = getattr(backend, fixed)(to_array(scalars))
    total = getattr(backend, msm)(points, to_array([1] * len(scalars)))
    assert from_array(total) == row(times(sum(scalars) % R, generator))
    for i in (0, 1023, 1024, 1499):
        assert from_array(points[i]) == row(times(scalars[i], generator))


# -- vectors ------------------------------------------------------------------------------------


def slow_transform(values: list[int]) -> list[int]:
    n = len(values)
    w = pow(FR.root_of_unity, (1 << FR.two_adicity) // n, R)
    return [sum(v * pow(w, i * j, R) for j, v in enumerate(values)) % R for i in range(n)]


@pytest.mark.parametrize("log", range(7))
def test_ntt_is_the_definition(backend, log):
    rng = random.Random(log)
    for values in (
        [rng.randrange(R) for _ in range(1 << log)],
        [R - 1] * (1 << log),
        [0] * ((1 << log) - 1) + [1],
    ):
        got = backend.ntt(to_array(to_montgomery(values, R)))
        assert from_montgomery(from_array(got), R) == slow_transform(values)
        assert max(from_array(got)) < R
        np.testing.assert_array_equal(
            backend.ntt(got, inverse=True), to_array(to_montgomery(values, R))
        )


@pytest.mark.parametrize("threads", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("log", [9, 11])
def test_large_ntt_over_threads(threads, log):
    rng = random.Random(log)
    values = to_array(rng.randrange(R) for _ in range(1 << log))
    before = values.copy()
    backend, reference = PortableBackend(threads=threads), backends.get("reference")
    for inverse in (False, True):
        np.testing.assert_array_equal(
            backend.ntt(values, inverse=inverse), reference.ntt(values, inverse=inverse)
        )
    np.testing.assert_array_equal(values, before)


@settings(deadline=None, max_examples=50)
@given(pairs=st.lists(st.tuples(SMALL, SMALL), max_size=8))
def test_products_and_differences(backend, pairs):
    inverse = pow(MONT, -1, R)
    a, b = to_array(x for x, _ in pairs), to_array(y for _, y in pairs)
    assert from_array(backend.fr_mul(a, b)) == [x * y * inverse % R for x, y in pairs]
    assert from_array(backend.fr_sub(a, b)) == [(x - y) % R for x, y in pairs]
    one = to_array([R - 1])
    assert from_array(backend.fr_mul(a, one)) == [x * (R - 1) * inverse % R for x, _ in pairs]


@pytest.mark.parametrize("base", [0, 1, 2, R - 1, R // 3])
@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_powers(backend, base, count):
    got = backend.fr_powers(to_array(to_montgomery([base], R)), count)
    assert got.shape == (count, 4)
    assert from_montgomery(from_array(got), R) == [pow(base, i, R) for i in range(count)]


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_sparse_product(backend, data):
    vector = data.draw(st.lists(SMALL, min_size=1, max_size=5))
    entry = st.tuples(st.integers(0, len(vector) - 1), SMALL)
    matrix = data.draw(st.lists(st.lists(entry, max_size=4), max_size=5))
    lengths = [len(row) for row in matrix]
    got = backend.sparse_product(
        np.array([0, *np.cumsum(lengths)], dtype=np.uint64),
        np.array([c for row in matrix for c, _ in row], dtype=np.uint64),
        to_array(v * MONT * MONT % R for row in matrix for _, v in row),
        to_array(vector),
    )
    want = [sum(v * vector[c] for c, v in row) % R for row in matrix]
    assert got.shape == (len(matrix), 4)
    assert from_montgomery(from_array(got), R) == want


def stored_row(total: int) -> list[tuple[int, int]]:
    """(entry as stored, value) pairs whose products sum to exactly this integer."""
    top = R - 1
    pairs = [(top, top)] * (total // (top * top))
    total -= len(pairs) * top * top
    return [*pairs, (top, total // top), (total % top, 1)]


WIDE = 1 << 512
SUMS = [0, 1, WIDE - 1, WIDE, WIDE + 1, 3 * WIDE - 1, 3 * WIDE - (1 << 252)]
SUMS += [h * WIDE + d for h in (1, 2, 7) for d in (-1, 0, 1, 1 << 252)]
SUMS += [h * WIDE - h * (WIDE % R) + d for h in (1, 5, 90) for d in (-1, 0, 1)]
SUMS += [n * (R - 1) ** 2 for n in (1, 26, 27, 28, 500)]


def test_sums_around_every_bound_of_a_sparse_product(backend):
    """Rows that sum to 2⁵¹² and its multiples, where a kernel's limbs overflow."""
    matrix = [stored_row(total) for total in SUMS]
    lengths = [len(row) for row in matrix]
    got = backend.sparse_product(
        np.array([0, *np.cumsum(lengths)], dtype=np.uint64),
        np.arange(sum(lengths), dtype=np.uint64),
        to_array(v for row in matrix for v, _ in row),
        to_array(w for row in matrix for _, w in row),
    )
    assert from_montgomery(from_array(got), R) == [total * pow(MONT, -2, R) % R for total in SUMS]


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_sparse_product_with_many_units(backend, data):
    vector = [0, 1, R - 1, R - 2, 5]
    coefficient = st.sampled_from([1, R - 1, 1, R - 1, 2, R - 2, 0])
    entry = st.tuples(st.integers(0, len(vector) - 1), coefficient)
    matrix = data.draw(st.lists(st.lists(entry, max_size=40), max_size=4))
    lengths = [len(row) for row in matrix]
    got = backend.sparse_product(
        np.array([0, *np.cumsum(lengths)], dtype=np.uint64),
        np.array([c for row in matrix for c, _ in row], dtype=np.uint64),
        to_array(v * MONT * MONT % R for row in matrix for _, v in row),
        to_array(vector),
    )
    want = [sum(v * vector[c] for c, v in row) % R for row in matrix]
    assert from_montgomery(from_array(got), R) == want


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_sparse_product_with_repeated_rows(backend, data):
    """Equal rows, prefixes of one another, and rows that differ in a column or the last value."""
    long = [(0, 7), (1, R - 1), (2, 1), (4, 9)]
    choices = [long, long[:3], [], [(0, 7)], [(1, 7)], [*long[:3], (4, 8)], [*long[:3], (3, 9)]]
    matrix = data.draw(st.lists(st.sampled_from(choices), max_size=12))
    lengths = [len(row) for row in matrix]
    vector = [3, 5, R - 1, 11, 13]
    got = backend.sparse_product(
        np.array([0, *np.cumsum(lengths)], dtype=np.uint64),
        np.array([c for row in matrix for c, _ in row], dtype=np.uint64),
        to_array(v * MONT * MONT % R for row in matrix for _, v in row),
        to_array(vector),
    )
    want = [sum(v * vector[c] for c, v in row) % R for row in matrix]
    assert from_montgomery(from_array(got), R) == want


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_two_sparse_products_with_rows_in_common(backend, data):
    row = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([1, R - 1, 5])), max_size=4)
    first = data.draw(st.lists(row, max_size=8))
    second = [data.draw(st.just(r) | row | st.sampled_from(first)) for r in first]
    vector = [3, R - 1, 7]
    csr = [
        (
            np.array([0, *np.cumsum([len(r) for r in m])], dtype=np.uint64),
            np.array([c for r in m for c, _ in r], dtype=np.uint64),
            to_array(v * MONT * MONT % R for r in m for _, v in r),
        )
        for m in (first, second)
    ]
    both = backend.sparse_products(csr[0], csr[1], to_array(vector))
    for got, matrix in zip(both, (first, second), strict=True):
        want = [sum(v * vector[c] for c, v in r) % R for r in matrix]
        assert from_montgomery(from_array(got), R) == want


def test_large_sparse_product_over_threads():
    rng = random.Random(3)
    rows_, width = 1001, 40
    lengths = [rng.choice([0, 1, 3, 9]) for _ in range(rows_)]
    indptr = np.array([0, *np.cumsum(lengths)], dtype=np.uint64)
    columns = np.array([rng.randrange(width) for _ in range(sum(lengths))], dtype=np.uint64)
    values = to_array(rng.randrange(R) for _ in range(sum(lengths)))
    vector = to_array(rng.randrange(R) for _ in range(width))
    got = PortableBackend(threads=3).sparse_product(indptr, columns, values, vector)
    want = backends.get("reference").sparse_product(indptr, columns, values, vector)
    np.testing.assert_array_equal(got, want)
    other = values.copy()
    other[::3] = to_array([5])
    a, b = (indptr, columns, values), (indptr, columns, other)
    both = PortableBackend(threads=3).sparse_products(a, b, vector)
    want = backends.get("reference").sparse_products(a, b, vector)
    np.testing.assert_array_equal(both, want)


def test_arrays_mapped_from_a_file_at_an_odd_offset(backend, tmp_path):
    """Keys are mapped where their sections happen to lie: read-only and unaligned."""
    values = to_array([R - 1, 5, 7, R - 2])
    path = tmp_path / "mapped"
    path.write_bytes(b"abc" + values.tobytes())
    mapped = np.memmap(path, dtype=np.uint64, mode="r", offset=3, shape=(4, 4))
    np.testing.assert_array_equal(backend.ntt(mapped), backend.ntt(values))
    np.testing.assert_array_equal(backend.fr_mul(mapped, mapped), backend.fr_mul(values, values))


# -- pairings -----------------------------------------------------------------------------------


def pairs(backend, exponents: list[tuple[int, int]]):
    g1 = backend.fixed_base_g1(to_array(a % R for a, _ in exponents))
    return g1, backend.fixed_base_g2(to_array(b % R for _, b in exponents))


PAIRING_CASES = {
    "empty": [],
    "left infinity": [(0, 5)],
    "right infinity": [(5, 0)],
    "opposite": [(3, 4), (-3, 4)],
    "moved across": [(3, 4), (-4, 3)],
    "three": [(2, 3), (5, 7), (-41, 1)],
    "five, with infinity among them": [(2, 3), (0, 9), (5, 7), (9, 0), (-1, 41)],
    "large": [(R - 1, R - 2), (-2, 1)],
}


@pytest.mark.parametrize("case", PAIRING_CASES)
def test_pairing_products_that_are_one(backend, case):
    assert sum(a * b for a, b in PAIRING_CASES[case]) % R == 0
    assert backend.pairing_check(*pairs(backend, PAIRING_CASES[case])) is True


@pytest.mark.parametrize("case", [[(1, 1)], [(3, 4), (3, 4)], [(3, 4), (-3, 5)], [(R - 1, 1)]])
def test_pairing_products_that_are_not(backend, case):
    assert backend.pairing_check(*pairs(backend, case)) is False


def points_of_the_twist(count: int):
    """Points of E'(Fp2) from small x; almost none is in the subgroup of order r."""
    from zk.curve.bn254 import G2 as Twist
    from zk.field.tower import Fp2

    found, x = [], 0
    while len(found) < count:
        x += 1
        candidate = Fp2(x, 1)
        root = (candidate.square() * candidate + Twist.b).sqrt()
        if root is not None:
            found.append([x, 1, *root.to_ints()])
    return [to_array(to_montgomery(row, P)).reshape(1, 16) for row in found]


def test_subgroup_of_g2(backend):
    _, good = pairs(backend, [(1, k) for k in (1, 2, -1, 0, 12345)])
    assert backend.in_g2_subgroup(good) is True
    assert backend.in_g2_subgroup(good[:0]) is True
    for bad in points_of_the_twist(3):
        assert backend.in_g2_subgroup(bad) is False
        for place in (0, 3, 5):
            mixed = np.insert(good, place, bad[0], axis=0)
            assert backend.in_g2_subgroup(np.ascontiguousarray(mixed)) is False


def test_points_of_the_cofactor_are_refused(backend):
    """[r]Q lies in the subgroup whose order is the cofactor 2p − r: killed by it, not by r."""
    from zk.curve.bn254 import G2 as Twist
    from zk.curve.bn254 import G2_COFACTOR
    from zk.field.tower import Fp2

    for row in points_of_the_twist(2):
        v = from_montgomery(from_array(row), P)
        point = R * Twist.affine(Fp2(*v[:2]), Fp2(*v[2:]))
        assert (G2_COFACTOR * point).is_identity()
        x, y = point.to_affine()
        array = to_array(to_montgomery([*x, *y], P)).reshape(1, 16)
        assert backend.in_g2_subgroup(array) is False
