"""Programs with a proof: what members compute is what observers are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.errors import LinkRefused
from private_exec.mpc import faults, simulate, vectors
from private_exec.mpc.context import Context
from private_exec.mpc.errors import BatchBlamed
from private_exec.mpc.labels import SessionId
from private_exec.mpc.message import Kind
from private_exec.mpc.rounds import Round, Rounds
from private_exec.mpc.shamir import Size, reconstruct
from private_exec.mpc.simulate import Committee, Outcome, shares_of
from private_exec.pedersen import Opening, commit
from private_exec.programs import clear
from private_exec.programs.functions import select
from private_exec.programs.ir import Bits, Circuit, Equal, Less, Multiply
from private_exec.programs.library import program
from private_exec.programs.program import Program, private_program
from private_exec.programs.trace import Secret
from private_exec.programs.types import Below, Input, Output, Uint
from private_exec.provable.errors import TransitionRefused
from private_exec.provable.lower import lowered, ranges
from private_exec.provable.protocol import Operands, Proved, run
from private_exec.provable.rows import Layout, shape_of
from private_exec.provable.transition import Provable, shape_of_program, verify_transition
from zk import backends
from zk.errors import CircuitError, Unsatisfied
from zk.field.arrays import U64Array, to_array
from zk.field.params import FR
from zk.r1cs.matrices import R1CS

R = FR.modulus


@private_program(
    name="choice",
    sizes={"places": 3},
    inputs={"first": Input(Uint(4), giver="one"), "place": Input(Below("places"), giver="two")},
    outputs={"same": Output(Uint(1)), "larger": Output(Uint(4))},
    leaks=("Everything, for a test.",),
)
def choice(first: Secret, place: Secret) -> Mapping[str, Secret]:
    """Has a multiplication, a comparison, an equality and a range that is no power of two."""
    return {"same": first == place, "larger": select(first < place, place, first)}


@cache
def small() -> Program:
    return choice.at()


@cache
def provable() -> Provable:
    return Provable.unsafe(small(), backends.get())


def wires_in_clear(circuit: Circuit, inputs: Sequence[int]) -> list[int]:
    """All wires of a circuit for whole numbers."""
    wires = list(inputs)
    for op in circuit.ops:
        wires.extend(clear._apply(op, wires))
    return wires


def assignment(circuit: Circuit, wires: Sequence[int], outputs: Sequence[int]) -> U64Array:
    given = circuit.given
    return to_array(v % R for v in (1, 77, *wires[:given], *outputs, 88, *wires[given:]))


def claimed(made: Program, inputs: Mapping[str, Any]) -> tuple[R1CS, Circuit, list[int], list[int]]:
    """Shape, circuit, wires and outputs of a run in the clear."""
    circuit = lowered(made)
    wires = wires_in_clear(circuit, clear.wires_of(made, inputs))
    outputs = [v for values in clear.run(made, inputs).values() for v in values]
    return shape_of_program(made), circuit, wires, outputs


@settings(max_examples=30, deadline=None)
@given(first=st.integers(0, 15), place=st.integers(0, 2))
def test_a_run_in_the_clear_satisfies_its_rows(first: int, place: int) -> None:
    shape, circuit, wires, outputs = claimed(small(), {"first": first, "place": place})
    assert outputs == [int(first == place), max(first, place)]
    shape.check(assignment(circuit, wires, outputs))


@pytest.mark.parametrize("name", ["auction", "darkpool", "funding"])
def test_the_programs_of_the_house_have_rows(name: str) -> None:
    made = program(name).at()
    shape = shape_of_program(made)
    assert shape.publics == Layout(lowered(made)).linked + 2
    circuit = lowered(made)
    inputs = [most // 3 for most in ranges(made)]
    wires = wires_in_clear(circuit, inputs)
    outputs = [form.at(wires) for _, values in circuit.outputs for form in values]
    shape.check(assignment(circuit, wires, outputs))


def test_pv67_only_products_and_bits_are_left_and_every_input_has_a_range() -> None:
    circuit = lowered(small())
    kinds = {type(op) for op in small().circuit.ops}
    assert {Less, Equal, Multiply} <= kinds
    assert {type(op) for op in circuit.ops} == {Multiply, Bits}
    checked = [op for op in circuit.ops[:3] if isinstance(op, Bits)]
    assert [(op.value.terms, op.value.constant, op.bits) for op in checked] == [
        (((0, 1),), 0, 4),
        (((1, 1),), 0, 2),
        (((1, -1),), 2, 2),
    ]
    with pytest.raises(CircuitError):
        shape_of(small().circuit, "not lowered")


def test_pv67_what_is_no_bit_is_no_part_of_a_sum_of_bits() -> None:
    """Two bits that are none can recompose as well: each has its row, or a comparison is forged."""
    shape, circuit, wires, outputs = claimed(small(), {"first": 5, "place": 1})
    shape.check(assignment(circuit, wires, outputs))
    sums = [(first, op.bits) for first, op in circuit.firsts() if isinstance(op, Bits)]
    assert sums
    for first, count in sums:
        for place in range(first, first + count - 1):
            changed = [*wires]
            changed[place] += 2
            changed[place + 1] -= 1
            with pytest.raises(Unsatisfied):
                shape.check(assignment(circuit, changed, outputs))


@private_program(
    name="divided",
    sizes={},
    inputs={"whole": Input(Uint(6), giver="one")},
    outputs={"parts": Output(Uint(16))},
    leaks=("Everything, for a test.",),
)
def divided(whole: Secret) -> Mapping[str, Secret]:
    """Divides by a power of two, by other numbers, and takes a rest."""
    parts = whole // 3 + 32 * (whole // 8) + 512 * (whole % 5)
    return {"parts": parts + 4096 * (whole // 15) + 32768 * (whole // 63)}  # 15: needs all of K


def test_pv67_a_quotient_is_the_one_whole_number_that_it_is() -> None:
    made = divided.at()
    for whole in range(64):
        shape, circuit, wires, outputs = claimed(made, {"whole": whole})
        parts = whole // 3 + 32 * (whole // 8) + 512 * (whole % 5)
        parts += 4096 * (whole // 15) + 32768 * (whole // 63)
        assert outputs == [parts]
        shape.check(assignment(circuit, wires, outputs))
    assert {type(op) for op in circuit.ops} == {Multiply, Bits}
    for index in range(circuit.given, circuit.wires):
        changed = [*wires]
        changed[index] += 1
        with pytest.raises(Unsatisfied):
            shape.check(assignment(circuit, changed, outputs))


@pytest.mark.parametrize(("first", "place"), [(16, 0), (-1, 0), (0, 3), (0, -1), (R // 2, 1)])
def test_pv67_an_input_outside_its_range_has_no_witness(first: int, place: int) -> None:
    """Whatever the bits are: here those of the number itself, cut to their length."""
    shape, circuit, wires, _ = claimed(small(), {"first": 0, "place": 0})
    wires = [first, place]
    for op in circuit.ops:
        operands = [operand.at(wires) % R for operand in op.operands]
        match op:
            case Multiply():
                wires.append(operands[0] * operands[1] % R)
            case Bits():
                wires.extend(operands[0] >> i & 1 for i in range(op.bits))
    outputs = [form.at(wires) for _, values in circuit.outputs for form in values]
    with pytest.raises(Unsatisfied) as caught:
        shape.check(assignment(circuit, wires, outputs))
    assert caught.value.clause == "bits"


def test_pv67_every_wire_and_output_is_held() -> None:
    """One wire changed breaks a row: nothing that members computed is only believed."""
    shape, circuit, wires, outputs = claimed(small(), {"first": 9, "place": 2})
    for index in range(circuit.given, circuit.wires):
        changed = [*wires]
        changed[index] += 1
        with pytest.raises(Unsatisfied):
            shape.check(assignment(circuit, changed, outputs))
    for index in range(len(outputs)):
        changed = [*outputs]
        changed[index] += 1
        with pytest.raises(Unsatisfied) as caught:
            shape.check(assignment(circuit, wires, changed))
        assert caught.value.clause == "output"


# -- sessions --------------------------------------------------------------------------------------

INPUTS = {"first": 1, "place": 2}
BLINDINGS = (1001, 1002)
NEW = (2001, 2002)


def committee(n: int = 4) -> Committee:
    return Committee.of(Size.of(n), b"provable")


def session(*wrong: faults.Fault, commitments: Any = None, n: int = 4) -> Outcome[Proved]:
    return session_of(provable(), INPUTS, *wrong, commitments=commitments, n=n)


def session_of(
    made: Provable,
    inputs: Mapping[str, Any],
    *wrong: faults.Fault,
    commitments: Any = None,
    n: int = 4,
) -> Outcome[Proved]:
    members, numbers = committee(n), clear.wires_of(made.program, inputs)
    old = range(BLINDINGS[0], BLINDINGS[0] + len(numbers))
    openings = [Opening(v, b) for v, b in zip(numbers, old, strict=True)]
    known = tuple(commit(openings)) if commitments is None else commitments
    values, blindings = shares_of(members, numbers, 1), shares_of(members, old, 2)
    new = shares_of(members, range(NEW[0], NEW[0] + len(made.layout.outputs)), 3)

    def protocol(context: Context) -> Rounds[Proved]:
        i = context.member
        return run(context, made, Operands(values[i], blindings[i], known), new[i])

    return simulate.run(members, protocol, faults=wrong)


def verify(proved: Proved, **changes: Any) -> None:
    numbers = clear.wires_of(small(), INPUTS)
    arguments: dict[str, Any] = {
        "program": small(),
        "key": provable().verifying_key,
        "session": committee().session.sid,
        "inputs": commit([Opening(v, b) for v, b in zip(numbers, BLINDINGS, strict=True)]),
        "outputs": proved.outputs,
        "linked": proved.linked,
        "backend": backends.get(),
    }
    verify_transition(**(arguments | changes))


@cache
def honest() -> Outcome[Proved]:
    return session()


def test_a_session_proves_what_it_computed() -> None:
    outcome = honest()
    assert outcome.errors == {}
    proved = outcome.results[1]
    assert len({p.linked for p in outcome.results.values()}) == 1
    verify(proved)
    expected = [v for values in clear.run(small(), INPUTS).values() for v in values]
    assert expected == [0, 2]
    assert list(proved.outputs) == commit(
        [Opening(v, b) for v, b in zip(expected, NEW, strict=True)]
    )
    shares = {i: p.values for i, p in outcome.results.items()}
    assert vectors.ints(reconstruct(Size.of(4), shares, 1)) == expected
    assert not any(context.faults for context in outcome.contexts.values())


@pytest.mark.parametrize(
    "fault",
    [
        faults.Silent(2, since=6),
        faults.Wrong(2, Kind.OPEN),
        faults.Rewritten(2, Kind.POINT, lambda body: body[::-1]),
        faults.Rewritten(2, Kind.POINT, lambda body: b"\xff" * len(body)),
        faults.Unsigned(2, Kind.POINT),
    ],
    ids=["silent", "wrong openings", "no points", "not canonical", "not signed"],
)
def test_one_member_of_four_cannot_change_the_proof(fault: faults.Fault) -> None:
    outcome = session(fault)
    assert {1, 3, 4} <= set(outcome.results)
    for i in (1, 3, 4):
        verify(outcome.results[i])
        assert outcome.results[i].outputs == honest().results[1].outputs


def lying(member: int) -> list[faults.Fault]:
    """Another body in every phase but the one in which products are said."""
    said = (Kind.ECHO, Kind.FIX, Kind.VOTE, Kind.REVEAL, Kind.POINT)
    return [
        faults.Wrong(member, Kind.OPEN, by=member),
        *(faults.Rewritten(member, kind, lambda body: body[::-1]) for kind in said),
    ]


def test_two_of_seven_that_lie_in_every_phase_are_named_and_change_nothing() -> None:
    outcome = session(*lying(2), *lying(6), n=7)
    assert {m.header.kind for m in outcome.messages if m.sender == 2} >= {
        *(Kind.OPEN, Kind.ECHO, Kind.FIX, Kind.VOTE, Kind.POINT)
    }
    for i in (1, 3, 4, 5, 7):
        verify(outcome.results[i])
        assert outcome.results[i].outputs == honest().results[1].outputs
        assert outcome.accused(i) == {2, 6}


def test_pv17_two_of_seven_that_also_say_wrong_products_are_named_and_nothing_is_used() -> None:
    products = [faults.Wrong(i, Kind.PRODUCT) for i in (2, 6)]
    outcome = session(*lying(2), *lying(6), *products, n=7)
    assert outcome.results == {}
    for i in (1, 3, 4, 5, 7):
        error = outcome.errors[i]
        assert isinstance(error, BatchBlamed)
        assert (error.rule, error.liars) == ("PV-17", (2, 6))
    assert not any(message.header.kind is Kind.POINT for message in outcome.messages)


def test_what_members_send_each_other_does_not_depend_on_a_losing_bid() -> None:
    """Lowered, committed and proved, as on a chain: the same messages, of the same lengths."""
    made = Provable.unsafe(program("auction").at(bidders=2), backends.get())
    cases = {"bids": [900, 1], "reserve": 500}, {"bids": [2**32 - 1, 499], "reserve": 500}
    first, second = (session_of(made, inputs) for inputs in cases)
    assert first.sent == second.sent
    assert {one.kind for one in first.sent} >= {Kind.OPEN, Kind.PRODUCT, Kind.VOTE, Kind.POINT}
    for outcome in (first, second):
        shares = {i: p.values for i, p in outcome.results.items()}
        assert vectors.ints(reconstruct(Size.of(4), shares, 1)) == [0, 500]


def test_pv69_a_wrong_point_of_an_output_is_named() -> None:
    """The first round of points is that of the outputs' commitments."""
    outcome = session(faults.Rewritten(3, Kind.POINT, lambda body: body[::-1]))
    assert all(
        {fault.rule for fault in outcome.contexts[i].faults if fault.member == 3} >= {"PV-69"}
        for i in (1, 2, 4)
    )


