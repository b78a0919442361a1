"""Intervals: bounds around the value, scale, and what they conclude from."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.bench import stats
from zk.bench.compare import verdict
from zk.bench.stats import Interval

times = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=12)
few = settings(deadline=None, max_examples=15)


def test_a_percentile_is_a_sample_and_counts_from_below() -> None:
    hundred = [float(n) for n in range(100, 0, -1)]
    assert [stats.percentile(hundred, p) for p in (0.01, 0.5, 0.99, 0.991, 1)] == [
        1, 50, 99, 100, 100,
    ]  # fmt: skip
    assert [stats.percentile([7.0], p) for p in (0.01, 1)] == [7, 7]
    assert stats.percentile(hundred, 1e-9) == 1
    with pytest.raises(IndexError):
        stats.percentile([], 0.5)


@few
@given(times)
def test_a_median_lies_in_its_interval_and_the_interval_among_the_samples(samples):
    found = stats.median(samples)
    assert found.value == statistics.median(samples)
    assert min(samples) <= found.low <= found.high <= max(samples)
    assert stats.median(samples) == found  # seeded: the same again


@few
@given(times, st.floats(0.1, 10))
def test_a_ratio_of_scaled_samples_is_the_scale(samples, scale):
    scaled = [value * scale for value in samples]
    found = stats.paired_ratio(scaled, samples)
    for value in (found.value, found.low, found.high):
        assert value == pytest.approx(scale, rel=1e-9)


@few
@given(times, times)
def test_a_ratio_and_its_inverse_mirror_each_other(above, below):
    found = stats.ratio(above, below)
    assert found.value == pytest.approx(1 / stats.ratio(below, above).value)
    assert found.low <= found.high


def test_paired_rounds_cancel_a_slow_second():
    """One machine-wide slow phase widens an unpaired interval, not a paired one."""
    ours = [10.0] * 5 + [20.0] * 4
    peer = [30.0] * 5 + [60.0] * 4
    paired, free = stats.paired_ratio(peer, ours), stats.ratio(peer, ours)
    assert paired.low == paired.high == pytest.approx(3.0)
    assert free.low < 3.0 < free.high


def test_impossible_ratios_are_refused():
    with pytest.raises(ValueError, match="equally many"):
        stats.paired_ratio([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="zero"):
        stats.ratio([1.0], [0.0])


def test_spread_is_the_interquartile_range_over_the_median():
    assert stats.spread([10.0]) == 0
    assert stats.spread([10.0, 10.0, 10.0, 10.0, 100.0]) == 0
    assert stats.spread([8.0, 10.0, 12.0]) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (Interval(1.5, 1.4, 1.6), "faster"),
        (Interval(0.5, 0.4, 0.6), "slower"),
        (Interval(1.5, 0.9, 2.0), "same"),
        (Interval(1.01, 1.005, 1.015), "same"),
        (Interval(0.99, 0.985, 0.995), "same"),
    ],
)
def test_a_verdict_needs_an_interval_beyond_one_and_a_change_beyond_the_tolerance(
    interval, expected
):
    assert verdict(interval) == expected
