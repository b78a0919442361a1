"""A node in the background: start it, find it, stop it. Light to import.

In the state folder lie `node.json` (pid, URL, log, while it runs), `node.log`, and what the process
said at last: `node.err`, `node.error.json`. Whether a node runs is decided by the lock in its home
folder, which the system takes back however the process ends; a process id alone may be anyone's.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Required, TypedDict, Unpack

from filelock import FileLock, Timeout

from node.app.errors import (
    AlreadyRunning,
    BadMembersFile,
    BadSettings,
    DiskRefused,
    ForeignGenesis,
    NoNode,
    NotInstalled,
    OtherRuntime,
    StartFailed,
)
from node.core.errors import NodeError
from node.lane.errors import BadKeyFile, DamagedLog, SecretLost
from zk import files, jsontext
from zk.errors import ChiaroError

PROCESS_FILE: Final = "node.json"
LOG_FILE: Final = "node.log"
ERROR_FILE: Final = "node.error.json"
OUTPUT_FILE: Final = "node.err"
LOCK_FILE: Final = "node.lock"
GENESIS_FILE: Final = "genesis.toml"
"""In the home folder: the chain."""
PROGRAM: Final = ("node.app",)
"""Module that a node's process runs, and arguments before `run`."""
START_S: Final = 60.0
STOP_S: Final = 30.0
_LAST_BREATH_S: Final = 5.0
_POLL_S: Final = 0.05
_LEAST_FREE: Final = 1 << 16
"""Bytes; with fewer, not even an error can be written."""
_OWN: Final = (
    AlreadyRunning, BadMembersFile, BadSettings, DiskRefused, ForeignGenesis, NoNode, NotInstalled,
    OtherRuntime, BadKeyFile, SecretLost, DamagedLog,
)  # fmt: skip
"""Errors of a start that keep their exit code."""


@dataclass(frozen=True, slots=True)
class NodeProcess:
    """A node that is ready.

    Attributes:
        pid: of the process.
        url, port: of its RPC.
        home: folder of the node.
        log: its log.
        chain_id: hex.
        profile: of its chain.
        started_ms: milliseconds since 1970.
    """

    pid: int
    url: str
    port: int
    home: str
    log: str
    chain_id: str
    profile: str
    started_ms: int

    def write(self, state: Path) -> None:
        """Announce it; whole or not at all."""
        document = json.dumps(asdict(self), indent=2) + "\n"
        files.write(state / PROCESS_FILE, document.encode())

    @staticmethod
    def read(state: Path) -> NodeProcess | None:
        """What was announced, by a process that may be gone; None if there is nothing readable."""
        try:
            document = jsontext.loads((state / PROCESS_FILE).read_bytes())
            return NodeProcess(**{f.name: document[f.name] for f in fields(NodeProcess)})
        except (OSError, ValueError, KeyError, TypeError):
            return None


def find(home: Path, state: Path) -> NodeProcess | None:
    """The node that runs in `home`, if one does and is ready."""
    if not _locked(home):
        return None
    found = NodeProcess.read(state)
    return found if found is not None and Path(found.home) == home.resolve() else None


@dataclass(frozen=True, slots=True)
class Starting:
    """A node's process that is not ready yet."""

    child: subprocess.Popen[bytes]
    state: Path

    def ready(self) -> NodeProcess | None:
        """The node once it answers; None: not yet.

        Raises:
            StartFailed: it has ended; or the error that it ended with.
        """
        found = NodeProcess.read(self.state)
        if found is not None and found.pid == self.child.pid:
            self.child.returncode = 0  # it outlives this object, which would warn of that
            return found
        if self.child.poll() is not None:
            raise last_error(self.state) or self._ended()
        return None

    def _ended(self) -> NodeError:
        """Of one that left no word of why; it cannot where the disk is full."""
        said = f"the node ended with code {self.child.returncode} before it was ready"
        with contextlib.suppress(OSError):
            if shutil.disk_usage(self.state).free < _LEAST_FREE:
                return DiskRefused(f"{said}, and the disk is full", where=str(self.state))
        return StartFailed(said, where=f"{self.state / LOG_FILE}, {self.state / OUTPUT_FILE}")

    def abandon(self) -> None:
        """Stop what has begun, and wait until it has."""
        self.child.returncode = None
        self.child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(STOP_S)


