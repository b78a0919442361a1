"""When a node is ready: a function of what was last seen of it.  Rule RPC-53."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.consensus.cometbft.inspect import EngineStatus
from node.rpc.health import Reason

LEAST_AGE_S: Final = 30.0
"""A last block younger than this is never too old."""
MOST_INTERVALS: Final = 20
"""Of a chain's timer, that its last block may be old."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was last seen.

    Attributes:
        started: the chain is open.
        joining: it waits for a snapshot (SN-13).
        age_s: of the last block, in seconds; None where blocks come on demand.
        interval_s: between blocks, by the chain's timer.
        driven: CometBFT decides.
        engine: what it said; None: nothing.
        diverged: votes are for blocks on another state than this node's.
        disk_free: bytes; None: there is no disk.
        disk_reserve: bytes that the operator wants to stay free.
    """

    started: bool
    joining: bool = False
    age_s: float | None = None
    interval_s: float = 0.0
    driven: bool = False
    engine: EngineStatus | None = None
    diverged: bool = False
    disk_free: int | None = None
    disk_reserve: int = 0


def reasons(seen: Seen) -> tuple[Reason, ...]:
    """RPC-53: all that speaks against sending traffic; nothing: it is ready."""
    found = []
    if seen.joining:
        found.append(Reason("syncing", "it has no state yet, and waits for a snapshot"))
    elif not seen.started:
        found.append(Reason("starting", "the last block is being checked"))
    elif seen.driven and seen.engine is None:
        found.append(Reason("engine", "CometBFT does not answer"))
    elif seen.engine is not None and seen.engine.syncing:
        found.append(Reason("syncing", f"at block {seen.engine.height} of those that others have"))
    elif seen.diverged:
        text = "two thirds vote for a block on another state: compare versions, machine and disk"
        found.append(Reason("diverged", text))
    elif is_old(seen.age_s, seen.interval_s):
        found.append(Reason("behind", f"the last block is {seen.age_s:.0f} s old"))
    if seen.disk_free is not None and seen.disk_free < seen.disk_reserve:
        megabytes = (seen.disk_free >> 20, seen.disk_reserve >> 20)
        found.append(Reason("disk", "{} MB are free, of {} that should be".format(*megabytes)))
    return tuple(found)


def is_old(age_s: float | None, interval_s: float) -> bool:
    """Whether the last block is older than it should be."""
    return age_s is not None and age_s > max(LEAST_AGE_S, MOST_INTERVALS * interval_s)
