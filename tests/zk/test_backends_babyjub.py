"""Sums of multiples on Baby Jubjub, on every backend and in Python."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zk import backends
from zk.backends import available, get
from zk.backends.portable import PortableBackend
from zk.combinations import combination
from zk.curve import babyjub
from zk.curve.babyjub import B8, GENERATOR, IDENTITY, ORDER, Point
from zk.errors import BackendError
from zk.field.arrays import U64Array, from_array, to_array
from zk.field.params import FR
from zk.interfaces import Backend
from zk.kernels import babyjub as kernel

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "vectors" / "babyjub.json").read_text()
)
TORSION = [Point(int(x), int(y)) for x, y in VECTORS["torsion"]]
SCALARS = (0, 1, 15, 16, 17, 31, 32, ORDER - 1, ORDER, 8 * ORDER, (1 << 256) - 1, 1 << 255)

Terms = list[tuple[int, Point]]


@pytest.fixture(scope="module", params=[*available(), "threads"])
def backend(request: pytest.FixtureRequest) -> Backend:
    return PortableBackend(threads=3) if request.param == "threads" else get(request.param)


def arrays(terms: Terms) -> tuple[U64Array, U64Array]:
    points = to_array(c for _, point in terms for c in point).reshape(-1, 8)
    return points, to_array(scalar for scalar, _ in terms)


def check(backend: Backend, terms: Terms) -> None:
    total = IDENTITY
    for scalar, point in terms:
        total = babyjub.add(total, babyjub.multiply(scalar, point))
    out = backend.babyjub_sum(*arrays(terms))
    assert out.shape == (8,)
    assert from_array(out.reshape(2, 4)) == list(total)


def test_the_kernels_curve_is_the_curve() -> None:
    assert (kernel.A, kernel.D) == (babyjub.A, babyjub.D)
    assert (kernel.ROOT**2 + kernel.A) % FR.modulus == 0


def test_multiples_are_circomlibs(backend: Backend) -> None:
    for case in VECTORS["multiply"]:
        point = Point(*(int(c) for c in case["p"]))
        out = backend.babyjub_sum(*arrays([(int(case["k"]), point)]))
        assert from_array(out.reshape(2, 4)) == [int(c) for c in case["product"]]


def test_edges(backend: Backend) -> None:
    """Small orders, the identity, points that repeat or cancel, digits at their ends."""
    check(backend, [])
    for point in (B8, IDENTITY, GENERATOR, *TORSION):
        for scalar in SCALARS:
            check(backend, [(scalar, point)])
    check(backend, [(5, B8)] * 6)
    check(backend, [(7, B8), (7, babyjub.negate(B8)), (ORDER - 7, B8), (7, B8)])
    check(backend, [(scalar, point) for scalar in SCALARS for point in TORSION])


@pytest.mark.parametrize("n", [2, 3, 65, 200])
def test_sums(backend: Backend, n: int) -> None:
    """Of any points of the curve; the longer ones are shared among threads."""
    rng = random.Random(n)
    step, point, terms = babyjub.multiply(rng.randrange(ORDER), GENERATOR), GENERATOR, []
    for _ in range(n):
        point = babyjub.add(point, step)
        terms.append((rng.choice((rng.randrange(1 << 256), rng.choice(SCALARS))), point))
    check(backend, terms)


def test_other_arrays_are_refused(backend: Backend) -> None:
    points, scalars = arrays([(1, B8), (2, B8)])
    for wrong in ((points[:1], scalars), (points.reshape(-1, 4), scalars), (points, points)):
        with pytest.raises(BackendError):
            backend.babyjub_sum(*wrong)
    with pytest.raises(BackendError):
        backend.babyjub_sum(points.astype(np.int64), scalars)


@pytest.mark.parametrize("name", [None, "portable", "reference"])
def test_combinations_are_the_same_everywhere(
    name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "started", lambda: None if name is None else get(name))
    assert combination([]) == IDENTITY
    for scalar in (0, 1, ORDER - 1, (1 << 256) - 1):
        terms = [(scalar, B8), (3, GENERATOR), (scalar, TORSION[-1])]
        total = combination(terms)
        want = babyjub.multiply(scalar, babyjub.add(B8, TORSION[-1]))
        assert total == babyjub.add(want, babyjub.multiply(3, GENERATOR))
        assert type(total.x) is int
