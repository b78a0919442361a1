"""EX-17 and EX-3 with real proofs of small circuits under real keys."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from node.core.block import Transaction
from node.core.ids import Height
from node.core.interfaces import ProofClaim
from node.execution.errors import fresh
from node.execution.mempool import Mempool, MempoolLimits
from node.execution.verifier import GrothVerifier
from zk import backends
from zk.curve.bn254 import G1, G2
from zk.errors import (
    BackendError,
    InvalidProof,
    NonCanonical,
    ShapeMismatch,
    UnknownKey,
    WrongLength,
)
from zk.field.params import FR
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding, Proof, VerifyingKey
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import UnsafeDevSetup


@dataclass(frozen=True)
class Case:
    key: VerifyingKey
    claim: ProofClaim

    def claims(self, **changes) -> ProofClaim:
        fields = {
            "key_id": self.claim.key_id,
            "public": self.claim.public,
            "proof": self.claim.proof,
        }
        return ProofClaim(**{**fields, **changes})

    @property
    def mirrored(self) -> bytes:
        """(−A, −B, C) proves the same: another proof, no other statement (incident 7)."""
        proof = Proof.from_bytes(self.claim.proof)
        a, b = -G1.from_affine(proof.a), -G2.from_affine(proof.b)
        return Proof(a.to_affine(), b.to_affine(), proof.c).to_bytes()

    @property
    def wrong(self) -> bytes:
        """Well-formed, and proves nothing."""
        proof = Proof.from_bytes(self.claim.proof)
        return Proof(proof.c, proof.b, proof.a).to_bytes()


@pytest.fixture(scope="session")
def case() -> Case:
    backend = backends.get()
    shape, assignment = random_circuit(3, rows=6, publics=2)
    key = UnsafeDevSetup().run(shape, backend)
    proof = prove(key, assignment, Blinding(1234567, 7654321), backend)
    claim = ProofClaim("pool/1", tuple(public_inputs(key, assignment)), proof.to_bytes())
    return Case(key.verifying_key, claim)


class Counting:
    """A backend that counts products of pairings of proofs; what a key prepares has none fixed."""

    def __init__(self):
        self._backend = backends.get()
        self.pairings = 0
        self.broken = False

    def __getattr__(self, name):
        return getattr(self._backend, name)

    def pairing_product(self, g1, g2, fixed_g1, fixed):
        if self.broken:
            raise BackendError("out of order")
        self.pairings += len(fixed_g1) > 0
        return self._backend.pairing_product(g1, g2, fixed_g1, fixed)


@pytest.fixture
def backend() -> Counting:
    return Counting()


@pytest.fixture
def verifier(case, backend):
    verifier = GrothVerifier({"pool/1": case.key}, backend, workers=2)
    yield verifier
    verifier.close()


def test_ex17_every_byte_of_a_claim_counts(case, verifier):
    assert verifier.verify([case.claim]) == [None]
    x, y = case.claim.public
    proof = case.claim.proof
    changed = {
        case.claims(key_id="pool/2"): UnknownKey,
        case.claims(public=(x, (y + 1) % FR.modulus)): InvalidProof,
        case.claims(public=(x, y + FR.modulus)): NonCanonical,
        case.claims(public=(x,)): ShapeMismatch,
        case.claims(public=(x, y, 0)): ShapeMismatch,
        case.claims(proof=case.wrong): InvalidProof,
        case.claims(proof=proof + b"\0"): WrongLength,
        case.claims(proof=proof[:-1]): WrongLength,
        case.claims(proof=b""): WrongLength,
    }
    for _ in ("cold", "warm"):
        for claim, error in changed.items():
            assert type(verifier.verify([claim])[0]) is error, claim.key_id
    assert verifier.verify([case.claim, case.claims(proof=case.mirrored)]) == [None, None]


def test_ex17_a_flipped_bit_anywhere_in_the_proof_is_another_claim(case, verifier):
    assert verifier.verify([case.claim]) == [None]
    flipped = []
    for at in range(0, 8 * 128, 37):
        data = bytearray(case.claim.proof)
        data[at // 8] ^= 1 << at % 8
        flipped.append(case.claims(proof=bytes(data)))
    assert all(error is not None for error in verifier.verify(flipped))
    assert verifier.verify([case.claim]) == [None]


def test_ex17_no_claim_is_computed_twice_whatever_the_verdict(case, verifier, backend):
    wrong = case.claims(proof=case.wrong)
    batch = [case.claim, wrong, case.claim, wrong]
    verdicts = verifier.verify(batch)
    assert [type(v) for v in verdicts] == [type(None), InvalidProof] * 2
    assert backend.pairings == 2
    again = verifier.verify(batch)
    assert backend.pairings == 2
    assert again[1] is not verdicts[1], "each caller gets its own error to raise"
    assert (again[1].message, again[1].where) == (verdicts[1].message, verdicts[1].where)


def test_ex17_the_cache_is_bounded(case, backend):
    verifier = GrothVerifier({"pool/1": case.key}, backend, workers=1, most_verdicts=2)
    wrong = case.claims(proof=case.wrong)
    other = case.claims(proof=case.mirrored)
    for claim in (case.claim, wrong, other):
        verifier.verify([claim])
    assert backend.pairings == 3
    verifier.verify([wrong, other])
    assert backend.pairings == 3
    verifier.verify([case.claim])
    assert backend.pairings == 4


def test_many_claims_on_threads_keep_their_order(case, verifier):
    x, y = case.claim.public
    claims = [case.claims(public=(x, (y + i) % FR.modulus)) for i in range(12)]
    claims[7] = case.claims(proof=case.mirrored)
    assert [v is None for v in verifier.verify(claims)] == [i in {0, 7} for i in range(12)]
    assert verifier.verify([]) == []


def test_ex16_a_broken_backend_says_nothing_of_a_claim(case, verifier, backend):
    backend.broken = True
    with pytest.raises(BackendError):
        verifier.verify([case.claim])
    backend.broken = False
    assert verifier.verify([case.claim]) == [None], "and nothing was remembered"


def test_a_kept_error_is_raised_through_a_twin():
    error = InvalidProof("why", where="there", fix="so")
    twin = fresh(error)
    assert type(twin) is InvalidProof
    assert (str(twin), twin.where, twin.fix) == ("why", "there", "so")
    with pytest.raises(InvalidProof):
        raise twin
    assert error.__traceback__ is None


# --- in blocks -----------------------------------------------------------------------------------


class Bound:
    """Makes the pool's claims over the circuit's public inputs."""

    def __init__(self, world, case):
        self.world, self.case = world, case
        world.pool.claims = lambda tx: tuple(case.claims(proof=bytes.fromhex(p)) for p in tx.proofs)

    def tx(self, proof: bytes, salt: int = 0) -> bytes:
        fields = {"consumes": (f"{salt + 1:064x}",), "proofs": (proof.hex(),), "salt": salt}
        return self.world.pooled(**fields)


@pytest.mark.parametrize("warm", [False, True])
def test_ex3_a_bad_proof_directly_in_a_block_with_the_cache_cold_and_warm(
    make_world, case, verifier, warm
):
    world = make_world(verifier=verifier)
    bound = Bound(world, case)
    good, bad = bound.tx(case.claim.proof), bound.tx(case.wrong)
    envelopes = [json.loads(Transaction.from_bytes(tx).payload) for tx in (good, bad)]
    assert {**envelopes[0], "proofs": 0} == {**envelopes[1], "proofs": 0}
    if warm:  # the mempool has seen the honest one; the id is the same
        checked = world.executor.check([good], world.state, Height(1))
        assert checked[0].error is None
        world.executor.check_block([good], Height(1))
    with pytest.raises(InvalidProof) as refused:
        world.executor.check_block([good, bad], Height(1))
    assert refused.value.where.startswith("transaction 1")
    assert world.block(bad, good) == ["PRF-001", "ok"]
    assert world.receipts[0].tx_id == world.receipts[1].tx_id


def test_ex21_a_garbage_proof_does_not_shut_out_the_honest_copy(make_world, case, verifier):
    world = make_world(verifier=verifier)
    bound = Bound(world, case)
    pool = Mempool(world.executor, world.latest, MempoolLimits(fee_floor=0))
    bad, good = bound.tx(case.wrong), bound.tx(case.claim.proof)
    mirrored = bound.tx(case.mirrored)
    refused = pool.add(bad)
    assert isinstance(refused.error, InvalidProof)
    taken = pool.add(good)
    assert taken.error is None
    assert taken.tx_id == refused.tx_id
    assert isinstance(pool.add(bad).error, InvalidProof)
    assert pool.add(mirrored).error is None, "the same transaction, pending already"
    assert pool.pending(10**6) == [good]