class How(TypedDict, total=False):
    """How a node's process is started.

    Attributes:
        port: of its RPC on 127.0.0.1; 0 takes a free one.
        delay_ms: see `node.app.options.Options`.
        lane_tick_ms: the same.
        create: make a chain if the folder is empty; default: so.
        genesis: of that chain; else it is a development chain.
        cometbft: the program that decides for several validators; it is run by the node.
        program: module, and what it is told first; tests of faults run others.
        arguments: of `run`, behind these.
    """

    port: Required[int]
    delay_ms: int | None
    lane_tick_ms: int | None
    create: bool
    genesis: Path | None
    cometbft: Path | None
    program: Sequence[str]
    arguments: Sequence[str]


def begin(home: Path, state: Path, **how: Unpack[How]) -> Starting:
    """Start a node in the background.

    Args:
        home: its folder.
        state: where it says how to reach it, and logs.
        how: see `How`.

    Raises:
        AlreadyRunning: RPC-16.
    """
    if (running := find(home, state)) is not None:
        raise AlreadyRunning(f"a node runs already at {running.url}", where=f"pid {running.pid}")
    files.make_private_folder(state)
    for stale in (PROCESS_FILE, ERROR_FILE):
        (state / stale).unlink(missing_ok=True)
    genesis = how.get("genesis")
    command = [sys.executable, "-P", "-m", *how.get("program", PROGRAM), "run"]
    command += ["--home", str(home), "--state", str(state), "--port", str(how["port"])]
    command += ["--create"] if how.get("create", True) else []
    for word, value in (
        ("--genesis", None if genesis is None else genesis.resolve()),
        ("--delay-ms", how.get("delay_ms")),
        ("--lane-tick-ms", how.get("lane_tick_ms")),
        ("--start-cometbft", how.get("cometbft")),
    ):
        command += [] if value is None else [word, str(value)]
    command += how.get("arguments", ())
    with (state / OUTPUT_FILE).open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
        )
    return Starting(child, state)


def spawn(home: Path, state: Path, *, timeout: float = START_S, **how: Unpack[How]) -> NodeProcess:
    """Start a node in the background (`begin`) and wait until it answers.

    Raises:
        AlreadyRunning: RPC-16.
        StartFailed: it did not become ready; or the error that it ended with.
    """
    starting = begin(home, state, **how)
    try:
        for _ in _polls(time.monotonic() + timeout):
            if (found := starting.ready()) is not None:
                return found
        raise StartFailed("the node is not ready in time", where=str(state / LOG_FILE))
    except BaseException:
        starting.abandon()
        raise


def stop(home: Path, state: Path, *, timeout: float = STOP_S) -> NodeProcess | None:
    """Ask the node in `home` to finish, and wait until it has; None if none runs.

    Raises:
        StartFailed: it still runs when the time is over.
    """
    found = find(home, state)
    if found is None:
        (state / PROCESS_FILE).unlink(missing_ok=True)
        return None
    deadline = time.monotonic() + timeout
    with contextlib.suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGTERM)
    for _ in _polls(deadline):
        if not _locked(home):
            _until_gone(found.pid, min(deadline, time.monotonic() + _LAST_BREATH_S))
            return found
    raise StartFailed(
        f"the node does not stop within {timeout:g} s", where=f"pid {found.pid}, log {found.log}"
    )


def last_error(state: Path) -> ChiaroError | None:
    """What the process ended with, as the error it was."""
    import msgspec

    from node.rpc.errors import error_of
    from node.rpc.schema import ProblemDocument
    from node.rpc.text import document_of

    try:
        data = (state / ERROR_FILE).read_bytes()
        found = document_of(data, ProblemDocument).error
    except (OSError, msgspec.DecodeError):
        return None
    own = {kind.code: kind for kind in _OWN}
    if (kind := own.get(found.code)) is not None:
        return kind(found.message, where=found.where, why=found.why, fix=found.hint)
    return error_of(found)


def _locked(home: Path) -> bool:
    if not home.is_dir():
        return False
    lock = FileLock(home / LOCK_FILE)
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def _until_gone(pid: int, deadline: float) -> None:
    """Wait for the end of a process that has given its lock back: the interpreter goes last.

    A child of this very process is reaped. Of another's, a zombie cannot be told from a live
    process, and its parent may never reap it (containers): hence a deadline, and no error at it.
    """
    for _ in _polls(deadline):
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return
        except ChildProcessError:
            try:
                os.kill(pid, 0)
            except OSError:
                return


def _polls(deadline: float) -> Iterator[None]:
    while True:
        yield
        if time.monotonic() > deadline:
            return
        time.sleep(_POLL_S)
