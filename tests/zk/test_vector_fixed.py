"""Multiples of one base by vector kernels against the portable ones, bit for bit."""

from __future__ import annotations

import random

import numpy as np
import pytest

from zk.backends import vector_fixed
from zk.backends.portable import PortableBackend
from zk.backends.vector import VectorBackend
from zk.curve.bn254 import G2, G2_COFACTOR
from zk.errors import BackendError
from zk.field.arrays import U64Array, to_array
from zk.field.params import FR
from zk.field.tower import Fp2
from zk.groth16.points import g2_rows
from zk.kernels.vector import library

R = FR.modulus
N = vector_fixed.LEAST
SMALL_ORDER = 10_069
EDGES = (0, 1, 2, R - 1, R - 2, R, R + 1, 2 * R, 3 * R, (1 << 256) - 1, 1 << 255, 1 << 128)


@pytest.fixture(scope="module", params=["fma", "fma-threads", "ifma", "ifma-threads", "emulated"])
def vector(request: pytest.FixtureRequest) -> VectorBackend:
    name, _, more = request.param.partition("-")
    if name == "emulated":
        name = "ifma-emulated"
    if not library.supported(name):
        pytest.skip(f"this processor lacks what {name} needs")
    return VectorBackend(name, threads=3 if more else 1)


@pytest.fixture(scope="module")
def portable() -> PortableBackend:
    return PortableBackend(threads=1)


def check(
    vector: VectorBackend,
    portable: PortableBackend,
    scalars: list[int],
    base: U64Array | None = None,
    groups: tuple[str, ...] = ("g1", "g2"),
) -> None:
    array = to_array(scalars)
    for group in groups:
        got = getattr(vector, f"fixed_base_{group}")(array, base)
        want = getattr(portable, f"fixed_base_{group}")(array, base)
        np.testing.assert_array_equal(got, want)


def mixed(n: int) -> list[int]:
    """Edges among wide and narrow scalars."""
    rng = random.Random(n)
    kinds = (
        lambda: rng.randrange(R),
        lambda: rng.randrange(1 << 64),
        lambda: 1 << rng.randrange(256),
        lambda: (1 << 256) - (1 << rng.randrange(256)),
        lambda: rng.choice(EDGES),
    )
    return [rng.choice(kinds)() for _ in range(n)]


@pytest.mark.parametrize("n", [N - 1, N, N + 1, N + 7])
def test_multiples_of_the_generators(
    vector: VectorBackend, portable: PortableBackend, n: int
) -> None:
    check(vector, portable, mixed(n))


def test_scalars_of_one_kind(vector: VectorBackend, portable: PortableBackend) -> None:
    """Nothing but one edge: every group alike, empty, of one reference, or a sum that vanishes."""
    for edge in (0, 1, R - 1, R, (1 << 256) - 1):
        check(vector, portable, [edge] * N, groups=("g1",))
    check(vector, portable, [0] * N, groups=("g2",))
    check(vector, portable, [R] * N, groups=("g2",))


def test_several_shares(
    vector: VectorBackend, portable: PortableBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums of one share are overwritten by those of the next, in each thread's own room."""
    monkeypatch.setattr(vector_fixed, "SHARE", 50)
    check(vector, portable, mixed(N + 33))


def test_another_base(vector: VectorBackend, portable: PortableBackend) -> None:
    for group, width in (("g1", 8), ("g2", 16)):
        base = getattr(portable, f"fixed_base_{group}")(to_array([R - 12345]))
        check(vector, portable, mixed(N), base, groups=(group,))
        nothing = np.zeros((1, width), dtype=np.uint64)
        check(vector, portable, mixed(N), nothing, groups=(group,))


def test_a_base_of_small_order(vector: VectorBackend, portable: PortableBackend) -> None:
    """On the twist, outside G2: sums meet equal and opposite points all the time."""
    x = 0
    while True:
        x += 1
        candidate = Fp2(x, 1)
        root = (candidate.square() * candidate + G2.b).sqrt()
        if root is not None:
            break
    small = (G2_COFACTOR // SMALL_ORDER) * (R * G2.affine(candidate, root))
    assert not small.is_identity()
    assert (SMALL_ORDER * small).is_identity()
    check(vector, portable, mixed(N), g2_rows([small.to_affine()]), groups=("g2",))


def test_the_generators_table_is_kept(portable: PortableBackend) -> None:
    if not library.supported("fma"):
        pytest.skip("this processor lacks what fma needs")
    vector = VectorBackend("fma", threads=1)
    check(vector, portable, mixed(4 * N), groups=("g1",))
    kept = vector._generators["g1"]
    check(vector, portable, mixed(N), groups=("g1",))  # a narrower one is not made
    assert vector._generators["g1"] is kept


def test_arrays_are_checked(vector: VectorBackend) -> None:
    with pytest.raises(BackendError):
        vector.fixed_base_g1(np.zeros((N, 5), np.uint64))
    with pytest.raises(BackendError):
        vector.fixed_base_g1(to_array([1] * N), np.zeros((2, 8), np.uint64))
