"""The least time of some repetitions: for figures that are stated with what made them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def least(call: Callable[[], T], repeat: int) -> tuple[T, float]:
    """What a call gives, and milliseconds of this process on a processor.

    The least, since others may work on the machine meanwhile.

    Args:
        call: called so many times, once at least.
        repeat: how often.
    """
    found: list[int] = []
    while True:
        started = time.process_time_ns()
        result = call()
        found.append(time.process_time_ns() - started)
        if len(found) >= repeat:
            return result, min(found) / 1e6
