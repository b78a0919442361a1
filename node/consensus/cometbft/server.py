"""The socket that CometBFT drives the application through.  Rules CH-37, CH-40, CH-41.

CometBFT opens four connections: consensus, mempool, query, snapshots. Each is answered in order;
between them there is none. Calls of consensus run on one thread, one after the other; the others
on threads of their own, so that a proof in the mempool holds up no block. What has arrived of
CheckTx is answered as one batch. Snapshots have a thread too: restoring one takes a while.

A frame that is none costs its connection, and nothing else. A call that this node cannot answer
ends the node: CometBFT gets an exception, never a guess, and stops as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from node.consensus.cometbft import abci_pb2 as abci
from node.consensus.cometbft.bridge import Bridge
from node.consensus.cometbft.frames import encode, read_frame, request_of
from node.consensus.cometbft.snapshots import CALLS as SNAPSHOTS
from node.consensus.errors import EngineRefused
from node.core.errors import ConsensusFault
from zk.errors import ChiaroError

CONSENSUS: Final = frozenset(
    (
        "init_chain",
        "prepare_proposal",
        "process_proposal",
        "extend_vote",
        "verify_vote_extension",
        "finalize_block",
        "commit",
    )
)
MOST_AT_ONCE: Final = 256
"""Of CheckTx in one batch: as many as CometBFT has under way."""
_MOST_WAITING: Final = 2 * MOST_AT_ONCE
_TAKEOVER_S: Final = 5.0
"""How long a new engine waits for the end of one that was killed."""
MAX_PATH: Final = 100
"""Characters of a socket's path; the system takes a few more."""

Answer = TypeVar("Answer")
_log = logging.getLogger(__name__)


def clear_socket(path: Path) -> None:
    """Away with the socket of a process that was killed, and with nothing else.

    Raises:
        ConsensusFault: something else has this name.
    """
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ConsensusFault("there is something else than a socket", where=str(path))
        path.unlink()


class Server:
    """Answers CometBFT on a UNIX socket until told to stop.

    Args:
        path: of the socket; in a folder that only its owner enters.
        bridge: what answers.
    """

    def __init__(self, path: Path, bridge: Bridge) -> None:
        if len(str(path)) > MAX_PATH:
            raise ConsensusFault(
                f"the path of the engine's socket has {len(str(path))} characters, at most "
                f"{MAX_PATH}",
                where=str(path),
                fix="use a shorter home folder",
            )
        self.path: Final = path
        self._bridge: Final = bridge
        self._threads: Final = {
            name: ThreadPoolExecutor(1, f"abci-{name}")
            for name in ("consensus", "mempool", "query", "snapshots")
        }
        self._consensus: Final = asyncio.Lock()
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._failed: asyncio.Future[None] | None = None

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop` is set; a call under way is finished.

        Raises:
            ChiaroError, Exception: CH-40, what a call failed with.
        """
        loop = asyncio.get_running_loop()
        self._failed = loop.create_future()
        clear_socket(self.path)
        server = await asyncio.start_unix_server(self._connected, self.path)
        self.path.chmod(0o600)
        ready()
        halted: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
        ends: set[asyncio.Future[Any]] = {halted, self._failed}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            halted.cancel()
            server.close()
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for threads in self._threads.values():
                await asyncio.to_thread(threads.shutdown)
            self.path.unlink(missing_ok=True)
        if self._failed.done():
            self._failed.result()
        self._failed.cancel()

    # ONE CONNECTION

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_Connection(self, reader, writer).serve())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def fail(self, error: BaseException) -> None:
        """CH-40: the node ends with this."""
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def on(self, thread: str, call: Callable[[], Answer]) -> Answer:
        """Off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads[thread], call)

    async def take_over(self) -> None:
        """CH-41: from here on this connection is the engine's.

        Raises:
            EngineRefused: another one is, and does not end.
        """
        try:
            async with asyncio.timeout(_TAKEOVER_S):
                await self._consensus.acquire()
        except TimeoutError:
            raise EngineRefused("CH-41", "another engine drives this node") from None

    def give_back(self) -> None:
        self._consensus.release()

    @property
    def bridge(self) -> Bridge:
        return self._bridge


_Item = tuple[str, abci.Request] | EngineRefused | None
"""A request by its kind, a frame that is none, or the end."""


class _Connection:
    """Reads ahead, so that what has arrived together is answered together."""

    def __init__(
        self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._waiting: asyncio.Queue[_Item] = asyncio.Queue(_MOST_WAITING)
        self._is_consensus = False

    async def serve(self) -> None:
        reading = asyncio.ensure_future(self._read())
        try:
            await self._work()
        except (ConnectionError, asyncio.CancelledError):
            pass
        except EngineRefused as error:
            _log.warning("connection of the engine closed: %s", error, extra={"code": error.id})
            await self._refuse(error)
        except Exception as error:
            _log.error("CH-40: the node ends: %s", _words(error))
            await self._refuse(error)
            self._server.fail(error)
        finally:
            reading.cancel()
            if self._is_consensus:
                self._server.give_back()
            self._writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await self._writer.wait_closed()

    async def _read(self) -> None:
        """CH-37: until the end, or the first frame that is none."""
        while True:
            try:
                frame = await read_frame(self._reader)
                item: _Item = None if frame is None else request_of(frame)
            except EngineRefused as error:
                await self._waiting.put(error)
                return
            except ConnectionError:
                item = None
            await self._waiting.put(item)
            if item is None:
                return

    async def _work(self) -> None:
        item = await self._waiting.get()
        while item is not None:
            if isinstance(item, EngineRefused):
                raise item
            kind, request = item
            if kind == "check_tx":
                item = await self._check(request)
                continue
            if kind == "flush":
                self._write(abci.Response(flush=abci.ResponseFlush()))
                await self._writer.drain()
            else:
                self._write(await self._answer(kind, request))
            item = await self._waiting.get()

    async def _check(self, first: abci.Request) -> _Item:
        """A batch of CheckTx, as many as are there; returns what came behind them."""
        batch = [first.check_tx]
        behind: list[_Item] = []
        while len(batch) < MOST_AT_ONCE and not behind and not self._waiting.empty():
            item = self._waiting.get_nowait()
            if isinstance(item, tuple) and item[0] == "check_tx":
                batch.append(item[1].check_tx)
            else:
                behind.append(item)
        for answer in await self._server.on("mempool", lambda: self._server.bridge.check(batch)):
            self._write(abci.Response(check_tx=answer))
        return behind[0] if behind else await self._waiting.get()

    async def _answer(self, kind: str, request: abci.Request) -> abci.Response:
        thread = "snapshots" if kind in SNAPSHOTS else "query"
        if kind in CONSENSUS:
            thread = "consensus"
            if not self._is_consensus:
                await self._server.take_over()
                self._is_consensus = True
        return await self._server.on(thread, lambda: self._server.bridge.answer(kind, request))

    def _write(self, response: abci.Response) -> None:
        self._writer.write(encode(response))

    async def _refuse(self, error: Exception) -> None:
        """The last that this connection hears; no traceback leaves the process."""
        exception = abci.ResponseException(error=_words(error))
        with contextlib.suppress(ConnectionError):
            self._write(abci.Response(exception=exception))
            await self._writer.drain()


def _words(error: Exception) -> str:
    """What may be said of an error; a bug's own words are for the log of the node only."""
    if isinstance(error, ChiaroError):
        return f"{error.id}: {error.message}"
    return type(error).__name__
