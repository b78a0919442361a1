"""Multi-scalar multiplication by vector kernels against the portable one, also where additions are
exceptional: equal points, opposite points, sums that vanish, points at infinity."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from zk import backends
from zk.backends.arenas import KEPT, Arenas
from zk.backends.portable import PortableBackend
from zk.backends.vector import VectorBackend
from zk.backends.vector import _digits as signed_digits
from zk.errors import BackendError
from zk.field.arrays import U64Array, from_array, to_array
from zk.field.params import FP, FR
from zk.kernels.msm import windows
from zk.kernels.vector import library

N = 150


@pytest.fixture(
    scope="module", params=["fma", "fma-threads", "ifma", "ifma-threads", "ifma-emulated"]
)
def vector(request: pytest.FixtureRequest) -> VectorBackend:
    name, _, _ = request.param.partition("-threads")
    if not library.supported(name):
        pytest.skip(f"this processor lacks what {name} needs")
    return VectorBackend(name, threads=2 if request.param.endswith("threads") else 1)


@pytest.fixture(scope="module")
def portable() -> PortableBackend:
    return PortableBackend(threads=1)


def negated(points: U64Array) -> U64Array:
    half = points.shape[1] // 2
    y = from_array(points[:, half:].reshape(-1, 4))
    turned = to_array((FP.modulus - v) % FP.modulus for v in y).reshape(points.shape[0], half)
    return np.concatenate([points[:, :half], turned], axis=1)


@pytest.fixture(scope="module", params=["g1", "g2"])
def points(request: pytest.FixtureRequest, portable: PortableBackend) -> tuple[str, U64Array]:
    rng = random.Random(7)
    fixed = portable.fixed_base_g1 if request.param == "g1" else portable.fixed_base_g2
    return request.param, fixed(to_array(rng.randrange(1, FR.modulus) for _ in range(N)))


def cases(points: U64Array) -> dict[str, tuple[U64Array, U64Array]]:
    rng = random.Random(11)
    n, r = points.shape[0], FR.modulus
    wide = to_array(rng.randrange(r) for _ in range(n))
    one_scalar = np.repeat(wide[:1], n, axis=0)
    one_point = np.repeat(points[:1], n, axis=0)
    opposite = points.copy()
    opposite[1::2] = negated(points[::2])[: n // 2]
    few = points[np.arange(n) % 7]
    holes = np.where((np.arange(n) % 3 == 0)[:, None], np.uint64(0), points)
    return {
        "random": (points, wide),
        "equal points": (one_point, wide),
        "equal scalars": (points, one_scalar),
        "one point, one scalar": (one_point, one_scalar),
        "pairs of opposite points": (opposite, wide),
        "sum of opposite points": (opposite, one_scalar),
        "sum of opposite points, ones": (opposite, to_array([1] * n)),
        "ones": (points, to_array([1] * n)),
        "bits": (points, to_array(rng.randrange(2) for _ in range(n))),
        "r - 1": (points, to_array([r - 1] * n)),
        "2^256 - 1": (points, to_array([(1 << 256) - 1] * n)),
        "powers of two": (points, to_array(1 << k % 256 for k in range(n))),
        "few points": (few, wide),
        "few points and their opposites": (np.concatenate([few, negated(few)])[::2], wide),
        "zeros": (points, to_array([0] * n)),
        "infinities": (np.zeros_like(points), wide),
        "some infinities": (holes, wide),
        "short scalars": (points, to_array(rng.getrandbits(64) for _ in range(n))),
    }


def test_equal_to_the_portable_backend(
    vector: VectorBackend, portable: PortableBackend, points: tuple[str, U64Array]
) -> None:
    group, rows = points
    for name, (raw, scalars) in cases(rows).items():
        bases = np.ascontiguousarray(raw)
        got = getattr(vector, f"msm_{group}")(bases, scalars)
        wanted = getattr(portable, f"msm_{group}")(bases, scalars)
        assert (got == wanted).all(), (group, name)


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 127, 129])
def test_every_length(vector: VectorBackend, portable: PortableBackend, n: int) -> None:
    rng = random.Random(n)
    bases = portable.fixed_base_g1(to_array(rng.randrange(FR.modulus) for _ in range(n)))
    scalars = to_array(rng.randrange(FR.modulus) for _ in range(n))
    assert (vector.msm_g1(bases, scalars) == portable.msm_g1(bases, scalars)).all()


@pytest.mark.parametrize("c", [2, 3, 8, 13, 15, 16])
def test_digits_equal_the_scalar_ones(vector: VectorBackend, c: int) -> None:
    rng = random.Random(c)
    top = (1 << 256) - 1
    edges = [0, 1, FR.modulus - 1, top, 1 << 255, (1 << c - 1) - 1, 1 << c - 1]
    values = [*edges, sum(1 << k for k in range(c - 1, 256, c))]
    values += [1 << 64 * k for k in range(4)] + [rng.getrandbits(256) for _ in range(50)]
    scalars, count = to_array(values), windows(c)
    got = signed_digits(vector, scalars, c, count)
    assert (got[:, : len(values)] == vector.digits(scalars, c, count)).all()
    assert not got[:, len(values) :].any()


def test_memory_is_lent_to_one_at_a_time_and_used_again() -> None:
    arenas = Arenas()
    first, second = arenas.take(100, 8), arenas.take(100, 8)
    assert not np.shares_memory(first, second)
    assert first.ctypes.data % 64 == second.ctypes.data % 64 == 0
    arenas.give(first)
    again = arenas.take(90, 8)
    assert np.shares_memory(first, again)
    assert not np.shares_memory(arenas.take(90, 8), again)
    large = arenas.take(KEPT // 64 + 1, 8)
    arenas.give(large)
    assert not np.shares_memory(large, arenas.take(KEPT // 64, 8))


def test_several_blocks_and_batches(vector: VectorBackend, portable: PortableBackend) -> None:
    """More additions in a round than one block holds."""
    n = 1 << 13
    rng = random.Random(5)
    bases = portable.fixed_base_g1(to_array(rng.randrange(FR.modulus) for _ in range(n)))
    scalars = to_array(rng.randrange(FR.modulus) if k % 3 else 1 for k in range(n))
    assert (vector.msm_g1(bases, scalars) == portable.msm_g1(bases, scalars)).all()


def test_a_name_decides_and_a_missing_instruction_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if library.supported("ifma"):
        assert backends.get("ifma").name == "ifma"
    else:
        with pytest.raises(BackendError, match="avx512ifma"):
            backends.get("ifma")
    if library.supported("fma"):
        assert backends.get("fma").name == "fma"


def test_the_rounding_mode_is_given_back(vector: VectorBackend, points: Any) -> None:
    group, rows = points
    getattr(vector, f"msm_{group}")(rows, to_array([3] * rows.shape[0]))
    step = (
        float("1.5") * 2.0**-53
    )  # to nearest this reaches the next double, toward zero it does not
    assert float("1") + step == 1.0 + 2.0**-52
