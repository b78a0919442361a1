"""The container of iden3's binary files: magic, version, sections.

    magic[4]  version u32  sections u32  { type u32  size u64  bytes[size] } …      little-endian

Sections may come in any order; unknown ones are skipped. Every length is compared with the file's
size before anything is allocated, and their number is bounded: the file is not trusted.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from zk.errors import FormatError
from zk.field.arrays import BYTES
from zk.field.params import FP, FR, PrimeFieldParams

HEADER_BYTES: Final = 12
SECTION_HEADER_BYTES: Final = 12
MAX_SECTIONS: Final = 256
"""Tools write some ten, the writer here one of padding before each at most. An empty section takes
12 bytes and microseconds to read: a file of millions must not keep a reader busy."""
ALIGNMENT: Final = 64
PADDING_SECTION: Final = 0x20646170  # "pad " in the file; an unknown section to every reader


@dataclass(frozen=True, slots=True)
class Section:
    """One section: where its bytes lie in the file, and a view of them."""

    offset: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class Container:
    """A file taken apart.

    Attributes:
        kind: the magic, such as `zkey`.
        version: format version.
        sections: by type, in the order of the file.
        path: where it came from, for messages.
    """

    kind: str
    version: int
    sections: Mapping[int, list[Section]]
    path: str = ""

    def section(self, number: int) -> Section:
        """The one section of this type.

        Raises:
            FormatError: FMT-013 or FMT-014, none or several.
        """
        found = self.sections.get(number, [])
        if not found:
            raise self.error("FMT-013", f"section {number} is missing", number)
        if len(found) > 1:
            raise self.error("FMT-014", f"section {number} stands twice", number, found[1].offset)
        return found[0]

    def sized(self, number: int, size: int) -> Section:
        """The one section of this type, of exactly this many bytes.

        Raises:
            FormatError: FMT-013, FMT-014 or FMT-015.
        """
        found = self.section(number)
        if len(found.data) != size:
            raise self.error(
                "FMT-015",
                f"section {number} has {len(found.data)} bytes, its contents need {size}",
                number,
                found.offset,
            )
        return found

    def error(
        self, code: str, message: str, section: int | None = None, offset: int | None = None
    ) -> FormatError:
        """A refusal that names this file."""
        return FormatError(
            message,
            section="" if section is None else str(section),
            offset=offset,
            where=self.path,
            code=code,
        )


def map_file(path: Path) -> memoryview:
    """The bytes of a file, mapped read-only; nothing is read before it is used.

    Raises:
        FormatError: FMT-012, an empty file.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise FormatError("the file is empty", where=str(path), code="FMT-012")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def read(source: Path | bytes | memoryview, kind: str, versions: Iterable[int]) -> Container:
    """Take a file apart.

    Args:
        source: a path (mapped, not read) or the bytes.
        kind: the magic expected, four characters.
        versions: versions accepted.

    Raises:
        FormatError: FMT-010 magic, FMT-011 version, FMT-012 too short, FMT-018 trailing bytes,
            FMT-021 too many sections.
    """
    path = str(source) if isinstance(source, Path) else ""
    data = map_file(source) if isinstance(source, Path) else memoryview(source)
    sections: dict[int, list[Section]] = {}
    container = Container(kind, 0, sections, path)
    if len(data) < HEADER_BYTES:
        raise container.error("FMT-012", "the file is shorter than its header", offset=len(data))
    if bytes(data[:4]) != kind.encode("ascii"):
        raise container.error("FMT-010", f"this is not a .{kind.strip()} file", offset=0)
    version, count = u32(data, 4), u32(data, 8)
    if version not in versions:
        raise container.error("FMT-011", f"version {version} is not known", offset=4)
    if count > MAX_SECTIONS:
        raise container.error(
            "FMT-021", f"{count} sections, no file of this kind has over {MAX_SECTIONS}", offset=8
        )
    at = HEADER_BYTES
    for _ in range(count):
        if at + SECTION_HEADER_BYTES > len(data):
            raise container.error("FMT-012", "the file ends before its last section", offset=at)
        number, size = u32(data, at), int.from_bytes(data[at + 4 : at + 12], "little")
        at += SECTION_HEADER_BYTES
        if size > len(data) - at:
            raise container.error(
                "FMT-012", f"section {number} claims {size} bytes, the file ends", number, at
            )
        sections.setdefault(number, []).append(Section(at, data[at : at + size]))
        at += size
    if at != len(data):
        raise container.error("FMT-018", "bytes follow the last section", offset=at)
    return Container(kind, version, sections, path)


def write(
    file: BinaryIO,
    kind: str,
    version: int,
    sections: Iterable[tuple[int, bytes]],
    *,
    align: Iterable[int] = (),
) -> None:
    """Write a container.

    Args:
        file: where to.
        kind: the magic, four characters.
        version: format version.
        sections: type and bytes, in the order of the file.
        align: types whose bytes start at a multiple of 64, by padding sections before them, so
            that a mapped file can be used as arrays.
    """
    aligned = set(align)
    parts: list[tuple[int, bytes]] = []
    at = HEADER_BYTES
    for number, data in sections:
        if number in aligned and (at + SECTION_HEADER_BYTES) % ALIGNMENT:
            gap = -(at + 2 * SECTION_HEADER_BYTES) % ALIGNMENT
            parts.append((PADDING_SECTION, bytes(gap)))
            at += SECTION_HEADER_BYTES + gap
        parts.append((number, data))
        at += SECTION_HEADER_BYTES + len(data)
    file.write(kind.encode("ascii") + u32_bytes(version) + u32_bytes(len(parts)))
    for number, data in parts:
        file.write(u32_bytes(number) + len(data).to_bytes(8, "little"))
        file.write(data)


def u32(data: memoryview, at: int) -> int:
    """The u32 at an offset."""
    return int.from_bytes(data[at : at + 4], "little")


def u32_bytes(value: int) -> bytes:
    """Little-endian, four bytes."""
    return value.to_bytes(4, "little")


def field_bytes(field: PrimeFieldParams) -> bytes:
    """How files name a field: bytes of an element (u32), modulus."""
    return u32_bytes(BYTES) + field.modulus.to_bytes(BYTES, "little")


FIELD_BYTES: Final = 4 + BYTES
FP_BYTES: Final = field_bytes(FP)
FR_BYTES: Final = field_bytes(FR)
