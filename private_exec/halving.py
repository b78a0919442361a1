"""Which of many do not hold, where one combined check says that all of them do."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def failing(count: int, holds: Callable[[Sequence[int]], bool]) -> list[int]:
    """Positions that do not hold, ascending; one check where all do.

    Args:
        count: how many there are.
        holds: whether all of some positions do, which are never none.
    """
    pending, bad = [list(range(count))] if count else [], []
    while pending:
        part = pending.pop()
        if holds(part):
            continue
        if len(part) == 1:
            bad += part
        else:
            half = len(part) // 2
            pending += [part[half:], part[:half]]
    return bad
