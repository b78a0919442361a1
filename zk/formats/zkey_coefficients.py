"""Section 4 of a `.zkey`: entries of the matrices A and B, one record of 44 bytes each.

Hundreds of megabytes for large circuits, so it is read once, in pieces that stay in the processor's
cache: each piece is checked and shared out between the two matrices. Nothing beyond the two
results, which are as large as the section, is allocated.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from zk.field.arrays import LIMBS, U64Array
from zk.formats.container import Container, u32, u32_bytes
from zk.groth16.keys import ProvingKey
from zk.r1cs.matrices import Matrix, below_modulus

SECTION: Final = 4
COEFFICIENT: Final = np.dtype([("head", "<u4", (3,)), ("value", "V32")])
"""matrix (0 = A, 1 = B), row, wire; R²·v."""

_COUNT_BYTES: Final = 4
_PIECE: Final = 1 << 14
_MATRIX, _ROW, _WIRE = range(3)


def pack(key: ProvingKey) -> bytes:
    """The section: rows ascend, A before B within a row, the extra rows of A at the end."""
    parts = []
    for number, matrix in enumerate((key.a_rows, key.b_rows)):
        entries = np.zeros(matrix.nonzeros, dtype=COEFFICIENT)
        entries["head"][:, _MATRIX] = number
        entries["head"][:, _ROW] = matrix.row_indices()
        entries["head"][:, _WIRE] = matrix.columns
        entries["value"] = np.ascontiguousarray(matrix.values, dtype="<u8").view("V32")[:, 0]
        parts.append(entries)
    entries = np.concatenate(parts)
    ordered = entries[np.argsort(entries["head"][:, _ROW], kind="stable")]
    return u32_bytes(len(ordered)) + ordered.tobytes()


class _Half:
    """One matrix while it is filled; has room for all records: untouched pages cost nothing."""

    def __init__(self, most: int) -> None:
        self.count = 0
        self.rows = np.empty(most, dtype=np.uint32)
        self.columns = np.empty(most, dtype=np.uint64)
        self.values = np.empty((most, LIMBS), dtype="<u8")

    def take(self, heads: npt.NDArray[np.uint32], values: npt.NDArray[np.void]) -> None:
        start, self.count = self.count, self.count + len(heads)
        self.rows[start : self.count] = heads[:, _ROW]
        self.columns[start : self.count] = heads[:, _WIRE]
        self.values.view("V32")[start : self.count, 0] = values

    def matrix(self, domain: int) -> Matrix:
        """Compressed rows, in whatever order the records came."""
        rows = self.rows[: self.count]
        columns, values = self.columns[: self.count], self.values[: self.count]
        if (rows[1:] < rows[:-1]).any():
            order = np.argsort(rows, kind="stable")
            rows, columns, values = rows[order], columns[order], values[order]
        indptr = np.zeros(domain + 1, dtype=np.uint64)
        np.cumsum(np.bincount(rows, minlength=domain), out=indptr[1:])
        return Matrix(indptr, columns, values.astype(np.uint64, copy=False))


def unpack(file: Container, wires: int, domain: int) -> tuple[Matrix, Matrix]:
    """A and B, `domain` rows each; values stay R²·v.

    Raises:
        FormatError: FMT-015 length, FMT-026 an index beyond the last, FMT-025 a value not below r.
    """
    section = file.section(SECTION)
    if len(section.data) < _COUNT_BYTES:
        raise file.error("FMT-015", "section 4 is too short", SECTION, section.offset)
    count = u32(section.data, 0)
    file.sized(SECTION, _COUNT_BYTES + count * COEFFICIENT.itemsize)
    bodies = bytes(COEFFICIENT.itemsize) if count == 0 else section.data[_COUNT_BYTES:]
    records = np.frombuffer(bodies, dtype=COEFFICIENT)[:count]
    limits = np.array([2, domain, wires], dtype=np.uint64)
    halves = (_Half(count), _Half(count))
    for start in range(0, count, _PIECE):
        piece = records[start : start + _PIECE]
        heads = np.ascontiguousarray(piece["head"])
        values = np.ascontiguousarray(piece["value"])

        def at(index: int, start: int = start) -> int:
            return section.offset + _COUNT_BYTES + (start + index) * COEFFICIENT.itemsize

        if (heads.max(axis=0) >= limits).any():
            bad, field = np.argwhere(heads >= limits)[0].tolist()
            name = ("matrix", "row", "wire")[field]
            raise file.error("FMT-026", f"a {name} beyond the last", SECTION, at(bad) + 4 * field)
        below = below_modulus(_limbs(values))
        if not below.all():
            where = at(int(np.argmin(below))) + 12
            raise file.error("FMT-025", "a coefficient is not below r", SECTION, where)
        for number, half in enumerate(halves):
            chosen = np.flatnonzero(heads[:, _MATRIX] == number)
            half.take(heads[chosen], values[chosen])
    a, b = (half.matrix(domain) for half in halves)
    return a, b


def _limbs(values: npt.NDArray[np.void]) -> U64Array:
    return values.view("<u8").reshape(-1, LIMBS)
