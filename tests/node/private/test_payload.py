"""Encodings, ids, and what needs no state."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.errors import InvalidTransaction
from node.core.ids import ChainId, Height
from node.core.interfaces import TxContext
from node.private import payload as payloads
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.gifts import LinkedProof
from node.private.messages import (
    CeremonyTx,
    ComplaintTx,
    FreezeTx,
    HandoverTx,
    RemaskTx,
    SettleTx,
    Step,
)
from node.private.sale_payload import (
    BlameTx,
    CallTx,
    ResultTx,
    SilenceTx,
    mask_of,
)
from node.private.sale_terms import Side
from node.private.succession_payload import NameTx, opening
from node.private.tags import UNPAID, Tag
from node.testing.batches import BatchChain
from node.testing.ledger import FAUCET
from node.testing.private import Held, PrivateChain, signer
from node.testing.sales import auction_of
from private_exec.committee.certificate import Certificate
from private_exec.linking import link_bytes
from private_exec.mpc.labels import SessionId
from private_exec.pedersen import H
from private_exec.provable.session import Made
from zk.curve.bn254 import G1_GENERATOR
from zk.errors import ChiaroError, DecodeError

PAID = [Tag.DECLARE, Tag.ROUND, Tag.PLACE, Tag.WITHDRAW, Tag.OFFER, Tag.BATCH]
"""By an account."""


@pytest.fixture(scope="module")
def chain() -> BatchChain:
    """Of everything there is; nothing is computed or proved."""
    found = BatchChain(bidders=2)
    found.start(notes=16)
    return found


@pytest.fixture(scope="module")
def every(chain: BatchChain) -> dict[Tag, payloads.PrivateTx]:
    """One transaction of each kind."""
    sale, point = chain.sell(100), G1_GENERATOR
    signed = Certificate(((1, bytes(64)), (3, b"\x01" * 64)))
    made = (Made(5, point), Made(6, H))
    linked = LinkedProof(bytes(128), bytes(32), bytes(link_bytes(5)))
    identity = chain.open_round()
    given = chain.donate(identity, 0, 100, 0)
    accepted = chain.accept(identity, [given])
    assert chain.codes(accepted) == ["ok"]
    return {
        Tag.DECLARE: chain.declare(),
        Tag.CEREMONY: CeremonyTx(chain.declaration.id, 1, 0, Step.NOTICE, b"n"),
        Tag.ROUND: chain.round(chain.terms(5)),
        Tag.DONATE: chain.give(identity, 1, 40, 1).tx,
        Tag.COMPLAINT: ComplaintTx(given.input.id, b"c"),
        Tag.ACCEPT: accepted,
        Tag.OPEN: chain.sums(identity),
        Tag.SETTLE: SettleTx(identity),
        Tag.CLAIM: chain.claim(given),
        Tag.DEPOSIT: chain.stored(50_000, given.owner)[0],
        Tag.PLACE: chain.placed(50_000, given.owner)[0],
        Tag.WITHDRAW: chain.withdrawal(
            Held(given.input, given.openings.amount, given.owner), FAUCET.account
        ),
        Tag.REMASK: RemaskTx(chain.declaration.id, 0, b"r"),
        Tag.FREEZE: FreezeTx(chain.declaration.id, 0),
        Tag.HANDOVER: HandoverTx(
            chain.declaration.id, 0, bytes(32), 2, 1, Certificate(((1, bytes(64)),)), b"r"
        ),
        Tag.NAME: NameTx(chain.declaration.id, bytes(32), 3, 4, b"\x02" * 64),
        Tag.TRANSFER: opening(chain.declaration.id, 2, 1),
        Tag.OFFER: chain.offer(200),
        Tag.BID: chain.place(sale, 5000, 3).tx,
        Tag.CALL: CallTx(sale, 1),
        Tag.RESULT: ResultTx(
            sale,
            SessionId(b"\x05" * 32),
            auction_of(2),
            bytes(32),
            (point, H, point),
            made,
            linked,
            signed,
        ),
        Tag.BLAME: BlameTx(sale, SessionId(bytes(32)), b"b", mask_of([2, 3]), signed),
        Tag.SILENCE: SilenceTx(sale, SessionId(bytes(32)), 1, mask_of([4])),
        Tag.BATCH: chain.batch(),
        Tag.ORDER: chain.trade(chain.collect(), Side.BUY, 1, 50, 1).tx,
    }


def environment(chain: PrivateChain):
    return chain.ledger.executor._environments[3]


@pytest.mark.parametrize("tag", list(Tag))
def test_pv101_a_transaction_is_exactly_its_encoding(chain, every, tag):
    tx = every[tag]
    data = tx.to_bytes()
    assert data[0] == tag and payloads.decode(data) == tx
    assert environment(chain).decode(data) == tx
    for broken in (data[:-1], data + b"\x00", data[:1]):
        with pytest.raises(ChiaroError):
            payloads.decode(broken)


@pytest.mark.parametrize("tag", list(Tag))
def test_pv101_fee_and_chain_are_read_in_place(chain, every, tag):
    tx, env = every[tag], environment(chain)
    assert env.preview(tx.to_bytes(), chain.genesis.chain_id) == env.fee(tx)
    assert env.is_unpaid(tx.to_bytes()) == (env.fee(tx) == 0) == (tag in UNPAID)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x12", b"\xff" * 40])
def test_pv101_unknown_tags_are_refused(data):
    with pytest.raises(PrivateRefused, match="no private transaction") as caught:
        payloads.decode(data)
    assert caught.value.rule == "PV-101"


def test_pv101_unknown_steps_of_a_transfer_are_refused(every):
    data = bytearray(every[Tag.TRANSFER].to_bytes())
    data[1 + 32 + 4] = 5
    with pytest.raises(PrivateRefused, match="no step 5") as caught:
        payloads.decode(bytes(data))
    assert caught.value.rule == "PV-101"


def test_pv101_unknown_steps_are_refused(chain, every):
    data = bytearray(every[Tag.CEREMONY].to_bytes())
    data[1 + 32 + 8 + 4] = 4
    with pytest.raises(PrivateRefused) as caught:
        payloads.decode(bytes(data))
    assert caught.value.rule == "PV-101"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_pv101_any_bytes_are_a_transaction_or_a_refusal(data):
    try:
        tx = payloads.decode(data)
    except (DecodeError, InvalidTransaction):
        return
    assert tx.to_bytes() == data


def test_pv101_ids_cover_all_but_proofs_and_signatures(chain, every):
    chain_id = chain.genesis.chain_id
    ids = [payloads.tx_id(tx, chain_id) for tx in every.values()]
    assert len(set(ids)) == len(ids)
    for tag in (*PAID, Tag.CLAIM):
        assert dataclasses.replace(every[tag], signature=b"\x01" * 64).id == every[tag].id
    deposit = every[Tag.DEPOSIT]
    assert dataclasses.replace(deposit, cv=b"\x01" * 32).id != deposit.id
    for tag, field in ((Tag.DONATE, "given"), (Tag.CLAIM, "wanted")):
        tx = every[tag]
        linked = dataclasses.replace(tx.linked, proof=b"\x01" * 128)
        assert dataclasses.replace(tx, linked=linked).id == tx.id
        named = dataclasses.replace(getattr(tx, field), cv=b"\x01" * 32)
        assert dataclasses.replace(tx, **{field: named}).id != tx.id
        other = dataclasses.replace(tx.carried, fee=tx.carried.fee + 1)
        assert dataclasses.replace(tx, carried=other).id != tx.id


@pytest.mark.parametrize("tag", [*PAID, Tag.DONATE, Tag.CLAIM, Tag.DEPOSIT, Tag.BID, Tag.ORDER])
def test_pv102_another_chains_transaction_is_refused(chain, every, tag):
    env, elsewhere = environment(chain), ChainId(b"\x05" * 32)
    with pytest.raises(PrivateRefused) as caught:
        env.preview(every[tag].to_bytes(), elsewhere)
    assert caught.value.rule == "PV-102"
    with pytest.raises(PrivateRefused) as caught:
        env.check_stateless(every[tag], TxContext(elsewhere, Height(chain.height + 1)))
    assert caught.value.rule == "PV-102"


@pytest.mark.parametrize("tag", PAID)
def test_pv103_what_an_account_pays_for_is_in_time_and_signed(chain, every, tag):
    env, tx = environment(chain), every[tag]

    def refused(tx, height: int) -> str:
        with pytest.raises(InvalidTransaction) as caught:
            env.check_stateless(tx, TxContext(chain.genesis.chain_id, Height(height)))
        return caught.value.rule

    last = tx.head.expiry
    for height in (last + 1, last - chain.genesis.parameters.max_expiry - 1):
        assert refused(tx, height) == "PV-103"
    with pytest.raises(PrivateOutdated):
        env.check_stateless(tx, TxContext(chain.genesis.chain_id, Height(last + 1)))
    foreign = dataclasses.replace(tx, signature=signer(1).sign(tx.consent))
    assert refused(foreign, last) == "PV-103"
    dearer = dataclasses.replace(tx, head=dataclasses.replace(tx.head, fee=tx.head.fee + 1))
    assert refused(dearer, last) == "PV-103"
    assert tx.head.payer == FAUCET.account
