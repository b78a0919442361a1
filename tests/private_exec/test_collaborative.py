"""Proofs by committees: honest members, liars in every round, and what shares may not tell."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from private_exec import exponent, group
from private_exec.collaborative import member
from private_exec.collaborative.errors import CollaborationRefused, ProofImpossible
from private_exec.collaborative.member import Concluded, Fixed, Member
from private_exec.collaborative.protocol import prove
from private_exec.collaborative.task import Holding, Task
from private_exec.linking import Linked, verify_linked
from private_exec.mpc import faults, prss, shamir, simulate, vectors
from private_exec.mpc.context import Context, MemoryJournal
from private_exec.mpc.decode import decode
from private_exec.mpc.errors import MpcRefused
from private_exec.mpc.labels import SessionId
from private_exec.mpc.message import Kind
from private_exec.mpc.rounds import Round, Rounds
from private_exec.mpc.shamir import Size
from private_exec.mpc.simulate import Committee, Outcome, shares_of
from private_exec.mpc.testing import keys_of_all
from private_exec.pedersen import Opening, commit
from private_exec.sharing import lagrange
from zk import backends
from zk.curve.bn254 import G1_GENERATOR
from zk.curve.encoding import G2_BYTES, g1_from_bytes, g1_to_bytes
from zk.errors import DecodeError
from zk.field.arrays import U64Array, from_array, to_array
from zk.groth16.example import hidden_circuit
from zk.groth16.keys import ProvingKey
from zk.groth16.setup import UnsafeDevSetup

R = group.R
GATE = 7
SESSION = SessionId(bytes(range(32)))
CONTEXT = b"\1" * 32
SIZES = [4, 7, 10, 13]

Bodies = dict[int, bytes]
Fault = Callable[[int, Bodies], None]


@dataclass(frozen=True)
class World:
    """A committee that shares x₁, x₂ with y = x₁²·x₂, and plays all of its members."""

    size: Size
    key: ProvingKey
    assignment: U64Array
    task: Task
    openings: tuple[Opening, ...]

    def members(self, task: Task | None = None, wrong: int = 0) -> dict[int, Member]:
        """All members, before the first round; `wrong` is added to a private wire."""
        task = task or self.task
        rng = random.Random(self.size.n)

        def uniform(count: int) -> U64Array:
            return vectors.vec(rng.randrange(R) for _ in range(count))

        def dealt(values: U64Array) -> list[U64Array]:
            return shamir.deal(values, self.size, self.size.t, uniform)

        values = vectors.vec(o.value for o in self.openings)
        blindings = vectors.vec(o.blinding for o in self.openings)
        private = self.assignment[self.key.publics + 1 :]
        parts = zip(
            dealt(values), dealt(blindings), dealt(vectors.add(private, wrong)), strict=True
        )
        keys = keys_of_all(self.size, b"collaborative")
        return {
            i: Member(task, Holding(*part), keys[i - 1])
            for i, part in zip(self.size.members, parts, strict=True)
        }

    def play(
        self,
        changes: Mapping[str, Callable[[Any], None]] | None = None,
        *,
        members: Mapping[int, Member] | None = None,
        by: int = 1,
    ) -> Played:
        """Three rounds, seen by one member; changes are made to what was sent in its round."""
        changes = changes or {}
        members = members or self.members()
        first = {i: m.first() for i, m in members.items()}
        changes.get("first", lambda _: None)(first)
        fixed = members[by].fix(first)
        second = {i: m.second(fixed) for i, m in members.items()}
        changes.get("second", lambda _: None)(second)
        concluded = members[by].conclude(fixed, second)
        third = {i: m.third(fixed, concluded) for i, m in members.items()}
        changes.get("third", lambda _: None)(third)
        decoded = decode(self.size, third, self.size.t)
        linked = members[by].finish(fixed, concluded, decoded.values)
        return Played(fixed, concluded, linked, decoded.liars)


@dataclass(frozen=True)
class Played:
    fixed: Fixed
    concluded: Concluded
    linked: Linked
    liars: tuple[int, ...]


@pytest.fixture(scope="module")
def worlds() -> dict[int, World]:
    shape, assignment = hidden_circuit(6)
    shape.check(assignment)
    key = UnsafeDevSetup().run(shape, backends.get())
    y, first, second, _ = from_array(assignment[1:5])
    openings = (Opening(first, 111), Opening(second, R - 222))
    commitments = tuple(commit(openings))
    made = {}
    for n in SIZES:
        task = Task(key, (y,), commitments, CONTEXT, Size.of(n), SESSION, GATE)
        made[n] = World(Size.of(n), key, assignment, task, openings)
    return made


every_size = pytest.mark.parametrize("n", SIZES)
small_sizes = pytest.mark.parametrize("n", [4, 7])


def lie_in_first(liars: range | list[int], number: int = 0) -> Callable[[Bodies], None]:
    """Another point in the place of A, D, T, …: by position."""

    def change(bodies: Bodies) -> None:
        for i in liars:
            at = 32 * number
            point = g1_from_bytes(bodies[i][at : at + 32])
            other = g1_to_bytes(group.total_g1([point, group.multiple_g1(1 + i, G1_GENERATOR)]))
            bodies[i] = bodies[i][:at] + other + bodies[i][at + 32 :]

    return change


def lie_in_second(liars: range | list[int]) -> Callable[[Bodies], None]:
    def change(bodies: Bodies) -> None:
        for i in liars:
            point = group.total_g1([g1_from_bytes(bodies[i]), group.multiple_g1(i, G1_GENERATOR)])
            bodies[i] = g1_to_bytes(point)

    return change


def lie_in_third(liars: range | list[int]) -> Callable[[dict[int, U64Array]], None]:
    def change(shares: dict[int, U64Array]) -> None:
        for i in liars:
            shares[i] = vectors.add(shares[i], 1 + i)

    return change


@every_size
def test_honest_members_make_one_proof(worlds: dict[int, World], n: int) -> None:
    world = worlds[n]
    members = world.members()
    seen = [world.play(members=members, by=i) for i in (1, n)]
    assert seen[0] == seen[1]
    assert (seen[0].fixed.liars, seen[0].concluded.liars, seen[0].liars) == ((), (), ())
    assert seen[0].concluded.tried == 1
    verify_linked(world.key.verifying_key, 3, seen[0].linked, backends.get())


@every_size
def test_t_members_may_be_absent(worlds: dict[int, World], n: int) -> None:
    world = worlds[n]

    def away(bodies: dict[int, Any]) -> None:
        for i in range(2, 2 + world.size.t):
            del bodies[i]

    played = world.play({"first": away, "second": away, "third": away})
    verify_linked(world.key.verifying_key, 3, played.linked, backends.get())


@pytest.mark.parametrize(("n", "number"), [(4, 0), (7, 1), (10, 2), (7, 4)])
def test_pv72_liars_in_the_first_round_are_corrected_and_named(
    worlds: dict[int, World], n: int, number: int
) -> None:
    """A, D, T and T₂."""
    world = worlds[n]
    liars = list(range(1, world.size.t + 1))
    played = world.play({"first": lie_in_first(liars, number)}, by=n)
    assert played.fixed.liars == tuple(liars)
    assert played.linked == world.play().linked


def test_pv72_wrong_b_is_corrected_and_named(worlds: dict[int, World]) -> None:
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
def test_pv72_what_is_no_point_counts_as_a_lie(worlds: dict[int, World], spoil: Any) -> None:
    world = worlds[4]

    def change(bodies: Bodies) -> None:
        bodies[3] = spoil(bodies[3])

    assert world.play({"first": change}).fixed.liars == (3,)


def test_pv72_a_point_of_the_twist_that_has_another_order_is_none(worlds: dict[int, World]) -> None:
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
def test_pv72_more_than_t_liars_stop_it(worlds: dict[int, World], n: int) -> None:
    world = worlds[n]
    with pytest.raises(CollaborationRefused) as caught:
        world.play({"first": lie_in_first(range(1, world.size.t + 2))}, by=n)
    assert caught.value.rule == "PV-72"

    def away(bodies: Bodies) -> None:
        for i in range(1, world.size.t + 2):
            del bodies[i]

    with pytest.raises(CollaborationRefused) as caught:
        world.play({"first": away}, by=n)
    assert caught.value.rule == "PV-72"


@pytest.mark.parametrize("n", [4, 7, 10])
def test_pv74_a_proof_is_found_beside_t_wrong_shares(worlds: dict[int, World], n: int) -> None:
    world = worlds[n]
    liars = range(1, world.size.t + 1)
    played = world.play({"second": lie_in_second(liars)}, by=n)
    assert played.linked == world.play().linked
    assert played.concluded.tried > 1
    assert set(played.concluded.liars) <= set(liars)


@small_sizes
def test_pv74_fewer_than_2t_plus_1_shares_are_refused(worlds: dict[int, World], n: int) -> None:
    world = worlds[n]

    def away(bodies: Bodies) -> None:
        for i in range(2, 3 + world.size.t):
            del bodies[i]

    with pytest.raises(CollaborationRefused) as caught:
        world.play({"second": away})
    assert caught.value.rule == "PV-74"


@small_sizes
def test_pv74_t_plus_1_wrong_shares_make_no_proof(worlds: dict[int, World], n: int) -> None:
    world = worlds[n]
    with pytest.raises(ProofImpossible) as caught:
        world.play({"second": lie_in_second(range(1, world.size.t + 2))})
    assert caught.value.rule == "PV-74"


@small_sizes
def test_pv74_a_false_assignment_has_no_proof(worlds: dict[int, World], n: int) -> None:
    """P2-9: all members together lie about a wire; every share agrees, and nothing comes out."""
    world = worlds[n]
    with pytest.raises(ProofImpossible) as caught:
        world.play(members=world.members(wrong=1))
    assert caught.value.rule == "PV-74"


@small_sizes
def test_pv75_one_wrong_share_of_c_is_named(worlds: dict[int, World], n: int) -> None:
    world = worlds[n]
    for liar in (1, n):
        assert world.play({"second": lie_in_second([liar])}).concluded.liars == (liar,)


@pytest.mark.parametrize("n", [7, 10])
def test_pv75_two_wrong_shares_name_nobody(worlds: dict[int, World], n: int) -> None:
    played = worlds[n].play({"second": lie_in_second([2, 3])})
    assert played.concluded.liars == ()


def test_pv74_a_set_that_makes_the_proof_may_hold_liars(worlds: dict[int, World]) -> None:
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


def test_pv75_nobody_is_named_where_somebody_is_absent(worlds: dict[int, World]) -> None:
    world = worlds[7]

    def change(bodies: Bodies) -> None:
        del bodies[4]
        lie_in_second([2])(bodies)

    assert world.play({"second": change}).concluded.liars == ()


def test_pv75_three_liars_cannot_have_two_honest_members_named(worlds: dict[int, World]) -> None:
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


@small_sizes
def test_pv76_wrong_responses_are_corrected_and_named(worlds: dict[int, World], n: int) -> None:
    world = worlds[n]
    liars = list(range(1, world.size.t + 1))
    played = world.play({"third": lie_in_third(liars)})
    assert played.liars == tuple(liars)
    assert played.linked == world.play().linked
    with pytest.raises(MpcRefused) as caught:
        world.play({"third": lie_in_third(range(1, world.size.t + 2))})
    assert caught.value.rule in {"PV-4", "PV-5"}


def test_pv76_a_member_answers_one_challenge(worlds: dict[int, World]) -> None:
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


def test_pv77_coordinated_wrong_responses_give_no_link(worlds: dict[int, World]) -> None:
    """Everybody adds the same: the shares agree, the link does not hold."""
    world = worlds[4]

    def change(shares: dict[int, U64Array]) -> None:
        shares.update({i: vectors.add(share, 1) for i, share in shares.items()})

    with pytest.raises(ProofImpossible) as caught:
        world.play({"third": change})
    assert caught.value.rule == "PV-77"


def test_pv77_commitments_of_other_values_give_no_link(worlds: dict[int, World]) -> None:
    """A cell's commitment that does not hold what was computed with: t + 1 liars, or all."""
    world = worlds[4]
    other = tuple(commit([Opening(1, 2), *world.openings[1:]]))
    task = replace(world.task, commitments=other)
    with pytest.raises(ProofImpossible) as caught:
        world.play(members=world.members(task))
    assert caught.value.rule == "PV-77"


