"""Timing one function of this process: cold and warm, medians, and on what machine.

    result = measure("msm_g1", lambda: backend.msm_g1(points, scalars), size=1 << 14)
    print(result.to_json())

For a notebook or a quick look. Figures to publish come from `chiaro bench run`, which gives every
program a process of its own and lets them take turns.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from zk.bench.host import Machine, machine

SCHEMA: Final = "chiaro-measure/1"


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement; times in milliseconds.

    Attributes:
        name: what was run.
        size: number of elements, 1 where it has no meaning.
        backend: name of the backend, empty where none is used.
        cold_ms: wall time of the first call of this process.
        wall_ms: median wall time of the later calls.
        best_ms: least wall time of the later calls.
        cpu_ms: median CPU time, all threads together.
        rounds: number of later calls.
        machine: where.
    """

    name: str
    size: int
    backend: str
    cold_ms: float
    wall_ms: float
    best_ms: float
    cpu_ms: float
    rounds: int
    machine: Machine

    def to_json(self) -> str:
        """One line, keys sorted, with the schema's name."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, sort_keys=True)


def measure(
    name: str,
    function: Callable[[], object],
    *,
    size: int = 1,
    backend: str = "",
    rounds: int = 5,
) -> Result:
    """Call `function` once cold, then `rounds` times warm.

    Raises:
        ValueError: fewer than one round.
    """
    if rounds < 1:
        raise ValueError("a measurement needs at least one warm round")
    cold, _ = _timed(function)
    samples = [_timed(function) for _ in range(rounds)]
    walls = [wall for wall, _ in samples]
    return Result(
        name=name,
        size=size,
        backend=backend,
        cold_ms=cold,
        wall_ms=statistics.median(walls),
        best_ms=min(walls),
        cpu_ms=statistics.median(cpu for _, cpu in samples),
        rounds=rounds,
        machine=machine(),
    )


def _timed(function: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3
