"""What is proved, what is drawn for it, and what honest members make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from private_exec import group
from private_exec.collaborative.errors import CollaborationRefused
from private_exec.collaborative.member import Member
from private_exec.collaborative.task import Holding
from private_exec.linking import verify_linked
from private_exec.mpc import vectors
from private_exec.mpc.labels import SessionId
from private_exec.mpc.shamir import Size
from private_exec.mpc.testing import keys_of_all
from zk import backends
from zk.field.arrays import to_array

R = group.R
every_size = pytest.mark.parametrize("n", [4, 7, 10, 13])


@every_size
def test_honest_members_make_one_proof(worlds: Any, n: int) -> None:
    world = worlds[n]
    members = world.members()
    seen = [world.play(members=members, by=i) for i in (1, n)]
    assert seen[0] == seen[1]
    assert (seen[0].fixed.liars, seen[0].concluded.liars, seen[0].liars) == ((), (), ())
    assert seen[0].concluded.tried == 1
    verify_linked(world.key.verifying_key, 3, seen[0].linked, backends.get())


@every_size
def test_t_members_may_be_absent(worlds: Any, n: int) -> None:
    world = worlds[n]

    def away(bodies: dict[int, Any]) -> None:
        for i in range(2, 2 + world.size.t):
            del bodies[i]

    played = world.play({"first": away, "second": away, "third": away})
    verify_linked(world.key.verifying_key, 3, played.linked, backends.get())


def test_pv70_parts_fit_the_statement(worlds: Any) -> None:
    world = worlds[4]
    task = world.task
    for change in (
        {"public": ()},
        {"public": (R,)},
        {"commitments": task.commitments[:1]},
        {"commitments": ()},
        {"context": b""},
    ):
        with pytest.raises(CollaborationRefused) as caught:
            replace(task, **change)
        assert caught.value.rule == "PV-70"
    shares = {"hidden": 2, "blindings": 2, "private": 1}
    good = {name: vectors.zeros(count) for name, count in shares.items()}
    keys = keys_of_all(world.size, b"k")[0]
    for name in shares:
        with pytest.raises(CollaborationRefused) as caught:
            Member(task, Holding(**(good | {name: vectors.zeros(3)})), keys)
        assert caught.value.rule == "PV-70"
    with pytest.raises(CollaborationRefused) as caught:
        Member(task, Holding(**good), keys_of_all(Size.of(7), b"k")[0])
    assert caught.value.rule == "PV-70"


def test_pv71_another_session_or_gate_draws_everything_anew(worlds: Any) -> None:
    world = worlds[4]
    seen: set[object] = set()
    tasks = [
        world.task,
        replace(world.task, gate=world.task.gate + 1),
        replace(world.task, session=SessionId(bytes(32))),
    ]
    for task in tasks:
        played = world.play(members=world.members(task))
        proof = played.linked.hidden.proof
        seen |= {proof.a, proof.b, proof.c, played.linked.hidden.d, *played.linked.link.shown}
    assert len(seen) == 3 * (4 + 3)


def test_secrets_do_not_print(worlds: Any) -> None:
    world = worlds[4]
    one = world.members()[1]
    assert "uint64" not in repr(Holding(to_array([1]), to_array([1]), to_array([1])))
    assert "[" not in repr(one._drawn)
    assert "object at" in repr(one)
