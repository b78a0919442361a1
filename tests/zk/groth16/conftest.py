from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from zk.backends import available, get
from zk.curve.bn254 import G2, G2Affine
from zk.field.arrays import U64Array
from zk.field.tower import Fp2
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding, Proof, ProvingKey, VerifyingKey
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import UnsafeDevSetup
from zk.interfaces import Backend
from zk.r1cs.matrices import R1CS


@dataclass(frozen=True)
class Case:
    """One circuit with everything that a proof of it needs."""

    shape: R1CS
    assignment: U64Array
    proving_key: ProvingKey
    key: VerifyingKey
    public: tuple[int, ...]
    proof: Proof


@pytest.fixture(scope="session")
def reference() -> Backend:
    return get("reference")


@pytest.fixture(scope="session", params=available())
def backend(request: pytest.FixtureRequest) -> Backend:
    return get(request.param)


@pytest.fixture(scope="session")
def a_case() -> Callable[..., Case]:
    """Makes a random circuit, its key and a proof."""

    def make(seed: int, backend: Backend, *, rows: int = 6, publics: int = 2) -> Case:
        shape, assignment = random_circuit(seed, rows=rows, publics=publics)
        shape.check(assignment)
        proving_key = UnsafeDevSetup().run(shape, backend)
        proof = prove(proving_key, assignment, Blinding(1234567, 7654321), backend)
        public = public_inputs(proving_key, assignment)
        return Case(shape, assignment, proving_key, proving_key.verifying_key, public, proof)

    return make


@pytest.fixture(scope="session")
def case(a_case: Callable[..., Case], reference: Backend) -> Case:
    return a_case(1, reference)


@pytest.fixture(scope="session")
def outside_g2() -> G2Affine:
    """On the twist, not of order r."""
    x = 0
    while True:
        x += 1
        y = (Fp2(x, 0).square() * Fp2(x, 0) + G2.b).sqrt()
        if y is not None:
            return (x, 0), y.to_ints()
