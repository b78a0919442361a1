"""The third round: responses, to one challenge, of a proof that holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from private_exec.collaborative.errors import CollaborationRefused, ProofImpossible
from private_exec.mpc import vectors
from private_exec.mpc.errors import MpcRefused
from private_exec.pedersen import Opening, commit
from zk.curve.bn254 import G1_GENERATOR
from zk.field.arrays import U64Array

small_sizes = pytest.mark.parametrize("n", [4, 7])


@small_sizes
def test_pv76_wrong_responses_are_corrected_and_named(worlds: Any, lies: Any, n: int) -> None:
    world = worlds[n]
    liars = list(range(1, world.size.t + 1))
    played = world.play({"third": lies.third(liars)})
    assert played.liars == tuple(liars)
    assert played.linked == world.play().linked
    with pytest.raises(MpcRefused) as caught:
        world.play({"third": lies.third(range(1, world.size.t + 2))})
    assert caught.value.rule in {"PV-4", "PV-5"}


def test_pv76_a_member_answers_one_challenge(worlds: Any) -> None:
    """Two answers with one nonce are two equations for one secret."""
    world = worlds[4]
    members = world.members()
    first = {i: m.first() for i, m in members.items()}
    fixed = members[1].fix(first)
    second = {i: m.second(fixed) for i, m in members.items()}
    concluded = members[1].conclude(fixed, second)
    shares = members[1].third(fixed, concluded)
    assert np.array_equal(members[1].third(fixed, concluded), shares)
    other = replace(concluded, hidden=replace(concluded.hidden, d=G1_GENERATOR))
    with pytest.raises(CollaborationRefused) as caught:
        members[1].third(fixed, other)
    assert caught.value.rule == "PV-76"


def test_pv77_coordinated_wrong_responses_give_no_link(worlds: Any) -> None:
    """Everybody adds the same: the shares agree, the link does not hold."""
    world = worlds[4]

    def change(shares: dict[int, U64Array]) -> None:
        shares.update({i: vectors.add(share, 1) for i, share in shares.items()})

    with pytest.raises(ProofImpossible) as caught:
        world.play({"third": change})
    assert caught.value.rule == "PV-77"


def test_pv77_commitments_of_other_values_give_no_link(worlds: Any) -> None:
    """A cell's commitment that does not hold what was computed with: t + 1 liars, or all."""
    world = worlds[4]
    other = tuple(commit([Opening(1, 2), *world.openings[1:]]))
    task = replace(world.task, commitments=other)
    with pytest.raises(ProofImpossible) as caught:
        world.play(members=world.members(task))
    assert caught.value.rule == "PV-77"
