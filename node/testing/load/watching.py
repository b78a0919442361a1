"""What processes take of the machine: processor time, memory, disk. Linux only."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Of the processor, all threads, since the process began; 0.0 where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(pid: int) -> int:
    """Memory that the process holds; 0 where there is none."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def disk_bytes(folders: Iterable[Path]) -> int:
    """Of all files below these folders, as the file system allots them."""
    total = 0
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                total += path.lstat().st_blocks * 512
            except OSError:
                continue  # gone in between: a database at work
    return total


@dataclass(slots=True)
class Taken:
    """Of the processes of one role.

    Attributes:
        cpu_s: processor seconds.
        rss_first, rss_last: bytes, of the first and the last look; all processes together.
    """

    cpu_s: float = 0.0
    rss_first: int = 0
    rss_last: int = 0


@dataclass
class Watch:
    """Looks at processes while a `with` block runs.

    Args:
        roles: name → processes.
        folders: whose growth is wanted.
    """

    roles: dict[str, list[int]]
    folders: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.taken: dict[str, Taken] = {}
        self.grown = 0
        self.seconds = 0.0
        self._cpu: dict[str, float] = {}
        self._rss: dict[str, int] = {}
        self._began = 0.0
        self._disk = 0

    def __enter__(self) -> Watch:
        self._disk = disk_bytes(self.folders)
        self._cpu, self._rss = self._look()
        self._began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._began
        cpu, rss = self._look()
        self.taken = {
            role: Taken(cpu[role] - self._cpu[role], self._rss[role], rss[role])
            for role in self.roles
        }
        self.grown = disk_bytes(self.folders) - self._disk

    def _look(self) -> tuple[dict[str, float], dict[str, int]]:
        return (
            {role: sum(map(cpu_seconds, pids)) for role, pids in self.roles.items()},
            {role: sum(map(resident_bytes, pids)) for role, pids in self.roles.items()},
        )
