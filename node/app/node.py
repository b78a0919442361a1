"""A node: store, environments, executor, mempool, application, engine, RPC, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from circuits.keys import KeyStore
from node.app import assembly, development
from node.app.blocks import BlockMaker
from node.app.errors import AlreadyRunning, NoNode
from node.app.process import GENESIS_FILE, LOCK_FILE
from node.consensus.application import LedgerApplication
from node.consensus.local import Clock, LocalEngine, Produced
from node.core.genesis import DEV_PROFILE, Genesis
from node.core.genesis_file import load_genesis, save_genesis
from node.core.ids import Height
from node.core.interfaces import ProofVerifier, StateReader
from node.execution.executor import Executor
from node.execution.mempool import Mempool, MempoolLimits
from node.execution.verifier import GrothVerifier
from node.rpc.faucet import Faucet
from node.rpc.listener import Listener, listen
from node.rpc.server import Server
from node.rpc.service import Parts, Service
from node.rpc.tip import Tip
from node.store.rocksdb import open_store
from node.store.versioned import CrashPoint, VersionedStore, no_crash
from zk import files

CHAIN_FOLDER: Final = "chain"

DEFAULT_PORT: Final = 7420
_LOCK_S: Final = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """What a node's operator chooses; nothing of it is the chain's.

    Attributes:
        host, port: where the RPC listens; port 0 takes a free one.
        allow_remote: listen where other machines reach it (RPC-1).
        delay_ms: how long to gather transactions for a block.
        empty_blocks: make blocks on the chain's timer even when nothing waits.
        mempool: bounds.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    allow_remote: bool = False
    delay_ms: int = 20
    empty_blocks: bool = False
    mempool: MempoolLimits = field(default_factory=MempoolLimits)


