"""What a bidder believes of a sale, and with which keys members prove what they computed."""

from __future__ import annotations

import dataclasses

import pytest

from circuits.key_registry import DEV
from node.core.ids import tagged_hash
from node.private import bidder
from node.private.errors import PrivateRefused
from node.private.member.proving import ProvingKeys
from node.private.payload import wire
from node.private.program_keys import key_store, programs
from node.private.sale_terms import statement_of
from node.testing.sales import SaleChain, auction_of


@pytest.fixture(scope="module")
def chain() -> SaleChain:
    found = SaleChain()
    found.start(notes=1)
    return found


def test_pv191_terms_follow_from_the_id_of_the_sale(chain):
    chain_id, offer = chain.genesis.chain_id, chain.offer(500)
    other = chain.offer(500, chain.sale_terms(seller=chain.declaration.seats[0].key))
    wires = [chain.purse.shield(1, 10), wire(other), wire(offer)]
    assert bidder.terms_of(chain_id, offer.sale, wires) == offer.terms
    moved = dataclasses.replace(offer, terms=other.terms)
    for name, given in (
        (chain_id, wires[:2]),
        (chain_id, [wire(moved)]),
        (type(chain_id)(bytes(32)), wires),
    ):
        with pytest.raises(PrivateRefused) as refused:
            bidder.terms_of(name, offer.sale, given)
        assert refused.value.rule == "PV-191"


def test_pv191_what_is_sold_is_a_digest():
    assert bidder.item_of(b"a painting") != bidder.item_of(b"a painting ")


def test_pv190_members_prove_under_the_key_of_genesis_alone():
    told: list[str] = []
    store = key_store()
    named = {name: store.entry(name, DEV).verifying_key for name in programs()}
    keys = ProvingKeys(DEV, named, store, told.append)
    made = keys(auction_of(2))
    assert made is not None and made.verifying_key.id == named[statement_of(2)]
    assert keys(auction_of(2)) is made, "loaded once"
    assert keys(auction_of(3)) is None, "there is no key for such a size"
    assert keys(auction_of(3)) is None
    foreign = {statement_of(2): tagged_hash("testing/key").hex()}
    for wrong in ({}, foreign):
        assert ProvingKeys(DEV, wrong, store, told.append)(auction_of(2)) is None
    assert ProvingKeys("main", named, store, told.append)(auction_of(2)) is None
    codes = [text.split(": ")[1] for text in told if text.startswith("no key")]
    assert codes == ["PAR-002", "PV-190", "PV-190", "PAR-005"]