def test_pv69_too_few_points_end_it() -> None:
    outcome = session(
        *(faults.Rewritten(i, Kind.POINT, lambda body: b"\xff" * len(body)) for i in (2, 3))
    )
    assert {getattr(outcome.errors[i], "rule", "") for i in (1, 4)} == {"PV-69"}


@dataclass(frozen=True)
class Since(faults.Shifted):
    """The same, from the members' so many-th opening on."""

    skip: int = 0
    seen: list[int] = field(default_factory=list)

    def speak(self, member: int, asked: Round) -> Round:
        if asked.kind is not self.kind:
            return asked
        self.seen.append(member)
        if self.seen.count(member) <= self.skip:
            return asked
        return super().speak(member, asked)


@pytest.mark.parametrize("opening", range(3, 8))
def test_pv74_t_plus_1_members_that_agree_on_a_wrong_opening_get_no_proof(opening: int) -> None:
    """P2-9: 1 and 2 move what is opened, so that their shares and those of 3 are of one value.

    Correction takes it, for 2t + 1 agree, holds honest 4 for the liar, and computes on with a false
    value. The rows do not hold of what comes out, in whichever opening of the program it was.
    """
    outcome = session(Since([1, 2], Kind.OPEN, [-3, 1], skip=opening))
    assert outcome.results == {}
    assert {getattr(outcome.errors[i], "rule", "") for i in (3, 4)} == {"PV-74"}
    assert 4 in outcome.accused(3)


