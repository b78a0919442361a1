"""One run of a scenario: a fresh localnet, what is done to it, what must hold afterwards."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from node.app import processes
from node.testing.cluster.invariants import Violation
from node.testing.faults import checks, record, replay
from node.testing.faults.net import Net
from node.testing.faults.record import Result
from node.testing.faults.story import Scenario, Story
from node.testing.faults.work import Work
from node.testing.load.watching import resident_bytes
from zk.errors import ChiaroError

PATIENCE_S = 120.0


def run(
    scenario: Scenario,
    seed: int,
    *,
    heights: int = 0,
    engine: Path | None = None,
    interpreters: Sequence[str] = (),
) -> Result:
    """Do it; what goes wrong is in the result, and the folder is then kept.

    Args:
        scenario: what is done.
        seed: of everything random in it.
        heights: in the place of the scenario's own.
        engine: CometBFT; default: the one that is found.
        interpreters: Pythons that execute the blocks again (R3).
    """
    draw = random.Random(f"{scenario.name}/{seed}")
    began = time.monotonic()
    net = Net(program=engine, lane=scenario.lane, snapshots=scenario.snapshots)
    found = record.here(Result(scenario.name, scenario.row, seed, 0, {}))
    found = replace(found, engine=version(net.program))
    try:
        found = _told(found, net, scenario, draw, heights, interpreters)
    except (Violation, ChiaroError, OSError) as error:
        found = replace(
            found,
            heights=net.height(),
            violations=(f"{type(error).__name__}: {error} ({net.folder})",),
        )
    except BaseException:  # interrupted: nothing is left of it
        net.close()
        net.remove()
        raise
    try:
        net.close()
    except (Violation, ChiaroError) as error:
        found = replace(found, violations=(*found.violations, str(error)))
    if not found.violations:
        net.remove()
    return replace(found, faults=dict(net.injected), seconds=round(time.monotonic() - began, 1))


def _told(
    found: Result,
    net: Net,
    scenario: Scenario,
    draw: random.Random,
    heights: int,
    interpreters: Sequence[str],
) -> Result:
    faults = {} if scenario.fault is None else {net.n - 1: scenario.fault(draw)}
    net.up(faults)
    work = Work(net, draw)
    work.start()
    first, memory, disk, began = net.height(), _memory(net), _disk(net), time.monotonic()
    try:
        scenario.run(Story(net, work, draw, heights or scenario.heights))
    except BaseException:
        work.abandon()
        raise
    work.stop()
    net.on(2, seconds=PATIENCE_S)
    last = net.height()
    spent = time.monotonic() - began
    measured = {
        **net.longest,
        "block interval, s": round(spent / max(last - first, 1), 3),
        "memory grown, MiB": round((_memory(net) - memory) / 2**20, 1),
        "disk grown, KiB a block": round((_disk(net) - disk) / 1024 / max(last - first, 1), 1),
    }
    common = checks.agreed(net)
    work.check()
    checks.conserved(net)
    long = checks.long_rounds(net, first, last - 1)
    if interpreters:
        path = net.folder / "blocks"
        wanted = replay.save(net.clients[min(net.clients)], net.genesis, common, path)
        net.injected["replays"] += replay.elsewhere(path, wanted, interpreters)
    return replace(
        found,
        heights=common,
        acknowledged=len(work.counts.acknowledged),
        opened=len(net.opened()),
        long_rounds=len(long),
        measured=measured,
    )


def version(program: Path) -> str:
    """What a CometBFT says that it is."""
    done = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _memory(net: Net) -> int:
    return sum(resident_bytes(pid) for home in net.homes for pid in processes.of_home(home))


def _disk(net: Net) -> int:
    return checks.disk_bytes(net.folder)
