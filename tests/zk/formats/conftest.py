from __future__ import annotations

from dataclasses import dataclass

import pytest

from zk.backends import get
from zk.curve.bn254 import G2, G2Affine
from zk.field.arrays import U64Array
from zk.field.tower import Fp2
from zk.formats import snarkjs
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding, Proof, ProvingKey, VerifyingKey
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import UnsafeDevSetup
from zk.r1cs.matrices import R1CS


@dataclass(frozen=True)
class Documents:
    """A true statement as snarkjs documents, and what they were made of."""

    shape: R1CS
    assignment: U64Array
    proving_key: ProvingKey
    verifying_key: VerifyingKey
    public: tuple[int, ...]
    proof: Proof
    proof_json: bytes
    public_json: bytes
    key_json: bytes


@pytest.fixture(scope="session")
def documents() -> Documents:
    backend = get("reference")
    shape, assignment = random_circuit(7, rows=5, publics=2)
    proving_key = UnsafeDevSetup().run(shape, backend)
    proof = prove(proving_key, assignment, Blinding(11, 13), backend)
    key = proving_key.verifying_key
    public = public_inputs(proving_key, assignment)
    return Documents(
        shape,
        assignment,
        proving_key,
        key,
        public,
        proof,
        snarkjs.dump(snarkjs.proof_document(proof)),
        snarkjs.dump(snarkjs.public_document(public)),
        snarkjs.dump(snarkjs.verifying_key_document(key)),
    )


@pytest.fixture(scope="session")
def outside_g2() -> G2Affine:
    """On the twist, not of order r."""
    x = 0
    while True:
        x += 1
        y = (Fp2(x, 0).square() * Fp2(x, 0) + G2.b).sqrt()
        if y is not None:
            return (x, 0), y.to_ints()
