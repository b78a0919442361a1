"""Coefficients of random combinations on G1 that are cheap to multiply by.

φ(x, y) = (βx, y) is multiplication by λ, a cube root of 1 modulo r (Gallant, Lambert and Vanstone,
CRYPTO 2001). Two words u, v of 64 bits stand for

    ρ(u, v) = Σ 2ⁱ·(−1)^(bit i of u)·λ^(bit i of v),   0 ≤ i < 64

Different pairs of words give different coefficients modulo r (`zk.kernels.verification` has the
proof), so one drawn at random takes any value with probability at most 2⁻¹²⁸.
"""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np

from zk.field.arrays import U64Array
from zk.field.params import FR, SEED

LAMBDA: Final = (36 * SEED**3 + 18 * SEED**2 + 6 * SEED + 1) % FR.modulus
WORD_BITS: Final = 64
_ALL: Final = (1 << WORD_BITS) - 1


def coefficient(u: int, v: int) -> int:
    """ρ(u, v) modulo r."""
    plain, turned = _ALL & ~v, v
    a = plain - 2 * (plain & u)
    b = turned - 2 * (turned & u)
    return (a + b * LAMBDA) % FR.modulus


def draw(count: int) -> U64Array:
    """Words of `count` coefficients, `[count, 2]`, from the operating system's generator."""
    words = np.frombuffer(secrets.token_bytes(16 * count), dtype="<u8")
    return np.ascontiguousarray(words.reshape(count, 2).astype(np.uint64, copy=False))
