"""`scale_g1` and `scale_g2`: each point times its own scalar, or all times one."""

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
