"""Open-loop load: transactions are sent when they are due, however the nodes fare.

A transaction's latency runs from the moment when it was due, so that a node which makes the sender
wait does not look faster for it, to the moment when a node has told of the block that holds it.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from node.core.block import Block
from node.rpc.client import NodeClient
from node.store.chain import decode_receipts
from node.testing.load.targets import Target
from node.testing.load.watching import Taken, Watch
from node.testing.load.workloads import Workload
from zk import jsontext
from zk.bench.stats import percentile
from zk.errors import ChiaroError

_SENDERS: Final = 24
_DRAIN_S: Final = 20.0
_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Of some durations, seconds."""

    p50: float
    p95: float
    p99: float
    most: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """Zeros of none."""
        if not values:
            return Spread(0.0, 0.0, 0.0, 0.0)
        return Spread(*(percentile(values, part) for part in (0.50, 0.95, 0.99, 1.0)))


@dataclass(frozen=True)
class Measured:
    """One run.

    Attributes:
        target, workload: names.
        rate: transactions a second that were due.
        seconds: how long they were.
        sent: how many were.
        included: of those, in blocks, with effect.
        failed: in blocks, without.
        refused: by the nodes, by code.
        size: bytes of a transaction, on average.
        inclusion: from due to told.
        submission: from due to the node's answer.
        intervals: between blocks that hold any.
        heights: blocks in that time.
        taken: by role.
        watched: seconds in which it was taken.
        grown: bytes on disk, of all nodes.
    """

    target: str
    workload: str
    rate: float
    seconds: float
    sent: int
    included: int
    failed: int
    refused: dict[str, int]
    size: float
    inclusion: Spread
    submission: Spread
    intervals: Spread
    heights: int
    taken: dict[str, Taken]
    watched: float
    grown: int

    @property
    def per_second(self) -> float:
        """Transactions with effect."""
        return self.included / self.watched


@dataclass
class _Book:
    """What was sent and what came of it."""

    due: dict[bytes, float] = field(default_factory=dict)
    included: dict[bytes, float] = field(default_factory=dict)
    failed: set[bytes] = field(default_factory=set)
    submission: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    blocks: list[tuple[int, int]] = field(default_factory=list)
    connections: list[http.client.HTTPConnection] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def open(self) -> int:
        return len(self.due) - len(self.included) - len(self.failed) - self.refused.total()


def run(
    target: Target,
    workload: Workload,
    rate: float,
    seconds: float,
) -> Measured:
    """Send at a rate, and wait for what is still under way.

    Args:
        target: the nodes; each takes an equal part.
        workload: what is sent.
        rate: transactions a second.
        seconds: how long.
    """
    book, stop = _Book(), threading.Event()
    with NodeClient(target.urls[0]) as client:
        tip = [client.status().height]
    follower = threading.Thread(target=_follow, args=(target.urls[0], book, tip, stop))
    roles = {"nodes": list(target.nodes), "engines": list(target.engines)}
    first = tip[0]
    follower.start()
    watch = Watch({name: pids for name, pids in roles.items() if pids}, list(target.folders))
    try:
        with watch, ThreadPoolExecutor(_SENDERS) as senders:
            _send(target, workload, rate, seconds, book, tip, senders)
            deadline = time.monotonic() + _DRAIN_S
            while book.open and time.monotonic() < deadline:
                time.sleep(0.05)
    finally:
        stop.set()
        follower.join()
        for connection in book.connections:
            connection.close()
    times = [ms for _, ms in book.blocks]
    return Measured(
        target.name,
        workload.name,
        rate,
        seconds,
        len(book.due),
        len(book.included),
        len(book.failed),
        dict(book.refused),
        sum(map(len, book.due)) / max(1, len(book.due)),
        Spread.of([at - book.due[tx] for tx, at in book.included.items()]),
        Spread.of(book.submission),
        Spread.of([(b - a) / 1000 for a, b in itertools.pairwise(times)]),
        tip[0] - first,
        watch.taken,
        watch.seconds,
        watch.grown,
    )


def _send(
    target: Target,
    workload: Workload,
    rate: float,
    seconds: float,
    book: _Book,
    tip: list[int],
    senders: ThreadPoolExecutor,
) -> None:
    began = time.monotonic()
    for number in range(round(rate * seconds)):
        due = began + number / rate
        data = workload.next(tip[0])
        if data is None:
            return
        if (wait := due - time.monotonic()) > 0:
            time.sleep(wait)
        with book.lock:
            book.due[data] = due
        senders.submit(_submit, target.urls[number % len(target.urls)], data, due, book)


_local = threading.local()


def _submit(url: str, data: bytes, due: float, book: _Book) -> None:
    """One POST on this thread's own connection to the node."""
    connections: dict[str, http.client.HTTPConnection] = _local.__dict__.setdefault("open", {})
    parts = urlsplit(url)
    connection = connections.get(url)
    if connection is None:
        connection = connections[url] = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=_TIMEOUT_S
        )
        with book.lock:
            book.connections.append(connection)
    code = ""
    try:
        body = b'{"tx":"0x' + data.hex().encode() + b'"}'
        connection.request("POST", "/v1/tx", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        found = answer.read()
        if answer.status != 200:
            code = jsontext.loads(found)["error"]["code"]
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        connections.pop(url, connection).close()
        code = "unreachable"
    with book.lock:
        book.submission.append(time.monotonic() - due)
        if code:
            book.refused[code] += 1


def _follow(url: str, book: _Book, tip: list[int], stop: threading.Event) -> None:
    """Blocks as the node tells of them."""
    with NodeClient(url) as client:
        while not stop.is_set():
            try:
                page = client.events(tip[0], 0.5)
                now = time.monotonic()
                if page.tip > tip[0]:
                    for height, block, receipts, _ in client.raw(tip[0] + 1, page.tip):
                        _note(book, block, receipts, now)
                        tip[0] = height
            except ChiaroError:
                time.sleep(0.1)


def _note(book: _Book, data: bytes, receipts: bytes, now: float) -> None:
    block = Block.from_bytes(data)
    with book.lock:
        if block.txs:
            book.blocks.append((block.header.height, block.header.time_ms))
        for tx, receipt in zip(block.txs, decode_receipts(receipts), strict=True):
            if tx not in book.due:
                continue
            if receipt.ok:
                book.included[tx] = now
            else:
                book.failed.add(tx)
