"""Steps of a demonstration as they happen: each is timed, kept and told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from node.cli.demo_facts import Step

Say = Callable[..., None]
"""`say(detail, height=None)`: what came of the step; the last one counts."""


@contextmanager
def step(steps: list[Step], tell: Callable[[Step], None], id_: str, title: str) -> Iterator[Say]:
    """Run one; a step that raises is neither kept nor told.

    Args:
        steps: of the run so far.
        tell: called with the step when it is done.
        id_: for programs.
        title: for people.
    """
    began = time.perf_counter()
    said: list[tuple[str, int | None]] = []

    def say(detail: str, height: int | None = None) -> None:
        said.append((detail, height))

    yield say
    detail, height = said[-1]
    steps.append(Step(id_, title, detail, time.perf_counter() - began, height))
    tell(steps[-1])
