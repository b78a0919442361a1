"""What is done to a localnet of four, and what is expected of it while it is."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from node.app import processes
from node.app.disturb import Part
from node.app.links import Mode, Weather
from node.consensus.application import CRASH_POINTS
from node.core.lane import LaneParameters
from node.lane.validator import identity
from node.testing import lying_node
from node.testing.cluster.invariants import Violation
from node.testing.faults import node as faulty
from node.testing.faults.net import LANE, MARKET, Net, until
from node.testing.faults.work import Work

RETURN_S: Final = 120.0
"""For a node that was away to have what the others have; measured, bounded here for hung ones."""
STANDS_S: Final = 3.0
QUORUM: Final = 3
_RARE: Final = ("init-", "checkpoint-", "prune-", "snapshot-")
POINTS: Final = tuple(point for point in CRASH_POINTS if not point.startswith(_RARE))
"""Passed by every block."""


@dataclass(frozen=True, slots=True)
class Story:
    """What a scenario gets.

    Attributes:
        net: which runs, all four nodes.
        work: goes on meanwhile.
        draw: of everything random.
        heights: about how many blocks it should take.
    """

    net: Net
    work: Work
    draw: random.Random
    heights: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A row of the table.

    Attributes:
        name: of the scenario.
        row: of the reliability table (R1 … R15).
        what: for people.
        run: does it; raises Violation.
        fault: of the last node from the start, for `node.testing.faults.node`; "" none.
        heights: about how many blocks a run takes.
        replayed: other interpreters execute the blocks again.
        most_seeds: runs that are worth their time.
        lane: of the chain.
    """

    name: str
    row: str
    what: str
    run: Callable[[Story], None]
    fault: Callable[[random.Random], tuple[str, ...]] | None = None
    heights: int = 40
    replayed: bool = False
    most_seeds: int = 1000
    lane: LaneParameters = LANE


# ONE OF FOUR


