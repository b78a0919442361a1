"""One series: several programs do the same work in turns, and their answers are compared.

Every program runs in a process of its own, bound to the same processors. First each starts, loads
its inputs and works once: that is *cold*. Then come the warm rounds: in each round every program
works once (short works in bursts), and the order moves on by one from round to round, so that
nobody always follows the same neighbour. An answer that differs ends the program's part: its times
do not count.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from zk import jsontext
from zk.bench import host, stats
from zk.bench.errors import BenchError, OutputsDiffer, PeerFailed, PeerRefused
from zk.bench.inputs import Inputs
from zk.bench.peers import Command, Process
from zk.bench.works import Agreement, Work
from zk.interfaces import Progress

MIN_ROUNDS: Final = 7
DEFAULT_ROUNDS: Final = 9
BURST_MS: Final = 20.0
BURST_RUNS: Final = 9
"""A program's turn in a warm round: it works until so much time is used, so often at most."""
MAX_STEAL: Final = 0.01
MAX_OTHERS: Final = 0.10
MAX_SPREAD: Final = 0.10
CRITERION: Final = (
    "noisy: the host took over 1 % of the series' CPU time, or other processes used over 10 % of "
    "one processor during it, or the interquartile range of a side's warm wall times is over 10 % "
    "of their median"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One warm run, or the median of a burst of short ones.

    Attributes:
        who: name of the program.
        round: from 0.
        wall_ms: by the program's own clock, around the work alone.
        cpu_ms: CPU time of its process meanwhile; None where it cannot say.
    """

    who: str
    round: int
    wall_ms: float
    cpu_ms: float | None


@dataclass(slots=True)
class Side:
    """What was seen of one program.

    Attributes:
        name: of the program.
        version: as it says.
        ours: whether it is this prover.
        backend: of this prover, else empty.
        start_ms: from starting the process to its first answer.
        prepare_ms: loading and converting inputs, as the program says.
        cold_ms: first run of the process.
        output: its answer.
        agreement: how the answer was found right.
        phases: per phase, times of the warm rounds.
        peak_mb: largest resident memory.
        base_mb: resident memory before inputs were loaded, where known.
        error: why its times do not count; empty if they do.
        differs: whether that is because it gave another answer.
    """

    name: str
    ours: bool
    backend: str = ""
    version: str = ""
    start_ms: float = 0.0
    prepare_ms: float = 0.0
    cold_ms: float = 0.0
    output: str = ""
    agreement: str = ""
    phases: dict[str, list[float]] = field(default_factory=dict)
    peak_mb: float | None = None
    base_mb: float | None = None
    error: str = ""
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Noise:
    """How quiet the machine was during a series; see `CRITERION`.

    Attributes:
        load_before: load averages.
        load_after: load averages.
        steal_share: CPU time taken by the host, over the programs' own.
        others_share: CPU time of other processes, over the time that passed.
        spreads: interquartile range over median, by program.
        reasons: which part of the criterion was met; empty when quiet.
    """

    load_before: tuple[float, ...]
    load_after: tuple[float, ...]
    steal_share: float
    others_share: float
    spreads: Mapping[str, float]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Programs that did one work in turns.

    Attributes:
        work: name.
        case: kind of input.
        size: in the work's unit.
        threads: each program was told to use.
        cpus: processors that all were bound to; empty when free.
        started: when, UTC.
        inputs: of the work.
        sides: the programs, ours first.
        samples: warm runs in the order in which they happened.
        noise: on the machine meanwhile.
    """

    work: str
    case: str
    size: int
    threads: int
    cpus: tuple[int, ...]
    started: str
    inputs: Inputs
    sides: tuple[Side, ...]
    samples: tuple[Sample, ...]
    noise: Noise

    def walls(self, name: str) -> list[float]:
        """Warm wall times of a program, by round."""
        return [sample.wall_ms for sample in self.samples if sample.who == name]

    def cpus_of(self, name: str) -> list[float]:
        """Warm CPU times of a program, by round; empty if it cannot tell."""
        times = [sample.cpu_ms for sample in self.samples if sample.who == name]
        known = [value for value in times if value is not None]
        return known if len(known) == len(times) else []


@dataclass(frozen=True, slots=True)
class Plan:
    """What a series is asked to do.

    Attributes:
        work: what.
        size: how much.
        threads: per program.
        rounds: warm rounds.
        case: kind of input, for the record.
        pin: bind every program to the same `threads` processors.
    """

    work: Work
    size: int
    threads: int
    rounds: int = DEFAULT_ROUNDS
    case: str = "random"
    pin: bool = True


class _Player:
    """One program during a series."""

    def __init__(self, command: Command, *, backend: str, cpus: Sequence[int]) -> None:
        self.side = Side(command.name, ours=bool(backend), backend=backend)
        self.process = Process(command, cpus)
        self.side.start_ms = self.process.start_ms
        self.side.version = str(self.process.about.get("version", ""))

    def prepare(self, plan: Plan, values: Mapping[str, str | int]) -> None:
        request = {
            "op": "prepare",
            "work": plan.work.name,
            "size": plan.size,
            "threads": plan.threads,
            "inputs": dict(values),
        }
        answer = self.process.ask(request)
        self.side.prepare_ms = self.process.number(answer, "prepare_ms")

    def run(self) -> tuple[float, float | None, str, Mapping[str, Any]]:
        answer = self.process.ask({"op": "run"})
        wall = self.process.number(answer, "wall_ms", least=1e-9)
        cpu = None if answer.get("cpu_ms") is None else self.process.number(answer, "cpu_ms")
        output = answer.get("output")
        if not isinstance(output, str):
            raise PeerFailed(f"{self.side.name} gave no output")
        phases = answer.get("phases")
        return wall, cpu, output, phases if isinstance(phases, dict) else {}

    def memory(self) -> None:
        answer = self.process.ask({"op": "memory"})
        self.side.peak_mb = self.process.number(answer, "peak_rss_mb")
        if "base_rss_mb" in answer:
            self.side.base_mb = self.process.number(answer, "base_rss_mb")


def run(
    plan: Plan,
    inputs: Inputs,
    ours: Mapping[str, Command],
    peers: Sequence[Command] = (),
    progress: Progress | None = None,
) -> Series:
    """Measure.

    Args:
        plan: work, size, threads, rounds.
        inputs: the same for all.
        ours: this prover's commands by backend; at least one.
        peers: others. One that refuses or fails gets an error instead of times.
        progress: called with `cold` and `rounds`.

    Raises:
        BenchError: fewer rounds than one, or more threads than processors.
        PeerRefused, PeerFailed: this prover cannot do the work.
        OutputsDiffer: this prover's answer is wrong, or changes.
    """
    if plan.rounds < 1:
        raise BenchError("a measurement needs at least one warm round")
    report: Progress = progress or (lambda _phase, _share: None)
    cpus = _processors(plan)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    players: list[_Player] = []
    failed: list[Side] = []
    samples: list[Sample] = []
    judge = _Judge(plan.work.agreement, inputs)
    commands = [(command, backend) for backend, command in ours.items()]
    commands += [(command, "") for command in peers]
    load_before = host.load()
    try:
        for index, (command, backend) in enumerate(commands):
            report("cold", index / len(commands))
            player = None
            try:
                player = _Player(command, backend=backend, cpus=cpus)
                players.append(player)
                _cold(player, plan, inputs, judge)
            except (PeerRefused, PeerFailed, OutputsDiffer) as error:
                if backend:
                    raise
                side = player.side if player is not None else Side(command.name, ours=False)
                _drop(players, failed, side, error)
        report("cold", 1.0)
        before, used = host.clock(), _used(players)
        for number in range(plan.rounds):
            report("rounds", number / plan.rounds)
            turn = number % len(players)
            for player in (*players[turn:], *players[:turn]):
                try:
                    samples.append(_warm(player, number, judge))
                except (PeerRefused, PeerFailed, OutputsDiffer) as error:
                    if player.side.ours:
                        raise
                    _drop(players, failed, player.side, error)
        after, used = host.clock(), _used(players) - used
        for player in players:
            player.memory()
        report("rounds", 1.0)
    finally:
        for player in players:
            player.process.close()
    dropped = {side.name for side in failed}
    counted = tuple(sample for sample in samples if sample.who not in dropped)
    sides = (*(player.side for player in players), *failed)
    noise = _noise(sides, counted, used, before, after, (load_before, host.load()))
    return Series(
        plan.work.name, plan.case, plan.size, plan.threads, cpus, started, inputs,
        tuple(sides), counted, noise,
    )  # fmt: skip


class _Judge:
    """Decides whether answers are right: against what is known, else against our first one."""

    def __init__(self, agreement: Agreement, inputs: Inputs) -> None:
        self._agreement = agreement
        self._inputs = inputs
        self._first = ""

    def judge(self, player: _Player, output: str) -> None:
        """Note how the answer was found right.

        Raises:
            OutputsDiffer: it is not.
        """
        side, inputs = player.side, self._inputs
        if self._agreement == "none":
            side.agreement = "not compared"
            return
        self._first = self._first or output
        if self._agreement == "proof":
            if inputs.accept is None or not inputs.accept(output):
                raise OutputsDiffer(f"{side.name} made a proof that does not verify")
            same = not side.ours and same_document(output, self._first)
            side.agreement = "verified, same proof" if same else "verified"
            return
        if output != (inputs.expected or self._first):
            right = inputs.expected_by or "this prover"
            raise OutputsDiffer(f"{side.name} answers otherwise than {right}: {output[:80]}")
        side.agreement = inputs.expected_by or ("" if side.ours else "same answer")


def same_document(one: str, other: str) -> bool:
    """Whether texts are equal, or documents that differ in spaces and order alone."""
    if one == other:
        return True
    try:
        return bool(jsontext.loads(one.encode()) == jsontext.loads(other.encode()))
    except ValueError:
        return False


def _cold(player: _Player, plan: Plan, inputs: Inputs, judge: _Judge) -> None:
    player.prepare(plan, inputs.values)
    wall, _, output, _ = player.run()
    player.side.cold_ms, player.side.output = wall, output
    judge.judge(player, output)


def _warm(player: _Player, number: int, judge: _Judge) -> Sample:
    """One sample: a run, or the median of a burst where a run is short.

    Between rounds other programs have the caches; the first run of a millisecond's work measures
    how fast memory is. So every program goes on until it has used 20 ms, nine times at most.
    """
    runs: list[tuple[float, float | None]] = []
    while not runs or (len(runs) < BURST_RUNS and sum(wall for wall, _ in runs) < BURST_MS):
        wall, cpu, output, phases = player.run()
        if output != player.side.output:
            judge.judge(player, output)
        for phase, taken in phases.items():
            player.side.phases.setdefault(str(phase), []).append(float(taken))
        runs.append((wall, cpu))
    cpus = [cpu for _, cpu in runs if cpu is not None]
    middle = statistics.median(wall for wall, _ in runs)
    return Sample(player.side.name, number, middle, statistics.median(cpus) if cpus else None)


def _drop(players: list[_Player], failed: list[Side], side: Side, error: BenchError) -> None:
    """End a program's part in the series."""
    side.error = error.message
    side.differs = isinstance(error, OutputsDiffer)
    failed.append(side)
    for player in [player for player in players if player.side is side]:
        players.remove(player)
        player.process.close()


def _processors(plan: Plan) -> tuple[int, ...]:
    """What all programs of the series are bound to."""
    allowed = host.allowed_cpus()
    if not 1 <= plan.threads <= len(allowed):
        raise BenchError(
            f"{plan.threads} threads on {len(allowed)} processors",
            why="threads that share a processor measure the scheduler",
        )
    return host.chosen_cpus(plan.threads) if plan.pin else ()


def _used(players: Sequence[_Player]) -> float:
    """CPU seconds that the programs and this process have used."""
    return time.process_time() + sum(player.process.cpu_seconds() for player in players)


def _noise(
    sides: Sequence[Side],
    counted: Sequence[Sample],
    used: float,
    before: host.Clock,
    after: host.Clock,
    loads: tuple[tuple[float, ...], tuple[float, ...]],
) -> Noise:
    passed = max(after.wall - before.wall, 1e-9)
    steal = (after.steal - before.steal) / max(used, 1e-9)
    others = max(0.0, after.busy - before.busy - used) / passed
    spreads = {
        side.name: stats.spread([s.wall_ms for s in counted if s.who == side.name])
        for side in sides
        if not side.error
    }
    reasons = []
    if steal > MAX_STEAL:
        reasons.append(f"the host took {steal:.0%}")
    if others > MAX_OTHERS:
        reasons.append(f"other processes used {others:.0%} of a processor")
    reasons += [
        f"{name} spread over {value:.0%}" for name, value in spreads.items() if value > MAX_SPREAD
    ]
    return Noise(loads[0], loads[1], steal, others, spreads, tuple(reasons))
