"""What a bidder believes of a sale, and with which keys members prove what they computed."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from circuits.key_install import install
from circuits.key_registry import DEV, REGISTRY, Registry
from node.app import assembly, development, founding
from node.cli.private_proofs import key_of
from node.cli.session import Places, Session, UsageError
from node.core.ids import tagged_hash
from node.core.private import PrivateParameters
from node.private import bidder
from node.private.errors import PrivateRefused
from node.private.member.proving import ProvingKeys
from node.private.payload import wire
from node.private.program_keys import key_store, programs, shape_of
from node.private.sale_terms import statement_of
from node.testing.ceremonies import ceremony_key, write_ceremony
from node.testing.clock import EPOCH_MS
from node.testing.sales import SaleChain, auction_of
from zk import params
from zk.errors import DigestMismatch

AUCTION = auction_of(2).statement


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


def test_pv189_a_chain_of_ceremonies_names_the_programs_that_had_one(tmp_path, monkeypatch):
    """From a ceremony of a program's key to members who prove under it, on a chain of a profile."""
    monkeypatch.setattr(development, "STATEMENTS", ())
    monkeypatch.setattr(development, "PRIVATE_STATEMENTS", ())
    shape, folder = shape_of(AUCTION), tmp_path / "params"
    key = ceremony_key(shape)
    document = write_ceremony(shape, key, tmp_path / "key.zkey")
    wrong = {**document, "r1cs": "0x" + bytes(32).hex()}
    with pytest.raises(DigestMismatch, match="the circuit of the key and auction"):
        install(tmp_path / "key.zkey", AUCTION, wrong, folder, shape=shape_of)
    install(tmp_path / "key.zkey", AUCTION, document, folder, shape=shape_of)
    store = key_store(Registry.load(folder / REGISTRY))
    section = PrivateParameters()
    genesis = founding.genesis("testnet", "local", store, time_ms=EPOCH_MS, private=section)
    assert [item.statement for item in genesis.statements] == [AUCTION]
    assert set(assembly.verifying_keys(genesis, store)) == {AUCTION}
    told: list[str] = []
    named = {AUCTION: genesis.statements[0].verifying_key.hex()}
    made = ProvingKeys("local", named, store, told.append)(auction_of(2))
    assert made is not None and made.key.verifying_key.id == key.verifying_key.id, told
    monkeypatch.setenv(params.ENV_PARAMS, str(folder))
    auditor = Session("local", "", Places(*[tmp_path] * 3))
    asked = SimpleNamespace(program=auction_of(2).traced)
    found, unsafe = key_of(auditor, asked, None)
    assert (found.id, unsafe) == (key.verifying_key.id, False)
    assert key_of(dataclasses.replace(auditor, profile="dev"), asked, None)[1] is True
    with pytest.raises(UsageError):
        key_of(auditor, SimpleNamespace(program=auction_of(4).traced), None)
