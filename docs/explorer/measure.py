"""What pages cost, and what they cost the blocks beside them.

    python docs/explorer/measure.py [HOME]

Times of each page, one reader; then the time to make a block over RPC, alone and beside readers who
load the overview without a pause. Prints a table.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from shoot import pages
from story import Story

ROUNDS = 60
BLOCKS = 60
READERS = 8


def times(action: Callable[[], object], count: int) -> list[float]:
    """Milliseconds, sorted."""
    found = []
    for _ in range(count):
        began = time.perf_counter()
        action()
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


@contextmanager
def readers(url: str, count: int) -> Iterator[list[int]]:
    """So many who load the overview again and again; yields how many pages each got."""
    stop = threading.Event()
    loaded = [0] * count

    def read(number: int) -> None:
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
            while not stop.is_set():
                loaded[number] += http.get("/explorer").status_code == 200

    threads = [threading.Thread(target=read, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield loaded
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def row(name: str, found: list[float], note: str = "") -> str:
    """A line of the table: median, 95th of 100, note."""
    tail = found[int(len(found) * 0.95) - 1]
    return f"| {name} | {statistics.median(found):.1f} | {tail:.1f} | {note} |\n"


def measure(url: str) -> None:
    """All of it, to standard output."""
    write = sys.stdout.write
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
        for name, path in pages(url).items():
            http.get(f"/explorer{path}")
            found = times(lambda path=path: http.get(f"/explorer{path}"), ROUNDS)  # type: ignore[misc]
            write(row(name, found, f"{len(http.get(f'/explorer{path}').content):,} bytes"))

        def block() -> None:
            http.post("/v1/dev/block", json={}).raise_for_status()

        write(row("a block, alone", times(block, BLOCKS)))
        with readers(url, READERS) as loaded:
            time.sleep(0.5)
            began, before = time.perf_counter(), sum(loaded)
            found = times(block, BLOCKS)
            rate = (sum(loaded) - before) / (time.perf_counter() - began)
        write(row(f"a block, beside {READERS} readers", found, f"{rate:.0f} pages/s"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="chiaro-") as folder:
        story = Story(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder))
        try:
            measure(story.begin())
        finally:
            story.end()
