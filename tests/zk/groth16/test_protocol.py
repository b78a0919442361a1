"""The protocol: what is accepted, what is refused, and what the secrets of a setup allow."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zk.groth16.verify as verifier
from zk.curve.bn254 import G1, G2
from zk.errors import InvalidProof, NonCanonical, NotInSubgroup, ParamsError, ShapeMismatch
from zk.field.arrays import from_array, to_array
from zk.field.params import FR
from zk.groth16.example import circuit
from zk.groth16.keys import Blinding, Proof
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import DEV_SEED, UNSAFE_STAMP, ToxicWaste, UnsafeDevSetup, setup
from zk.groth16.verify import verify

R = FR.modulus


@pytest.mark.parametrize(("rows", "publics"), [(1, 1), (3, 0), (5, 1), (9, 4)])
def test_true_statements_are_accepted(a_case, backend, rows, publics) -> None:
    made = a_case(rows, backend, rows=rows, publics=publics)
    verify(made.key, made.public, made.proof)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32), r=st.integers(1, R - 1), s=st.integers(1, R - 1))
def test_every_random_circuit_and_blinding_is_accepted(a_case, reference, seed, r, s) -> None:
    made = a_case(seed, reference, rows=4, publics=2)
    proof = prove(made.proving_key, made.assignment, Blinding(r, s), reference)
    verify(made.key, made.public, proof)


def test_backend_verifies_like_the_reference_mathematics(case, backend) -> None:
    verify(case.key, case.public, case.proof, backend)
    with pytest.raises(InvalidProof):
        verify(case.key, (case.public[0], 1), case.proof, backend)


def test_backends_give_the_same_key_and_proof(case, backend, a_case) -> None:
    made = a_case(1, backend)
    assert made.key == case.key
    assert made.proof == case.proof
    for name in ("ic", "a", "b1", "b2", "c", "h"):
        assert np.array_equal(getattr(made.proving_key, name), getattr(case.proving_key, name))
    assert made.proving_key.circuit_hash == case.proving_key.circuit_hash


def test_proofs_are_blinded_and_deterministic_in_the_blinding(case, reference) -> None:
    def with_blinding(r: int, s: int) -> Proof:
        return prove(case.proving_key, case.assignment, Blinding(r, s), reference)

    first, again, other = with_blinding(5, 6), with_blinding(5, 6), with_blinding(6, 5)
    assert first == again
    assert first.a != other.a
    assert first.b != other.b
    assert first.c != other.c
    verify(case.key, case.public, first)
    verify(case.key, case.public, other)


@pytest.mark.parametrize("index", [0, 1])
def test_another_public_input_is_refused(case, index) -> None:
    public = list(case.public)
    public[index] = (public[index] + 1) % R
    with pytest.raises(InvalidProof) as caught:
        verify(case.key, public, case.proof)
    assert case.key.id in caught.value.where


def test_exchanged_public_inputs_are_refused(case) -> None:
    with pytest.raises(InvalidProof):
        verify(case.key, case.public[::-1], case.proof)


def test_missing_and_extra_public_inputs_are_refused(a_case, reference) -> None:
    """Snarkjs 0.7.6 accepts a public.json that is one value short when that value is zero."""
    zero = circuit([{2: 1}], [{1: 1}], [{}], wires=3, publics=2)
    key = UnsafeDevSetup().run(zero, reference)
    assignment = to_array([1, 25, 0])
    zero.check(assignment)
    proof = prove(key, assignment, Blinding(2, 3), reference)
    verify(key.verifying_key, (25, 0), proof)
    for wrong in ((25,), (), (25, 0, 0)):
        with pytest.raises(ShapeMismatch):
            verify(key.verifying_key, wrong, proof)


@pytest.mark.parametrize("shift", [R, -R, 2 * R, 1 << 256])
def test_public_input_aliases_are_refused(case, shift) -> None:
    """x and x + r satisfy the same equation: Semaphore #16, Nightfall #95, ZkDrops, …."""
    public = (case.public[0] + shift, case.public[1])
    with pytest.raises(NonCanonical, match="public input 0"):
        verify(case.key, public, case.proof)


@pytest.mark.parametrize("change", [0.0, 0.5])
@pytest.mark.parametrize("convert", [float, Fraction, str])
def test_a_public_input_that_is_no_integer_is_refused(backend, change, convert) -> None:
    """5.5 would be taken for 5 where it becomes limbs: another name of a number."""
    square = circuit([{1: 1}], [{1: 1}], [{2: 1}], wires=3, publics=1)
    key = UnsafeDevSetup().run(square, backend)
    proof = prove(key, to_array([1, 5, 25]), Blinding(2, 3), backend)
    verify(key.verifying_key, (5,), proof, backend)
    for engine in (backend, None):
        with pytest.raises(NonCanonical, match="public input 0"):
            verify(key.verifying_key, (convert(5 + change),), proof, engine)


def test_a_proof_of_other_points_is_refused(case) -> None:
    for changed in (
        replace(case.proof, a=case.proof.c),
        replace(case.proof, c=case.proof.a),
        replace(case.proof, b=case.key.beta),
        Proof(case.key.alpha, case.key.beta, case.proof.c),
    ):
        with pytest.raises(InvalidProof):
            verify(case.key, case.public, changed)


