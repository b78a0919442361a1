"""Nodes that lie: one of four."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Final

from node.lane.validator import identity
from node.testing import lying_node
from node.testing.cluster.invariants import Violation
from node.testing.faults import node as faulty
from node.testing.faults.net import Net
from node.testing.faults.story import Story
from node.testing.localnets import until

# LIARS


def with_fault(fault: str) -> Callable[[random.Random], tuple[str, ...]]:
    """The program of a node with a fault of `node.testing.faults.node`."""
    return lambda _: (faulty.PROGRAM, fault)


def in_lane(lie: str) -> Callable[[random.Random], tuple[str, ...]]:
    """The program of a node that lies about sealed intents."""
    return lambda _: (lying_node.PROGRAM, lie)


def liar(story: Story) -> None:
    """The others decide, with rounds lost at most in its turns; it follows."""
    net = story.net
    with net.window():
        net.injected["liar"] += 1
        net.on(story.heights)
        if len(net.awake()) != net.n:
            raise Violation("liveness", "an honest node was stopped by a liar")


def double_sign(story: Story) -> None:
    """Who votes twice is punished on every node, and loses its power; the others go on."""
    net = story.net
    victim = story.draw.randrange(1, net.n)
    key = "0x" + identity.load(net.homes[victim] / identity.KEY_FILE).public.hex()

    def punished(number: int) -> bool:
        found = net.clients[number].stake().validators
        return any(one.key == key and one.power == 0 and one.fault for one in found)

    with net.window():
        net.double(victim)
        for number in net.awake():
            until(partial(punished, number), f"node {number} knows of two votes")
        net.on(story.heights // 2)


def lane_liar(story: Story) -> None:
    """The others decide, and open what was sealed though one lies about it."""
    net = story.net
    with net.window():
        net.injected["liar"] += 1
        net.on(story.heights)
        until(lambda: len(net.opened()) > 1, "two batches are opened")
        if len(net.awake()) != net.n:
            raise Violation("liveness", "an honest node was stopped by a liar")


def _reasons(net: Net, number: int) -> set[str]:
    """Why a node is not ready."""
    return {reason.code for reason in net.clients[number].health().reasons}


MUTATED_AT: Final = 12


def mutated(story: Story) -> None:
    """It stops at the block behind its first other state; the others do not."""
    net = story.net
    victim = net.n - 1
    others = list(range(victim))
    with net.window():
        net.injected["mutation"] += 1
        net.to(MUTATED_AT + story.heights, *others)
        stuck = net.height(victim)
        if stuck > MUTATED_AT:
            raise Violation("agreement", f"block {stuck} on a state that nobody else has")
        until(lambda: "diverged" in _reasons(net, victim), "it says that it diverged")
        net.kill(victim)
