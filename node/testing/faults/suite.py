"""Rows that have a test of their own, which is run as it is; a seed is one more run."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import Final

from node.testing.faults import record
from node.testing.faults.record import Result

_LIMIT_S: Final = 1800.0
_LAST: Final = 300
"""Characters of what a test that failed says at the end."""


@dataclass(frozen=True, slots=True)
class Tested:
    """A test that is a scenario.

    Attributes:
        row: of the reliability table.
        what: for people.
        file: of tests, from the root of a checkout.
    """

    row: str
    what: str
    file: str


TESTED: Final = {
    "late-joiner": Tested(
        "R12",
        "a validator and a node join by a snapshot; one who serves it turns a bit of every chunk",
        "tests/node/test_late_joiner.py",
    ),
}


def run(name: str, seed: int) -> Result:
    """One run. A test that is skipped is no run, and counts as a violation."""
    told = TESTED[name]
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", told.file]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LIMIT_S)
    passed = done.returncode == 0 and " skipped" not in done.stdout
    violations = () if passed else (" ".join(done.stdout[-_LAST:].split()),)
    found = Result(name, told.row, seed, 0, {"runs of the test": 1}, violations)
    return record.here(replace(found, seconds=round(time.monotonic() - began, 1)))
