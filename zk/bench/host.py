"""Where and under what load a measurement was made. Figures without it are worth nothing."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final

FEATURES: Final = (
    "avx2", "fma", "bmi2", "adx", "avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512ifma",
    "avx512_vbmi2", "vpclmulqdq", "sha_ni", "asimd", "sve", "sve2",
)  # fmt: skip
_LIBRARIES: Final = ("numpy", "llvmlite", "numba", "gmpy2")
_CPU: Final = Path("/sys/devices/system/cpu")
_PACKAGE: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine and the software on it; unknown parts are empty.

    Attributes:
        processor: the CPU's name.
        family: vendor, family, model and stepping: hosts that hide names still tell these.
        features: those instruction sets that kernels care about.
        cores: processors that this process may use.
        threads_per_core: of the first of them; 0 where the system does not say.
        caches: such as `L2 512K`.
        governor: frequency governor, empty where the system does not say.
        hypervisor: whether the CPU says that it is a guest.
        memory_mb: of the whole machine.
        system: kernel and architecture.
        python: version.
        libraries: versions by name.
    """

    processor: str
    family: str
    features: tuple[str, ...]
    cores: int
    threads_per_core: int
    caches: tuple[str, ...]
    governor: str
    hypervisor: bool
    memory_mb: int
    system: str
    python: str
    libraries: dict[str, str] = field(hash=False)

    @property
    def id(self) -> str:
        """Short digest of the hardware: times are comparable between equal ids only."""
        hardware = (self.processor, self.family, self.features, self.cores, self.caches)
        return hashlib.blake2b(repr(hardware).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class Commit:
    """The code that was measured.

    Attributes:
        id: commit of the checkout that the package runs from; empty outside one.
        dirty: whether tracked files of the measured packages differ from it.
        version: of the installed distribution.
    """

    id: str
    dirty: bool
    version: str


@dataclass(frozen=True, slots=True)
class Clock:
    """Counters of the whole machine at one moment, seconds.

    Attributes:
        wall: monotonic time.
        busy: CPU time used by anyone, all processors together.
        steal: CPU time that the host gave to other guests.
    """

    wall: float
    busy: float
    steal: float


def machine() -> Machine:
    """This machine."""
    cpu = dict(_cpuinfo())
    flags = set(cpu.get("flags", cpu.get("Features", "")).split())
    names = ("vendor_id", "cpu family", "model", "stepping")
    return Machine(
        processor=cpu.get("model name", "") or platform.processor(),
        family="/".join(cpu[name] for name in names if name in cpu),
        features=tuple(name for name in FEATURES if name in flags),
        cores=len(allowed_cpus()),
        threads_per_core=len(_siblings(allowed_cpus()[0])),
        caches=_caches(),
        governor=_text(_CPU / "cpu0/cpufreq/scaling_governor"),
        hypervisor="hypervisor" in flags,
        memory_mb=_memory_mb(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=sys.version.split()[0],
        libraries={name: _version(name) for name in _LIBRARIES},
    )


def commit() -> Commit:
    """The commit of this checkout."""
    version = _version("chiaroscuro")
    head = _git("rev-parse", "HEAD")
    if head is None or _git("ls-files", "--error-unmatch", "pyproject.toml") is None:
        return Commit("", False, version)
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "zk", "circuits", "node")
    return Commit(head, bool(changed), version)


def clock() -> Clock:
    """The counters now; zeros where the system has none."""
    ticks = [int(word) for word in _text(Path("/proc/stat")).split("\n", 1)[0].split()[1:]]
    if len(ticks) < 8:
        return Clock(time.monotonic(), 0.0, 0.0)
    user, nice, system, _idle, _iowait, irq, softirq, steal = ticks[:8]
    second = os.sysconf("SC_CLK_TCK")
    busy = (user + nice + system + irq + softirq) / second
    return Clock(time.monotonic(), busy, steal / second)


def load() -> tuple[float, ...]:
    """Load averages of 1, 5 and 15 minutes."""
    try:
        return os.getloadavg()
    except OSError:
        return ()


def allowed_cpus() -> tuple[int, ...]:
    """Processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def chosen_cpus(count: int) -> tuple[int, ...]:
    """Processors to bind programs to: different cores first, and the last ones before the first.

    Interrupts and other programs prefer the first; two threads of one core share its arithmetic.
    """
    seen: set[int] = set()
    whole: list[int] = []
    shared: list[int] = []
    for cpu in reversed(allowed_cpus()):
        (shared if cpu in seen else whole).append(cpu)
        seen |= _siblings(cpu)
    return tuple(sorted((whole + shared)[:count]))


def resident_mb() -> tuple[float, float]:
    """Memory of this process now, and its peak since `reset_peak` (or its start), in 10⁶ bytes."""
    values = {}
    for line in _text(Path("/proc/self/status")).splitlines():
        name, _, rest = line.partition(":")
        if name in {"VmRSS", "VmHWM"}:
            values[name] = int(rest.split()[0]) * 1024 / 1e6
    if len(values) < 2:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
        return peak, peak
    return values["VmRSS"], values["VmHWM"]


def cpu_seconds() -> float:
    """CPU time of this process, all threads, and of the processes that it started and saw end."""
    import resource

    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def reset_peak() -> bool:
    """Start counting the peak anew; whether the system lets us."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def briefly() -> dict[str, Any]:
    """What a page of figures says about this machine."""
    found = machine()
    return {"processor": found.processor, "cores": found.cores, "memory_mb": found.memory_mb}


def to_json(found: Machine) -> dict[str, Any]:
    """For a result file."""
    return {
        "id": found.id,
        "processor": found.processor,
        "family": found.family,
        "features": list(found.features),
        "cores": found.cores,
        "threads_per_core": found.threads_per_core,
        "caches": list(found.caches),
        "governor": found.governor,
        "hypervisor": found.hypervisor,
        "memory_mb": found.memory_mb,
        "system": found.system,
        "python": found.python,
        "libraries": found.libraries,
    }


def _cpuinfo() -> Iterator[tuple[str, str]]:
    """Name and value of the first processor's entries."""
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        if not line:
            return
        name, _, value = line.partition(":")
        yield name.strip(), value.strip()


def _caches() -> tuple[str, ...]:
    found = []
    for index in sorted((_CPU / "cpu0/cache").glob("index*")):
        kind = {"Data": "d", "Instruction": "i"}.get(_text(index / "type"), "")
        found.append(f"L{_text(index / 'level')}{kind} {_text(index / 'size')}")
    return tuple(found)


def _siblings(cpu: int) -> set[int]:
    """The processors that share a core with one, itself included; empty when unknown."""
    found: set[int] = set()
    for part in _text(_CPU / f"cpu{cpu}/topology/thread_siblings_list").split(","):
        first, _, last = part.partition("-")
        if first.strip().isdecimal():
            found |= set(range(int(first), int(last or first) + 1))
    return found


def _memory_mb() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 10**6
    except (ValueError, OSError):
        return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\n")
    except OSError:
        return ""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(_PACKAGE), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
