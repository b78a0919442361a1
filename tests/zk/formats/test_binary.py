"""`.r1cs`, `.sym`, `.wtns` and `.zkey`, read back by independent code where we only write."""

from __future__ import annotations

import stat
import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zk.backends import get
from zk.errors import FormatError
from zk.field.arrays import from_array
from zk.field.params import FP, FR
from zk.formats.container import read, write
from zk.formats.r1cs import write_r1cs
from zk.formats.sym import write_sym
from zk.formats.wtns import write_wtns
from zk.formats.zkey import NOTE_SECTION, read_zkey, write_zkey, zkey_sections
from zk.groth16.example import circuit
from zk.groth16.keys import Blinding
from zk.groth16.prove import prove
from zk.groth16.setup import UNSAFE_STAMP, UnsafeDevSetup


def combinations(data: bytes) -> list[dict[int, int]]:
    """Section 2 of `.r1cs`, one combination after the other."""
    found, at = [], 0
    while at < len(data):
        (terms,) = struct.unpack_from("<I", data, at)
        at += 4
        found.append({})
        for _ in range(terms):
            (wire,) = struct.unpack_from("<I", data, at)
            found[-1][wire] = int.from_bytes(data[at + 4 : at + 36], "little")
            at += 36
    return found


def test_r1cs_holds_every_row(documents, tmp_path: Path) -> None:
    shape = documents.shape
    write_r1cs(shape, tmp_path / "c.r1cs")
    file = read(tmp_path / "c.r1cs", "r1cs", (1,))
    header = file.section(1).data
    assert struct.unpack_from("<I", header)[0] == 32
    assert int.from_bytes(header[4:36], "little") == FR.modulus
    assert struct.unpack_from("<IIIIQI", header, 36) == (
        shape.wires,
        0,
        shape.publics,
        0,
        shape.wires,
        shape.rows,
    )
    expected = [
        dict(matrix.row(row)) for row in range(shape.rows) for _, matrix in shape.matrices()
    ]
    assert combinations(bytes(file.section(2).data)) == expected
    labels = np.frombuffer(file.section(3).data, dtype="<u8")
    assert labels.tolist() == list(range(shape.wires))


def test_r1cs_with_empty_combinations(tmp_path: Path) -> None:
    shape = circuit([{}, {1: 5}], [{0: 1}, {}], [{}, {}], wires=2, publics=1)
    write_r1cs(shape, tmp_path / "c.r1cs")
    data = bytes(read(tmp_path / "c.r1cs", "r1cs", (1,)).section(2).data)
    assert combinations(data) == [{}, {0: 1}, {}, {1: 5}, {}, {}]


def test_sym_names_every_wire_but_the_one(documents, tmp_path: Path) -> None:
    names = ("one", "root", "note.amount", *(f"note.bit[{i}]" for i in range(3)))
    names += tuple(f"x{i}" for i in range(documents.shape.wires - len(names)))
    write_sym(replace(documents.shape, wire_names=names), tmp_path / "c.sym")
    lines = (tmp_path / "c.sym").read_text().splitlines()
    assert lines[:3] == ["1,1,0,main.root", "2,2,1,main.note.amount", "3,3,1,main.note.bit[0]"]
    assert len(lines) == documents.shape.wires - 1


