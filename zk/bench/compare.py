"""Two result files beside each other: what became faster, what slower, what cannot be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from zk.bench import results, stats
from zk.bench.stats import Interval

Verdict = Literal["faster", "slower", "same"]
TOLERANCE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Change:
    """One measurement in both files.

    Attributes:
        work: with case, size, threads and backend: what was measured.
        case: kind of input.
        size: in the work's unit.
        threads: used.
        backend: of this prover.
        before_ms: median of the first file.
        after_ms: median of the second file.
        ratio: before / after, so that above one is faster now.
        verdict: `same` when the interval holds 1, or the change is within the tolerance.
        noisy: whether either side was marked noisy.
    """

    work: str
    case: str
    size: int
    threads: int
    backend: str
    before_ms: float
    after_ms: float
    ratio: Interval
    verdict: Verdict
    noisy: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two files.

    Attributes:
        changes: what both measured, in the order of the second file.
        only_before: rows that only the first has.
        only_after: rows that only the second has.
        same_machine: whether times may be compared at all.
    """

    changes: tuple[Change, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    same_machine: bool


def verdict(ratio: Interval, tolerance: float = TOLERANCE) -> Verdict:
    """What a ratio before / after with its interval says."""
    if ratio.low <= 1.0 <= ratio.high or abs(ratio.value - 1.0) < tolerance:
        return "same"
    return "faster" if ratio.value > 1.0 else "slower"


def compare(
    before: Mapping[str, Any], after: Mapping[str, Any], tolerance: float = TOLERANCE
) -> Comparison:
    """Compare our times of two result files.

    Args:
        before: data of the first file, the baseline.
        after: data of the second.
        tolerance: a smaller change counts as none.
    """
    old = {results.key(row): row for row in before["rows"]}
    new = {results.key(row): row for row in after["rows"]}
    changes = []
    for key, row in new.items():
        if key not in old:
            continue
        base = old[key]
        ratio = stats.ratio(
            results.walls(before, base, results.ours_name(base)),
            results.walls(after, row, results.ours_name(row)),
        )
        changes.append(
            Change(
                *key,
                base["ours_ms"],
                row["ours_ms"],
                ratio,
                verdict(ratio, tolerance),
                bool(base.get("noisy") or row.get("noisy")),
            )
        )
    return Comparison(
        tuple(changes),
        tuple(label(row) for key, row in old.items() if key not in new),
        tuple(label(row) for key, row in new.items() if key not in old),
        before["machine"]["id"] == after["machine"]["id"],
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """One row, measured again.

    Attributes:
        row: the recorded one.
        again: the new one.
        figure: what is compared: `ratio` beside a peer, else `ours_ms`.
        recorded: with its interval.
        found: with its interval.
        within: whether the two intervals have a point in common.
        same_inputs: whether both runs had the same inputs.
        same_output: whether both gave the same answer.
    """

    row: Mapping[str, Any]
    again: Mapping[str, Any]
    figure: str
    recorded: Interval
    found: Interval
    within: bool
    same_inputs: bool
    same_output: bool

    @property
    def ok(self) -> bool:
        """Whether the row was reproduced."""
        return self.within and self.same_inputs and self.same_output


def check(row: Mapping[str, Any], again: Mapping[str, Any]) -> Checked:
    """Whether a row measured again lies within its interval."""
    figure = "ratio" if row["ratio"] is not None and again["ratio"] is not None else "ours_ms"
    recorded, found = (_interval(each, figure) for each in (row, again))
    return Checked(
        row,
        again,
        figure,
        recorded,
        found,
        recorded.overlaps(found),
        row["inputs_sha256"] == again["inputs_sha256"],
        row["output"] == again["output"],
    )


def _interval(row: Mapping[str, Any], figure: str) -> Interval:
    name = "ours" if figure == "ours_ms" else figure
    return Interval(row[figure], row[f"{name}_low"], row[f"{name}_high"])


def label(row: Mapping[str, Any]) -> str:
    """A row in a few words."""
    from zk.bench.works import size_text

    case = "" if row["case"] == "random" else f" {row['case']}"
    threads = f"{row['threads']} thread" + ("s" if row["threads"] > 1 else "")
    return f"{row['work']}{case} {size_text(row['size'])}, {threads}, {row['backend']}"
