"""The outer form of a bundle: an uncompressed POSIX tar with one encoding, written and read.

Any `tar` opens it. The reader here takes exactly what the writer writes: regular files, by the name
that is due, headers that are byte for byte those of that name and size, sizes within bounds before
anything is read, zeros where padding is, nothing behind the end. It holds one member at a time.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import IO, Final

from node.audit.errors import AuditError

HEADER: Final = tarfile.BLOCKSIZE
RECORD: Final = tarfile.RECORDSIZE
MODE: Final = 0o644
_REGULAR: Final = b"0"


def digest(data: bytes) -> str:
    """BLAKE2b-256, hex: what `b2sum -l 256` prints."""
    return hashlib.blake2b(data, digest_size=32).hexdigest()


class Listing:
    """The digest over all members: BLAKE2b-256 of the lines that `b2sum -l 256` prints of them."""

    def __init__(self) -> None:
        self._hasher = hashlib.blake2b(digest_size=32)
        self.members = 0

    def add(self, name: str, data: bytes) -> str:
        """Count a member in; returns its own digest."""
        found = digest(data)
        self._hasher.update(f"{found}  {name}\n".encode())
        self.members += 1
        return found

    def hexdigest(self) -> str:
        return self._hasher.hexdigest()


def header(name: str, size: int) -> bytes:
    """The one header of a member: nothing of who made it, or when."""
    return _info(name, size).tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, MODE
    return info


class Writer:
    """Appends members to an open file.

    Args:
        file: binary, at its start.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        self.listing: Final = Listing()

    def add(self, name: str, data: bytes) -> None:
        """One more member."""
        self.listing.add(name, data)
        self._tar.addfile(_info(name, len(data)), io.BytesIO(data))

    def close(self) -> None:
        """The two empty blocks that end an archive, and padding to a whole record."""
        self._tar.close()


class Reader:
    """Reads members in the order in which the caller expects them.

    Args:
        file: binary, seekable, at its start.
        size: of the file, in bytes.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._size = size
        self.at = 0
        self.listing: Final = Listing()

    def take(self, name: str, most: int) -> bytes:
        """The next member, which must have this name and at most `most` bytes.

        Raises:
            AuditError: AUD-001 form, AUD-002 name, AUD-003 size, AUD-004 end of the file.
        """
        raw = self._exactly(HEADER, name)
        if not any(raw):
            raise AuditError("AUD-004", f"the archive ends before {name}", where=self._place())
        if raw[156:157] != _REGULAR:
            raise AuditError(
                "AUD-001", f"not a regular file where {name} should be", where=self._place()
            )
        found = raw[:100].rstrip(b"\0")
        if found != name.encode():
            shown = ascii(found.decode("ascii", "replace"))
            raise AuditError("AUD-002", f"{name} was expected, not {shown}", where=self._place())
        size = self._length(raw, name)
        if size > most:
            raise AuditError("AUD-003", f"{size} bytes are more than {most}", where=name)
        if raw != header(name, size):
            raise AuditError(
                "AUD-001", "the member's header is not the one of its name and size", where=name
            )
        data = self._exactly(size, name)
        if any(self._exactly(-size % HEADER, name)):
            raise AuditError("AUD-001", "the padding behind the member is not zero", where=name)
        self.listing.add(name, data)
        return data

    def end(self) -> None:
        """Two empty blocks, zeros up to a whole record, and nothing more.

        Raises:
            AuditError: AUD-001 something follows, AUD-004 the end is missing.
        """
        rest = max(2 * HEADER, -self.at % RECORD)
        rest += -(self.at + rest) % RECORD
        if self._size - self.at < rest:
            raise AuditError("AUD-004", "the archive has no end", where=self._place())
        if self._size - self.at > rest or any(self._exactly(rest, "the end")):
            raise AuditError("AUD-001", "something follows the last member", where=self._place())

    def _length(self, raw: bytes, name: str) -> int:
        """Eleven octal digits; no other way in which a size can be written."""
        field = raw[124:136]
        if field[11:] != b"\0" or field[:11].strip(b"01234567"):
            raise AuditError("AUD-001", "the member's size is not eleven octal digits", where=name)
        return int(field[:11], 8)

    def _exactly(self, count: int, name: str) -> bytes:
        if count > self._size - self.at:
            raise AuditError(
                "AUD-004",
                f"the file ends within {name}: {count} bytes needed, "
                f"{self._size - self.at} are left",
                where=self._place(),
            )
        data = self._file.read(count)
        if len(data) != count:
            raise AuditError("AUD-004", f"the file became shorter within {name}")
        self.at += count
        return data

    def _place(self) -> str:
        return f"byte {self.at}"
