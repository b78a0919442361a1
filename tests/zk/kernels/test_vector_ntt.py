"""Transforms by vector kernels against the portable backend: every size, values at the edges."""

from __future__ import annotations

import gc
import os
import random
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from zk.backends import checks, ntt_tables, vector_ntt
from zk.backends.buffers import Buffers, aligned
from zk.backends.ntt_tables import Tables, digit_reversed, short_exponents
from zk.backends.portable import PortableBackend
from zk.backends.vector import VectorBackend
from zk.backends.vector_ntt import Transforms
from zk.errors import BackendError
from zk.field.arrays import U64Array, from_array, to_array
from zk.field.params import FR
from zk.kernels.constants import FR as FR_MODULUS
from zk.kernels.emit import Function, Module
from zk.kernels.vector import library, ntt_rows, ntt_short
from zk.kernels.vector.lanes import BoundError

R = FR.modulus


@pytest.fixture(
    scope="module", params=["ifma", "ifma-threads", "fma", "fma-threads", "ifma-emulated"]
)
def vector(request: pytest.FixtureRequest) -> VectorBackend:
    name, _, _ = request.param.partition("-threads")
    if not library.supported(name):
        pytest.skip(f"this processor lacks what {name} needs")
    return VectorBackend(name, threads=3 if request.param.endswith("threads") else 1)


@pytest.fixture(scope="module")
def portable() -> PortableBackend:
    return PortableBackend(threads=1)


def random_rows(log: int, seed: int) -> U64Array:
    """Below 2²⁵³, so below r, without a Python integer a row."""
    rows = np.random.default_rng(seed).integers(0, 1 << 64, (1 << log, 4), dtype=np.uint64)
    rows[:, 3] >>= np.uint64(11)
    return rows


