"""Random walks over ABCI's grammar, with restarts, beside the same application called directly.

The host is one validator of counters behind the real socket server. It is killed between any two
calls that a seed picks, and starts again from its disk.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from node.consensus.application import LedgerApplication
from node.consensus.cometbft.bridge import Bridge
from node.consensus.cometbft.server import Server
from node.consensus.local import Produced, begin
from node.consensus.proposer import next_block
from node.core.block import Block, Receipt
from node.core.genesis import Genesis
from node.core.ids import tagged_hash
from node.core.interfaces import Admission
from node.lane.validator.identity import ConsensusKey
from node.store.memory import MemoryKeyValue, memory_store
from node.testing.abci import Walk
from node.testing.counters import GENESIS, KvExecutor
from zk.errors import ChiaroError

OWN: Final = ConsensusKey(tagged_hash("testing/abci"))
"""UNSAFE, published: the one validator."""


class Pool:
    """`bridge.Pool` that keeps what the application lets in."""

    def __init__(self, app: LedgerApplication) -> None:
        self.app = app
        self.waiting: list[bytes] = []
        self.batches: list[int] = []
        self.discarded: list[bytes] = []

    def take(self, txs: Sequence[bytes]) -> list[Admission]:
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

    def pending(self, max_bytes: int) -> Sequence[bytes]:  # noqa: ARG002
        return list(self.waiting)

    def committed(self, block: Block, receipts: Sequence[Receipt]) -> None:  # noqa: ARG002
        self.waiting = [tx for tx in self.waiting if tx not in block.txs]

    def discard(self, txs: Sequence[bytes], error: ChiaroError) -> None:  # noqa: ARG002
        self.discarded += txs
        self.waiting = [tx for tx in self.waiting if tx not in txs]


class Host:
    """One validator of counters; `database` is its disk, and `folder` holds its socket."""

    def __init__(self) -> None:
        self.genesis: Final[Genesis] = dataclasses.replace(GENESIS, validators=(OWN.public,))
        self.database: Final = MemoryKeyValue()
        self.folder: Final = Path(tempfile.mkdtemp(prefix="abci"))
        self.restart()

    def restart(self) -> None:
        """Another process, with what is on the disk."""
        self.executor = KvExecutor()
        self.store = memory_store(self.genesis.chain_id, self.database)
        self.app = LedgerApplication(self.genesis, self.executor, self.store)
        begin(self.app)
        self.pool = Pool(self.app)
        self.decided: list[Produced] = []
        self.bridge = Bridge(
            self.genesis, self.app, self.store, self.pool, OWN.public, self.decided.append
        )

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Path]:
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

    def close(self) -> None:
        """Raises OSError: something was left in its folder."""
        self.folder.rmdir()


class Reference:
    """Roots of the same blocks, by direct calls on an application that never stops."""

    def __init__(self, genesis: Genesis) -> None:
        self.app: Final = LedgerApplication(genesis, KvExecutor(), memory_store(genesis.chain_id))
        begin(self.app)

    def root(self, time_ms: int, txs: Sequence[bytes]) -> bytes:
        """After one more block."""
        block = next_block(self.app.info(), self.app.chain, time_ms, tuple(txs))
        root = self.app.finalize_block(block)
        self.app.commit()
        return root


def candidates(height: int) -> list[bytes]:
    """Good transactions of a height, and two that would make a counter negative."""
    txs = [b"add key%d %d ok" % (height * i % 11, height + i) for i in range(8)]
    return [*txs, b"add key%d -1 ok" % (height % 5), b"add debt%d -1 ok" % height]


def spoil(txs: Sequence[bytes]) -> list[bytes]:
    """A proposal that must be refused."""
    return [*txs, b"add key1 1 bad"]


async def walk(host: Host, seed: int, heights: int) -> Walk:
    """Drive a host to a height, killing it on the way.

    Raises:
        AssertionError: it does otherwise than the grammar and the reference say.
    """
    draw = random.Random(seed)
    reference = Reference(host.genesis)
    found = Walk(host.genesis, draw, candidates, spoil)
    killed = ""
    while found.height < heights:
        host.restart()
        async with host.serving() as path:
            await found.connect(path)
            try:
                while found.height < heights:
                    if killed != "finalized":  # what was decided is replayed, not decided anew
                        await found.decide()
                    killed = draw.choice(("",) * 6 + ("decided", "finalized"))
                    if killed == "decided":
                        found.decided.pop()
                        break
                    answer = await found.finalize()
                    if draw.random() < 0.2 and await found.finalize() != answer:
                        raise AssertionError("finalized again, with another answer")
                    if killed:
                        break
                    await found.commit(answer.app_hash)
                    if answer.app_hash != reference.root(*found.decided[-1]):
                        raise AssertionError(f"another root than by direct calls: {found.height}")
            finally:
                await found.disconnect()
    if host.app.info().state_root != found.app_hash:
        raise AssertionError("what is on the disk is not what was answered")
    return found
