"""The verifier of Groth16 (eprint 2016/260, section 3.2): the whole of it.

A proof (A, B, C) of public inputs x₁ … xₙ is accepted if and only if

    e(A, B) = e(α, β) · e(IC₀ + Σ xᵢ·ICᵢ, γ) · e(C, δ)

and every value is what it claims to be: exactly n inputs, each in [0, r), points on their curves,
none at infinity, B in the subgroup. The key was checked when it was constructed (rule S-11).

Accepted proofs are malleable: (−A, −B, C) verifies too. A proof is no identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from zk.curve.bn254 import G1, G2, G1Affine, check_g2
from zk.curve.pairing import pairing_product_is_one
from zk.errors import InvalidProof, NonCanonical, NotInSubgroup, ShapeMismatch
from zk.field.params import FR
from zk.groth16.keys import Proof, VerifyingKey
from zk.groth16.points import g1_rows
from zk.groth16.verify_key import prepare, proof_rows
from zk.interfaces import Backend


def verify(
    key: VerifyingKey,
    public: Sequence[int],
    proof: Proof,
    backend: Backend | None = None,
    hidden: G1Affine = None,
) -> None:
    """Accept by returning, refuse by raising.

    Args:
        key: verifying key of the statement.
        public: the public inputs, in order, without the constant one.
        proof: the proof.
        backend: what computes; without one, the reference mathematics of `zk.curve`.
        hidden: a point added to Σ xᵢ·ICᵢ; for `zk.groth16.hidden` alone.

    Raises:
        ShapeMismatch: not exactly as many inputs as the key has.
        NonCanonical: an input that is no integer in [0, r): it would be a second name of a number.
        NotInSubgroup: B is outside G2.
        InvalidProof: the equation does not hold.
    """
    check_public(key, public)
    by = _by_reference if backend is None else partial(_by, backend)
    if not by(key, public, proof, hidden):
        raise InvalidProof("the pairing equation does not hold", where=f"key {key.id}")


def check_public(key: VerifyingKey, public: Sequence[int]) -> None:
    """Count and range of public inputs."""
    if len(public) != key.publics:
        raise ShapeMismatch(
            f"the key has {key.publics} public inputs, not {len(public)}",
            why="a missing input would be taken for zero",
            fix="give every public input, in the statement's order",
        )
    values: Sequence[object] = public  # what callers pass, not what they promise
    for index, value in enumerate(values):
        if not isinstance(value, int) or not 0 <= value < FR.modulus:
            raise NonCanonical(
                f"public input {index} is no integer in [0, r)", where=f"public[{index}]"
            )


def _by_reference(key: VerifyingKey, public: Sequence[int], proof: Proof, d: G1Affine) -> bool:
    check_g2(proof.b, what="proof.b")
    statement = G1.from_affine(key.ic[0]) + G1.from_affine(d)
    for value, point in zip(public, key.ic[1:], strict=True):
        statement = statement + value * G1.from_affine(point)
    return pairing_product_is_one(
        (p, G2.from_affine(q, subgroup=False))
        for p, q in (
            (-G1.from_affine(proof.a), proof.b),
            (G1.from_affine(key.alpha), key.beta),
            (statement, key.gamma),
            (G1.from_affine(proof.c), key.delta),
        )
    )


def _by(backend: Backend, key: VerifyingKey, public: Sequence[int], p: Proof, d: G1Affine) -> bool:
    """e(A, B) · e(Σ, −γ) · e(C, −δ) = e(α, β), with what depends on the key alone prepared."""
    prepared = prepare(key, backend)
    a, b, c = proof_rows([p])
    added = g1_rows([] if d is None else [d])
    fixed = np.concatenate([prepared.statement_point(backend, [1, *public], added), c])
    inside, product = backend.pairing_product(a, b, fixed, prepared.fixed)
    if not inside.all():
        raise NotInSubgroup("proof.b is outside BN254's G2", where="proof.b")
    return bool((product == prepared.alpha_beta).all())
