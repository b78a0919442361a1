"""Results: one line per scenario and seed, in a file that a later run goes on from."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from zk import files, jsontext
from zk.errors import DecodeError

RESULTS: Final = Path("docs/faults/results.json")
PAGE: Final = Path("docs/faults.md")
_MOST_BYTES: Final = 64 << 20
BACK: Final = "back, s"
"""Until who was away has what the others have, or all go on; starting processes included."""
FIRST: Final = "first block, s"
"""Until the first block on who was away, or on all where all stood; processes included."""
_MARK: Final = "<!-- generated below this line: make long-faults -->"


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of a scenario showed.

    Attributes:
        scenario, row, seed: which; a pair of scenario and seed is run once.
        heights: blocks, or sequences for the grammar.
        faults: how often what was done.
        violations: what happened that must not; empty: nothing.
        acknowledged: payments that every node has where they were acknowledged.
        opened: batches of sealed intents that were opened.
        long_rounds: heights outside fault windows that took more than three further rounds.
        seconds: of the run.
        measured: what else was measured, by name and unit.
        date, commit, machine, engine: of the run.
    """

    scenario: str
    row: str
    seed: int
    heights: int
    faults: dict[str, int]
    violations: tuple[str, ...] = ()
    acknowledged: int = 0
    opened: int = 0
    long_rounds: int = 0
    seconds: float = 0.0
    measured: dict[str, float] = field(default_factory=dict)
    date: str = ""
    commit: str = ""
    machine: str = ""
    engine: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """What is run once."""
        return self.scenario, self.seed


def load(path: Path) -> list[Result]:
    """Of earlier runs; none, if there is no file.

    Raises:
        DecodeError: the file is none of ours.
    """
    if not path.exists():
        return []
    try:
        document = jsontext.loads(path.read_bytes(), most_bytes=_MOST_BYTES)
        return [_result(item) for item in document["runs"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DecodeError("no results of faults", where=str(path)) from error


def _result(item: dict[str, Any]) -> Result:
    return Result(**{**item, "violations": tuple(item["violations"])})


def save(path: Path, results: Sequence[Result]) -> None:
    """All of them, a run a line, so that what was added is seen."""
    lines = ",\n".join(json.dumps(asdict(result)) for result in results)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, f'{{"runs": [\n{lines}\n]}}\n'.encode())


def here(result: Result) -> Result:
    """With date, commit and machine of a run that is made now."""
    commit = _git("rev-parse", "--short=10", "HEAD")
    changed = "+" if _git("status", "--porcelain", "--", "node", "zk", "private_exec") else ""
    return replace(
        result,
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        commit=commit + changed,
        machine=f"{os.cpu_count()} × {_processor()}, Python {platform.python_version()}",
    )


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def page(results: Sequence[Result], what: dict[str, tuple[str, str]], text: str) -> str:
    """The page with its table: above the mark as it was, below it made anew.

    Args:
        results: all.
        what: row and words of each scenario, in the order of the table.
        text: of the page so far.
    """
    head = text.partition(_MARK)[0].rstrip()
    lines = [
        head,
        "",
        _MARK,
        "",
        "| row | scenario | what is done | runs | heights | faults injected | violations |"
        " acknowledged | batches opened | long rounds | back, s | first, s | block, s |"
        " disk, KiB a block | memory grown, MiB |",
        "|---|---|---|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, (row, words) in what.items():
        mine = [result for result in results if result.scenario == name]
        if mine:
            lines.append(_line(name, row, words, mine))
    lines += ["", *_where(results), ""]
    return "\n".join(lines)


def _line(name: str, row: str, words: str, mine: Sequence[Result]) -> str:
    faults: Counter[str] = Counter()
    for result in mine:
        faults.update(result.faults)
    listed = ", ".join(f"{count} {fault}" for fault, count in sorted(faults.items())) or "none"
    cells = [
        row,
        f"`{name}`",
        words,
        str(len(mine)),
        f"{sum(result.heights for result in mine):,}",
        listed,
        str(sum(len(result.violations) for result in mine)),
        f"{sum(result.acknowledged for result in mine):,}",
        f"{sum(result.opened for result in mine):,}",
        str(sum(result.long_rounds for result in mine)),
        *(_measured(mine, name) for name in (BACK, FIRST, "block interval, s")),
        _measured(mine, "disk grown, KiB a block"),
        _measured(mine, "memory grown, MiB"),
    ]
    return f"| {' | '.join(cells)} |"


def _measured(mine: Sequence[Result], name: str) -> str:
    """Median and most."""
    values = sorted(result.measured[name] for result in mine if name in result.measured)
    if not values:
        return ""
    return f"{median(values):.1f} ({values[-1]:.1f})" if len(values) > 1 else f"{values[0]:.1f}"


def _where(results: Sequence[Result]) -> list[str]:
    if not results:
        return ["No run yet."]
    dates = sorted({result.date for result in results})
    commits = sorted({result.commit for result in results})
    machines = sorted({result.machine for result in results})
    engines = sorted({result.engine for result in results if result.engine})
    hours = sum(result.seconds for result in results) / 3600
    broken = [result for result in results if result.violations]
    lines = [
        f"{len(results)} runs, {hours:.1f} hours, {dates[0]} to {dates[-1]}; "
        f"commits {', '.join(commits)}; "
        f"CometBFT {', '.join(engines) or 'none'}; {'; '.join(machines)}.",
    ]
    for result in broken:
        lines += ["", f"* `{result.scenario}`, seed {result.seed}: {'; '.join(result.violations)}"]
    return lines
