"""Multiples of points: each times its own scalar, all times one, and sparse matrices of them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from zk import backends
from zk.backends.portable import PortableBackend
from zk.curve.bn254 import G1, G2
from zk.errors import BackendError
from zk.field.arrays import to_array
from zk.field.params import FR
from zk.groth16.points import g1_rows, g2_rows

R = FR.modulus
EDGES = [0, 1, 2, 7, 8, 9, 15, 16, R - 1, R - 2, R // 2, 1 << 128, (1 << 253) + 5, 0x8888 << 200]


@pytest.fixture(params=["reference", "portable", "portable-threads", "best"], scope="module")
def backend(request):
    if request.param == "portable-threads":
        return PortableBackend(threads=3)
    return backends.get(None if request.param == "best" else request.param)


GROUPS = pytest.mark.parametrize(
    ("curve", "rows", "name"), [(G1, g1_rows, "scale_g1"), (G2, g2_rows, "scale_g2")]
)


@GROUPS
def test_edges(backend, curve, rows, name) -> None:
    points = [k * curve.generator() for k in range(len(EDGES))]  # the first at infinity
    want = rows([(k * p).to_affine() for k, p in zip(EDGES, points, strict=True)])
    affine = rows([p.to_affine() for p in points])
    np.testing.assert_array_equal(getattr(backend, name)(affine, to_array(EDGES)), want)


@GROUPS
@pytest.mark.parametrize("scalar", EDGES)
def test_one_scalar_for_all(backend, curve, rows, name, scalar) -> None:
    points = [curve.identity(), curve.generator(), -curve.generator(), 5 * curve.generator()]
    want = rows([(scalar * p).to_affine() for p in points])
    affine = rows([p.to_affine() for p in points])
    np.testing.assert_array_equal(getattr(backend, name)(affine, to_array([scalar])), want)


@GROUPS
def test_several_shares(curve, rows, name) -> None:
    rng = random.Random(1)
    n = 600
    backend = PortableBackend(threads=3)
    fixed = getattr(backend, name.replace("scale", "fixed_base"))
    logs, scalars = ([rng.randrange(R) for _ in range(n)] for _ in range(2))
    points = fixed(to_array(logs))
    want = fixed(to_array([k * a % R for k, a in zip(scalars, logs, strict=True)]))
    np.testing.assert_array_equal(getattr(backend, name)(points, to_array(scalars)), want)
    want = fixed(to_array([scalars[0] * a % R for a in logs]))
    np.testing.assert_array_equal(getattr(backend, name)(points, to_array(scalars[:1])), want)


@GROUPS
def test_none_and_mismatched(backend, curve, rows, name) -> None:
    width = 8 if name == "scale_g1" else 16
    empty = np.zeros((0, width), np.uint64)
    assert getattr(backend, name)(empty, to_array([5])).shape == (0, width)
    with pytest.raises(BackendError, match="3 rows or one"):
        getattr(backend, name)(np.zeros((3, width), np.uint64), to_array([5, 6]))


# -- sparse matrices ------------------------------------------------------------------------------

SPARSE = {
    "g1": (G1, g1_rows, "sparse_points_g1"),
    "g2": (G2, g2_rows, "sparse_points_g2"),
}
ROWS = [
    [],
    [(0, 1)],
    [(1, R - 1), (2, 1)],
    [(3, 5), (3, R - 5)],  # cancel
    [(0, 0), (4, 7)],  # infinity
    [(1, 8), (2, 16), (3, 1 << 253), (1, 8)],
    [(i % 5, k) for i, k in enumerate(EDGES)],
    [],
]


def csr(rows):
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.uint64)
    columns = np.array([c for row in rows for c, _ in row], dtype=np.uint64)
    return indptr, columns, to_array(k for row in rows for _, k in row)


@pytest.mark.parametrize("group", SPARSE)
def test_sparse_points(backend, group) -> None:
    curve, rows, name = SPARSE[group]
    points = [k * curve.generator() for k in (1, 2, 3, 4, 0)]
    want = []
    for row in ROWS:
        total = curve.identity()
        for column, scalar in row:
            total = total + scalar * points[column]
        want.append(total.to_affine())
    got = getattr(backend, name)(csr(ROWS), rows([p.to_affine() for p in points]))
    np.testing.assert_array_equal(got, rows(want))


@pytest.mark.parametrize("group", SPARSE)
def test_sparse_points_in_several_shares(group) -> None:
    rng = random.Random(2)
    curve, _, name = SPARSE[group]
    backend = PortableBackend(threads=3)
    fixed = getattr(backend, f"fixed_base_{group}")
    logs = [rng.randrange(R) for _ in range(40)]
    small = [0, 1, R - 1, 2]
    many = [
        [
            (rng.randrange(40), rng.choice([*small, rng.randrange(R)]))
            for _ in range(rng.randrange(6))
        ]
        for _ in range(600)
    ]
    want = fixed(to_array(sum(k * logs[c] for c, k in row) % R for row in many))
    np.testing.assert_array_equal(getattr(backend, name)(csr(many), fixed(to_array(logs))), want)
    assert curve.identity().is_identity()


def test_sparse_points_that_reach_beyond(backend) -> None:
    with pytest.raises(BackendError, match="beyond"):
        backend.sparse_points_g1(csr([[(1, 5)]]), np.zeros((1, 8), np.uint64))
    empty = backend.sparse_points_g1(csr([]), np.zeros((1, 8), np.uint64))
    assert empty.shape == (0, 8)
