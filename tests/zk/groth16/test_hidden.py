"""Hidden inputs: what the equation with D accepts, and why that alone is no proof."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from zk.backends import get
from zk.curve.bn254 import G1, G2_GENERATOR
from zk.errors import (
    DecodeError,
    IdentityPoint,
    InvalidProof,
    NonCanonical,
    NotInSubgroup,
    ShapeMismatch,
    UnsafeKey,
    WrongLength,
)
from zk.field.arrays import U64Array, from_array, to_array
from zk.field.params import FR
from zk.groth16.example import hidden_circuit
from zk.groth16.hidden import (
    HIDDEN_PROOF_BYTES,
    HiddenProof,
    hidden_bases,
    judge_hidden,
    prove_hidden,
    verify_hidden,
)
from zk.groth16.keys import Blinding, Proof, ProvingKey, VerifyingKey
from zk.groth16.points import g1_points
from zk.groth16.setup import UnsafeDevSetup
from zk.groth16.verify import verify

R = FR.modulus
HIDDEN = 3


@dataclass(frozen=True)
class Hiding:
    """A key, an assignment of it, and a proof that hides x₁, x₂ and ν."""

    proving_key: ProvingKey
    key: VerifyingKey
    assignment: U64Array
    public: tuple[int, ...]
    secret: tuple[int, ...]
    hidden: HiddenProof


@pytest.fixture(scope="module")
def case() -> Hiding:
    shape, assignment = hidden_circuit(4)
    shape.check(assignment)
    key = UnsafeDevSetup().run(shape, get("portable"))
    hidden = prove_hidden(key, assignment, HIDDEN, Blinding(77, 99), get("portable"))
    inputs = from_array(assignment[1:5])
    return Hiding(key, key.verifying_key, assignment, tuple(inputs[:1]), tuple(inputs[1:]), hidden)


def point_of(key: VerifyingKey, values: tuple[int, ...]) -> G1:
    total = G1.identity()
    for value, base in zip(values, hidden_bases(key, len(values)), strict=True):
        total = total + value * G1.from_affine(base)
    return total


def test_a_true_statement_is_accepted(case: Hiding, backend: Any) -> None:
    verify_hidden(case.key, case.public, HIDDEN, case.hidden)
    verify_hidden(case.key, case.public, HIDDEN, case.hidden, backend)
    assert case.hidden.d == point_of(case.key, case.secret).to_affine()


def test_revealed_it_is_an_ordinary_proof(case: Hiding) -> None:
    verify(case.key, (*case.public, *case.secret), case.hidden.proof)


def test_any_nu_is_accepted_and_changes_d(case: Hiding) -> None:
    """The statement asks nothing of ν: D takes every value for the same x₁ and x₂."""
    seen = {case.hidden.d}
    for nu in (0, 1, R - 1):
        assignment = case.assignment.copy()
        assignment[4] = to_array([nu])[0]
        hidden = prove_hidden(
            case.proving_key, assignment, HIDDEN, Blinding(5, 6 + nu % 7), get("portable")
        )
        verify_hidden(case.key, case.public, HIDDEN, hidden)
        seen.add(hidden.d)
    assert len(seen) == 4


def test_a_d_for_any_statement_without_a_witness(case: Hiding, backend: Any) -> None:
    """A = α, B = β, C = −kG, D = kδ − IC₀ − Σ: the equation holds, and nothing is proved."""
    (delta,) = g1_points(case.proving_key.delta_g1)
    assert case.key.gamma == G2_GENERATOR
    k = 12345
    for lie in ((1,), (R - 1,)):
        shown = G1.from_affine(case.key.ic[0]) + lie[0] * G1.from_affine(case.key.ic[1])
        d = (k * G1.from_affine(delta) + (-shown)).to_affine()
        c = (-(k * G1.generator())).to_affine()
        forged = HiddenProof(Proof(case.key.alpha, case.key.beta, c), d)
        verify_hidden(case.key, lie, HIDDEN, forged, backend)


def test_another_shown_input_or_d_is_refused(case: Hiding, backend: Any) -> None:
    other = replace(case.hidden, d=point_of(case.key, (1, 2, 3)).to_affine())
    for public, hidden in (((case.public[0] ^ 1,), case.hidden), (case.public, other)):
        with pytest.raises(InvalidProof):
            verify_hidden(case.key, public, HIDDEN, hidden, backend)


@pytest.mark.parametrize("hidden_count", [0, 1, 2, 4, 5])
def test_more_or_fewer_hidden_inputs_are_refused(case: Hiding, hidden_count: int) -> None:
    """Whoever may choose how many are hidden hides the input that should be seen."""
    with pytest.raises(ShapeMismatch):
        verify_hidden(case.key, case.public, hidden_count, case.hidden)
    if hidden_count not in range(2, 5):
        with pytest.raises(ShapeMismatch):
            prove_hidden(
                case.proving_key, case.assignment, hidden_count, Blinding(1, 2), get("portable")
            )


def test_shown_inputs_are_canonical(case: Hiding, outside_g2: Any) -> None:
    with pytest.raises(NonCanonical):
        verify_hidden(case.key, (case.public[0] + R,), HIDDEN, case.hidden)
    outside = replace(case.hidden, proof=replace(case.hidden.proof, b=outside_g2))
    with pytest.raises(NotInSubgroup):
        verify_hidden(case.key, case.public, HIDDEN, outside, get("portable"))


def test_bytes_are_one_encoding(case: Hiding) -> None:
    data = case.hidden.to_bytes()
    assert len(data) == HIDDEN_PROOF_BYTES == 160
    assert HiddenProof.from_bytes(data) == case.hidden
    for wrong in (data[:-1], data + b"\0", b""):
        with pytest.raises(WrongLength):
            HiddenProof.from_bytes(wrong)
    with pytest.raises(IdentityPoint):
        HiddenProof.from_bytes(data[:128] + bytes(31) + b"\x40")
    with pytest.raises(DecodeError):
        HiddenProof.from_bytes(data[:128] + b"\xff" * 32)


def test_a_key_with_one_base_for_two_inputs_is_refused(case: Hiding) -> None:
    """S-11: then only the sum of two hidden values would be proved, or nothing of one."""
    ic = case.key.ic
    for wrong in ((*ic[:3], ic[2], ic[4]), (*ic[:3], None, ic[4])):
        with pytest.raises(UnsafeKey):
            replace(case.key, ic=wrong)


def test_batches_name_the_same_as_one_by_one(case: Hiding, backend: Any) -> None:
    if backend.name == "reference":
        pytest.skip("the reference takes minutes")
    good = (case.public, case.hidden)
    wrong_d = (case.public, replace(case.hidden, d=case.key.ic[1]))
    wrong_input = ((case.public[0] ^ 1,), case.hidden)
    short = ((), case.hidden)
    items = [good, wrong_d, good, short, wrong_input, good]
    verdicts = judge_hidden(case.key, items, HIDDEN, backend)
    assert [type(v) for v in verdicts] == [
        type(None), InvalidProof, type(None), ShapeMismatch, InvalidProof, type(None),
    ]  # fmt: skip
    assert judge_hidden(case.key, items[:1], HIDDEN, backend) == [None]
    assert [type(v) for v in judge_hidden(case.key, [wrong_d], HIDDEN, backend)] == [InvalidProof]
    cancelling = [
        (case.public, replace(case.hidden, d=(G1.from_affine(case.hidden.d) + sign).to_affine()))
        for sign in (G1.generator(), -G1.generator())
    ]
    assert None not in judge_hidden(case.key, cancelling, HIDDEN, backend)
