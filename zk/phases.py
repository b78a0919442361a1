"""How long each phase of some work took: a progress callback that keeps times."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from zk.interfaces import Progress


class Phases:
    """A progress callback that keeps the time between a phase's 0.0 and its 1.0.

    Args:
        then: another callback that is told the same.

    Attributes:
        times: milliseconds of each phase that has ended, in the order in which they ended; a phase
            that came several times has their sum.
    """

    def __init__(self, then: Progress | None = None) -> None:
        self.times: dict[str, float] = {}
        self._began: dict[str, float] = {}
        self._then = then

    def __call__(self, phase: str, share: float) -> None:
        now = time.perf_counter()
        if share <= 0.0:
            self._began[phase] = now
        elif share >= 1.0 and phase in self._began:
            taken = (now - self._began.pop(phase)) * 1e3
            self.times[phase] = self.times.get(phase, 0.0) + taken
        if self._then is not None:
            self._then(phase, share)


@contextmanager
def phase(report: Progress | None, name: str) -> Iterator[None]:
    """Reports 0.0 before the block, and 1.0 after it if it succeeds."""
    if report is None:
        yield
        return
    report(name, 0.0)
    yield
    report(name, 1.0)
