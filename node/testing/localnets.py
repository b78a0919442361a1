"""Localnets that something starts, asks and ends: tests, measurements, faults."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from node.app import localnet, processes, relays, validator
from node.app.links import pairs
from node.app.node import ENGINE_FOLDER, Node
from node.consensus.cometbft import home as engine
from node.consensus.cometbft.home import Place, Timing
from node.core.genesis import Genesis
from node.lane.validator import identity
from node.lane.validator.identity import ConsensusKey
from node.rpc.client import TIMEOUT, NodeClient
from node.testing.cluster.invariants import Violation
from zk import files, jsontext
from zk.errors import ChiaroError

WAIT_S: Final = 180.0
_POLL_S: Final = 0.1

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: str, seconds: float = WAIT_S) -> Found:
    """Ask again and again; refusals of a node that is not there yet are no answer.

    Raises:
        Violation: `liveness`, not in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(ChiaroError):
            if found := look():
                return found
        if time.monotonic() > deadline:
            raise Violation("liveness", f"not within {seconds:g} s: {what}")
        time.sleep(_POLL_S)


def free_endpoints(count: int) -> list[str]:
    """Addresses of this machine that nobody listened at a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


def free_port(addresses: Iterable[str] = ("127.0.0.1",), count: int = 1) -> int:
    """The first of `count` ports that were free on all of these a moment ago."""
    found = list(addresses)
    while True:
        with (
            contextlib.ExitStack() as stack,
            contextlib.suppress(OSError, OverflowError),
        ):
            first = 0
            for address in found:
                for more in range(count):
                    bound = stack.enter_context(socket.socket())
                    bound.bind((address, first + more if first else 0))
                    first = first or int(bound.getsockname()[1])
            return first


def p2p_port(n: int, count: int = 2) -> int:
    """For `localnet.create` of n nodes.

    Args:
        n: nodes, with those that join later.
        count: ports of each: its CometBFT's, and that of rows; a third where it serves its RPC.
    """
    return free_port((f"127.0.0.{2 + number}" for number in range(n)), count)


class Localnet:
    """Validators in a folder with a short name, since paths of sockets are short.

    A `with` block ends them, and removes the folder if nothing else is left.

    Args:
        n: validators.
        block_ms: pause between blocks.
        program: of CometBFT; default: the one that `localnet` finds.
        more: nodes that may join, with `add`.
        timing: of rounds.
        given: to `localnet.create`.

    Attributes:
        port: of every CometBFT, on an address of its own.
        homes: of the validators.
        clients: of nodes that run, by number.
        timeout: of a client's question, seconds.
    """

    timeout: float = TIMEOUT

    def __init__(
        self,
        n: int,
        *,
        block_ms: int = 200,
        program: Path | None = None,
        more: int = 0,
        timing: Timing = localnet.TIMING,
        **given: Any,
    ) -> None:
        self.n: Final = n
        self.program: Final = program or localnet.binary()
        self.folder: Final = Path(tempfile.mkdtemp(prefix="net", dir="/tmp"))
        addresses = [f"127.0.0.{2 + k}" for k in range(n + more)]
        if given.get("with_relays"):
            addresses += [f"127.0.{1 + a}.{2 + b}" for a, b in pairs(n)]
        self.port: Final = free_port(addresses, 3 if given.get("engine_rpc") else 2)
        self._timing = timing
        try:
            self.genesis: Final[Genesis] = localnet.create(
                self.folder,
                n,
                time_ms=time.time_ns() // 1_000_000,
                block_time_ms=block_ms,
                p2p_port=self.port,
                timing=timing,
                **given,
            )
        except BaseException:
            self.remove()
            raise
        self.homes: Final = list(localnet.homes(self.folder))
        self.clients: Final[dict[int, NodeClient]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.remove()

    def up(self) -> None:
        """Start what does not run, and ask it anew; it may answer elsewhere than before."""
        standing = localnet.up(self.folder, rpc_port=0, cometbft=self.program)
        self._hang_up()
        for node in standing:
            if node.process is not None:
                self.clients[node.number] = NodeClient(node.process.url, timeout=self.timeout)

    def close(self) -> None:
        """Stop all; raises Violation if anything is left of it."""
        self._hang_up()
        homes = localnet.homes(self.folder)
        pids = [pid for home in homes for pid in processes.of_home(home)]
        localnet.down(self.folder)
        left = [pid for pid in pids if not processes.gone(pid)]
        sockets = list(self.folder.rglob("*.sock"))
        if left or sockets or relays.running(self.folder):
            raise Violation("remains", f"processes {left}, sockets {sockets}")

    def remove(self) -> None:
        """The folder."""
        shutil.rmtree(self.folder)

    def _hang_up(self) -> None:
        for client in self.clients.values():
            client.close()
        self.clients.clear()

    def home(self, number: int) -> Path:
        """Of a validator, or of a node that joined."""
        return self.folder / f"node{number}"

    def key(self, number: int) -> ConsensusKey:
        """A node's own."""
        return identity.load(self.home(number) / identity.KEY_FILE)

    def add(self, key: ConsensusKey | None = None) -> int:
        """The folder of one more node, which `up` starts.

        Args:
            key: that its CometBFT votes with, and remembers no vote of; default: its own.

        Returns:
            Its number.
        """
        number = len(list(localnet.homes(self.folder)))
        home = files.make_private_folder(self.home(number))
        own = validator.create_key(home)
        place = Place(os.urandom(32), f"127.0.0.{2 + number}:{self.port}")
        peers = [self.place(k) for k in range(self.n)]
        seed = (key or own).secret()
        engine.make(home / ENGINE_FOLDER, self.genesis, seed, place, peers, self._timing)
        Node.create(home, self.genesis)
        return number

    def place(self, number: int) -> Place:
        """Where the CometBFT of a validator listens."""
        path = self.homes[number] / ENGINE_FOLDER / "config" / "node_key.json"
        key = jsontext.loads(path.read_bytes())["priv_key"]["value"]
        return Place(base64.b64decode(key)[:32], f"127.0.0.{2 + number}:{self.port}")
