"""Committees, and who keeps which rows."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.codec import Reader, Writer
from node.core.committee import MAX_MEMBERS, MAX_WEIGHT, Committee, Member
from node.da.assignment import assign, fewest_rows
from node.da.codec import Coding
from node.da.errors import DataRefused
from zk.errors import DecodeError, NonCanonical

SMALL = Coding(4, 16)


@pytest.fixture(scope="module")
def keys(key_of):
    return [key_of(i).public_key().public_bytes_raw() for i in range(40)]


@pytest.fixture(scope="module")
def of(keys):
    def build(weights) -> Committee:
        return Committee(
            tuple(
                Member(i.to_bytes(32, "big"), keys[i], weight) for i, weight in enumerate(weights)
            )
        )

    return build


def test_quorum_is_the_least_weight_above_two_thirds(of) -> None:
    for total in range(1, 200):
        quorum = of([total]).quorum
        assert 3 * quorum > 2 * total >= 3 * (quorum - 1)


def test_da1_unsorted_and_repeated_members_are_refused(of) -> None:
    members = of([1, 2, 3]).members
    for wrong in (members[::-1], (members[0], members[0])):
        with pytest.raises(NonCanonical, match="DA-1"):
            Committee(wrong)


def test_da1_one_key_for_two_members_is_refused(of) -> None:
    first, second = of([1, 2]).members
    with pytest.raises(DecodeError, match="DA-1: two members have one key"):
        Committee((first, replace(second, key=first.key)))


@pytest.mark.parametrize(
    "fields",
    [{"weight": 0}, {"weight": -1}, {"weight": MAX_WEIGHT + 1}, {"id": bytes(31)},
     {"key": bytes(32)}, {"key": b"\1" + bytes(31)}, {"key": bytes(33)}],
)  # fmt: skip
def test_da1_members_out_of_range_are_refused(of, fields) -> None:
    with pytest.raises(DecodeError, match="DA-1"):
        replace(of([1]).members[0], **fields)


def test_da1_size_and_total_are_bounded(of) -> None:
    with pytest.raises(DecodeError, match="DA-1"):
        Committee(())
    with pytest.raises(DecodeError, match="DA-1"):
        of([MAX_WEIGHT, 1])
    with pytest.raises(DecodeError, match=f"at most|not 1 to {MAX_MEMBERS}"):
        Committee(of([1]).members * (MAX_MEMBERS + 1))


def test_a_committee_has_one_encoding_and_a_digest(of) -> None:
    committee = of([5, 1, 9])
    writer = Writer()
    committee.write(writer)
    reader = Reader(writer.done())
    assert Committee.read(reader) == committee
    reader.done()
    assert committee.digest != of([5, 1, 8]).digest
    assert committee.index(committee.members[2].id) == 2
    assert committee.index(b"?" * 32) is None


# ASSIGNMENT


def brute_force(committee, counts, weight) -> int:
    members = list(zip(committee.members, counts, strict=True))
    return min(
        sum(count for _, count in some)
        for size in range(len(members) + 1)
        for some in itertools.combinations(members, size)
        if sum(member.weight for member, _ in some) >= weight
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=9))
def test_bound_is_exact_and_every_third_can_recover(of, weights) -> None:
    committee = of(weights)
    coding = Coding(16, 64)
    third = -(-committee.total // 3)
    try:
        assignment = assign(committee, coding)
    except DataRefused as refusal:
        assert refusal.rule == "DA-7"
        return
    counts = [len(rows) for rows in assignment.ranges]
    assert sum(counts) == coding.n
    assert assignment.third == brute_force(committee, counts, third) >= coding.k
    for member, count in zip(committee.members, counts, strict=True):
        assert abs(count - member.weight * coding.n / committee.total) < 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 5)), min_size=1, max_size=8))
def test_knapsack_agrees_with_all_coalitions(of, pairs) -> None:
    committee = of([weight for weight, _ in pairs])
    counts = [count for _, count in pairs]
    for weight in (1, -(-committee.total // 3), committee.total):
        assert fewest_rows(committee, counts, weight) == brute_force(committee, counts, weight)


def test_da7_rounding_that_breaks_the_bound_is_refused(of) -> None:
    """33 equal members, 16 rows: 17 have none, so some third of them holds nothing."""
    assert assign(of([1] * 16), SMALL).third == 6
    with pytest.raises(DataRefused, match="a third of the stake holds 0 rows, 4") as caught:
        assign(of([1] * 33), SMALL)
    assert caught.value.rule == "DA-7"
    assert assign(of([1] * 33), Coding(64, 256)).third >= 64


def test_da7_the_bound_is_met_with_equality_and_refused_one_below(of) -> None:
    """Up to 39 equal members: K = 4 rows for the worst third are enough, 3 are not."""
    verdicts = {}
    for members in range(1, 40):
        committee = of([1] * members)
        counts = [16 // members + (i < 16 % members) for i in range(members)]
        least = brute_equal(counts, -(-members // 3))
        try:
            assert assign(committee, SMALL).third == least >= 4
            verdicts[least] = True
        except DataRefused:
            assert least < 4
            verdicts[least] = False
    assert verdicts[4] is True
    assert verdicts[3] is False


def brute_equal(counts, members: int) -> int:
    """Of equal members, those with the fewest rows are the worst coalition."""
    return sum(sorted(counts)[:members])


def test_rows_are_shared_out_without_gaps_and_the_same_every_time(of) -> None:
    assignment = assign(of([5, 1, 9, 1]), SMALL)
    assert assignment == assign(of([5, 1, 9, 1]), SMALL)
    assert [i for rows in assignment.ranges for i in rows] == list(range(16))
    for index in range(16):
        holder = assignment.holder(index)
        assert index in assignment.rows_of(holder.id)
    for beyond in (-1, 16):
        with pytest.raises(IndexError):
            assignment.holder(beyond)


def test_members_without_rows_hold_none(of) -> None:
    assignment = assign(of([1000, 1, 1000, 1, 1000]), SMALL)
    assert [len(rows) for rows in assignment.ranges] == [6, 0, 5, 0, 5]
    assert assignment.holder(6).id == (2).to_bytes(32, "big")


def test_da8_rows_of_a_stranger_are_refused(of) -> None:
    with pytest.raises(DataRefused) as caught:
        assign(of([1, 1]), SMALL).rows_of(b"?" * 32)
    assert caught.value.rule == "DA-8"
