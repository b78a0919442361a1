"""Processes of a localnet's nodes by what the system says of them (/proc; elsewhere, nothing).

The CometBFT of a node is the child of that node; who wants to pause or kill it alone finds it here.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from node.app import process
from node.app.node import ENGINE_FOLDER

STATE_FOLDER: Final = "state"
_PROC: Final = Path("/proc")
_STOPPED: Final = frozenset("Tt")


def engine_of(home: Path) -> int | None:
    """The CometBFT of the node in `home`; None: none runs, or nobody can tell."""
    return next(_engines(home), None)


def of_home(home: Path) -> list[int]:
    """The node in `home`, as far as it is ready, and its CometBFT."""
    found = process.find(home, home / STATE_FOLDER)
    return [*([] if found is None else [found.pid]), *_engines(home)]


def stopped(pid: int) -> bool:
    """Whether a process is paused."""
    return _state(pid) in _STOPPED


def gone(pid: int) -> bool:
    """Whether a process has ended; a child of this one is reaped, and not gone before that.

    The system calls a process dead whose first thread has ended while others still do; until it is
    reaped, a signal reaches it, and whoever asks in that way takes it for running.
    """
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return _state(pid) in {"", "Z"}


def kill(pid: int) -> None:
    """At once, whatever it does."""
    _send(pid, signal.SIGKILL)


def pause(pid: int) -> None:
    """Until `resume`; it does not know."""
    _send(pid, signal.SIGSTOP)


def resume(pid: int) -> None:
    """Nothing, where it is not paused."""
    _send(pid, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _state(pid: int) -> str:
    """One letter; empty: there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[0]  # behind the name, which may hold anything


def _engines(home: Path) -> Iterator[int]:
    words = f"\0start\0--home\0{(home / ENGINE_FOLDER).resolve()}\0".encode()
    try:
        entries = [entry for entry in _PROC.iterdir() if entry.name.isdigit()]
    except OSError:
        return
    for entry in entries:
        with contextlib.suppress(OSError):
            if (entry / "cmdline").read_bytes().endswith(words):
                yield int(entry.name)
