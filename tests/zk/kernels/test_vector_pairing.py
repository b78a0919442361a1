"""Fp12 in lanes against the operators of `zk.field.tower`; products of pairings against EIP-197."""

from __future__ import annotations

import ctypes
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zk.backends import available, get
from zk.curve.encoding import g1_from_evm, g2_from_evm
from zk.field.arrays import U64Array, from_array, to_array
from zk.field.params import FP, SEED
from zk.field.tower import Fp2, Fp6, Fp12
from zk.groth16.points import g1_rows, g2_rows
from zk.interfaces import Backend
from zk.kernels import compile as compiler
from zk.kernels.vector import library, pairing, pairing_library
from zk.kernels.vector.planar import PLANAR

P = FP.modulus
TOP = (1 << 256) - 1
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "bn254_pairing.json").read_text())
UNARY = ("conjugate", "frobenius_1", "frobenius_2", "frobenius_3", "cyclotomic", "power")
EMULATED = pytest.param("ifma-emulated", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=["fma", "ifma", EMULATED])
def call(request: pytest.FixtureRequest) -> Callable[..., list[int]]:
    """Runs a function of Fp12 between rows of a backend's arrays."""
    if not library.supported(request.param):
        pytest.skip(f"this processor cannot run {request.param}")
    module = pairing_library.build(request.param)
    lanes = library.lanes_of(request.param)
    for name in ("mul", *UNARY):
        f = module.function(f"test_{name}", "out", "a", "b", export=True)
        k = lanes(f, pairing.FP)
        k.begin()
        a, b, out = (f.aligned(PLANAR) for _ in range(3))
        for place in (a, b, out):
            f.zero(place, PLANAR)
        f.call("v12_from_rows", a, "%a")
        f.call("v12_from_rows", b, "%b")
        if name == "mul":
            f.call("v12_mul", out, a, b)
        elif name == "cyclotomic":
            f.copy(out, a, PLANAR)
            f.call("v12_cyclotomic", out)
        else:
            f.call(f"v12_{name}", out, a)
        f.call("v12_to_rows", "%out", out)
        k.end()
        f.leave()
    code = compiler.load(module.text(), module.exports)

    def run(name: str, a: list[int], b: list[int]) -> list[int]:
        arrays = [to_array([*rows, 0, 0, 0, 0]) for rows in (a, b)]
        out = np.zeros((pairing.ROWS, 4), dtype=np.uint64)
        bound = code.bind(f"test_{name}", *[ctypes.c_void_p] * 3)
        bound(*(x.ctypes.data for x in (out, *arrays)))
        rows = from_array(out)[:12]
        assert max(rows) < 2 * P
        return rows

    return run


def element(rows: list[int]) -> Fp12:
    """What Montgomery rows, reduced or not, stand for."""
    inverse = pow(1 << 256, -1, P)
    c = [v * inverse % P for v in rows]
    twos = [Fp2(c[i], c[i + 1]) for i in range(0, 12, 2)]
    return Fp12(Fp6(*twos[:3]), Fp6(*twos[3:]))


def rows_of(x: Fp12) -> list[int]:
    twos = [two for six in (x.c0, x.c1) for two in (six.c0, six.c1, six.c2)]
    return [(c << 256) % P for two in twos for c in two.to_ints()]


def samples() -> list[list[int]]:
    rng = random.Random(12)
    edges = [0, 1, P - 1, P, 2 * P - 1, TOP]
    return [
        [TOP] * 12,
        [P - 1] * 12,
        [0] * 12,
        [(1 << 256) % P] + [0] * 11,
        [0] * 11 + [TOP],
        *([rng.choice(edges) for _ in range(12)] for _ in range(12)),
        *([rng.randrange(P) for _ in range(12)] for _ in range(6)),
    ]


def test_products(call: Any) -> None:
    inputs = samples()
    for a in inputs:
        for b in (*inputs[:3], a, inputs[-1]):
            assert element(call("mul", a, b)) == element(a) * element(b)


def test_conjugates_and_powers_of_p(call: Any) -> None:
    for a in samples():
        x = element(a)
        assert element(call("conjugate", a, a)) == x.conjugate()
        for n in (1, 2, 3):
            x = x.frobenius()
            assert element(call(f"frobenius_{n}", a, a)) == x


def test_squares_and_powers_of_the_seed_in_the_cyclotomic_subgroup(call: Any) -> None:
    inputs = [a for a in samples() if any(v % P for v in a)]
    for a in inputs[:4] + inputs[-8:]:
        x = element(a)
        x = x.conjugate() * x.inverse()
        x = x.frobenius().frobenius() * x
        lazy = [v + P * (i % 2) for i, v in enumerate(rows_of(x))]
        assert element(call("cyclotomic", lazy, lazy)) == x * x
        assert element(call("power", lazy, lazy)) == x**SEED


@pytest.fixture(scope="module", params=[*available(), EMULATED])
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "ifma-emulated":
        from zk.backends.vector import VectorBackend

        return VectorBackend(request.param)
    return get(request.param)


def twist_rows(data: bytes) -> U64Array:
    """A row of G2's coordinates as EIP-197 orders them, imaginary parts first, unchecked."""
    x1, x0, y1, y0 = (int.from_bytes(data[i : i + 32], "big") for i in range(0, 128, 32))
    return g2_rows([((x0, x1), (y0, y1))])


@pytest.mark.parametrize(
    "case",
    [c for c in VECTORS["cases"] if c.get("error") in (None, "NotInSubgroup")],
    ids=lambda c: c["comment"],
)
def test_precompile_vectors(backend: Backend, case: dict[str, Any]) -> None:
    """Vectors of EIP-197; points off their curves are refused before a backend sees them."""
    data = bytes.fromhex(case["input"])
    starts = range(0, len(data), 192)
    left = g1_rows(g1_from_evm(data[i : i + 64], allow_identity=True) for i in starts)
    if "error" in case:
        none = backend.prepare_g2(g2_rows([]))
        inside, _ = backend.pairing_product(left, twist_rows(data[64:192]), left[:0], none)
        assert inside.tolist() == [False]
        return
    right = g2_rows(g2_from_evm(data[i + 64 : i + 192], allow_identity=True) for i in starts)
    assert backend.pairing_check(left, right) is bool(case["expected"])