PATTERNS: dict[str, Callable[[int], U64Array]] = {
    "random": lambda log: random_rows(log, log),
    "zeros": lambda log: to_array([0] * (1 << log)),
    "ones": lambda log: to_array([1] * (1 << log)),
    "largest": lambda log: to_array([R - 1] * (1 << log)),
    "first": lambda log: to_array([R - 1] + [0] * ((1 << log) - 1)),
    "last": lambda log: to_array([0] * ((1 << log) - 1) + [R - 1]),
    "in turns": lambda log: to_array([0, R - 1] * (1 << (log - 1))),
    "limbs full": lambda log: to_array([(1 << 253) - 1, (1 << 208) - 1] * (1 << (log - 1))),
    "limbs half full": lambda log: to_array(
        [sum(1 << (52 * i + 51) for i in range(4)), R // 2] * (1 << (log - 1))
    ),
}


@pytest.mark.parametrize("log", range(15))
def test_transforms_of_every_size(vector: VectorBackend, portable: PortableBackend, log: int):
    values = random_rows(log, log)
    before = values.copy()
    for inverse in (False, True):
        expected = portable.ntt(values, inverse=inverse)
        for _ in range(2):  # the second time everything is prepared
            np.testing.assert_array_equal(vector.ntt(values, inverse=inverse), expected)
    np.testing.assert_array_equal(values, before)


@pytest.mark.slow
@pytest.mark.parametrize("log", range(15, 23))
def test_large_transforms(vector: VectorBackend, portable: PortableBackend, log: int):
    if vector.name == "ifma-emulated" and log > 17:
        pytest.skip("emulation is slow")
    values = random_rows(log, log)
    forward = vector.ntt(values)
    np.testing.assert_array_equal(forward, portable.ntt(values))
    np.testing.assert_array_equal(vector.ntt(forward, inverse=True), values)


@pytest.mark.parametrize("log", [6, 7, 9])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_values_at_the_edges(
    vector: VectorBackend, portable: PortableBackend, pattern: str, log: int
):
    values = PATTERNS[pattern](log)
    for inverse in (False, True):
        got = vector.ntt(values, inverse=inverse)
        np.testing.assert_array_equal(got, portable.ntt(values, inverse=inverse))
    np.testing.assert_array_equal(
        vector.quotient(values, values[::-1].copy()), portable.quotient(values, values[::-1].copy())
    )


@pytest.mark.parametrize("log", range(13))
def test_quotients_of_every_size(vector: VectorBackend, portable: PortableBackend, log: int):
    a, b = random_rows(log, 1), random_rows(log, 2)
    np.testing.assert_array_equal(vector.quotient(a, b), portable.quotient(a, b))


@pytest.mark.slow
@pytest.mark.parametrize("log", [14, 15, 17])
def test_large_quotients(vector: VectorBackend, portable: PortableBackend, log: int):
    a, b = random_rows(log, 1), random_rows(log, 2)
    np.testing.assert_array_equal(vector.quotient(a, b), portable.quotient(a, b))


def test_rows_that_are_not_reduced(vector: VectorBackend, portable: PortableBackend):
    """Any integers below 2²⁵⁶ stand for their residues."""
    rng = random.Random(5)
    values = [(1 << 256) - 1 - rng.getrandbits(3) for _ in range(64)] + [R] * 32 + [2 * R] * 32
    reduced = to_array(v % R for v in values)
    np.testing.assert_array_equal(vector.ntt(to_array(values)), portable.ntt(reduced))
    np.testing.assert_array_equal(
        vector.quotient(to_array(values), to_array(values)), portable.quotient(reduced, reduced)
    )


@pytest.mark.parametrize("bundle", [1, 2, 3, 4])
def test_factors_made_on_the_way(
    vector: VectorBackend,
    portable: PortableBackend,
    monkeypatch: pytest.MonkeyPatch,
    bundle: int,
):
    """No table between the steps, and bundles of groups of all sizes, the last one smaller."""
    kind = ntt_short.butterflies_of(library.lanes_of(vector.name))
    monkeypatch.setattr(kind, "kept_log", 0)
    monkeypatch.setattr(vector_ntt, "_ALONE", 0)
    monkeypatch.setattr(vector_ntt, "_BUNDLE", bundle)
    transforms = Transforms(vector, vector.name)
    a, b = random_rows(14, 3), random_rows(14, 4)
    np.testing.assert_array_equal(
        transforms.ntt(a, 14, inverse=True), portable.ntt(a, inverse=True)
    )
    np.testing.assert_array_equal(transforms.quotient(a, b, 14), portable.quotient(a, b))
    assert transforms.tables.nbytes < 1 << 19


def test_tables_of_old_sizes_are_forgotten(vector: VectorBackend, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ntt_tables, "KEPT", 1 << 20)
    transforms = Transforms(vector, vector.name)
    for log in range(6, 14):
        transforms.ntt(random_rows(log, 0), log, inverse=False)
        assert transforms.tables.nbytes <= 1 << 20


def test_passes_hold_their_tables(vector: VectorBackend):
    """Another thread's transforms may push tables out while a pass runs."""
    transforms = Transforms(vector, vector.name)
    step = transforms.tables.step(9, 4, "odd")
    held = [weakref.ref(transforms.tables.short(4, inverse=True, twisted=False).array)]
    held += [weakref.ref(table.array) for table in (step.starts, step.steps)]
    held += [weakref.ref(transforms.tables.short(5, inverse=False, twisted=False).array)]
    held += [weakref.ref(transforms.tables.places(5).array)]
    passes = [
        transforms._turn(step, 0, 0),
        transforms._first(step, (0,), 0),
        transforms._last("fr_ntt_second", (0, 0), 5, 9, inverse=False),
    ]
    del step
    transforms.tables = Tables(vector, vector.name, transforms.kernels)  # everything pushed out
    gc.collect()
    assert all(reference() is not None for reference in held)
    passes.clear()
    gc.collect()
    assert all(reference() is None for reference in held)


def test_results_keep_their_memory_until_the_last_view_is_gone(vector: VectorBackend):
    transforms = Transforms(vector, vector.name)
    values = random_rows(13, 1)
    first = transforms.ntt(values, 13, inverse=False)
    expected, view = first.copy(), first[5:].reshape(-1).view(np.uint8)[8:]
    where = first.ctypes.data
    del first
    others = [transforms.ntt(random_rows(13, 2 + i), 13, inverse=False) for i in range(3)]
    np.testing.assert_array_equal(view, expected[5:].reshape(-1).view(np.uint8)[8:])
    assert where not in [x.ctypes.data for x in others]
    del view
    assert transforms.buffers.rows(1 << 13).ctypes.data == where


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("make", [lambda: aligned(1 << 19), lambda: Buffers(1 << 20).rows(1 << 12)])
def test_memory_is_not_shared_with_children(make: Callable[[], U64Array]):
    memory = make()
    memory[...] = 1
    child = os.fork()
    if child == 0:
        memory[...] = 2
        os._exit(0)
    os.waitpid(child, 0)
    assert (memory == 1).all()


def test_results_that_are_too_many_are_not_kept():
    buffers = Buffers(3 << 17)
    first = [buffers.rows(1 << 12) for _ in range(4)]  # 2¹⁷ bytes each, one is not kept
    addresses = [x.ctypes.data for x in first]
    del first
    again = [buffers.rows(1 << 12) for _ in range(3)]
    assert sorted(x.ctypes.data for x in again) == sorted(addresses[1:])  # the oldest is gone
    del again
    large = buffers.rows(1 << 13)  # takes the place of all that nobody uses
    where = large.ctypes.data
    del large
    assert buffers.rows(1 << 13).ctypes.data == where


def test_prepared_transforms(vector: VectorBackend, portable: PortableBackend):
    """What a second call of a size takes: only arrays of the very kind that was prepared."""
    transforms = Transforms(vector, vector.name)
    values = random_rows(10, 1)
    assert transforms.planned(values, inverse=True) is None
    expected = transforms.ntt(values, 10, inverse=True)
    np.testing.assert_array_equal(transforms.planned(values, inverse=True), expected)
    np.testing.assert_array_equal(expected, portable.ntt(values, inverse=True))
    assert transforms.planned(values, inverse=False) is None
    assert transforms.planned(random_rows(9, 1), inverse=True) is None
    assert transforms.planned(values.astype(np.int64), inverse=True) is None
    assert transforms.planned(np.asfortranarray(values), inverse=True) is None
    assert transforms.planned(random_rows(11, 1)[::2], inverse=True) is None
    transforms._room.acquire()  # another thread has the only scratch
    assert transforms.planned(values, inverse=True) is None


def test_threads_that_transform_at_once(vector: VectorBackend, portable: PortableBackend):
    inputs = [random_rows(10, i) for i in range(24)]
    for _ in range(2):
        vector.ntt(inputs[0])
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(vector.ntt, inputs))
    for values, result in zip(inputs, results, strict=True):
        np.testing.assert_array_equal(result, portable.ntt(values))


