"""`python -m node.store.snapshots FOLDER CHAIN HEIGHT KEEP`: the process that makes a snapshot."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from node.core.ids import ChainId, Height
from node.store.snapshots.export import export_checkpoint
from node.store.snapshots.shelf import Shelf
from zk.errors import ChiaroError

_LAST: Final = 10
"""Niceness: a node that decides blocks comes first."""


def main(arguments: list[str]) -> int:
    """Export the checkpoint that lies in the folder; the exit code is the error's, or 0."""
    folder, chain, height, keep = arguments
    os.nice(_LAST)
    os.umask(0o077)
    shelf = Shelf(Path(folder), int(keep))
    try:
        export_checkpoint(shelf, ChainId(bytes.fromhex(chain)), Height(int(height)))
    except ChiaroError as error:
        sys.stderr.write(f"{error.id}: {error.message}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"{error.strerror}: {error.filename or folder}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
