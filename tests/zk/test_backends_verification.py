"""What verifiers ask of backends: products of pairings, combinations of fixed points, weights."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from zk.backends import available, get
from zk.backends.pairing_vector import START
from zk.curve import weights
from zk.curve.bn254 import G1, G2, G2_COFACTOR
from zk.errors import BackendError
from zk.field.arrays import U64Array, from_array, to_array
from zk.field.params import FP, FR
from zk.field.tower import Fp2
from zk.groth16.points import g1_points, g1_rows, g2_rows
from zk.interfaces import Backend
from zk.kernels.vector import library

REFERENCE = get("reference")
SMALL_ORDER = 10_069
EMULATED = pytest.param("ifma-emulated", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[*(x for x in available() if x != "reference"), EMULATED])
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "ifma-emulated":
        from zk.backends.vector import VectorBackend

        return VectorBackend(request.param)
    return get(request.param)


def g1(*factors: int) -> U64Array:
    return g1_rows((k * G1.generator()).to_affine() for k in factors)


def g2(*factors: int) -> U64Array:
    return g2_rows((k * G2.generator()).to_affine() for k in factors)


def twist_points() -> list[G2]:
    """Outside the subgroup: any point, one of the cofactor's order, of order 10069, mixtures."""
    x = 0
    while True:
        x += 1
        candidate = Fp2(x, 1)
        root = (candidate.square() * candidate + G2.b).sqrt()
        if root is not None:
            break
    point = G2.affine(candidate, root)
    cofactor = FR.modulus * point
    small = (G2_COFACTOR // SMALL_ORDER) * cofactor
    assert not small.is_identity()
    assert (SMALL_ORDER * small).is_identity()
    return [point, cofactor, small, small + G2.generator(), cofactor + G2.generator()]


@pytest.mark.parametrize("own", [0, 1, 4, 5])
@pytest.mark.parametrize("fixed", [0, 3, 5])
def test_products_equal_those_of_the_reference(backend: Any, own: int, fixed: int) -> None:
    rng = random.Random(own * 10 + fixed)
    a = [rng.randrange(1, FR.modulus) for _ in range(own + fixed)]
    b = [rng.randrange(1, FR.modulus) for _ in range(own + 5)]
    prepared = backend.prepare_g2(g2(*b[own:]))
    inside, product = backend.pairing_product(g1(*a[:own]), g2(*b[:own]), g1(*a[own:]), prepared)
    assert inside.tolist() == [True] * own
    # e(aG, bH) = e(G, H)^(ab): one reference pairing stands for all
    total = sum(x * y for x, y in zip(a, b, strict=False)) % FR.modulus
    none = REFERENCE.prepare_g2(g2())
    _, expected = REFERENCE.pairing_product(g1(total), g2(1), g1(), none)
    assert (product == expected).all()


def test_infinity_counts_one(backend: Any) -> None:
    prepared = backend.prepare_g2(g2(3, 4))
    cases = [
        (g1(0, 5), g2(6, 7), g1(8, 0), 5 * 7 + 8 * 3),
        (g1(9, 5), g2(0, 7), g1(0, 8), 5 * 7 + 8 * 4),
        (g1(0), g2(0), g1(0, 0), 0),
    ]
    none = REFERENCE.prepare_g2(g2())
    for own, right, fixed, total in cases:
        inside, product = backend.pairing_product(own, right, fixed, prepared)
        assert inside.all()
        _, expected = REFERENCE.pairing_product(g1(total), g2(1), g1(), none)
        assert (product == expected).all()


@pytest.mark.parametrize("place", [0, 2, 5])
def test_points_outside_the_subgroup_are_told(backend: Any, place: int) -> None:
    good = [k * G2.generator() for k in (1, FR.modulus - 1, 2, 12345, 3)]
    none = backend.prepare_g2(g2())
    for bad in twist_points():
        points = [*good[:place], bad, *good[place:]]
        rows = g2_rows(q.to_affine() for q in points)
        inside, _ = backend.pairing_product(g1(*range(1, 7)), rows, g1(), none)
        assert inside.tolist() == [i != place for i in range(6)]
        inside, _ = backend.pairing_product(g1(0), rows[place : place + 1], g1(), none)
        assert not inside[0]


@pytest.mark.parametrize("count", [1, 2, 14, 30])
def test_combinations_of_fixed_points(backend: Any, count: int) -> None:
    rng = random.Random(count)
    factors = [rng.randrange(FR.modulus) for _ in range(count)]
    factors[-1] = factors[0]
    scalars = [rng.randrange(FR.modulus) for _ in range(count)]
    prepared = backend.prepare_g1(g1(*factors))
    edges = [0, 1, FR.modulus - 1, 1 << 253, (1 << 128) - 1]
    for values in (scalars, [0] * count, [edges[i % 5] for i in range(count)], [1] * count):
        total = sum(x * k for x, k in zip(factors, values, strict=True)) % FR.modulus
        assert (backend.combine_g1(prepared, to_array(values)) == g1(total)[0]).all()
    opposite = backend.prepare_g1(g1(7, -7 % FR.modulus, 0))
    assert not backend.combine_g1(opposite, to_array([5, 5, 9])).any()
    assert backend.combine_g1(opposite, to_array([5, FR.modulus - 5, 9])).tolist() == (
        g1(70)[0].tolist()
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_combinations_whose_sums_meet_their_terms(backend: Backend, sign: int) -> None:
    """Vector lanes start from a known point: here the first term equals it, or its negative."""
    factors = [sign * START % FR.modulus, 5, 3 * START % FR.modulus]
    prepared = backend.prepare_g1(g1(*factors))
    for scalars in ([1, 0, 0], [1, 1, 1], [2, 7, 0], [0, 0, 1], [FR.modulus - 1, 0, 1]):
        total = sum(x * k for x, k in zip(factors, scalars, strict=True)) % FR.modulus
        assert (backend.combine_g1(prepared, to_array(scalars)) == g1(total)[0]).all()


def test_sums_of_points(backend: Backend) -> None:
    rng = random.Random(5)
    many = [rng.randrange(FR.modulus) for _ in range(65)]
    for factors in ([], [0], [3], [3, 3], [3, FR.modulus - 3], [0, 1, 2, 3, 0, 3], [1] * 9, many):
        assert (backend.sum_g1(g1(*factors)) == g1(sum(factors) % FR.modulus)[0]).all()


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7, 8, 13])
def test_weights(backend: Any, count: int) -> None:
    rng = random.Random(count)
    top = (1 << 64) - 1
    words = [(rng.getrandbits(64), rng.getrandbits(64)) for _ in range(count)]
    words[:4] = [(0, 0), (top, top), (0, top), (top, 0)][:count]
    factors = [rng.randrange(FR.modulus) for _ in range(count)]
    if count > 4:
        factors[4] = 0
    array = np.array(words, dtype=np.uint64).reshape(count, 2)
    products = backend.weigh_g1(g1(*factors), array)
    assert (products == REFERENCE.weigh_g1(g1(*factors), array)).all()


