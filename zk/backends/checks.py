"""What every backend demands of its arrays, so that compiled loops never leave them.

Shape, type, contiguity and index ranges are checked here (`BackendError`); that values are below
their modulus and points on their curve is the caller's duty. Even if it is neglected no kernel
reads or writes outside its arrays: addresses depend only on what is checked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from zk.errors import BackendError, NonCanonical
from zk.field.arrays import LIMBS, WIDE_LIMBS, U64Array
from zk.field.params import FR
from zk.hash.poseidon import MAX_INPUTS
from zk.interfaces import Csr, PreparedG1, PreparedG2

G1_WIDTH: Final = 2 * LIMBS
G2_WIDTH: Final = 4 * LIMBS
MAX_NTT_LOG: Final = 28


def rows(array: Any, width: int, what: str, *, count: int | None = None) -> int:
    """Number of rows of a C-contiguous `uint64[n, width]`; exactly `count` where given."""
    if not isinstance(array, np.ndarray):
        raise BackendError(f"{what}: an array is needed, not {type(array).__name__}")
    if array.dtype != np.dtype(np.uint64) or not array.dtype.isnative:
        raise BackendError(f"{what}: uint64 in native order is needed, not {array.dtype}")
    if array.ndim != 2 or array.shape[1] != width:
        raise BackendError(f"{what}: shape [n, {width}] is needed, not {list(array.shape)}")
    if not array.flags.c_contiguous:
        raise BackendError(f"{what}: rows must lie one after the other (C-contiguous)")
    n = int(array.shape[0])
    if count is not None and n != count:
        raise BackendError(f"{what}: {count} rows are needed, not {n}")
    return n


def vector(array: Any, what: str) -> int:
    """Length of a C-contiguous `uint64[n]`."""
    if not isinstance(array, np.ndarray) or array.ndim != 1:
        raise BackendError(f"{what}: a one-dimensional array is needed")
    if array.dtype != np.dtype(np.uint64) or not array.dtype.isnative:
        raise BackendError(f"{what}: uint64 in native order is needed, not {array.dtype}")
    if not array.flags.c_contiguous:
        raise BackendError(f"{what}: entries must lie one after the other (C-contiguous)")
    return int(array.shape[0])


def domain(values: Any) -> int:
    """log₂ of the size of an NTT: a power of two, at most 2²⁸."""
    n = rows(values, LIMBS, "values")
    if n == 0 or n & (n - 1) or n > 1 << MAX_NTT_LOG:
        raise BackendError(f"values: a power of two of at most 2^{MAX_NTT_LOG} rows, not {n}")
    return n.bit_length() - 1


def quotient(a: Any, b: Any) -> int:
    """log₂ of the rows of two arrays, of whose double there are roots of unity, too."""
    log = domain(a)
    if log == MAX_NTT_LOG:
        raise BackendError(f"a: at most 2^{MAX_NTT_LOG - 1} rows have a domain of twice the size")
    rows(b, LIMBS, "b", count=1 << log)
    return log


def factors(a: Any, b: Any) -> tuple[int, bool]:
    """Rows of `fr_mul`'s operands, and whether the second is one row for all."""
    n = rows(a, LIMBS, "a")
    m = rows(b, LIMBS, "b")
    if m not in (n, 1):
        raise BackendError(f"b: {n} rows or one are needed, not {m}")
    return n, m == 1 and n != 1


def combined(weights: Any, arrays: Sequence[Any]) -> tuple[int, int, int]:
    """Sums, terms of each and rows of what `Backend.fr_combine` takes."""
    terms = len(arrays)
    if not isinstance(weights, np.ndarray) or weights.ndim != 3 or weights.shape[1] != terms:
        raise BackendError(f"weights: shape [sums, {terms}, {LIMBS}] is needed")
    flat(weights, LIMBS, "weights")
    if terms == 0:
        raise BackendError("rows: at least one array is needed")
    n = rows(arrays[0], LIMBS, "rows")
    for array in arrays[1:]:
        rows(array, LIMBS, "rows", count=n)
    return int(weights.shape[0]), terms, n


def combined_wide(weights: Any, values: Any) -> tuple[int, int, int]:
    """Terms, values of each and rows of what `Backend.fr_combine_wide` takes."""
    if not isinstance(values, np.ndarray) or values.ndim != 4:
        raise BackendError(f"rows: shape [terms, n, each, {WIDE_LIMBS}] is needed")
    terms, n, each, _ = values.shape
    flat(values, WIDE_LIMBS, "rows")
    if not isinstance(weights, np.ndarray) or weights.shape[:-1] != (terms, each):
        raise BackendError(f"weights: shape [{terms}, {each}, {LIMBS}] is needed")
    flat(weights, LIMBS, "weights")
    return int(terms), int(each), int(n)


def flat(array: Any, width: int, what: str) -> int:
    """Rows of an array of more than two dimensions, the last of which is a row."""
    if not array.flags.c_contiguous:
        raise BackendError(f"{what}: rows must lie one after the other (C-contiguous)")
    if array.shape[-1] != width:
        raise BackendError(f"{what}: rows of {width} words are needed, not of {array.shape[-1]}")
    return rows(array.reshape(-1, width), width, what)


def invertible(a: Any) -> int:
    """Rows that are all not 0.

    Raises:
        ZeroDivisionError: one is; which, it does not say.
    """
    n = rows(a, LIMBS, "a")
    if n and not a.any(axis=1).all():
        raise ZeroDivisionError("0 has no inverse")
    return n


