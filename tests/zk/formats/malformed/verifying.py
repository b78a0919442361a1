"""What `chiaro verify` is handed: the inputs that other verifiers let pass, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from malformed.case import made, outside_g2
from malformed.documents import Edit, plus, put
from zk.curve.bn254 import G1, G2
from zk.field.params import FP, FR
from zk.formats import snarkjs
from zk.groth16.keys import Proof


@dataclass(frozen=True)
class Handed:
    """A change of one of the three documents, and the answer.

    Attributes:
        what: the row of the table.
        document: which one is changed.
        edit: how.
        code: of the refusal, or of the item that does not hold; empty where it is valid.
        exit_code: 0 valid, 1 invalid, 3 malformed.
    """

    what: str
    document: Literal["proof", "public"]
    edit: Edit
    code: str
    exit_code: int


def _twin(document: object) -> object:
    """(−A, −B, C)."""
    proof = made().proof
    a, b = (-G1.from_affine(proof.a)).to_affine(), (-G2.from_affine(proof.b)).to_affine()
    twin = snarkjs.proof_document(Proof(a, b, proof.c))
    assert document != twin
    return twin


def rerandomised() -> dict[str, object]:
    """(A/2, 2B + 2δ, C + A): another proof of the same, as anyone can make one."""
    proof, key = made().proof, made().key.verifying_key
    a, c = G1.from_affine(proof.a), G1.from_affine(proof.c)
    half = pow(2, -1, FR.modulus)
    b = 2 * G2.from_affine(proof.b) + 2 * G2.from_affine(key.delta)
    return snarkjs.proof_document(Proof((half * a).to_affine(), b.to_affine(), (c + a).to_affine()))


HANDED = [
    Handed("one public input too few", "public", lambda d: d[:-1], "PRF-013", 3),
    Handed("one public input too many", "public", lambda d: [*d, "0"], "PRF-013", 3),
    Handed("a public input plus r", "public", put(0, to=plus(FR.modulus)), "PRF-014", 3),
    Handed("a coordinate of A plus q", "proof", put("pi_a", 0, to=plus(FP.modulus)), "PRF-015", 3),
    Handed("another protocol", "proof", put("protocol", to="plonk"), "PRF-011", 3),
    Handed("another curve", "proof", put("curve", to="bls12381"), "PRF-012", 3),
    Handed(
        "B on the twist, outside G2",
        "proof",
        put("pi_b", to=lambda _: snarkjs.g2_text(outside_g2())),
        "PRF-019",
        3,
    ),
    Handed("A at infinity", "proof", put("pi_a", to=["0", "1", "0"]), "PRF-020", 3),
    Handed("(−A, −B, C)", "proof", _twin, "", 0),
    Handed("(A/2, 2B + 2δ, C + A)", "proof", lambda _: rerandomised(), "", 0),
    Handed(
        "another public input",
        "public",
        put(0, to=lambda text: str((int(text) + 1) % FR.modulus)),
        "PRF-001",
        1,
    ),
]
