"""The first round: points of degree t, corrected."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from private_exec import group
from private_exec.collaborative import member
from private_exec.collaborative.errors import CollaborationRefused
from zk.curve.encoding import G2_BYTES
from zk.errors import DecodeError

small_sizes = pytest.mark.parametrize("n", [4, 7])
Bodies = dict[int, bytes]


@pytest.mark.parametrize(("n", "number"), [(4, 0), (7, 1), (10, 2), (7, 4)])
def test_pv72_liars_in_the_first_round_are_corrected_and_named(
    worlds: Any, lies: Any, n: int, number: int
) -> None:
    """A, D, T and T₂."""
    world = worlds[n]
    liars = list(range(1, world.size.t + 1))
    played = world.play({"first": lies.first(liars, number)}, by=n)
    assert played.fixed.liars == tuple(liars)
    assert played.linked == world.play().linked


def test_pv72_wrong_b_is_corrected_and_named(worlds: Any) -> None:
    world = worlds[7]

    def exchange(bodies: Bodies) -> None:
        one, two = bodies[2], bodies[5]
        bodies[2] = one[:-G2_BYTES] + two[-G2_BYTES:]
        bodies[5] = two[:-G2_BYTES] + one[-G2_BYTES:]

    played = world.play({"first": exchange})
    assert played.fixed.liars == (2, 5)
    assert played.linked == world.play().linked


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"",
        lambda body: body[:-1],
        lambda body: body + b"\0",
        lambda body: bytes(31) + b"\x40" + body[32:],
        lambda body: b"\xff" * 32 + body[32:],
        lambda body: body[:-64] + b"\xff" * 64,
        lambda body: body[:-64] + bytes(63) + b"\x40",
        lambda body: body[:-64] + (1).to_bytes(64, "little"),
    ],
)
def test_pv72_what_is_no_point_counts_as_a_lie(worlds: Any, spoil: Any) -> None:
    world = worlds[4]

    def change(bodies: Bodies) -> None:
        bodies[3] = spoil(bodies[3])

    assert world.play({"first": change}).fixed.liars == (3,)


def test_pv72_a_point_of_the_twist_that_has_another_order_is_none(worlds: Any) -> None:
    """Where it cancels in one sum it need not in another: members would not decide alike."""
    world = worlds[4]
    found: list[bytes] = []

    def change(bodies: Bodies) -> None:
        good = bodies[3]
        assert member._read_first(world.task, good) is not None
        for number in range(1, 100):
            data = number.to_bytes(G2_BYTES, "little")
            with contextlib.suppress(DecodeError):
                group.g2_on_twist(data, "test")
                found.append(good[:-G2_BYTES] + data)

    world.play({"first": change})
    assert found
    assert not any(member._read_first(world.task, body) for body in found)


@small_sizes
def test_pv72_more_than_t_liars_stop_it(worlds: Any, lies: Any, n: int) -> None:
    world = worlds[n]
    with pytest.raises(CollaborationRefused) as caught:
        world.play({"first": lies.first(range(1, world.size.t + 2))}, by=n)
    assert caught.value.rule == "PV-72"

    def away(bodies: Bodies) -> None:
        for i in range(1, world.size.t + 2):
            del bodies[i]

    with pytest.raises(CollaborationRefused) as caught:
        world.play({"first": away}, by=n)
    assert caught.value.rule == "PV-72"
