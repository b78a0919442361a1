"""A committee's members as processes over a node: started, killed, ended, and what they told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

_STOP_S: Final = 30.0


class MemberProcesses:
    """Of one committee; `stop` ends those that run.

    Args:
        folder: of their disks and logs.
        url: of the node that they follow.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder: Final = folder
        self.processes: Final[dict[int, subprocess.Popen[bytes]]] = {}
        self._url: Final = url

    def home(self, member: int) -> Path:
        """Its disk."""
        return self.folder / f"m{member}"

    def begin(self, member: int, committee: str, *words: str) -> None:
        """A member's process; it goes on where it was.

        Args:
            member: 1 … n.
            committee: its id, 0x-hex.
            words: more of the command.
        """
        with self._log(member).open("ab") as log:
            self.processes[member] = subprocess.Popen(
                [
                    sys.executable, "-m", "node.cli", "--home", str(self.folder / "config"),
                    "--node", self._url, "private", "member", "run",
                    "--dir", str(self.home(member)), "--committee", committee, *words,
                ],
                stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self, member: int) -> None:
        """SIGKILL."""
        process = self.processes.pop(member)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """As an operator does; those that do not listen are killed."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log(self, member: int) -> str:
        """What its processes told so far."""
        return self._log(member).read_text()

    def _log(self, member: int) -> Path:
        return self.folder / f"m{member}.log"
