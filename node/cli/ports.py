"""Who holds a TCP port of this machine, so that an error can name the cause."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from node.core.errors import NodeError

_LISTENING: Final = "0A"
_PROC: Final = Path("/proc")


class PortTaken(NodeError):
    """Another program listens where the node should."""

    code = "LOC-001"
    exit_code = 5
    why = "two programs cannot answer at one address, and a wallet would ask the wrong one"
    fix = "stop that program, or choose another port: `chiaro up --port N`"


def check_free(port: int, host: str = "127.0.0.1") -> None:
    """Refuse a port that cannot be had.

    Raises:
        PortTaken: names the program that listens there, where the system tells.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port that was closed a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(
                    f"port {port} is in use by {holder(port)}", where=f"{host}:{port}"
                ) from None
            raise PortTaken(
                f"port {port} cannot be had: {error.strerror}", where=f"{host}:{port}"
            ) from None


def holder(port: int) -> str:
    """The program that listens on a port; `another program` where the system does not say."""
    inode = _listening_inode(port)
    if inode is not None:
        for folder in _PROC.glob("[0-9]*"):
            # Processes of other users, and those that end meanwhile, are not ours to read.
            with suppress(OSError):
                if any(
                    link.readlink().name == f"socket:[{inode}]"
                    for link in (folder / "fd").iterdir()
                ):
                    name = (folder / "comm").read_text().strip()
                    return f"{name} (pid {folder.name})"
    return "another program"


def _listening_inode(port: int) -> str | None:
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for row in (_PROC / "net" / table).read_text().splitlines()[1:]:
                cells = row.split()
                if cells[3] == _LISTENING and int(cells[1].rpartition(":")[2], 16) == port:
                    return cells[9]
    return None
