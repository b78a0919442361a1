"""What a backend computes of fixed inputs, as digests: `python tests/emulated/plan.py portable`.

Runs where the project's own environment does not: only NumPy, gmpy2, llvmlite, platformdirs and
filelock are imported. Two machines agree if they print the same object.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from zk import backends
from zk.curve import babyjub
from zk.field.arrays import U64Array, to_array, to_montgomery
from zk.field.params import FP, FR
from zk.interfaces import Backend
from zk.kernels.target import host

R, P = FR.modulus, FP.modulus
EDGES = [0, 1, 2, R - 1, R - 2, R // 2, 1 << 128, (1 << 128) - 1, 1 << 253, (1 << 253) - 1]
POINTS = 80


def scalars(rng: random.Random, count: int) -> U64Array:
    """Edges first, then random values."""
    return to_array([*EDGES, *(rng.randrange(R) for _ in range(count))][:count])


def results(b: Backend) -> Iterator[tuple[str, Any]]:
    """Name and value of every method's result, but of tapes: they are scalar code everywhere."""
    rng = random.Random(2024)
    k = scalars(rng, POINTS)
    g1, g2 = b.fixed_base_g1(k), b.fixed_base_g2(k[:24])
    yield "fixed_base_g1", g1
    yield "fixed_base_g2", g2
    for name, points, multiply in (("g1", g1, b.msm_g1), ("g2", g2, b.msm_g2)):
        n = len(points)
        equal = np.repeat(points[3:4], n, axis=0)
        yield f"msm_{name}", multiply(points, scalars(rng, n))
        yield f"msm_{name} equal points", multiply(equal, scalars(rng, n))
        yield f"msm_{name} equal both", multiply(equal, np.repeat(k[3:4], n, axis=0))
        yield f"msm_{name} bits", multiply(points, to_array(i & 1 for i in range(n)))
    for log in (0, 1, 5, 6, 9):
        values = scalars(rng, 1 << log)
        yield f"ntt {log}", b.ntt(values)
        yield f"ntt {log} inverse", b.ntt(values, inverse=True)
        yield f"quotient {log}", b.quotient(values, values[::-1].copy())
    top = to_array([R - 1] * 512)
    yield "ntt of the largest", b.ntt(top)
    a, c = scalars(rng, 200), scalars(rng, 200)[::-1].copy()
    yield "fr_mul", b.fr_mul(a, c)
    yield "fr_mul by one", b.fr_mul(a, c[:1])
    yield "fr_sub", b.fr_sub(a, c)
    yield "fr_powers", b.fr_powers(to_array(to_montgomery([7], R)), 70)
    yield from linear(b, a, c)
    yield "fp_standard", b.fp_standard(to_array([0, 1, P - 1, P // 2, *EDGES]))
    yield from sparse(b, rng)
    for width in (1, 2, 4):
        inputs = scalars(rng, 24 * width).reshape(24, width, 4)
        yield f"poseidon {width}", b.poseidon(R - 1, inputs)
    yield from multiples(b, rng, g1, g2)
    yield "sum_g1", b.sum_g1(g1)
    points = to_array(c for i in range(6) for c in babyjub.multiply(i, babyjub.GENERATOR))
    yield "babyjub_sum", b.babyjub_sum(points.reshape(-1, 8), scalars(rng, 6))
    yield from verification(b, g1, g2)


def linear(b: Backend, a: U64Array, c: U64Array) -> Iterator[tuple[str, Any]]:
    """Vectors for shared secrets; 200 rows, the edges among them."""
    yield "fr_add", b.fr_add(a, c)
    yield "fr_product", b.fr_product(a, c)
    yield "fr_product by one", b.fr_product(a, c[:1])
    yield "fr_combine", b.fr_combine(a[:6].reshape(3, 2, 4), [a, c])
    for terms, each in ((1, 1), (3, 2), (100, 1)):
        wide = np.resize(c, (terms, 17, each, 5))
        wide[-1, -1, -1] = 2**64 - 1
        yield f"fr_combine_wide {terms}", b.fr_combine_wide(np.resize(a, (terms, each, 4)), wide)
    yield "fr_inverse", b.fr_inverse(np.ascontiguousarray(a[a.any(axis=1)]))
    yield "fr_raise", b.fr_raise(a, (R - 1) >> 29)


def sparse(b: Backend, rng: random.Random) -> Iterator[tuple[str, Any]]:
    """Products with rows of all lengths, units and repetitions among them."""
    lengths = [i % 7 for i in range(90)]
    nnz = sum(lengths)
    indptr = np.array([0, *np.cumsum(lengths)], dtype=np.uint64)
    columns = np.array([rng.randrange(40) for _ in range(nnz)], dtype=np.uint64)
    values = to_array(rng.choice([1, R - 1, *EDGES, rng.randrange(R)]) for _ in range(nnz))
    other = values.copy()
    other[::3] = to_array([5])
    vector = scalars(rng, 40)
    yield "sparse_product", b.sparse_product(indptr, columns, values, vector)
    both = b.sparse_products((indptr, columns, values), (indptr, columns, other), vector)
    yield "sparse_products 0", both[0]
    yield "sparse_products 1", both[1]


def multiples(
    b: Backend, rng: random.Random, g1: U64Array, g2: U64Array
) -> Iterator[tuple[str, Any]]:
    """Points times scalars, and sparse matrices of them."""
    matrix = (
        np.array([0, 0, 3, 10, 12], dtype=np.uint64),
        np.array([rng.randrange(24) for _ in range(12)], dtype=np.uint64),
        scalars(rng, 12),
    )
    for name, points, scale, combine in (
        ("g1", g1[:24].copy(), b.scale_g1, b.sparse_points_g1),
        ("g2", g2, b.scale_g2, b.sparse_points_g2),
    ):
        yield f"scale_{name}", scale(points, scalars(rng, 24))
        yield f"scale_{name} by one", scale(points, to_array([R - 2]))
        yield f"sparse_points_{name}", combine(matrix, points)


def verification(b: Backend, g1: U64Array, g2: U64Array) -> Iterator[tuple[str, Any]]:
    """What a verifier asks."""
    yield "pairing_check", b.pairing_check(g1[2:8], g2[2:8])
    opposite = b.fixed_base_g1(to_array([3, R - 3])), b.fixed_base_g2(to_array([4, 4]))
    yield "pairing_check of opposites", b.pairing_check(*opposite)
    inside, product = b.pairing_product(g1[3:6], g2[3:6], g1[6:8], b.prepare_g2(g2[6:9]))
    yield "pairing_product", product
    yield "pairing_product inside", inside
    yield "combine_g1", b.combine_g1(b.prepare_g1(g1[:6]), to_array(EDGES[:6]))
    weights = np.arange(2 * POINTS, dtype=np.uint64).reshape(POINTS, 2)
    yield "weigh_g1", b.weigh_g1(g1, weights * np.uint64(0x9E3779B97F4A7C15))
    yield "in_g2_subgroup", b.in_g2_subgroup(g2)
    yield "first_off_curve_g1", b.first_off_curve_g1(g1)
    bad = g1.copy()
    bad[17, 0] ^= np.uint64(1)
    yield "first_off_curve_g1 of a wrong one", b.first_off_curve_g1(bad)
    yield "first_off_curve_g2", b.first_off_curve_g2(g2)


def digest(value: Any) -> str:
    """Of an array's content and shape, or the value's text."""
    if isinstance(value, np.ndarray):
        data = repr(value.shape).encode() + np.ascontiguousarray(value).astype("<u8").tobytes()
        return hashlib.blake2b(data, digest_size=16).hexdigest()
    return str(value)


def main(name: str) -> None:
    """Print the machine, what runs on it, and all digests."""
    if hasattr(os, "sched_setaffinity"):  # one process: children may run outside an emulator
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    backend = backends.get(name or None)
    said = {
        "machine": platform.machine(),
        "cpu": host().cpu,
        "available": backends.available(),
        "backend": backend.name,
        "results": {key: digest(value) for key, value in results(backend)},
    }
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
