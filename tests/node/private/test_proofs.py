"""Donations and claims with real proofs: what is verified, and what no proof of another fits."""

from __future__ import annotations

import dataclasses

import pytest

from circuits.key_registry import DEV
from circuits.keys import KeyStore
from node.app.development import statements_of
from node.core.ids import EnvironmentId, Height, Kind
from node.core.interfaces import TxContext
from node.core.private import DONATION, TRANSIT
from node.execution.verifier import GrothVerifier
from node.private import state as entries
from node.private import statements
from node.private.errors import PrivateRefused
from node.private.prove import linked_prover
from node.testing.ledger import real_prover
from node.testing.private import PARAMETERS, PrivateChain, assert_ok


@pytest.fixture(scope="module")
def real() -> PrivateChain:
    """A chain that believes nothing."""
    keys = KeyStore()
    verifier = GrothVerifier(
        {name: keys.verifying_key(name, DEV) for name in statements_of(PARAMETERS)}
    )
    prover = linked_prover(profile=DEV, keys=keys)
    found = PrivateChain(verifier=verifier, prove=real_prover(), linked=prover)
    found.start(notes=8)
    return found


def verdicts(chain: PrivateChain, tx) -> list[str]:
    env = chain.ledger.executor._environments[EnvironmentId.PRIVATE]
    found = chain.ledger.executor.intake.verify(env.claims(tx))
    return ["ok" if error is None else getattr(error, "rule", error.code) for error in found]


def test_pv110_a_donation_is_proved_for_its_round_project_owner_and_commitments(real):
    identity, other = real.open_round(), real.open_round()
    given = real.give(identity, 0, 100, 0)
    assert verdicts(real, given.tx) == ["ok", "ok"]
    twin = real.give(identity, 0, 100, 1)
    named = given.tx.given

    def refused(**changes) -> None:
        """The same proof, and a carried transaction that names the changed message."""
        moved = dataclasses.replace(named, **changes)
        value = dataclasses.replace(
            given.tx.carried.hidden_values[0], reference=moved.reference, cv=moved.cv
        )
        carried = dataclasses.replace(given.tx.carried, hidden_values=(value,))
        tx = dataclasses.replace(given.tx, given=moved, carried=carried)
        assert verdicts(real, tx)[0] == "PV-63", changes

    refused(project=1)
    refused(round=other)
    refused(members=named.members + 1)
    refused(nullifier=twin.tx.given.nullifier)
    refused(cv=twin.tx.given.cv)
    refused(input=twin.tx.given.input)
    for field in ("proof", "point", "link"):
        linked = dataclasses.replace(given.tx.linked, **{field: getattr(twin.tx.linked, field)})
        assert verdicts(real, dataclasses.replace(given.tx, linked=linked))[0] == "PV-63"
    assert_ok(real.run(given.tx))


def test_pv110_the_kind_is_that_of_the_value_that_moves(real):
    identity = real.open_round()
    given = real.give(identity, 0, 100, 2)
    value = dataclasses.replace(given.tx.carried.hidden_values[0], kind=Kind(0, 99))
    carried = dataclasses.replace(given.tx.carried, hidden_values=(value,))
    tx = dataclasses.replace(given.tx, carried=carried)
    assert verdicts(real, tx)[0] == "PV-63"
    off = dataclasses.replace(given.tx.given, cv=b"\xff" * 32)
    assert off.reference != given.tx.given.reference
    with pytest.raises(PrivateRefused) as caught:
        statements.claims_of(dataclasses.replace(given.tx, given=off))
    assert caught.value.rule == "PV-111"


def test_a_round_with_real_proofs_and_a_claim(real):
    identity = real.open_round(0, 10**9)
    given = [real.donate(identity, project, 100, 3 + project) for project in range(2)]
    terms = entries.round_of(real.state, identity).terms
    real.to(terms.close)
    assert_ok(real.run(real.accept(identity, given)))
    real.to(terms.accept)
    assert_ok(real.run(real.sums(identity)))
    assert_ok(real.run(real.settle(identity)))
    claim = real.claim(given[1])
    context = TxContext(real.genesis.chain_id, Height(real.height + 1))
    env = real.ledger.executor._environments[EnvironmentId.PRIVATE]
    env.check_stateless(claim, context)
    assert [item.key_id for item in env.claims(claim)] == [TRANSIT, "action/1"]
    assert [item.key_id for item in env.claims(given[0].tx)] == [DONATION, "action/1"]
    # the proof of another claim does not fit, nor one for a larger amount
    foreign = dataclasses.replace(claim, linked=real.linked(_larger(real, given[1])))
    assert verdicts(real, foreign)[0] == "PV-63"
    assert real.codes(foreign) == ["PV-63"]
    assert_ok(real.run(claim))
    with pytest.raises(PrivateRefused):
        env.check_historical(claim, real.state, context)


def _larger(chain: PrivateChain, given):
    """A true proof of a larger amount, over the claim's context."""
    from node.private import build as building
    from private_exec.pedersen import Opening

    opening = Opening(given.openings.amount.value + 10**6, given.openings.amount.blinding)
    terms = entries.round_of(chain.state, given.tx.given.round).terms
    back = building.refund(chain.genesis.chain_id, terms.kind, given.input.id, opening, given.owner)
    return back.proving
