"""Sealed intents in a node's pool."""

from __future__ import annotations

import pytest

from node.core.ids import Height
from node.execution.mempool import Mempool
from node.lane.payload import SealTx, wire
from node.testing.lane import envelope_of, lane_tx, signing_key


@pytest.fixture
def pool(chain) -> Mempool:
    return Mempool(chain.executor, lambda: (Height(chain.height), chain.state))


def test_sealed_intents_wait_best_fee_first_and_get_into_a_block(chain, pool) -> None:
    low, high = chain.seal(b"low"), chain.seal(b"high", fee=9000, payer=chain.payers[1])
    assert [pool.add(data).error for data in (low, high)] == [None, None]
    offered = pool.pending(1 << 20)
    assert list(offered) == [high, low]
    chosen = chain.executor.select(offered, chain.state, chain.next_height, 1 << 20)
    assert [receipt.code for receipt in chain.block(*chosen)] == ["ok", "ok"]


def test_ex20_one_pending_transaction_for_a_ciphertext(chain, pool) -> None:
    data = chain.seal(b"one")
    assert pool.add(data).error is None
    assert pool.add(wire(SealTx(1, envelope_of(data)))).error.id == "EX-20"


def test_ex19_ordering_pays_for_its_bytes(chain, pool) -> None:
    assert pool.add(chain.seal(b"one", fee=999)).error.id == "EX-19"


def test_a_refusal_that_time_may_lift_is_not_remembered(chain, fresh) -> None:
    data, other = chain.seal(b"one"), fresh(4)
    pool = Mempool(other.executor, lambda: (Height(other.height), other.state))
    assert pool.add(data).error.id == "LN-3"
    other.make_key(0)
    pool.committed(other.last_block(), ())
    assert pool.add(data).error is None


def test_a_proof_that_is_wrong_keeps_nothing_waiting(chain, pool) -> None:
    tx = envelope_of(chain.seal(b"one", payer=signing_key("poor")))
    assert pool.add(wire(SealTx(0, tx))).error.id == "EX-37"
    assert pool.add(wire(SealTx(1, tx))).error.id == "PX-4"
    assert not pool.pending(1 << 20)


def test_what_belongs_to_an_epoch_leaves_with_it(chain, pool) -> None:
    data = chain.seal(b"one", expiry=70)
    assert chain.executor.lane.expiry(lane_tx(data)) == 50
    assert chain.executor.lane.expiry(lane_tx(chain.seal(b"one", expiry=20))) == 20
    assert pool.add(data).error is None
    chain.run_to(49)
    pool.committed(chain.last_block(), ())
    assert len(pool.pending(1 << 20)) == 1
    chain.run_to(50)
    pool.committed(chain.last_block(), ())
    assert not pool.pending(1 << 20)
