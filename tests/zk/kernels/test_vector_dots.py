"""Sums of products over operands in memory, in both fields, at the ends of their bounds."""

from __future__ import annotations

import ctypes
import itertools
import random
from typing import Any

import numpy as np
import pytest

from zk.field.arrays import from_array, to_array
from zk.kernels import compile as compiler
from zk.kernels.constants import FP, FR, Modulus
from zk.kernels.emit import Module
from zk.kernels.vector import library
from zk.kernels.vector.dots import Dots
from zk.kernels.vector.kept import light
from zk.kernels.vector.lanes import LIMBS, R_BITS, BoundError, Element
from zk.kernels.vector.tower import full_dot

MULTIPLIERS = ["fma", "ifma", "ifma-emulated"]
COUNTS = (1, 4, 12)


def build(multiplier: str, m: Modulus, counts: tuple[int, ...]) -> Module:
    """`dot_n(out, a, b)`: Σ aᵢ·bᵢ/R of n rows a lane, integers below 4p; lazy rows."""
    lanes = library.lanes_of(multiplier)
    module = library.begin(multiplier, m)
    dots = Dots(module, lanes, m)
    shape = full_dot(lanes)
    dots.emit(shape)
    size = LIMBS * 8 * lanes.width
    for count in counts:
        f = module.function(f"dot_{count}", "out", "a", "b", export=True)
        k = lanes(f, m)
        k.begin()
        sides, terms = [], []
        for name in ("%a", "%b"):
            place = f.aligned(count * size)
            sides.append(place)
            values = []
            for t in range(count):
                rows = [f.at(name, 32 * (t * k.width + i)) for i in range(k.width)]
                x = light(k, k.from_integers(k.gather(rows, 4), (0, 4 * m.value)))
                k.store(x, f.at(place, t * size))
                values.append(x)
            terms.append(values)
        raw = f.aligned(size * 4)
        table = dots.table(f"all{count}", [(t * size, t * size) for t in range(count)])
        like = dots.call(k, shape, raw, *sides, table, list(zip(*terms, strict=True)))
        limbs = tuple(
            f.op(f"load {k.limb_type}, ptr {f.at(raw, shape.out_stride * i)}, align 8")
            for i in range(LIMBS)
        )
        out = Element(limbs, like.value, like.bounds)
        k.scatter(k.to_integers(out), [f.at("%out", 32 * i) for i in range(k.width)])
        k.end()
        f.leave()
    return module


@pytest.fixture(scope="module", params=list(itertools.product(MULTIPLIERS, [FP, FR])), ids=str)
def machine(request: pytest.FixtureRequest) -> Any:
    multiplier, m = request.param
    if not library.supported(multiplier):
        pytest.skip(f"this processor cannot run {multiplier}")
    module = build(multiplier, m, COUNTS)
    return library.lanes_of(multiplier).width, m, compiler.load(module.text(), module.exports)


@pytest.mark.parametrize("count", COUNTS)
def test_dots_equal_integers(machine: Any, count: int) -> None:
    width, m, code = machine
    p = m.value
    run = code.bind(f"dot_{count}", *[ctypes.c_void_p] * 3)
    rng = random.Random(count)
    edges = [0, 1, p - 1, p, 2 * p - 1, 4 * p, (1 << 52) - 1, 1 << 52, (1 << 208) - 1, 1 << 208]
    for round_ in range(40):
        low, high = (edges, edges) if round_ < 20 else ([0, 4 * p], [4 * p])
        a, b = (
            [
                rng.choice(low + high) if round_ < 30 else rng.randrange(4 * p)
                for _ in range(count * width)
            ]
            for _ in range(2)
        )
        out = np.zeros((width, 4), dtype=np.uint64)
        left, right = to_array(a), to_array(b)
        run(out.ctypes.data, left.ctypes.data, right.ctypes.data)
        for lane, got in enumerate(from_array(out)):
            total = sum(a[t * width + lane] * b[t * width + lane] for t in range(count))
            assert got % p == total * pow(1 << R_BITS, -1, p) % p


@pytest.mark.parametrize("multiplier", ["fma", "ifma-emulated"])
def test_too_many_terms_are_not_emitted(multiplier: str) -> None:
    with pytest.raises(BoundError):
        build(multiplier, FP, (4000,))