def test_b_outside_the_subgroup_is_refused(case, backend, outside_g2) -> None:
    proof = replace(case.proof, b=outside_g2)
    with pytest.raises(NotInSubgroup):
        verify(case.key, case.public, proof)
    with pytest.raises(NotInSubgroup):
        verify(case.key, case.public, proof, backend)


def test_a_proof_of_another_circuit_is_refused(case, a_case, reference) -> None:
    other = a_case(2, reference)
    with pytest.raises(InvalidProof):
        verify(other.key, case.public, case.proof)


def test_negated_a_and_b_are_accepted_so_a_proof_is_no_identity(case) -> None:
    """Malleability, inherent: e(−A, −B) = e(A, B). Identities never cover proof bytes (S-23)."""
    a, b = G1.from_affine(case.proof.a), G2.from_affine(case.proof.b)
    negated = Proof((-a).to_affine(), (-b).to_affine(), case.proof.c)
    assert negated.to_bytes() != case.proof.to_bytes()
    verify(case.key, case.public, negated)


def test_rerandomised_proofs_are_accepted_too(case) -> None:
    """(A/t, t·B + t·u·δ, C + u·A) for any t, u: anyone can do it without the witness."""
    t, u = 1234577, 998877
    a, b, c = (
        G1.from_affine(case.proof.a),
        G2.from_affine(case.proof.b),
        G1.from_affine(case.proof.c),
    )
    proof = Proof(
        (pow(t, -1, R) * a).to_affine(),
        (t * b + (t * u) * G2.from_affine(case.key.delta)).to_affine(),
        (c + u * a).to_affine(),
    )
    verify(case.key, case.public, proof)


def test_whoever_knows_the_toxic_waste_proves_false_statements(case) -> None:
    """Why development keys are refused outside the `dev` profile: C = (ab − αβ − Σ)/δ."""
    toxic = UnsafeDevSetup(DEV_SEED).toxic_waste(case.shape)
    lie = (111, 222)
    generator = G1.generator()
    statement = G1.from_affine(case.key.ic[0])
    for value, point in zip(lie, case.key.ic[1:], strict=True):
        statement = statement + value * G1.from_affine(point)
    product = (7 * 9 - toxic.alpha * toxic.beta) % R
    forged = pow(toxic.delta, -1, R) * (product * generator + (-statement))
    proof = Proof((7 * generator).to_affine(), (9 * G2.generator()).to_affine(), forged.to_affine())
    verify(case.key, lie, proof)


def test_an_unsatisfied_assignment_gives_no_proof(case, reference) -> None:
    wrong = case.assignment.copy()
    wrong[-1] = to_array([12345])[0]
    proof = prove(case.proving_key, wrong, Blinding(2, 3), reference)
    with pytest.raises(InvalidProof):
        verify(case.key, case.public, proof)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda w: w[:-1],
        lambda w: np.concatenate((w, w[:1])),
        lambda w: np.concatenate((to_array([2]), w[1:])),
        lambda w: np.concatenate((w[:-1], to_array([R]))),
        lambda w: np.concatenate((w[:-1], to_array([(1 << 256) - 1]))),
        lambda w: w.astype(np.int64),
    ],
)
def test_what_is_no_assignment_is_refused(case, reference, spoil) -> None:
    with pytest.raises(ShapeMismatch):
        prove(case.proving_key, spoil(case.assignment), Blinding(2, 3), reference)


def test_public_inputs_are_the_wires_after_the_one(case) -> None:
    assert (
        list(public_inputs(case.proving_key, case.assignment)) == from_array(case.assignment)[1:3]
    )


def test_progress_names_its_phases(case, reference) -> None:
    seen: list[tuple[str, float]] = []
    prove(
        case.proving_key,
        case.assignment,
        Blinding(2, 3),
        reference,
        lambda phase, share: seen.append((phase, share)),
    )
    phases = ("ntt", "msm_h", "msm_a", "msm_b1", "msm_b2", "msm_c")
    assert seen == [(phase, share) for phase in phases for share in (0.0, 1.0)]


def test_setup_reports_and_is_deterministic(case, reference) -> None:
    seen: list[str] = []
    again = UnsafeDevSetup().run(case.shape, reference, lambda phase, _share: seen.append(phase))
    assert again.verifying_key == case.key
    assert again.note == UNSAFE_STAMP
    assert set(seen) == {"scalars", "a", "b1", "b2", "c", "h", "hash"}


def test_the_secrets_of_two_circuits_differ(case, a_case, reference) -> None:
    first = UnsafeDevSetup().toxic_waste(case.shape)
    second = UnsafeDevSetup().toxic_waste(a_case(2, reference).shape)
    assert {first.tau, first.alpha, first.delta}.isdisjoint(
        {second.tau, second.alpha, second.delta}
    )
    assert first != UnsafeDevSetup("other").toxic_waste(case.shape)


@pytest.mark.parametrize("name", ["tau", "alpha", "beta", "gamma", "delta"])
@pytest.mark.parametrize("value", [0, R])
def test_secrets_outside_their_range_are_refused(name, value) -> None:
    with pytest.raises(ParamsError, match=name):
        replace(ToxicWaste(2, 3, 4, 5, 6), **{name: value})


def test_tau_in_the_domain_is_refused(case, reference) -> None:
    with pytest.raises(ParamsError, match="root of unity"):
        setup(case.shape, ToxicWaste(1, 3, 4, 5, 6), reference)


def test_the_verifier_stays_on_a_page() -> None:
    assert len(Path(verifier.__file__).read_text().splitlines()) <= 100
