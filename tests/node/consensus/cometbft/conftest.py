"""An application over counters behind a socket, which may be killed and started again."""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from collections.abc import Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from node.consensus.cometbft.bridge import Bridge
from node.consensus.cometbft.server import Server
from node.core.ids import tagged_hash
from node.lane.validator.identity import ConsensusKey
from node.store.memory import MemoryKeyValue, memory_store

OWN = ConsensusKey(tagged_hash("testing/abci"))


class Pool:
    """`bridge.Pool` that keeps what the application lets in."""

    def __init__(self, app) -> None:
        self.app = app
        self.waiting: list[bytes] = []
        self.batches: list[int] = []
        self.discarded: list[bytes] = []

    def take(self, txs: Sequence[bytes]):
        self.batches.append(len(txs))
        answers = self.app.check_tx(txs)
        self.waiting += [
            tx
            for tx, answer in zip(txs, answers, strict=True)
            if answer.error is None and tx not in self.waiting
        ]
        return answers

    def has_pending(self, tx: bytes) -> bool:
        return tx in self.waiting

    def pending(self, max_bytes: int):
        return list(self.waiting)

    def committed(self, block, receipts) -> None:
        self.waiting = [tx for tx in self.waiting if tx not in block.txs]

    def discard(self, txs, error) -> None:
        self.discarded += txs
        self.waiting = [tx for tx in self.waiting if tx not in txs]


class Host:
    """One validator of counters; `database` is its disk."""

    def __init__(self, kv) -> None:
        self.kv = kv
        self.genesis = dataclasses.replace(kv.GENESIS, validators=(OWN.public,))
        self.database = MemoryKeyValue()
        self.folder = Path(tempfile.mkdtemp(prefix="abci"))
        self.restart()

    def restart(self) -> None:
        self.executor = self.kv.KvExecutor()
        self.store = memory_store(self.genesis.chain_id, self.database)
        self.app, engine = self.kv.build(self.store, self.executor, genesis=self.genesis)
        engine.start()
        self.pool = Pool(self.app)
        self.decided = []
        self.bridge = Bridge(
            self.genesis, self.app, self.store, self.pool, OWN.public, self.decided.append
        )

    @asynccontextmanager
    async def serving(self):
        """The path of a socket; what the server failed with is raised behind the block."""
        stop, ready = asyncio.Event(), asyncio.Event()
        server = Server(self.folder / "s", self.bridge)
        task = asyncio.create_task(server.run(stop, ready.set))
        await asyncio.wait(
            {task, asyncio.ensure_future(ready.wait())}, return_when="FIRST_COMPLETED"
        )
        try:
            yield server.path
        finally:
            stop.set()
            await task


@pytest.fixture
def make_host(kv):
    hosts: list[Host] = []

    def make() -> Host:
        hosts.append(Host(kv))
        return hosts[-1]

    yield make
    for host in hosts:
        host.folder.rmdir()  # nothing may be left in it


@pytest.fixture
def host(make_host) -> Host:
    return make_host()
