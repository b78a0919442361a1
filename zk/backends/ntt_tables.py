"""Tables of transforms: constants of short transforms, places, factors between the steps.

All follow from roots of unity. What was used lately is kept as long as it is not too much; the
large one, factors between the steps (40 bytes a row), is made for transforms up to
`Butterflies.kept_log` alone, since above kernels multiply faster than memory delivers.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar, cast

import numpy as np

from zk.backends.buffers import aligned
from zk.backends.portable import PortableBackend
from zk.field.arrays import U64Array, address, from_array, to_array, to_montgomery
from zk.field.params import FR
from zk.kernels.vector import library, ntt, ntt_short
from zk.kernels.vector.lanes import LIMBS, MASK, RADIX

KEPT: Final = 32 << 20
"""Bytes of tables that are kept."""
_WORD: Final = 8

T = TypeVar("T", "Table", "Step")


def root(order: int) -> int:
    """The root of unity of this order that all transforms use."""
    return pow(FR.root_of_unity, (1 << FR.two_adicity) // order, FR.modulus)


@lru_cache(maxsize=64)
def digit_reversed(log: int) -> U64Array:
    """Where each of 2^log inputs of a short transform lies: base 4, the last digit first."""
    if log < 2:
        return np.arange(1 << log, dtype=np.uint64)
    j = np.arange(1 << log, dtype=np.uint64)
    rest = digit_reversed(log - 2)[(j >> np.uint64(2)).astype(np.intp)]
    return (j & np.uint64(3)) * np.uint64(1 << (log - 2)) + rest


def short_exponents(log: int, *, twisted: bool) -> list[int]:
    """Exponents of ω_{2m}, m = 2^log, in the order of a short transform's table."""
    double = 2 << log
    out = [double // 4, double // 4]
    h = 1 << (log & 1)
    while 4 * h <= 1 << log:
        for j in range(h):
            unit = double // (8 * h) * (2 * j + 1) if twisted else double // (4 * h) * j
            out += [unit, 2 * unit, 3 * unit]
        h *= 4
    return out


def limbs(rows: U64Array) -> U64Array:
    """`uint64[n, 4]` as `uint64[n, 5]` of 52 bits each."""
    out = np.zeros((rows.shape[0], LIMBS), dtype=np.uint64)
    for i in range(LIMBS):
        word, shift = divmod(RADIX * i, 64)
        out[:, i] = rows[:, word] >> np.uint64(shift)
        if shift > 64 - RADIX and word + 1 < rows.shape[1]:
            out[:, i] |= rows[:, word + 1] << np.uint64(64 - shift)
    return out & np.uint64(MASK)


@dataclass(frozen=True, slots=True)
class Table:
    """An array that kernels read.

    Attributes:
        array: what owns the memory.
        at: its address.
    """

    array: U64Array
    at: int

    @property
    def nbytes(self) -> int:
        return self.array.nbytes


def table(array: U64Array) -> Table:
    """With its address."""
    return Table(array, address(array))


@dataclass(frozen=True, slots=True)
class Step:
    """First step of a transform: how its columns are transformed, and the factors after it.

    Attributes:
        log: log₂ of the length of a column.
        columns: how many columns there are.
        twiddles: table of the short transform.
        places: of its vectors.
        starts, steps: rows by column, of which the factors are made.
        factors: all of them, or None where they are made on the way.
    """

    log: int
    columns: int
    twiddles: Table
    places: Table
    starts: Table
    steps: Table
    factors: Table | None

    @property
    def nbytes(self) -> int:
        """Of what no other step shares."""
        kept = 0 if self.factors is None else self.factors.nbytes
        return self.starts.nbytes + self.steps.nbytes + kept

    @property
    def addresses(self) -> tuple[int, ...]:
        """What kernels of first steps are given."""
        arrays = (self.twiddles, self.places, self.starts, self.steps)
        return (*(x.at for x in arrays), 0 if self.factors is None else self.factors.at)


class Tables:
    """Of one backend and multiplier; threads may ask at once.

    Args:
        backend: whose powers tables are made of.
        multiplier: `fma`, `ifma` or `ifma-emulated`.
        kernels: the transforms' kernels.
    """

    def __init__(
        self, backend: PortableBackend, multiplier: str, kernels: library.VectorLibrary
    ) -> None:
        self._backend = backend
        self._kernels = kernels
        self._lanes = library.lanes_of(multiplier)
        self._butterflies = ntt_short.butterflies_of(self._lanes)
        self._kept: OrderedDict[tuple[object, ...], Table | Step] = OrderedDict()
        self._lock = threading.Lock()

    def places(self, log: int) -> Table:
        """Byte offsets of the vectors of a short transform."""

        def make() -> Table:
            vectors = ntt_short.position(log, digit_reversed(log).astype(np.int64))
            record = LIMBS * self._lanes.width * _WORD
            return table(vectors.astype(np.uint64) * np.uint64(record))

        return self._get(("places", log), make)

    def short(self, log: int, *, inverse: bool, twisted: bool) -> Table:
        """Constants of a short transform."""

        def make() -> Table:
            order = 2 << log
            powers = self._powers(root(order), order, plain=True)
            exponents = np.array(short_exponents(log, twisted=twisted)) % order
            return table(self._records(powers[-exponents % order if inverse else exponents]))

        return self._get(("short", log, inverse, twisted), make)

    def step(self, log: int, column: int, kind: str) -> Step:
        """First step of a transform of 2^log rows in columns of 2^column.

        Args:
            log: log₂ of the rows.
            column: log₂ of the length of a column.
            kind: `forward`; `inverse`, with ÷ n; `halved`, with ÷ (n·2^`HALF_SCALE`); `odd`,
                forward to the odd points of a domain twice as large.
        """
        inverse, odd = kind in ("inverse", "halved"), kind == "odd"

        def make() -> Step:
            n, columns = 1 << log, 1 << (log - column)
            steps = self._powers(pow(root(n), -1, FR.modulus) if inverse else root(n), columns)
            divisor = n << (ntt.HALF_SCALE if kind == "halved" else 0)
            scale = pow(divisor, -1, FR.modulus) if inverse else 1
            starts = self._powers(root(2 * n) if odd else 1, columns, scale)
            twiddles = self.short(column, inverse=inverse, twisted=odd)
            factors = None
            if log <= self._butterflies.kept_log:
                factors = table(aligned(LIMBS << log))
                groups = columns // self._lanes.width
                arguments = (factors.at, address(starts), address(steps))
                self._kernels.call("fr_ntt_between", *arguments, column, 0, groups)
            places = self.places(column)
            return Step(column, columns, twiddles, places, table(starts), table(steps), factors)

        return self._get(("step", log, column, kind), make)

    def _get(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """From what is kept, or made and put there; what was not used for longest goes first."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return cast("T", self._kept[key])
        value = make()
        with self._lock:
            self._kept[key] = value
            while self.nbytes > KEPT and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return value

    @property
    def nbytes(self) -> int:
        """Of all that is kept."""
        return sum(x.nbytes for x in self._kept.values())

    def _powers(self, base: int, count: int, scale: int = 1, *, plain: bool = False) -> U64Array:
        """scale·baseⁱ as rows, in Montgomery form unless `plain`."""
        powers = self._backend.fr_powers(to_array(to_montgomery([base], FR.modulus)), count)
        if scale != 1:
            powers = self._times(powers, scale)
        return self._backend.fr_mul(powers, to_array([1])) if plain else powers

    def _times(self, rows: U64Array, constant: int) -> U64Array:
        """In the form of the rows."""
        return self._backend.fr_mul(rows, to_array(to_montgomery([constant], FR.modulus)))

    def _records(self, rows: U64Array) -> U64Array:
        """Constants, in standard form, as short transforms read them."""
        multiples = self._butterflies.multiples()
        if multiples:
            return np.hstack([limbs(self._times(rows, x)) for x in multiples])
        digits = [self._butterflies.digits(w) for w in from_array(rows)]
        return np.array(digits, dtype=np.float64).view(np.uint64)
