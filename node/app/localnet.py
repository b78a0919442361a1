"""Several validators on this machine, each a node with its own CometBFT.

    node0/ … node<n-1>/     homes as any node's, with `validator.key`; the folders are the record
    node0/state/            log, process file
    node0/engine/           of its CometBFT, which is a child of the node and ends with it

The CometBFT of node i listens on 127.0.0.(2+i), for its peers only. All keys are made here and lie
beside each other: a localnet is for development.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from node.app import development, process, validator
from node.app.errors import NoNode, NotInstalled
from node.app.node import ENGINE_FOLDER, Node
from node.app.process import NodeProcess
from node.consensus.cometbft import home as engine
from node.consensus.cometbft.home import Place, Timing
from node.core.genesis import Allocation, Genesis, Parameters
from node.core.lane import LaneParameters
from node.rpc.client import NodeClient
from zk import files
from zk.errors import ChiaroError, DecodeError

MAX_NODES: Final = 16
P2P_PORT: Final = 26656
RPC_PORT: Final = 7430
"""Of the first node; the others count on from there."""
LANE: Final = replace(development.LANE, round_heights=3)
"""Three heights a round of key generation, so that a message may miss two blocks."""
TIMING: Final = Timing(propose=1000, vote=500, more=250)
_STATE: Final = "state"


@dataclass(frozen=True, slots=True)
class Standing:
    """One node of a localnet.

    Attributes:
        number: from 0.
        home: its folder.
        process: if it runs.
        height: of its last block; None: it does not answer.
        root: state root behind that block, hexadecimal.
    """

    number: int
    home: Path
    process: NodeProcess | None = None
    height: int | None = None
    root: str = ""


def binary() -> Path:
    """CometBFT. Raises NotInstalled: it is not here."""
    found = engine.binary()
    if found is None:
        raise NotInstalled(
            f"CometBFT {engine.VERSION} is not installed",
            why="it decides where a chain has several validators",
            fix="`make cometbft` builds it (Go 1.22 or newer), or put it on PATH",
        )
    return found


def create(
    folder: Path,
    n: int,
    *,
    time_ms: int,
    block_time_ms: int = 1000,
    p2p_port: int = P2P_PORT,
    lane: LaneParameters = LANE,
    timing: Timing = TIMING,
    allocations: Sequence[Allocation] = (),
) -> Genesis:
    """Make the folders of n validators of a new development chain.

    Args:
        folder: must hold no localnet.
        n: validators, 1 to 16.
        time_ms: now.
        block_time_ms: pause between blocks.
        p2p_port: of each CometBFT on its own address.
        lane: of sealed intents.
        timing: of rounds.
        allocations: beside the faucet's.

    Raises:
        NoNode: there is one already.
        DecodeError: not 1 to 16.
    """
    if not 1 <= n <= MAX_NODES:
        raise DecodeError(f"a localnet of {n} nodes, not 1 to {MAX_NODES}", where="--validators")
    if any(homes(folder)):
        raise NoNode(
            "there is a localnet in this folder already",
            where=str(folder),
            why="a new chain would hide the old one",
            fix="start it, or name another folder",
        )
    places = [Place(os.urandom(32), f"127.0.0.{2 + number}:{p2p_port}") for number in range(n)]
    where = [folder / f"node{number}" for number in range(n)]
    keys = [validator.create_key(files.make_private_folder(home)) for home in where]
    genesis = development.genesis(
        time_ms,
        parameters=Parameters(block_time_ms=block_time_ms),
        validators=tuple(sorted(key.public for key in keys)),
        lane=lane,
        allocations=allocations,
    )
    for number, home in enumerate(where):
        peers = [*places[:number], *places[number + 1 :]]
        seed = keys[number].secret()
        engine.make(home / ENGINE_FOLDER, genesis, seed, places[number], peers, timing)
        Node.create(home, genesis)
    return genesis


def homes(folder: Path) -> Iterator[Path]:
    """Of the nodes that `create` made, in order."""
    for number in itertools.count():
        home = folder / f"node{number}"
        if not Node.exists(home):
            return
        yield home


def up(folder: Path, *, rpc_port: int = RPC_PORT) -> tuple[Standing, ...]:
    """Start what does not run, and wait until each answers.

    Args:
        folder: of the localnet.
        rpc_port: of the first node; 0: any, for each.

    Raises:
        NoNode: nobody called `create` here.
        NotInstalled: there is no CometBFT.
        StartFailed: one does not start; the others are left running.
    """
    program = binary()
    found = _need(folder)

    def start(item: tuple[int, Path]) -> NodeProcess:
        number, home = item
        running = process.find(home, home / _STATE)
        if running is not None:
            return running
        return start_one(home, rpc_port + number if rpc_port else 0, program)

    with ThreadPoolExecutor(len(found)) as threads:
        list(threads.map(start, enumerate(found)))
    return status(folder)


def start_one(
    home: Path, port: int, cometbft: Path, program: Sequence[str] = process.PROGRAM
) -> NodeProcess:
    """One node and its CometBFT, in the background."""
    return process.spawn(
        home, home / _STATE, port=port, create=False, cometbft=cometbft, program=program
    )


def down(folder: Path) -> int:
    """Stop all that run; how many did."""
    with ThreadPoolExecutor(MAX_NODES) as threads:
        stopped = threads.map(lambda home: process.stop(home, home / _STATE), _need(folder))
        return sum(item is not None for item in stopped)


def status(folder: Path) -> tuple[Standing, ...]:
    """Of each node. Raises NoNode."""
    return tuple(_standing(number, home) for number, home in enumerate(_need(folder)))


def _standing(number: int, home: Path) -> Standing:
    running = process.find(home, home / _STATE)
    if running is None:
        return Standing(number, home)
    try:
        with NodeClient(running.url) as client:
            found = client.status()
    except ChiaroError:
        return Standing(number, home, running)
    return Standing(number, home, running, found.height, found.state_root)


def _need(folder: Path) -> list[Path]:
    found = list(homes(folder))
    if not found:
        raise NoNode(
            "there is no localnet in this folder",
            where=str(folder),
            fix="make one: `chiaro localnet init`",
        )
    return found
