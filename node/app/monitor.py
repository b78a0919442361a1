"""A node looks at itself: the event loop, the engine, the disk; and tells on a port of its own.

RPC-52: `/metrics` is on loopback or nowhere, since it shows when a node is busy and with what.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from node.app.errors import BadSettings
from node.app.health import Seen, is_old, reasons
from node.app.meters import Meters
from node.consensus.cometbft.home import RPC_SOCKET
from node.consensus.cometbft.inspect import EngineStatus, ask, voted_root
from node.consensus.cometbft.query import EngineAnswer
from node.core.errors import NotFound, Unreachable
from node.core.ids import EnvironmentId
from node.lane import layout
from node.lane.layout import Stage
from node.rpc import health
from node.rpc.health import Reason
from node.rpc.listener import Listener, is_loopback, listen
from node.rpc.server import is_this_machine

if TYPE_CHECKING:
    from node.app.node import Node

_log = logging.getLogger(__name__)
_LAG_S: Final = 0.05
_LOOK_S: Final = 3.0


def check_metrics(host: str) -> None:
    """Raises BadSettings: RPC-52."""
    if not is_loopback(host):
        raise BadSettings(
            f"RPC-52: {host} can be reached by other machines",
            where="node.metrics",
            why="metrics show when a node is busy and with what, to whoever may ask",
            fix="use 127.0.0.1, and let a collector on this machine send them on",
        )


def listen_on_loopback(place: tuple[str, int]) -> socket.socket:
    """RPC-52: where this machine alone reaches it.

    Args:
        place: host and port; port 0 takes a free one.

    Raises:
        BadSettings: RPC-52.
        Unreachable: the port is taken.
    """
    host, port = place
    check_metrics(host)
    try:
        return listen(host, port)
    except OSError as error:
        raise Unreachable(
            f"cannot listen on {host}:{port}: {error.strerror}",
            where="node.metrics",
            why="another program uses the port",
            fix="name another one",
        ) from error


class Monitor:
    """Of one node. `run` beside it; `app` is for its listener.

    Args:
        node: what is looked at.
        meters: its.
        home: folder whose disk it fills; None: it has none.
    """

    def __init__(self, node: Node, meters: Meters, home: Path | None) -> None:
        self._node: Final = node
        self._meters: Final = meters
        self._home: Final = home
        self._engine: EngineStatus | None = None
        self._free: int | None = None
        self._diverged = False
        self.started = False
        meters.add(self._read)
        self.app: Final = Starlette(
            routes=[Route("/metrics", self._metrics, methods=["GET"]), *health.routes(self.reasons)]
        )

    def reasons(self) -> tuple[Reason, ...]:
        """RPC-53: as last seen; waits for nothing."""
        node = self._node
        return reasons(
            Seen(
                started=self.started,
                joining=node.joining,
                age_s=self._age(),
                interval_s=self._interval,
                diverged=self._diverged,
                driven=node.options.engine is not None,
                engine=self._engine,
                disk_free=self._free,
                disk_reserve=node.options.disk_reserve,
            )
        )

    @property
    def _interval(self) -> float:
        """Seconds between blocks, by the chain's timer."""
        return self._node.genesis.parameters.block_time_ms / 1000

    def _age(self) -> float | None:
        """Of the last block; None where blocks come on demand, or none has come yet."""
        last = self._meters.last_ms
        return max(0.0, time.time() - last / 1000) if self._node.timed and last else None

    async def run(self, stop: asyncio.Event, sock: socket.socket | None = None) -> None:
        """Look until `stop`, and tell on a listening socket, if there is one."""
        tasks = [asyncio.create_task(self._lag()), asyncio.create_task(self._look())]
        listener = None if sock is None else Listener(self.app)
        serving = None
        if listener is not None and sock is not None:
            host, port = sock.getsockname()[:2]
            _log.info("metrics", extra={"url": f"http://{host}:{port}"})
            serving = asyncio.create_task(listener.serve(sockets=[sock]))
        await stop.wait()
        for task in tasks:
            task.cancel()
        if listener is not None and serving is not None:
            listener.should_exit = True
            await serving
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _lag(self) -> None:
        """By how much a sleep takes longer than it should."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LAG_S
            await asyncio.sleep(_LAG_S)
            self._meters.lag(max(0.0, loop.time() - due))

    async def _look(self) -> None:
        while True:
            folder = self._node.options.engine
            if folder is not None:
                try:
                    self._engine = await asyncio.to_thread(ask, folder / RPC_SOCKET)
                    differs = await asyncio.to_thread(self._differs, folder / RPC_SOCKET)
                except (Unreachable, EngineAnswer, NotFound):
                    self._engine, differs = None, False
                if differs and not self._diverged:
                    _log.error("two thirds vote for another state", extra={"code": "RPC-53"})
                self._diverged = differs
            if self._home is not None:
                with contextlib.suppress(OSError):
                    self._free = shutil.disk_usage(self._home).free
            await asyncio.sleep(_LOOK_S)

    def _differs(self, engine: Path) -> bool:
        """Whether others decide on another state; asked only where no block comes. Blocking."""
        if not self.started or not is_old(self._age(), self._interval):
            return False
        store = self._node.store
        height, root = store.height, store.root
        voted = voted_root(engine)
        return (
            voted is not None
            and voted[0] == height == store.height  # no block came meanwhile
            and voted[1] != root
        )

    # THE LISTENER

    async def _metrics(self, request: Request) -> Response:
        if not is_this_machine(request.url.hostname or ""):
            return PlainTextResponse("RPC-6: under this machine's own names only\n", 403)
        text = await run_in_threadpool(generate_latest, self._meters.registry)
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    # WHAT IS READ AT EACH SCRAPE

    def _read(self) -> Iterator[Metric]:
        yield _gauge("chiaro_ready", "1: traffic should come", float(not self.reasons()))
        if self._free is not None:
            yield _gauge("chiaro_disk_free_bytes", "Where the node writes", self._free)
        if self._engine is not None:
            yield _gauge("chiaro_engine_peers", "Of CometBFT", self._engine.peers)
            yield _gauge("chiaro_engine_height", "Of CometBFT", self._engine.height)
            yield _gauge("chiaro_engine_syncing", "1: it fetches blocks", self._engine.syncing)
        if not self.started:
            return
        yield from self._mempool()
        yield from self._lane()
        shelf = self._node.shelf
        if shelf is not None:
            newest = max(shelf.heights(), default=0)
            yield _gauge("chiaro_snapshot_height", "Of the newest that is served", newest)
        overlay = self._node.overlay
        if overlay is not None:
            node = overlay.bus.node
            yield _gauge("chiaro_gossip_held", "Open intents", len(node.admission.pool))
            yield _gauge("chiaro_gossip_peers", "On the overlay", len(node.peers.connected))
            frames = CounterMetricFamily("chiaro_gossip_frames", "From peers", labels=["verdict"])
            frames.add_metric(["taken"], node.taken)
            frames.add_metric(["refused"], node.refused)
            yield frames

    def _mempool(self) -> Iterator[Metric]:
        status = self._node.pool.status()
        yield _gauge("chiaro_mempool_bytes", "Of what waits for a block", status.bytes)
        waiting = GaugeMetricFamily(
            "chiaro_mempool_transactions", "What waits for a block", labels=["environment"]
        )
        counts = self._node.pool.by_environment()
        for tag in EnvironmentId:
            waiting.add_metric([tag.label], counts.get(tag, 0))
        yield waiting

    def _lane(self) -> Iterator[Metric]:
        """RPC-27 holds here, too: what the last block shows, and of shares only how many lack."""
        genesis, validator = self._node.genesis, self._node.validator
        if genesis.lane is None or validator is None:
            return
        state = self._node.store.reader()
        live = layout.live(state)
        batches = GaugeMetricFamily(
            "chiaro_lane_batches", "Batches that are not over", labels=["stage"]
        )
        for stage in Stage:
            batches.add_metric([stage.name.lower()], sum(item.stage is stage for item in live))
        yield batches
        missing = validator.keeper.missing()
        yield _gauge("chiaro_lane_shares_missing", "Until what closed can be opened", missing)
        attempts = GaugeMetricFamily(
            "chiaro_lane_key_attempts", "At the key of the next block's epoch", labels=["domain"]
        )
        epoch = genesis.lane.epoch_of(state.height + 1)
        for domain in genesis.lane.domains:
            found = layout.attempt(state, domain.number, epoch)
            attempts.add_metric([str(domain.number)], 0 if found is None else found.number + 1)
        yield attempts
        faults = len(validator.keeper.faults) + len(validator.keeper.two_roots)
        yield _gauge("chiaro_lane_faults", "Of validators, seen by this node", faults)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
