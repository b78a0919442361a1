"""Encodings of the lane's transactions, and what a pool reads of them."""

from __future__ import annotations

import pytest

from node.core.block import Transaction
from node.core.ids import AccountId, ChainId, EnvironmentId, Height
from node.execution.mempool import Mempool
from node.lane import payload
from node.lane.errors import LaneRefused
from node.lane.payload import (
    Ending,
    EndTx,
    KeyMessage,
    KeyTx,
    RevealTx,
    SealTx,
    SubmitTx,
    Tag,
    decode,
    fee_in_place,
    tag_of_wire,
    wire,
)
from node.testing.lane import lane_tx
from private_exec.reveal import Reveal
from zk.curve.bn254 import G1_GENERATOR
from zk.errors import ChiaroError


@pytest.fixture
def several(chain) -> list:
    """One transaction of each kind but blobs, which have tests of their own."""
    sealed = lane_tx(chain.seal(b"an intent", fee=4321))
    reveal = Reveal(10, 0, bytes(32), (G1_GENERATOR, G1_GENERATOR))
    return [
        sealed,
        RevealTx(1, 7, reveal),
        EndTx(1, 7, Ending.SETTLED, b"a settlement"),
        EndTx(0, 2, Ending.UNREVEALED),
        KeyTx(0, 3, 1, KeyMessage.DEALING, b"a message"),
        SubmitTx(
            chain.genesis.chain_id, 1, 7, AccountId(bytes(32)), 99, Height(12), b"a settlement"
        ),
    ]


def test_ln1_one_encoding_each(several) -> None:
    for tx in several:
        data = tx.to_bytes()
        assert decode(data) == tx
        assert decode(data).to_bytes() == data
        for wrong in (data + b"\0", data[:-1]):
            with pytest.raises(ChiaroError):
                decode(wrong)
        assert tag_of_wire(wire(tx)) == data[0]


@pytest.mark.parametrize("tag", [0, 8, 255])
def test_ln1_refuses_unknown_tags(tag) -> None:
    with pytest.raises(LaneRefused) as caught:
        decode(bytes([tag]) + bytes(40))
    assert caught.value.rule == "LN-1"


def test_ln1_refuses_an_empty_payload() -> None:
    with pytest.raises(LaneRefused) as caught:
        decode(b"")
    assert caught.value.rule == "LN-1"


@pytest.mark.parametrize(
    ("tx", "at"),
    [
        (EndTx(0, 0, Ending.UNSOLVED), 1 + 4 + 8),
        (KeyTx(0, 0, 0, KeyMessage.NOTICE, b""), 1 + 4 + 8 + 4),
    ],
)
@pytest.mark.parametrize("value", [0, 5])
def test_ln1_refuses_unknown_endings_and_messages(tx, at, value) -> None:
    data = bytearray(tx.to_bytes())
    data[at] = value
    with pytest.raises(LaneRefused) as caught:
        decode(bytes(data))
    assert caught.value.rule == "LN-1"


def test_other_transactions_are_none_of_the_lane(chain) -> None:
    assert tag_of_wire(b"") is None
    assert tag_of_wire(Transaction(EnvironmentId.TRANSPARENT, b"\x02").to_bytes()) is None
    assert tag_of_wire(Transaction(EnvironmentId.INTENTS, b"\x63").to_bytes()) is None
    assert tag_of_wire(chain.seal(b"x")) is Tag.SEAL


def test_the_fee_read_in_place_is_the_one_declared(chain, several) -> None:
    fees = {SealTx: 4321, SubmitTx: 99}
    for tx in several:
        assert fee_in_place(tx.to_bytes(), chain.genesis.chain_id) == fees.get(type(tx), 0)


def test_ln9_a_pool_takes_no_ends_and_no_reveals(chain, several) -> None:
    pool = Mempool(chain.executor, lambda: (Height(chain.height), chain.state))
    for tx in several:
        if isinstance(tx, RevealTx | EndTx):
            assert pool.add(wire(tx)).error.id == "LN-9"
    assert not pool.pending(1 << 20)


def test_ln16_a_pool_takes_no_settlement_for_another_chain(several) -> None:
    with pytest.raises(LaneRefused) as caught:
        fee_in_place(several[-1].to_bytes(), ChainId(b"\x07" * 32))
    assert caught.value.rule == "LN-16"


def test_ids_do_not_cover_signatures(chain) -> None:
    environment = chain.executor.lane
    tx = lane_tx(chain.seal(b"an intent"))
    other = payload.decode(tx.to_bytes()[:-64] + bytes(64))
    assert environment.tx_id(tx) == environment.tx_id(other)
    notice = lane_tx(chain.key_message(0, KeyMessage.NOTICE, epoch=1))
    resigned = KeyTx(0, 1, 0, KeyMessage.NOTICE, notice.message[:-64] + bytes(64))
    assert environment.tx_id(notice) == environment.tx_id(resigned)
    dealing = KeyTx(0, 1, 0, KeyMessage.DEALING, notice.message)
    changed = KeyTx(0, 1, 0, KeyMessage.DEALING, notice.message[:-1] + b"\1")
    assert environment.tx_id(dealing) != environment.tx_id(changed)
