"""What the store needs of a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

Batch = tuple[tuple[bytes, bytes | None], ...]
"""Keys and their new values; `None` deletes."""


class KeyValue(Protocol):
    """An ordered database of bytes whose `write` is atomic and, once returned, durable."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Entries with start ≤ key < stop, ascending, as of the first step."""
        ...

    def first(self, start: bytes, stop: bytes) -> tuple[bytes, bytes] | None:
        """The least entry with start ≤ key < stop."""
        ...

    def write(self, batch: Batch) -> None: ...

    def clear(self, start: bytes, stop: bytes) -> None:
        """Remove the entries with start ≤ key < stop; durable."""
        ...

    def checkpoint(self, path: Path) -> None:
        """A second database at `path` that holds the same, if the kind of database can."""
        ...

    def close(self) -> None: ...
