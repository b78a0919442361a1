"""Medians, their intervals, and ratios of medians.

Times on a shared machine have a long tail to the right; medians and resampling ask nothing of
their distribution. The resampling is seeded: the same samples always give the same interval.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

RESAMPLES: Final = 2000
LEVEL: Final = 0.95
_SEED: Final = 20259


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float

    def overlaps(self, other: Interval) -> bool:
        """Whether two intervals have a point in common."""
        return self.low <= other.high and other.low <= self.high


def median(samples: Sequence[float]) -> Interval:
    """The median and its bootstrap interval.

    Raises:
        ValueError: no sample.
    """
    rng = random.Random(_SEED)
    values = [statistics.median(rng.choices(samples, k=len(samples))) for _ in range(RESAMPLES)]
    return _interval(statistics.median(samples), values)


def paired_ratio(above: Sequence[float], below: Sequence[float]) -> Interval:
    """median(above) / median(below) of samples taken in turns: rounds are resampled together.

    A slow second of the machine hits both sides of a round, so it widens the interval less.

    Raises:
        ValueError: not as many on one side as on the other, none at all, or a zero.
    """
    if len(above) != len(below):
        raise ValueError("paired samples must be equally many")
    rng = random.Random(_SEED)
    rounds = range(len(above))
    values = []
    for _ in range(RESAMPLES):
        chosen = rng.choices(rounds, k=len(rounds))
        values.append(_ratio([above[i] for i in chosen], [below[i] for i in chosen]))
    return _interval(_ratio(above, below), values)


def ratio(above: Sequence[float], below: Sequence[float]) -> Interval:
    """median(above) / median(below) of samples from different runs.

    Raises:
        ValueError: no sample on one side, or a zero.
    """
    rng = random.Random(_SEED)
    values = [
        _ratio(rng.choices(above, k=len(above)), rng.choices(below, k=len(below)))
        for _ in range(RESAMPLES)
    ]
    return _interval(_ratio(above, below), values)


def spread(samples: Sequence[float]) -> float:
    """Interquartile range over median: how far apart repeated runs were."""
    if len(samples) < 2:
        return 0.0
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    middle = statistics.median(samples)
    return (high - low) / middle if middle else 0.0


def percentile(samples: Sequence[float], part: float) -> float:
    """The least sample that at least this part of all does not exceed.

    Args:
        samples: at least one.
        part: above 0, at most 1.

    Raises:
        IndexError: no sample.
    """
    return sorted(samples)[max(0, math.ceil(round(part * len(samples), 6)) - 1)]


def _ratio(above: Sequence[float], below: Sequence[float]) -> float:
    divisor = statistics.median(below)
    if divisor <= 0:
        raise ValueError("a time of zero has no ratio")
    return statistics.median(above) / divisor


def _interval(value: float, values: list[float]) -> Interval:
    values.sort()
    tail = (1 - LEVEL) / 2
    last = len(values) - 1
    return Interval(value, values[round(tail * last)], values[round((1 - tail) * last)])
