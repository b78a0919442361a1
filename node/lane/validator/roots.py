"""Which batch this validator made shares of, for each height and epoch.  Rules PX-19, LN-27.

    roots/DOMAIN      80 bytes each: height 8, epoch 8, root 32, checksum 32; appended

There from before the domain's first secret on, append-only, and synced before a share leaves: a log
that is gone is no empty one. A last record that is short, or zeros, was torn by a
crash, and its share never left; any other damage is refused, since "no record" would allow a second
share.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final, Protocol

from node.core.codec import Reader, Writer
from node.core.ids import ChainId, tagged_hash
from node.lane.errors import DamagedLog
from private_exec.final import MemoryRoots, RootLog
from zk import files

RECORD_BYTES: Final = 80


class RootLogs(Protocol):
    """One log for each domain."""

    def begin(self, domain: int, known: bool) -> None:
        """LN-27: there is a log, before a secret is kept that shares can be made of.

        Args:
            domain: whose.
            known: it has secrets already, and so a log.
        """
        ...

    def log(self, domain: int) -> RootLog: ...


class MemoryRootLogs:
    """For tests; a validator's lie on disk."""

    def __init__(self) -> None:
        self._logs: dict[int, MemoryRoots] = {}

    def begin(self, domain: int, known: bool) -> None:  # noqa: ARG002
        self.log(domain)

    def log(self, domain: int) -> RootLog:
        return self._logs.setdefault(domain, MemoryRoots())


class FileRootLogs:
    """A folder with one file for each domain.

    Args:
        folder: made, private, with the first log.
        chain_id: of the chain; goes into the checksums.
    """

    def __init__(self, folder: Path, chain_id: ChainId) -> None:
        self._folder = folder
        self._chain_id = chain_id
        self._logs: dict[int, FileRoots] = {}

    def begin(self, domain: int, known: bool) -> None:
        """Raises DamagedLog by LN-27: it had a log, which is gone; or the disk refuses."""
        path = self._folder / str(domain)
        if path.exists():
            return
        if known:
            raise _gone(path)
        try:
            files.make_private_folder(self._folder)
            files.write(path, b"", mode=files.PRIVATE, durable=True)
        except OSError as error:
            raise _refused(path, error) from None

    def log(self, domain: int) -> RootLog:
        """Raises DamagedLog by LN-27."""
        if (found := self._logs.get(domain)) is None:
            head = self._chain_id + domain.to_bytes(4, "little")
            found = self._logs[domain] = FileRoots(self._folder / str(domain), head)
        return found


class FileRoots:
    """A `RootLog` in a file, read once.

    Args:
        path: of the file.
        head: what its checksums cover besides the record.

    Raises:
        DamagedLog: LN-27.
    """

    def __init__(self, path: Path, head: bytes) -> None:
        self._path = path
        self._head = head
        self._roots: dict[tuple[int, int], bytes] = {}
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise _gone(path) from None
        self._whole = len(data) - len(data) % RECORD_BYTES
        for at in range(0, self._whole, RECORD_BYTES):
            record = data[at : at + RECORD_BYTES]
            if record == bytes(RECORD_BYTES) and at + RECORD_BYTES == self._whole:
                self._whole = at
                break
            if record[48:] != self._checksum(record[:48]):
                raise DamagedLog(f"LN-27: damaged at byte {at}", where=str(path))
            reader = Reader(record, "roots")
            place = reader.u64(), reader.u64()
            self._roots[place] = reader.take(32)

    def root(self, height: int, epoch: int) -> bytes | None:
        return self._roots.get((height, epoch))

    def record(self, height: int, epoch: int, root: bytes) -> None:
        body = Writer().u64(height).u64(epoch).raw(root, 32).done()
        try:
            self._append(body + self._checksum(body))
        except OSError as error:
            raise _refused(self._path, error) from None
        self._whole += RECORD_BYTES
        self._roots[height, epoch] = root

    def _append(self, record: bytes) -> None:
        descriptor = os.open(self._path, os.O_RDWR)
        try:
            os.ftruncate(descriptor, self._whole)
            os.lseek(descriptor, self._whole, os.SEEK_SET)
            if os.write(descriptor, record) != len(record):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _checksum(self, body: bytes) -> bytes:
        return tagged_hash("lane/root", self._head, body)


def _gone(path: Path) -> DamagedLog:
    return DamagedLog("LN-27: the record of what was shared is gone", where=str(path))


def _refused(path: Path, error: OSError) -> DamagedLog:
    return DamagedLog(
        f"LN-27: the root cannot be recorded: {error.strerror}",
        where=str(path),
        fix="make room on the disk, and see to it that the folder is this node's",
    )
