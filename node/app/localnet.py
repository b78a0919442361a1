"""Several validators on this machine, each a node with its own CometBFT.

    node0/ … node<n-1>/     homes as any node's, with `validator.key`; the folders are the record
    node0/state/            log, process file
    node0/engine/           of its CometBFT, which is a child of the node and ends with it

The CometBFT of node i listens on 127.0.0.(2+i), for its peers only, who may reach it through relays
(`node.app.relays`); one port above it listens the node, for rows of blobs, which no relay carries.
All keys are made here and lie beside each other: a localnet is for
development.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from node.app import development, links, process, processes, relays, validator
from node.app.errors import NoNode, NotInstalled, StartFailed
from node.app.members import MembersConfig
from node.app.node import ENGINE_FOLDER, Node
from node.app.process import NodeProcess, Starting
from node.consensus.cometbft import home as engine
from node.consensus.cometbft.home import Network, Place, Timing
from node.consensus.cometbft.server import clear_socket
from node.core.genesis import Allocation, Genesis, Parameters
from node.core.lane import LaneParameters
from node.core.private import PrivateParameters
from node.core.stake import StakeParameters
from node.lane.validator.identity import ConsensusKey
from node.rpc.client import NodeClient
from zk import files
from zk.errors import ChiaroError, DecodeError

MAX_NODES: Final = 16
P2P_PORT: Final = 26656
RPC_PORT: Final = 7430
"""Of the first node; the others count on from there."""
LANE: Final = replace(development.LANE, round_heights=3)
"""Three heights a round of key generation, so that a message may miss two blocks."""
STAKED: Final = replace(LANE, epoch_heights=200)
"""The same with shorter epochs, so that who bonds stake need not wait an hour to vote."""
TIMING: Final = Timing(propose=1000, vote=500, more=250)
START_S: Final = 120.0
"""For all nodes: they start at once."""
_STATE: Final = processes.STATE_FOLDER
_POLL_S: Final = 0.1


Staking = Callable[[tuple[bytes, ...]], StakeParameters]
"""What validators of these consensus keys have at stake."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One node of a localnet.

    Attributes:
        number: from 0.
        home: its folder.
        process: if it runs.
        height: of its last block; None: it does not answer.
        root: state root behind that block, hexadecimal.
        engine: process id of its CometBFT, if that runs and the system tells.
        paused: the node or its CometBFT is stopped, and goes on where it was.
    """

    number: int
    home: Path
    process: NodeProcess | None = None
    height: int | None = None
    root: str = ""
    engine: int | None = None
    paused: bool = False

    @property
    def state(self) -> str:
        """`down`, `starting` (or silent), `paused` or `up`."""
        if self.process is None:
            return "down"
        if self.paused:
            return "paused"
        return "starting" if self.height is None else "up"


Report = Callable[[tuple[Standing, ...]], None]
"""Told how all nodes stand, again and again while they start."""


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


def staked() -> dict[str, Any]:
    """Arguments of `create` for equal stakes that the faucet owns, and epochs of minutes."""
    heights = STAKED.epoch_heights
    return {"lane": STAKED, "stake": lambda keys: development.stake(keys, heights)}


def create(
    folder: Path,
    n: int,
    *,
    time_ms: int,
    block_time_ms: int = 1000,
    p2p_port: int = P2P_PORT,
    lane: LaneParameters | None = LANE,
    timing: Timing = TIMING,
    allocations: Sequence[Allocation] = (),
    with_relays: bool = False,
    stake: Staking | None = None,
    engine_rpc: bool = False,
    private: PrivateParameters | None = None,
) -> Genesis:
    """Make the folders of n validators of a new development chain.

    Args:
        folder: must hold no localnet.
        n: validators, 1 to 16.
        time_ms: now.
        block_time_ms: pause between blocks.
        p2p_port: of each CometBFT on its own address.
        lane: of sealed intents; None: there are none.
        timing: of rounds.
        allocations: beside the faucet's.
        with_relays: peers reach each other through relays, which can part them.
        stake: of the validators, whose keys are made here; None: they are equals for ever.
        private: of the private environment; None: there is none.
        engine_rpc: serve CometBFT's RPC two ports behind `p2p_port`, for nodes that join late.

    Raises:
        NoNode: there is one already.
        DecodeError: not 1 to 16.
    """
    if not 1 <= n <= MAX_NODES:
        raise DecodeError(f"a localnet of {n} nodes, not 1 to {MAX_NODES}", where="--validators")
    if left := next(itertools.chain(folder.glob("node[0-9]*"), folder.glob(relays.RECORD)), None):
        raise NoNode(
            "there is a localnet in this folder already, or what is left of one",
            where=str(left),
            why="a new chain would hide the old one, and take its keys and relays for its own",
            fix="start it; or remove the folder, and the chain with it",
        )
    where: list[Path] = []
    keys: list[ConsensusKey] = []
    try:
        for number in range(n):
            home = files.make_private_folder(folder) / f"node{number}"
            home.mkdir(files.PRIVATE_FOLDER)
            where.append(home)
            keys.append(validator.create_key(home))
        places = [Place(os.urandom(32), f"127.0.0.{2 + number}:{p2p_port}") for number in range(n)]
        public = tuple(sorted(key.public for key in keys))
        genesis = development.genesis(
            time_ms,
            parameters=Parameters(block_time_ms=block_time_ms),
            validators=public,
            lane=lane,
            allocations=allocations,
            stake=None if stake is None else stake(public),
            private=private,
        )
        addresses = {
            key.public: f"http://127.0.0.{2 + number}:{p2p_port + 1}"
            for number, key in enumerate(keys)
        }
        for number, home in enumerate(where):
            own = addresses[keys[number].public]
            MembersConfig(own.removeprefix("http://"), own, addresses).save(home)
            peers = [
                replace(place, address=links.dialled(number, other, p2p_port))
                if with_relays
                else place
                for other, place in enumerate(places)
                if other != number
            ]
            seed = keys[number].secret()
            rpc = f"127.0.0.{2 + number}:{p2p_port + 2}" if engine_rpc else ""
            engine.make(
                home / ENGINE_FOLDER, genesis, seed, places[number], peers, timing, Network(rpc=rpc)
            )
            Node.create(home, genesis)
        if with_relays:
            relays.make(folder, n, p2p_port)
        return genesis
    except BaseException:  # whole or not at all
        for home in where:
            shutil.rmtree(home, ignore_errors=True)
        raise


def homes(folder: Path) -> Iterator[Path]:
    """Of the nodes that `create` made, in order."""
    for number in itertools.count():
        home = folder / f"node{number}"
        if not Node.exists(home):
            return
        yield home


def up(
    folder: Path,
    *,
    rpc_port: int = RPC_PORT,
    report: Report | None = None,
    cometbft: Path | None = None,
) -> tuple[Standing, ...]:
    """Start what does not run, and wait until each answers. Interrupted, it stops what it started.

    Args:
        folder: of the localnet.
        rpc_port: of the first node; 0: any, for each.
        report: told of the progress.
        cometbft: the program; default: the one that is found.

    Raises:
        NoNode: nobody called `create` here.
        NotInstalled: there is no CometBFT.
        StartFailed: one does not start; the others are left running.
    """
    cometbft = cometbft or binary()
    found = _need(folder)
    between = relays.wanted(folder) and relays.start(folder)
    starting: dict[int, Starting] = {}
    failures: list[ChiaroError] = []
    try:
        for number, home in enumerate(found):
            if process.find(home, home / _STATE) is None:
                starting[number] = begin_one(home, rpc_port + number if rpc_port else 0, cometbft)
        waiting, deadline = dict(starting), time.monotonic() + START_S
        while waiting and time.monotonic() < deadline:
            for number, one in tuple(waiting.items()):
                try:
                    if one.ready() is not None:
                        del waiting[number]
                except ChiaroError as error:
                    failures.append(error)
                    del waiting[number]
            if report is not None:
                report(status(folder))
            time.sleep(_POLL_S)
        for number, one in waiting.items():
            one.abandon()
            failures.append(
                StartFailed(f"node {number} is not ready in time", where=str(one.state))
            )
    except BaseException:
        with ThreadPoolExecutor(MAX_NODES) as threads:
            list(threads.map(Starting.abandon, starting.values()))
        if between:
            relays.stop(folder)
        raise
    if failures:
        raise failures[0]
    return status(folder)


def begin_one(
    home: Path, port: int, cometbft: Path, program: Sequence[str] = process.PROGRAM
) -> Starting:
    """Start one node and its CometBFT, in the background; `program`: see `process.begin`."""
    return process.begin(
        home, home / _STATE, port=port, create=False, cometbft=cometbft, program=program
    )


def start_one(
    home: Path, port: int, cometbft: Path, program: Sequence[str] = process.PROGRAM
) -> NodeProcess:
    """The same, and wait until it answers."""
    return process.spawn(
        home,
        home / _STATE,
        port=port,
        create=False,
        cometbft=cometbft,
        program=program,
        timeout=START_S,
    )


def healthy(
    folder: Path, seconds: float = START_S, report: Report | None = None
) -> tuple[Standing, ...]:
    """Wait until every node has a block that none has now: they decide, and none is left behind.

    Nodes that are paused are not waited for.

    Raises:
        NoNode: there is no localnet.
        StartFailed: one does not run, so that it never will, or not in time; it is said which.
            Nothing is stopped.
    """
    found = status(folder)
    wanted = 1 + max((node.height for node in found if node.height is not None), default=0)
    deadline = time.monotonic() + seconds
    while late := [n for n in found if not n.paused and (n.height or 0) < wanted]:
        for node in late:
            if node.process is None:
                raise _ended(node)
        if time.monotonic() > deadline:
            raise StartFailed(
                f"no block {wanted} within {seconds:g} s on "
                + ", ".join(f"node {node.number} ({node.state})" for node in late),
                why="too few validators reach each other, or one cannot go on",
                where=", ".join(str(node.home / _STATE / process.LOG_FILE) for node in late),
            )
        if report is not None:
            report(found)
        time.sleep(_POLL_S)
        found = status(folder)
    return found


def _ended(node: Standing) -> StartFailed:
    """With what a node said at last, and where the rest is."""
    state = node.home / _STATE
    said = process.last_error(state)
    return StartFailed(
        f"node {node.number} does not run" + (f": {said.message}" if said else ""),
        where=said.where if said and said.where else str(state / process.LOG_FILE),
    )


def down(folder: Path) -> int:
    """Stop all that run, paused ones too, and the relays; how many nodes did run.

    Nothing is left of them: no process, no socket.

    Raises:
        NoNode: there is no localnet.
        StartFailed: one does not stop.
    """
    found = _need(folder)
    pids = [pid for home in found for pid in processes.of_home(home)]
    for pid in pids:
        processes.resume(pid)
    with ThreadPoolExecutor(MAX_NODES) as threads:
        stopped = list(threads.map(lambda home: process.stop(home, home / _STATE), found))
    relays.stop(folder)
    deadline = time.monotonic() + process.STOP_S
    while left := [pid for pid in pids if not processes.gone(pid)]:
        if time.monotonic() > deadline:
            raise StartFailed("processes do not end", where=f"pids {left}")
        time.sleep(_POLL_S)
    for home in found:
        for name in (engine.ABCI_SOCKET, engine.RPC_SOCKET):
            clear_socket(home / ENGINE_FOLDER / name)
    return sum(item is not None for item in stopped)


def stop_others(folder: Path, numbers: Container[int]) -> None:
    """Stop all nodes but these, and wait until they have; the relays stay.

    Raises:
        NoNode: there is no localnet.
        StartFailed: one does not stop.
    """
    for number, home in enumerate(_need(folder)):
        if number not in numbers:
            process.stop(home, home / _STATE)


def status(folder: Path) -> tuple[Standing, ...]:
    """Of each node. Raises NoNode."""
    return tuple(_standing(number, home) for number, home in enumerate(_need(folder)))


def _standing(number: int, home: Path) -> Standing:
    running = process.find(home, home / _STATE)
    if running is None:
        return Standing(number, home)
    found = Standing(number, home, running, engine=processes.engine_of(home))
    if any(processes.stopped(pid) for pid in processes.of_home(home)):
        return replace(found, paused=True)
    with contextlib.suppress(ChiaroError), NodeClient(running.url) as client:
        answer = client.status()
        return replace(found, height=answer.height, root=answer.state_root)
    return found


def _need(folder: Path) -> list[Path]:
    found = list(homes(folder))
    if not found:
        raise NoNode(
            "there is no localnet in this folder",
            where=str(folder),
            fix="make one: `chiaro localnet init`",
        )
    return found
