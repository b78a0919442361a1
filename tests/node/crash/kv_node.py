"""A ledger of counters, small enough to be obviously right, and a node process that can be killed.

Run as a program it is a *nursery*: it imports everything once, then forks one node per line of JSON
on stdin and answers with how that node ended. It never opens a database itself. Its nodes run the
real application, engine and store over a script that is a function of the height, so that every
run, however often killed, must end with the state of an uninterrupted one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from node.consensus.application import LedgerApplication
from node.consensus.local import LocalEngine
from node.core.block import Block, Receipt
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.interfaces import BlockExecutor
from node.store import chain as chains
from node.store.chain import Chain
from node.store.memory import memory_store
from node.store.rocksdb import open_store
from node.store.snapshots.export import checkpoint, export_checkpoint
from node.store.snapshots.importing import Import
from node.store.snapshots.shelf import Shelf
from node.store.versioned import no_crash
from node.testing.counters import GENESIS, KvExecutor, parse, tx_id

__all__ = ["GENESIS", "KvExecutor", "parse", "tx_id"]

RETAIN = 6
"""Blocks that a node keeps; less than any real one may."""


class Script:
    """`TransactionSource` whose offer is a function of the next height."""

    def __init__(self, chain: Chain, offer: Callable[[int], Sequence[bytes]]):
        self._chain = chain
        self._offer = offer
        self.discarded = []

    def pending(self, max_bytes: int) -> Sequence[bytes]:
        return self._offer(self._chain.height + 1)

    def committed(self, block: Block, receipts: Sequence[Receipt]) -> None:
        assert len(block.txs) == len(receipts)

    def discard(self, txs, error) -> None:
        self.discarded += txs


def script(height: int) -> list[bytes]:
    txs = [b"add key%d %d ok" % (height * i % 23, height + i) for i in range(12)]
    txs += [b"add fresh%d 1 ok" % height, b"del key%d 0 ok" % (height % 7)]
    return [*txs, b"add key%d -1 ok" % (height % 5)]


@dataclass(frozen=True)
class World:
    """What a node runs: its chain, how transactions are executed, what is offered at a height."""

    genesis: Genesis
    new_executor: Callable[[], BlockExecutor]
    offer: Callable[[int], Sequence[bytes]]

    def build(self, store, crash_point=no_crash, retain=0):
        return build(
            store,
            self.new_executor(),
            crash_point=crash_point,
            genesis=self.genesis,
            offer=self.offer,
            retain=retain,
        )

    def uninterrupted(self, target: int) -> list[str]:
        """State roots after heights 0 … target."""
        store = memory_store(self.genesis.chain_id)
        _, engine = self.build(store)
        engine.start()
        return [store.root.hex(), *(engine.produce_block().root.hex() for _ in range(target))]


COUNTERS = World(GENESIS, KvExecutor, script)


def world(name: str) -> World:
    """The counters, or the real ledger over the transactions in the file `name`."""
    if not name:
        return COUNTERS
    path = Path(__file__).with_name("ledger_node.py")
    spec = importlib.util.spec_from_file_location("ledger_node", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return World(*module.load(Path(name)))


def build(
    store,
    executor=None,
    *,
    crash_point=no_crash,
    source=None,
    genesis=GENESIS,
    offer=script,
    retain=0,
):
    """(application, engine) whose clock is the height, so that headers are reproducible."""
    executor = executor or KvExecutor()
    app = LedgerApplication(genesis, executor, store, retain=retain, crash_point=crash_point)
    source = source or Script(app.chain, offer)

    def clock() -> int:
        return 2_000 + 1_000 * store.height

    engine = LocalEngine(app, app.chain, genesis, source, clock, crash_point=crash_point)
    return app, engine


def run_node(
    folder: Path,
    target: int,
    point: str = "",
    hit: int = 0,
    *,
    world: World = COUNTERS,
    join: Path | None = None,
) -> None:
    """Run to `target`; after each block append "height root" to the file `acknowledged`.

    It keeps its last blocks only, and makes snapshots; with `join` it begins with another's.
    """
    chains.MIN_RETAINED = RETAIN
    hits = 0

    def crash(at: str) -> None:
        nonlocal hits
        if at == point:
            hits += 1
            if hits == hit:
                os.kill(os.getpid(), signal.SIGKILL)

    chain_id = world.genesis.chain_id
    store = open_store(folder / "state", chain_id, window=4, crash_point=crash)
    shelf = Shelf(folder / "snapshots")
    shelf.clear()
    if join is not None and store.empty:
        restore(store, world.genesis, Shelf(join), crash)
    app, engine = world.build(store, crash, RETAIN)
    file = folder / "acknowledged"
    if file.exists() and (lines := file.read_bytes().splitlines()):
        height, root = lines[-1].split()
        if store.height < int(height) or app.chain.root_after(Height(int(height))).hex() != (
            root.decode()
        ):
            raise SystemExit(4)  # something that was told is gone
    with file.open("ab", buffering=0) as told:
        engine.start()
        if store.rebuild_root() != store.root:
            raise SystemExit(3)
        if store.height >= app.chain.first:
            app.chain.receipts(store.height)
        keep_checkpoint(store, folder)
        keep_snapshot(store, shelf, chain_id, crash)
        while store.height < target:
            made = engine.produce_block()
            told.write(b"%d %s\n" % (made.block.header.height, made.root.hex().encode()))
            keep_checkpoint(store, folder)
            keep_snapshot(store, shelf, chain_id, crash)
    store.close()


def keep_checkpoint(store, folder: Path) -> None:
    copy = folder / f"copy{store.height}"
    if store.height > 0 and store.height % 4 == 0 and not copy.exists():
        store.checkpoint(copy)


def keep_snapshot(store, shelf: Shelf, chain_id, crash) -> None:
    if store.height > 0 and store.height % 4 == 0 and store.height not in shelf.heights():
        checkpoint(shelf, store, store.height)
        export_checkpoint(shelf, chain_id, store.height, crash)


def restore(store, genesis: Genesis, shelf: Shelf, crash=no_crash) -> None:
    """Take the oldest snapshot on a shelf."""
    found = shelf.manifests()[-1]
    taking = Import(store, found, genesis.to_bytes(), crash_point=crash)
    for index in range(len(found.chunks)):
        taking.apply(index, shelf.chunk(found.height, index))


def nursery(name: str) -> None:
    lives_in = world(name)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                run_node(
                    Path(order["folder"]),
                    order["target"],
                    order["point"],
                    order["hit"],
                    world=lives_in,
                    join=Path(order["join"]) if order["join"] else None,
                )
                code = 0
            except BaseException as error:
                print(f"node failed: {error!r}", file=sys.stderr, flush=True)
            os._exit(code)
        if order["delay"] is not None:
            time.sleep(order["delay"])
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "nursery":
        nursery(sys.argv[2] if len(sys.argv) > 2 else "")
    else:
        print("\n".join(COUNTERS.uninterrupted(int(sys.argv[1]))))
