"""A node: store, environments, executor, mempool, application, engine, RPC, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from filelock import FileLock, Timeout

from circuits.keys import KeyStore
from node.app import assembly, development, engines, homes, runtime, snapshots
from node.app.blocks import BlockMaker, system_clock
from node.app.errors import AlreadyRunning, NoNode
from node.app.members import MemberPlace, MembersConfig
from node.app.meters import LEDGER_CALLS, POOL_CALLS, Meters, TimedVerifier
from node.app.monitor import Monitor, listen_on_loopback
from node.app.options import Options
from node.app.overlay import Overlay, Place
from node.app.process import GENESIS_FILE, LOCK_FILE
from node.app.snapshots import Snapshotter
from node.app.validator import Belongings, Validator
from node.consensus.application import LedgerApplication
from node.consensus.local import Clock, LocalEngine, Produced, check_alone
from node.core.errors import Unreachable
from node.core.genesis import DEV_PROFILE, Genesis
from node.core.genesis_file import load_genesis
from node.core.ids import Height
from node.core.interfaces import ProofVerifier, StateReader
from node.da.shards import ShardStore
from node.execution.mempool import Mempool
from node.execution.verifier import GrothVerifier
from node.gossip.memory import MemoryHub
from node.lane.blobs.availability import Availability
from node.rpc.da import DaParts
from node.rpc.faucet import Faucet
from node.rpc.gossip import GossipParts
from node.rpc.listener import Listener, listen, url_of
from node.rpc.server import Server
from node.rpc.service import Parts as ServiceParts
from node.rpc.service import Service
from node.rpc.tip import Tip
from node.store.chain import Chain
from node.store.rocksdb import open_store
from node.store.snapshots.shelf import Shelf
from node.store.versioned import CrashPoint, VersionedStore, no_crash

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from node.consensus.cometbft.engine import CometEngine
    from node.consensus.cometbft.relay import Relay

CHAIN_FOLDER: Final = "chain"
ENGINE_FOLDER: Final = "engine"
"""In the home folder: CometBFT's."""
_LOCK_S: Final = 2.0

