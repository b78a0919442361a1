"""What goes wrong in a run, and when: stated, or drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from node.testing.network import Weather

FAIR: Final = Weather(least_ms=2, most_ms=40)
"""After a run's faults: every frame arrives, soon."""


class Lie(Enum):
    """How a Byzantine validator behaves, for the whole run."""

    SILENT = "proposes nothing"
    MUTE = "never votes"
    GARBAGE = "proposes headers that fit nothing"
    INVALID = "proposes transactions that no rule allows"
    EQUIVOCATE = "proposes two blocks, and votes differently to everyone"
    FORGE = "equivocates, and sends certificates of too few, of prevotes, of several rounds"


@dataclass(frozen=True, slots=True)
class Partition:
    """Frames between islands are lost from `start_ms` to `end_ms`."""

    start_ms: int
    end_ms: int
    islands: tuple[frozenset[int], ...]

    def parts(self, now: int, here: int, there: int) -> bool:
        """Whether a frame is lost to it."""
        return self.start_ms <= now < self.end_ms and any(
            (here in island) != (there in island) for island in self.islands
        )


@dataclass(frozen=True, slots=True)
class Crash:
    """A validator dies when it passes its n-th crash point, and is started again later.

    Crash points lie before and after every call of the application, inside the calls, inside the
    store's write, and between remembering a vote and sending it.
    """

    place: int
    point: int
    down_ms: int


@dataclass(frozen=True, slots=True)
class Faults:
    """The schedule of a run.

    Attributes:
        calm_ms: from when on only liars do harm; liveness is measured from there.
        weather: until then.
        partitions, crashes: until then.
        liars: by place, what the kit knows how to lie; fewer than a third of the weight, or nothing
            holds.
    """

    calm_ms: int = 0
    weather: Weather = FAIR
    partitions: tuple[Partition, ...] = ()
    crashes: tuple[Crash, ...] = ()
    liars: Mapping[int, Enum] = field(default_factory=dict)


def random_faults(seed: int, n: int, *, calm_ms: int = 3_000) -> Faults:
    """A schedule with up to ⌊(n − 1)/3⌋ liars, any number of crashes, at most one partition."""
    draw = random.Random(f"faults {seed} {n}")
    weather = Weather(
        loss=draw.choice((0.0, 0.1, 0.3, 0.5)),
        doubled=draw.choice((0.0, 0.2)),
        least_ms=draw.choice((1, 20)),
        most_ms=draw.choice((40, 200, 600)),
    )
    places = list(range(n))
    draw.shuffle(places)
    liars = {place: draw.choice(tuple(Lie)) for place in places[: draw.randint(0, (n - 1) // 3)]}
    crashes = tuple(
        Crash(draw.randrange(n), draw.randint(1, 150), draw.randint(10, 1_500))
        for _ in range(draw.randint(0, n))
    )
    partitions: tuple[Partition, ...] = ()
    if draw.random() < 0.4:
        start = draw.randint(0, calm_ms // 2)
        end = draw.randint(start, calm_ms)
        draw.shuffle(places)
        partitions = (Partition(start, end, (frozenset(places[: draw.randint(1, n - 1)]),)),)
    return Faults(calm_ms, weather, partitions, crashes, liars)
