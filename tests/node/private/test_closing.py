"""Guardians close the private pool: what still leaves, and what no longer moves."""

from __future__ import annotations

import dataclasses

import pytest

from node.core.ids import NATIVE, EnvironmentId, Kind, tagged_hash
from node.execution import turnstile
from node.execution.order import PoolState
from node.private import build as building
from node.private import committees
from node.private import state as entries
from node.private.freezing import GRACE_STEPS
from node.private.messages import FreezeTx, SettleTx
from node.private.sale_program import Market, SaleProgram
from node.private.sale_terms import Side, statement_of
from node.testing.batches import BASE, SIZES, BatchChain
from node.testing.private import Held, PrivateChain, assert_ok, signer
from node.testing.sales import SELLER, Placed, SaleChain
from shielded.private_owner import PrivateOwner

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
    chain.decree(PoolState.EXIT_ONLY)
    return chain, identity, [Held(g.input, g.openings.amount, g.owner) for g in given]


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


def test_ex42_claims_are_refused_while_the_shielded_pool_is_exit_only_and_withdrawals_are_not():
    chain = PrivateChain()
    chain.start(notes=4)
    placed, held = chain.placed(5_000, PrivateOwner(b"\x01" * 32, b"\x02" * 32))
    assert_ok(chain.run(placed))
    claim = chain.reclaim(held)
    chain.decree(PoolState.EXIT_ONLY, EnvironmentId.SHIELDED)
    hidden, _ = chain.stored(5_000, PrivateOwner(b"\x03" * 32, b"\x04" * 32))
    assert chain.codes(claim, hidden) == ["EX-42", "EX-42"]
    assert chain.codes(chain.withdrawal(held, ALICE.account)) == ["ok"]
    assert chain.balance(ALICE.account) == 5_000


def test_ex45_nothing_of_a_kind_that_was_never_issued_moves_in_the_dark(chain):
    odd = Kind(0, 12345)
    owner = PrivateOwner(b"\x01" * 32, b"\x02" * 32)
    made = building.deposit(chain.genesis.chain_id, chain.record, odd, 0, owner)
    tx = made.complete(chain.purse.pledge(made.value), chain.linked)
    assert chain.codes(tx) == ["EX-45"]
    assert turnstile.hidden(chain.state, odd) == turnstile.Hidden()


@pytest.fixture(scope="module")
def proved() -> tuple[SaleChain, list[bytes], list[Placed]]:
    """Three sales with a result each, and the one bid in each of them: sold, kept, not opened."""
    chain = SaleChain(bidders=2)
    chain.start(notes=8)
    h, step = chain.height, chain.parameters.step_heights
    late = {"close": h + 20, "accept": h + 20 + step, "prove": h + 20 + 20 * step}
    offers = [
        chain.offer(reserve, chain.sale_terms(item=tagged_hash("testing/item", item), **late))
        for item, reserve in ((b"sold", 2_000), (b"kept", 9_500), (b"never", 1_000))
    ]
    assert_ok(chain.run(*offers))
    bids = [chain.bid(tx.sale, 9_000, 0) for tx in offers]
    for tx, bid in zip(offers, bids, strict=True):
        assert_ok(chain.run(chain.admit(tx.sale, [chain.reserve_input(tx), bid.input])))
    chain.to(late["accept"])
    for tx in offers:
        chain.call(tx.sale)
        assert_ok(chain.run(chain.prove(tx.sale)))
    return chain, [tx.sale for tx in offers], bids


def test_ex46_bids_of_a_sale_with_a_result_get_out_of_an_exit_only_pool(proved):
    """Sold or not: what is proved is opened and settled, and then bids are withdrawn."""
    chain, (*sales, _), bids = proved
    chain.decree(PoolState.EXIT_ONLY)
    assert_ok(chain.run(*map(chain.outputs, sales)))
    assert_ok(chain.run(*map(SettleTx, sales)))
    assert chain.balance(SELLER.account) == 2_000
    change = chain.leave(bids[0], ALICE.account, 2_000)
    assert chain.codes(change, chain.leave(bids[1], ALICE.account)) == ["ok", "ok"]
    assert chain.balance(ALICE.account) == 7_000 + 9_000


