"""What the load is put on: one node with the embedded engine, or several with CometBFT."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from node.app import development, localnet, process, validator
from node.app.node import Node
from node.core.genesis import Genesis, Parameters
from node.core.lane import LaneDomain, LaneParameters
from node.testing.localnets import p2p_port
from zk import files

DOMAIN: Final = LaneDomain(1, "load", period=1, fee=100, solve_period=1)
"""Closes at every height."""
LANE: Final = LaneParameters((DOMAIN,), epoch_heights=2000, grace=64, lead=200, round_heights=3)
_STATE: Final = "state"


@dataclass(frozen=True)
class Target:
    """Nodes that run.

    Attributes:
        name: `embedded` or `validators`.
        genesis: of their chain.
        urls: of their RPC.
        nodes: their processes.
        engines: CometBFT's.
        folders: of the nodes.
    """

    name: str
    genesis: Genesis
    urls: tuple[str, ...]
    nodes: tuple[int, ...]
    engines: tuple[int, ...]
    folders: tuple[Path, ...]


@contextmanager
def embedded(block_ms: int) -> Iterator[Target]:
    """One validator that decides alone, with a block every `block_ms` while something waits."""
    with _folder() as folder:
        home, state = folder / "node", folder / _STATE
        key = validator.create_key(files.make_private_folder(home))
        genesis = development.genesis(
            time.time_ns() // 1_000_000,
            parameters=Parameters(block_time_ms=block_ms),
            validators=(key.public,),
            lane=replace(LANE, round_heights=1),
        )
        Node.create(home, genesis)
        running = process.spawn(home, state, port=0, create=False, lane_tick_ms=block_ms)
        try:
            yield Target("embedded", genesis, (running.url,), (running.pid,), (), (home,))
        finally:
            process.stop(home, state)


@contextmanager
def validators(n: int, block_ms: int) -> Iterator[Target]:
    """So many validators with a CometBFT each, on this machine.

    Args:
        n: how many.
        block_ms: pause between blocks.
    """
    with _folder() as folder:
        genesis = localnet.create(
            folder,
            n,
            time_ms=time.time_ns() // 1_000_000,
            block_time_ms=block_ms,
            p2p_port=p2p_port(n),
            lane=LANE,
        )
        try:
            standing = localnet.up(folder, rpc_port=0)
            running = [item.process for item in standing if item.process is not None]
            yield Target(
                "validators",
                genesis,
                tuple(item.url for item in running),
                tuple(item.pid for item in running),
                tuple(item.engine for item in standing if item.engine is not None),
                tuple(item.home for item in standing),
            )
        finally:
            localnet.down(folder)


@contextmanager
def _folder() -> Iterator[Path]:
    """Of a short name, since paths of sockets are short."""
    folder = Path(tempfile.mkdtemp(prefix="load"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
