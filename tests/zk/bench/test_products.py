"""Chains of products, one after the other and in lanes, against Python's integers."""

from __future__ import annotations

import pytest

from zk.bench import products
from zk.bench.errors import BenchError
from zk.bench.tasks import TASKS
from zk.field.params import FP, FR
from zk.kernels.vector import library

MODULI = {"fp": FP.modulus, "fr": FR.modulus}
HERE = [name for name in products.VECTOR_BACKENDS if library.supported(name)]
COUNTS = [0, 1, 3, 4, 31, 32, 63, 64, 65, 200]


def cases(modulus: int) -> list[tuple[int, int]]:
    top = modulus - 1
    return [(0, 5), (1, 1), (top, top), (top, 1), (3, top - 1), (modulus >> 1, (1 << 253) - 1)]


@pytest.mark.parametrize("field", MODULI)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(
    ("way", "backend"),
    [
        ("chain", "reference"),
        ("chain", "portable"),
        ("lanes", "portable"),
        *(("lanes", name) for name in HERE),
    ],
)
def test_n_products_are_a_power(way, backend, field, count):
    m = MODULI[field]
    for x, y in cases(m):
        work = getattr(products, way)(backend, field, x, y, count)
        for _ in range(2):  # a second run starts anew
            work.run()
            assert work.result() == x * pow(y, count, m) % m


def test_the_reference_has_no_lanes():
    with pytest.raises(BenchError, match="no lanes"):
        products.lanes("reference", "fp", 1, 1, 1)


def test_lanes_are_asked_for_by_the_inputs():
    class Here:
        name = "portable"

    values = {"x": "02", "y": "03"}
    for given in (values, values | {"lanes": 1}):
        for work, modulus in (("fp_mul", FP.modulus), ("fr_mul", FR.modulus)):
            task = TASKS[work](Here(), 70, given)
            task.run(lambda _phase, _share: None)
            assert task.answer(None) == f"{2 * pow(3, 70, modulus) % modulus:064x}"
