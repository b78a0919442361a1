"""Values modulo r in vectors: every step of a protocol works on many at once.

A vector is `uint64[m, 4]`, standard form, each value below r (`zk.field.arrays`). Functions return
new arrays. What they are given is below r already: it was made here, or passed `from_bytes`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from private_exec.mpc.errors import MalformedVector
from zk import backends
from zk.backends.checks import first_not_below_r
from zk.field.arrays import (
    BYTES,
    LIMBS,
    WIDE_LIMBS,
    WIDE_WEIGHT_BITS,
    U64Array,
    from_array,
    to_array,
    to_montgomery,
)
from zk.field.params import FR

R: Final = FR.modulus
WIDE_BYTES: Final = 8 * WIDE_LIMBS
"""Of an integer that is reduced to a value: 2⁻⁶⁶ bounds its distance from uniform."""


def vec(values: Iterable[int]) -> U64Array:
    """Integers, reduced modulo r."""
    return to_array(v % R for v in values)


def ints(a: U64Array) -> list[int]:
    """The reverse of `vec`."""
    return from_array(a)


def zeros(count: int) -> U64Array:
    """So many zeros."""
    return np.zeros((count, LIMBS), dtype=np.uint64)


def add(a: U64Array, b: U64Array | int) -> U64Array:
    """A + b, element by element; an integer is added to all."""
    return backends.get().fr_add(a, _operand(b))


def sub(a: U64Array, b: U64Array | int) -> U64Array:
    """A − b."""
    if isinstance(b, int):
        return add(a, -b)
    return backends.get().fr_sub(a, b)


def neg(a: U64Array) -> U64Array:
    """−a."""
    return backends.get().fr_sub(zeros(len(a)), a)


def mul(a: U64Array, b: U64Array | int) -> U64Array:
    """a·b, element by element."""
    if isinstance(b, int):
        return scale(a, b)
    return backends.get().fr_product(a, b)


def scale(a: U64Array, k: int) -> U64Array:
    """k·a."""
    return backends.get().fr_mul(a, to_array(to_montgomery([k % R], R)))


def total(a: U64Array) -> int:
    """The sum of all values."""
    return sum(ints(a)) % R


def powers(x: int, count: int) -> U64Array:
    """x, x², …, x^count."""
    backend = backends.get()
    found = backend.fr_powers(to_array(to_montgomery([x % R], R)), count + 1)
    return backend.fr_mul(found[1:], to_array([1]))


def inverse(a: U64Array) -> U64Array:
    """1/a.

    Raises:
        ZeroDivisionError: a value is 0; it is not said which.
    """
    return backends.get().fr_inverse(a)


def combine(weights: Sequence[int], rows: Sequence[U64Array]) -> U64Array:
    """Σ wᵢ·rowᵢ, element by element. Weights are public: they are remembered."""
    out: U64Array = combinations([weights], rows)[0]
    return out


def combinations(matrix: Sequence[Sequence[int]], rows: Sequence[U64Array]) -> U64Array:
    """A matrix times vectors: `uint64[m, n, 4]`, row q being Σ matrix[q][i]·rowᵢ."""
    weights = _montgomery_matrix(tuple(map(tuple, matrix)), len(rows))
    return backends.get().fr_combine(weights, [np.ascontiguousarray(row) for row in rows])


def combine_wide(weights: Sequence[Sequence[int]], rows: U64Array) -> U64Array:
    """Σ wₖⱼ·rowsₖᵢⱼ for each i, of integers below 2³²⁰, `uint64[k, n, j, 5]`."""
    return backends.get().fr_combine_wide(_wide_weights(tuple(map(tuple, weights))), rows)


def reduced(data: bytes) -> U64Array:
    """40 bytes a value, little-endian, modulo r: from uniform bytes within 2⁻⁶⁶ of uniform."""
    return combine_wide(((1,),), words(data).reshape(1, -1, 1, WIDE_LIMBS))


def words(data: bytes) -> U64Array:
    """Words of 64 bits, little-endian, in an array of their own; nothing is checked."""
    return np.frombuffer(data, dtype="<u8").astype(np.uint64)


def lowest(bits: int, limbs: int) -> U64Array:
    """What `&` leaves the lowest bits with, of integers of so many limbs."""
    return words(((1 << bits) - 1).to_bytes(8 * limbs, "little"))


def flat(a: U64Array) -> U64Array:
    """All values of an array `[…, 4]` as one vector."""
    return np.ascontiguousarray(a).reshape(-1, LIMBS)


def to_bytes(a: U64Array) -> bytes:
    """32 bytes a value, little-endian."""
    return np.ascontiguousarray(a, dtype="<u8").tobytes()


def from_bytes(data: bytes, count: int) -> U64Array:
    """PV-2: exactly `count` values, each in the one encoding that it has.

    Raises:
        MalformedVector: PV-2.
    """
    if len(data) != BYTES * count:
        raise MalformedVector(
            "PV-2", f"{count} values take {BYTES * count} bytes, not {len(data)}", where="vector"
        )
    values = words(data).reshape(count, LIMBS)
    bad = first_not_below_r(values)
    if bad < count:
        raise MalformedVector("PV-2", "a value is not below r", where=f"value {bad} of a vector")
    return values


def same(a: U64Array, b: U64Array) -> bool:
    """Whether two vectors hold the same values."""
    return np.array_equal(a, b)


def _operand(b: U64Array | int) -> U64Array:
    return to_array([b % R]) if isinstance(b, int) else b


@functools.lru_cache(maxsize=1024)
def _montgomery_matrix(matrix: tuple[tuple[int, ...], ...], terms: int) -> U64Array:
    flat = to_array(to_montgomery([k for line in matrix for k in line], R))
    return flat.reshape(len(matrix), terms, LIMBS)


@functools.lru_cache(maxsize=256)
def _wide_weights(weights: tuple[tuple[int, ...], ...]) -> U64Array:
    flat = to_array((k << WIDE_WEIGHT_BITS) % R for line in weights for k in line)
    return flat.reshape(len(weights), -1, LIMBS)
