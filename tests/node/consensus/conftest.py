"""A counter ledger on a store in memory, and blocks for it."""

from __future__ import annotations

import dataclasses

import pytest

from node.consensus.proposer import next_block
from node.core.block import Block, tx_root
from node.store.memory import MemoryKeyValue, memory_store


class Ledger:
    """Application, engine and store over one database, which outlives all three."""

    def __init__(self, kv, genesis=None, executor=None, source=None, window=16, retain=0):
        self.kv = kv
        self.genesis = genesis or kv.GENESIS
        self.database = MemoryKeyValue()
        self.executor = executor or kv.KvExecutor()
        self.source = source
        self.window = window
        self.retain = retain
        self.restart()

    def restart(self):
        self.store = memory_store(self.genesis.chain_id, self.database, window=self.window)
        self.app, self.engine = self.kv.build(
            self.store,
            self.executor,
            source=self.source,
            genesis=self.genesis,
            retain=self.retain,
        )
        return self

    def start(self):
        self.engine.start()
        return self

    def block(self, *txs: bytes, **header) -> Block:
        """What an honest proposer would send, but for the header fields given."""
        info = self.app.info()
        block = next_block(info, self.app.chain, self.engine._time(info), tuple(txs))
        return Block(dataclasses.replace(block.header, **header), block.txs)

    def decide(self, *txs: bytes):
        block = self.block(*txs)
        root = self.app.finalize_block(block)
        self.app.commit()
        return block, root


@pytest.fixture
def ledger(kv) -> Ledger:
    return Ledger(kv).start()


@pytest.fixture(scope="session")
def make_ledger(kv):
    return lambda **options: Ledger(kv, **options)


@pytest.fixture(scope="session")
def rehash():
    """A block whose header fits other transactions."""

    def changed(block: Block, txs) -> Block:
        return Block(dataclasses.replace(block.header, tx_root=tx_root(tuple(txs))), tuple(txs))

    return changed
