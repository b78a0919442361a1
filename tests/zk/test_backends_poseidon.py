"""Poseidon of many inputs on every backend: circomlib's digests, edges, what is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zk.backends import available, checks, get
from zk.errors import BackendError, NonCanonical
from zk.field.arrays import U64Array, from_array, to_array
from zk.field.params import FR
from zk.hash.poseidon import poseidon
from zk.interfaces import Backend
from zk.kernels import poseidon as rounds
from zk.kernels.vector import library, poseidon_library
from zk.kernels.vector import poseidon as vector
from zk.kernels.vector.lanes import BoundError

R = FR.modulus
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "vectors" / "poseidon.json").read_text()
)
EDGES = (0, 1, 2, R - 1, R - 2, R >> 1, (1 << 253) - 1, (1 << 192) - 1, 1 << 128, 1 << 64)
BACKENDS = [*available(), "ifma-emulated"]


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "ifma-emulated":
        from zk.backends.vector import VectorBackend

        return VectorBackend(request.param)
    return get(request.param)


def rows(values: list[list[int]]) -> U64Array:
    return to_array(x for row in values for x in row).reshape(len(values), -1, 4)


def check(backend: Backend, tag: int, values: list[list[int]]) -> None:
    assert from_array(backend.poseidon(tag, rows(values))) == [poseidon(tag, v) for v in values]


@pytest.mark.parametrize("k", range(1, 17))
def test_digests_are_circomlibs(backend: Backend, k: int) -> None:
    cases = [case for case in VECTORS["cases"] if len(case["inputs"]) == k]
    assert cases
    for case in cases:
        inputs = rows([[int(v) for v in case["inputs"]]] * 3)
        digests = from_array(backend.poseidon(int(case["tag"]), inputs))
        assert digests == [int(case["digest"])] * 3


@pytest.mark.parametrize("k", [1, 2, 3, 6, 8, 15, 16])
def test_edges(backend: Backend, k: int) -> None:
    """All inputs at one edge, and mixtures of edges that differ from lane to lane."""
    rng = random.Random(k)
    same = [[edge] * k for edge in EDGES]
    mixed = [[rng.choice(EDGES) for _ in range(k)] for _ in EDGES]
    for tag in (0, R - 1):
        check(backend, tag, same)
        check(backend, tag, mixed)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7, 8, 9, 63, 65, 200])
def test_any_number(backend: Backend, n: int) -> None:
    """Partial vectors, partial shares of threads, nothing at all."""
    rng = random.Random(n)
    values = [[rng.randrange(R) for _ in range(3)] for _ in range(n)]
    got = backend.poseidon(5, rows(values) if n else np.zeros((0, 3, 4), np.uint64))
    assert got.shape == (n, 4)
    assert from_array(got) == [poseidon(5, v) for v in values]


def test_inputs_stay_as_they_are(backend: Backend) -> None:
    inputs = rows([[R - 1] * 8] * 9)
    before = inputs.copy()
    backend.poseidon(1, inputs)
    np.testing.assert_array_equal(inputs, before)


@pytest.mark.parametrize("value", [R, R + 1, 2 * R, 1 << 254, (1 << 256) - 1])
def test_values_outside_the_field_are_refused(backend: Backend, value: int) -> None:
    """At any place: x and x + r would hash alike."""
    for place in (0, 17, 35):
        flat = [R - 1] * 36
        flat[place] = value
        with pytest.raises(NonCanonical):
            backend.poseidon(0, to_array(flat).reshape(12, 3, 4))
    for tag in (value, -1):
        with pytest.raises(NonCanonical):
            backend.poseidon(tag, rows([[1]]))


@pytest.mark.parametrize(
    "inputs",
    [
        np.zeros((3, 4), np.uint64),
        np.zeros((3, 0, 4), np.uint64),
        np.zeros((3, 17, 4), np.uint64),
        np.zeros((3, 2, 5), np.uint64),
        np.zeros((3, 2, 4), np.int64),
        np.zeros((3, 4, 4), np.uint64)[:, ::2],
        [[[1, 2, 3, 4]]],
    ],
    ids=["flat", "no inputs", "too many", "width", "type", "strided", "list"],
)
def test_other_arrays_are_refused(backend: Backend, inputs: Any) -> None:
    with pytest.raises(BackendError):
        backend.poseidon(0, inputs)


def test_the_first_value_that_is_not_below_r() -> None:
    limbs = [R >> 64 * i & (1 << 64) - 1 for i in range(4)]
    above = [sum((limb + (i == j)) << 64 * i for i, limb in enumerate(limbs)) for j in range(4)]
    below = [sum((limb - (i == j)) << 64 * i for i, limb in enumerate(limbs)) for j in range(4)]
    for value in (*above, R):
        assert checks.first_not_below_r(to_array([*below, value, 0, value])) == 4
    assert checks.first_not_below_r(to_array([*below, 0, R - 1])) == 6


@pytest.mark.parametrize("multiplier", ["fma", "ifma-emulated"])
def test_bounds_are_proved(multiplier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No code is emitted for states that could grow beyond what they are loaded with."""
    if not library.supported(multiplier):
        pytest.skip(f"this machine lacks {multiplier}")
    poseidon_library.build(multiplier)
    monkeypatch.setattr(vector, "STRIDE", 2 * rounds.STRIDE)
    with pytest.raises(BoundError, match="grows"):
        poseidon_library.build(multiplier)
    monkeypatch.undo()
    monkeypatch.setattr(vector, "_MOST", 1)
    with pytest.raises(BoundError) as caught:
        poseidon_library.build(multiplier)
    assert "grows" not in str(caught.value)