def test_weights_of_many_points_are_canonical(backend: Any) -> None:
    """Coordinates just above p would be points of their own to whoever compares rows."""
    rows = g1(*range(1, 65))
    products = backend.weigh_g1(rows, weights.draw(64))
    assert max(from_array(products.reshape(-1, 4))) < FP.modulus
    assert all(G1.from_affine(p) for p in g1_points(products))


def test_coefficients() -> None:
    def by_definition(u: int, v: int) -> int:
        signs = [(-1) ** (u >> i & 1) * weights.LAMBDA ** (v >> i & 1) for i in range(64)]
        return sum(2**i * d for i, d in enumerate(signs)) % FR.modulus

    rng = random.Random(1)
    for u, v in [(0, 0), (1, 0), (0, 1), *((rng.getrandbits(64), rng.getrandbits(64)),) * 20]:
        assert weights.coefficient(u, v) == by_definition(u, v)
    high = ((1 << 58) - 1) << 6
    few = {weights.coefficient(high | u, high | v) for u in range(64) for v in range(64)}
    assert len(few) == 64 * 64


def test_prepared_points_belong_to_their_backend(backend: Any) -> None:
    foreign = REFERENCE.prepare_g2(g2(1))
    with pytest.raises(BackendError, match="reference"):
        backend.pairing_product(g1(), g2(), g1(1), foreign)
    with pytest.raises(BackendError, match="at most 1"):
        backend.pairing_product(g1(), g2(), g1(1, 2), backend.prepare_g2(g2(1)))
    with pytest.raises(BackendError, match="reference"):
        backend.combine_g1(REFERENCE.prepare_g1(g1(1)), to_array([1]))
    with pytest.raises(BackendError, match="2 rows"):
        backend.combine_g1(backend.prepare_g1(g1(1, 2)), to_array([1]))
    with pytest.raises(BackendError, match="weights"):
        backend.weigh_g1(g1(1), np.zeros((2, 2), dtype=np.uint64))


def test_the_end_of_the_loop_tells_the_subgroup() -> None:
    """Norm of 6x + 2 + ψ − ψ² + ψ³ in Z[ψ], ψ² = tψ − p: its common divisor with r·h is r."""
    import math

    from zk.kernels.constants import SEED

    p, t = FP.modulus, 6 * SEED**2 + 1
    powers = [(1, 0)]
    for _ in range(3):
        a, b = powers[-1]
        powers.append((-b * p, a + b * t))
    terms = list(zip((6 * SEED + 2, 1, -1, 1), powers, strict=True))
    u, v = (sum(c * q[i] for c, q in terms) for i in range(2))
    norm = u * u + u * v * t + v * v * p
    assert math.gcd(norm, FR.modulus * G2_COFACTOR) == FR.modulus


def test_kernels_exist_only_where_they_can_run() -> None:
    assert ("fma" in available()) is library.supported("fma")
