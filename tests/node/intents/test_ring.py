"""Three wallets, three assets, real proofs: a ring becomes one transaction that the chain takes."""

from __future__ import annotations

import pytest

from circuits.key_registry import DEV
from circuits.keys import KeyStore
from node.core.ids import NATIVE
from node.execution.verifier import GrothVerifier
from node.intents.check import check_settlement
from node.intents.settlement import Settlement
from node.intents.worker import Limits, run_solver
from shielded.build import statement_prover
from shielded.transaction import ShieldedTx


@pytest.mark.slow
def test_a_ring_of_three_wallets_with_real_proofs(make_market) -> None:
    """The solver is a process of its own; the executor verifies nine proofs and more.

    A settlement with a foreign proof in it is refused; the true one settles once and not twice.
    """
    verifier = GrothVerifier({"action/1": KeyStore().verifying_key("action/1", DEV)})
    market = make_market(verifier, statement_prover(profile=DEV))
    market.fund()
    gold, silver, copper = market.metals
    for wallet, kind in zip(market.wallets, market.metals, strict=True):
        assert wallet.balance(kind).total == 100
    batch = market.batch(*market.ring(fee=2))
    problem = market.problem(batch)
    assert len(problem.entries) == 3
    settlement = run_solver("cycles", problem, limits=Limits(seconds=60))
    (component,) = settlement.components
    outcome = check_settlement(batch, settlement, market.view(), market.registry)
    assert not outcome.refused
    assert outcome.score == 3

    tx = ShieldedTx.from_bytes(component.tx)
    data = component.tx.replace(tx.actions[0].proof, tx.actions[1].proof)
    forged = Settlement(batch.id, (type(component)(component.intents, data),))
    (refusal,) = check_settlement(batch, forged, market.view(), market.registry).refused
    assert refusal[1].id == "IN-18"

    assert [receipt.code for receipt in market.block(tx).receipts] == ["ok"]
    for who, kind in enumerate((silver, copper, gold)):
        assert market.wallets[who].balance(kind).total == 60
        assert market.wallets[who].balance(market.metals[who]).total == 40
        assert market.wallets[who].balance(NATIVE).total == 18
    (again,) = check_settlement(batch, settlement, market.view(), market.registry).refused
    assert again[1].id == "IN-10"
    verifier.close()
