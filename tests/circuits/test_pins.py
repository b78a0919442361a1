"""Statements do not change unnoticed."""

from __future__ import annotations

import functools
from pathlib import Path

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


def test_the_spec_states_the_pinned_sizes() -> None:
    text = (Path(pins.__file__).parent / "SPEC.md").read_text()
    for (_, measure), value in PINNED.items():
        if measure.startswith("rows of "):
            assert f"| {measure.removeprefix('rows of ')} | {int(value):,} |" in text, measure
    rows = int(PINNED["action/1", "rows"])
    publics = int(PINNED["action/1", "public inputs"])
    assert f"**{rows:,}**" in text
    assert f"{rows + publics + 1:,} of 16,384" in text
    sizes = " / ".join(f"{int(PINNED['action/1', f'non-zeros {m}']):,}" for m in "ABC")
    assert f"Non-zeros A / B / C {sizes}; {int(PINNED['action/1', 'wires in B']):,} wires" in text
