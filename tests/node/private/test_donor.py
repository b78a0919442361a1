"""What a donor believes: PV-142, PV-143; and who takes back: PV-233."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from node.cli import private_fund, private_trust
from node.cli.session import Places, Session
from node.cli.wallet_private import Donation, Members
from node.core.block import Transaction
from node.core.errors import NotFound
from node.core.ids import NATIVE, EnvironmentId, tagged_hash
from node.private import committees, donor
from node.private import state as entries
from node.private.errors import PrivateRefused
from node.private.messages import Step
from node.private.payload import wire
from node.private.sale_state import Reserve, Sale, sale_key
from node.private.sale_terms import SaleTerms
from node.rpc.private import PrivateViews
from node.rpc.schema import StateView, TransactionView
from node.testing.private import PrivateChain, signer
from private_exec.committee.errors import CommitteeRefused
from private_exec.committee.notice import Notice, make
from transparent.signature import SigningKey
from zk.curve.bn254 import G1_GENERATOR
from zk.errors import DecodeError, Ruled


@pytest.fixture(scope="module")
def said(chain) -> list[Notice]:
    """Notices of the committee's keys, as the state has them."""
    record, found = chain.record, []
    number = 0
    while True:
        key = committees.word_key(chain.declaration.id, record.context.epoch, 0, number)
        if (data := chain.state.get(key)) is None:
            return found
        word = committees.Word.from_bytes(data)
        if word.step is Step.NOTICE:
            found.append(Notice.from_bytes(word.message))
        number += 1


def refused(rule: str, call) -> None:
    with pytest.raises(Ruled) as caught:
        call()
    assert caught.value.rule == rule


def test_a_donor_believes_a_round_and_its_keys(chain, said):
    tx = chain.round(chain.terms())
    terms = donor.terms_of(chain.genesis.chain_id, tx.id, wire(tx))
    assert terms == tx.terms
    donor.check_record(terms, chain.record, said)
    assert len(said) == len(chain.record.keys) == 4


def test_pv142_terms_are_those_of_the_rounds_id(chain):
    tx = chain.round(chain.terms())
    other = chain.round(dataclasses.replace(chain.terms(), least=2))
    for bad in (
        wire(other),
        wire(chain.declare()),
        Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes(),
    ):
        refused("PV-142", lambda bad=bad: donor.terms_of(chain.genesis.chain_id, tx.id, bad))
    refused("PV-142", lambda: donor.terms_of(bytes(32), tx.id, wire(tx)))
    with pytest.raises(DecodeError):
        donor.terms_of(chain.genesis.chain_id, tx.id, b"\xff")


def test_pv143_keys_are_those_that_members_signed_for(chain, said):
    terms, record = chain.terms(), chain.record
    refused("PV-143", lambda: donor.check_record(terms, record, said[1:]))
    for wrong in (
        dataclasses.replace(terms, epoch=1),
        dataclasses.replace(terms, committee=tagged_hash("testing/other")),
    ):
        refused("PV-143", lambda wrong=wrong: donor.check_record(wrong, record, said))
    # A node that has one key of its own: without the member's signature, or with its own.
    context, thief = record.context, SigningKey(tagged_hash("testing/thief"))
    forged, _ = make(context, 1, thief, tagged_hash("testing/forged"))
    taken = dataclasses.replace(record, keys={**record.keys, 1: forged.key})
    refused("PV-143", lambda: donor.check_record(terms, taken, said))
    with pytest.raises(CommitteeRefused) as caught:
        donor.check_record(terms, taken, [forged, *said[1:]])
    assert caught.value.rule == "PV-31"


def test_pv143_a_signature_for_another_attempt_is_none(chain, said):
    terms, record = chain.terms(), chain.record
    later = dataclasses.replace(record.context, attempt=1)
    with pytest.raises(CommitteeRefused) as caught:
        donor.check_record(terms, dataclasses.replace(record, context=later), said)
    assert caught.value.rule == "PV-31"


