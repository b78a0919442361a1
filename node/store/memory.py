"""The store in memory, for tests, simulations and short-lived nodes: same logic, no disk."""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Iterator
from pathlib import Path

from node.core.errors import StoreError
from node.core.ids import ChainId
from node.store.keyvalue import Batch
from node.store.versioned import DEFAULT_WINDOW, CrashPoint, VersionedStore, no_crash


class MemoryKeyValue:
    """A sorted dictionary of bytes."""

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._values: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        with self._lock:
            low, high = bisect_left(self._keys, start), bisect_left(self._keys, stop)
            return iter([(key, self._values[key]) for key in self._keys[low:high]])

    def first(self, start: bytes, stop: bytes) -> tuple[bytes, bytes] | None:
        with self._lock:
            at = bisect_left(self._keys, start)
            if at == len(self._keys) or self._keys[at] >= stop:
                return None
            return self._keys[at], self._values[self._keys[at]]

    def write(self, batch: Batch) -> None:
        with self._lock:
            for key, value in batch:
                if value is None:
                    if self._values.pop(key, None) is not None:
                        del self._keys[bisect_left(self._keys, key)]
                else:
                    if key not in self._values:
                        insort(self._keys, key)
                    self._values[key] = value

    def clear(self, start: bytes, stop: bytes) -> None:
        self.write(tuple((key, None) for key, _ in self.scan(start, stop)))

    def checkpoint(self, path: Path) -> None:
        raise StoreError("a store in memory has no checkpoints", where=str(path))

    def close(self) -> None:
        """Nothing to release."""


def memory_store(
    chain_id: ChainId,
    database: MemoryKeyValue | None = None,
    *,
    window: int = DEFAULT_WINDOW,
    crash_point: CrashPoint = no_crash,
) -> VersionedStore:
    """A store in memory; give the `database` of an earlier one to "reopen" it."""
    database = database if database is not None else MemoryKeyValue()
    return VersionedStore(database, chain_id, window=window, crash_point=crash_point)
