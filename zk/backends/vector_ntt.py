"""Transforms over Fr by vector kernels: buffers, bundles, threads (`zk.kernels.vector.ntt`).

A transform of n = m₁·m₂ rows runs in two passes over an arena in limb form, L columns or L rows at
a time, in as many shares as there are threads. The quotient of a proof is six transforms in four
passes: two inverse ones and one of their product, each followed by one to the odd points.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from zk.backends.buffers import Buffers, aligned
from zk.backends.ntt_tables import Step, Tables
from zk.backends.portable import Job, PortableBackend
from zk.field.arrays import LIMBS as ROW_WORDS
from zk.field.arrays import U64Array, address
from zk.kernels.vector import library, ntt, ntt_library, ntt_short
from zk.kernels.vector.lanes import LIMBS

LEAST: Final = 6
"""Smaller transforms (log₂) have no vectors to fill."""
SPARE: Final = 96 << 20
"""Bytes of buffers that are kept for the next transform."""
PLANNED: Final = 16
"""Up to this size (log₂) everything is prepared for the next transform in one thread."""
SERIAL: Final = 13
"""Transforms up to this size (log₂) run in one thread."""
_BUNDLE: Final = 4
"""Most groups that are worked on together …"""
_CACHED: Final = 3 << 18
"""… and the bytes that they may take: a part of a second-level cache."""
_ALONE: Final = 8
"""Groups of shorter short transforms (log₂) gain nothing: all rows lie in that cache."""
_WORD: Final = 8
_ROW: Final = ROW_WORDS * _WORD
_WORDS: Final = np.dtype(np.uint64)
_PAD: Final = ntt.PAD // _WORD


Pass = Callable[[int, int], None]
"""Works on groups from one up to another. It holds the tables that it reads, not their addresses:
another thread's transform may push them out of `Tables` meanwhile."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Of transforms of one size and direction.

    Attributes:
        count: rows.
        arena: bytes of the arena, behind which there is room for buffers.
        at: address of what `fr_ntt_whole` reads.
        keeps: what must outlive the plan.
    """

    count: int
    arena: int
    at: int
    keeps: tuple[object, ...]


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
        self.record = LIMBS * self.width * _WORD
        self.tables = Tables(backend, multiplier, self.kernels)
        self.buffers = Buffers(SPARE)
        self._plans: dict[tuple[object, ...], _Plan] = {}
        self._room = threading.Lock()
        self._shared = aligned(0)
        self._scratch_at = 0

    def planned(self, values: U64Array, *, inverse: bool) -> U64Array | None:
        """A transform for which everything is prepared, or nothing.

        Most of a small transform's time would pass in the interpreter; this is its shortest way.
        """
        if type(values) is not np.ndarray or values.dtype is not _WORDS:
            return None
        plan = self._plans.get((values.shape, values.strides, inverse))
        if plan is None or not self._room.acquire(blocking=False):
            return None
        try:
            out = self.buffers.rows(plan.count)
            arrays = (
                address(values),
                address(out),
                self._scratch_at,
                self._scratch_at + plan.arena,
            )
            self.kernels.call("fr_ntt_whole", *arrays, plan.at)
            return out
        finally:
            self._room.release()

    def _plan(self, log: int, *, inverse: bool) -> None:
        """Prepares transforms in one thread."""
        first, second = log // 2, log - log // 2
        key = (1 << log, ROW_WORDS), (_ROW, _WORD), inverse
        if log > PLANNED or key in self._plans or self._parts(log, 1 << second) > 1:
            return
        step = self.tables.step(log, first, "inverse" if inverse else "forward")
        (bundle, words), (bundle2, words2) = self._local(first), self._local(second)
        constants = self.tables.short(second, inverse=inverse, twisted=False)
        places = self.tables.places(second)
        rows, columns = 1 << first, 1 << second
        one = (first, columns, columns // self.width, bundle, *step.addresses)
        two = (second, rows, rows // self.width, bundle2, constants.at, places.at)
        plan = np.array((*one, *two), dtype=np.uint64)
        arena = self._arena_words(log)
        with self._room:
            if self._shared.size < arena + max(words, words2):
                self._shared = aligned(arena + max(words, words2))
                self._scratch_at = address(self._shared)
            self._plans[key] = _Plan(
                1 << log, arena * _WORD, address(plan), (plan, step, constants, places)
            )

    def ntt(self, values: U64Array, log: int, *, inverse: bool) -> U64Array:
        """Of 2^log rows, log ≥ `LEAST`."""
        self._plan(log, inverse=inverse)
        first, second = log // 2, log - log // 2
        step = self.tables.step(log, first, "inverse" if inverse else "forward")
        out = self.buffers.rows(1 << log)
        with self._arenas(log, 1) as (arena,):
            self._run(log, step.columns, self._first(step, (address(values),), arena))
            last = self._last("fr_ntt_second", (address(out), arena), second, log, inverse=inverse)
            self._run(log, 1 << first, last)
        return out

    def quotient(self, a: U64Array, b: U64Array, log: int) -> U64Array:
        """See `zk.interfaces.Backend.quotient`."""
        first, second = log // 2, log - log // 2
        inverse = self.tables.step(log, first, "halved")
        odd = self.tables.step(log, second, "odd")
        out = self.buffers.rows(1 << log)
        inputs = (address(a),), (address(b),), (address(a), address(b))
        together = self._parts(log, odd.columns) > 1
        with self._arenas(log, 6 if together else 4) as (*turned, spare):
            arenas = [*turned[3:], spare] if together else [spare] * 3
            steps = [self._first(inverse, x, y) for x, y in zip(inputs, arenas, strict=True)]
            turns = [self._turn(odd, x, y) for x, y in zip(arenas, turned[:3], strict=True)]
            if together:
                self._run(log, inverse.columns, *steps)
                self._run(log, odd.columns, *turns)
            else:
                for step, turn in zip(steps, turns, strict=True):
                    self._run(log, inverse.columns, step)
                    self._run(log, odd.columns, turn)
            arrays = (address(out), *turned[:3])
            last = self._last("fr_ntt_quotient", arrays, first, log, inverse=False)
            self._run(log, inverse.columns, last)
        return out

    # -- passes -----------------------------------------------------------------------------------

    def _first(self, step: Step, inputs: Sequence[int], out: int) -> Pass:
        """The first step, of rows or of products of rows."""
        kernel = "fr_ntt_product" if len(inputs) == 2 else "fr_ntt_first"
        bundle, words = self._local(step.log)

        def run(start: int, stop: int) -> None:
            with self._scratch(words, 1) as (local,):
                shape = (step.log, step.columns, start, stop, bundle)
                self.kernels.call(kernel, *inputs, *shape, local, *step.addresses, out)

        return run

    def _turn(self, step: Step, arena: int, out: int) -> Pass:
        """A second step, and the first one of a transform to the odd points."""
        before = self.tables.short(step.log, inverse=True, twisted=False)
        bundle, words = self._local(step.log)
        spare = words // bundle

        def run(start: int, stop: int) -> None:
            with self._scratch(words + spare, 1) as (local,):
                shape = (step.log, step.columns, start, stop, bundle)
                arrays = (arena, before.at, local + words * _WORD)
                self.kernels.call("fr_ntt_turn", *arrays, *shape, local, *step.addresses, out)

        return run

    def _last(
        self, kernel: str, arrays: Sequence[int], second: int, log: int, *, inverse: bool
    ) -> Pass:
        """The second step of transforms, to rows."""
        constants = self.tables.short(second, inverse=inverse, twisted=False)
        places = self.tables.places(second)
        columns = 1 << (log - second)
        bundle, words = self._local(second, len(arrays) - 1)

        def run(start: int, stop: int) -> None:
            with self._scratch(words, 1) as (local,):
                shape = (second, columns, start, stop, bundle)
                self.kernels.call(kernel, *arrays, *shape, local, constants.at, places.at)

        return run

    def _parts(self, log: int, columns: int) -> int:
        """How many threads share a pass."""
        return 1 if log <= SERIAL else min(self.backend.threads, columns // self.width)

    def _run(self, log: int, columns: int, *passes: Pass) -> None:
        """Passes over as many columns, shares of the groups in threads of their own."""
        groups = columns // self.width
        parts = self._parts(log, columns)
        if parts == 1:
            for one in passes:
                one(0, groups)
            return

        def share(i: int) -> None:
            for one in passes:
                one(groups * i // parts, groups * (i + 1) // parts)

        jobs: list[Job] = [partial(share, i) for i in range(parts)]
        self.backend.run_all(jobs, serial=False)

    # -- buffers ----------------------------------------------------------------------------------

    @contextmanager
    def _scratch(self, words: int, count: int) -> Iterator[list[int]]:
        """Addresses of buffers that last as long as a block."""
        taken = [self.buffers.take(words) for _ in range(count)]
        yield [address(x) for x in taken]
        self.buffers.give(*taken)

    def _arenas(self, log: int, count: int) -> AbstractContextManager[list[int]]:
        """Room for 2^log elements in limb form and for what lies behind groups."""
        return self._scratch(self._arena_words(log), count)

    def _arena_words(self, log: int) -> int:
        groups = (1 << (log - log // 2)) // self.width
        return (LIMBS << log) + groups * _PAD

    def _local(self, log: int, per_group: int = 1) -> tuple[int, int]:
        """Groups in a bundle of short transforms of 2^log, and the words that they take."""
        stride = ntt_short.vectors(log) * self.record // _WORD + _PAD
        bundle = max(1, min(_BUNDLE, _CACHED // (stride * per_group * _WORD)))
        if log < _ALONE:
            bundle = 1
        head = ntt.running(self.lanes) * self.record // _WORD
        return bundle, bundle * (head + per_group * stride)
