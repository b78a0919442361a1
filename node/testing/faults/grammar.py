"""Row R1: random legal sequences of ABCI's calls, with kills between (`node.testing.walks`)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Final

from node.testing import walks
from node.testing.faults import record
from node.testing.faults.record import Result

NAME: Final = "grammar"
ROW: Final = "R1"
WHAT: Final = "random sequences of ABCI's calls with kills between them; heights are sequences"
WALKS: Final = 400
"""Of a run: 25 seeds make ten thousand."""
HEIGHTS: Final = 6


def run(seed: int, count: int = WALKS, heights: int = HEIGHTS) -> Result:
    """Many walks, each on a host of its own."""
    began, calls, violations = time.monotonic(), 0, []
    for number in range(seed * count, (seed + 1) * count):
        host = walks.Host()
        try:
            calls += asyncio.run(walks.walk(host, number, heights)).calls
        except Exception as error:  # whatever a walk ends with is what was looked for
            violations.append(f"walk {number}: {type(error).__name__}: {error}")
        else:
            host.close()
    found = Result(NAME, ROW, seed, count, {}, tuple(violations), measured={"calls": calls})
    return record.here(replace(found, seconds=round(time.monotonic() - began, 1)))
