"""Numbers for one's own statements, each handed out once, whatever happens. Rule GO-15.

A range of numbers is marked as used on the disk before the first of them is handed out, so a
process that is killed at any point skips numbers and never repeats one. What cannot be told from
here is a file that was restored from an old copy: a node whose disk was restored takes a new key.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Final, Protocol

from filelock import FileLock, Timeout

from node.core.ids import ChainId
from node.gossip.errors import SequenceFault
from node.gossip.statement import MAX_SEQ
from zk import files
from zk.jsontext import loads

FORMAT: Final = "chiaro/gossip-sequence/1"
AT_ONCE: Final = 256
"""Numbers marked as used by one write, and the most that a crash skips."""


class Sequence(Protocol):
    """Hands out the numbers of one node's statements on one chain."""

    def take(self) -> int:
        """A number that was never handed out before.

        Raises:
            SequenceFault: GO-15: none can be had safely.
        """
        ...


class MemorySequence:
    """For keys that do not outlive the process."""

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> int:
        self._next += 1
        return self._next - 1


class SequenceFile:
    """Numbers of a key that is kept. One process at a time; safe between threads.

    Args:
        path: the file; its folder exists. A missing file begins at 0: the key is new.
        node: the key whose statements are counted.
        chain_id: on which chain.

    Raises:
        SequenceFault: GO-15: another process has it, it is damaged, or of another key or chain.
    """

    def __init__(self, path: Path, node: bytes, chain_id: ChainId) -> None:
        self._path = path
        self._names = {"chain": chain_id.hex(), "format": FORMAT, "node": node.hex()}
        self._mutex = threading.Lock()
        self._lock = FileLock(path.with_name(path.name + ".lock"), thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise SequenceFault(
                "GO-15", "another process signs with this key", where=str(path),
                fix="stop the other node, or give this one a key of its own",
            ) from None  # fmt: skip
        except OSError as error:
            raise SequenceFault(
                "GO-15", f"cannot lock: {error.strerror}", where=str(path)
            ) from None
        try:
            self._next = self._limit = self._read()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> SequenceFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self) -> int:
        with self._mutex:
            if not self._lock.is_locked:
                raise SequenceFault("GO-15", "closed already", where=str(self._path))
            if self._next == self._limit:
                self._reserve(min(self._limit + AT_ONCE, MAX_SEQ + 1))
            self._next += 1
            return self._next - 1

    def close(self) -> None:
        """Let another process have it. Numbers that were reserved and not used stay unused."""
        with self._mutex:
            self._lock.release()

    def _reserve(self, limit: int) -> None:
        if limit == self._limit:
            raise SequenceFault("GO-15", "all numbers are used up", where=str(self._path))
        document = {**self._names, "reserved": str(limit)}
        data = json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"
        try:
            files.write(self._path, data, durable=True)
        except OSError as error:
            raise SequenceFault(
                "GO-15", f"cannot write: {error.strerror}", where=str(self._path),
                fix="make room on the disk, or the folder writable",
            ) from None  # fmt: skip
        self._limit = limit

    def _read(self) -> int:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise self._damaged(f"cannot read: {error.strerror}") from None
        try:
            document = loads(data)
        except ValueError as error:
            raise self._damaged(f"not JSON: {error}") from None
        if not isinstance(document, dict) or set(document) != {*self._names, "reserved"}:
            raise self._damaged("not a file of sequence numbers")
        for name, expected in self._names.items():
            if document[name] != expected:
                raise self._damaged(f"of another {name}")
        reserved = document["reserved"]
        if not (isinstance(reserved, str) and reserved.isascii() and reserved.isdigit()):
            raise self._damaged("`reserved` is no number")
        if len(reserved) > 20 or not 0 < int(reserved) <= MAX_SEQ + 1:
            raise self._damaged("`reserved` is outside [1, 2^64]")
        return int(reserved)

    def _damaged(self, text: str) -> SequenceFault:
        return SequenceFault("GO-15", text, where=str(self._path))