def scaled(points: Any, width: int, scalars: Any) -> int:
    """Number of points of which each has a scalar, or all have one."""
    n = rows(points, width, "points")
    m = rows(scalars, LIMBS, "scalars")
    if m not in (n, 1):
        raise BackendError(f"scalars: {n} rows or one are needed, not {m}")
    return n


def sparse(indptr: U64Array, columns: U64Array, values: U64Array, vector_: U64Array) -> int:
    """Rows of a CSR matrix whose every index lies within its arrays."""
    return _sparse(indptr, columns, values, rows(vector_, LIMBS, "vector"))


def sparse_points(matrix: Csr, points: U64Array, width: int) -> int:
    """The same for a matrix that multiplies points."""
    return _sparse(*matrix, rows(points, width, "points"))


def _sparse(indptr: U64Array, columns: U64Array, values: U64Array, height: int) -> int:
    pointers = vector(indptr, "indptr")
    nonzeros = vector(columns, "columns")
    rows(values, LIMBS, "values", count=nonzeros)
    if pointers == 0:
        raise BackendError("indptr: rows + 1 entries are needed, so at least one")
    if int(indptr[0]) != 0 or int(indptr[-1]) != nonzeros:
        raise BackendError(f"indptr: must run from 0 to the number of entries, {nonzeros}")
    if pointers > 1 and bool(np.any(indptr[1:] < indptr[:-1])):
        raise BackendError("indptr: must not decrease")
    if nonzeros and int(columns.max()) >= height:
        raise BackendError(f"columns: an index reaches beyond the vector's {height} rows")
    return pointers - 1


def same_rows(first: int, second: int) -> None:
    """That two matrices have as many rows."""
    if first != second:
        raise BackendError(f"matrices: as many rows are needed, not {first} and {second}")


def hashed(tag: int, inputs: Any) -> tuple[int, int]:
    """Number of hashes, and of inputs of each, of what `Backend.poseidon` takes."""
    if not isinstance(inputs, np.ndarray) or inputs.ndim != 3:
        raise BackendError(f"inputs: shape [n, k, {LIMBS}] is needed")
    n, k, width = inputs.shape
    if not 1 <= k <= MAX_INPUTS or width != LIMBS:
        raise BackendError(
            f"inputs: [n, 1 … {MAX_INPUTS}, {LIMBS}] is needed, not {list(inputs.shape)}"
        )
    if not inputs.flags.c_contiguous:
        raise BackendError("inputs: rows must lie one after the other (C-contiguous)")
    flat = inputs.reshape(n * k, LIMBS)
    rows(flat, LIMBS, "inputs")
    if not 0 <= tag < FR.modulus or first_not_below_r(flat) < n * k:
        raise NonCanonical("a Poseidon input is not below r")
    return n, k


def first_not_below_r(values: U64Array) -> int:
    """Index of the first of `[n, 4]` integers that is not below r; n where all are."""
    top = np.uint64(FR.modulus >> 64 * (LIMBS - 1))
    if bool((values[:, -1] < top).all()):
        return int(values.shape[0])
    undecided = np.ones(values.shape[0], dtype=np.bool_)
    beyond = np.zeros_like(undecided)
    for limb in reversed(range(LIMBS)):
        bound = np.uint64(FR.modulus >> (64 * limb) & (1 << 64) - 1)
        column = values[:, limb]
        beyond |= undecided & (column > bound)
        undecided &= column == bound
    (found,) = np.nonzero(beyond | undecided)
    return int(found[0]) if found.size else values.shape[0]


def natural(value: Any, what: str) -> int:
    """A count ≥ 0."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 0:
        raise BackendError(f"{what}: a count of at least 0 is needed")
    return int(value)


def one_point(array: Any, width: int) -> U64Array:
    """A single point, given as `[width]` or `[1, width]`, as one row."""
    if isinstance(array, np.ndarray) and array.ndim == 1:
        array = array.reshape(1, -1)
    rows(array, width, "base", count=1)
    return array  # type: ignore[no-any-return]


def product(g1: Any, g2: Any, fixed_g1: Any, fixed: PreparedG2, backend: str) -> tuple[int, int]:
    """Numbers of pairs with points of their own and with prepared ones."""
    n = rows(g1, G1_WIDTH, "g1")
    rows(g2, G2_WIDTH, "g2", count=n)
    m = rows(fixed_g1, G1_WIDTH, "fixed_g1")
    same_backend(fixed.backend, backend)
    if m > fixed.points.shape[0]:
        raise BackendError(f"fixed_g1: at most {fixed.points.shape[0]} rows are needed, not {m}")
    return n, m


def combination(prepared: PreparedG1, scalars: Any, backend: str) -> None:
    """As many scalars as prepared points."""
    same_backend(prepared.backend, backend)
    rows(scalars, LIMBS, "scalars", count=prepared.points.shape[0])


def weights(points: Any, words: Any) -> int:
    """Number of points, each with its two words."""
    n = rows(points, G1_WIDTH, "points")
    rows(words, 2, "weights", count=n)
    return n


def same_backend(made_by: str, backend: str) -> None:
    """What a backend has prepared, no other one can read."""
    if made_by != backend:
        raise BackendError(f"points prepared by the backend {made_by!r}, not by {backend!r}")