def test_pv234_what_an_insecure_statement_proved_is_not_opened_and_bids_go_back(proved):
    chain, sale, bid = proved[0], proved[1][-1], proved[2][-1]
    before = chain.balance(ALICE.account)
    assert chain.codes(chain.leave(bid, ALICE.account)) == ["PV-182"]
    chain.decree(PoolState.EXIT_ONLY, insecure=statement_of(2))
    assert chain.codes(chain.outputs(sale)) == ["PV-234"]
    assert chain.codes(chain.leave(bid, ALICE.account)) == ["ok"]
    assert chain.balance(ALICE.account) == before + 9_000


def test_ex46_what_orders_traded_and_what_is_left_gets_out_of_an_exit_only_pool():
    """Of two batches with a result one is opened, before guardians say that it may be forged; a
    third still takes orders."""
    chain = BatchChain()
    chain.start(notes=12)
    h, step = chain.height, chain.parameters.step_heights
    late = {"close": h + 20, "accept": h + 20 + step, "prove": h + 20 + 20 * step}
    said = ((Side.SELL, 1, 500), (Side.BUY, 3, 300))
    batches = [chain.collect(**late, low=low) for low in (3_000, 4_000)]
    orders = [[chain.order(one, *order, n) for n, order in enumerate(said)] for one in batches]
    for one, mine in zip(batches, orders, strict=True):
        assert_ok(chain.run(chain.admit(one, [order.input for order in mine])))
    chain.to(late["accept"])
    for one in batches:
        chain.call(one)
        assert_ok(chain.run(chain.prove(one)))
    at = chain.height + 40
    third = chain.collect(close=at, accept=at + step, prove=at + 3 * step)
    waiting = chain.order(third, Side.BUY, 2, 100, 5)
    before = dict(chain.held_of(BASE)), chain.balance(ALICE.account)
    chain.decree(PoolState.EXIT_ONLY)
    (whole,) = chain.claims_of(third, waiting)
    assert chain.codes(chain.into_account(waiting, whole, ALICE)) == ["PV-182"]
    assert_ok(chain.run(chain.outputs(batches[0])))
    chain.decree(PoolState.EXIT_ONLY, insecure=SaleProgram(Market.BATCH, SIZES).statement)
    never = chain.outputs(batches[1])
    assert chain.codes(SettleTx(batches[0]), never, SettleTx(batches[1])) == [
        "ok", "PV-234", "PV-181",
    ]  # fmt: skip
    out = dict.fromkeys((NATIVE, BASE), 0)
    batches, orders = [*batches, third], [*orders, [waiting]]
    assert chain.height < chain.terms_of(third).close
    for one, mine in zip(batches, orders, strict=True):
        for order in mine:
            for what in chain.claims_of(one, order):
                assert chain.codes(chain.into_notes(order, what)) == ["EX-34"]
                assert chain.codes(chain.into_account(order, what, ALICE)) == ["ok"]
                out[what[1]] += what[2].value
    locked = [order.making.value for mine in orders for order in mine]
    assert out == {kind: sum(v.amount for v in locked if v.kind == kind) for kind in out}
    held = EnvironmentId.PRIVATE
    assert chain.held_of(BASE)[held] == before[0].get(held, 0) - out[BASE]
    assert chain.balance(ALICE.account) == before[1] + out[NATIVE]


def test_ex46_a_freeze_passes_an_exit_only_pool():
    chain = PrivateChain()
    chain.declaration = dataclasses.replace(chain.declaration, epoch_blocks=24)
    chain.start(notes=1)
    until = committees.epoch_of(chain.state, chain.declaration.id, 0).until
    chain.decree(PoolState.EXIT_ONLY)
    chain.to(until + GRACE_STEPS * chain.parameters.step_heights)
    assert chain.codes(FreezeTx(chain.declaration.id, 0)) == ["ok"]
