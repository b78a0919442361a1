"""Guardians close the private pool: what still leaves, and what no longer moves."""

from __future__ import annotations

import pytest

from node.core.block import Transaction
from node.core.guardians import DEV_GUARDIAN_SEED
from node.core.ids import EnvironmentId, Height
from node.execution import pools
from node.execution.order import Order, PoolState
from node.private import state as entries
from node.private.messages import SettleTx
from node.testing.private import Held, PrivateChain, assert_ok, signer
from transparent.signature import SigningKey

ALICE = signer(8)


@pytest.fixture
def closed() -> tuple[PrivateChain, bytes, list[Held]]:
    """A round with two donations, one accepted, in a pool that is exit-only."""
    chain = PrivateChain()
    chain.start(notes=4)
    h = chain.height
    identity = chain.open_round(close=h + 10, accept=h + 14, open=h + 18)
    given = [chain.donate(identity, project, 100, project) for project in range(2)]
    assert_ok(chain.run(chain.accept(identity, given[:1])))
    order(chain, PoolState.EXIT_ONLY)
    return chain, identity, [Held(g.input, g.openings.amount, g.owner) for g in given]


def order(chain: PrivateChain, state: PoolState) -> None:
    """Of the guardian of development chains, about the private pool."""
    made = Order(
        chain_id=chain.genesis.chain_id,
        sequence=pools.next_sequence(chain.state),
        pool=EnvironmentId.PRIVATE,
        state=state,
        insecure="",
        not_before=Height(0),
        expiry=Height(10_000),
        deadline=Height(0),
        reason="a test",
    )
    signed = made.signed(SigningKey(DEV_GUARDIAN_SEED))
    assert_ok(chain.run(Transaction(EnvironmentId.CHAIN, signed.to_bytes()).to_bytes()))


def test_what_goes_back_leaves_an_exit_only_pool_in_the_clear(closed):
    chain, identity, held = closed
    late = chain.give(identity, 0, 50, 3)
    assert chain.codes(late.tx) == ["EX-34"]
    terms = entries.round_of(chain.state, identity).terms
    chain.to(terms.accept)
    assert chain.codes(chain.sums(identity)) == ["EX-34"]
    chain.to(terms.open)
    assert_ok(chain.run(SettleTx(identity)))
    assert chain.codes(chain.reclaim(held[0])) == ["EX-34"]
    for item in held:
        assert_ok(chain.run(chain.withdrawal(item, ALICE.account)))
    assert chain.balance(ALICE.account) == 20_000
    assert chain.held()[EnvironmentId.PRIVATE] == -20_000
