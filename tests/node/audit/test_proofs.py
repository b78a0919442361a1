"""Verdicts of batches are those of proofs verified one by one, error for error."""

from __future__ import annotations

import pytest

from node.audit.proofs import BatchVerifier
from node.core.interfaces import ProofClaim
from node.execution.verifier import GrothVerifier
from zk import backends
from zk.curve.bn254 import G1, G2
from zk.curve.encoding import g2_from_bytes
from zk.errors import NotInSubgroup
from zk.field.params import FP, FR
from zk.field.tower import Fp2
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding, Proof
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import UnsafeDevSetup


@pytest.fixture(scope="module")
def key():
    shape, _ = random_circuit(3, rows=6, publics=2)
    return UnsafeDevSetup().run(shape, backends.get())


@pytest.fixture(scope="module")
def good(key) -> list[ProofClaim]:
    _, assignment = random_circuit(3, rows=6, publics=2)
    public = tuple(public_inputs(key, assignment))
    backend = backends.get()
    return [
        ProofClaim("pool/1", public, prove(key, assignment, Blinding(n, n + 1), backend).to_bytes())
        for n in range(1, 6)
    ]


def outside() -> bytes:
    """64 bytes of a point on the twist whose order is not r."""
    for number in range(1, 200):
        x = Fp2(number, 0)
        y = (x.square() * x + G2.b).sqrt()
        if y is not None and not G2.affine(x, y).in_subgroup():
            return number.to_bytes(32, "little") + bytes(32)
    raise AssertionError


def bad(claim: ProofClaim) -> dict[str, ProofClaim]:
    proof = Proof.from_bytes(claim.proof)
    a, b, c = claim.proof[:32], claim.proof[32:96], claim.proof[96:]
    infinity = bytes(31) + b"\x40"
    raw = {
        "false": Proof(proof.c, proof.b, proof.a).to_bytes(),
        "negated": Proof((-G1.from_affine(proof.a)).to_affine(), proof.b, proof.c).to_bytes(),
        "short": claim.proof[:-1],
        "not canonical": FP.modulus.to_bytes(32, "little") + b + c,
        "infinity": infinity + b + c,
        "outside": a + outside() + c,
    }
    changed = {name: ProofClaim(claim.key_id, claim.public, data) for name, data in raw.items()}
    publics = {
        "alias": (claim.public[0] + FR.modulus, *claim.public[1:]),
        "other": (claim.public[0] + 1, *claim.public[1:]),
        "one less": claim.public[:-1],
    }
    changed |= {n: ProofClaim(claim.key_id, p, claim.proof) for n, p in publics.items()}
    return {**changed, "key": ProofClaim("other/1", claim.public, claim.proof)}


def said(errors):
    return [None if error is None else (type(error), error.id) for error in errors]


def test_aud012_batches_say_what_single_proofs_say(key, good) -> None:
    wrong = list(bad(good[0]).values())
    mixed = [x for pair in zip(good * 2, wrong, strict=True) for x in pair]
    single = GrothVerifier({"pool/1": key.verifying_key}).verify(mixed)
    batch = BatchVerifier({"pool/1": key.verifying_key})
    assert said(batch.verify(mixed)) == said(single)
    assert said(single).count(None) == len(good * 2)
    assert batch.judged == len(set(mixed)) - 1  # nothing was computed for the key that is not there


def test_s23_what_is_known_is_not_judged_again_and_by_its_full_bytes(key, good) -> None:
    verifier = BatchVerifier({"pool/1": key.verifying_key})
    false = bad(good[0])["false"]
    assert said(verifier.verify([false]))[0] is not None
    assert verifier.verify([good[0], false, good[0]])[0] is None
    assert verifier.judged == 2
    first, second = verifier.verify([false, false])
    assert first is not second  # each its own, so that no one gathers the other's frames
    assert verifier.judged == 2


def test_a_point_whose_order_was_not_checked_is_refused_by_the_batch(key, good) -> None:
    with pytest.raises(NotInSubgroup):
        g2_from_bytes(outside())
    claim = bad(good[0])["outside"]
    with pytest.raises(NotInSubgroup):
        Proof.from_bytes(claim.proof)
    assert Proof.from_bytes(claim.proof, order=False).to_bytes() == claim.proof
    for others in ([], good):
        verdicts = BatchVerifier({"pool/1": key.verifying_key}).verify([claim, *others])
        assert isinstance(verdicts[0], NotInSubgroup)
        assert not any(verdicts[1:])
