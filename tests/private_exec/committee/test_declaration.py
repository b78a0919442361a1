"""Who a committee is, and what its epoch's record says."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from private_exec.committee.declaration import Declaration
from private_exec.committee.epoch import EpochRecord, Schedule
from private_exec.committee.errors import MalformedCommittee
from zk.errors import DecodeError


@pytest.mark.parametrize("n", [4, 7, 10, 13])
def test_a_declaration_of_each_size(helpers, n) -> None:
    declared = helpers.declare(n)
    assert declared.size.n == n
    assert declared.quorum == 2 * (n - 1) // 3 + 1
    assert list(declared.members) == list(range(1, n + 1))
    assert Declaration.from_bytes(declared.to_bytes()) == declared


@pytest.mark.parametrize("n", [1, 3, 5, 6, 8, 12])
def test_pv30_no_other_size(helpers, n) -> None:
    with pytest.raises(MalformedCommittee) as caught:
        helpers.declare(n)
    assert caught.value.rule == "PV-30"


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": b"short"},
        {"chain": b"short"},
        {"epoch_blocks": 0},
        {"epoch_blocks": 1 << 25},
    ],
    ids=str,
)
def test_pv30_numbers_and_lengths(helpers, change) -> None:
    with pytest.raises(MalformedCommittee) as caught:
        helpers.declare(4, **change)
    assert caught.value.rule == "PV-30"


@pytest.mark.parametrize(
    "seat",
    [
        lambda seats: replace(seats[1], key=seats[0].key),
        lambda seats: replace(seats[1], endpoint=seats[0].endpoint),
        lambda seats: replace(seats[1], key=bytes(32)),  # of order 4
        lambda seats: replace(seats[1], endpoint=""),
        lambda seats: replace(seats[1], endpoint="a" * 201),
        lambda seats: replace(seats[1], endpoint="tcp://ü:1"),
        lambda seats: replace(seats[1], endpoint="tcp://a\n:1"),
    ],
)
def test_pv30_members_are_proper_and_different(helpers, seat) -> None:
    seats = list(helpers.declare(4).seats)
    seats[1] = seat(seats)
    with pytest.raises(MalformedCommittee) as caught:
        helpers.declare(4, seats=tuple(seats))
    assert caught.value.rule == "PV-30"


def test_the_id_covers_everything(helpers) -> None:
    declared = helpers.declare(4)
    changes = [
        {"chain": bytes(32)},
        {"purpose": bytes(32)},
        {"epoch_blocks": 101},
        {"seats": declared.seats[::-1]},
        {"seats": (replace(declared.seats[0], endpoint="x"), *declared.seats[1:])},
    ]
    ids = {helpers.declare(4, **change).id for change in changes}
    assert len(ids | {declared.id}) == len(changes) + 1


def test_pv30_bytes_have_one_reading(helpers) -> None:
    data = helpers.declare(4).to_bytes()
    for wrong in (b"\2" + data[1:], data[:-1], data + b"\0", data[:69] + b"\x0e" + data[70:]):
        with pytest.raises(DecodeError):
            Declaration.from_bytes(wrong)
    text = data.replace(b"tcp://1:1", b"tcp://\xff:1")
    with pytest.raises(DecodeError):
        Declaration.from_bytes(text)


def test_sampling_small_committees_is_why_they_are_declared() -> None:
    """Of 100 with 33 corrupt, a draw of 7 has more than 2 corrupt in two cases of five."""
    source = random.Random(7)
    draws = [sum(k < 33 for k in source.sample(range(100), 7)) > 2 for _ in range(4000)]
    assert 0.38 < sum(draws) / len(draws) < 0.46


def test_pv36_a_record_counts_everybody(epoch) -> None:
    record = epoch(4).record
    assert EpochRecord.from_bytes(record.to_bytes()) == record
    keys = dict(record.keys)
    del keys[4]
    for wrong in (
        {"faulty": (1, 2)},  # more than t
        {"qualified": (1, 2, 3)},  # who dealt nothing is faulty
        {"qualified": (2, 1, 3, 4)},
        {"qualified": (1, 1, 2, 3, 4)},
        {"qualified": (1, 2, 3, 5)},
        {"faulty": (0,)},
        {"keys": keys},  # 4 is qualified without a key
        {"keys": keys, "qualified": (1, 2, 3)},  # and silent
    ):
        with pytest.raises(MalformedCommittee) as caught:
            replace(record, **wrong)
        assert caught.value.rule == "PV-36"
    silent = replace(record, keys=keys, qualified=(1, 2, 3), faulty=(4,))
    assert EpochRecord.from_bytes(silent.to_bytes()) == silent
    assert silent.digest != record.digest


def test_pv35_deadlines_follow_one_another() -> None:
    assert Schedule.starting(10, 5) == Schedule(14, 19, 24)
    for wrong in ((1, 1, 2), (1, 2, 2), (3, 2, 4)):
        with pytest.raises(MalformedCommittee) as caught:
            Schedule(*wrong)
        assert caught.value.rule == "PV-35"
