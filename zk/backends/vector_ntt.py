"""Transforms over Fr by vector kernels: tables, buffers, threads (`zk.kernels.vector.ntt`).

A transform of n = m₁·m₂ rows runs in two passes over an arena in limb form, L columns or L rows at
a time, in as many shares as there are threads. Tables are kept for later transforms of the same
size as long as all of them together stay below `KEPT`; the large one (factors between the steps,
40 bytes a row) is otherwise made piece by piece where it is used, for one more product a row.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np

from zk.backends.portable import PortableBackend
from zk.field.arrays import LIMBS, U64Array, from_array, to_array, to_montgomery
from zk.field.params import FR
from zk.kernels.vector import library, ntt, ntt_library, ntt_short
from zk.kernels.vector.lanes import LIMBS as VECTOR_LIMBS

LEAST: Final = 6
"""Smaller transforms (log₂) have no vectors to fill."""
KEPT: Final = 64 << 20
"""Bytes of tables that are kept."""
SPARE: Final = 64 << 20
"""Bytes of buffers that are kept for the next transform."""
SERIAL: Final = 12
"""Transforms up to this size (log₂) run in one thread."""
_PIECE: Final = 1 << 18
"""Bytes of factors made at a time where the whole table would be too large to keep."""
_ALIGN: Final = 64
_WORD: Final = 8


def aligned(words: int) -> U64Array:
    """Uninitialised words on a cache line."""
    raw = np.empty(words + _ALIGN // _WORD, dtype=np.uint64)
    start = (-int(raw.ctypes.data) % _ALIGN) // _WORD
    return raw[start : start + words]


def address(array: U64Array) -> int:
    """Where an array's first word lies."""
    return int(array.ctypes.data)


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


@dataclass(frozen=True, slots=True)
class _Step:
    """First step of a transform: how its columns are transformed, and the factors after it.

    Attributes:
        log: log₂ of the length of a column.
        columns: how many columns there are.
        twiddles: table of the short transform.
        starts, steps: rows by column, of which the factors are made.
        factors: all of them, or None where they are made on the way.
    """

    log: int
    columns: int
    twiddles: U64Array
    starts: U64Array
    steps: U64Array
    factors: U64Array | None


