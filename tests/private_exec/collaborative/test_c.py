"""The second round: C, which liars can spoil no more than delay, and who is named."""

from __future__ import annotations

from typing import Any

import pytest

from private_exec import exponent, group
from private_exec.collaborative import member
from private_exec.collaborative.errors import CollaborationRefused, ProofImpossible
from private_exec.mpc import prss, vectors
from private_exec.sharing import lagrange
from zk.curve.bn254 import G1_GENERATOR
from zk.curve.encoding import g1_from_bytes, g1_to_bytes
from zk.field.arrays import U64Array

R = group.R
small_sizes = pytest.mark.parametrize("n", [4, 7])
Bodies = dict[int, bytes]


@pytest.mark.parametrize("n", [4, 7, 10])
def test_pv74_a_proof_is_found_beside_t_wrong_shares(worlds: Any, lies: Any, n: int) -> None:
    world = worlds[n]
    liars = range(1, world.size.t + 1)
    played = world.play({"second": lies.second(liars)}, by=n)
    assert played.linked == world.play().linked
    assert played.concluded.tried > 1
    assert set(played.concluded.liars) <= set(liars)


@small_sizes
def test_pv74_fewer_than_2t_plus_1_shares_are_refused(worlds: Any, n: int) -> None:
    world = worlds[n]

    def away(bodies: Bodies) -> None:
        for i in range(2, 3 + world.size.t):
            del bodies[i]

    with pytest.raises(CollaborationRefused) as caught:
        world.play({"second": away})
    assert caught.value.rule == "PV-74"


@small_sizes
def test_pv74_t_plus_1_wrong_shares_make_no_proof(worlds: Any, lies: Any, n: int) -> None:
    world = worlds[n]
    with pytest.raises(ProofImpossible) as caught:
        world.play({"second": lies.second(range(1, world.size.t + 2))})
    assert caught.value.rule == "PV-74"


@small_sizes
def test_pv74_a_false_assignment_has_no_proof(worlds: Any, n: int) -> None:
    """P2-9: all members together lie about a wire; every share agrees, and nothing comes out."""
    world = worlds[n]
    with pytest.raises(ProofImpossible) as caught:
        world.play(members=world.members(wrong=1))
    assert caught.value.rule == "PV-74"


@small_sizes
def test_pv75_one_wrong_share_of_c_is_named(worlds: Any, lies: Any, n: int) -> None:
    world = worlds[n]
    for liar in (1, n):
        assert world.play({"second": lies.second([liar])}).concluded.liars == (liar,)


@pytest.mark.parametrize("n", [7, 10])
def test_pv75_two_wrong_shares_name_nobody(worlds: Any, lies: Any, n: int) -> None:
    played = worlds[n].play({"second": lies.second([2, 3])})
    assert played.concluded.liars == ()


def test_pv74_a_set_that_makes_the_proof_may_hold_liars(worlds: Any) -> None:
    """P2-10: two errors that cancel in the first set; the proof is right, its members are not."""
    world = worlds[7]
    subset = [1, 2, 3, 4, 5]
    first, second = lagrange(subset, 0)[:2]
    errors = {1: second, 2: -first % R}

    def change(bodies: Bodies) -> None:
        for i, error in errors.items():
            moved = group.multiple_g1(error, G1_GENERATOR)
            bodies[i] = g1_to_bytes(group.total_g1([g1_from_bytes(bodies[i]), moved]))

    played = world.play({"second": change})
    assert (played.concluded.tried, played.concluded.liars) == (1, ())
    assert played.linked == world.play().linked


def test_pv75_nobody_is_named_where_somebody_is_absent(worlds: Any, lies: Any) -> None:
    world = worlds[7]

    def change(bodies: Bodies) -> None:
        del bodies[4]
        lies.second([2])(bodies)

    assert world.play({"second": change}).concluded.liars == ()


def test_pv75_three_liars_cannot_have_two_honest_members_named(worlds: Any) -> None:
    """n = 10: a false polynomial through C, five honest shares and three liars' of choice.

    Two honest members stand beside it, as if they had lied; decoding ⌊(t + 1)/2⌋ = 2 errors, which
    is unique, would name them.
    """
    world = worlds[10]
    liars, framed = [1, 2, 3], [9, 10]
    kept = [4, 5, 6, 7, 8]

    def change(bodies: Bodies) -> None:
        for i in liars:
            shift = 5 * i
            for j in kept:
                shift = shift * (i - j) % R
            point = group.total_g1(
                [g1_from_bytes(bodies[i]), group.multiple_g1(shift, G1_GENERATOR)]
            )
            bodies[i] = g1_to_bytes(point)

    sent: Bodies = {}

    def note(bodies: Bodies) -> None:
        change(bodies)
        sent.update(bodies)

    played = world.play({"second": note})
    assert played.concluded.liars == ()
    word = {i: g1_from_bytes(body) for i, body in sent.items()}
    word[exponent.ZERO] = played.concluded.hidden.proof.c
    found = exponent.agreeing(word, 6, 8, group.sum_g1, bytes(32))
    assert found is not None
    assert set(range(1, 11)) - set(found) == set(framed)


def test_pv73_shares_of_c_are_masked_by_a_fresh_zero(
    worlds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C is the same with and without, every share is another: the mask hides all but C."""
    world = worlds[7]
    sent: list[Bodies] = []

    def note(bodies: Bodies) -> None:
        sent.append(dict(bodies))

    masked = world.play({"second": note})
    monkeypatch.setattr(
        member.prss, "zeros", lambda _keys, _label, count: vectors.zeros(count), raising=True
    )
    bare = world.play({"second": note})
    assert masked.linked == bare.linked
    assert all(sent[0][i] != sent[1][i] for i in world.size.members)
    monkeypatch.undo()
    labels = []
    real = prss.zeros

    def spy(keys: Any, label: Any, count: int) -> U64Array:
        labels.append(label)
        return real(keys, label, count)

    monkeypatch.setattr(member.prss, "zeros", spy)
    world.play()
    assert set(labels) == {world.task.zero()}
