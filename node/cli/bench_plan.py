"""From the words of `chiaro bench run` to series: work, size, programs and inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from zk import backends
from zk.bench import harness, inputs, peers, works
from zk.bench.errors import BenchError
from zk.bench.harness import Plan, Series
from zk.bench.inputs import Inputs
from zk.bench.peers import Command
from zk.bench.works import Work
from zk.interfaces import Progress

if TYPE_CHECKING:
    from node.cli.bench_circuits import Circuit

WORKER: Final = "node.cli.bench_worker"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for.

    Attributes:
        works: in order.
        sizes: for works that have a choice; empty for the usual ones.
        threads: numbers of threads, each measured.
        backends: of this prover, measured in the same rounds.
        peers: other programs.
        rounds: warm rounds.
        cases: kinds of input; empty for each work's default.
        seed: of the inputs.
        pin: bind the programs to processors.
        profile: whose keys circuits are proved with.
        zkey: somebody's key, instead of a circuit of this project.
        wtns: its witness.
    """

    works: tuple[Work, ...]
    sizes: tuple[int, ...]
    threads: tuple[int, ...]
    backends: tuple[str, ...]
    peers: tuple[Command, ...]
    rounds: int
    cases: tuple[str, ...]
    seed: str
    pin: bool
    profile: str
    zkey: Path | None = None
    wtns: Path | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One series to run."""

    work: Work
    case: str
    size: int | None
    threads: int


def jobs(request: Request) -> list[Job]:
    """Every series of a request; a size of None is decided by the inputs.

    Raises:
        BenchError: a case that a work does not have.
    """
    found = []
    for work in request.works:
        sizes: Sequence[int | None] = work.sizes or (None,)  # None: the circuit has one size
        if request.sizes and work.sizes and work.scalable:
            sizes = request.sizes
        found += [
            Job(work, case, size, threads)
            for case in _cases(work, request)
            for size in sizes
            for threads in request.threads
        ]
    return found


def run_one(request: Request, job: Job, progress: Progress) -> Series:
    """One series."""
    size, made = make_inputs(request, job, progress)
    name = f"{job.work.name} {works.size_text(size)}"

    def report(phase: str, share: float) -> None:
        progress(f"{name} {phase}", share)

    plan = Plan(job.work, size, job.threads, request.rounds, job.case, request.pin)
    ours = {each: peers.ours(each, job.threads, WORKER) for each in request.backends}
    return harness.run(plan, made, ours, request.peers, report)


def make_inputs(request: Request, job: Job, progress: Progress) -> tuple[int, Inputs]:
    """Size and inputs of a job."""
    from node.cli import bench_circuits as circuits

    name = job.work.name
    if name in works.CIRCUITS or name == "scan":
        count = job.size or 1
        if name == "scan":
            return count, circuits.for_scan(count, request.seed)
        if name == "transfer":
            return circuits.for_transfer(request.seed, request.profile, progress)
        circuit = _circuit(request, job, progress)
        if name == "witness":
            return circuits.for_witness(circuit, request.seed)
        if name == "setup":
            return circuits.for_setup(circuit)
        if name == "load_key":
            return circuits.for_load(circuit)
        if name == "prove":
            return circuits.for_prove(circuit, request.seed)
        if name == "verify":
            return 1, circuits.for_verify(circuit, request.seed)
        return count, circuits.for_batch(circuit, request.seed, count)
    size = job.size or 1
    backend = backends.get()
    made = inputs.make(job.work, size, backend, case=job.case, seed=request.seed, progress=progress)
    return size, made


def _circuit(request: Request, job: Job, progress: Progress) -> Circuit:
    from node.cli import bench_circuits as circuits

    if job.case == circuits.FILES:
        return circuits.of_files(request.zkey, request.wtns)
    return circuits.of_case(job.case, request.seed, request.profile, progress)


def _cases(work: Work, request: Request) -> tuple[str, ...]:
    if work.name in works.OWN_FILES and (request.zkey or request.wtns):
        return ("files",)
    cases = request.cases or work.cases[:1]
    for case in cases:
        own = work.name in works.OWN_FILES and case == "files"
        if not own and not works.has_case(work, case):
            raise BenchError(
                f"{work.name} has no case {case!r}", fix=f"take one of {', '.join(work.cases)}"
            )
    return cases


def request_for(row: Mapping[str, Any], data: Mapping[str, Any], **given: Any) -> Request:
    """The request that measures a recorded row again."""
    (work,) = works.find(row["work"])
    return Request(
        works=(work,),
        sizes=(row["size"],),
        threads=(row["threads"],),
        cases=(row["case"],),
        seed=data["seed"],
        pin=bool(data["series"][row["series"]].get("cpus")),
        **given,
    )