@pytest.mark.parametrize("opening", range(3))
def test_pv17_in_preparation_they_are_caught_before_anything_is_computed(opening: int) -> None:
    outcome = session(Since([1, 2], Kind.OPEN, [-3, 1], skip=opening))
    assert outcome.results == {}
    assert {getattr(outcome.errors[i], "rule", "") for i in (3, 4)} <= {"PV-17", "PV-74"}


def test_pv77_t_plus_1_members_that_agree_on_wrong_responses_get_no_link() -> None:
    outcome = session(Since([1, 2], Kind.OPEN, [-3, 1], skip=8))
    assert outcome.results == {}
    assert {getattr(outcome.errors[i], "rule", "") for i in (3, 4)} == {"PV-77"}


def test_pv68_a_proof_is_of_one_session_and_of_these_cells() -> None:
    proved = honest().results[1]
    numbers = clear.wires_of(small(), INPUTS)
    inputs = commit([Opening(v, b) for v, b in zip(numbers, BLINDINGS, strict=True)])
    for change in (
        {"session": SessionId(bytes(32))},
        {"inputs": inputs[::-1]},
        {"inputs": inputs[:1]},
        {"outputs": proved.outputs[::-1]},
        {"outputs": (*proved.outputs, inputs[0])},
        {"linked": replace(proved.linked, context=bytes(32))},
        {"linked": replace(proved.linked, public=(1,))},
    ):
        with pytest.raises(TransitionRefused) as caught:
            verify(proved, **change)
        assert caught.value.rule == "PV-68"


