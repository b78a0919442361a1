"""Circuits as iden3 files: `.r1cs` version 1, and the names of their wires, `.sym`.

    section 1   field; wires, public outputs, public inputs, private inputs u32; labels u64;
                rows u32
    section 2   for each row A, B, C: terms u32, { wire u32, coefficient[32] } …   standard form
    section 3   label of each wire, u64

Source: iden3/r1csfile, doc/r1cs_bin_format.md. Our public wires are public inputs; statements know
no outputs. The label of a wire is its number.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from zk.field.arrays import BYTES
from zk.formats.container import FR_BYTES, u32_bytes, write
from zk.r1cs.matrices import R1CS

VERSION: Final = 1
_WORD: Final = 4
_TERM_WORDS: Final = 1 + BYTES // _WORD

_Words = npt.NDArray[np.uint32]


def r1cs_sections(shape: R1CS) -> list[tuple[int, bytes]]:
    """The three sections of a circuit."""
    header = b"".join(
        (
            FR_BYTES,
            *map(u32_bytes, (shape.wires, 0, shape.publics, 0)),
            shape.wires.to_bytes(8, "little"),
            u32_bytes(shape.rows),
        )
    )
    labels = np.arange(shape.wires, dtype="<u8").tobytes()
    return [(1, header), (2, _constraints(shape).astype("<u4").tobytes()), (3, labels)]


def write_r1cs(shape: R1CS, path: Path) -> None:
    """Write `.r1cs`; the file depends on the matrices only."""
    with path.open("wb") as file:
        write(file, "r1cs", VERSION, r1cs_sections(shape))


def write_sym(shape: R1CS, path: Path, *, component: str = "main") -> None:
    """Write `.sym`: label, wire, component, name; the constant wire has none.

    A wire's name is a path of scopes; scopes get numbers in order of appearance.
    """
    components: dict[str, int] = {}
    lines = []
    for wire, name in enumerate(shape.wire_names[1:], start=1):
        scope, _, _ = name.rpartition(".")
        number = components.setdefault(scope, len(components))
        lines.append(f"{wire},{wire},{number},{component}.{name.replace(',', ';')}\n")
    path.write_text("".join(lines), encoding="utf-8")


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