_log = logging.getLogger(__name__)


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
        validator: what it has of a validator's own, if it is one.
        shards: rows of blobs of sealed intents; written by nobody else, closed by `close`.
        shelf: of snapshots; used where CometBFT decides.
        place: its own on the gossip overlay, closed by `close`; default: a new key.
        hub: where it meets other nodes of this process; default: it is alone.
        home: its folder, whose disk is watched; None: it has none.
        members: where members of the committee are, and where this one listens for them.

    Raises:
        ForeignGenesis: RPC-14, RPC-24.
        InsecureVersion: RPC-25, an empty store.
        OtherRuntime: CH-56.
        ConsensusFault: CH-26, more than one validator.
    """

    application_type: ClassVar[type[LedgerApplication]] = LedgerApplication
    """What the engine drives; nodes that lie, for tests of faults, have another."""

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
        validator: Belongings | None = None,
        shards: ShardStore | None = None,
        shelf: Shelf | None = None,
        place: Place | None = None,
        hub: MemoryHub | None = None,
        home: Path | None = None,
        members: MembersConfig | None = None,
    ) -> None:
        assembly.check_interpreter()
        keys = keys or KeyStore()
        self.genesis: Final = genesis
        self.store: Final = store
        self.options: Final = options or Options()
        self._lock = lock
        self._keys = assembly.verifying_keys(genesis, keys)
        runtime.check(genesis)
        folder = self.options.engine
        self._joins = store.empty and engines.joins(folder)
        if store.empty and not self._joins:
            assembly.check_new_chain(genesis, keys)
        insecure = assembly.insecure(genesis, keys)
        for text in insecure.values():
            _log.warning("RPC-25: %s", text)
        self.meters: Final = Meters()
        self._proofs = verifier or GrothVerifier(self._keys)
        self._verifier = TimedVerifier(self._proofs, self.meters)
        own_key = None if validator is None else validator.key
        self.members: Final = MemberPlace(members or MembersConfig(), genesis, own_key)
        self.availability: Final = (
            None
            if genesis.lane is None or shards is None
            else Availability(genesis, shards, own_key, self.members.client)
        )
        self.executor: Final = assembly.executor(genesis, self._verifier, self.availability)
        relay = None if folder is None else engines.relay(folder)
        self.pool: Final = Mempool(
            self.executor,
            self._latest,
            self.options.mempool,
            None if relay is None else relay.carry,
        )
        self.validator: Final = (
            None
            if genesis.lane is None
            else Validator(
                genesis,
                Chain(store),
                store,
                self.pool,
                validator,
                ahead=self.timed,
                decided=folder is not None,
            )
        )
        self.application: Final = self.application_type(
            genesis,
            self.executor,
            store,
            lane=None if self.validator is None else self.validator.keeper,
            retain=self.options.retain_heights,
            crash_point=crash_point,
        )
        self.chain: Final = self.application.chain
        self.shelf: Final = shelf
        interval = 0 if folder is None else self.options.snapshot_interval
        self._snapshotter: Final = Snapshotter(shelf, store, genesis.chain_id, interval)
        self.engine: Final = self._make_engine(folder, relay, clock, crash_point)
        self.overlay: Final = (
            None
            if genesis.lane is None or not self.options.gossip
            else Overlay(
                place or Place.in_memory(genesis.chain_id),
                hub or MemoryHub(),
                self.options.gossip_cut,
                self.options.nats,
            )
        )
        self.tip: Final = Tip(store.height)
        self.monitor: Final = Monitor(self, self.meters, home)
        self.meters.watch(self.application, LEDGER_CALLS)
        self.meters.watch(self.pool, POOL_CALLS)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._block_thread = ThreadPoolExecutor(1, "blocks")
        names = development.names(genesis)
        faucet = None
        if genesis.profile == DEV_PROFILE:
            faucet = Faucet(genesis, self.chain, store, self.pool, self.produce_block, names)
        self.service: Final = Service(
            ServiceParts(
                self.executor,
                self.chain,
                store,
                self.pool,
                self.produce_block,
                assembly.warnings(genesis, keys),
                names,
                faucet,
                insecure,
                engine=None if folder is None else engines.query(folder),
                **self._lane_parts(),
            )
        )
        self._maker = BlockMaker(
            self._produce,
            self.pool,
            delay_ms=self.options.delay_ms,
            interval_ms=genesis.parameters.block_time_ms,
            empty_blocks=self.timed,
            busy=self._busy,
            tick_ms=self.options.lane_tick_ms,
        )

    # --- folders -----------------------------------------------------------------------------

    @staticmethod
    def create(home: Path, genesis: Genesis) -> None:
        """Make `home` the folder of a new node of this chain; `open` it afterwards.

        Raises:
            NoNode: there is a node already.
        """
        homes.create(home, genesis)

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
            OtherRuntime: CH-56.
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
        store = shards = place = None
        try:
            keys = keys or KeyStore()
            assembly.verifying_keys(genesis, keys)  # before anything is written
            runtime.check(genesis)
            joins = options is not None and engines.joins(options.engine)
            if not (home / CHAIN_FOLDER).exists() and not joins:
                assembly.check_new_chain(genesis, keys)
            store = open_store(home / CHAIN_FOLDER, genesis.chain_id, crash_point=crash_point)
            if genesis.lane is not None:
                shards = homes.open_rows(home, genesis)
                place = Place.load(home, genesis.chain_id)
            return cls(
                genesis,
                store,
                keys=keys,
                options=options,
                crash_point=crash_point,
                lock=lock,
                validator=Belongings.load(home, genesis),
                shards=shards,
                shelf=Shelf(home / snapshots.FOLDER),
                place=place,
                home=home,
                members=MembersConfig.load(home),
            )
        except BaseException:
            for opened in (store, shards, place):
                if opened is not None:
                    opened.close()
            lock.release()
            raise

    def close(self) -> None:
        """Give back threads, store and lock."""
        self._block_thread.shutdown()
        self._snapshotter.close()
        if isinstance(self._proofs, GrothVerifier):
            self._proofs.close()
        self.members.client.close()
        self.store.close()
        if self.availability is not None:
            self.availability.close()
        if self.overlay is not None:
            self.overlay.close()
        if self._lock is not None:
            self._lock.release()

    # --- running -----------------------------------------------------------------------------

    def start(self) -> None:
        """Genesis into an empty store, or the last block checked again (CH-24). Blocking.

        A node that begins with a snapshot has no state yet, and waits for one (SN-13).
        """
        if self.joining:
            _log.info("waits for a snapshot", extra={"chain": self.genesis.chain_id.hex()})
            return
        self.engine.start()
        self._restored()

    @property
    def timed(self) -> bool:
        """Whether blocks come by time, also empty ones; else where something waits."""
        if self.options.engine is not None:
            return True
        # Deadlines of private rounds are heights.
        wanted = self.options.empty_blocks or self.genesis.private is not None
        return wanted and self.genesis.parameters.block_time_ms > 0

    @property
    def joining(self) -> bool:
        """SN-13: whether it waits for a snapshot."""
        return self._joins and self.store.empty

    def _restored(self) -> None:
        """There is a state: from genesis, from the disk, or from others."""
        if self.validator is not None:
            self.validator.start()
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._go_on)
        else:
            self._go_on()

    def _go_on(self) -> None:
        """In the event loop, where there is one."""
        height = self.store.height
        if self.overlay is not None:
            self.overlay.start(self.chain)
        self.tip.reached(height)
        if height:
            self.meters.resume(height, self.chain.head(height).time_ms)
        self.monitor.started = True
        _log.info(
            "chain open",
            extra={"chain": self.genesis.chain_id.hex(), "height": height},
        )

    def want_key(self, domain: int) -> None:
        """Ask the validators for the key of a domain of sealed intents. Blocking, any thread."""
        if self.validator is None:
            return
        self.validator.want(domain)
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._maker.wake)

    def produce_block(self) -> Produced:
        """One block now, or CometBFT's next one; blocking, from any thread."""
        produced = self.engine.produce_block()
        if isinstance(self.engine, LocalEngine):
            self._committed(produced)
            check_alone(self.genesis, self.store.reader())
        return produced

    def _committed(self, produced: Produced) -> None:
        """RPC-9: told to those who wait once on disk."""
        height = produced.block.header.height
        refused = sum(not receipt.ok for receipt in produced.receipts)
        accepted = len(produced.receipts) - refused
        self.meters.block(height, produced.block.header.time_ms, accepted, refused)
        _log.info(
            "block",
            extra={
                "height": height,
                "txs": len(produced.receipts),
                "refused": refused,
                "root": produced.root.hex(),
            },
        )
        if self.availability is not None:
            self.availability.committed(produced.block, produced.receipts, self.store.reader())
        self._snapshotter.committed(height)
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                self._loop.call_soon_threadsafe(self._reached, produced)
        else:
            self._reached(produced)

    def _reached(self, produced: Produced) -> None:
        """In the event loop, where there is one: whoever waits for blocks is told of one."""
        if self.overlay is not None:
            self.overlay.committed(produced.block, produced.receipts)
        self.tip.reached(produced.block.header.height)

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
        sock = _listen(options)
        told: socket.socket | None = None
        try:
            if options.metrics is not None:
                told = listen_on_loopback(options.metrics)
            beside = [asyncio.create_task(self.monitor.run(stop, told))]
            if self.availability is not None:
                serving = self.members.run(self.overlay, self.availability, self.store, stop)
                beside.append(asyncio.create_task(serving))
            try:
                await asyncio.to_thread(self.start)
            except BaseException:
                stop.set()
                await asyncio.wait(beside)
                raise
            listener = Listener(self.server().app)
            tasks = [
                asyncio.create_task(listener.serve(sockets=[sock])),
                asyncio.create_task(
                    self._maker.run(stop)
                    if isinstance(self.engine, LocalEngine)
                    else self.engine.run(stop)
                ),
            ]
            if self.overlay is not None:
                beside.append(asyncio.create_task(self.overlay.run(stop)))
            halted = asyncio.create_task(stop.wait())
            warm = asyncio.create_task(
                asyncio.to_thread(assembly.warm_up, self._proofs, self._keys)
            )
            waits = asyncio.create_task(self._announce(listener, sock.getsockname(), ready))
            await asyncio.wait({*tasks, waits}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({*tasks, halted}, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            self.tip.close()
            listener.should_exit = True
            waits.cancel()
            halted.cancel()
            # A fault in one: the other still ends its connections.
            await asyncio.wait({*tasks, *beside, warm})
            await asyncio.gather(*tasks, *beside, warm)
        finally:
            self._loop = None
            sock.close()
            if told is not None:
                told.close()
        _log.info("stopped", extra={"height": self.store.height})

    def server(self) -> Server:
        """The RPC of this node, for `run` or an ASGI transport."""
        return Server(
            self.service,
            self.tip,
            self._maker.wake,
            any_host=self.options.allow_remote,
            reasons=self.monitor.reasons,
            beside=self._pages(),
        )

    def _pages(self) -> Sequence[BaseRoute]:
        """RPC-62: the explorer's, unless it is off; by default on where nobody else comes."""
        wanted = self.options.explorer
        if wanted is None:
            wanted = not self.options.allow_remote
        if not wanted:
            return ()
        from node.explorer import explorer

        engine = "embedded engine" if isinstance(self.engine, LocalEngine) else "CometBFT"
        any_host = self.options.allow_remote
        parts = explorer.Parts(self.service, self.tip, self._keys, engine, any_host=any_host)
        return explorer.Explorer(parts).routes

    async def _announce(
        self,
        listener: Listener,
        address: tuple[str, int],
        ready: Callable[[str], None] | None,
    ) -> None:
        await listener.ready()
        url = url_of(address)
        _log.info("ready", extra={"url": url})
        if ready is not None:
            ready(url)

    async def _produce(self) -> Produced:
        """On a thread of its own: submissions that are being verified do not hold up blocks."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._block_thread, self.produce_block)

    def _make_engine(
        self, folder: Path | None, relay: Relay | None, clock: Clock, crash_point: CrashPoint
    ) -> LocalEngine | CometEngine:
        source = self.validator or self.pool
        if folder is None or relay is None:
            return LocalEngine(
                self.application, self.chain, self.genesis, source, clock, crash_point=crash_point
            )
        return engines.comet(
            self.genesis,
            self.application,
            self.store,
            source,
            (self.validator and self.validator.public) or b"",
            folder,
            relay,
            decided=self._committed,
            restored=self._restored,
            binary=self.options.binary,
            shelf=self.shelf,
            prunes=self.options.retain_heights > 0,
            crash_point=crash_point,
        )

    def _busy(self) -> bool:
        return self.validator is not None and self.validator.busy()

    def _lane_parts(self) -> dict[str, Any]:
        """What the RPC may ask of the sealed lane."""
        if self.validator is None:
            return {}
        keeper, overlay = self.availability, self.overlay
        return {
            "gossip": None if overlay is None else GossipParts(overlay.bus, overlay.fates),
            "da": None if keeper is None else DaParts(keeper, self.executor, self.store),
            "want_key": self.want_key,
            "keeper": self.validator.keeper,
        }

    def _latest(self) -> tuple[Height, StateReader]:
        reader = self.store.reader()
        return reader.height, reader


def _listen(options: Options) -> socket.socket:
    """For the RPC. Raises Unreachable: it cannot."""
    try:
        return listen(options.host, options.port, allow_remote=options.allow_remote)
    except OSError as error:
        raise Unreachable(
            f"cannot listen on {options.host}:{options.port}: {error.strerror}",
            why="another program uses the port, or the address is not this machine's",
            fix="name another one: --port",
        ) from error
