"""Field elements as limbs: the one module that knows how integers become arrays.

An array of n elements is `uint64[n, 4]`, C-contiguous, least significant limb first. Whether the
values are *standard* (x) or *Montgomery* (x·2²⁵⁶ mod p) is part of every signature that takes one;
nothing in an array tells. Affine points are rows of coordinates: G1 `uint64[n, 8]` (x, y), G2
`uint64[n, 16]` (x.c0, x.c1, y.c0, y.c1), always Montgomery, infinity all zero: the layout of
`.zkey` files, so that a key can be mapped from disk and used as it is.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

U64Array = npt.NDArray[np.uint64]

LIMBS: Final = 4
BYTES: Final = 32
MONTGOMERY_BITS: Final = 256
WIDE_LIMBS: Final = 5
"""Of integers that are reduced modulo r where they are used: 40 bytes, for a bias below 2⁻⁶⁶."""
WIDE_WEIGHT_BITS: Final = 384
"""Weights of such integers are w·2³⁸⁴ (`Backend.fr_combine_wide`)."""


def address(array: npt.NDArray[Any]) -> int:
    """Where an array's data lie: what kernels are given. The array must outlive their use of it."""
    if array.flags.writeable:
        try:  # what `ctypes.data` says, in a quarter of its time
            return ctypes.addressof(ctypes.c_char.from_buffer(array))  # type: ignore[arg-type]
        except (TypeError, ValueError):  # not side by side, or no values
            pass
    return int(array.ctypes.data)


def to_array(values: Iterable[int]) -> U64Array:
    """Integers below 2²⁵⁶ → `uint64[n, 4]`. The caller says what the values mean."""
    data = b"".join(int(v).to_bytes(BYTES, "little") for v in values)
    return np.frombuffer(data, dtype="<u8").reshape(-1, LIMBS).astype(np.uint64)


def from_array(array: U64Array) -> list[int]:
    """`uint64[n, 4]` → integers, in the same form (standard or Montgomery) as the array."""
    data = np.ascontiguousarray(array, dtype="<u8").tobytes()
    return [int.from_bytes(data[i : i + BYTES], "little") for i in range(0, len(data), BYTES)]


def wide_integers(array: U64Array) -> list[int]:
    """`uint64[…, 5]` → integers below 2³²⁰."""
    data = np.ascontiguousarray(array, dtype="<u8").tobytes()
    size = 8 * WIDE_LIMBS
    return [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size)]


def to_montgomery(values: Sequence[int], modulus: int) -> list[int]:
    """X → x·2²⁵⁶ mod `modulus`, on integers (the reference; kernels convert arrays)."""
    return [(int(v) << MONTGOMERY_BITS) % modulus for v in values]


def montgomery_array(values: Iterable[int], modulus: int) -> U64Array:
    """Integers → `uint64[n, 4]` in Montgomery form, both steps at once."""
    rows = [((v << MONTGOMERY_BITS) % modulus).to_bytes(BYTES, "little") for v in values]
    return np.frombuffer(b"".join(rows), dtype="<u8").reshape(-1, LIMBS).astype(np.uint64)


def from_montgomery(values: Sequence[int], modulus: int) -> list[int]:
    """x·2²⁵⁶ → x mod `modulus`, on integers."""
    inverse = pow(1 << MONTGOMERY_BITS, -1, modulus)
    return [int(v) * inverse % modulus for v in values]
