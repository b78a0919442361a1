"""Poseidon of many inputs on scalar kernels."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import numpy as np

from zk.backends import checks
from zk.field.arrays import LIMBS, U64Array, address, to_array, to_montgomery
from zk.field.params import FR
from zk.hash.poseidon import parameters
from zk.kernels import poseidon
from zk.kernels.loaded import Kernels

CHUNK: Final = 64
"""Hashes that a thread takes at a time; fewer run in the calling one."""


def layout(t: int) -> Iterable[tuple[int, bool]]:
    """Constants of width t in the order in which kernels read them."""
    known = parameters(t)
    form = known.sparse
    return poseidon.layout(
        known.mds,
        form.pre,
        form.full_constants,
        form.partial_constants,
        form.rows,
        form.columns,
    )


def rounds(t: int) -> tuple[int, int]:
    """Full rounds before the partial ones (as many follow them), and partial rounds."""
    known = parameters(t)
    return known.full_rounds // 2, known.partial_rounds


@functools.cache
def _constants(t: int) -> U64Array:
    """In four limbs: what is multiplied in a row times 2³²⁰, everything else in Montgomery form."""
    r = FR.modulus
    wide = 1 << poseidon.MATRIX_BITS
    plain = 1 << 64 * LIMBS
    return to_array(value * (wide if row else plain) % r for value, row in layout(t))


@functools.lru_cache(maxsize=64)
def _tag(tag: int) -> U64Array:
    return to_array(to_montgomery([tag], FR.modulus))


class PortableHashes:
    """`Backend.poseidon`, a hash after the other in each thread."""

    kernels: Kernels

    @property
    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    def run_all(self, jobs: Iterable[Callable[[], object]], *, serial: bool) -> None: ...

    def poseidon(self, tag: int, inputs: U64Array) -> U64Array:
        n, k = checks.hashed(tag, inputs)
        out = np.empty((n, LIMBS), dtype=np.uint64)
        start = _tag(tag)
        constants = _constants(k + 1)

        def chunk(first: int) -> None:
            self.kernels.call(
                "fr_poseidon",
                address(out[first:]),
                address(inputs[first:]),
                min(CHUNK, n - first),
                address(start),
                address(constants),
                k + 1,
                *rounds(k + 1),
            )

        self.run_all((partial(chunk, i) for i in range(0, n, CHUNK)), serial=n <= CHUNK)
        return out
