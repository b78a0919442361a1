"""Where many hashes are computed, and that it makes no difference."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from zk import backends, hashes
from zk.errors import NonCanonical, WrongLength
from zk.field.params import FR
from zk.hash.poseidon import poseidon
from zk.hashes import WORTH, Hasher, poseidon_many

R = FR.modulus


def rows(n: int, k: int) -> list[list[int]]:
    rng = random.Random(n)
    return [[rng.randrange(R) for _ in range(k)] for _ in range(n)]


@pytest.fixture(params=["python", "kernels"])
def hasher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Hasher:
    """Both ways, whatever else has started a backend in this process."""
    made = Hasher()
    if request.param == "python":
        monkeypatch.setattr(backends, "started", lambda: None)
    else:
        made.counted = WORTH
    return made


@pytest.mark.parametrize("k", [1, 2, 8, 16])
@pytest.mark.parametrize("n", [0, 1, 9])
def test_hashes_are_the_same_both_ways(hasher: Hasher, n: int, k: int) -> None:
    batch = rows(n, k)
    assert hasher.poseidon(7, batch) == [poseidon(7, row) for row in batch]


@pytest.mark.parametrize("value", [-1, R, 1 << 256])
def test_values_outside_the_field_are_refused(hasher: Hasher, value: int) -> None:
    with pytest.raises(NonCanonical):
        hasher.poseidon(0, [[1, 2], [value, 1]])
    with pytest.raises(NonCanonical):
        hasher.poseidon(value, [[1, 2]])


@pytest.mark.parametrize("batch", [[[]], [[1] * 17], [[1], [1, 2]]])
def test_impossible_lengths_are_refused(hasher: Hasher, batch: list[list[int]]) -> None:
    with pytest.raises(WrongLength):
        hasher.poseidon(0, batch)


def test_kernels_are_used_once_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Hasher()
    asked = []
    monkeypatch.setattr(hashes, "poseidon", lambda tag, row: 0)
    monkeypatch.setattr(backends, "started", lambda: None)
    monkeypatch.setattr(backends, "get", lambda: asked.append(1))
    made.poseidon(0, rows(WORTH - 1, 1))
    assert not asked
    assert made.counted == WORTH - 1
    made.poseidon(0, rows(1, 1))
    assert asked


def test_a_backend_that_runs_is_used_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Hasher()
    monkeypatch.setattr(backends, "started", lambda: backends.get("portable"))
    batch = rows(3, 8)
    assert made.poseidon(1, batch) == [poseidon(1, row) for row in batch]
    assert made.counted == 0


def test_started_names_what_runs() -> None:
    running = backends.get()
    assert backends.started() is running


def test_a_few_hashes_import_no_compiler() -> None:
    program = (
        "import sys; from zk.hashes import poseidon_many; poseidon_many(0, [[1, 2]]); "
        "print([name for name in ('numpy', 'llvmlite', 'zk.backends') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_one_hasher_serves_the_process() -> None:
    assert poseidon_many(0, [[1, 2]]) == [poseidon(0, [1, 2])]
