"""Poseidon of many inputs on vector kernels."""

from __future__ import annotations

import functools
from functools import partial
from typing import Final

import numpy as np

from zk.backends import checks
from zk.backends.poseidon_portable import PortableHashes, layout, rounds
from zk.field.arrays import LIMBS, U64Array, address
from zk.kernels.vector import library, poseidon, poseidon_library

_FEW: Final = 2
"""Fewer are left to the scalar kernels."""
_GROUPS: Final = 8
"""Vectors of hashes that a thread takes at a time."""


@functools.cache
def _constants(multiplier: str, t: int) -> U64Array:
    lanes = library.lanes_of(multiplier)
    values = (value for value, _ in layout(t))
    return np.array(poseidon.constant_words(lanes, values), dtype=np.uint64)


@functools.lru_cache(maxsize=64)
def _tag(multiplier: str, tag: int) -> U64Array:
    words = poseidon.constant_words(library.lanes_of(multiplier), [tag])
    return np.array(words, dtype=np.uint64)


class VectorHashes(PortableHashes):
    """`Backend.poseidon`, a hash a lane."""

    def poseidon(self, tag: int, inputs: U64Array) -> U64Array:
        multiplier = self.name
        lanes = library.lanes_of(multiplier)
        n, k = checks.hashed(tag, inputs)
        if n < _FEW or k >= poseidon.WIDEST:
            return super().poseidon(tag, inputs)
        kernels = poseidon_library.shared(multiplier)
        start = _tag(multiplier, tag)
        constants = _constants(multiplier, k + 1)
        whole = -(-n // lanes.width) * lanes.width
        if whole > n:
            inputs = np.concatenate([inputs, np.zeros((whole - n, k, LIMBS), dtype=np.uint64)])
        out = np.empty((whole, LIMBS), dtype=np.uint64)
        size = _GROUPS * lanes.width

        def chunk(first: int) -> None:
            kernels.call(
                "fr_vector_poseidon",
                address(out[first:]),
                address(inputs[first:]),
                min(size, whole - first),
                address(start),
                address(constants),
                k + 1,
                *rounds(k + 1),
            )

        self.run_all((partial(chunk, i) for i in range(0, whole, size)), serial=whole <= size)
        return out[:n]
