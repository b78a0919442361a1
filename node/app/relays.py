"""Links between the CometBFTs of a localnet, all in one process beside the nodes.

    relays.json    in the localnet's folder: for how many nodes, on which port; it is the record
    relays.sock    what the process is told through, one line of JSON each way
    relays.lock    held while it runs

So two nodes can be parted without any right over the machine's network. Nothing but CometBFT's own
traffic between peers comes through here. The process ends when it is told to, and when its record
is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from node.app.errors import NoNode, StartFailed
from node.app.links import Link, Mode, Pair, Weather, pairs
from zk import files, jsontext
from zk.errors import ChiaroError, DecodeError

RECORD: Final = "relays.json"
SOCKET: Final = "relays.sock"
LOCK: Final = "relays.lock"
LOG: Final = "relays.log"
LONGEST_DELAY_MS: Final = 60_000
MOST_NODES: Final = 16
_START_S: Final = 20.0
_ASK_S: Final = 5.0
_POLL_S: Final = 0.05
_RECORD_S: Final = 2.0
"""Between two looks whether the record is still there."""


async def serve(folder: Path) -> None:
    """The process: until SIGTERM, a word through the socket, or the end of the record."""
    nodes, port = record(folder)
    links = {pair: Link(pair, port) for pair in pairs(nodes)}
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            try:
                answer = _obey(links, jsontext.loads(await reader.readline()), stop)
            except (ChiaroError, ValueError, TypeError, OverflowError) as error:
                answer = {"error": str(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
            writer.close()

    control = folder / SOCKET
    control.unlink(missing_ok=True)
    try:
        for link in links.values():
            await link.start()
        server = await asyncio.start_unix_server(told, control)
        control.chmod(files.PRIVATE)
        while not stop.is_set() and (folder / RECORD).exists():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _RECORD_S)
        server.close()
    finally:
        for link in links.values():
            await link.stop()
        control.unlink(missing_ok=True)


def _obey(links: dict[Pair, Link], request: Any, stop: asyncio.Event) -> dict[str, Any]:
    """A request: `stop`, or `links` to set, or nothing; the answer says how all links stand."""
    if not isinstance(request, dict) or set(request) - {"stop", "links"}:
        raise DecodeError("not a request to the relays")
    if request.get("stop"):
        stop.set()
    told: dict[Pair, Weather] = {}
    for a, b, mode, delay_ms, drop in request.get("links", ()):
        weather = Weather(Mode(mode), int(delay_ms), float(drop))
        if not 0 <= weather.delay_ms <= LONGEST_DELAY_MS or not 0 <= weather.drop <= 1:
            raise DecodeError("a delay or a probability that there is not")
        for pair in ((a, b), (b, a)):
            if pair not in links:
                raise DecodeError(f"no link {pair}")
            told[pair] = weather
    for pair, weather in told.items():
        links[pair].set(weather)
    return {
        "pid": os.getpid(),
        "links": [
            [*pair, link.weather.mode, link.weather.delay_ms, link.weather.drop,
             link.connections, link.bytes]
            for pair, link in links.items()
        ],
    }  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """`python -m node.app.relays FOLDER`."""
    folder = Path(arguments[0])
    os.umask(0o077)
    lock = FileLock(folder / LOCK)
    try:
        with lock.acquire(timeout=1):
            asyncio.run(serve(folder))
    except Timeout:
        return 1
    except (ChiaroError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


# ITS OWNER


def make(folder: Path, nodes: int, port: int) -> None:
    """Write the record: this localnet has relays."""
    files.write(folder / RECORD, json.dumps({"nodes": nodes, "port": port}).encode() + b"\n")


def wanted(folder: Path) -> bool:
    """Whether this localnet has relays."""
    return (folder / RECORD).is_file()


def running(folder: Path) -> bool:
    """Whether the process runs: its lock is held."""
    if not wanted(folder):
        return False
    try:
        with FileLock(folder / LOCK).acquire(timeout=0):
            return False
    except Timeout:
        return True


def start(folder: Path) -> bool:
    """Start the process, unless it runs; whether it was started now.

    Raises:
        StartFailed: it cannot listen.
    """
    if running(folder):
        return False
    with (folder / LOG).open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "node.app.relays", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    for _ in _polls(_START_S):
        if child.poll() is not None:
            break
        with contextlib.suppress(NoNode):
            ask(folder, {})
            child.returncode = 0  # it outlives this object, which would warn of that
            return True
    child.kill()
    child.wait()
    raise StartFailed("the relays between the nodes do not start", where=str(folder / LOG))


def stop(folder: Path) -> bool:
    """Stop the process; whether it ran."""
    if not running(folder):
        return False
    pid = ask(folder, {"stop": True})["pid"]
    for _ in _polls(_START_S):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not running(folder):
            return True
    raise StartFailed("the relays between the nodes do not stop", where=f"pid {pid}")


def ask(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Tell the process something; how its links stand then.

    Raises:
        NoNode: it does not run, or there are no relays here.
        DecodeError: it refuses.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_ASK_S)
        try:
            sock.connect(str(folder / SOCKET))
            sock.sendall(json.dumps(request).encode() + b"\n")
            with sock.makefile("rb") as lines:
                answer = jsontext.loads(lines.readline())
        except (OSError, ValueError) as error:
            raise _none(folder) from error
    if "error" in answer:
        raise DecodeError(str(answer["error"]), where=str(folder / SOCKET))
    found: dict[str, Any] = answer
    return found


def put(folder: Path, links: Iterable[Pair], weather: Weather) -> None:
    """Give links of nodes this weather, both ways. Raises NoNode, DecodeError."""
    one = [weather.mode.value, weather.delay_ms, weather.drop]
    ask(folder, {"links": [[*pair, *one] for pair in links]})


def weathers(folder: Path) -> dict[Pair, Weather]:
    """Of every link. Raises NoNode."""
    found = ask(folder, {})["links"]
    return {(a, b): Weather(Mode(mode), delay, drop) for a, b, mode, delay, drop, *_ in found}


def _none(folder: Path) -> NoNode:
    if wanted(folder):
        return NoNode(
            "the relays between the nodes do not run",
            where=str(folder),
            fix="start the localnet: `chiaro localnet up`",
        )
    return NoNode(
        "this localnet has no relays between its nodes, so that none can be parted",
        where=str(folder),
        fix="make one that has: `chiaro localnet init --relays`",
    )


def record(folder: Path) -> tuple[int, int]:
    """How many nodes, and the port. Raises DecodeError."""
    try:
        document = jsontext.loads((folder / RECORD).read_bytes())
        nodes, port = document["nodes"], document["port"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DecodeError("no record of relays", where=str(folder / RECORD)) from error
    if type(nodes) is not int or type(port) is not int or not 1 <= nodes <= MOST_NODES:
        raise DecodeError("no record of relays", where=str(folder / RECORD))
    return nodes, port


def _polls(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(_POLL_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