def test_pv70_parts_fit_the_statement(worlds: dict[int, World]) -> None:
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


def test_pv71_another_session_or_gate_draws_everything_anew(worlds: dict[int, World]) -> None:
    world = worlds[4]
    seen: set[object] = set()
    tasks = [
        world.task,
        replace(world.task, gate=GATE + 1),
        replace(world.task, session=SessionId(bytes(32))),
    ]
    for task in tasks:
        played = world.play(members=world.members(task))
        proof = played.linked.hidden.proof
        seen |= {proof.a, proof.b, proof.c, played.linked.hidden.d, *played.linked.link.shown}
    assert len(seen) == 3 * (4 + 3)


def test_pv73_shares_of_c_are_masked_by_a_fresh_zero(
    worlds: dict[int, World], monkeypatch: pytest.MonkeyPatch
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


def test_secrets_do_not_print(worlds: dict[int, World]) -> None:
    world = worlds[4]
    one = world.members()[1]
    assert "uint64" not in repr(Holding(to_array([1]), to_array([1]), to_array([1])))
    assert "[" not in repr(one._drawn)
    assert "object at" in repr(one)


# -- the protocol, among members that send each other messages -------------------------------------


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


def simulated(world: World, *wrong: faults.Fault, order: int | None = None) -> Outcome[Linked]:
    committee = Committee.of(world.size, b"proof")
    task = replace(world.task, session=committee.session.sid)
    values = shares_of(committee, [o.value for o in world.openings], 1)
    blindings = shares_of(committee, [o.blinding for o in world.openings], 2)
    private = shares_of(committee, from_array(world.assignment[world.key.publics + 1 :]), 3)

    def program(context: Context) -> Rounds[Linked]:
        i = context.member
        return prove(context, task, Holding(values[i], blindings[i], private[i]))

    return simulate.run(committee, program, faults=wrong, order=order)


@pytest.mark.parametrize("n", [4, 7])
@pytest.mark.parametrize("order", [None, 5])
def test_members_prove_together(worlds: dict[int, World], n: int, order: int | None) -> None:
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
    worlds: dict[int, World], number: int, order: int | None
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


def test_silence_of_t_members_stops_nobody(worlds: dict[int, World]) -> None:
    outcome = simulated(worlds[4], faults.Silent(2))
    assert set(outcome.results) >= {1, 3, 4}
    assert not {1, 3, 4} & set(outcome.errors)


def test_silence_of_more_ends_by_rule(worlds: dict[int, World]) -> None:
    outcome = simulated(worlds[4], faults.Silent(2), faults.Silent(3))
    assert outcome.results == {}
    assert {getattr(outcome.errors[i], "rule", "") for i in (1, 4)} == {"PV-72"}


def test_wrong_responses_are_corrected_in_the_protocol(worlds: dict[int, World]) -> None:
    outcome = simulated(worlds[4], faults.Wrong(2, Kind.OPEN))
    assert {outcome.results[i] for i in (1, 3, 4)} == {outcome.results[1]}
    assert all(outcome.accused(i) == {2} for i in (1, 3, 4))


def test_pv70_a_task_of_another_session_is_refused(worlds: dict[int, World]) -> None:
    world = worlds[4]
    context = Committee.of(world.size, b"proof").context(1)
    with pytest.raises(CollaborationRefused) as caught:
        next(prove(context, world.task, Holding(*[vectors.zeros(k) for k in (2, 2, 1)])))
    assert caught.value.rule == "PV-70"


def test_pv71_a_session_proves_once_at_a_gate(worlds: dict[int, World]) -> None:
    world = worlds[4]
    context = Committee.of(world.size, b"proof").context(1)
    task = replace(world.task, session=context.session.sid)
    holding = Holding(*[vectors.zeros(k) for k in (2, 2, 1)])
    next(prove(context, task, holding))
    with pytest.raises(MpcRefused) as caught:
        next(prove(context, task, holding))
    assert caught.value.rule == "PV-19"


def test_pv76_a_member_that_was_started_again_answers_no_other_challenge(
    worlds: dict[int, World],
) -> None:
    """Its journal has the challenge of before; whatever brought another one about gets nothing."""
    world = worlds[4]
    committee = Committee.of(world.size, b"proof")
    journal = MemoryJournal()
    context = committee.context(1, journal)
    task = replace(world.task, session=committee.session.sid)
    context.decide_once(task.draw().digest + task.zero().digest, b"another challenge".ljust(32))
    values = shares_of(committee, [o.value for o in world.openings], 1)
    blindings = shares_of(committee, [o.blinding for o in world.openings], 2)
    private = shares_of(committee, from_array(world.assignment[world.key.publics + 1 :]), 3)

    def program(context: Context) -> Rounds[Linked]:
        i = context.member
        return prove(context, task, Holding(values[i], blindings[i], private[i]))

    outcome = simulate.run(committee, program, journals={1: journal})
    assert getattr(outcome.errors[1], "rule", "") == "PV-16"
    assert set(outcome.results) == {2, 3, 4}
