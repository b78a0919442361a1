"""Nodes that are killed, paused or cut off: one, two or all of four."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from node.app.disturb import Part
from node.app.links import Mode, Weather
from node.testing.faults.record import BACK, FIRST
from node.testing.faults.story import RETURN_S, Story

STANDS_S: Final = 3.0
ON_ITS_WAY: Final = 2
"""Blocks that a node may still get while it leaves."""


# ONE OF FOUR


def _one_away(story: Story, leave: Callable[[int], None], back: Callable[[int], None]) -> None:
    """The others go on without it; it has what they have when it is back."""
    net = story.net
    victim = story.draw.randrange(net.n)
    others = [k for k in range(net.n) if k != victim]
    with net.window():
        had = net.height(victim)
        leave(victim)
        net.on(story.heights // 2, *others)
        with net.timed(BACK):
            with net.timed(FIRST):
                back(victim)
                net.to(had + ON_ITS_WAY + 1, victim, seconds=RETURN_S)
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
        stood = net.height()
        with net.timed(BACK):
            with net.timed(FIRST):
                back(victims)
                net.to(stood + 1, seconds=RETURN_S)
            net.to(stood + 2, seconds=RETURN_S)
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
        had = net.height() + ON_ITS_WAY
        for number in range(net.n):
            net.kill(number)
        with net.timed(BACK):
            with net.timed(FIRST):
                net.up()
                net.to(had + 1, seconds=RETURN_S)
            net.to(had + 2, seconds=RETURN_S)
    net.on(story.heights // 2)


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
