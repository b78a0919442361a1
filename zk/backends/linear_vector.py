"""Vectors over Fr for shared secrets, on vector kernels."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Final

import numpy as np

from zk.backends import checks
from zk.backends.linear_portable import PortableLinear, exponent_digits
from zk.field.arrays import LIMBS, U64Array
from zk.kernels.vector import library, linear, linear_library

_SHORT: Final = 1 << 6
"""Exponents below are left to the scalar kernels: what a vector needs first costs more."""
_PIECE: Final = 256
"""Rows that a thread takes at a time."""


class VectorLinear(PortableLinear):
    """`Backend.fr_raise`, a value a lane; the rest as it is on scalar kernels."""

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
        where, source, program = (int(x.ctypes.data) for x in (out, a, digits))
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
