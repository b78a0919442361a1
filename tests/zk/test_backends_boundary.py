"""What the boundary refuses, on every backend; and how a backend is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from zk import backends
from zk.backends import registry
from zk.errors import BackendError
from zk.field.arrays import to_array


@pytest.fixture(params=["reference", "portable"], scope="module")
def backend(request):
    return backends.get(request.param)


def u64(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.uint64)


BAD_ROWS = {
    "signed": lambda w: np.zeros((2, w), dtype=np.int64),
    "floats": lambda w: np.zeros((2, w)),
    "swapped": lambda w: np.zeros((2, w), dtype=np.dtype(np.uint64).newbyteorder()),
    "one dimension": lambda w: u64(2 * w),
    "three dimensions": lambda w: u64(1, 2, w),
    "too wide": lambda w: u64(2, w + 1),
    "too narrow": lambda w: u64(2, w - 1),
    "column order": lambda w: np.asfortranarray(u64(2, w)),
    "every other row": lambda w: u64(4, w)[::2],
    "a list": lambda w: [[0] * w, [0] * w],
    "nothing": lambda w: None,
}

CALLS = {
    "msm_g1 points": (8, lambda b, x: b.msm_g1(x, u64(2, 4))),
    "msm_g1 scalars": (4, lambda b, x: b.msm_g1(u64(2, 8), x)),
    "msm_g2 points": (16, lambda b, x: b.msm_g2(x, u64(2, 4))),
    "msm_g2 scalars": (4, lambda b, x: b.msm_g2(u64(2, 16), x)),
    "fixed_base_g1": (4, lambda b, x: b.fixed_base_g1(x)),
    "fixed_base_g2": (4, lambda b, x: b.fixed_base_g2(x)),
    "ntt": (4, lambda b, x: b.ntt(x)),
    "fr_mul a": (4, lambda b, x: b.fr_mul(x, u64(2, 4))),
    "fr_mul b": (4, lambda b, x: b.fr_mul(u64(2, 4), x)),
    "fr_sub a": (4, lambda b, x: b.fr_sub(x, u64(2, 4))),
    "fr_sub b": (4, lambda b, x: b.fr_sub(u64(2, 4), x)),
    "fr_powers": (4, lambda b, x: b.fr_powers(x, 3)),
    "pairing g1": (8, lambda b, x: b.pairing_check(x, u64(2, 16))),
    "pairing g2": (16, lambda b, x: b.pairing_check(u64(2, 8), x)),
    "subgroup": (16, lambda b, x: b.in_g2_subgroup(x)),
    "sparse values": (
        4,
        lambda b, x: b.sparse_product(np.array([0, 2], np.uint64), u64(2), x, u64(1, 4)),
    ),
    "sparse vector": (
        4,
        lambda b, x: b.sparse_product(np.array([0, 0], np.uint64), u64(0), u64(0, 4), x),
    ),
}


@pytest.mark.parametrize("bad", BAD_ROWS)
@pytest.mark.parametrize("call", CALLS)
def test_arrays_of_the_wrong_shape_type_or_layout(backend, call, bad):
    width, function = CALLS[call]
    with pytest.raises(BackendError):
        function(backend, BAD_ROWS[bad](width))


COUNTS = {
    "msm_g1": lambda b: b.msm_g1(u64(2, 8), u64(3, 4)),
    "msm_g2": lambda b: b.msm_g2(u64(3, 16), u64(2, 4)),
    "fr_mul": lambda b: b.fr_mul(u64(3, 4), u64(2, 4)),
    "fr_mul none": lambda b: b.fr_mul(u64(3, 4), u64(0, 4)),
    "fr_sub": lambda b: b.fr_sub(u64(3, 4), u64(1, 4)),
    "fr_powers bases": lambda b: b.fr_powers(u64(2, 4), 3),
    "fr_powers negative": lambda b: b.fr_powers(u64(1, 4), -1),
    "fr_powers fraction": lambda b: b.fr_powers(u64(1, 4), 1.5),
    "pairing": lambda b: b.pairing_check(u64(2, 8), u64(1, 16)),
    "fixed_base_g1 bases": lambda b: b.fixed_base_g1(u64(1, 4), u64(2, 8)),
    "fixed_base_g1 width": lambda b: b.fixed_base_g1(u64(1, 4), u64(16)),
    "fixed_base_g2 bases": lambda b: b.fixed_base_g2(u64(1, 4), u64(0, 16)),
    "ntt empty": lambda b: b.ntt(u64(0, 4)),
    "ntt three": lambda b: b.ntt(u64(3, 4)),
}


@pytest.mark.parametrize("case", COUNTS)
def test_counts_that_do_not_fit(backend, case):
    with pytest.raises(BackendError):
        COUNTS[case](backend)


SPARSE = {
    "no pointers": ([], [], 0),
    "starts late": ([1, 2], [0, 0], 2),
    "ends early": ([0, 1], [0, 0], 2),
    "ends late": ([0, 3], [0, 0], 2),
    "decreases": ([0, 2, 1, 2], [0, 0], 2),
    "wraps around": ([0, 2**64 - 1, 2], [0, 0], 2),
    "column beyond": ([0, 2], [0, 3], 2),
    "huge column": ([0, 2], [0, 2**64 - 1], 2),
    "fewer columns": ([0, 2], [0], 2),
}


@pytest.mark.parametrize("case", SPARSE)
def test_sparse_indices_out_of_range(backend, case):
    indptr, columns, entries = SPARSE[case]
    with pytest.raises(BackendError):
        backend.sparse_product(
            np.array(indptr, dtype=np.uint64),
            np.array(columns, dtype=np.uint64),
            u64(entries, 4),
            u64(3, 4),
        )


def test_two_sparse_matrices_of_different_heights(backend):
    one, two = np.array([0, 0], np.uint64), np.array([0, 0, 0], np.uint64)
    good, other = (one, u64(0), u64(0, 4)), (two, u64(0), u64(0, 4))
    for a, b in ((good, other), (other, good), ((u64(0), *good[1:]), good), (good, (None,) * 3)):
        with pytest.raises(BackendError):
            backend.sparse_products(a, b, u64(1, 4))


@pytest.mark.parametrize(
    "bad", [np.zeros(2), np.zeros(2, np.int64), u64(2, 1), u64(4)[::2], [0, 0]]
)
def test_sparse_index_arrays_of_the_wrong_kind(backend, bad):
    with pytest.raises(BackendError):
        backend.sparse_product(bad, u64(0), u64(0, 4), u64(1, 4))
    with pytest.raises(BackendError):
        backend.sparse_product(np.array([0, 2], np.uint64), bad, u64(2, 4), u64(0, 4))


def test_inputs_are_not_changed(backend):
    a, b = to_array([5, 7]), to_array([11, 13])
    backend.fr_mul(a, b)
    backend.fr_sub(a, b)
    backend.ntt(a)
    backend.ntt(a, inverse=True)
    np.testing.assert_array_equal(a, to_array([5, 7]))
    np.testing.assert_array_equal(b, to_array([11, 13]))


# -- choice -------------------------------------------------------------------------------------


def test_backends_by_name_are_kept():
    for name in backends.available():
        assert backends.get(name).name == name
        assert backends.get(name) is backends.get(name)


def test_the_best_is_the_default(monkeypatch):
    monkeypatch.delenv(backends.ENV_BACKEND, raising=False)
    assert backends.get().name == backends.available()[0]


def test_the_environment_names_one(monkeypatch):
    monkeypatch.setenv(backends.ENV_BACKEND, "reference")
    assert backends.get().name == "reference"
    assert backends.get("portable").name == "portable"


@pytest.mark.parametrize("name", ["", "numba", "Reference"])
def test_unknown_names_are_refused(monkeypatch, name):
    with pytest.raises(BackendError):
        backends.get(name)
    monkeypatch.setenv(backends.ENV_BACKEND, "ifma2")
    with pytest.raises(BackendError, match="ifma2"):
        backends.get()


def test_a_backend_that_cannot_start_is_passed_over(monkeypatch):
    def fails():
        raise BackendError("no executable memory")

    monkeypatch.delenv(backends.ENV_BACKEND, raising=False)
    for name in ("ifma", "fma", "portable"):
        monkeypatch.setitem(registry._FACTORIES, name, fails)
    registry._named.cache_clear()
    registry._best.cache_clear()
    try:
        assert backends.available() == ("reference",)
        assert backends.get().name == "reference"
        with pytest.raises(BackendError):
            backends.get("portable")
    finally:
        registry._named.cache_clear()
        registry._best.cache_clear()