def system_clock() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Node:
    """One node. `open` or build it, `await run()`, `close()`.

    Args:
        genesis: of the chain.
        store: of the chain, written by nobody else; closed by `close`.
        keys: where verifying keys come from; compared with genesis (RPC-14).
        options: the operator's.
        verifier: of proofs; default: Groth16 under the chain's keys.
        clock: for block times.
        crash_point: see `node.consensus.application.CRASH_POINTS`.
        lock: held as long as the node is open.

    Raises:
        ForeignGenesis: RPC-14, RPC-24.
        InsecureVersion: RPC-25, an empty store.
        ConsensusFault: CH-26, more than one validator.
    """

    def __init__(
        self,
        genesis: Genesis,
        store: VersionedStore,
        *,
        keys: KeyStore | None = None,
        options: Options | None = None,
        verifier: ProofVerifier | None = None,
        clock: Clock = system_clock,
        crash_point: CrashPoint = no_crash,
        lock: FileLock | None = None,
    ) -> None:
        assembly.check_interpreter()
        keys = keys or KeyStore()
        self.genesis: Final = genesis
        self.store: Final = store
        self.options: Final = options or Options()
        self._lock = lock
        self._keys = assembly.verifying_keys(genesis, keys)
        if store.empty:
            assembly.check_new_chain(genesis, keys)
        insecure = assembly.insecure(genesis, keys)
        for text in insecure.values():
            _log.warning("RPC-25: %s", text)
        self._verifier = verifier or GrothVerifier(self._keys)
        self.executor: Final = Executor(genesis, assembly.environments(genesis), self._verifier)
        self.pool: Final = Mempool(self.executor, self._latest, self.options.mempool)
        self.application: Final = LedgerApplication(
            genesis, self.executor, store, crash_point=crash_point
        )
        self.chain: Final = self.application.chain
        self.engine: Final = LocalEngine(
            self.application, self.chain, genesis, self.pool, clock, crash_point=crash_point
        )
        self.tip: Final = Tip(store.height)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._block_thread = ThreadPoolExecutor(1, "blocks")
        names = development.names(genesis)
        faucet = None
        if genesis.profile == DEV_PROFILE:
            faucet = Faucet(genesis, self.chain, store, self.pool, self.produce_block, names)
        self.service: Final = Service(
            Parts(
                self.executor,
                self.chain,
                store,
                self.pool,
                self.produce_block,
                assembly.warnings(genesis, keys),
                names,
                faucet,
                insecure,
            )
        )
        self._maker = BlockMaker(
            self._produce,
            self.pool,
            delay_ms=self.options.delay_ms,
            interval_ms=genesis.parameters.block_time_ms,
            empty_blocks=self.options.empty_blocks and genesis.parameters.block_time_ms > 0,
        )

    # --- folders -----------------------------------------------------------------------------

    @staticmethod
    def create(home: Path, genesis: Genesis) -> None:
        """Make `home` the folder of a new node of this chain; `open` it afterwards.

        Raises:
            NoNode: there is a node already.
        """
        files.make_private_folder(home)
        path = home / GENESIS_FILE
        partial = path.with_name(f".{GENESIS_FILE.removesuffix('.toml')}.partial.toml")
        partial.unlink(missing_ok=True)
        save_genesis(genesis, partial)
        try:
            path.hardlink_to(partial)  # there whole or not at all, and never over another
        except FileExistsError:
            raise NoNode(
                "there is a node in this folder already",
                where=str(home),
                why="a new chain would hide the old one",
                fix="open it, or name another folder",
            ) from None
        finally:
            partial.unlink(missing_ok=True)

    @staticmethod
    def exists(home: Path) -> bool:
        """Whether `create` was here."""
        return (home / GENESIS_FILE).is_file()

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        keys: KeyStore | None = None,
        options: Options | None = None,
        crash_point: CrashPoint = no_crash,
    ) -> Node:
        """The node in `home`; locks the folder until `close`.

        Raises:
            NoNode: nobody called `create` here.
            AlreadyRunning: RPC-16, another process has it open.
            ForeignGenesis, DecodeError, StoreError: what is in the folder does not fit.
            InsecureVersion: RPC-25, the chain has not begun.
        """
        assembly.check_interpreter()
        if not cls.exists(home):
            raise NoNode(
                "there is no node in this folder", where=str(home), fix="make one: `chiaro up`"
            )
        genesis = load_genesis(home / GENESIS_FILE)
        lock = FileLock(home / LOCK_FILE)
        try:
            lock.acquire(timeout=_LOCK_S)
        except Timeout:
            raise AlreadyRunning(
                "RPC-16: another process has this node open", where=str(home)
            ) from None
        store = None
        try:
            keys = keys or KeyStore()
            assembly.verifying_keys(genesis, keys)  # before anything is written
            if not (home / CHAIN_FOLDER).exists():
                assembly.check_new_chain(genesis, keys)
            store = open_store(home / CHAIN_FOLDER, genesis.chain_id, crash_point=crash_point)
            return cls(
                genesis, store, keys=keys, options=options, crash_point=crash_point, lock=lock
            )
        except BaseException:
            if store is not None:
                store.close()
            lock.release()
            raise

    def close(self) -> None:
        """Give back threads, store and lock."""
        self._block_thread.shutdown()
        if isinstance(self._verifier, GrothVerifier):
            self._verifier.close()
        self.store.close()
        if self._lock is not None:
            self._lock.release()

    # --- running -----------------------------------------------------------------------------

    def start(self) -> None:
        """Genesis into an empty store, or the last block checked again (CH-24). Blocking."""
        info = self.engine.start()
        self.tip.reached(info.height)
        _log.info(
            "chain open",
            extra={"chain": self.genesis.chain_id.hex(), "height": info.height},
        )

    def produce_block(self) -> Produced:
        """One block now; blocking, from any thread. RPC-9: told to those who wait once on disk."""
        produced = self.engine.produce_block()
        height = produced.block.header.height
        _log.info(
            "block",
            extra={
                "height": height,
                "txs": len(produced.receipts),
                "refused": sum(not receipt.ok for receipt in produced.receipts),
                "root": produced.root.hex(),
            },
        )
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                self._loop.call_soon_threadsafe(self.tip.reached, height)
        else:
            self.tip.reached(height)
        return produced

    async def run(
        self, stop: asyncio.Event | None = None, ready: Callable[[str], None] | None = None
    ) -> None:
        """Serve and make blocks until `stop` is set. A fault of either ends the node and is raised.

        Args:
            stop: graceful (RPC-17): requests and the block under way are finished.
            ready: called with the URL once requests are answered.
        """
        stop = stop or asyncio.Event()
        self._loop = asyncio.get_running_loop()
        options = self.options
        sock = listen(options.host, options.port, allow_remote=options.allow_remote)
        try:
            await asyncio.to_thread(self.start)
            listener = Listener(self.server().app)
            tasks = [
                asyncio.create_task(listener.serve(sockets=[sock])),
                asyncio.create_task(self._maker.run(stop)),
            ]
            halted = asyncio.create_task(stop.wait())
            warm = asyncio.create_task(
                asyncio.to_thread(assembly.warm_up, self._verifier, self._keys)
            )
            waits = asyncio.create_task(self._announce(listener, sock.getsockname(), ready))
            await asyncio.wait({*tasks, waits}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({*tasks, halted}, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            self.tip.close()
            listener.should_exit = True
            waits.cancel()
            halted.cancel()
            await asyncio.wait(
                {*tasks, warm}
            )  # a fault in one: the other still ends its connections
            await asyncio.gather(*tasks, warm)
        finally:
            self._loop = None
            sock.close()
        _log.info("stopped", extra={"height": self.store.height})

    def server(self) -> Server:
        """The RPC of this node, for `run` or an ASGI transport."""
        return Server(self.service, self.tip, self._maker.wake, any_host=self.options.allow_remote)

    async def _announce(
        self,
        listener: Listener,
        address: tuple[str, int],
        ready: Callable[[str], None] | None,
    ) -> None:
        await listener.ready()
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        url = f"http://{host}:{address[1]}"
        _log.info("ready", extra={"url": url})
        if ready is not None:
            ready(url)

    async def _produce(self) -> Produced:
        """On a thread of its own: submissions that are being verified do not hold up blocks."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._block_thread, self.produce_block)

    def _latest(self) -> tuple[Height, StateReader]:
        reader = self.store.reader()
        return reader.height, reader
