"""What a light client learns from some rows: the arithmetic, and sources that withhold."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest

from node.da.blob import encode
from node.da.codec import Coding
from node.da.errors import DataRefused, NotAvailable
from node.da.sampling import choose, risk, sample, samples_for

SMALL = Coding(4, 16)
FULL = Coding()
SEED = bytes(32)


class Source:
    """Serves all rows but some; `instead` changes those that it serves."""

    def __init__(self, dispersal, withheld=(), instead=lambda row: row):
        self.dispersal, self.withheld, self.instead = dispersal, frozenset(withheld), instead
        self.asked = []

    def row(self, commitment, index):
        self.asked.append(index)
        if index in self.withheld:
            return None
        return self.instead(self.dispersal.row(index))


@pytest.fixture(scope="module")
def dispersal():
    return encode(bytes(range(200)), SMALL)


def refused(call, *arguments, **options) -> None:
    with pytest.raises(DataRefused) as caught:
        call(*arguments, **options)
    assert caught.value.rule == "DA-20"


# ARITHMETIC


def test_ten_samples_of_a_quarter_are_six_nines() -> None:
    assert 1 - risk(FULL, 10) > Fraction(999999, 1000000)
    assert risk(FULL, 10) < Fraction(1, 4) ** 10
    assert samples_for(FULL, Fraction(1, 10**6)) == 10
    assert samples_for(FULL, Fraction(1, 100)) == 4


def test_risk_is_the_chance_itself_by_counting() -> None:
    """All choices of s of 16 rows, of which 3 are served."""
    from itertools import combinations

    for samples in range(1, 6):
        choices = list(combinations(range(16), samples))
        for missing in range(samples):
            passing = sum(sum(i >= 3 for i in some) <= missing for some in choices)
            assert risk(SMALL, samples, missing) == Fraction(passing, len(choices))


def test_risk_falls_with_samples_and_grows_with_misses() -> None:
    for samples in range(2, 60):
        assert risk(FULL, samples) < risk(FULL, samples - 1)
        assert risk(FULL, samples, 1) > risk(FULL, samples)
    assert risk(FULL, 64) == 0
    assert risk(FULL, 63) == Fraction(1, math.comb(256, 63))


def test_simulated_withholding_passes_as_often_as_the_arithmetic_says() -> None:
    """K − 1 rows are served. Seeded; four standard deviations."""
    rng = random.Random(7)
    rounds = 20_000
    for samples, missing in ((1, 0), (2, 0), (3, 1), (8, 4)):
        served = set(rng.sample(range(16), 3))
        passed = 0
        for _ in range(rounds):
            rows = choose_fast(rng, samples)
            passed += sum(index not in served for index in rows) <= missing
        expected = float(risk(SMALL, samples, missing))
        deviation = math.sqrt(expected * (1 - expected) / rounds)
        assert abs(passed / rounds - expected) <= 4 * deviation + 1e-9


def choose_fast(rng, samples):
    return rng.sample(range(16), samples)


@pytest.mark.parametrize("missing", [0, 1, 3])
def test_samples_for_is_the_least_number(missing) -> None:
    most = Fraction(1, 10**4)
    samples = samples_for(FULL, most, missing)
    assert risk(FULL, samples, missing) <= most < risk(FULL, samples - 1, missing)


def test_da20_numbers_that_make_no_sense_are_refused() -> None:
    for samples, missing in ((0, 0), (17, 0), (3, 3), (3, -1)):
        refused(risk, SMALL, samples, missing)
    for most, missing in ((Fraction(0), 0), (Fraction(1), 0), (Fraction(1, 2), -1)):
        refused(samples_for, SMALL, most, missing)
    refused(samples_for, SMALL, Fraction(1, 10**9), 15)
    refused(choose, SMALL, 17, SEED)
    refused(choose, SMALL, 3, b"short")


# SAMPLERS


def test_choice_is_of_different_rows_and_follows_from_the_seed() -> None:
    for i in range(50):
        seed = i.to_bytes(32, "big")
        rows = choose(FULL, 40, seed)
        assert len(set(rows)) == 40
        assert rows == choose(FULL, 40, seed)
        assert rows[:10] == choose(FULL, 10, seed)
    assert choose(FULL, 40, SEED) != choose(FULL, 40, bytes([1]) + bytes(31))
    assert sorted(choose(SMALL, 16, SEED)) == list(range(16))


def test_choice_prefers_no_row() -> None:
    counts = Counter(i for n in range(2000) for i in choose(SMALL, 4, n.to_bytes(32, "big")))
    assert set(counts) == set(range(16))
    assert sum((counts[i] - 500) ** 2 / 500 for i in range(16)) < 50  # chi-square, 15 degrees


def test_a_sample_of_an_available_blob_passes(dispersal) -> None:
    source = Source(dispersal)
    sampled = sample(source, dispersal.commitment, 6, seed=SEED)
    assert sampled.indices == tuple(source.asked) == choose(SMALL, 6, SEED)
    assert (sampled.missing, sampled.risk) == ((), risk(SMALL, 6))
    assert sample(source, dispersal.commitment, 16).missing == ()  # with a seed of its own


def test_da20_withheld_rows_are_named(dispersal) -> None:
    indices = choose(SMALL, 6, SEED)
    source = Source(dispersal, withheld=indices[1:3])
    with pytest.raises(NotAvailable, match="2 of 6 rows are missing, 1 may be") as caught:
        sample(source, dispersal.commitment, 6, missing=1, seed=SEED)
    assert caught.value.missing == indices[1:3]
    assert caught.value.id == "DA-20"
    assert sample(source, dispersal.commitment, 6, missing=2, seed=SEED).missing == indices[1:3]


@pytest.mark.parametrize(
    "instead",
    [
        lambda row: replace(row, data=bytes(len(row.data))[:-1] + b"\1"),
        lambda row: replace(row, index=row.index ^ 1),
        lambda row: replace(row, siblings=row.siblings[1:]),
    ],
    ids=["data", "index", "path"],
)
def test_da20_a_row_that_does_not_prove_is_a_missing_row(dispersal, instead) -> None:
    with pytest.raises(NotAvailable) as caught:
        sample(Source(dispersal, instead=instead), dispersal.commitment, 3, seed=SEED)
    assert len(caught.value.missing) == 3


def test_da20_another_row_than_was_asked_for_is_a_missing_row(dispersal) -> None:
    source = Source(dispersal, instead=lambda _: dispersal.row(0))
    seed = next(s for s in (bytes([i]) * 32 for i in range(99)) if 0 not in choose(SMALL, 3, s))
    with pytest.raises(NotAvailable) as caught:
        sample(source, dispersal.commitment, 3, seed=seed)
    assert len(caught.value.missing) == 3


def test_da20_who_withholds_is_caught_about_as_often_as_it_should_be(dispersal) -> None:
    """The sampler itself against 3 of 16 rows: 2 samples pass with a chance of 1 in 40."""
    passed = 0
    for i in range(2000):
        source = Source(dispersal, withheld=range(3, 16))
        try:
            sample(source, dispersal.commitment, 2, seed=i.to_bytes(32, "little"))
            passed += 1
        except NotAvailable:
            pass
    assert risk(SMALL, 2) == Fraction(1, 40)
    assert 20 <= passed <= 85
