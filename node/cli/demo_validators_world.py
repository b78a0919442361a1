"""The story's chain on four real validators: a process each, with its own CometBFT.

One of them lies; another is killed, and started again. The watcher asks an honest one for blocks
and executes them itself. Everything is on this machine, on addresses 127.0.0.x.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.cli.demo_intents_facts import FAULTY, VALIDATORS, FaultFacts
from node.core.lane import LaneDomain, LaneParameters

if TYPE_CHECKING:
    from circuits.keys import KeyStore
    from node.core.genesis import Allocation
    from node.core.interfaces import ProofVerifier
    from node.rpc.client import NodeClient
    from node.testing.history import History

DOMAIN: Final = LaneDomain(1, "ring", period=10, fee=1000, solve_period=12)
LANE: Final = LaneParameters((DOMAIN,), epoch_heights=300, grace=64, lead=20, round_heights=3)
KILLED: Final = 1
"""Place of the one that is killed."""
BLOCK_MS: Final = 300
LIES: Final = "WRONG_SHARES+FALSE_LEAD"
_WAIT_S: Final = 60.0
_POLL_S: Final = 0.1
_REFUSED: Final = re.compile(r"proposal of [0-9a-f]+ at (\d+) refused: .*?(LN-\d+)")


class LocalnetWorld:
    """`World` of processes, which `close` ends.

    Args:
        folder: empty, of a short name: paths of sockets are short.
        allocations: of genesis.
        keys: of the statements.

    Raises:
        NotInstalled: there is no CometBFT.
        StartFailed: a node does not start.
    """

    domain: LaneDomain = DOMAIN
    life: int = 60
    most: int = 400

    def __init__(self, folder: Path, allocations: Sequence[Allocation], keys: KeyStore) -> None:
        from node.app import assembly, localnet
        from node.execution.verifier import GrothVerifier
        from node.testing.localnets import p2p_port
        from node.testing.observer import Observer

        self._folder = folder
        self._cometbft = localnet.binary()
        self.genesis = localnet.create(
            folder,
            VALIDATORS,
            time_ms=time.time_ns() // 1_000_000,
            block_time_ms=BLOCK_MS,
            p2p_port=p2p_port(VALIDATORS),
            lane=LANE,
            allocations=allocations,
        )
        self._homes = list(localnet.homes(folder))
        self.verifier: ProofVerifier = GrothVerifier(assembly.verifying_keys(self.genesis, keys))
        self._observer = Observer(self.genesis, self.verifier)
        self._clients: dict[int, NodeClient] = {}

    def start(self) -> None:
        """All of them, at once."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(VALIDATORS) as threads:
            list(threads.map(self._start, range(VALIDATORS)))

    def close(self) -> None:
        """Stop what runs."""
        from node.app import localnet

        for client in self._clients.values():
            client.close()
        localnet.down(self._folder)

    def _start(self, place: int) -> None:
        from node.app import localnet
        from node.app.process import PROGRAM
        from node.rpc.client import NodeClient
        from node.testing import lying_node

        program = (lying_node.PROGRAM, LIES) if place == FAULTY else PROGRAM
        running = localnet.start_one(self._homes[place], 0, self._cometbft, program)
        self._clients[place] = NodeClient(running.url)

    # --- World -------------------------------------------------------------------------------

    @property
    def history(self) -> History:
        return self._observer

    def submit(self, *txs: bytes) -> None:
        for tx in txs:
            self._clients[0].submit(tx)

    def run_to(self, height: int) -> None:
        self._observer.follow(self._clients[0], height, _WAIT_S)

    def fresh(self, height: int) -> bool:
        """At the tip, and most of the batch's heights still to come."""
        return self.tip == height and 1 <= height % DOMAIN.period <= 2

    def fault(self) -> FaultFacts:
        wrong = {(seen, height) for seen, height in self._seen() if seen == FAULTY}
        refused = {match.groups() for match in self._refusals()}
        return FaultFacts(
            f"validator {FAULTY + 1}",
            len(wrong),
            len({height for height, _ in refused}),
            tuple(sorted({rule for _, rule in refused})),
        )

    def blamed(self) -> set[int]:
        return {place for place, _ in self._seen()}

    def judge(self) -> None:
        """Every honest validator has the watcher's blocks and states, the killed one included."""
        from node.testing.cluster.invariants import Violation

        last = self._observer.height
        for place, client in self._clients.items():
            if place == FAULTY:
                continue
            self._reaches(client, last)
            for height in (1, last // 2, last):
                view = client.block(height)
                block, root = self._observer.final[height]
                if (view.hash, view.root_after) != (_hex(block.header.hash), _hex(root)):
                    raise Violation("agreement", f"validator {place + 1} at {height}")

    # --- what happens to one of them ---------------------------------------------------------

    @property
    def tip(self) -> int:
        """Of an honest node."""
        return self._clients[0].status().height

    def kill(self) -> None:
        """SIGKILL for the node; its CometBFT dies with it."""
        from node.app import disturb

        disturb.kill(self._folder, KILLED, disturb.Part.APP)
        self._clients.pop(KILLED).close()

    def stands(self, seconds: float) -> int:
        """Wait until no block has come for so long; the height at which the chain stands."""
        height, since = self.tip, time.monotonic()
        while time.monotonic() - since < seconds:
            time.sleep(_POLL_S)
            if (tip := self.tip) > height:
                height, since = tip, time.monotonic()
        return height

    def revive(self) -> int:
        """Start it again; the first height that it has behind those of the others."""
        self._start(KILLED)
        return self._reaches(self._clients[KILLED], self.tip + 1)

    def _reaches(self, client: NodeClient, height: int) -> int:
        from node.testing.cluster.invariants import Violation

        deadline = time.monotonic() + _WAIT_S
        while (tip := client.status().height) < height:
            if time.monotonic() > deadline:
                raise Violation("liveness", f"height {height} within {_WAIT_S:g} s")
            time.sleep(_POLL_S)
        return tip

    # --- what honest ones say ----------------------------------------------------------------

    def _seen(self) -> Iterator[tuple[int, int]]:
        """Place and height of wrong shares."""
        from node.lane.validator import identity

        places = {
            _hex(identity.load(home / identity.KEY_FILE).public): place
            for place, home in enumerate(self._homes)
        }
        for place, client in self._clients.items():
            if place != FAULTY:
                yield from ((places[s.validator], s.height) for s in client.lane.keys().seen)

    def _refusals(self) -> Iterator[re.Match[str]]:
        """Of proposals, from the logs of honest nodes."""
        for place, home in enumerate(self._homes):
            if place != FAULTY:
                log = (home / "state" / "node.log").read_text(errors="replace")
                yield from _REFUSED.finditer(log)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