def test_wtns_holds_the_assignment_and_is_private(documents, tmp_path: Path) -> None:
    path = tmp_path / "w.wtns"
    write_wtns(documents.assignment, path)
    file = read(path, "wtns", (2,))
    header = file.section(1).data
    assert int.from_bytes(header[4:36], "little") == FR.modulus
    assert struct.unpack_from("<I", header, 36)[0] == documents.shape.wires
    values = np.frombuffer(file.section(2).data, dtype="<u8").reshape(-1, 4)
    assert from_array(values) == from_array(documents.assignment)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_wtns_over_a_file_that_others_may_read_is_private(documents, tmp_path: Path) -> None:
    path = tmp_path / "w.wtns"
    path.write_bytes(b"")
    path.chmod(0o644)
    write_wtns(documents.assignment, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.fixture
def zkey(documents, tmp_path: Path) -> Path:
    path = tmp_path / "key.zkey"
    write_zkey(documents.proving_key, path)
    return path


def rewritten(path: Path, change) -> bytes:
    """The file with its sections changed: `change` gets and returns a list of (type, bytes)."""
    file = read(path, "zkey", (1,))
    sections = [(n, bytes(s.data)) for n, found in file.sections.items() for s in found]
    target = path.with_suffix(".changed")
    with target.open("wb") as out:
        write(out, "zkey", 1, change(sections))
    return target.read_bytes()


def test_zkey_round_trips(documents, zkey: Path) -> None:
    found = read_zkey(zkey)
    assert found.verifying_key == documents.verifying_key
    assert zkey_sections(found) == zkey_sections(documents.proving_key)
    assert found.note == UNSAFE_STAMP
    assert prove(found, documents.assignment, Blinding(11, 13), get("reference")) == documents.proof


def test_zkey_is_used_as_it_lies_on_disk(zkey: Path) -> None:
    found = read_zkey(zkey)
    for points in (found.a, found.b1, found.b2, found.c, found.h, found.ic):
        assert not points.flags.owndata
        assert points.flags.aligned
        assert points.flags.c_contiguous
        assert not points.flags.writeable


def test_zkey_says_that_it_is_unsafe(zkey: Path) -> None:
    assert b"UNSAFE" in zkey.read_bytes()


def test_zkey_as_other_tools_order_it(documents, zkey: Path) -> None:
    """Sections in another order, unknown ones, no padding, coefficients in another order."""

    def shuffle(sections):
        kept = [(n, data) for n, data in sections if n <= 10]
        for index, (number, data) in enumerate(kept):
            if number == 4:
                entries = [data[i : i + 44] for i in range(4, len(data), 44)]
                kept[index] = (4, data[:4] + b"".join(entries[::-1]))
        return [(99, b"?"), *kept[::-1]]

    found = read_zkey(rewritten(zkey, shuffle))
    assert found.note == ""
    assert found.verifying_key == documents.verifying_key
    assert prove(found, documents.assignment, Blinding(11, 13), get("reference")) == documents.proof


def changed(number: int, at: int, value: bytes):
    def change(sections):
        return [
            (n, data[:at] + value + data[at + len(value) :] if n == number else data)
            for n, data in sections
        ]

    return change


def resized(number: int, size: int):
    return lambda sections: [
        (n, (data + bytes(999))[: max(0, len(data) + size)] if n == number else data)
        for n, data in sections
    ]


HIGH = b"\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (changed(1, 0, b"\2\0\0\0"), "FMT-020"),
        (changed(2, 4, b"\0"), "FMT-016"),
        (changed(2, 40, b"\0"), "FMT-016"),
        (changed(2, 72, HIGH), "FMT-015"),
        (changed(2, 76, HIGH), "FMT-017"),
        (changed(2, 80, b"\7\0\0\0"), "FMT-017"),
        (changed(2, 80, b"\0\0\0\0"), "FMT-017"),
        (changed(2, 80, b"\0\0\0\x80"), "FMT-017"),
        (changed(2, 84, b"\1"), "FMT-019"),
        (changed(2, 84, FP.modulus.to_bytes(32, "little")), "FMT-022"),
        (changed(2, 84, bytes(64)), "FMT-024"),
        (changed(2, 84 + 128, bytes(128)), "FMT-024"),
        (changed(4, 0, HIGH), "FMT-015"),
        (changed(4, 4, HIGH), "FMT-026"),
        (changed(4, 8, HIGH), "FMT-026"),
        (changed(4, 12, HIGH), "FMT-026"),
        (changed(4, 16, FR.modulus.to_bytes(32, "little")), "FMT-025"),
        (resized(4, -10000), "FMT-015"),
        *(
            (resized(number, size), "FMT-015")
            for number in (2, 3, 5, 6, 7, 8, 9)
            for size in (-1, 1)
        ),
        (resized(10, -10), "FMT-015"),
        *((lambda s, n=n: [x for x in s if x[0] != n], "FMT-013") for n in range(1, 11)),
        *((lambda s, n=n: [*s, *(x for x in s if x[0] == n)], "FMT-014") for n in range(1, 11)),
        (lambda s: [*s, (NOTE_SECTION, b"two notes")], "FMT-014"),
        (
            lambda s: [x if x[0] != NOTE_SECTION else (NOTE_SECTION, bytes(5000)) for x in s],
            "FMT-015",
        ),
    ],
)
def test_each_defect_of_a_zkey_has_its_code(zkey: Path, change, code) -> None:
    with pytest.raises(FormatError) as caught:
        read_zkey(rewritten(zkey, change))
    assert caught.value.id == code


@pytest.mark.parametrize("at", [84, 84 + 64, 84 + 128, 84 + 2 * 64 + 2 * 128 + 64])
def test_header_coordinates_have_one_form(documents, zkey: Path, at: int) -> None:
    """Kernels take coordinates below 2q; v + q, v + 2q, … would pass for the same point."""
    header = dict(zkey_sections(documents.proving_key))[2]
    value = int.from_bytes(header[at : at + 32], "little")
    for multiple in range(1, ((1 << 256) - 1 - value) // FP.modulus + 1):
        alias = (value + multiple * FP.modulus).to_bytes(32, "little")
        with pytest.raises(FormatError) as caught:
            read_zkey(rewritten(zkey, changed(2, at, alias)))
        assert caught.value.id == "FMT-022"


def test_a_domain_beyond_the_file_allocates_nothing(zkey: Path) -> None:
    """A few kilobytes that claim a domain of 2²⁷ made the reader take three gigabytes."""
    lie = rewritten(zkey, changed(2, 80, (1 << 20).to_bytes(4, "little")))
    tracemalloc.start()
    try:
        with pytest.raises(FormatError) as caught:
            read_zkey(lie)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (caught.value.id, caught.value.section) == ("FMT-015", "9")
    assert peak < 1 << 20


def test_every_truncation_of_a_zkey_is_refused(zkey: Path) -> None:
    data = zkey.read_bytes()
    for size in range(0, len(data), 37):
        with pytest.raises(FormatError):
            read_zkey(data[:size])


def test_a_key_without_private_wires(tmp_path: Path) -> None:
    shape = circuit([{1: 1}], [{1: 1}], [{1: 1}], wires=2, publics=1)
    key = UnsafeDevSetup().run(shape, get("reference"))
    write_zkey(key, tmp_path / "k.zkey", plain=True)
    found = read_zkey(tmp_path / "k.zkey")
    assert found.c.shape == (0, 8)
    assert found.note == ""


def test_key_files_are_deterministic(documents, tmp_path: Path) -> None:
    again = UnsafeDevSetup().run(documents.shape, get("reference"))
    for index, key in enumerate((documents.proving_key, again)):
        write_zkey(key, tmp_path / f"{index}.zkey")
    assert (tmp_path / "0.zkey").read_bytes() == (tmp_path / "1.zkey").read_bytes()
