"""Vector lanes: products and sums at the ends of their stated bounds, for both multipliers.

The kernels under test are emitted here, one small function an operation, and compared with Python
integers. IFMA runs with its two instructions written out, so every machine tests the same code.
"""

from __future__ import annotations

import ctypes
import itertools
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zk.field.arrays import from_array, to_array
from zk.kernels import compile as compiler
from zk.kernels.constants import FP, FR, Modulus
from zk.kernels.emit import Module
from zk.kernels.vector import fma_assembly, ifma, library
from zk.kernels.vector.fma import Fma
from zk.kernels.vector.ifma import EmulatedIfma, Ifma
from zk.kernels.vector.lanes import R_BITS, BoundError, Element, Lanes, settled

TOP = (1 << 256) - 1
Body = Callable[[Lanes, Element, Element], Element]

LANES: dict[str, tuple[type[Lanes], str]] = {
    "fma": (Fma, "fma"),
    "assembly": (fma_assembly.Assembled, "fma"),
    "ifma": (Ifma, "ifma"),
    "ifma-emulated": (EmulatedIfma, "ifma-emulated"),
}


def _summed(k: Lanes, a: Element, b: Element) -> Element:
    """A settled sum of products that kept their carries."""
    with k.uncarried():
        first, second = k.mul(a, b), k.mul(b, b)
    return k.settle(k.sub(first, second))


OPERATIONS: dict[str, Body] = {
    "mul": lambda k, a, b: k.mul(a, b),
    "sqr": lambda k, a, _b: k.sqr(a),
    "lazy": lambda k, a, b: k.mul(k.sub(a, b), k.add(a, b)),
    "plus": lambda k, a, b: k.mul_sum((a, b), (b, b)),
    "minus": lambda k, a, b: k.mul_sum((a, a), (k.neg(b), a)),
    "negative": lambda k, a, b: k.mul_sum((k.neg(a), b), (b, k.neg(a))),
    "settle": lambda k, a, b: k.settle(k.sub(k.sub(k.mul(a, b), k.reduced(a)), k.reduced(b))),
    "summed": _summed,
    "factor": lambda k, a, b: k.mul(k.factor(k.sub(a, b)), b),
    "packed": lambda k, a, b: k.from_integers(
        k.to_integers(k.sub(k.mul(a, b), k.mul(b, b))), (0, TOP)
    ),
    "carry": lambda k, a, b: k.carry(k.sub(k.mul(a, b), k.mul(b, b))),
    "both": lambda k, a, b: k.sub(*k.mul_both((a, b), (b, b))),
    "squares": lambda k, a, b: k.sub(*k.mul_both((a, a), (b, b))),
    "cross": lambda k, a, b: k.sub(*k.cross((a, b), (k.sub(a, b), b))),
    "constant": lambda k, a, _b: k.mul(a, k.field_constant(7)),
}


def expected(name: str, p: int, a: int, b: int) -> int:
    """What the operations mean; a and b are raw integers, products lose a factor R."""
    inverse = pow(1 << R_BITS, -1, p)
    one = (1 << R_BITS) % p
    return {
        "mul": a * b * inverse,
        "sqr": a * a * inverse,
        "lazy": (a - b) * (a + b) * inverse,
        "plus": (a * b + b * b) * inverse,
        "minus": (a * a - b * a) * inverse,
        "negative": -2 * a * b * inverse,
        "settle": (a * b - a * one - b * one) * inverse,
        "summed": (a * b - b * b) * inverse,
        "factor": (a - b) * b * inverse,
        "packed": (a * b - b * b) * inverse,
        "carry": (a * b - b * b) * inverse,
        "both": (a * b - b * b) * inverse,
        "squares": (a * a - b * b) * inverse,
        "cross": (a * (a - b) - b * b - (a * b + b * (a - b))) * inverse,
        "constant": 7 * a,
    }[name] % p


@pytest.fixture(scope="module", params=list(itertools.product(LANES, [FP, FR])), ids=str)
def machine(request: pytest.FixtureRequest) -> tuple[type[Lanes], Modulus, compiler.Compiled]:
    name, modulus = request.param
    lanes, needed = LANES[name]
    if not library.supported(needed):
        pytest.skip(f"this processor lacks what {needed} needs")
    module = Module()
    if lanes is EmulatedIfma:
        ifma.emit_emulation(module)
    if lanes is fma_assembly.Assembled:
        fma_assembly.emit_products(module, modulus)
    for operation, body in OPERATIONS.items():
        f = module.function(operation, "out", "a", "b", export=True)
        k = lanes(f, modulus)
        k.begin()
        a, b = (
            k.from_integers(k.gather([f.at(name, 32 * i) for i in range(k.width)], 4), (0, TOP))
            for name in ("%a", "%b")
        )
        result = body(k, a, b)
        if operation in {"settle", "summed"}:
            low, high = k.settled_value
            assert settled(k.p)[0] <= low <= result.value[0]
            assert result.value[1] <= high <= settled(k.p)[1]
        k.scatter(k.to_integers(result), [f.at("%out", 32 * i) for i in range(k.width)])
        k.end()
        f.leave()
    return lanes, modulus, compiler.load(module.text(), module.exports)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_equal_integers(machine: Any, operation: str) -> None:
    lanes, modulus, code = machine
    p = modulus.value
    address = ctypes.c_void_p
    run = code.bind(operation, address, address, address)
    rng = random.Random(operation)
    edges = [0, 1, 2, p - 1, p, p + 1, 2 * p, TOP, TOP - 1, 1 << 255, (1 << 52) - 1, 1 << 52]
    edges += [(1 << k) - 1 for k in (104, 156, 208)] + [1 << k for k in (51, 103, 155, 207, 208)]
    pairs = list(itertools.product(edges, edges))
    pairs += [(rng.getrandbits(256), rng.getrandbits(256)) for _ in range(2000)]
    pairs += pairs[: -len(pairs) % lanes.width]
    for start in range(0, len(pairs), lanes.width):
        chunk = pairs[start : start + lanes.width]
        a, b = (to_array(x[side] for x in chunk) for side in (0, 1))
        out = np.zeros_like(a)
        run(out.ctypes.data, a.ctypes.data, b.ctypes.data)
        for (x, y), z in zip(chunk, from_array(out), strict=True):
            assert z % p == expected(operation, p, x, y), (operation, hex(x), hex(y))


@pytest.mark.parametrize("lanes", [Fma, EmulatedIfma])
def test_code_that_could_overflow_is_not_emitted(lanes: type[Lanes]) -> None:
    """Doubling a value again and again leaves its bounds sooner or later."""
    module = Module()
    k = lanes(module.function("f", "a"), FP)
    value = k.from_integers([k.splat(0)] * 4, (0, TOP))

    def grow(value: Element) -> None:
        for _ in range(80):
            value = k.add(value, value)

    with pytest.raises(BoundError):
        grow(value)


def test_a_machine_without_the_instructions_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from zk.errors import BackendError

    bare = compiler.Target("x86_64-unknown-linux-gnu", "x86-64", "-avx2,-avx512ifma,+sse2", "0")
    monkeypatch.setattr(compiler, "host", lambda: bare)
    for multiplier in ("fma", "ifma"):
        assert not library.supported(multiplier)
        with pytest.raises(BackendError, match=multiplier):
            library.load(multiplier)
