"""A node whose snapshots have many chunks, however little is in its state; and those at fault.

`python -m node.testing.small_chunks run …` is a node's process; with `lying` before `run` one that
serves chunks with a bit turned, with `crash:POINT:HIT` one that ends itself at a named point
(`node.testing.faults.node`). Without any of it, it is the process that makes a snapshot.
"""

from __future__ import annotations

import sys
from typing import Final

from node.app import __main__ as app
from node.app.node import Node
from node.app.snapshots import Snapshotter
from node.store.snapshots import __main__ as export
from node.store.snapshots import manifest, stream
from node.store.snapshots.shelf import Shelf
from node.testing.faults.node import faulty

CHUNK_BYTES: Final = 512
PROGRAM: Final = ("node.testing.small_chunks",)
LYING: Final = (*PROGRAM, "lying")


def _lie(shelf: Shelf, height: int, index: int) -> bytes | None:
    found = _honest(shelf, height, index)
    return None if found is None else bytes([found[0] ^ 1]) + found[1:]


_honest = Shelf.chunk


def main(arguments: list[str]) -> int:
    """One of the four."""
    for module in (manifest, stream):
        vars(module)["CHUNK_BYTES"] = CHUNK_BYTES
    Snapshotter.module = PROGRAM[0]
    if arguments[:1] == ["lying"]:
        arguments = arguments[1:]
        Shelf.chunk = _lie  # type: ignore[method-assign, assignment]
    node: type[Node] = Node
    if arguments and arguments[0].startswith("crash:"):
        node = faulty(arguments[0], b"")
        arguments = arguments[1:]
    if arguments[:1] == ["run"]:
        return app.main(arguments, node)
    return export.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
