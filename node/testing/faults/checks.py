"""What must hold when a localnet was disturbed, whatever was done to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from node.core.head import HEAD_KEY
from node.rpc.client import NodeClient
from node.testing.cluster.invariants import Violation
from node.testing.faults.net import Net
from node.testing.localnets import until
from zk.errors import ChiaroError

MOST_ROUNDS = 3
"""A block is decided in a round up to this one, where nothing is wrong."""


def agreed(net: Net, numbers: Sequence[int] = ()) -> int:
    """The height up to which all these nodes, or all, have the same blocks, receipts and states.

    Every block names the state root before it, so equal blocks are equal states; the last one's is
    compared by itself.

    Raises:
        Violation: `agreement`, a fork.
    """
    clients = [net.clients[k] for k in numbers or net.clients]
    common = min(until(partial(_height, client), "a status") for client in clients)
    for versions in zip(*(_raw(client, common) for client in clients), strict=True):
        if len(set(versions)) != 1:
            raise Violation("agreement", f"blocks or receipts differ at {versions[0][0]}")
    roots = {client.state(HEAD_KEY, common).state_root for client in clients}
    if len(roots) != 1:
        raise Violation("agreement", f"states differ behind block {common}")
    return common


def _height(client: NodeClient) -> int:
    return client.status().height


def _raw(client: NodeClient, last: int) -> Iterator[tuple[int, bytes, bytes]]:
    for height, block, receipts, _ in client.raw(1, last):
        yield height, block, receipts


def conserved(net: Net) -> None:
    """Every node's supply adds up, and is what genesis issued.

    Raises:
        Violation: `supply`.
    """
    issued = sorted(net.genesis.supply().values())
    for number, client in net.clients.items():
        report = until(client.supply, "the supply")
        if not report.balanced:
            raise Violation("supply", f"node {number} does not add up at {report.height}")
        total = sorted(int(kind.issued) for kind in report.kinds)
        if total != issued:
            raise Violation("supply", f"node {number} has {total}, genesis issued {issued}")


def long_rounds(net: Net, first: int, last: int) -> list[tuple[int, int]]:
    """Heights outside fault windows that took more rounds than they should, and how many."""
    excused = [range(window.first, window.last + 1) for window in net.windows]
    for number in net.awake():
        with contextlib.suppress(ChiaroError, OSError):
            return [
                (height, round_)
                for height, round_ in net.rounds(number, range(first, last + 1))
                if round_ > MOST_ROUNDS and not any(height in span for span in excused)
            ]
    raise Violation("liveness", "nobody can be asked for rounds")


def disk_bytes(folder: Path) -> int:
    """What the files of a folder take."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # a database moves its files about
            total += path.lstat().st_size if path.is_file() else 0
    return total
