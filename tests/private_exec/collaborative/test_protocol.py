"""The three rounds among members that send each other messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from private_exec import group
from private_exec.collaborative.errors import CollaborationRefused
from private_exec.collaborative.protocol import prove
from private_exec.collaborative.task import Holding
from private_exec.linking import Linked, verify_linked
from private_exec.mpc import faults, simulate, vectors
from private_exec.mpc.context import Context, Journal, MemoryJournal
from private_exec.mpc.errors import MpcRefused
from private_exec.mpc.message import Kind
from private_exec.mpc.rounds import Round, Rounds
from private_exec.mpc.simulate import Committee, Outcome, shares_of
from zk import backends
from zk.curve.bn254 import G1_GENERATOR
from zk.curve.encoding import g1_from_bytes, g1_to_bytes
from zk.field.arrays import from_array


@dataclass(frozen=True)
class Said(faults.Fault):
    """Replaces what a member says in its n-th round of points."""

    member: int
    number: int
    change: Callable[[bytes], bytes]
    seen: list[None] = field(default_factory=list)

    def speak(self, member: int, asked: Round) -> Round:
        if member != self.member or asked.kind is not Kind.POINT:
            return asked
        self.seen.append(None)
        return (
            replace(asked, body=self.change(asked.body)) if len(self.seen) == self.number else asked
        )


def other_point(body: bytes) -> bytes:
    point = group.total_g1([g1_from_bytes(body[:32]), G1_GENERATOR])
    return g1_to_bytes(point) + body[32:]


def simulated(
    world: Any,
    *wrong: faults.Fault,
    order: int | None = None,
    journals: Mapping[int, Journal] | None = None,
) -> Outcome[Linked]:
    committee = Committee.of(world.size, b"proof")
    task = replace(world.task, session=committee.session.sid)
    values = shares_of(committee, [o.value for o in world.openings], 1)
    blindings = shares_of(committee, [o.blinding for o in world.openings], 2)
    private = shares_of(committee, from_array(world.assignment[world.key.publics + 1 :]), 3)

    def program(context: Context) -> Rounds[Linked]:
        i = context.member
        return prove(context, task, Holding(values[i], blindings[i], private[i]))

    return simulate.run(committee, program, faults=wrong, order=order, journals=journals)


@pytest.mark.parametrize("n", [4, 7])
@pytest.mark.parametrize("order", [None, 5])
def test_members_prove_together(worlds: Any, n: int, order: int | None) -> None:
    world = worlds[n]
    outcome = simulated(world, order=order)
    assert outcome.errors == {}
    assert len(set(outcome.results)) == n
    verify_linked(world.key.verifying_key, 3, outcome.results[1], backends.get())
    assert not any(context.faults for context in outcome.contexts.values())
    assert {context.tally.rounds for context in outcome.contexts.values()} == {3}


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("order", [None, 6])
def test_pv72_pv75_a_liar_is_named_by_all_that_heard_it(
    worlds: Any, number: int, order: int | None
) -> None:
    """In the order of arrival a member may be done before it hears the liar's share of C."""
    outcome = simulated(worlds[7], Said(3, number, other_point), order=order)
    honest = set(outcome.results) - {3}
    assert honest == {1, 2, 4, 5, 6, 7}
    assert len({outcome.results[i] for i in honest}) == 1
    accused = [outcome.accused(i) for i in honest]
    assert set().union(*accused) <= {3}
    if order is None:
        assert accused == [{3}] * 6


def test_silence_of_t_members_stops_nobody(worlds: Any) -> None:
    outcome = simulated(worlds[4], faults.Silent(2))
    assert set(outcome.results) >= {1, 3, 4}
    assert not {1, 3, 4} & set(outcome.errors)


def test_silence_of_more_ends_by_rule(worlds: Any) -> None:
    outcome = simulated(worlds[4], faults.Silent(2), faults.Silent(3))
    assert outcome.results == {}
    assert {getattr(outcome.errors[i], "rule", "") for i in (1, 4)} == {"PV-72"}


def test_wrong_responses_are_corrected_in_the_protocol(worlds: Any) -> None:
    outcome = simulated(worlds[4], faults.Wrong(2, Kind.OPEN))
    assert {outcome.results[i] for i in (1, 3, 4)} == {outcome.results[1]}
    assert all(outcome.accused(i) == {2} for i in (1, 3, 4))


def test_pv70_a_task_of_another_session_is_refused(worlds: Any) -> None:
    world = worlds[4]
    context = Committee.of(world.size, b"proof").context(1)
    with pytest.raises(CollaborationRefused) as caught:
        next(prove(context, world.task, Holding(*[vectors.zeros(k) for k in (2, 2, 1)])))
    assert caught.value.rule == "PV-70"


def test_pv71_a_session_proves_once_at_a_gate(worlds: Any) -> None:
    world = worlds[4]
    context = Committee.of(world.size, b"proof").context(1)
    task = replace(world.task, session=context.session.sid)
    holding = Holding(*[vectors.zeros(k) for k in (2, 2, 1)])
    next(prove(context, task, holding))
    with pytest.raises(MpcRefused) as caught:
        next(prove(context, task, holding))
    assert caught.value.rule == "PV-19"


def test_pv76_a_member_that_was_started_again_answers_no_other_challenge(worlds: Any) -> None:
    """Its journal has the challenge of before; whatever brought another one about gets nothing."""
    world = worlds[4]
    journal = MemoryJournal()
    context = Committee.of(world.size, b"proof").context(1, journal)
    task = replace(world.task, session=context.session.sid)
    context.decide_once(task.draw().digest + task.zero().digest, b"another challenge".ljust(32))
    outcome = simulated(world, journals={1: journal})
    assert getattr(outcome.errors[1], "rule", "") == "PV-16"
    assert set(outcome.results) == {2, 3, 4}
