"""The store with a large state: blocks, a snapshot of it, and taking one.

    nice python docs/store/measure.py FOLDER [--keys 1000000] [--notes 1000000] [--json FILE]

A state of so many accounts (100 bytes each) and nullifiers (8 bytes) lies in FOLDER, which must be
empty and on a real disk. Then: blocks of 1,000 writes, half of them new keys; the checkpoint and
the export of a snapshot, with blocks going on beside it; and another store that takes it. A time is
by the clock, `cpu` the processor's, which others on the machine disturb less; memory is the peak of
the process that did the work.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing import Queue
from pathlib import Path
from typing import Any

from node.core.head import CHAIN_KEY, HEAD_KEY, Head
from node.core.ids import ChainId, Height
from node.store.chain import anchor_entries
from node.store.rocksdb import open_store
from node.store.snapshots.export import checkpoint, export_checkpoint
from node.store.snapshots.importing import Import
from node.store.snapshots.shelf import Shelf
from node.store.versioned import VersionedStore
from zk.bench.stats import percentile

CHAIN = ChainId(b"\x11" * 32)
WRITES = 1_000
BLOCKS = 200
AT_ONCE = 50_000
MIB = 1 << 20
Figures = dict[str, Any]


def _name(kind: bytes, number: int) -> bytes:
    return kind + hashlib.blake2b(number.to_bytes(8, "big"), digest_size=32).digest()


def _entries(keys: int, notes: int) -> Iterator[tuple[bytes, bytes]]:
    head = Head(Height(1), 1, bytes(32))
    yield CHAIN_KEY, CHAIN
    yield HEAD_KEY, head.to_bytes()
    for number in range(keys):
        yield _name(b"t/", number), number.to_bytes(100, "big")
    for number in range(notes):
        yield _name(b"s/n/", number), number.to_bytes(8, "big")


def _fill(store: VersionedStore, keys: int, notes: int) -> None:
    filling = store.restore(Height(1))
    part: list[tuple[bytes, bytes]] = []
    for entry in _entries(keys, notes):
        part.append(entry)
        if len(part) == AT_ONCE:
            filling.add(part)
            part = []
    filling.add(part)
    filling.root()
    filling.commit(anchor_entries(Head(Height(1), 1, bytes(32))))


def _block(store: VersionedStore, keys: int) -> tuple[float, float]:
    """One block of `WRITES` writes; milliseconds until it is on the disk, and of the processor."""
    height = Height(store.height + 1)
    first = height * WRITES
    writes: dict[bytes, bytes | None] = {HEAD_KEY: Head(height, 1, bytes(32)).to_bytes()}
    for number in range(WRITES // 2):
        writes[_name(b"t/", (first + number) * 7919 % keys)] = first.to_bytes(100, "big")
        writes[_name(b"s/new/", first + number)] = height.to_bytes(8, "big")
    begun, cpu = time.perf_counter(), time.thread_time()
    store.commit(store.stage(height, writes, {}))
    return (time.perf_counter() - begun) * 1000, (time.thread_time() - cpu) * 1000


def _spread(times: list[tuple[float, float]]) -> dict[str, float]:
    found: dict[str, float] = {"blocks": len(times)}
    for prefix, which in (("", 0), ("cpu_", 1)):
        taken = [item[which] for item in times]
        found[f"{prefix}p50_ms"] = round(statistics.median(taken), 1)
        found[f"{prefix}p99_ms"] = round(percentile(taken, 0.99), 1)
    return found


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _exported(folder: Path, height: int, told: Queue[Figures]) -> None:
    os.nice(10)
    begun, cpu = time.perf_counter(), time.process_time()
    made = export_checkpoint(Shelf(folder), CHAIN, Height(height))
    told.put(
        {
            "seconds": round(time.perf_counter() - begun, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
            "mib": round(made.size / MIB),
            "chunks": len(made.chunks),
            "entries": made.entries,
            "root": made.state_root.hex(),
            "peak_mib": _peak_mib(),
        }
    )


def _imported(folder: Path, into: Path, told: Queue[Figures]) -> None:
    shelf = Shelf(folder)
    (made,) = shelf.manifests()
    store = open_store(into, CHAIN)
    begun, cpu = time.perf_counter(), time.process_time()
    taking = Import(store, made, b"genesis")
    last = 0.0
    for index in range(len(made.chunks)):
        at = time.perf_counter()
        taking.apply(index, shelf.chunk(made.height, index) or b"")
        last = time.perf_counter() - at
    told.put(
        {
            "seconds": round(time.perf_counter() - begun, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
            "of_which_tree_s": round(last, 1),
            "root": store.root.hex(),
            "peak_mib": _peak_mib(),
        }
    )
    store.close()


def _measure(folder: Path, keys: int, notes: int) -> Figures:
    found: Figures = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
        "keys": keys,
        "notes": notes,
    }
    store = open_store(folder / "there", CHAIN)
    _fill(store, keys, notes)
    found["blocks"] = _spread([_block(store, keys) for _ in range(BLOCKS)])
    shelf = Shelf(folder / "shelf")
    height, root = store.height, store.root.hex()
    begun = time.perf_counter()
    checkpoint(shelf, store, height)
    found["checkpoint_ms"] = round((time.perf_counter() - begun) * 1000)
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=_exported, args=(shelf.folder, height, told))
    process.start()
    beside = []
    while process.is_alive() and len(beside) < 10 * BLOCKS:
        beside.append(_block(store, keys))
        time.sleep(0.1)
    found["export"] = made = told.get()
    process.join()
    found["blocks_beside_the_export"] = _spread(beside)
    store.close()
    process = context.Process(target=_imported, args=(shelf.folder, folder / "here", told))
    process.start()
    found["import"] = taken = told.get()
    process.join()
    if not made["root"] == taken["root"] == root:
        raise SystemExit("the roots differ")
    return found


def main() -> None:
    """Measure, and say so."""
    parser = argparse.ArgumentParser(description="Measure the store with a large state.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--notes", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_measure(given.folder, given.keys, given.notes), indent=2)
    sys.stdout.write(text + "\n")
    if given.json is not None:
        given.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
