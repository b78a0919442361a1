"""py_ecc as an independent judge of proofs: another language of pairings, the same answer."""

from __future__ import annotations

from collections.abc import Sequence

from py_ecc.optimized_bn128 import FQ, FQ2, FQ12, add, multiply, neg, pairing

from zk.backends import get
from zk.curve.bn254 import G1Affine, G2Affine
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding, Proof, VerifyingKey
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import UnsafeDevSetup


def g1(point: G1Affine) -> tuple[FQ, FQ, FQ]:
    x, y = point
    return FQ(x), FQ(y), FQ(1)


def g2(point: G2Affine) -> tuple[FQ2, FQ2, FQ2]:
    x, y = point
    return FQ2(x), FQ2(y), FQ2((1, 0))


def holds(key: VerifyingKey, public: Sequence[int], proof: Proof) -> bool:
    statement = g1(key.ic[0])
    for value, point in zip(public, key.ic[1:], strict=True):
        statement = add(statement, multiply(g1(point), value))
    product = FQ12.one()
    for left, right in (
        (neg(g1(proof.a)), g2(proof.b)),
        (g1(key.alpha), g2(key.beta)),
        (statement, g2(key.gamma)),
        (g1(proof.c), g2(key.delta)),
    ):
        product = product * pairing(right, left)
    return product == FQ12.one()


def test_py_ecc_accepts_what_we_prove_and_refuses_another_statement() -> None:
    shape, assignment = random_circuit(5, rows=7, publics=2)
    key = UnsafeDevSetup().run(shape, get("reference"))
    proof = prove(key, assignment, Blinding(3141, 5926), get("reference"))
    public = public_inputs(key, assignment)
    assert holds(key.verifying_key, public, proof)
    assert not holds(key.verifying_key, (public[0], public[1] ^ 1), proof)
