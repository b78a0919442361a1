"""Other programs, each a process that speaks chiaro-peer/1 (tests/peers/README.md).

A peer is found by name: given on the command line (`--peer NAME=COMMAND`), else built by
`make peers` under `.cache/peers`. Nothing is looked up in PATH: what was pinned is measured.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from zk import jsontext
from zk.bench.errors import BenchError, PeerFailed, PeerMissing, PeerRefused

PROTOCOL: Final = "chiaro-peer/1"
ENV_PEERS: Final = "CHIARO_PEERS"
TIMEOUT_S: Final = 900.0
START_TIMEOUT_S: Final = 120.0
_MAX_ANSWER: Final = 1 << 22
_ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Known:
    """A peer of this project: the command that starts it, and how to get it.

    Attributes:
        name: in commands and files.
        command: words; `{peers}` is the folder of built peers, `{root}` the checkout's.
        needs: files that must be there.
        install: what to type.
        about: what it is.
    """

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...]
    install: str
    about: str


KNOWN: Final = (
    Known("gnark", ("{peers}/gnark",), ("{peers}/gnark",), "make peers-gnark", "gnark-crypto, Go"),
    Known(
        "arkworks",
        ("{peers}/arkworks",),
        ("{peers}/arkworks", "{peers}/arkworks-parallel"),
        "make peers-arkworks",
        "arkworks, Rust",
    ),
    Known(
        "snarkjs",
        ("node", "{root}/tests/peers/snarkjs/peer.mjs"),
        ("{root}/tests/peers/snarkjs/peer.mjs", "{root}/.cache/js/node_modules/snarkjs"),
        "make oracles",
        "snarkjs, JavaScript and WebAssembly",
    ),
    Known(
        "groth16py",
        ("{peers}/groth16py/bin/python", "{root}/tests/peers/groth16py/peer.py"),
        ("{peers}/groth16py/bin/python", "{root}/tests/peers/groth16py/peer.py"),
        "make peers-groth16py",
        "groth16py, arkworks for Python",
    ),
)


@dataclass(frozen=True, slots=True)
class Command:
    """A program to start under a name."""

    name: str
    words: tuple[str, ...]


def folder() -> Path:
    """Where built peers lie: `CHIARO_PEERS`, else `.cache/peers` of the checkout."""
    explicit = os.environ.get(ENV_PEERS)
    return Path(explicit) if explicit else _ROOT / ".cache" / "peers"


def installed(known: Known) -> Command | None:
    """The command of a peer of this project, if its files are there."""
    if not all(Path(_filled(item)).exists() for item in known.needs):
        return None
    return Command(known.name, tuple(_filled(word) for word in known.command))


def find(names: Sequence[str], given: Mapping[str, str]) -> list[Command]:
    """Commands of peers by name.

    Args:
        names: as asked for with `--compare`.
        given: commands of `--peer`, by name; all of them are taken.

    Raises:
        PeerMissing: a name that is neither given nor installed; says how to install it.
        BenchError: a command that is empty or cannot be split into words.
    """
    found = []
    for name in dict.fromkeys((*names, *given)):
        if name in given:
            found.append(Command(name, _words(name, given[name])))
            continue
        known = next((peer for peer in KNOWN if peer.name == name), None)
        if known is None:
            raise PeerMissing(
                f"no peer is called {name!r}",
                fix=f"known: {', '.join(p.name for p in KNOWN)}; yours: --peer {name}=COMMAND",
            )
        command = installed(known)
        if command is None:
            raise PeerMissing(
                f"the peer {name} is not built here",
                where=str(folder()),
                fix=f"run `{known.install}` in the checkout, or give it as --peer {name}=COMMAND",
            )
        found.append(command)
    return found


def parse_given(items: Sequence[str]) -> dict[str, str]:
    """`NAME=COMMAND` items of `--peer`.

    Raises:
        BenchError: another form.
    """
    given = {}
    for item in items:
        name, equals, command = item.partition("=")
        if not equals or not name.isidentifier() or not command.strip():
            raise BenchError(
                f"{item!r} names no peer",
                fix="write --peer NAME=COMMAND, such as --peer mine=./peer",
            )
        given[name] = command
    return given


class Process:
    """One running program.

    Args:
        command: what to start.
        cpus: processors it may use; empty for all.

    Raises:
        PeerFailed: it does not start, or does not say hello as the protocol has it.
    """

    def __init__(self, command: Command, cpus: Sequence[int] = ()) -> None:
        self.name = command.name
        began = time.perf_counter()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 — closed by close()
        try:
            self._process = subprocess.Popen(
                command.words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                preexec_fn=_pin(cpus),  # noqa: PLW1509 — nothing else runs in this process yet
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
        except OSError as error:
            self._errors.close()
            raise PeerFailed(
                f"{self.name} cannot be started: {error.strerror}", where=command.words[0]
            ) from None
        self._rest = b""
        self._lost = False
        try:
            self.about = self.ask({"op": "hello"}, timeout=START_TIMEOUT_S)
            if self.about.get("protocol") != PROTOCOL:
                raise PeerFailed(f"{self.name} does not speak {PROTOCOL}")
        except BaseException:
            self.close()
            raise
        self.start_ms = (time.perf_counter() - began) * 1e3

    def ask(self, request: Mapping[str, Any], *, timeout: float = TIMEOUT_S) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            PeerRefused: the peer answered with an error.
            PeerFailed: it ended, fell silent, or wrote something else.
        """
        stdin = self._process.stdin
        self._lost = True  # until it answers: whoever interrupts us must not wait for it
        if stdin is not None:
            with contextlib.suppress(OSError):  # it ended: what it said before is read below
                stdin.write(json.dumps(request).encode() + b"\n")
        line = self._line(time.monotonic() + timeout)
        try:
            answer = jsontext.loads(line, most_bytes=_MAX_ANSWER)
        except ValueError:
            raise self._failure("wrote a line that is not JSON") from None
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
            raise self._failure("wrote an answer without `ok`")
        self._lost = False
        if not answer["ok"]:
            raise PeerRefused(f"{self.name}: {str(answer.get('error', 'refused'))[:500]}")
        return answer

    def number(self, answer: Mapping[str, Any], name: str, *, least: float = 0.0) -> float:
        """A time or size in an answer: a number that is not below `least`.

        Raises:
            PeerFailed: missing, or of another kind.
        """
        value = answer.get(name)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not least <= value < 1e12
        ):
            raise self._failure(f"gave no {name}")
        return float(value)

    def cpu_seconds(self) -> float:
        """CPU time that the process has used so far; zero where the system does not say."""
        try:
            text = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return 0.0
        ticks = text.rpartition(")")[2].split()[11:15]  # user, system, and of ended children
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End the process: ask, then make it."""
        process = self._process
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.write(b'{"op":"quit"}\n')
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(timeout=0.1 if self._lost else 5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _line(self, deadline: float) -> bytes:
        """The next line of the answer stream."""
        stdout = self._process.stdout
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if stdout is None or left <= 0 or not select.select([stdout], [], [], left)[0]:
                raise self._failure("gave no answer in time")
            part = os.read(stdout.fileno(), 1 << 16)
            if not part:
                raise self._failure("ended")
            self._rest += part
            if len(self._rest) > _MAX_ANSWER:
                raise self._failure("wrote an endless line")
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _failure(self, what: str) -> PeerFailed:
        """What happened, with the last words of the process."""
        self._lost = True  # nothing that it says later can be matched to a question
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 400))
        words = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        last = f": {words[-1][:200]}" if words else ""
        return PeerFailed(f"{self.name} {what}{last}")


def _pin(cpus: Sequence[int]) -> Callable[[], None] | None:
    """Before the program runs, so that threads it starts at once are bound as well."""
    if not cpus or not hasattr(os, "sched_setaffinity"):
        return None
    return lambda: os.sched_setaffinity(0, cpus)


def _filled(word: str) -> str:
    return word.replace("{peers}", str(folder())).replace("{root}", str(_ROOT))


def _words(name: str, command: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise BenchError(f"the command of {name} cannot be read: {error}") from None
    if not words:
        raise BenchError(f"the command of {name} is empty")
    return words


def ours(backend: str, threads: int, module: str = "zk.bench.worker") -> Command:
    """This prover as a program."""
    words = (sys.executable, "-m", module, "--backend", backend, "--threads", str(threads))
    return Command(f"chiaro/{backend}", words)
