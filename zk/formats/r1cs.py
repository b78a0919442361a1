"""Circuits as iden3 files: `.r1cs` version 1.

    section 1   field; wires, public outputs, public inputs, private inputs u32; labels u64;
                rows u32
    section 2   for each row A, B, C: terms u32, { wire u32, coefficient[32] } …   standard form
    section 3   label of each wire, u64
    section 4   custom gates, section 5 where they stand: PLONK's; refused unless empty

Source: iden3/r1csfile, doc/r1cs_bin_format.md. Wires stand in the order one, outputs, public
inputs, private inputs, others; to Groth16 outputs and public inputs are one list. Our own
statements know no outputs, and the label of a wire is its number.

Within a combination a wire stands once and no coefficient is zero: what is read has one matrix, one
digest, and is written again byte for byte where its wires ascend, as compilers write them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from zk.field.arrays import BYTES, LIMBS, U64Array
from zk.formats.container import FIELD_BYTES, FR_BYTES, Container, read, u32, u32_bytes, write
from zk.r1cs.matrices import R1CS, Matrix, below_modulus

VERSION: Final = 1
_HEADER, _CONSTRAINTS, _LABELS = 1, 2, 3
_CUSTOM_GATES: Final = (4, 5)
_HEADER_BYTES: Final = FIELD_BYTES + 4 * 4 + 8 + 4
_LABEL_BYTES: Final = 8
_WORD: Final = 4
_TERM_WORDS: Final = 1 + BYTES // _WORD
_LETTERS: Final = "ABC"

_Words = npt.NDArray[np.uint32]
_Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CircuitFile:
    """A circuit as its file has it.

    Attributes:
        shape: the constraint system; outputs are its first public inputs.
        outputs: how many of the public inputs the file calls outputs.
        private_inputs: how many wires after the public ones the file calls inputs.
        labels: `uint64[wires]`: the number of each wire's signal in the `.sym` file.
        label_count: number of signals of the source, of which most have no wire.
        order: of the sections; compilers differ.
    """

    shape: R1CS
    outputs: int
    private_inputs: int
    labels: U64Array
    label_count: int
    order: tuple[int, ...] = (_HEADER, _CONSTRAINTS, _LABELS)

    @classmethod
    def of(cls, shape: R1CS) -> CircuitFile:
        """The file of a statement of ours."""
        return cls(shape, 0, 0, np.arange(shape.wires, dtype=np.uint64), shape.wires)


def r1cs_sections(shape: R1CS | CircuitFile) -> list[tuple[int, bytes]]:
    """The three sections of a circuit, in the order of its file."""
    circuit = shape if isinstance(shape, CircuitFile) else CircuitFile.of(shape)
    shape = circuit.shape
    counts = (circuit.outputs, shape.publics - circuit.outputs, circuit.private_inputs)
    header = b"".join(
        (
            FR_BYTES,
            *map(u32_bytes, (shape.wires, *counts)),
            circuit.label_count.to_bytes(_LABEL_BYTES, "little"),
            u32_bytes(shape.rows),
        )
    )
    labels = np.ascontiguousarray(circuit.labels, dtype="<u8").tobytes()
    constraints = _constraints(shape).astype("<u4").tobytes()
    sections = {_HEADER: header, _CONSTRAINTS: constraints, _LABELS: labels}
    return [(number, sections[number]) for number in circuit.order]


def write_r1cs(shape: R1CS | CircuitFile, path: Path) -> None:
    """Write `.r1cs`; the file depends on matrices, labels and kinds of wires only."""
    with path.open("wb") as file:
        write(file, "r1cs", VERSION, r1cs_sections(shape))


def read_r1cs(source: Path | bytes, *, name: str = "") -> CircuitFile:
    """Read a circuit.

    Args:
        source: a path, or the bytes.
        name: of the constraint system; the file's own name by default.

    Raises:
        FormatError: with code, section and offset of what is wrong (`zk.formats.errors`).
        OSError: the file cannot be read.
    """
    file = read(source, "r1cs", (VERSION,))
    header = file.sized(_HEADER, _HEADER_BYTES)
    if header.data[:FIELD_BYTES] != FR_BYTES:
        raise file.error("FMT-016", "this circuit is not one over BN254", 1, header.offset)
    wires, outputs, inputs, private = (u32(header.data, FIELD_BYTES + 4 * i) for i in range(4))
    at = FIELD_BYTES + 16
    label_count = int.from_bytes(header.data[at : at + _LABEL_BYTES], "little")
    rows = u32(header.data, at + _LABEL_BYTES)
    publics = outputs + inputs
    if publics + private >= wires:
        at = header.offset + FIELD_BYTES
        raise file.error("FMT-017", "more public and private inputs than wires", 1, at)
    for number in _CUSTOM_GATES:
        for section in file.sections.get(number, ()):
            if any(section.data[: 2 * _WORD]):
                raise file.error("FMT-028", "custom gates", number, section.offset)
    labels = file.sized(_LABELS, wires * _LABEL_BYTES)
    a, b, c = _matrices(file, rows, wires)
    shape = R1CS(
        name=name or (Path(source).stem if isinstance(source, Path) else "circuit"),
        wires=wires,
        publics=publics,
        rows=rows,
        a=a,
        b=b,
        c=c,
        wire_names=("one", *(f"w{i}" for i in range(1, wires))),
        row_clauses=("",) * rows,
        row_scopes=tuple(f"row {i}" for i in range(rows)),
    )
    numbers = np.frombuffer(labels.data, dtype="<u8").astype(np.uint64)
    order = tuple(n for n in file.sections if n in (_HEADER, _CONSTRAINTS, _LABELS))
    return CircuitFile(shape, outputs, private, numbers, label_count, order)


def _matrices(file: Container, rows: int, wires: int) -> list[Matrix]:
    section = file.section(_CONSTRAINTS)
    if len(section.data) % _WORD or len(section.data) < 3 * _WORD * rows:
        raise file.error("FMT-015", f"no room for {rows} rows", _CONSTRAINTS, section.offset)
    words = np.frombuffer(section.data, dtype="<u4").astype(np.uint32)  # aligned
    starts, counts = _combinations(file, words, rows)
    return [_matrix(file, words, starts[k::3], counts[k::3], wires, k) for k in range(3)]


def _combinations(file: Container, words: _Words, rows: int) -> tuple[_Indices, _Indices]:
    """Where the terms of each combination start, in words, and how many there are."""
    offset = file.section(_CONSTRAINTS).offset
    starts, counts = np.empty(3 * rows, np.int64), np.empty(3 * rows, np.int64)
    at, end = 0, len(words)
    view = words.data
    for index in range(3 * rows):
        count = view[at] if at < end else end
        if at + 1 + count * _TERM_WORDS > end:
            row, letter = index // 3, _LETTERS[index % 3]
            message = f"row {row}, {letter} goes beyond the section"
            raise file.error("FMT-015", message, _CONSTRAINTS, offset + _WORD * at)
        starts[index], counts[index] = at + 1, count
        at += 1 + count * _TERM_WORDS
    if at != end:
        raise file.error("FMT-015", "bytes follow the last row", _CONSTRAINTS, offset + _WORD * at)
    return starts, counts


def _matrix(
    file: Container, words: _Words, starts: _Indices, counts: _Indices, wires: int, letter: int
) -> Matrix:
    """One of the three matrices, its wires in ascending order."""
    bounds = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=bounds[1:])
    total = int(bounds[-1])
    row = np.repeat(np.arange(len(counts)), counts)
    at = starts[row] + _TERM_WORDS * (np.arange(total) - bounds[:-1][row])
    columns = words[at].astype(np.int64)
    order = np.lexsort((columns, row))
    at, columns = at[order], columns[order]
    values = np.empty((total, LIMBS), np.uint64)
    for limb in range(LIMBS):
        low, high = (words[at + 1 + 2 * limb + i].astype(np.uint64) for i in range(2))
        values[:, limb] = low | high << np.uint64(32)

    def refuse(bad: npt.NDArray[np.bool_], code: str, what: str) -> None:
        if bad.any():
            term = int(np.argmax(bad))
            offset = file.section(_CONSTRAINTS).offset + _WORD * int(at[term])
            where = f"row {row[term]}, {_LETTERS[letter]}, wire {columns[term]}"
            raise file.error(code, f"{where}: {what}", _CONSTRAINTS, offset)

    refuse(columns >= wires, "FMT-026", "there is no such wire")
    refuse(~below_modulus(values), "FMT-025", "the coefficient is not below r")
    refuse(np.asarray(~values.any(axis=1)), "FMT-029", "the coefficient is zero")
    twice = (np.diff(row, prepend=-1) == 0) & (np.diff(columns, prepend=-1) == 0)
    refuse(twice, "FMT-029", "the wire stands twice")
    return Matrix(bounds.astype(np.uint64), columns.astype(np.uint64), values)


def _constraints(shape: R1CS) -> _Words:
    """Section 2 in words of 32 bits: combinations of all rows, A, B, C of a row together."""
    counts = np.stack([np.diff(m.indptr).astype(np.int64) for _, m in shape.matrices()], axis=1)
    lengths = (1 + _TERM_WORDS * counts).reshape(-1)
    ends = np.cumsum(lengths)
    starts = (ends - lengths).reshape(-1, 3)
    out = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint32)
    out[starts.reshape(-1)] = counts.reshape(-1)
    for column, (_, matrix) in enumerate(shape.matrices()):
        rows = matrix.row_indices().astype(np.int64)
        within = np.arange(matrix.nonzeros) - matrix.indptr[:-1].astype(np.int64)[rows]
        at = starts[rows, column] + 1 + _TERM_WORDS * within
        terms = np.empty((matrix.nonzeros, _TERM_WORDS), dtype=np.uint32)
        terms[:, 0] = matrix.columns
        values = np.ascontiguousarray(matrix.values, dtype="<u8")
        terms[:, 1:] = values.view("<u4").reshape(-1, BYTES // _WORD)
        out[at[:, None] + np.arange(_TERM_WORDS)] = terms
    return out
