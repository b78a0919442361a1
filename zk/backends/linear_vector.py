"""Vectors over Fr for shared secrets, on vector kernels."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Final

import numpy as np

from zk.backends import checks
from zk.backends.linear_portable import PortableLinear, exponent_digits
from zk.field.arrays import LIMBS, U64Array, address
from zk.kernels import linear as scalar
from zk.kernels.vector import library, linear, linear_library, linear_wide

_SHORT: Final = 1 << 6
"""Exponents below are left to the scalar kernels: what a vector needs first costs more."""
_PIECE: Final = 256
"""Rows that a thread takes at a time."""


class VectorLinear(PortableLinear):
    """What takes long, a value a lane; the rest as it is on scalar kernels."""

    @property
    @abstractmethod
    def name(self) -> str: ...

    def fr_raise(self, a: U64Array, exponent: int) -> U64Array:
        n = checks.rows(a, LIMBS, "a")
        least = linear.CHAINS * library.lanes_of(self.name).width
        if checks.natural(exponent, "exponent") < _SHORT or n < least:
            return super().fr_raise(a, exponent)
        call = linear_library.shared(self.name).call
        digits = np.array(exponent_digits(exponent), dtype=np.uint8)
        whole = -(-n // least) * least
        if whole > n:
            a = np.concatenate([a, np.zeros((whole - n, LIMBS), dtype=np.uint64)])
        out = np.empty((whole, LIMBS), dtype=np.uint64)
        where, source, program = (address(x) for x in (out, a, digits))
        jobs = (
            partial(
                call,
                "fr_vector_raise",
                where + 8 * LIMBS * first,
                source + 8 * LIMBS * first,
                program,
                digits.size,
                min(_PIECE, whole - first),
            )
            for first in range(0, whole, _PIECE)
        )
        self.run_all(jobs, serial=whole <= _PIECE)
        return out[:n]

    def fr_combine_wide(self, weights: U64Array, rows: U64Array) -> U64Array:
        terms, each, n = checks.combined_wide(weights, rows)
        whole = n - n % library.lanes_of(self.name).width
        step = linear_wide.MOST // max(1, each)  # terms of one sum
        if not (whole and terms and step and linear_library.has_wide(self.name)):
            return super().fr_combine_wide(weights, rows)
        call = linear_library.shared(self.name).call
        out = np.empty((n, LIMBS), dtype=np.uint64)
        target, factors, values = (address(x) for x in (out, weights, rows))
        part = np.empty((whole, LIMBS), dtype=np.uint64)
        for first in range(0, terms, step):
            call(
                "fr_vector_wide",
                address(part) if first else target,
                factors + 8 * LIMBS * each * first,
                values + scalar.WIDE_BYTES * each * n * first,
                min(step, terms - first),
                each,
                n,
                whole,
            )
            if first:
                out[:whole] = self.fr_add(out[:whole], part)
        if whole < n:
            inputs = (target, factors, values, terms, each, n, whole, n)
            scalar.shared().call("fr_combine_wide", *inputs)
        return out
