"""CometBFT as a child of the node: started behind the socket, stopped before it.

A CometBFT whose application is gone means to end, and now and then hangs instead (seen with
0.38.25), with its database locked. On Linux the system ends it with its parent;
elsewhere a person may have to.
"""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from node.consensus.cometbft.home import RPC_SOCKET
from node.consensus.cometbft.server import clear_socket
from node.core.errors import ConsensusFault

LOG_FILE: Final = "engine.log"
_STOP_S: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1


def _with_parent() -> Callable[[], None] | None:
    """What a child does first, so that it is killed when the node is."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl  # found before the fork: the child only calls it

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    return ask


async def run(binary: Path, folder: Path, stop: asyncio.Event) -> None:
    """Run it until `stop` is set. Its words go to `engine.log` in its folder.

    Raises:
        ConsensusFault: it cannot be started, or ends by itself.
    """
    clear_socket(folder / RPC_SOCKET)
    with (folder / LOG_FILE).open("ab") as log:
        try:
            child = await asyncio.create_subprocess_exec(
                str(binary),
                "start",
                "--home",
                str(folder),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_with_parent(),
            )
        except OSError as error:
            raise ConsensusFault(
                f"CometBFT cannot be started: {error.strerror}", where=str(binary)
            ) from error
    ended: asyncio.Future[Any] = asyncio.ensure_future(child.wait())
    halted: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({ended, halted}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            raise ConsensusFault(
                f"CometBFT ended with code {child.returncode}",
                where=str(folder / LOG_FILE),
                fix="see its log; then start the node again",
            )
    finally:
        halted.cancel()
        if child.returncode is None:
            child.terminate()
            try:
                await asyncio.wait_for(asyncio.shield(ended), _STOP_S)
            except TimeoutError:
                child.kill()
                await ended
