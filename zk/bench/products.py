"""Products in a prime field and nothing else: x·yⁿ, one product after the other, or side by side.

    chain   x ← x·y, n times. Each product waits for the one before: the time of one product.
            Every backend computes it on one scalar, with the kernel of four 64-bit limbs.
    lanes   the n products are shared out between chains that wait for nobody: eight vectors of the
            backend's lanes, or four scalars. The time between two products, where there are many.

Both give x·yⁿ. A factor is kept in Montgomery form and the values are not, so nothing is converted.
Values are lazy, as everywhere in the kernels; bounds of vectors are proved when code is emitted.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from zk.bench.errors import BenchError
from zk.field.arrays import LIMBS, address, from_array, to_array
from zk.kernels import compile as compiler
from zk.kernels.constants import FP, FR, MONTGOMERY_BITS, Modulus
from zk.kernels.emit import Module
from zk.kernels.field import SIZE, emit_field
from zk.kernels.loaded import Kernels, Signature
from zk.kernels.vector import library
from zk.kernels.vector.lanes import LIMBS as LIMBS_52
from zk.kernels.vector.lanes import R_BITS, Element, Lanes

VECTORS: Final = 8
SCALARS: Final = 4
VECTOR_BACKENDS: Final = ("fma", "ifma", "ifma-emulated")
_FIELDS: Final = {"fp": FP, "fr": FR}


@dataclass(frozen=True, slots=True)
class Products:
    """Work that is ready.

    Attributes:
        run: multiplies; the clock runs over this.
        result: x·yⁿ, after a run.
    """

    run: Callable[[], None]
    result: Callable[[], int]


def chain(backend: str, field: str, x: int, y: int, count: int) -> Products:
    """One product after the other.

    Args:
        backend: name; `reference` multiplies Python's integers.
        field: `fp` or `fr`.
        x: in [0, m).
        y: in [0, m).
        count: how many products.

    Raises:
        BackendError: nothing can be compiled on this machine.
    """
    m = _FIELDS[field]
    if backend == "reference":
        return _integers(m.value, x, y, count)
    return _Scalars(m, 1, x, y, count).products()


def lanes(backend: str, field: str, x: int, y: int, count: int) -> Products:
    """The same number of products, as many side by side as the backend has lanes for.

    Args:
        backend: name; it must have kernels.
        field: `fp` or `fr`.
        x: in [0, m).
        y: in [0, m).
        count: how many products.

    Raises:
        BackendError: the machine lacks the instructions, or nothing can be compiled on it.
        BenchError: the reference has no lanes.
    """
    m = _FIELDS[field]
    if backend == "reference":
        raise BenchError("the reference has no lanes", fix="measure it without --case lanes")
    if backend in VECTOR_BACKENDS:
        return _Vectors(backend, m, x, y, count).products()
    return _Scalars(m, SCALARS, x, y, count).products()


def _integers(modulus: int, x: int, y: int, count: int) -> Products:
    found = [x]

    def run() -> None:
        value = x
        for _ in range(count):
            value = value * y % modulus
        found[0] = value

    return Products(run, lambda: found[0])


class _Chains:
    """Chains side by side: the first starts with x, the others with 1.

    Args:
        m: the prime.
        width: chains.
        count: products, together; what does not divide is multiplied one after the other.
        bits: of the kernel's Montgomery form.
    """

    def __init__(self, m: Modulus, width: int, x: int, y: int, count: int, bits: int) -> None:
        self.modulus = m.value
        self.width = width
        self.y = y
        self.rounds, self.rest = divmod(count, width)
        self.start = to_array([x] + [1] * (width - 1))
        self.state = self.start.copy()
        self.factor = to_array([(y << bits) % m.value])

    def call(self) -> None:
        """The kernel: every chain `rounds` times."""
        raise NotImplementedError

    def run(self) -> None:
        """All products but the rest."""
        np.copyto(self.state, self.start)
        if self.rounds:
            self.call()

    def result(self) -> int:
        """The chains multiplied with each other, and with what did not divide."""
        value = pow(self.y, self.rest, self.modulus)
        for each in from_array(self.state):
            value = value * each % self.modulus
        return value

    def products(self) -> Products:
        """For callers."""
        return Products(self.run, self.result)


class _Scalars(_Chains):
    """Four limbs of 64 bits each."""

    def __init__(self, m: Modulus, width: int, x: int, y: int, count: int) -> None:
        super().__init__(m, width, x, y, count, MONTGOMERY_BITS)
        self.kernels = _scalar_library()
        self.name = f"{m.prefix}_chains_{width}"

    def call(self) -> None:
        self.kernels.call(self.name, address(self.state), address(self.factor), self.rounds)


class _Vectors(_Chains):
    """Lanes of a multiplier, several vectors of them."""

    def __init__(self, multiplier: str, m: Modulus, x: int, y: int, count: int) -> None:
        self.kernels = _vector_library(multiplier)
        super().__init__(m, VECTORS * self.kernels.lanes, x, y, count, R_BITS)
        self.factor = np.repeat(self.factor, self.kernels.lanes, axis=0)
        self.name = f"{m.prefix}_lanes"

    def call(self) -> None:
        self.kernels.call(self.name, address(self.state), address(self.factor), self.rounds)


# --- kernels --------------------------------------------------------------------------------------


def build_scalars() -> Module:
    """`{field}_chains_{k}(state, factor, n)`: every row of `state`, `[k, 4]`, times factorⁿ."""
    module = Module()
    for m in _FIELDS.values():
        emit_field(module, m)
        for width in (1, SCALARS):
            f = module.function(
                f"{m.prefix}_chains_{width}", "state", "factor", "i64 n", export=True
            )
            rows = [f.at("%state", SIZE * i) for i in range(width)]
            with f.loop("%n"):
                for row in rows:
                    f.call(f"{m.prefix}_mul", row, row, "%factor")
            f.leave()
    return module


def build_vectors(multiplier: str) -> Module:
    """`{field}_lanes(state, factor, n)`: the same for vectors; `factor` has a row a lane."""
    kind = library.lanes_of(multiplier)
    module = library.begin(multiplier, *_FIELDS.values())
    for m in _FIELDS.values():
        _emit_lanes(module, kind, m)
    return module


def _emit_lanes(module: Module, kind: type[Lanes], m: Modulus) -> None:
    f = module.function(f"{m.prefix}_lanes", "state", "factor", "i64 n", export=True)
    k = kind(f, m)
    k.begin()
    below = (0, m.value - 1)

    def rows(base: str, vector: int) -> list[str]:
        return [f.at(base, SIZE * (vector * k.width + i)) for i in range(k.width)]

    def read(base: str, vector: int) -> Element:
        return k.carry(k.from_integers(k.gather(rows(base, vector), LIMBS), below))

    size = 8 * k.width * LIMBS_52
    factor = f.aligned(size)
    known = read("%factor", 0)
    k.store(known, factor)
    homes = [f.aligned(size) for _ in range(VECTORS)]
    kept = k.product_like()
    for vector, home in enumerate(homes):
        k.store(
            k.carry(k.from_integers(k.gather(rows("%state", vector), LIMBS), below)), home, kept
        )
    with f.loop("%n"):
        y = k.load(factor, known, pinned=True)
        for one, other in zip(homes[::2], homes[1::2], strict=True):
            products = k.mul_both((k.load(one, kept), y), (k.load(other, kept), y))
            for product, home in zip(products, (one, other), strict=True):
                k.store(product, home, kept)
    for vector, home in enumerate(homes):
        words = k.to_integers(k.load(home, kept))
        k.scatter(words, rows("%state", vector))
    k.end()
    f.leave()


_SCALARS: Final[dict[str, Signature]] = {
    f"{field}_chains_{width}": ("ppn", None) for field in _FIELDS for width in (1, SCALARS)
}
_VECTORS: Final[dict[str, Signature]] = {f"{field}_lanes": ("ppn", None) for field in _FIELDS}


@functools.cache
def _scalar_library() -> Kernels:
    module = build_scalars()
    return Kernels(compiler.load(module.text(), module.exports), _SCALARS)


@functools.cache
def _vector_library(multiplier: str) -> library.VectorLibrary:
    return library.bind(multiplier, build_vectors, _VECTORS)
