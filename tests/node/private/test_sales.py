"""A sealed-bid auction on the chain, from an offer to what goes back."""

from __future__ import annotations

import dataclasses

import pytest

from node.core.ids import EnvironmentId
from node.execution import turnstile
from node.private import sale_state as entries
from node.private.payload import SettleTx
from node.private.state import Status
from node.testing.ledger import FAUCET
from node.testing.private import assert_ok, signer
from node.testing.sales import SELLER, SaleChain, plaintext


@pytest.fixture(scope="module")
def chain() -> SaleChain:
    """Two places; a committee of four that really computes and proves."""
    found = SaleChain(bidders=2)
    found.start(notes=32)
    return found


def dark(chain: SaleChain) -> int:
    held = chain.held()
    return held.get(EnvironmentId.SHIELDED, 0) + held.get(EnvironmentId.PRIVATE, 0)


def test_an_auction_end_to_end(chain):
    before, seller = dark(chain), chain.balance(SELLER.account)
    identity, (alice, bob) = chain.ready(2_000, 9_000, 7_000)
    chain.call(identity)
    result = chain.prove(identity)
    assert chain.codes(result) == ["ok"]
    assert_ok(chain.run(chain.outputs(identity)))
    assert chain.codes(SettleTx(identity)) == ["ok"]
    outcome = chain.sale(identity).outcome
    assert (outcome.winner, outcome.price) == plaintext(2_000, [9_000, 7_000]) == (0, 7_000)
    assert chain.balance(SELLER.account) == seller + 7_000
    notes = chain.purse.holdings
    assert_ok(chain.run(chain.back(alice, 7_000), chain.back(bob)))
    assert chain.purse.holdings == notes + 2_000 + 7_000 - 2 * 1000
    assert dark(chain) == before - 7_000 - 4 * 1000
    assert all(row.adds_up for row in turnstile.supply(chain.state))
