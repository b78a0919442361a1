"""CometBFT in the place of the embedded engine: what a node starts, waits for and stops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from node.consensus.application import LedgerApplication
from node.consensus.cometbft import child
from node.consensus.cometbft.bridge import Bridge, Pool
from node.consensus.cometbft.home import ABCI_SOCKET, RPC_SOCKET
from node.consensus.cometbft.prosecution import Prosecutor
from node.consensus.cometbft.relay import Relay
from node.consensus.cometbft.server import Server
from node.consensus.cometbft.snapshots import SnapshotCalls
from node.consensus.local import Produced, begin
from node.core.errors import Unreachable
from node.core.genesis import Genesis
from node.core.interfaces import AppInfo
from node.store.versioned import VersionedStore

WAIT_S: Final = 30.0
"""For the next block."""
_ALL: Final = 1 << 30


class CometEngine:
    """Serves CometBFT; blocks come when it decides them.

    Args:
        genesis: of the chain.
        app: the state machine.
        store: of `app`.
        pool: of the node.
        own: this validator's consensus key; empty: it does not vote.
        folder: of CometBFT, where the sockets lie.
        relay: to CometBFT's mempool.
        decided: called when a block is on the disk.
        binary: CometBFT, to be run as a child; None: others start it.
        snapshots: see `Bridge`.
        retain: see `Bridge`.
    """

    def __init__(
        self,
        genesis: Genesis,
        app: LedgerApplication,
        store: VersionedStore,
        pool: Pool,
        own: bytes,
        folder: Path,
        relay: Relay,
        decided: Callable[[Produced], None],
        binary: Path | None = None,
        snapshots: SnapshotCalls | None = None,
        retain: Callable[[], int] = lambda: 0,
    ) -> None:
        self._folder = folder
        self._binary = binary
        self._app = app
        self._pool = pool
        self._relay = relay
        self._decided = decided
        self._changed = threading.Condition()
        self._last: Produced | None = None
        self._prosecutor: Final = Prosecutor(genesis, store, folder / RPC_SOCKET, relay.carry)
        self.bridge: Final = Bridge(
            genesis,
            app,
            store,
            pool,
            own,
            self._on_block,
            self._on_handshake,
            self._prosecutor.accuse,
            snapshots,
            retain,
        )
        self._server: Final = Server(folder / ABCI_SOCKET, self.bridge)

    def start(self) -> AppInfo:
        """Commit genesis into an empty store; else check the last block (CH-24)."""
        return begin(self._app)

    def produce_block(self) -> Produced:
        """The next block, whatever it holds. Blocking, from any thread.

        Raises:
            Unreachable: none comes.
        """
        with self._changed:
            before = self._last
            if not self._changed.wait_for(lambda: self._last is not before, WAIT_S):
                raise Unreachable(
                    f"no block within {WAIT_S:g} s",
                    why="CometBFT does not run here, or too few validators do",
                    fix="see its log, and whether it has peers",
                )
            if self._last is None:
                raise Unreachable("no block")
            return self._last

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set. Raises what a call failed with (CH-40)."""
        served, ready = asyncio.Event(), asyncio.Event()
        tasks: set[asyncio.Future[Any]] = {
            asyncio.ensure_future(self._server.run(served, ready.set)),
            asyncio.ensure_future(self._relay.run(served)),
            asyncio.ensure_future(self._prosecutor.run(served)),
            asyncio.ensure_future(self._decide(ready, stop)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            ready.set()
            served.set()
            await asyncio.wait(tasks)
        await asyncio.gather(*tasks)

    async def _decide(self, ready: asyncio.Event, stop: asyncio.Event) -> None:
        """Until `stop` is set: CometBFT first ends, then what it speaks to."""
        await ready.wait()
        if self._binary is None:
            await stop.wait()
        elif not stop.is_set():
            await child.run(self._binary, self._folder, stop)

    def _on_block(self, produced: Produced) -> None:
        self._decided(produced)
        with self._changed:
            self._last = produced
            self._changed.notify_all()

    def _on_handshake(self) -> None:
        """A CometBFT that was started again has an empty mempool."""
        for tx in self._pool.pending(_ALL):
            self._relay.carry(tx)
