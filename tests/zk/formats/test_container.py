from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zk.errors import FormatError
from zk.formats.container import ALIGNMENT, MAX_SECTIONS, PADDING_SECTION, read, write


def packed(*sections: tuple[int, bytes], magic: bytes = b"test", version: int = 1) -> bytes:
    """An independent writer."""
    body = b"".join(struct.pack("<IQ", number, len(data)) + data for number, data in sections)
    return magic + struct.pack("<II", version, len(sections)) + body


def refusal(data: bytes, number: int | None = None) -> str:
    def use() -> None:
        found = read(data, "test", (1,))
        if number is not None:
            found.section(number)

    with pytest.raises(FormatError) as caught:
        use()
    return caught.value.id


def test_sections_in_any_order_and_unknown_ones() -> None:
    found = read(packed((9, b"last"), (77, b"?"), (1, b"first"), (77, b"")), "test", (1, 2))
    assert bytes(found.section(1).data) == b"first"
    assert bytes(found.section(9).data) == b"last"
    assert found.version == 1


def test_what_is_written_is_read() -> None:
    file = io.BytesIO()
    write(file, "test", 1, [(2, b"abc"), (1, b"")])
    assert file.getvalue() == packed((2, b"abc"), (1, b""))


def test_padding_aligns_sections() -> None:
    file = io.BytesIO()
    write(file, "test", 1, [(1, b"xyz"), (2, b"a" * 70), (3, b"b"), (4, b"")], align=(2, 3, 4))
    found = read(file.getvalue(), "test", (1,))
    assert all(found.section(number).offset % ALIGNMENT == 0 for number in (2, 3, 4))
    assert bytes(found.section(3).data) == b"b"
    assert PADDING_SECTION in found.sections


def test_a_file_is_mapped_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(packed((1, b"abc")))
    section = read(path, "test", (1,)).section(1)
    assert type(section.data.obj).__name__ == "mmap"
    assert section.data.readonly


def test_each_defect_has_its_code(tmp_path: Path) -> None:
    assert refusal(packed((1, b""), magic=b"rest")) == "FMT-010"
    assert refusal(packed((1, b""), version=3)) == "FMT-011"
    assert refusal(b"tes") == "FMT-012"
    assert refusal(packed((1, b"abc"))[:-1]) == "FMT-012"
    assert refusal(packed((1, b"")), 2) == "FMT-013"
    assert refusal(packed((1, b"a"), (1, b"a")), 1) == "FMT-014"
    assert refusal(packed((1, b"")) + b"\0") == "FMT-018"
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(FormatError, match="empty"):
        read(empty, "test", (1,))


def test_messages_name_file_section_and_offset(tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_bytes(packed((1, b"abc"))[:-1])
    with pytest.raises(FormatError) as caught:
        read(path, "test", (1,))
    assert str(path) in caught.value.where
    assert caught.value.section == "1"
    assert caught.value.offset == 24


def test_huge_lengths_are_refused_without_allocating() -> None:
    header = b"test" + struct.pack("<II", 1, 1)
    assert refusal(header + struct.pack("<IQ", 1, 2**63)) == "FMT-012"
    assert refusal(b"test" + struct.pack("<II", 1, MAX_SECTIONS)) == "FMT-012"


def test_more_sections_than_any_file_has_are_refused_unread() -> None:
    """A million empty ones are 12 MB, and were seconds of work before the first byte of content."""
    empty = struct.pack("<IQ", 1, 0)
    most = b"test" + struct.pack("<II", 1, MAX_SECTIONS) + MAX_SECTIONS * empty
    assert len(read(most, "test", (1,)).sections[1]) == MAX_SECTIONS
    for count in (MAX_SECTIONS + 1, 10**6, 2**32 - 1):
        header = b"test" + struct.pack("<II", 1, count)
        assert refusal(header) == "FMT-021"  # by its number alone: no section is there
        with pytest.raises(FormatError) as caught:
            read(header + (MAX_SECTIONS + 1) * empty, "test", (1,))
        assert (caught.value.id, caught.value.offset) == ("FMT-021", 8)


@given(st.binary(max_size=80))
def test_random_bytes_are_refused_or_read(data) -> None:
    known = {"FMT-010", "FMT-011", "FMT-012", "FMT-018", "FMT-021"}
    try:
        read(b"test" + data, "test", (1,))
        code = None
    except FormatError as error:
        code = error.id
    assert code is None or code in known


@given(st.integers(0, 60))
def test_every_truncation_is_refused(size) -> None:
    whole = packed((1, b"0123456789"), (2, b"abcdefghij"), (3, b""))
    assert refusal(whole[: min(size, len(whole) - 1)]) == "FMT-012"
