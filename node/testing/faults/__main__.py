"""`python -m node.testing.faults`: every scenario with every seed, once; what is missing is run.

Results are written after each run, so it may be stopped at any time and goes on where it was.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from node.testing.faults import grammar, record, suite
from node.testing.faults.record import Result
from node.testing.faults.run import run
from node.testing.faults.scenarios import SCENARIOS
from node.testing.faults.story import Scenario
from zk import files


@dataclass(frozen=True, slots=True)
class Job:
    """A scenario with a seed, to be run."""

    name: str
    seed: int
    run: Callable[[], Result]


def main(arguments: Sequence[str] | None = None) -> int:
    """0: nothing happened that must not, in any run of the file."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if unknown := set(options.scenario) - {grammar.NAME, *suite.TESTED, *SCENARIOS}:
        parser.error(f"no scenario {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger().addHandler(logging.NullHandler())  # refusals are what is wanted here
    results = record.load(options.results)
    done = {result.key for result in results}
    deadline = time.monotonic() + 60 * options.minutes
    for job in _jobs(options):
        if (job.name, job.seed) in done:
            continue
        if time.monotonic() > deadline:
            sys.stderr.write("the time is over; the next run goes on from here\n")
            break
        result = job.run()
        results.append(result)
        record.save(options.results, results)
        _write_page(options, results)
        said = "; ".join(result.violations) or "ok"
        sys.stderr.write(
            f"{job.name} {job.seed}: {result.heights} heights, {result.seconds} s, {said}\n"
        )
    _write_page(options, results)
    return int(any(result.violations for result in results))


def _jobs(options: argparse.Namespace) -> Iterator[Job]:
    """Seed by seed, so that every scenario has a run before one has two."""
    names = options.scenario or [grammar.NAME, *suite.TESTED, *SCENARIOS]
    for seed in range(options.seeds):
        for name in names:
            if name == grammar.NAME:
                yield Job(name, seed, partial(grammar.run, seed))
                continue
            if name in suite.TESTED:
                yield Job(name, seed, partial(suite.run, name, seed))
                continue
            scenario = SCENARIOS[name]
            if seed >= scenario.most_seeds:
                continue
            yield Job(name, seed, partial(_disturb, options, scenario, seed))


def _disturb(options: argparse.Namespace, scenario: Scenario, seed: int) -> Result:
    return run(
        scenario,
        seed,
        heights=options.heights,
        engine=options.cometbft,
        interpreters=[sys.executable, *options.python] if scenario.replayed else [],
    )


def _write_page(options: argparse.Namespace, results: Sequence[Result]) -> None:
    what = {grammar.NAME: (grammar.ROW, grammar.WHAT)}
    what |= {name: (found.row, found.what) for name, found in suite.TESTED.items()}
    what |= {name: (found.row, found.what) for name, found in SCENARIOS.items()}
    text = options.page.read_text(encoding="utf-8") if options.page.exists() else ""
    files.write(options.page, record.page(results, what, text).encode())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m node.testing.faults", description=__doc__)
    parser.add_argument("scenario", nargs="*", help="default: all")
    parser.add_argument("--seeds", type=int, default=25, help="of each scenario")
    parser.add_argument("--minutes", type=float, default=600.0, help="begin no run after these")
    parser.add_argument("--heights", type=int, default=0, help="in the place of a scenario's own")
    parser.add_argument("--results", type=Path, default=record.RESULTS)
    parser.add_argument("--page", type=Path, default=record.PAGE)
    parser.add_argument("--cometbft", type=Path, help="in the place of the one that is found")
    parser.add_argument(
        "--python", action="append", default=[], help="another interpreter to execute blocks again"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
