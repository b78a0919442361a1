"""Real proofs, the real verifier, the executor: what only the whole way can show."""

from __future__ import annotations

import pytest

from circuits.key_registry import DEV
from circuits.keys import KeyStore
from node.core.ids import NATIVE
from node.execution.verifier import GrothVerifier
from shielded.build import statement_prover
from zk.curve.bn254 import G1
from zk.groth16.keys import Proof, negate_g2


@pytest.mark.slow
def test_shield_and_send_with_real_proofs(make_chain, kit) -> None:
    """Accepted with a true proof, refused with any other under the same id, cache warm or cold.

    Incidents 7, 24, 25: (−A, −B, C) is a second true proof and no second transaction; a bad proof
    directly in a block is refused by the executor, whatever it has seen before.
    """
    verifier = GrothVerifier({"action/1": KeyStore().verifying_key("action/1", DEV)})
    chain = make_chain(verifier, statement_prover(profile=DEV))
    shield = chain.shield(500)
    proof = Proof.from_bytes(shield.actions[0].proof)
    negated = Proof((-G1.from_affine(proof.a)).to_affine(), negate_g2(proof.b), proof.c)
    exchanged = Proof(proof.c, proof.b, proof.a)
    bad = [
        kit.with_action(shield, proof=exchanged.to_bytes()),
        kit.with_action(shield, proof=bytes(128)),
    ]
    other = kit.with_action(shield, proof=negated.to_bytes())
    assert {tx.id for tx in (*bad, other)} == {shield.id}

    for _cold_then_warm in range(2):
        codes = [receipt.code for receipt in chain.block(*bad).receipts]
        assert codes[0] == "PRF-001"
        assert codes[1].startswith("ENC-")
    assert [r.code for r in chain.block(other, shield).receipts] == ["ok", "EX-6"]

    sent = chain.spend((kit.pay(kit.bob, 300, memo="rent"), kit.change(kit.alice, 198)), fee=1)
    foreign = kit.with_action(sent, proof=shield.actions[0].proof)
    assert [r.code for r in chain.block(foreign, sent).receipts] == ["PRF-001", "ok"]
    assert chain.wallet.balance(NATIVE).total == 198
    verifier.close()
