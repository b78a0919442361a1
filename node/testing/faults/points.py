"""Nodes that end themselves at a named point inside a call, and start again.  Rows R2 and R12."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from typing import Final

from node.app import hosting, localnet, processes, sync
from node.app.process import Starting
from node.consensus.cometbft.home import Network
from node.store.snapshots import importing
from node.testing import small_chunks
from node.testing.cluster.invariants import Violation
from node.testing.faults import node as faulty
from node.testing.faults.net import Net
from node.testing.faults.story import RETURN_S, Story
from node.testing.localnets import until

BLOCKS: Final = {
    "finalize-begin": "killed when FinalizeBlock comes",
    "finalize-executed": "killed when the block is executed",
    "finalize-staged": "killed before FinalizeBlock is answered",
    "commit-begin": "killed between FinalizeBlock's answer and Commit",
    "store-before-write": "killed before Commit's write",
    "store-after-write": "killed after Commit's write",
    "commit-end": "killed before Commit is answered",
}
"""Points that every block passes, of `node.consensus.application.CRASH_POINTS`."""
SNAPSHOTS: Final = 20
"""Heights between those that a node begins from."""
_MANY: Final = "restore-chunk"
"""The point that a restoration passes more than once."""


def at(point: str) -> Callable[[random.Random], tuple[str, ...]]:
    """The program of a node that ends itself there, soon after it began."""
    return lambda draw: (faulty.PROGRAM, f"crash:{point}:{draw.randint(4, 12)}")


def crash_point(story: Story) -> None:
    """The last node ends itself, and starts again."""
    net = story.net
    victim = net.n - 1
    others = list(range(victim))
    with net.window():
        home = net.homes[victim]
        until(lambda: not processes.of_home(home), "the node ends itself")
        net.lost(victim)
        net.injected["crash point"] += 1
        net.on(story.heights // 4, *others)
        net.up()
        net.to(net.height(*others), victim, seconds=RETURN_S)
    net.on(story.heights // 4)


# A NODE THAT BEGINS WITH A SNAPSHOT


def serving(_: random.Random) -> tuple[str, ...]:
    """The program of the last node: its snapshots have many chunks."""
    return small_chunks.PROGRAM


def restoring(story: Story) -> None:
    """A fifth node is killed at every point of its restoration, one after the other, and joins.

    Between them it starts with what the one before left on its disk.
    """
    net = story.net
    shelf = net.homes[-1] / "snapshots"
    until(lambda: list(shelf.glob("[0-9]*/manifest")), "a snapshot")
    number = _joiner(net)
    points = story.draw.sample(importing.CRASH_POINTS, len(importing.CRASH_POINTS))
    with net.window():
        for point in points:
            hit = story.draw.randint(2, 4) if point == _MANY else 1
            _killed(net, number, f"crash:{point}:{hit}")
        net.joined(number, _begin(net, number, small_chunks.PROGRAM))
        # It may answer from a snapshot that it had, until it takes a later one.
        until(lambda: _same(net, number), "blocks behind a snapshot", RETURN_S)
    net.on(story.heights // 4)
    until(lambda: _same(net, number), "the last block")
    net.lost(number)  # blocks below its snapshot it does not have


def _joiner(net: Net) -> int:
    """The folder of a node that begins from the network."""
    servers = [f"http://127.0.0.{2 + k}:{net.port + 2}" for k in (0, 1)]
    begin = sync.trusted(net.genesis, servers)
    network = Network(tuple(net.place(k).peer for k in range(net.n)), sync=begin)
    given = {"engine.mode": "child", "engine.binary": str(net.program)}
    p2p = f"127.0.0.{2 + net.n}:{net.port}"
    hosting.make(net.home(net.n), net.genesis, given, p2p=p2p, network=network)
    return net.n


def _begin(net: Net, number: int, program: tuple[str, ...]) -> Starting:
    return localnet.begin_one(net.home(number), 0, net.program, program)


def _killed(net: Net, number: int, where: str) -> None:
    """Start it, and wait until it has ended itself."""
    one = _begin(net, number, (*small_chunks.PROGRAM, where))
    until(lambda: one.child.poll() is not None, f"{where} is reached")
    if one.child.returncode != -signal.SIGKILL:
        raise Violation("liveness", f"it ended with {one.child.returncode} before {where}")
    until(lambda: not processes.of_home(net.home(number)), "its CometBFT ends")
    net.injected["kill while it restores"] += 1


def _same(net: Net, number: int) -> bool:
    """It has a block, and the first node has the same, and the same state behind it.

    Raises:
        Violation: `agreement`, it has not.
        ChiaroError: it has none yet, or the first node has not.
    """
    height = net.clients[number].status().height
    views = [net.clients[k].block(height) for k in (number, 0)]
    if len({(view.hash, view.root_after) for view in views}) != 1:
        raise Violation("agreement", f"who began with a snapshot has another block {height}")
    return True
