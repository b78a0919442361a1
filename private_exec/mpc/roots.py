"""Square roots of vectors modulo r, for random bits: b = (1 + s/√(s²))/2 of a shared s.

`zk.field.prime.sqrt` on vectors: with r − 1 = 2²⁸·odd a root of x is x^((odd + 1)/2) times a root
of unity, whose exponent comes out in four digits of seven bits, each found in a table (Bernstein,
"Faster square roots in annoying finite fields", 2001). Of the two roots the even one is taken.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from private_exec.mpc import vectors
from zk import backends
from zk.field.arrays import U64Array, montgomery_array, to_array, to_montgomery
from zk.field.params import FR

_WIDTH: Final = 7
_DIGITS: Final = FR.two_adicity // _WIDTH
_MASK: Final = (1 << _WIDTH) - 1

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Tables:
    """Powers of a root of unity g of order 2²⁸, in Montgomery form.

    Attributes:
        lowest: lowest words of the powers of g^(2²¹), sorted …
        exponents: … and the exponents that belong to them.
        powers: g^(−d·2^(7·j)) by j and digit d.
    """

    lowest: U64Array
    exponents: npt.NDArray[np.int64]
    powers: tuple[U64Array, ...]


@functools.cache
def _tables() -> _Tables:
    r, size = FR.modulus, 1 << _WIDTH
    g = FR.root_of_unity
    top = pow(g, 1 << _WIDTH * (_DIGITS - 1), r)
    words = montgomery_array((pow(top, d, r) for d in range(size)), r)[:, 0]
    order = np.argsort(words)
    if len(set(words.tolist())) != size:
        raise AssertionError("powers of a root of unity are told apart by their lowest words")
    bases = [pow(g, -(1 << _WIDTH * j), r) for j in range(_DIGITS)]
    powers = [montgomery_array((pow(base, d, r) for d in range(size)), r) for base in bases]
    return _Tables(words[order], order.astype(np.int64), tuple(powers))


def roots(a: U64Array) -> tuple[U64Array, Flags]:
    """The even square root of each value, and which values are squares; 0 is one.

    Args:
        a: `[m, 4]`.

    Returns:
        `[m, 4]`, which means nothing where a value is no square, and `bool[m]`.
    """
    backend, tables = backends.get(), _tables()
    x = backend.fr_mul(a, to_array(to_montgomery(to_montgomery([1], FR.modulus), FR.modulus)))
    start = backend.fr_raise(x, FR.modulus - 1 >> FR.two_adicity + 1)
    root = backend.fr_mul(start, x)
    raised = [backend.fr_mul(root, start)]
    while len(raised) < _DIGITS:
        raised.append(backend.fr_raise(raised[-1], 1 << _WIDTH))
    exponent = np.zeros(len(a), dtype=np.int64)
    for i in range(_DIGITS):
        residue = raised[_DIGITS - 1 - i]
        for j in range(i):
            digit = exponent >> _WIDTH * j & _MASK
            residue = backend.fr_mul(residue, tables.powers[_DIGITS - 1 - i + j][digit])
        place = np.searchsorted(tables.lowest, residue[:, 0]).clip(max=_MASK)
        exponent |= tables.exponents[place] << _WIDTH * i
    for j in range(_DIGITS):
        digit = (exponent >> 1) >> _WIDTH * j & _MASK
        root = backend.fr_mul(root, tables.powers[j][digit])
    plain = backend.fr_mul(root, to_array([1]))
    odd = (plain[:, 0] & np.uint64(1)).astype(np.bool_)
    plain[odd] = vectors.neg(np.ascontiguousarray(plain[odd]))
    squares: Flags = (vectors.mul(plain, plain) == a).all(axis=1)
    return plain, squares