class Transforms:
    """Transforms of one backend.

    Args:
        backend: whose threads are used, and whose powers tables are made of.
        multiplier: `fma` or `ifma` (or `ifma-emulated`, for tests).
    """

    def __init__(self, backend: PortableBackend, multiplier: str) -> None:
        self.backend = backend
        self.kernels = ntt_library.shared(multiplier)
        self.lanes = library.lanes_of(multiplier)
        self.width = self.lanes.width
        self.butterflies = ntt_short.butterflies_of(self.lanes)
        self.record = VECTOR_LIMBS * self.width * _WORD
        self._tables: OrderedDict[Any, Any] = OrderedDict()
        self._sizes: dict[Any, int] = {}
        self._lock = threading.Lock()
        self._spare: list[U64Array] = []

    # -- buffers ----------------------------------------------------------------------------------

    @contextmanager
    def _arenas(self, log: int, count: int) -> Iterator[list[U64Array]]:
        """Buffers of 2^log elements in limb form, some of which earlier transforms left behind."""
        words = (VECTOR_LIMBS << log) + (ntt.PAD // _WORD << (log - log // 2))
        with self._lock:
            fitting = [x for x in self._spare if words <= x.size < 4 * words][:count]
            self._spare = [x for x in self._spare if not any(x is y for y in fitting)]
        taken = fitting + [aligned(words) for _ in range(count - len(fitting))]
        yield taken
        with self._lock:
            self._spare = [*taken, *self._spare]
            while self._spare and sum(x.nbytes for x in self._spare) > SPARE:
                self._spare.pop()

    # -- transforms -------------------------------------------------------------------------------

    def ntt(self, values: U64Array, log: int, *, inverse: bool) -> U64Array:
        """Of 2^log rows, log ≥ `LEAST`."""
        first, second = log // 2, log - log // 2
        step = self._step(log, first, "inverse" if inverse else "forward")
        out = np.empty((1 << log, LIMBS), dtype=np.uint64)
        with self._arenas(log, 1) as (arena,):
            self._first(step, "fr_ntt_first", (values,), arena, log)
            self._last("fr_ntt_second", (out, arena), second, log, inverse=inverse)
        return out

    def quotient(self, a: U64Array, b: U64Array, log: int) -> U64Array:
        """See `zk.interfaces.Backend.quotient`."""
        first, second = log // 2, log - log // 2
        inverse = self._step(log, first, "halved")
        odd = self._step(log, second, "odd")
        before = self._short(second, inverse=True, twisted=False)
        out = np.empty((1 << log, LIMBS), dtype=np.uint64)
        with self._arenas(log, 4) as (arena, *turned):
            for target, inputs in zip(turned, ((a,), (b,), (a, b)), strict=True):
                kernel = "fr_ntt_product" if len(inputs) == 2 else "fr_ntt_first"
                self._first(inverse, kernel, inputs, arena, log)
                self._first(odd, "fr_ntt_turn", (arena, before), target, log)
            self._last("fr_ntt_quotient", (out, *turned), first, log, inverse=False)
        return out

    def _last(
        self, kernel: str, arrays: tuple[U64Array, ...], second: int, log: int, *, inverse: bool
    ) -> None:
        """The second step of a transform, to rows."""
        table = self._short(second, inverse=inverse, twisted=False)
        columns = 1 << (log - second)

        def run(start: int, stop: int) -> None:
            self.kernels.call(
                kernel, *map(address, arrays), second, columns, start, stop, address(table)
            )

        self._share(run, columns // self.width, log)

    def _share(self, run: Callable[[int, int], None], groups: int, log: int) -> None:
        """Runs shares of the groups, each in a thread of its own."""
        parts = 1 if log <= SERIAL else min(self.backend.threads, groups)
        cuts = [groups * i // parts for i in range(parts + 1)]
        jobs = [partial(run, cuts[i], cuts[i + 1]) for i in range(parts)]
        self.backend.run_all(jobs, serial=parts == 1)

    def _first(
        self, step: _Step, kernel: str, inputs: tuple[U64Array, ...], out: U64Array, log: int
    ) -> None:
        """The first step (or, by `fr_ntt_turn`, a second one and a first one)."""
        places = self._places(step.log)
        targets = self._places(step.columns.bit_length() - 1)
        words = (self.record << step.log) // _WORD
        per_piece = max(1, _PIECE // (words * _WORD))

        def run(start: int, stop: int) -> None:
            local = aligned(words)
            whole = step.factors is not None
            piece = aligned(0 if whole else per_piece * words)
            for begin in range(start, stop, stop - start if whole else per_piece):
                end = stop if whole else min(begin + per_piece, stop)
                if step.factors is None:
                    self._factors(piece, step, begin, end)
                    factors = address(piece)
                else:
                    factors = address(step.factors) + begin * words * _WORD
                self.kernels.call(
                    kernel,
                    *map(address, inputs),
                    step.log,
                    step.columns,
                    begin,
                    end,
                    *map(address, (local, step.twiddles, places)),
                    factors,
                    *map(address, (targets, out)),
                )

        self._share(run, step.columns // self.width, log)

    # -- tables -----------------------------------------------------------------------------------

    def _kept(self, key: Any, make: Callable[[], Any], size: Callable[[Any], int]) -> Any:
        """From the cache, or made and put there; what was not used for longest goes first."""
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key]
        value = make()
        with self._lock:
            self._tables[key] = value
            self._sizes[key] = size(value)
            while sum(self._sizes.values()) > KEPT and len(self._tables) > 1:
                oldest, _ = self._tables.popitem(last=False)
                del self._sizes[oldest]
        return value

    def _places(self, log: int) -> U64Array:
        """Byte offsets of the vectors of a short transform."""
        made: U64Array = self._kept(
            ("places", log),
            lambda: digit_reversed(log) * np.uint64(self.record),
            lambda x: x.nbytes,
        )
        return made

    def _powers(self, base: int, count: int, scale: int = 1, *, plain: bool = False) -> U64Array:
        """scale·baseⁱ as rows, in Montgomery form unless `plain`."""
        one = to_array(to_montgomery([base], FR.modulus))
        powers = self.backend.fr_powers(one, count)
        if scale != 1:
            powers = self.backend.fr_mul(powers, to_array(to_montgomery([scale], FR.modulus)))
        return self.backend.fr_mul(powers, to_array([1])) if plain else powers

    def _records(self, constants: list[int]) -> U64Array:
        """A table of factors (`zk.kernels.vector.fixed`)."""
        limbs = [self.butterflies.digits(w) for w in constants]
        if self.lanes.limb_type.endswith("double>"):
            return np.array(limbs, dtype=np.float64).view(np.uint64)
        return np.array(limbs, dtype=np.uint64)

    def _short(self, log: int, *, inverse: bool, twisted: bool) -> U64Array:
        """Table of a short transform."""

        def make() -> U64Array:
            order = 2 << log
            powers = self._powers(root(order), order, plain=True)
            exponents = np.array(short_exponents(log, twisted=twisted)) % order
            chosen = powers[-exponents % order if inverse else exponents]
            return self._records(from_array(chosen))

        made: U64Array = self._kept(("short", log, inverse, twisted), make, lambda x: x.nbytes)
        return made

    def _step(self, log: int, column: int, kind: str) -> _Step:
        """First step of a transform: forward, inverse (with ÷ n) or to the odd points."""

        def make() -> _Step:
            n, columns = 1 << log, 1 << (log - column)
            base = root(n)
            if kind in ("inverse", "halved"):
                base = pow(base, -1, FR.modulus)
            steps = self._powers(base, columns)
            if kind == "odd":
                starts = self._powers(root(2 * n), columns)
            else:
                scale = (
                    1
                    if kind == "forward"
                    else pow(n << (0 if kind == "inverse" else ntt.HALF_SCALE), -1, FR.modulus)
                )
                starts = self._powers(1, columns, scale)
            table = self._short(
                column, inverse=kind in ("inverse", "halved"), twisted=kind == "odd"
            )
            step = _Step(column, columns, table, starts, steps, None)
            size = VECTOR_LIMBS * _WORD << log
            if size > KEPT:
                return step
            factors = aligned(size // _WORD)
            words = VECTOR_LIMBS * self.width << column

            def build(start: int, stop: int) -> None:
                self._factors(factors[start * words :], step, start, stop)

            self._share(build, columns // self.width, log)
            return _Step(column, columns, table, starts, steps, factors)

        def size(step: _Step) -> int:
            arrays = (step.starts, step.steps, step.factors)
            return sum(x.nbytes for x in arrays if x is not None)

        made: _Step = self._kept(("step", log, column, kind), make, size)
        return made

    def _factors(self, out: U64Array, step: _Step, start: int, stop: int) -> None:
        """Factors of column groups `start` … `stop` − 1."""
        self.kernels.call(
            "fr_ntt_between",
            *map(address, (out, step.starts, step.steps)),
            step.log,
            start,
            stop,
        )
