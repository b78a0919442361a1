"""What a node says of sales."""

from __future__ import annotations

import pytest

from node.app import development
from node.core.errors import NotFound
from node.private.messages import SettleTx
from node.rpc.client import NodeClient
from node.rpc.sales import SaleViews
from node.testing.clock import EPOCH_MS
from node.testing.nodes import VALIDATOR, memory_node, serving
from node.testing.private import assert_ok
from node.testing.sales import SELLER, SaleChain
from zk.curve.encoding import g1_to_bytes

NONE = b"\x01" * 32


@pytest.fixture(scope="module")
def chain() -> SaleChain:
    found = SaleChain(bidders=2)
    found.start(notes=4)
    return found


def test_pv140_a_chain_without_it_has_no_sales():
    with serving(memory_node()) as client:
        for call in (client.private_sales, lambda: client.private_sale(NONE)):
            with pytest.raises(NotFound, match="PV-140"):
                call()


def test_pv141_what_is_no_sale_is_not_found():
    genesis = development.genesis(
        EPOCH_MS, validators=(VALIDATOR.public,), lane=None, private=development.PRIVATE
    )
    with serving(memory_node(genesis)) as client:
        assert client.private_sales().sales == []
        for call in (client.private_sale, client.private_bids, client.private_bid):
            with pytest.raises(NotFound, match="PV-141"):
                call(NONE)


def test_pv141_a_sale_and_its_bids_are_those_behind_the_last_block(chain):
    views = SaleViews(chain.genesis, chain.ledger.store, {})
    offer = chain.offer(2_000)
    assert_ok(chain.run(offer))
    (found,) = views.sales().sales
    assert (found.status, found.attempt, found.reads) == ("bidding", None, [])
    assert found.reserve_message == "0x" + offer.input.hex()
    assert found.seller == "0x" + SELLER.account.hex()
    placed = [chain.bid(offer.sale, amount, n) for n, amount in enumerate((5_000, 9_000))]
    shown = views.bids(offer.sale).bids
    assert [bid.number for bid in shown] == [0, 1]
    assert shown[0] == views.bid(placed[0].input.id)
    assert shown[0].message == "0x" + placed[0].input.to_bytes().hex()
    given = [chain.reserve_input(offer), *(one.input for one in placed)]
    assert_ok(chain.run(chain.admit(offer.sale, given)))
    chain.to(offer.terms.accept)
    found = views.sale(offer.sale)
    assert (found.status, found.reserve_status) == ("computing", "accepted")
    assert len(found.reads) == 3 and all(read.c is not None for read in found.reads)
    assert [bid.returns for bid in views.bids(offer.sale).bids] == [False, False]
    session = chain.call(offer.sale)
    attempt = views.sale(offer.sale).attempt
    assert attempt is not None and attempt.session == "0x" + session.hex()
    assert (attempt.number, attempt.absent, attempt.spoiled) == (0, [], False)
    assert attempt.over == attempt.called + 2 * chain.parameters.step_heights + 1
    result = chain.prove(offer.sale)
    assert [read.com for read in found.reads] == [
        "0x" + g1_to_bytes(point).hex() for point in result.reads
    ]
    assert_ok(chain.run(result))
    assert views.sale(offer.sale).status == "proved"
    assert_ok(chain.run(chain.outputs(offer.sale)))
    assert_ok(chain.run(SettleTx(offer.sale)))
    found = views.sale(offer.sale)
    assert (found.status, found.winner, found.price) == ("settled", 1, "5000")
    assert found.made[0].c == str(result.made[0].c)
    after = views.bids(offer.sale).bids
    assert [bid.returns for bid in after] == [True, True]
    assert after[0].amount == shown[0].amount and after[1].amount != shown[1].amount
    assert views.sales(offer.sale).sales == []


def test_pv141_a_client_reads_sales_page_by_page(chain, monkeypatch):
    for reserve in range(3):
        chain.sell(reserve)
    views = SaleViews(chain.genesis, chain.ledger.store, {})
    client = NodeClient("http://127.0.0.1:1")
    asked = []

    def get(path, kind, query=None):
        asked.append(query)
        return views.sales(bytes.fromhex((query or {"after": "0x"})["after"][2:]), 2)

    monkeypatch.setattr(client, "get", get)
    every = views.sales()
    assert client.private_sales() == every and len(every.sales) >= 3
    assert asked == [None, *({"after": sale.id} for sale in every.sales[1:-1:2])]
    assert client.private_sales(pages=1).more