def test_pv68_commitments_beside_the_proof_are_linked() -> None:
    """The same list in the proof and from the chain, but not the one that the link is about."""
    proved = honest().results[1]
    swapped = proved.outputs[::-1]
    linked = replace(proved.linked, commitments=(*proved.linked.commitments[:2], *swapped))
    with pytest.raises(LinkRefused):
        verify(proved, outputs=swapped, linked=linked)


def test_cells_that_do_not_hold_what_members_have_give_no_proof() -> None:
    """c and Com that disagree: nothing false is proved of Com."""
    outcome = session(commitments=tuple(commit([Opening(3, 1001), Opening(2, 1002)])))
    assert {getattr(error, "rule", "") for error in outcome.errors.values()} == {"PV-77"}


def test_pv78_a_key_of_another_program_is_refused() -> None:
    with pytest.raises(TransitionRefused) as caught:
        Provable(program("auction").at(bidders=2), provable().key)
    assert caught.value.rule == "PV-78"
    with pytest.raises(TransitionRefused) as caught:
        verify(honest().results[1], program=program("auction").at(bidders=2))
    assert caught.value.rule == "PV-78"


def test_pv79_a_session_reads_the_cells_that_the_program_has() -> None:
    context = committee().context(1)
    none = vectors.zeros(0)
    for operands, new in (
        (Operands(none, none, ()), vectors.zeros(2)),
        (Operands(vectors.zeros(2), vectors.zeros(2), (None, None)), none),
    ):
        with pytest.raises(TransitionRefused) as caught:
            next(run(context, provable(), operands, new))
        assert caught.value.rule == "PV-79"


def test_two_sizes_of_a_program_are_two_statements() -> None:
    names = {shape_of_program(program("auction").at(bidders=n)).name for n in (2, 3)}
    assert len(names) == 2
