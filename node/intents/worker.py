"""A solver in a process of its own: bounded in time and memory, and believed in nothing.  IN-30.

    python -m node.intents.worker NAME SEED MEMORY SECONDS     problem on stdin, answer on stdout

The answer is `1` and a settlement, or `0` and a text: too complex. Plaintext intents pass through
pipes only; neither they nor what the process says on its way down get into errors or logs.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from node.core.codec import Writer
from node.core.ids import tagged_hash
from node.intents.errors import SettlementRefused, SolverFailed, TooComplex
from node.intents.settlement import MAX_SETTLEMENT_BYTES, Settlement
from node.intents.solvers.problem import Problem, Solve
from zk.errors import ChiaroError

BUILT_IN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "complete": "node.intents.solvers.standard:complete",
        "cycles": "node.intents.solvers.cycles:solve",
        "matching": "node.intents.solvers.pricing:solve",
        "standard": "node.intents.solvers.standard:solve",
    }
)
"""Solvers of this package, by name; others are named `module:function`."""

_PASSED_ON: Final = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT")
"""Environment of a solver: what Python needs, and no settings or secrets of the node."""
_MAX_TEXT: Final = 512


@dataclass(frozen=True, slots=True)
class Limits:
    """What a solver may use.

    Attributes:
        seconds: wall clock, from the start of its process.
        memory: bytes of address space.
    """

    seconds: float = 10.0
    memory: int = 2 << 30


def seed_of(batch_id: bytes) -> bytes:
    """The seed that everyone uses for a batch, so that anyone can repeat a solver's run."""
    return tagged_hash("intents/seed", batch_id)


def run_solver(
    name: str, problem: Problem, seed: bytes | None = None, limits: Limits | None = None
) -> Settlement:
    """Run a solver in a process; what comes back decoded strictly, and is still to be checked.

    Args:
        name: of BUILT_IN, or `module:function`.
        problem: what to solve.
        seed: 32 bytes; default: `seed_of` the batch.
        limits: of the process.

    Raises:
        SolverFailed: IN-30: out of time, crashed, out of memory, or its answer is none.
        TooComplex: the solver declined.
    """
    limits = limits or Limits()
    seed = seed_of(problem.batch_id) if seed is None else seed
    command = [sys.executable, "-m", __name__, name, seed.hex()]
    command += [str(limits.memory), str(int(limits.seconds) + 1)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={key: os.environ[key] for key in _PASSED_ON if key in os.environ},
        start_new_session=True,
    )
    data = problem.to_bytes()
    feeder = threading.Thread(target=_feed, args=(process, data), daemon=True)
    feeder.start()
    try:
        answer = _listen(name, process, limits.seconds)
    finally:
        _end(process, feeder)
    if process.returncode != 0:
        reason = f"exit status {process.returncode}"
        raise SolverFailed("IN-30", f"its process failed: {reason}", where=name)
    return _decode(name, answer)


def _feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Write the problem; a process that does not read it is no error of ours."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.write(data)
            process.stdin.close()


def _listen(name: str, process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """What the process writes until it ends; never more than a settlement may have.

    Raises:
        SolverFailed: IN-30, too late or too much.
    """
    late = SolverFailed("IN-30", f"no answer within {seconds:g} seconds", where=name)
    deadline = time.monotonic() + seconds
    answer = bytearray()
    with selectors.DefaultSelector() as selector:
        source = selector.register(process.stdout or -1, selectors.EVENT_READ).fd
        while True:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise late
            part = os.read(source, 1 << 16)
            if not part:
                break
            answer += part
            if len(answer) > MAX_SETTLEMENT_BYTES + 1:
                raise SolverFailed("IN-30", "its answer does not end", where=name)
    # Not reaped here: as long as it is there its process group cannot be another's.
    ended = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while os.waitid(os.P_PID, process.pid, ended) is None:
        if time.monotonic() > deadline:
            raise late
        time.sleep(0.002)
    return bytes(answer)


def _end(process: subprocess.Popen[bytes], feeder: threading.Thread) -> None:
    """Kill the process and what it started; its session is its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    feeder.join()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _decode(name: str, answer: bytes) -> Settlement:
    if answer[:1] == b"0" and len(answer) <= _MAX_TEXT:
        text = answer[1:].decode("ascii", "replace")
        shown = "".join(c if c.isprintable() else "?" for c in text)
        raise TooComplex(shown or "the solver declined", where=name)
    if answer[:1] != b"1":
        raise SolverFailed("IN-30", "its answer is neither a settlement nor a no", where=name)
    try:
        return Settlement.from_bytes(answer[1:])
    except SettlementRefused as error:
        raise SolverFailed(
            "IN-30", f"its answer does not decode: {error.message}", where=name
        ) from error


# --- inside the process ----------------------------------------------------------------------


def _find(name: str) -> Solve:
    module, _, function = BUILT_IN.get(name, name).partition(":")
    solve: Solve = getattr(importlib.import_module(module), function)
    return solve


def main(arguments: list[str]) -> int:
    """The worker's whole life; any exception is an exit status, its text goes nowhere."""
    name, seed, memory, seconds = arguments
    for what, most in ((resource.RLIMIT_AS, int(memory)), (resource.RLIMIT_CPU, int(seconds))):
        resource.setrlimit(what, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_SETTLEMENT_BYTES, MAX_SETTLEMENT_BYTES))
    # A solver that prints, in Python or below it, does not spoil its answer.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    problem = Problem.from_bytes(sys.stdin.buffer.read())
    try:
        found = problem.settlement(_find(name)(problem, bytes.fromhex(seed)))
    except TooComplex as error:
        output.write(b"0" + error.message.encode("ascii", "replace")[: _MAX_TEXT - 1])
    else:
        output.write(Writer().raw(b"1", 1).done() + found.to_bytes())
    output.flush()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ChiaroError:
        sys.exit(3)
