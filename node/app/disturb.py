"""What may happen to a localnet, on purpose: nodes killed and paused, links held and cut."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from enum import Flag, auto
from pathlib import Path
from typing import Final

from node.app import localnet, process, processes, relays
from node.app.errors import NoNode, StartFailed
from node.app.links import CLEAR, Mode, Pair, Weather
from zk.errors import DecodeError

_GONE_S: Final = 30.0
_POLL_S: Final = 0.05


class Part(Flag):
    """Of a node."""

    APP = auto()
    ENGINE = auto()
    BOTH = APP | ENGINE


def kill(folder: Path, number: int, part: Part = Part.BOTH) -> tuple[int, ...]:
    """SIGKILL; what is left of the node then ends by itself, and this waits until it has.

    A CometBFT is killed by the system with its node, and a node ends when its CometBFT has.

    Args:
        folder: of the localnet.
        number: of the node.
        part: of it.

    Returns:
        Process ids that were killed.

    Raises:
        NoNode: there is no such node, or it does not run.
        StartFailed: what is left does not end.
    """
    home, app, engine = _running(folder, number)
    victims = []
    if Part.ENGINE in part:
        victims.append(_need_engine(home, engine))
    if Part.APP in part:
        victims.append(app)
    for pid in victims:
        processes.kill(pid)
    everyone = [pid for pid in (app, engine) if pid is not None]
    deadline = time.monotonic() + _GONE_S
    while not all(processes.gone(pid) for pid in everyone):
        if time.monotonic() > deadline:
            raise StartFailed(f"node {number} does not end", where=f"pids {everyone}")
        time.sleep(_POLL_S)
    return tuple(victims)


def pause(folder: Path, number: int) -> tuple[int, ...]:
    """Stop a node and its CometBFT where they are, until `resume`; their process ids.

    Raises:
        NoNode: there is no such node, or it does not run.
    """
    _, app, engine = _running(folder, number)
    found = tuple(pid for pid in (app, engine) if pid is not None)
    for pid in found:
        processes.pause(pid)
    return found


def resume(folder: Path, number: int) -> tuple[int, ...]:
    """Let them go on. Raises NoNode."""
    _, app, engine = _running(folder, number)
    found = tuple(pid for pid in (app, engine) if pid is not None)
    for pid in found:
        processes.resume(pid)
    return found


def partition(
    folder: Path, groups: Sequence[Sequence[int]], weather: Weather | None = None
) -> list[Pair]:
    """Part groups of nodes from each other; within a group all is well again.

    Args:
        folder: of the localnet, which has relays.
        groups: of node numbers; those that are named nowhere are one more.
        weather: of links between groups; default: held.

    Returns:
        Links that are parted, each once.

    Raises:
        NoNode: the localnet has no relays, or does not run.
        DecodeError: a number twice, or of no node.
    """
    count = len(list(localnet.homes(folder)))
    named = [number for group in groups for number in group]
    if len(set(named)) != len(named) or not set(named) <= set(range(count)):
        raise DecodeError(
            f"groups of nodes 0 to {count - 1}, each at most once",
            where="partition",
            why="a node is on one side",
            fix="see `chiaro localnet status`; who is not named is one more group",
        )
    rest = [number for number in range(count) if number not in named]
    side = {n: place for place, group in enumerate([*groups, rest]) for n in group}
    parted: list[Pair] = []
    together: list[Pair] = []
    for a, b in itertools.combinations(range(count), 2):
        (together if side[a] == side[b] else parted).append((a, b))
    relays.put(folder, together, CLEAR)
    relays.put(folder, parted, weather or Weather(Mode.HELD))
    return parted


def heal(folder: Path) -> None:
    """All links as on the first day. Raises NoNode."""
    count = len(list(localnet.homes(folder)))
    relays.put(folder, itertools.combinations(range(count), 2), CLEAR)


def _running(folder: Path, number: int) -> tuple[Path, int, int | None]:
    """Home of a node, and the process ids of it and its CometBFT."""
    homes = list(localnet.homes(folder))
    if not 0 <= number < len(homes):
        raise NoNode(
            f"there is no node {number} in this localnet",
            where=str(folder),
            fix="see `chiaro localnet status`",
        )
    home = homes[number]
    found = process.find(home, home / processes.STATE_FOLDER)
    if found is None:
        raise NoNode(
            f"node {number} does not run", where=str(home), fix="start it: `chiaro localnet up`"
        )
    return home, found.pid, processes.engine_of(home)


def _need_engine(home: Path, engine: int | None) -> int:
    if engine is None:
        raise NoNode("its CometBFT does not run, or this system does not tell", where=str(home))
    return engine
