"""A wrong share proves itself, and a right one cannot be held against anybody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from private_exec import group
from private_exec.errors import SealRefused
from private_exec.misconduct import check_wrong_share, wrong_place
from private_exec.shares import ShareMessage

SHARES = (2, 1, 1, 2, 1)
"""Of five members: some places are a member's second share number."""


def signed(w, message: ShareMessage, **changes) -> ShareMessage:
    bad = replace(message, **changes)
    return replace(bad, signature=w.signers[bad.member].sign(bad.digest(w.key)))


def spoiled(w, message: ShareMessage, at: int) -> ShareMessage:
    points = list(message.points)
    points[at] = group.sum_g1([1, 1], [points[at] or (1, 2), (1, 2)])
    return signed(w, message, points=tuple(points))


def shown(batch, place: int) -> list[tuple[bytes, bytes]]:
    positions = batch.members(place % batch.sub_batches)
    return [(batch.labels[j], batch.envelopes[j].seal.to_bytes()) for j in positions]


def unproved(*arguments) -> str:
    with pytest.raises(SealRefused) as caught:
        check_wrong_share(*arguments)
    assert caught.value.rule == "PX-18"
    return caught.value.message


@pytest.fixture(params=[1, 2], ids=["plain", "packed"])
def case(world, request):
    w = world(packing=request.param, shares=SHARES)
    batch = w.batch(5)
    return w, batch, w.messages(batch)[0]


def test_px18_every_wrong_point_is_proved_by_its_sub_batch(case) -> None:
    w, batch, message = case
    for place in range(len(message.points)):
        bad = spoiled(w, message, place)
        assert wrong_place(batch, bad) == place
        check_wrong_share(w.key, bad, batch.ids, place, shown(batch, place))


def test_px18_a_wrong_number_of_points_is_proved_by_the_ids(case) -> None:
    w, batch, message = case
    for points in (message.points[:-1], (*message.points, None), ()):
        bad = signed(w, message, points=points)
        assert wrong_place(batch, bad) == 0
        check_wrong_share(w.key, bad, batch.ids, 0, ())
        assert unproved(w.key, bad, batch.ids, 1, ()) == "more than one reason"


def test_px18_right_shares_prove_nothing(case) -> None:
    w, batch, message = case
    for place in range(len(message.points)):
        args = (w.key, message, batch.ids, place, shown(batch, place))
        assert unproved(*args) == "the share is right"
    with pytest.raises(SealRefused, match="all shares are right"):
        wrong_place(batch, message)


def test_px18_nor_do_shares_beside_what_they_are_of(case) -> None:
    """Right shares, and other ciphertexts, ids, places, members, epochs than they were made for."""
    w, batch, message = case
    ids, here = batch.ids, shown(batch, 0)
    other = w.batch(items=[w.envelope(number) for number in range(5, 10)])
    not_hers = "these are not the ciphertexts that it signed for"
    assert unproved(w.key, message, other.ids, 0, shown(other, 0)) == not_hers
    assert unproved(w.key, message, ids[:-1], 0, here) == not_hers
    assert unproved(w.key, message, tuple(reversed(ids)), 0, here) == not_hers
    foreign = "not the ciphertexts of that point"
    assert unproved(w.key, message, ids, 0, shown(other, 0)) == foreign
    assert unproved(w.key, message, ids, 0, shown(batch, batch.sub_batches - 1)) == foreign
    assert unproved(w.key, message, ids, 0, ()) == foreign
    changed = [(label, data[:-1] + bytes([data[-1] ^ 1])) for label, data in here]
    assert unproved(w.key, message, ids, 0, changed) == foreign
    last = len(message.points)
    assert unproved(w.key, message, ids, last, here) == f"there is no point {last}"
    for stranger in (
        replace(message, member=len(SHARES)),
        replace(message, member=1),
        replace(message, epoch=message.epoch + 1),
        replace(message, height=message.height + 1),
        replace(message, points=spoiled(w, message, 0).points),
    ):
        assert unproved(w.key, stranger, ids, 0, here) == "not signed by the member"
    later = spoiled(w, signed(w, message, epoch=message.epoch + 1), 0)
    assert unproved(w.key, later, ids, 0, here) == "not signed by the member"