def _one_away(story: Story, leave: Callable[[int], None], back: Callable[[int], None]) -> None:
    """The others go on without it; it has what they have when it is back."""
    net = story.net
    victim = story.draw.randrange(net.n)
    others = [k for k in range(net.n) if k != victim]
    with net.window():
        leave(victim)
        net.on(story.heights // 2, *others)
        back(victim)
        net.to(net.height(*others), victim, seconds=RETURN_S)
    net.on(story.heights // 4)


def one_killed(story: Story) -> None:
    """Both processes at once."""
    net = story.net
    _one_away(story, net.kill, lambda _: net.up())


def app_killed(story: Story) -> None:
    """Its CometBFT ends with it."""
    net = story.net
    _one_away(story, lambda k: net.kill(k, Part.APP), lambda _: net.up())


def engine_killed(story: Story) -> None:
    """Its node ends with it."""
    net = story.net
    _one_away(story, lambda k: net.kill(k, Part.ENGINE), lambda _: net.up())


def one_paused(story: Story) -> None:
    """It does not know that time passed."""
    _one_away(story, story.net.pause, story.net.resume)


def one_held(story: Story) -> None:
    """What is sent to it waits."""
    net = story.net
    _one_away(story, lambda k: net.part([[k]]), lambda _: net.heal())


def one_cut(story: Story) -> None:
    """It dials in vain."""
    net = story.net
    _one_away(story, lambda k: net.part([[k]], Weather(Mode.CUT)), lambda _: net.heal())


def all_slow(story: Story) -> None:
    """Every link is late; blocks take longer, and come."""
    net = story.net
    with net.window():
        net.part([[k] for k in range(net.n)], Weather(delay_ms=story.draw.randint(50, 200)))
        net.on(story.heights // 2)
        net.heal()
    net.on(story.heights // 4)


def lossy(story: Story) -> None:
    """Connections of one node break again and again."""
    net = story.net
    with net.window():
        net.part([[story.draw.randrange(net.n)]], Weather(drop=0.002))
        net.on(story.heights // 2, seconds=180.0)
        net.heal()
    net.on(story.heights // 4)


# TWO OF FOUR


def _two_away(
    story: Story, leave: Callable[[list[int]], None], back: Callable[[list[int]], None]
) -> None:
    """Nobody goes on, and nothing forks; all go on when they are back."""
    net = story.net
    victims = story.draw.sample(range(net.n), 2)
    with net.window():
        leave(victims)
        net.stands(STANDS_S)
        back(victims)
        net.on(2, seconds=RETURN_S)
    net.on(story.heights // 2)


def two_killed(story: Story) -> None:
    """Both processes of both."""
    net = story.net

    def leave(victims: list[int]) -> None:
        for victim in victims:
            net.kill(victim)

    _two_away(story, leave, lambda _: net.up())


def two_paused(story: Story) -> None:
    """Both, at about the same time."""
    net = story.net

    def leave(victims: list[int]) -> None:
        for victim in victims:
            net.pause(victim)

    def back(victims: list[int]) -> None:
        for victim in victims:
            net.resume(victim)

    _two_away(story, leave, back)


def two_two(story: Story) -> None:
    """All run, and neither half decides."""
    net = story.net
    weather = Weather(story.draw.choice((Mode.HELD, Mode.CUT)))
    _two_away(story, lambda victims: net.part([victims], weather), lambda _: net.heal())


def all_killed(story: Story) -> None:
    """A power cut: all at once, and again from their disks."""
    net = story.net
    with net.window():
        for number in range(net.n):
            net.kill(number)
        net.up()
        net.on(2, seconds=RETURN_S)
    net.on(story.heights // 2)


# NAMED POINTS


def _point(draw: random.Random) -> tuple[str, ...]:
    return faulty.PROGRAM, f"crash:{draw.choice(POINTS)}:{draw.randint(4, 12)}"


def crash_point(story: Story) -> None:
    """The last node ends itself at a named point inside a call, and starts again."""
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


# LIARS


def _program(fault: str) -> Callable[[random.Random], tuple[str, ...]]:
    return lambda _: (faulty.PROGRAM, fault)


def _lane_program(lie: str) -> Callable[[random.Random], tuple[str, ...]]:
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
        net.kill(victim)
        net.lost(victim)


# EPOCHS

SHORT_EPOCHS: Final = LaneParameters((MARKET,), epoch_heights=42, lead=36, round_heights=3)


def rotation(story: Story) -> None:
    """Epochs end while a batch that was sealed to their key is not opened; one is killed then."""
    net = story.net
    lane = SHORT_EPOCHS
    for _ in range(2):
        epoch = lane.epoch_of(net.height() + 1)
        if epoch:  # the first epoch's key comes too late for its own first batches
            until(net.has_key, "a key")
        net.to(lane.last_height(epoch) - 1)
        with net.window():
            victim = story.draw.randrange(1, net.n)
            net.kill(victim)
            net.on(6)
            net.up()
            net.to(net.height(0), victim, seconds=RETURN_S)
        net.injected["epoch"] += 1
    # A batch that closes behind an epoch's last block is opened two blocks later, or soon after.
    first = [h for h in net.opened() if lane.epoch_of(h) > lane.epoch_of(h - MARKET.period)]
    if not first:
        raise Violation("liveness", "no last batch of an epoch was opened")


# A LONG TIME


def soak(story: Story) -> None:
    """A random fault every twenty heights."""
    net = story.net
    first = net.height()
    while net.height() < first + story.heights:
        one = story.draw.choice(_SOAK)
        one(Story(net, story.work, story.draw, 20))


_SOAK: Final = (
    one_killed, app_killed, engine_killed, one_paused, one_held, one_cut, all_slow,
    two_killed, two_paused, two_two, all_killed,
)  # fmt: skip


def quiet(story: Story) -> None:
    """Nothing is done to it: what the others are compared with."""
    story.net.on(story.heights)


SCENARIOS: Final = {
    found.name: found
    for found in (
        Scenario("quiet", "R9", "nothing is done", quiet),
        Scenario(
            "replay", "R3", "blocks of a localnet executed again: hash seeds, workers, backends",
            quiet, replayed=True, heights=80, most_seeds=5,
        ),
        Scenario("one-killed", "R9", "node and CometBFT of one killed at once", one_killed),
        Scenario("one-paused", "R9", "one stopped where it is, and let go", one_paused),
        Scenario("one-held", "R9", "one behind an unplugged cable", one_held),
        Scenario("one-cut", "R9", "connections of one reset", one_cut),
        Scenario("one-lossy", "R9", "connections of one break at random", lossy),
        Scenario("all-slow", "R9", "50 to 200 ms on every link", all_slow),
        Scenario("two-killed", "R9", "two killed: the chain stands, then goes on", two_killed),
        Scenario("two-paused", "R9", "two stopped: the same", two_paused),
        Scenario("two-two", "R9", "two and two parted: the same", two_two),
        Scenario("app-killed", "R10", "the node killed, its CometBFT ends", app_killed),
        Scenario("engine-killed", "R10", "CometBFT killed, its node ends", engine_killed),
        Scenario("all-killed", "R10", "all killed at once", all_killed),
        Scenario("crash-point", "R2", "killed at a named point inside a call", crash_point, _point),
        Scenario(
            "bad-proposal", "R11", "one proposes what nobody decodes", liar,
            _program("bad-proposal"),
        ),
        Scenario(
            "garbage-extension", "R11", "one votes with garbage", liar,
            _program("garbage-extension"),
        ),
        Scenario(
            "oversize-extension", "R11", "one votes with 128 KiB", liar,
            _program("oversize-extension"),
        ),
        Scenario(
            "double-sign", "R11", "a second process votes with one's key: slashed", double_sign,
        ),
        Scenario(
            "wrong-shares", "R11", "one signs wrong decryption shares, in every vote", lane_liar,
            _lane_program("WRONG_SHARES"),
        ),
        Scenario(
            "no-shares", "R11", "one makes no shares, and hides reveals of others", lane_liar,
            _lane_program("NO_SHARES+HIDES_REVEALS"),
        ),
        Scenario(
            "skips-lead", "R11", "one proposes transactions where a batch must be opened",
            lane_liar, _lane_program("SKIPS_LEAD"),
        ),
        Scenario(
            "false-lead", "R11", "one proposes ends of batches that are not due", lane_liar,
            _lane_program("FALSE_LEAD+WRONG_SHARES"),
        ),
        Scenario(
            "mutated-state", "R13", "one writes another state", mutated,
            _program(f"mutated-state:{MUTATED_AT}"), heights=20,
        ),
        Scenario(
            "rotation", "R15", "an epoch ends with intents pending, one is killed then", rotation,
            lane=SHORT_EPOCHS,
        ),
        Scenario("soak", "R15", "a random fault every 20 heights", soak, heights=200),
    )
}  # fmt: skip
