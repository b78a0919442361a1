"""What a scenario is, and what it gets."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from node.core.lane import LaneParameters
from node.testing.faults.net import LANE, Net
from node.testing.faults.work import Work

RETURN_S: Final = 120.0
"""For a node that was away to have what the others have; measured, bounded here for hung ones."""


@dataclass(frozen=True, slots=True)
class Story:
    """What a scenario gets.

    Attributes:
        net: which runs, all four nodes.
        work: goes on meanwhile.
        draw: of everything random.
        heights: about how many blocks it should take.
    """

    net: Net
    work: Work
    draw: random.Random
    heights: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A row of the table.

    Attributes:
        name: of the scenario.
        row: of the reliability table (R1 … R15).
        what: for people.
        run: does it; raises Violation.
        fault: program of the last node from the start, with its arguments; None: an honest one.
        heights: about how many blocks a run takes.
        replayed: other interpreters execute the blocks again.
        most_seeds: runs that are worth their time.
        lane: of the chain.
        snapshots: heights between those that others can begin from; 0: none.
    """

    name: str
    row: str
    what: str
    run: Callable[[Story], None]
    fault: Callable[[random.Random], tuple[str, ...]] | None = None
    heights: int = 40
    replayed: bool = False
    most_seeds: int = 1000
    lane: LaneParameters = LANE
    snapshots: int = 0
