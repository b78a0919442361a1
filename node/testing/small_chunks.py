"""A node whose snapshots have many chunks, however little is in its state; and one that lies.

`python -m node.testing.small_chunks run …` is a node's process, with `lying` before `run` one that
serves chunks with a bit turned; without either it is the process that makes a snapshot.
"""

from __future__ import annotations

import sys
from typing import Final

from node.app import __main__ as app
from node.app.snapshots import Snapshotter
from node.store.snapshots import __main__ as export
from node.store.snapshots import manifest, stream
from node.store.snapshots.shelf import Shelf

CHUNK_BYTES: Final = 512
PROGRAM: Final = ("node.testing.small_chunks",)
LYING: Final = (*PROGRAM, "lying")


def _lie(shelf: Shelf, height: int, index: int) -> bytes | None:
    found = _honest(shelf, height, index)
    return None if found is None else bytes([found[0] ^ 1]) + found[1:]


_honest = Shelf.chunk


def main(arguments: list[str]) -> int:
    """One of the three."""
    for module in (manifest, stream):
        vars(module)["CHUNK_BYTES"] = CHUNK_BYTES
    Snapshotter.module = PROGRAM[0]
    if arguments[:1] == ["lying"]:
        arguments = arguments[1:]
        Shelf.chunk = _lie  # type: ignore[method-assign, assignment]
    if arguments[:1] == ["run"]:
        return app.main(arguments)
    return export.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
