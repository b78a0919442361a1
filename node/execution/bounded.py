"""A cache with a bound: forgets what was not asked for longest. Safe between threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """Least recently used goes first.

    Args:
        most: entries kept.
        most_weight: sum of the weights kept, in whatever unit `put` is given; `None`: no bound.
    """

    def __init__(self, most: int, most_weight: int | None = None) -> None:
        self._most = most
        self._most_weight = most_weight
        self._weight = 0
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            return found[0]

    def put(self, key: Key, value: Value, weight: int = 1) -> None:
        with self._lock:
            old = self._entries.pop(key, None)
            self._weight += weight - (old[1] if old else 0)
            self._entries[key] = (value, weight)
            while len(self._entries) > self._most or (
                self._most_weight is not None and self._weight > self._most_weight
            ):
                _, (_, gone) = self._entries.popitem(last=False)
                self._weight -= gone

    def __len__(self) -> int:
        return len(self._entries)
