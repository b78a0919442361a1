"""`.wtns`: read as it was written, and refused by its code where it is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zk.errors import FormatError
from zk.field.params import FP, FR
from zk.formats.container import read, u32_bytes, write
from zk.formats.wtns import read_wtns, write_wtns

Sections = list[tuple[int, bytes]]


@pytest.fixture
def sections(documents, tmp_path: Path) -> Sections:
    write_wtns(documents.assignment, tmp_path / "w.wtns")
    file = read(tmp_path / "w.wtns", "wtns", (2,))
    return [(number, bytes(file.section(number).data)) for number in (1, 2)]


def packed(path: Path, sections: Sections, version: int = 2) -> Path:
    with path.open("wb") as file:
        write(file, "wtns", version, sections)
    return path


def test_there_and_back_in_any_order(documents, sections, tmp_path) -> None:
    path = packed(tmp_path / "x.wtns", [(9, b"?"), *sections[::-1]])
    np.testing.assert_array_equal(read_wtns(path), documents.assignment)


def whole(value: int) -> bytes:
    return value.to_bytes(32, "little")


# code, section, offset within it, change of header and values
REFUSED: dict[str, tuple[str, int, int, Callable[[bytes, bytes], Sections]]] = {
    "field": ("FMT-016", 1, 0, lambda h, v: [(1, h[:4] + whole(FP.modulus) + h[36:]), (2, v)]),
    "no wire": ("FMT-017", 1, 36, lambda h, v: [(1, h[:36] + bytes(4)), (2, b"")]),
    "short header": ("FMT-015", 1, 0, lambda h, v: [(1, h[:-1]), (2, v)]),
    "a value less": ("FMT-015", 2, 0, lambda h, v: [(1, h), (2, v[:-32])]),
    "a lie": ("FMT-015", 2, 0, lambda h, v: [(1, h[:36] + u32_bytes(2**32 - 1)), (2, v)]),
    "not below r": (
        "FMT-025",
        2,
        64,
        lambda h, v: [(1, h), (2, v[:64] + whole(FR.modulus) + v[96:])],
    ),
    "one is not one": ("FMT-027", 2, 0, lambda h, v: [(1, h), (2, whole(2) + v[32:])]),
    "one is r + 1": ("FMT-025", 2, 0, lambda h, v: [(1, h), (2, whole(FR.modulus + 1) + v[32:])]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(sections, tmp_path, name) -> None:
    code, section, offset, change = REFUSED[name]
    made = change(sections[0][1], sections[1][1])
    with pytest.raises(FormatError) as caught:
        read_wtns(packed(tmp_path / "x.wtns", made))
    start = 24 if section == 1 else 36 + len(made[0][1])
    assert (caught.value.id, caught.value.section) == (code, str(section))
    assert caught.value.offset == start + offset


def test_other_versions_and_files(sections, tmp_path) -> None:
    for version in (1, 3):
        with pytest.raises(FormatError) as caught:
            read_wtns(packed(tmp_path / "x.wtns", sections, version))
        assert caught.value.id == "FMT-011"
    with pytest.raises(FormatError) as caught:
        read_wtns(b"zkey" + bytes(20))
    assert caught.value.id == "FMT-010"
