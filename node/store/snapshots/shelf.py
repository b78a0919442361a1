"""The folder of a node's snapshots.  Rule SN-10.

    1000/manifest, 1000/0, 1000/1 …    that of height 1000: there whole or not at all
    2000.partial/                      being made
    2000.checkpoint/                   what it is made from

What a killed process left behind is cleared when the node starts.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path
from typing import Final

from node.store.snapshots.manifest import MAX_MANIFEST, Manifest
from zk import files
from zk.errors import DecodeError

MANIFEST_FILE: Final = "manifest"
DEFAULT_KEEP: Final = 2
"""Who began to fetch the last one when the next appears can go on."""
PARTIAL: Final = ".partial"
CHECKPOINT: Final = ".checkpoint"

_log = logging.getLogger(__name__)


class Shelf:
    """Snapshots of one chain; any thread may ask.

    Args:
        folder: made when the first snapshot is.
        keep: how many of the newest stay.
    """

    def __init__(self, folder: Path, keep: int = DEFAULT_KEEP) -> None:
        self.folder: Final = folder
        self.keep: Final = max(keep, 1)

    def clear(self) -> None:
        """SN-10: away with what is not whole. Only while nobody makes one."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if not path.name.isdecimal():
                    shutil.rmtree(path, ignore_errors=True)

    def heights(self) -> list[int]:
        """Of the snapshots that are there, newest first."""
        with contextlib.suppress(FileNotFoundError):
            names = (path.name for path in self.folder.iterdir())
            return sorted((int(name) for name in names if name.isdecimal()), reverse=True)
        return []

    def manifests(self) -> list[Manifest]:
        """Newest first; one that cannot be read is left out."""
        found = []
        for height in self.heights():
            try:
                with (self.folder / str(height) / MANIFEST_FILE).open("rb") as file:
                    found.append(Manifest.from_bytes(file.read(MAX_MANIFEST + 1)))
            except FileNotFoundError:
                continue  # trimmed meanwhile
            except (OSError, DecodeError) as error:
                _log.warning("SN-10: the snapshot of %d cannot be read: %s", height, error)
        return found

    def chunk(self, height: int, index: int) -> bytes | None:
        """As it lies there: whoever gets it checks it. None: it is not there."""
        try:
            return (self.folder / str(height) / str(index)).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:  # a peer asks for it: what ails a disk here is no fault of blocks
            _log.warning("SN-10: chunk %d of %d cannot be read: %s", index, height, error.strerror)
            return None

    def place(self, height: int, kind: str) -> Path:
        """Where that of a height is being made; its folder is there."""
        return files.make_private_folder(self.folder) / f"{height}{kind}"

    def finish(self, height: int) -> None:
        """SN-10: the finished one takes its name; the oldest beyond `keep` go."""
        self.place(height, PARTIAL).rename(self.folder / str(height))
        for old in self.heights()[self.keep :]:
            # Its manifest first: without it the rest is not offered any more.
            (self.folder / str(old) / MANIFEST_FILE).unlink(missing_ok=True)
            shutil.rmtree(self.folder / str(old), ignore_errors=True)
