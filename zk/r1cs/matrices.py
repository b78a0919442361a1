"""A rank-1 constraint system as data: three sparse matrices with (A·w)∘(B·w) = C·w.

Wires are numbered: 0 is the constant one, then the public inputs 1 … n, then the private wires.
Matrices are compressed sparse rows with values in standard form, canonical: columns ascend within
a row, no value is zero, all are below r. One circuit therefore has one digest.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import gmpy2
import numpy as np

from zk.errors import ShapeMismatch, Unsatisfied
from zk.field.arrays import LIMBS, U64Array, from_array, to_array
from zk.field.params import FR

DIGEST_DOMAIN: Final = b"chiaro/v1/r1cs"

_R_LIMBS: Final = to_array([FR.modulus])[0]


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Compressed sparse rows over Fr.

    Attributes:
        indptr: `uint64[rows + 1]`; row i is `indptr[i] : indptr[i + 1]` of the other two.
        columns: `uint64[nnz]`, ascending within a row.
        values: `uint64[nnz, 4]`, standard form, in [1, r).
    """

    indptr: U64Array
    columns: U64Array
    values: U64Array

    @property
    def nonzeros(self) -> int:
        return len(self.columns)

    def row(self, index: int) -> list[tuple[int, int]]:
        """(wire, coefficient) pairs of one row."""
        begin, end = int(self.indptr[index]), int(self.indptr[index + 1])
        return list(
            zip(self.columns[begin:end].tolist(), from_array(self.values[begin:end]), strict=True)
        )

    def row_indices(self) -> U64Array:
        """`uint64[nnz]`: the row of each non-zero."""
        counts = np.diff(self.indptr).astype(np.int64)
        return np.repeat(np.arange(len(counts), dtype=np.uint64), counts)

    def times(self, vector: list[int]) -> list[int]:
        """Product with a vector of integers, reduced mod r."""
        r = gmpy2.mpz(FR.modulus)
        z = [gmpy2.mpz(v) for v in vector]
        coefficients = [gmpy2.mpz(v) for v in from_array(self.values)]
        products = [c * z[w] for c, w in zip(coefficients, self.columns.tolist(), strict=True)]
        bounds = self.indptr.tolist()
        return [int(sum(products[begin:end]) % r) for begin, end in itertools.pairwise(bounds)]

    def check_shape(self, rows: int, wires: int, what: str) -> None:
        """That this is a canonical `[rows, wires]` matrix.

        Raises:
            ShapeMismatch: wrong types, lengths or order, a zero, or a value not below r.
        """
        nnz = self.nonzeros
        well_typed = all(x.dtype == np.uint64 for x in (self.indptr, self.columns, self.values))
        if (
            not well_typed
            or self.indptr.shape != (rows + 1,)
            or self.columns.shape != (nnz,)
            or self.values.shape != (nnz, LIMBS)
        ):
            raise ShapeMismatch(f"matrix {what} has arrays of the wrong type or shape")
        if (
            self.indptr[0] != 0
            or self.indptr[-1] != nnz
            or (self.indptr[1:] < self.indptr[:-1]).any()
        ):
            raise ShapeMismatch(f"matrix {what} has row bounds out of order")
        if nnz == 0:
            return
        if self.columns.max() >= wires:
            raise ShapeMismatch(f"matrix {what} names a wire that does not exist")
        row = self.row_indices()
        if ((row[1:] == row[:-1]) & (self.columns[1:] <= self.columns[:-1])).any():
            raise ShapeMismatch(f"matrix {what} has columns out of order")
        if not self.values.any(axis=1).all() or not below_modulus(self.values).all():
            raise ShapeMismatch(f"matrix {what} has a value outside [1, r)")


@dataclass(frozen=True, slots=True, eq=False)
class R1CS:
    """One recorded statement.

    Attributes:
        name: id of the statement, such as `action/1`.
        wires: number of wires, the constant one included.
        publics: number of public inputs, without the one.
        rows: number of constraints.
        a: left factors, `[rows, wires]`.
        b: right factors.
        c: products.
        wire_names: full name of each wire, `one` first.
        row_clauses: clause of each row, empty outside any.
        row_scopes: `scope/scope: why` of each row.

    Raises:
        ShapeMismatch: the parts do not fit together, or a matrix is not canonical.
    """

    name: str
    wires: int
    publics: int
    rows: int
    a: Matrix
    b: Matrix
    c: Matrix
    wire_names: tuple[str, ...]
    row_clauses: tuple[str, ...]
    row_scopes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.publics < self.wires:
            raise ShapeMismatch("more public inputs than wires")
        if len(self.wire_names) != self.wires:
            raise ShapeMismatch("the wires' names do not match their number")
        if len(self.row_clauses) != self.rows or len(self.row_scopes) != self.rows:
            raise ShapeMismatch("the rows' names do not match their number")
        for what, matrix in self.matrices():
            matrix.check_shape(self.rows, self.wires, what)

    def matrices(self) -> Iterator[tuple[str, Matrix]]:
        """The three matrices with their letters."""
        yield from (("A", self.a), ("B", self.b), ("C", self.c))

    @property
    def digest(self) -> bytes:
        """BLAKE2b-256 of shape and matrices; names do not enter.

        Layout: domain string; wires, publics, rows; then for A, B, C the number of non-zeros,
        indptr, columns, values. All integers little-endian u64.
        """
        state = hashlib.blake2b(DIGEST_DOMAIN, digest_size=32)
        state.update(np.array([self.wires, self.publics, self.rows], dtype="<u8").tobytes())
        for _, matrix in self.matrices():
            state.update(np.array([matrix.nonzeros], dtype="<u8").tobytes())
            for part in (matrix.indptr, matrix.columns, matrix.values):
                state.update(np.ascontiguousarray(part, dtype="<u8").tobytes())
        return state.digest()

    @property
    def domain(self) -> int:
        """Smallest power of two ≥ rows + publics + 1: the size of Groth16's FFT."""
        return 1 << (self.rows + self.publics).bit_length()

    def check(self, assignment: U64Array) -> None:
        """Check every row.

        Args:
            assignment: `uint64[wires, 4]` standard form, wire 0 equal to one.

        Raises:
            ShapeMismatch: another shape, wire 0 is not one, or a value not below r.
            Unsatisfied: names clause and scope of the first broken row.
        """
        if assignment.shape != (self.wires, LIMBS) or assignment.dtype != np.uint64:
            raise ShapeMismatch(
                f"the assignment is not uint64[{self.wires}, {LIMBS}]", where=self.name
            )
        if not below_modulus(assignment).all():
            raise ShapeMismatch("a wire's value is not below r", where=self.name)
        vector = from_array(assignment)
        if vector[0] != 1:
            raise ShapeMismatch("wire 0 is not one", where=self.name)
        left, right, out = (matrix.times(vector) for _, matrix in self.matrices())
        r = FR.modulus
        for index, (x, y, z) in enumerate(zip(left, right, out, strict=True)):
            if (x * y - z) % r:
                raise Unsatisfied(self.row_clauses[index], self.row_scopes[index])


def below_modulus(values: U64Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """`bool[n]`: whether each row of `uint64[n, 4]` is below r."""
    top = values[:, LIMBS - 1]
    less: np.ndarray[tuple[int], np.dtype[np.bool_]] = top < _R_LIMBS[LIMBS - 1]
    for index in np.flatnonzero(top == _R_LIMBS[LIMBS - 1]).tolist():  # one random row in 2⁶²
        (value,) = from_array(values[index])
        less[index] = value < FR.modulus
    return less
