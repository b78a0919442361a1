"""The stream that a snapshot is: every entry of the state, by ascending key.  Rule SN-5.

    key, its length (u32) before it · value, its length (u32) before it

An entry may begin in one chunk and end in a later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from node.core.errors import StoreError
from node.store.snapshots.errors import Blame, SnapshotRefused
from node.store.snapshots.manifest import CHUNK_BYTES

MAX_KEY: Final = 4096
MAX_VALUE: Final = 1 << 24
"""As of a value that can be proved."""
_LENGTH: Final = 4

Entry = tuple[bytes, bytes]


class Writing:
    """Cuts entries into chunks, and counts."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._from = entries
        self.entries = 0
        self.size = 0

    def chunks(self) -> Iterator[bytes]:
        """Full ones, and what remains. Raises StoreError: an entry that no reader would take."""
        buffer = bytearray()
        for key, value in self._from:
            if len(key) > MAX_KEY or len(value) > MAX_VALUE:
                raise StoreError(f"an entry of {len(key)} + {len(value)} bytes is too large")
            self.entries += 1
            buffer += len(key).to_bytes(_LENGTH, "little")
            buffer += key
            buffer += len(value).to_bytes(_LENGTH, "little")
            buffer += value
            while len(buffer) >= CHUNK_BYTES:
                yield self._out(bytes(buffer[:CHUNK_BYTES]))
                del buffer[:CHUNK_BYTES]
        if buffer:
            yield self._out(bytes(buffer))

    def _out(self, chunk: bytes) -> bytes:
        self.size += len(chunk)
        return chunk


class Reading:
    """Takes chunks in order, and gives the entries that have come whole.

    Keeps no more than what is left of the last chunk and an entry that has not ended.
    """

    def __init__(self) -> None:
        self._left = b""
        self._last: bytes | None = None
        self.entries = 0

    def feed(self, chunk: bytes) -> list[Entry]:
        """Entries that end in this chunk.

        Raises:
            SnapshotRefused: SN-5, too long, or not behind the one before.
        """
        data = self._left + chunk if self._left else chunk
        found: list[Entry] = []
        at, last, end = 0, self._last, len(data)
        while True:
            start = at + _LENGTH
            if start > end:
                break
            middle = start + int.from_bytes(data[at:start], "little")
            if middle - start > MAX_KEY:
                raise _refused(f"a key of {middle - start} bytes")
            body = middle + _LENGTH
            if body > end:
                break
            stop = body + int.from_bytes(data[middle:body], "little")
            if stop - body > MAX_VALUE:
                raise _refused(f"a value of {stop - body} bytes")
            if stop > end:
                break
            key = data[start:middle]
            if last is not None and key <= last:
                raise _refused("keys do not ascend")
            found.append((key, data[body:stop]))
            last, at = key, stop
        self._left, self._last = data[at:], last
        self.entries += len(found)
        return found

    def done(self, entries: int) -> None:
        """All of the stream has come.

        Args:
            entries: that the manifest promises.

        Raises:
            SnapshotRefused: SN-5, an entry that does not end; another number of them.
        """
        if self._left:
            raise _refused(f"{len(self._left)} bytes of an entry that does not end")
        if self.entries != entries:
            raise _refused(f"{self.entries} entries, the manifest has {entries}")


def _refused(what: str) -> SnapshotRefused:
    return SnapshotRefused("SN-5", what, Blame.SNAPSHOT)
