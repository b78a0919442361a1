"""Executor and mempool under the real application, engine and store."""

from __future__ import annotations

import itertools

import pytest

from node.consensus.application import LedgerApplication
from node.consensus.errors import InvalidBlock
from node.consensus.local import LocalEngine
from node.core.block import Block, Header, tx_root
from node.core.ids import Height
from node.execution import turnstile
from node.execution.mempool import Mempool
from node.store.memory import MemoryKeyValue, memory_store


class Node:
    """What is in `world`, on a store that outlives the process."""

    def __init__(self, world, database=None):
        self.world = world
        self.database = database or MemoryKeyValue()
        self.store = memory_store(world.genesis.chain_id, self.database)
        executor = world.new_executor()
        self.app = LedgerApplication(world.genesis, executor, self.store)
        self.pool = Mempool(executor, lambda: (self.store.height, self.store.reader()))
        clock = itertools.count(1000).__next__
        self.engine = LocalEngine(self.app, self.app.chain, world.genesis, self.pool, clock)
        self.engine.start()

    def receipts(self):
        heights = range(1, self.store.height + 1)
        return [r for h in heights for r in self.app.chain.receipts(Height(h))]


@pytest.fixture
def node(world) -> Node:
    return Node(world)


def test_blocks_from_the_mempool_survive_a_restart(node, world, note):
    batches = [
        [world.transfer(sequence=i) for i in (0, 1)]
        + [world.shield(world.bob, note(1), 90, fee=10)],
        [world.unshield(world.alice, note(1), 50, fee=30), world.transfer(sequence=2)],
        [world.transfer(sequence=3, kind=world.asset)],
    ]
    for batch in batches:
        assert [node.pool.add(tx).error for tx in batch] == [None] * len(batch)
        produced = node.engine.produce_block()
        assert sorted(produced.block.txs) == sorted(batch)
        assert {receipt.code for receipt in produced.receipts} == {"ok"}
        assert len(node.pool) == 0
    root = node.store.root
    again = Node(world, node.database)  # CH-24: the last block is executed again and compared
    assert again.store.root == root
    state = again.store.reader()
    assert all(line.adds_up for line in turnstile.supply(state))
    assert turnstile.recomputed(world.genesis, again.receipts()) == turnstile.stored(state)


def test_ex3_a_proposal_with_a_bad_proof_is_refused_and_a_decided_one_harmless(node, world, note):
    shield = world.shield(world.alice, note(1), 90)
    bad = world.pooled(consumes=(note(1),), creates=((note(2), 5, 0),), proofs=("626164",))
    info = node.app.info()
    txs = (shield, bad)
    header = Header(info.chain_id, Height(1), 0, bytes(32), info.state_root, tx_root(txs))
    block = Block(header, txs)
    with pytest.raises(InvalidBlock) as refused:
        node.app.process_proposal(block)
    assert refused.value.rule == "CH-8"
    assert "PRF-001" in refused.value.message
    node.app.finalize_block(block)
    node.app.commit()
    assert [receipt.code for receipt in node.receipts()] == ["ok", "PRF-001"]
    assert all(line.adds_up for line in turnstile.supply(node.store.reader()))
