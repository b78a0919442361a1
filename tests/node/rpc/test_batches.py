"""What a node says of batches of orders."""

from __future__ import annotations

import pytest

from node.app import development
from node.core.errors import NotFound
from node.core.ids import NATIVE
from node.private import sale_state as entries
from node.private.messages import SettleTx
from node.private.sale_terms import Side
from node.rpc.batches import BatchViews
from node.rpc.sales import SaleViews
from node.testing.batches import BASE, LOT, BatchChain
from node.testing.clock import EPOCH_MS
from node.testing.nodes import VALIDATOR, memory_node, serving
from node.testing.private import assert_ok
from private_exec.pedersen import Opening
from zk.curve.encoding import g1_to_bytes

NONE = b"\x01" * 32


def test_pv140_a_chain_without_it_has_no_batches():
    with serving(memory_node()) as client:
        for call in (client.private_batches, lambda: client.private_batch(NONE)):
            with pytest.raises(NotFound, match="PV-140"):
                call()


def test_pv141_what_is_no_batch_is_not_found():
    genesis = development.genesis(
        EPOCH_MS, validators=(VALIDATOR.public,), lane=None, private=development.PRIVATE
    )
    with serving(memory_node(genesis)) as client:
        assert client.private_batches().batches == []
        for call in (client.private_batch, client.private_orders, client.private_order):
            with pytest.raises(NotFound, match="PV-141"):
                call(NONE)


def test_pv141_a_batch_and_its_orders_are_those_behind_the_last_block():
    chain = BatchChain()
    chain.start(notes=6)
    views, sales = (of(chain.genesis, chain.ledger.store, {}) for of in (BatchViews, SaleViews))
    auction, identity = chain.sell(5), chain.collect()
    terms = chain.terms_of(identity)
    (found,) = views.batches().batches
    assert [sale.id for sale in sales.sales().sales] == ["0x" + auction.hex()]
    for call in (lambda: sales.sale(identity), lambda: views.batch(auction)):
        with pytest.raises(NotFound, match="PV-141"):
            call()
    assert (found.status, found.attempt, found.reads, found.tick) == ("bidding", None, [], None)
    assert (found.base.kind, found.quote.kind, found.lot) == (BASE, NATIVE, str(LOT))
    seller = chain.order(identity, Side.SELL, 1, 500, 0)
    buyer = chain.order(identity, Side.BUY, 3, 300, 1)
    shown = views.orders(identity).orders
    assert [(one.number, one.side) for one in shown] == [(0, "sell"), (1, "buy")]
    assert shown[1] == views.order(buyer.input.id)
    assert shown[1].message == "0x" + buyer.input.to_bytes().hex()
    assert shown[1].locked.kind == NATIVE
    assert (shown[1].told, shown[1].fill, shown[1].returns) == (None, None, False)
    assert_ok(chain.run(chain.admit(identity, [seller.input, buyer.input])))
    chain.to(terms.accept - 1)
    assert views.batch(identity).reads == []
    chain.run()
    assert len(views.batch(identity).reads) == 9
    chain.call(identity)
    assert views.batch(identity).attempt.number == 0
    assert_ok(chain.run(chain.prove(identity)))
    assert (len(views.batch(identity).made), views.batch(identity).reads) == (4, [])
    assert_ok(chain.run(chain.outputs(identity)))
    assert_ok(chain.run(SettleTx(identity)))
    over = views.batch(identity)
    assert (over.status, over.tick, over.price) == ("settled", 1, str(terms.price(1)))
    told = views.order(buyer.input.id)
    own = Opening(int(told.told.value), int(told.told.blinding))
    left, got = buyer.making.openings.settled(terms, Side.BUY, chain.sale(identity).outcome, own)
    assert told.left == "0x" + g1_to_bytes(left.commitment).hex()
    assert told.fill.amount == "0x" + g1_to_bytes(got.commitment).hex()
    assert told.fill.id == "0x" + entries.fill_id(buyer.input.id).hex()
    assert (told.fill.claimed, told.returns, got.value) == (False, True, 300 * LOT)
