"""Vectors over Fr for shared secrets, on scalar kernels."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import numpy as np

from zk.backends import checks
from zk.field.arrays import LIMBS, U64Array, address
from zk.kernels import linear

_ROW: Final = 8 * LIMBS
_SERIAL: Final = 1 << 10
"""Fewer rows are computed in the calling thread."""


def exponent_digits(exponent: int) -> list[int]:
    """Digits of an exponent as `fr_raise` reads them, the highest first."""
    count = -(-exponent.bit_length() // linear.WINDOW)
    mask = (1 << linear.WINDOW) - 1
    return [exponent >> linear.WINDOW * i & mask for i in reversed(range(count))]


class PortableLinear:
    """The methods of `Backend` for vectors in standard form."""

    threads: int

    @abstractmethod
    def run_all(self, jobs: Iterable[Callable[[], object]], *, serial: bool) -> None: ...

    def _in_parts(self, name: str, n: int, *arguments: int) -> None:
        """A kernel whose last two arguments are the rows from … to − 1."""
        call = linear.shared().call
        if n < _SERIAL or self.threads == 1:
            call(name, *arguments, 0, n)
            return
        cuts = [n * k // self.threads for k in range(self.threads + 1)]
        jobs = (partial(call, name, *arguments, a, b) for a, b in itertools.pairwise(cuts))
        self.run_all(jobs, serial=False)

    def fr_add(self, a: U64Array, b: U64Array) -> U64Array:
        return self._elementwise("fr_sum_rows", a, b)

    def fr_product(self, a: U64Array, b: U64Array) -> U64Array:
        return self._elementwise("fr_product_rows", a, b)

    def _elementwise(self, name: str, a: U64Array, b: U64Array) -> U64Array:
        n, single = checks.factors(a, b)
        out = np.empty((n, LIMBS), dtype=np.uint64)
        step = 0 if single else _ROW
        self._in_parts(name, n, address(out), address(a), address(b), step)
        return out

    def fr_combine(self, weights: U64Array, rows: Sequence[U64Array]) -> U64Array:
        sums, terms, n = checks.combined(weights, rows)
        out = np.empty((sums, n, LIMBS), dtype=np.uint64)
        places = np.array([address(row) for row in rows], dtype=np.uint64)
        inputs = (address(out), address(weights), address(places))
        self._in_parts("fr_combine", n, *inputs, terms, sums, n)
        return out

    def fr_combine_wide(self, weights: U64Array, rows: U64Array) -> U64Array:
        terms, each, n = checks.combined_wide(weights, rows)
        out = np.empty((n, LIMBS), dtype=np.uint64)
        inputs = (address(out), address(weights), address(rows))
        self._in_parts("fr_combine_wide", n, *inputs, terms, each, n)
        return out

    def fr_inverse(self, a: U64Array) -> U64Array:
        n = checks.invertible(a)
        out = np.empty((n, LIMBS), dtype=np.uint64)
        linear.shared().call("fr_inverses", address(out), address(a), n)
        return out

    def fr_raise(self, a: U64Array, exponent: int) -> U64Array:
        n = checks.rows(a, LIMBS, "a")
        digits = np.array(
            exponent_digits(checks.natural(exponent, "exponent")) or [0], dtype=np.uint8
        )
        out = np.empty((n, LIMBS), dtype=np.uint64)
        inputs = (address(out), address(a), address(digits))
        self._in_parts("fr_raise", n, *inputs, digits.size)
        return out