def test_pv143_notices_outlive_the_next_epochs_ceremony():
    chain = PrivateChain()
    chain.run(chain.declare())
    for epoch in range(3):
        chain.to(chain.height + (300 if epoch else 0))
        chain.ceremony()
    kept = [
        chain.state.get(committees.word_key(chain.declaration.id, epoch, 0, 0)) is not None
        for epoch in range(3)
    ]
    assert kept == [False, True, True]


def test_what_is_refused_says_what_to_do(chain):
    with pytest.raises(PrivateRefused) as caught:
        donor.check_record(chain.terms(), chain.record, ())
    assert "node" in (caught.value.fix or "")


class Node:
    """What a client is told of the chain, by a node that may put in something of its own."""

    def __init__(self, chain, tx) -> None:
        self.chain, self.tx = chain, tx
        self.lies: dict[bytes, bytes | None] = {}

    def state(self, key: bytes) -> StateView:
        value = self.lies.get(key, self.chain.state.get(key))
        shown = None if value is None else "0x" + value.hex()
        none = "0x" + "00" * 32
        return StateView(
            height=self.chain.height, state_root=none, key="0x" + key.hex(), proof="0x", value=shown
        )

    def transaction(self, _identity: bytes) -> TransactionView:
        return TransactionView(
            tx_id="0x" + self.tx.id.hex(), status="included", tip=1, environment="private",
            tx="0x" + wire(self.tx).hex(),
        )  # fmt: skip


def test_pv143_a_node_with_keys_of_its_own_is_found_out(chain):
    tx = chain.round(chain.terms())
    node = Node(chain, tx)
    terms = private_trust.terms_of(node, chain.genesis.chain_id, tx.id)
    assert private_trust.trusted_record(node, terms) == chain.record
    place = committees.epoch_key(terms.committee, 0)
    epoch = committees.epoch_of(chain.state, terms.committee, 0)
    forged, _ = make(epoch.record.context, 2, signer(2), tagged_hash("testing/stale"))
    keys = {**epoch.record.keys, 2: forged.key}
    taken = dataclasses.replace(epoch.record, keys=keys)
    node.lies[place] = dataclasses.replace(epoch, record=taken).to_bytes()
    assert private_trust.record_of(node, terms) == taken
    refused("PV-143", lambda: private_trust.trusted_record(node, terms))
    node.lies[place] = None
    with pytest.raises(NotFound):
        private_trust.trusted_record(node, terms)


def test_pv233_who_takes_back_needs_no_block_of_the_round(chain):
    identity = chain.open_round()
    node = Node(chain, None)
    terms = entries.round_of(chain.state, identity).terms
    assert private_trust.kept_terms_of(node, identity) == terms
    sale = SaleTerms(
        terms.committee, 0, NATIVE, bytes(32), terms.projects[0].recipient, 2, 10, 20, 30
    )
    node.lies[sale_key(identity)] = Sale(sale, Reserve(bytes(32), G1_GENERATOR)).to_bytes()
    assert private_trust.kept_sale_terms_of(node, identity) == sale
    for asked in (private_trust.kept_terms_of, private_trust.kept_sale_terms_of):
        with pytest.raises(NotFound):
            asked(node, bytes(32))


def test_pv142_a_node_with_a_round_of_its_own_is_found_out(chain):
    tx = chain.round(chain.terms())
    node = Node(chain, chain.round(dataclasses.replace(chain.terms(), least=9)))
    refused("PV-142", lambda: private_trust.terms_of(node, chain.genesis.chain_id, tx.id))


@pytest.mark.parametrize("shown", [0, 1, 2])
def test_a_donor_is_warned_whatever_a_node_shows_of_projects(chain, tmp_path, shown):
    identity = chain.open_round()
    terms = entries.round_of(chain.state, identity).terms
    view = PrivateViews(chain.genesis, chain.ledger.store, {}).round(identity)
    view = msgspec.structs.replace(view, projects=view.projects[:shown])
    session = Session("dev", "", Places(tmp_path, tmp_path, tmp_path))
    asked = Donation(identity, terms, Members("group", chain.tree), 1, 5, 1000)
    private_fund._warn(session, asked, view)
    (warning,) = session.warnings
    assert "0 other accepted donations" in warning
