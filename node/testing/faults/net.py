"""A localnet that is started, disturbed and asked."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.app import development, disturb, localnet, process, processes, relays, settings
from node.app.disturb import Part
from node.app.links import Mode, Weather
from node.app.node import ENGINE_FOLDER
from node.app.process import Starting
from node.consensus.cometbft.home import RPC_SOCKET
from node.consensus.cometbft.query import Query, integer, member
from node.core.block import Block
from node.core.committee import Committee
from node.core.lane import LaneDomain, LaneParameters
from node.lane import payload
from node.lane.payload import Tag
from node.lane.trust import Trust
from node.rpc.client import NodeClient
from node.stake import rosters
from node.testing.cluster.invariants import Violation
from node.testing.localnets import WAIT_S, Localnet, until
from zk.errors import ChiaroError

MARKET: Final = LaneDomain(1, "market", period=6, fee=100, solve_period=2)
LANE: Final = LaneParameters((MARKET,), epoch_heights=300, lead=20, round_heights=3)
VALIDATORS: Final = 4


@dataclass(frozen=True, slots=True)
class Window:
    """Heights at which something was wrong on purpose."""

    first: int
    last: int


class Net(Localnet):
    """Four validators with stakes, and relays between them.

    Args:
        lane: of sealed intents.
        program: of CometBFT; default: the one that `localnet` finds.
        snapshots: heights between those of the last node, from which others can begin; 0: none.

    Attributes:
        injected: how often what was done to it.
        roster: who has the keys of sealed intents in epochs from the third on; its clients take
            no others.
        windows: when; rounds there may be many.
        longest: seconds that something took at most, by name.
        asleep: nodes that are paused.
    """

    timeout = 3.0

    def __init__(
        self,
        *,
        lane: LaneParameters = LANE,
        program: Path | None = None,
        snapshots: int = 0,
    ) -> None:
        super().__init__(
            VALIDATORS,
            program=program,
            more=1,
            lane=lane,
            stake=lambda keys: development.stake(keys, lane.epoch_heights),
            with_relays=True,
            engine_rpc=snapshots > 0,
        )
        if snapshots:
            given = {"node.role": "validator", "engine.mode": "child"}
            settings.save(self.homes[-1], {**given, "node.snapshot_interval": snapshots})
        self.roster: Committee = rosters.genesis_roster(self.genesis)
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
            self.joined(number, one)

    def joined(self, number: int, one: Starting) -> NodeClient:
        """Wait until a node answers, and ask it with the others."""
        running = until(one.ready, f"node {number} answers", localnet.START_S)
        self.lost(number)
        client = NodeClient(running.url, timeout=self.timeout)
        client.trust = Trust(proven=lambda _: self.roster)
        self.clients[number] = client
        self.asleep.discard(number)
        return client

    def close(self) -> None:
        """Stop all; raises Violation if anything is left of it."""
        for client in self._retired:
            client.close()
        super().close()

    def lost(self, number: int) -> None:
        """Ask it no more until `up`.

        Its client is closed later: another thread may be asking by it.
        """
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
        query = Query(self.homes[number] / ENGINE_FOLDER / RPC_SOCKET)
        for height in heights:
            found = query.ask("commit", height=height)
            yield height, integer(member(found, "signed_header", "commit", "round"))

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
        self.lost(number)
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
        home = self.home(self.add(self.key(number)))
        one = localnet.begin_one(home, 0, self.program)
        until(one.ready, "the double answers", localnet.START_S)
        self.injected["second process with one key"] += 1
