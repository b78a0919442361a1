"""Statements do not change unnoticed."""

from __future__ import annotations

import functools

import pytest

from circuits import pins

PINNED = pins.read(pins.FILE.read_text())


@functools.cache
def found() -> dict[tuple[str, str], str]:
    return pins.read(pins.table())


def test_the_same_measures_are_pinned() -> None:
    assert PINNED.keys() == found().keys(), "run `python -m circuits.pins` and review"


@pytest.mark.parametrize(("statement", "measure"), PINNED)
def test_pinned_value(statement: str, measure: str) -> None:
    was, now = PINNED[statement, measure], found().get((statement, measure))
    assert was == now, (
        f"{statement}: {measure} was {was}, is {now}. If the change is meant, give the statement a "
        "new version, make its keys again, then run `python -m circuits.pins`"
    )


def test_a_drift_is_seen() -> None:
    drifted = pins.table().replace("rows,13", "rows,14", 1)
    assert pins.read(drifted) != found()
