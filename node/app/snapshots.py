"""Snapshots of a running node: begun after a block, made by another process.  Rule SN-10."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import ClassVar, Final

from node.core.ids import Height
from node.store.snapshots.export import checkpoint
from node.store.snapshots.shelf import Shelf
from node.store.versioned import VersionedStore
from zk.errors import ChiaroError

FOLDER: Final = "snapshots"
"""In the home folder."""
INTERVAL: Final = 1_000
_STOP_S: Final = 10.0

_log = logging.getLogger(__name__)


class Snapshotter:
    """Makes one at every `interval`-th height, unless the last one is still being made.

    Blocks wait for nothing but the hard links of a checkpoint, which a thread makes beside them.

    Args:
        shelf: where they go; what it has that is not whole is cleared. None: none are made.
        store: of the node, on the disk.
        chain_id: of its chain.
        interval: heights; 0: none are made.
    """

    module: ClassVar[str] = "node.store.snapshots"
    """What the other process runs; tests have one that makes small chunks."""

    def __init__(
        self, shelf: Shelf | None, store: VersionedStore, chain_id: bytes, interval: int
    ) -> None:
        if shelf is not None:
            shelf.clear()
        self._shelf: Final = shelf
        self._store: Final = store
        self._chain_id: Final = chain_id
        self._interval: Final = interval
        self._thread: threading.Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether one is being made."""
        return self._thread is not None and self._thread.is_alive()

    def committed(self, height: Height) -> None:
        """A block is on the disk. Returns at once."""
        shelf = self._shelf
        if shelf is None or not self._interval or height % self._interval or self._closed:
            return
        if self.busy:
            _log.warning("the last snapshot is still being made; none", extra={"height": height})
            return
        self._thread = threading.Thread(target=self._make, args=(shelf, height), name="snapshot")
        self._thread.start()

    def close(self) -> None:
        """End what is under way; it is cleared by the next start."""
        self._closed = True
        if (child := self._child) is not None:
            child.terminate()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _make(self, shelf: Shelf, height: Height) -> None:
        """A failure costs this snapshot, and the chain nothing."""
        try:
            checkpoint(shelf, self._store, height)
            code, words = self._export(shelf, height)
        except (ChiaroError, OSError) as error:
            code, words = 1, str(error)
        if self._closed:
            return
        if code:
            _log.error("no snapshot: %s", words or f"code {code}", extra={"height": height})
        else:
            _log.info("snapshot", extra={"height": height})

    def _export(self, shelf: Shelf, height: Height) -> tuple[int, str]:
        command = [sys.executable, "-P", "-m", self.module]
        command += [str(shelf.folder), self._chain_id.hex(), str(height), str(shelf.keep)]
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as child:
            self._child = child
            if self._closed:
                child.terminate()
            words = child.communicate()[1]
        self._child = None
        return child.returncode, words.decode(errors="replace").strip()
