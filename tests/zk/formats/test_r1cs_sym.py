"""`.r1cs` and `.sym`: what was written comes back byte for byte, what is malformed is refused."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zk.errors import FormatError
from zk.field.arrays import from_array
from zk.field.params import FP, FR
from zk.formats.container import u32_bytes, write
from zk.formats.r1cs import CircuitFile, r1cs_sections, read_r1cs, write_r1cs
from zk.formats.sym import REMOVED, Symbol, named, read_sym, write_sym, write_symbols
from zk.groth16.example import circuit, random_circuit


def packed(sections: list[tuple[int, bytes]], tmp_path: Path, version: int = 1) -> Path:
    path = tmp_path / "packed.r1cs"
    with path.open("wb") as file:
        write(file, "r1cs", version, sections)
    return path


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 4))
def test_a_circuit_comes_back_and_its_bytes_too(seed: int, rows: int, publics: int) -> None:
    shape, _ = random_circuit(seed, rows=max(rows, publics), publics=publics)
    sections = r1cs_sections(shape)
    data = b"r1cs" + u32_bytes(1) + u32_bytes(len(sections))
    data += b"".join(u32_bytes(n) + len(d).to_bytes(8, "little") + d for n, d in sections)
    read = read_r1cs(data)
    assert read.shape.digest == shape.digest
    assert (read.outputs, read.private_inputs, read.label_count) == (0, 0, shape.wires)
    assert r1cs_sections(read) == sections


def test_outputs_inputs_and_labels_of_a_compiler_are_kept(documents, tmp_path: Path) -> None:
    labels = np.arange(documents.shape.wires, dtype=np.uint64) * 7
    made = CircuitFile(documents.shape, 1, 2, labels, 1000)
    write_r1cs(made, tmp_path / "mine.r1cs")
    read = read_r1cs(tmp_path / "mine.r1cs")
    assert (read.outputs, read.private_inputs, read.label_count) == (1, 2, 1000)
    assert read.shape.publics == documents.shape.publics
    assert read.labels.tolist() == labels.tolist()
    assert read.shape.name == "mine"
    write_r1cs(read, tmp_path / "again.r1cs")
    assert (tmp_path / "again.r1cs").read_bytes() == (tmp_path / "mine.r1cs").read_bytes()


def test_sections_in_any_order_and_unknown_ones(documents, tmp_path: Path) -> None:
    sections = r1cs_sections(documents.shape)[::-1]
    path = packed([(77, b"hello"), *sections, (4, bytes(4)), (5, bytes(4))], tmp_path)
    assert read_r1cs(path).shape.digest == documents.shape.digest


def test_wires_of_a_combination_in_any_order(tmp_path: Path) -> None:
    shape = circuit([{0: 3, 1: 5, 2: 7}], [{0: 1}], [{2: 9}], wires=3, publics=1)
    sections = dict(r1cs_sections(shape))
    data = sections[2]
    terms = [data[4 + 36 * i : 40 + 36 * i] for i in range(3)]
    sections[2] = data[:4] + terms[2] + terms[0] + terms[1] + data[4 + 108 :]
    assert read_r1cs(packed(list(sections.items()), tmp_path)).shape.digest == shape.digest


def changed(section: int, change: Callable[[bytes], bytes]) -> Callable[[list], list]:
    return lambda sections: [(n, change(d) if n == section else d) for n, d in sections]


def patch(at: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + new + data[at + len(new) :]


def whole(value: int) -> bytes:
    return value.to_bytes(32, "little")


# The circuit: (3 + 5·w1)·1 = 9·w2. Section 2 in words: 2, term, term, 1, term, 1, term.
SECOND_TERM = 4 + 36
REFUSED = {
    "field": ("FMT-016", 1, 0, changed(1, patch(4, whole(FP.modulus)))),
    "publics": ("FMT-017", 1, 36, changed(1, patch(44, u32_bytes(3)))),
    "privates": ("FMT-017", 1, 36, changed(1, patch(48, u32_bytes(2)))),
    "short header": ("FMT-015", 1, 0, changed(1, lambda data: data[:-1])),
    "labels": ("FMT-015", 3, 0, changed(3, lambda data: data + bytes(8))),
    "odd bytes": ("FMT-015", 2, 0, changed(2, lambda data: data + b"x")),
    "bytes after the last row": ("FMT-015", 2, 156, changed(2, lambda data: data + bytes(4))),
    "a lie about rows": ("FMT-015", 2, 0, changed(1, patch(60, u32_bytes(2**32 - 1)))),
    "one row more": ("FMT-015", 2, 156, changed(1, patch(60, u32_bytes(2)))),
    "a lie about terms": ("FMT-015", 2, 0, changed(2, patch(0, u32_bytes(2**32 - 1)))),
    "no such wire": ("FMT-026", 2, SECOND_TERM, changed(2, patch(SECOND_TERM, u32_bytes(3)))),
    "not below r": ("FMT-025", 2, 4, changed(2, patch(8, whole(FR.modulus)))),
    "zero": ("FMT-029", 2, 4, changed(2, patch(8, whole(0)))),
    "twice": ("FMT-029", 2, SECOND_TERM, changed(2, patch(SECOND_TERM, u32_bytes(0)))),
    "custom gates": ("FMT-028", 4, 0, lambda sections: [*sections, (4, u32_bytes(1) + bytes(8))]),
    "missing": ("FMT-013", 3, None, lambda sections: sections[:2]),
    "doubled": ("FMT-014", 2, None, lambda sections: [*sections, sections[1]]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path) -> None:
    code, section, offset, change = REFUSED[case]
    shape = circuit([{0: 3, 1: 5}], [{0: 1}], [{2: 9}], wires=3, publics=1)
    sections = change(r1cs_sections(shape))
    path = packed(sections, tmp_path)
    with pytest.raises(FormatError) as caught:
        read_r1cs(path)
    assert (caught.value.id, caught.value.section) == (code, str(section))
    if offset is not None:
        start = 12
        for number, data in sections:
            start += 12
            if number == section:
                break
            start += len(data)
        assert caught.value.offset == start + offset


def test_a_version_of_the_future(documents, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read_r1cs(packed(r1cs_sections(documents.shape), tmp_path, version=2))
    assert caught.value.id == "FMT-011"


def test_memory_is_bounded_by_the_file(tmp_path: Path) -> None:
    wires = 20_000
    header = r1cs_sections(circuit([{}], [{}], [{}], wires=2, publics=0))[0][1]
    header = header[:36] + struct.pack("<IIIIQI", wires, 0, 0, 0, wires, 10_000)
    path = packed([(1, header), (2, bytes(120_000)), (3, bytes(8 * wires))], tmp_path)
    tracemalloc.start()
    read_r1cs(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * path.stat().st_size


def test_sym_round_trip_and_names(documents, tmp_path: Path) -> None:
    write_sym(documents.shape, tmp_path / "c.sym")
    data = (tmp_path / "c.sym").read_bytes()
    symbols = read_sym(tmp_path / "c.sym")
    write_symbols(symbols, tmp_path / "d.sym")
    assert (tmp_path / "d.sym").read_bytes() == data
    names = named(documents.shape, symbols).wire_names
    assert names[0] == "one"
    assert names[1:] == tuple(f"main.{name}" for name in documents.shape.wire_names[1:])


def test_removed_signals_and_second_names() -> None:
    shape, _ = random_circuit(1, rows=3, publics=1)
    symbols = read_sym(b"1,1,0,main.out\n2,-1,0,main.gone\r\n3,1,0,main.alias\n4,2,1,main.c.in\n")
    assert symbols[1] == Symbol(2, REMOVED, 0, "main.gone")
    assert named(shape, symbols).wire_names[:4] == ("one", "main.out", "main.c.in", "w3")
    with pytest.raises(FormatError, match="is wire 99") as caught:
        named(shape, [Symbol(1, 99, 0, "main.x")])
    assert caught.value.id == "FMT-030"


@pytest.mark.parametrize(
    "line",
    [
        b"1,1,0",
        b"a,1,0,main.x",
        b"1,-2,0,main.x",
        b"1,1,0,",
        b"1,1,0,\xff",
        b"\n",
        b"x" * 5000,
        "1,1,٣,main.x".encode(),
    ],
)
def test_lines_that_are_none(line: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_sym(b"1,1,0,main.ok\n" + line)
    assert (caught.value.id, caught.value.offset) == ("FMT-030", 14)


def test_values_are_those_of_the_file(documents, tmp_path: Path) -> None:
    write_r1cs(documents.shape, tmp_path / "c.r1cs")
    read = read_r1cs(tmp_path / "c.r1cs").shape
    for (_, mine), (_, theirs) in zip(documents.shape.matrices(), read.matrices(), strict=True):
        assert from_array(mine.values) == from_array(theirs.values)
    read.check(documents.assignment)
