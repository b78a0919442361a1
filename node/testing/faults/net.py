"""A localnet that is started, disturbed and asked."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import httpx

from node.app import development, disturb, localnet, process, processes, relays, validator
from node.app.disturb import Part
from node.app.links import Mode, Weather, pairs
from node.app.node import ENGINE_FOLDER, Node
from node.consensus.cometbft import home as engine
from node.consensus.cometbft.home import RPC_SOCKET, Place, Timing
from node.core.block import Block
from node.core.genesis import Genesis
from node.core.lane import LaneDomain, LaneParameters
from node.lane import payload
from node.lane.payload import Tag
from node.lane.validator import identity
from node.rpc.client import NodeClient
from node.testing.cluster.invariants import Violation
from zk import files, jsontext
from zk.errors import ChiaroError

MARKET: Final = LaneDomain(1, "market", period=6, fee=100, solve_period=2)
LANE: Final = LaneParameters((MARKET,), epoch_heights=300, lead=20, round_heights=3)
TIMING: Final = Timing(propose=1000, vote=500, more=250)
BLOCK_MS: Final = 200
WAIT_S: Final = 180.0
_POLL_S: Final = 0.1
_ANSWER_S: Final = 3.0

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


def free_port(addresses: Iterable[str]) -> int:
    """Free on all of these, a moment ago."""
    found = list(addresses)
    while True:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            port = 0
            for address in found:
                bound = stack.enter_context(socket.socket())
                bound.bind((address, port))
                port = int(bound.getsockname()[1])
            return port


@dataclass(frozen=True, slots=True)
class Window:
    """Heights at which something was wrong on purpose."""

    first: int
    last: int


class Net:
    """Some validators in a folder with a short name, since paths of sockets are short.

    Args:
        n: validators.
        lane: of sealed intents.
        block_ms: pause between blocks.
        program: of CometBFT; default: the one that `localnet` finds.

    Attributes:
        injected: how often what was done to it.
        windows: when; rounds there may be many.
        longest: seconds that something took at most, by name.
    """

    def __init__(
        self,
        n: int = 4,
        *,
        lane: LaneParameters = LANE,
        block_ms: int = BLOCK_MS,
        program: Path | None = None,
    ) -> None:
        self.folder: Final = Path(tempfile.mkdtemp(prefix="net", dir="/tmp"))
        self.n: Final = n
        self.program: Final = program or localnet.binary()
        addresses = [f"127.0.0.{2 + k}" for k in range(n + 1)]
        addresses += [f"127.0.{1 + a}.{2 + b}" for a, b in pairs(n)]
        self.port: Final = free_port(addresses)
        self.genesis: Final[Genesis] = localnet.create(
            self.folder,
            n,
            time_ms=time.time_ns() // 1_000_000,
            block_time_ms=block_ms,
            p2p_port=self.port,
            lane=lane,
            timing=TIMING,
            stake=lambda keys: development.stake(keys, lane.epoch_heights),
            with_relays=True,
        )
        self.homes: Final = list(localnet.homes(self.folder))
        self.clients: Final[dict[int, NodeClient]] = {}
        self.injected: Final[Counter[str]] = Counter()
        self.windows: Final[list[Window]] = []
        self.longest: Final[dict[str, float]] = {}
        self.asleep: Final[set[int]] = set()
        self._retired: Final[list[NodeClient]] = []

    # STARTING AND STOPPING

    def up(self, faults: Mapping[int, Sequence[str]] | None = None) -> None:
        """Start what does not run; nodes of `faults` with this program in the place of theirs."""
        relays.start(self.folder)
        begun = {}
        for number, home in enumerate(self.homes):
            if process.find(home, home / processes.STATE_FOLDER) is None:
                told = (faults or {}).get(number, process.PROGRAM)
                begun[number] = localnet.begin_one(home, 0, self.program, told)
        for number, one in begun.items():
            running = until(one.ready, f"node {number} answers", localnet.START_S)
            self._forget(number)
            self.clients[number] = NodeClient(running.url, timeout=_ANSWER_S)
            self.asleep.discard(number)

    def close(self) -> None:
        """Stop all; raises Violation if anything is left of it."""
        for client in (*self.clients.values(), *self._retired):
            client.close()
        self.clients.clear()
        pids = [pid for home in self.homes for pid in processes.of_home(home)]
        localnet.down(self.folder)
        left = [pid for pid in pids if not processes.gone(pid)]
        sockets = list(self.folder.rglob("*.sock"))
        if left or sockets or relays.running(self.folder):
            raise Violation("remains", f"processes {left}, sockets {sockets}")

    def remove(self) -> None:
        """The folder."""
        shutil.rmtree(self.folder)

    def _forget(self, number: int) -> None:
        """Its client is closed later: another thread may be asking by it."""
        if (client := self.clients.pop(number, None)) is not None:
            self._retired.append(client)

    # ASKING

    def awake(self) -> list[int]:
        """Nodes that run and are not paused."""
        return [number for number in self.clients if number not in self.asleep]

    def height(self, *numbers: int) -> int:
        """The highest block of these nodes, or of all that are awake."""
        found = [0]
        for number in numbers or self.awake():
            with contextlib.suppress(ChiaroError):
                found.append(self.clients[number].status().height)
        return max(found)

    def to(self, height: int, *numbers: int, seconds: float = WAIT_S) -> None:
        """Wait until these nodes, or all that are awake, have a block of this height."""
        wanted = numbers or tuple(self.awake())

        def there() -> bool:
            return min(self.clients[k].status().height for k in wanted) >= height

        until(there, f"height {height} on nodes {list(wanted)}", seconds)

    def on(self, more: int, *numbers: int, seconds: float = WAIT_S) -> None:
        """Wait until these nodes, or all that are awake, are this many blocks further."""
        self.to(self.height(*numbers) + more, *numbers, seconds=seconds)

    def stands(self, seconds: float) -> None:
        """See that no block comes.

        Raises:
            Violation: `quorum`, one does.
        """
        time.sleep(2.0)  # what was on its way
        before = self.height()
        time.sleep(seconds)
        if (after := self.height()) != before:
            raise Violation("quorum", f"block {after} without two thirds of the validators")

    def has_key(self) -> bool:
        """Whether the key of the next block's epoch is made. Raises ChiaroError: nobody says."""
        client = self.clients[min(self.clients)]
        return client.lane.key_state(MARKET.number).state == "made"

    def opened(self) -> list[int]:
        """Heights at which batches of sealed intents were opened. Raises ChiaroError."""
        client = self.clients[min(self.clients)]
        blocks = (Block.from_bytes(data) for _, data, _, _ in client.raw(1, client.status().height))
        return [
            block.header.height
            for block in blocks
            for tx in block.txs
            if payload.tag_of_wire(tx) is Tag.REVEAL
        ]

    def rounds(self, number: int, heights: Iterable[int]) -> Iterator[tuple[int, int]]:
        """In which round blocks were decided, by the CometBFT of a node."""
        socket_ = self.homes[number] / ENGINE_FOLDER / RPC_SOCKET
        transport = httpx.HTTPTransport(uds=str(socket_))
        with httpx.Client(transport=transport, timeout=_ANSWER_S) as client:
            for height in heights:
                answer = client.get("http://engine/commit", params={"height": str(height)})
                commit = answer.json()["result"]["signed_header"]["commit"]
                yield height, int(commit["round"])

    # DISTURBING

    @contextlib.contextmanager
    def window(self, behind: int = 3) -> Iterator[None]:
        """While this lasts something is wrong, and `behind` heights longer."""
        first = self.height()
        try:
            yield
        finally:
            self.windows.append(Window(first, self.height() + behind))

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """How long this takes, if it succeeds; the longest is kept."""
        began = time.monotonic()
        yield
        self.longest[name] = max(self.longest.get(name, 0.0), round(time.monotonic() - began, 1))

    def kill(self, number: int, part: Part = Part.BOTH) -> None:
        """A node is gone, until `up`."""
        self._forget(number)
        disturb.kill(self.folder, number, part)
        self.injected[f"kill {part.name or part}".lower()] += 1

    def pause(self, number: int) -> None:
        disturb.pause(self.folder, number)
        self.asleep.add(number)
        self.injected["pause"] += 1

    def resume(self, number: int) -> None:
        disturb.resume(self.folder, number)
        self.asleep.discard(number)

    def part(self, groups: Sequence[Sequence[int]], weather: Weather | None = None) -> None:
        disturb.partition(self.folder, groups, weather)
        weather = weather or Weather(Mode.HELD)
        open_ = "lossy" if weather.drop else "slow"
        self.injected[f"links {weather.mode if weather.mode is not Mode.OPEN else open_}"] += 1

    def heal(self) -> None:
        disturb.heal(self.folder)

    def double(self, number: int) -> None:
        """A second node with the key of one, and a CometBFT that remembers no vote of it."""
        home = self.folder / f"node{self.n}"
        validator.create_key(files.make_private_folder(home))
        seed = identity.load(self.homes[number] / identity.KEY_FILE).secret()
        place = Place(os.urandom(32), f"127.0.0.{2 + self.n}:{self.port}")
        peers = [self._place(k) for k in range(self.n)]
        engine.make(home / ENGINE_FOLDER, self.genesis, seed, place, peers, TIMING)
        Node.create(home, self.genesis)
        one = localnet.begin_one(home, 0, self.program)
        until(one.ready, "the double answers", localnet.START_S)
        self.injected["second process with one key"] += 1

    def _place(self, number: int) -> Place:
        path = self.homes[number] / ENGINE_FOLDER / "config" / "node_key.json"
        key = jsontext.loads(path.read_bytes())["priv_key"]["value"]
        return Place(base64.b64decode(key)[:32], f"127.0.0.{2 + number}:{self.port}")

    def lost(self, number: int) -> None:
        """It ended by itself; nobody asks it any more until `up`."""
        self._forget(number)
