"""NATS servers on this machine, clustered, for tests and measurements."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

VERSION: Final = "v2.15.2"
BUILT: Final = Path(".cache/nats/nats-server")
"""Where `make nats` puts it, in a checkout."""
_START_S: Final = 10.0


def binary() -> Path | None:
    """nats-server, where `make nats` puts it or on PATH; None: neither."""
    built = Path(__file__).resolve().parents[2] / BUILT
    if built.is_file():
        return built
    found = shutil.which("nats-server")
    return None if found is None else Path(found)


def free_ports(count: int) -> list[int]:
    """Free on 127.0.0.1, a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]


class Cluster:
    """Servers that route to each other. Use it in a `with` block.

    Args:
        program: nats-server.
        count: of servers.
        config: more lines of every server's configuration.

    Attributes:
        urls: of each server, for clients.
    """

    def __init__(self, program: Path, count: int = 3, config: str = "") -> None:
        self._program = program
        self._config = config
        ports = free_ports(2 * count)
        self._ports: Final = list(zip(ports[:count], ports[count:], strict=True))
        self._running: Final[dict[int, subprocess.Popen[bytes]]] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="nats")
        self.urls: Final = tuple(f"nats://127.0.0.1:{port}" for port, _ in self._ports)

    def __enter__(self) -> Cluster:
        try:
            for number in range(len(self._ports)):
                self.start(number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        for number in list(self._running):
            self.kill(number)
        self._folder.cleanup()

    def start(self, number: int) -> None:
        """A server; returns when it takes connections."""
        port, route = self._ports[number]
        routes = ", ".join(f'"nats://127.0.0.1:{other}"' for _, other in self._ports)
        path = Path(self._folder.name) / f"{number}.conf"
        path.write_text(
            f"listen: 127.0.0.1:{port}\nserver_name: s{number}\nmax_payload: 32768\n"
            f"cluster {{ name: chiaro, listen: 127.0.0.1:{route}, routes: [{routes}] }}\n"
            + self._config
        )
        self._running[number] = subprocess.Popen(
            [str(self._program), "-c", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise TimeoutError(f"nats-server {number} does not start")

    def kill(self, number: int) -> None:
        """At once, as if the machine was gone."""
        process = self._running.pop(number)
        process.kill()
        process.wait()
