"""A cluster on simulated time: clock, network, crashes. The same seed gives the same trace."""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Callable
from typing import Final

from node.consensus.finality import CertifiedBlock
from node.core.block import Block
from node.core.ids import StateRoot
from node.testing.cluster.faults import FAIR, Faults
from node.testing.cluster.host import Disk, EvidenceOf, Kit
from node.testing.cluster.invariants import Checker, Violation
from node.testing.cluster.keys import Members, keys
from node.testing.cluster.messages import Message
from node.testing.cluster.rounds import Memory
from node.testing.cluster.sealed_host import SealedKit
from node.testing.cluster.validator import Validator
from private_exec.batch import Batch
from private_exec.shares import ShareMessage

PATIENCE_MS: Final = 120_000
"""Simulated; rounds are what liveness is measured in, this only ends a run that makes none."""


class Killed(BaseException):  # not an Exception: nothing in a process may survive it
    """The process died at a crash point, to be started again after `down_ms`."""

    def __init__(self, name: str, down_ms: int) -> None:
        super().__init__(name)
        self.down_ms = down_ms


class Cluster:
    """n validators. Every run ends with `finish`, which judges it.

    Args:
        n: how many; fewer than a third may lie, or nothing holds.
        seed: of everything random.
        faults: the schedule.
        evidence: of finality; a test that wants to see the checks fail gives another.
        kit: what the validators run; the small ledger of sealed intents by default.
    """

    def __init__(
        self,
        n: int = 4,
        *,
        seed: int = 0,
        faults: Faults | None = None,
        evidence: EvidenceOf = CertifiedBlock,
        kit: Kit | None = None,
    ) -> None:
        self.kit: Final[Kit] = kit or SealedKit(keys(n))
        self.keys: Final[Members] = self.kit.keys
        self.seed = seed
        self.faults: Final = faults or Faults()
        self.checker: Final = Checker(self.kit)
        self.lines: Final[list[str]] = []
        self.disks: Final = [Disk() for _ in range(n)]
        self.running: Final[dict[int, Validator]] = {}
        self._evidence = evidence
        self._now = 0
        self._random = random.Random(f"cluster {seed}")
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._lives = [0] * n
        self._points = [0] * n
        self._calm_ms = self.faults.calm_ms
        self._before_calm: dict[int, int] = {}
        self._stopped: set[int] = set()
        self._at(self._calm_ms, self._calm)
        for place in range(n):
            self._at(1 + place, lambda place=place: self._boot(place))  # type: ignore[misc]

    # --- running -----------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return self._now

    @property
    def honest(self) -> list[int]:
        """Places of those who follow the protocol."""
        return [place for place in range(len(self.disks)) if place not in self.faults.liars]

    @property
    def heights(self) -> list[int]:
        """What honest validators have committed, those that are down included."""
        told = dict.fromkeys(self.honest, 0)
        for place in told:
            disk = self.disks[place]
            running = self.running.get(place)
            told[place] = running.height if running else max(disk.decisions, default=0)
        return list(told.values())

    @property
    def digest(self) -> str:
        """Hash of the trace."""
        return hashlib.blake2b("\n".join(self.lines).encode(), digest_size=32).hexdigest()

    def submit(self, *txs: bytes, late_ms: int = 400) -> None:
        """Put transactions into every pool, half of them up to `late_ms` later than the others."""
        self.checker.submitted.update(txs)
        for tx in txs:
            for place in range(len(self.disks)):
                late = self._random.choice((0, self._random.randint(0, late_ms)))
                self._at(
                    self._now + late,
                    lambda place=place, tx=tx: self._offer(place, tx),  # type: ignore[misc]
                )

    def run(self, milliseconds: int) -> None:
        """Let time pass."""
        end = self._now + milliseconds
        while self._events and self._events[0][0] <= end:
            self._step()
        self._now = end

    def run_to(self, height: int) -> None:
        """Until every honest validator has committed `height`.

        Raises:
            Violation: `liveness`, or whatever else comes up.
        """
        while len(self.running) < len(self.disks) or min(self.heights) < height:
            if self._now > self._calm_ms + PATIENCE_MS:
                raise Violation("liveness", f"at {self.heights}, {height} was wanted")
            self._step()

    def finish(self) -> None:
        """Let heights end of which there are shares, and judge the whole run. Raises Violation."""
        last = max((share.height for share in self.checker.shares), default=0)
        self.run_to(last)
        self.checker.finish(last)

    def stop(self, *places: int) -> None:
        """Kill validators, until `start`; liveness is not asked for meanwhile."""
        for place in places:
            self._die(place, "stop")
            self._stopped.add(place)
        self._calm_ms = 1 << 60

    def start(self, *places: int) -> None:
        """Start stopped validators again. With the last one the faults are over."""
        for place in places:
            self._stopped.discard(place)
            self._boot(place)
        if not self._stopped:
            self._calm_ms = self._now
            self._calm()

    # --- what surrounds a validator ----------------------------------------------------------

    def point(self, place: int, name: str) -> None:
        self._points[place] += 1
        if self._now < self.faults.calm_ms:
            for crash in self.faults.crashes:
                if (crash.place, crash.point) == (place, self._points[place]):
                    raise Killed(name, crash.down_ms)

    def send(self, place: int, target: int, messages: tuple[Message, ...]) -> None:
        if self._parted(place, target):
            return
        stormy = self._now < self.faults.calm_ms
        weather = self.faults.weather if stormy else FAIR
        for _ in range(2 if self._random.random() < weather.doubled else 1):
            if self._random.random() >= weather.loss:
                due = self._now + self._random.randint(weather.least_ms, weather.most_ms)
                self._at(due, lambda: self._arrive(place, target, messages))

    def wake(self, place: int, after_ms: int, action: Callable[[], None]) -> None:
        life = self._lives[place]

        def ring() -> None:
            if self._lives[place] == life:
                self._inside(place, action)

        self._at(self._now + after_ms, ring)

    def note(self, text: str) -> None:
        self.lines.append(f"{self._now} {text}")

    def entered(self, place: int, memory: Memory) -> None:
        """Liveness: after the calm, few rounds a height."""
        if self._now < self._calm_ms or place in self.faults.liars:
            return
        most = self._before_calm.get(memory.height, 0) + self.most_rounds
        if memory.round > most:
            raise Violation("liveness", f"{place} in round {memory.round} of {memory.height}")

    @property
    def most_rounds(self) -> int:
        """How many rounds a height may take after the calm: every proposer once, and one more."""
        return len(self.disks) + 1

    def committed(self, place: int, block: Block, root: StateRoot) -> None:
        if place not in self.faults.liars:
            self.checker.committed(place, block, root)
        header = block.header
        self.note(f"{place} commits {header.height}: {header.hash.hex()[:12]} {root.hex()[:12]}")

    def shared(self, place: int, block: Block, share: ShareMessage, batch: Batch | None) -> None:
        self.checker.shared(place, block, share, batch, self._now)
        self.note(f"{place} shares {share.height}: {hashlib.sha256(share.to_bytes()).hexdigest()}")

    def made(self, place: int, txs: tuple[bytes, ...]) -> None:
        self.checker.submitted.update(txs)
        for tx in txs:
            self.note(f"{place} makes {hashlib.sha256(tx).hexdigest()}")

    # --- inside ------------------------------------------------------------------------------

    def _offer(self, place: int, tx: bytes) -> None:
        """To the process if it runs, else to what it finds at its next start."""
        validator = self.running.get(place)
        if validator is None:
            self.disks[place].pool.append(tx)
        else:
            self._inside(place, lambda: validator.host.offer([tx]))

    def _step(self) -> None:
        self._now, _, action = heapq.heappop(self._events)
        action()

    def _at(self, due: int, action: Callable[[], None]) -> None:
        self._count += 1  # actions due at one time run in the order in which they were asked for
        heapq.heappush(self._events, (max(due, self._now), self._count, action))

    def _arrive(self, place: int, target: int, messages: tuple[Message, ...]) -> None:
        validator = self.running.get(target)
        if validator is not None and not self._parted(place, target):
            self._inside(target, lambda: validator.receive(place, messages))

    def _parted(self, place: int, target: int) -> bool:
        return any(cut.parts(self._now, place, target) for cut in self.faults.partitions)

    def _inside(self, place: int, action: Callable[[], None]) -> None:
        """Run a piece of a process, which may die in it."""
        try:
            action()
        except Killed as death:
            self._die(place, str(death))
            due = min(self._now + death.down_ms, self.faults.calm_ms)
            self._at(due, lambda: self._boot(place))

    def _boot(self, place: int) -> None:
        if place in self.running or place in self._stopped:
            return

        def boot() -> None:
            lie = self.faults.liars.get(place)
            draw = random.Random(f"liar {self.seed} {place}")
            validator = Validator(
                place,
                self.kit,
                self.disks[place],
                self,
                evidence=self._evidence,
                liar=self.kit.liar(lie, place, draw) if lie else None,
                lie=lie,
            )
            self.checker.restarted(place, validator.height)
            self.note(f"{place} starts at {validator.height}")
            self.running[place] = validator
            validator.start()

        self._inside(place, boot)

    def _die(self, place: int, name: str) -> None:
        self.running.pop(place, None)
        self._lives[place] += 1
        self.note(f"{place} dies at {name}")

    def _calm(self) -> None:
        """Remember which rounds the faults led to."""
        for place in self.honest:
            memory = self.disks[place].memory
            if memory is not None:
                known = self._before_calm.get(memory.height, 0)
                self._before_calm[memory.height] = max(known, memory.round)
