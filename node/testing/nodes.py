"""Whole nodes, small and short-lived: in memory, or serving on a free port from a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.types import ASGIApp

from circuits.keys import KeyStore
from node.app import development
from node.app.node import Node
from node.app.options import Options
from node.app.validator import Belongings
from node.consensus.local import Clock
from node.core.genesis import Genesis, Parameters
from node.core.ids import tagged_hash
from node.core.interfaces import ProofVerifier
from node.da.shards import ShardStore
from node.lane.validator.identity import ConsensusKey
from node.rpc.client import NodeClient
from node.rpc.listener import Listener, listen
from node.store.memory import MemoryKeyValue, memory_store
from node.testing.clock import EPOCH_MS, FakeClock
from zk.errors import ChiaroError

VALIDATOR: Final = ConsensusKey(tagged_hash("testing/validator"))
"""UNSAFE, published: the one validator of the chains of `development_genesis`."""
_START_S: Final = 60.0


def development_genesis(parameters: Parameters | None = None) -> Genesis:
    """A development chain that is the same in every run."""
    return development.genesis(EPOCH_MS, parameters=parameters, validators=(VALIDATOR.public,))


def memory_node(
    genesis: Genesis | None = None,
    *,
    database: MemoryKeyValue | None = None,
    verifier: ProofVerifier | None = None,
    clock: Clock | None = None,
    options: Options | None = None,
    keys: KeyStore | None = None,
    validator: Belongings | None = None,
) -> Node:
    """A node without a disk; the `database` of an earlier one "reopens" it.

    The RPC listens on a free port of 127.0.0.1 when it runs; blocks come one millisecond after
    something waits, and ten after the last one while the sealed lane counts heights. It is the
    validator of `development_genesis`, unless it is told to be another.
    """
    genesis = genesis or development_genesis()
    return Node(
        genesis,
        memory_store(genesis.chain_id, database),
        keys=keys,
        verifier=verifier,
        clock=clock or FakeClock(),
        options=options or Options(port=0, delay_ms=1, lane_tick_ms=10),
        validator=validator or Belongings.in_memory(VALIDATOR),
        shards=ShardStore(MemoryKeyValue(), genesis.chain_id, archival=True),
    )


@contextmanager
def served(app: ASGIApp) -> Iterator[tuple[str, int]]:
    """An application on a listener of the node's, from a thread with an event loop of its own.

    Yields:
        Host and port.
    """
    sock = listen("127.0.0.1", 0)
    listener = Listener(app)
    thread = threading.Thread(
        target=lambda: asyncio.run(listener.serve(sockets=[sock])), name="listener", daemon=True
    )
    thread.start()
    try:
        yield sock.getsockname()
    finally:
        listener.should_exit = True
        thread.join(_START_S)
        sock.close()
        if thread.is_alive():
            raise ChiaroError("the listener does not end")


@contextmanager
def serving(node: Node) -> Iterator[NodeClient]:
    """Run `node` on a thread with an event loop of its own; closes it at the end.

    Yields:
        A client of it.

    Raises:
        ChiaroError: what the node failed with.
    """
    started = threading.Event()
    urls: list[str] = []
    failures: list[BaseException] = []
    handles: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        stop = asyncio.Event()
        handles.append((asyncio.get_running_loop(), stop))

        def ready(url: str) -> None:
            urls.append(url)
            started.set()

        await node.run(stop, ready)

    def body() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            failures.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=body, name="node", daemon=True)
    thread.start()
    try:
        if not started.wait(_START_S) or not urls:
            raise failures[0] if failures else ChiaroError("the node does not start")
        with NodeClient(urls[0]) as client:
            yield client
    finally:
        if thread.is_alive() and handles:
            loop, stop = handles[0]
            loop.call_soon_threadsafe(stop.set)
        thread.join(_START_S)
        node.close()
    if failures:
        raise failures[0]