def test_records_are_multiples_of_their_constants(vector: VectorBackend):
    """Tables made of whole arrays are those made of one constant after the other."""
    lanes = library.lanes_of(vector.name)
    kind = ntt_short.butterflies_of(lanes)
    exponents = short_exponents(4, twisted=True)
    w = pow(FR.root_of_unity, (1 << FR.two_adicity) // 32, R)
    kept = vector.transforms.tables.short(4, inverse=False, twisted=True).array
    rows = np.array([kind.digits(pow(w, e, R)) for e in exponents])
    expected = rows.astype(np.float64).view(np.uint64) if vector.name == "fma" else rows
    np.testing.assert_array_equal(kept, expected)


@pytest.mark.parametrize("log", range(8))
def test_digits_are_reversed_in_base_four(log: int):
    """The lowest two bits of an index become the highest ones of its place, and so on."""

    def place(j: int, bits: int) -> int:
        return j if bits < 2 else ((j & 3) << (bits - 2)) + place(j >> 2, bits - 2)

    assert digit_reversed(log).tolist() == [place(j, log) for j in range(1 << log)]


@pytest.mark.parametrize("twisted", [False, True])
@pytest.mark.parametrize("log", range(2, 8))
def test_short_transforms_are_their_definition(log: int, twisted: bool):
    """The table's exponents, read as the kernel reads them, on plain integers."""
    m = 1 << log
    w = pow(FR.root_of_unity, (1 << FR.two_adicity) // (2 * m), R)
    table = [pow(w, e, R) for e in short_exponents(log, twisted=twisted)]
    fourth, head, rest = table[0], table[1], table[ntt_short.HEAD :]
    rng = random.Random(log)
    values = [rng.randrange(R) for _ in range(m)]
    x = [0] * m
    for j, place in enumerate(digit_reversed(log).tolist()):
        x[place] = values[j]
    h = 1
    if log & 1:
        factor = head if twisted else 1
        for i in range(0, m, 2):
            x[i], x[i + 1] = x[i] + factor * x[i + 1], x[i] - factor * x[i + 1]
        h = 2
    while 4 * h <= m:
        for j in range(h):
            factors = [1, *rest[3 * j : 3 * j + 3]]
            for start in range(j, m, 4 * h):
                legs = [x[start + s * h] * factors[s] for s in range(4)]
                for r in range(4):
                    total = sum(pow(fourth, r * s, R) * leg for s, leg in enumerate(legs))
                    x[start + r * h] = total % R
        rest = rest[3 * h :]
        h *= 4
    points = [pow(w, 2 * k + 1 if twisted else 2 * k, R) for k in range(m)]
    assert [v % R for v in x] == [
        sum(v * pow(p, j, R) for j, v in enumerate(values)) % R for p in points
    ]


def test_quotients_that_are_refused(vector: VectorBackend, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BackendError, match="rows are needed"):
        vector.quotient(random_rows(6, 1), random_rows(7, 1))
    monkeypatch.setattr(checks, "MAX_NTT_LOG", 6)
    with pytest.raises(BackendError, match="twice the size"):
        vector.quotient(random_rows(6, 1), random_rows(6, 1))


@pytest.mark.parametrize("multiplier", ["fma", "ifma-emulated"])
def test_bounds_that_are_too_narrow_are_noticed(multiplier: str, monkeypatch: pytest.MonkeyPatch):
    """No kernel is emitted where a butterfly could leave the interval that the next needs."""
    lanes = library.lanes_of(multiplier)
    kind = ntt_short.butterflies_of(lanes)
    module = sys.modules[kind.__module__]
    bounds = kind(lanes(Function("f", []), FR_MODULUS))
    module._between.cache_clear()
    monkeypatch.setattr(module, "_WIDEST", (-12, 12))
    with pytest.raises(BoundError):
        _ = bounds.between
    monkeypatch.undo()
    module._between.cache_clear()
    assert bounds.between.value[0] < 0


def test_rows_and_columns_are_exchanged():
    """The transposition of each width, on names instead of registers."""
    for multiplier in ("fma", "ifma-emulated"):
        lanes = library.lanes_of(multiplier)
        width = lanes.width
        k = lanes(Module().function("f"), FR_MODULUS)
        known = {f"r{i}": [(i, lane) for lane in range(width)] for i in range(width)}
        plain = k.f.op

        def record(
            text: str, known: dict = known, plain: Callable[[str], str] = plain
        ) -> str:  # reads the shuffles that are emitted
            name = plain(text)
            words = text.replace(",", " ").replace("<", " ").replace(">", " ").split()
            a, b = (w for w in words if w in known)
            picks = [int(w) for w in words[words.index(b) + 1 :] if w.isdigit()][1:]
            known[name] = [(known[a] + known[b])[pick] for pick in picks]
            return name

        k.f.op = record  # type: ignore[method-assign]
        out = ntt_rows._transposed(k, list(known))
        assert [known[x] for x in out] == [
            [(lane, i) for lane in range(width)] for i in range(width)
        ]
        assert isinstance(k.f, Function)


def test_results_are_canonical(vector: VectorBackend):
    assert max(from_array(vector.ntt(to_array([R - 1] * 256)))) < R
