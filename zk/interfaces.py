"""The seams of `zk`: what a backend computes, and what a prover reports.

A backend does the heavy lifting for one proof system and knows nothing of circuits. Every backend
passes the same tests; arrays and their Montgomery flag are described in `zk.field.arrays`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from zk.field.arrays import U64Array

if TYPE_CHECKING:
    from zk.r1cs.tape import Tape

Progress = Callable[[str, float], None]
"""Called with a phase's name and the share done in it, 0.0 … 1.0."""


Csr = tuple[U64Array, U64Array, U64Array]
"""Row pointers, columns and values of a sparse matrix; see `Backend.sparse_product`."""


BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedG2:
    """Points of G2 that many pairings will have.

    Attributes:
        points: `[n, 16]` M.
        lines: what the backend has computed of them, in a form of its own.
        backend: whose it is.
    """

    points: U64Array
    lines: U64Array
    backend: str


@dataclass(frozen=True, slots=True, eq=False)
class PreparedG1:
    """Points of G1 that many combinations will have.

    Attributes:
        points: `[n, 8]` M.
        tables: multiples of them, in a form of the backend.
        bits: width of the tables' windows; 0 without tables.
        backend: whose it is.
    """

    points: U64Array
    tables: U64Array
    bits: int
    backend: str


class Backend(Protocol):
    """Arithmetic on arrays over BN254. `M` marks Montgomery form (R = 2²⁵⁶), `S` standard form.

    Points are affine rows, always M, infinity all zero. Inputs are checked for shape, type and
    contiguity (`BackendError`); that points lie on the curve and values below their modulus is the
    caller's duty, done once where a file is read. Nothing here is constant-time.
    """

    @property
    def name(self) -> str:
        """`reference`, `portable`, …; recorded beside every measurement."""
        ...

    @property
    def threads(self) -> int:
        """The most threads that one call uses; calls may come from several threads at once."""
        ...

    def msm_g1(self, points: U64Array, scalars: U64Array) -> U64Array:
        """Σ kᵢ·Pᵢ on G1. points `[n, 8]` M, scalars `[n, 4]` S → `[8]` M."""
        ...

    def msm_g2(self, points: U64Array, scalars: U64Array) -> U64Array:
        """Σ kᵢ·Pᵢ on G2. points `[n, 16]` M, scalars `[n, 4]` S → `[16]` M."""
        ...

    def fixed_base_g1(self, scalars: U64Array, base: U64Array | None = None) -> U64Array:
        """kᵢ·B for one base (default: the generator). scalars `[n, 4]` S → `[n, 8]` M."""
        ...

    def fixed_base_g2(self, scalars: U64Array, base: U64Array | None = None) -> U64Array:
        """kᵢ·B for one base (default: the generator). scalars `[n, 4]` S → `[n, 16]` M."""
        ...

    def scale_g1(self, points: U64Array, scalars: U64Array) -> U64Array:
        """kᵢ·Pᵢ. points `[n, 8]` M, scalars `[n, 4]` S, or one for all, `[1, 4]` → `[n, 8]` M."""
        ...

    def scale_g2(self, points: U64Array, scalars: U64Array) -> U64Array:
        """kᵢ·Pᵢ. points `[n, 16]` M, scalars `[n, 4]` S, or one for all, `[1, 4]` → `[n, 16]` M."""
        ...

    def sparse_points_g1(self, matrix: Csr, points: U64Array) -> U64Array:
        """Sparse matrix times points: row i is Σ kᵢⱼ·Pⱼ.

        indptr `uint64[rows+1]`, columns `uint64[nnz]`, values `[nnz, 4]` S; points `[n, 8]` M →
        `[rows, 8]` M.
        """
        ...

    def sparse_points_g2(self, matrix: Csr, points: U64Array) -> U64Array:
        """The same on G2: `[n, 16]` M → `[rows, 16]` M."""
        ...

    def ntt(self, values: U64Array, *, inverse: bool = False) -> U64Array:
        """Fr transform of `[n, 4]` M, natural order in and out, n a power of two ≤ 2²⁸.

        Forward: aᵢ ↦ Σ aⱼ ω^{ij} with ω = FR.root_of_unity^(2²⁸/n); inverse undoes it (with ÷ n).
        """
        ...

    def quotient(self, a: U64Array, b: U64Array) -> U64Array:
        """A·B − C at the odd points of the domain of twice the size: `[n, 4]` M twice → S.

        A and B are the polynomials of degree below n with values aᵢ and bᵢ at ωⁱ, C the one with
        values aᵢ·bᵢ. Row i belongs to g^(2i+1) with g of order 2n; n ≤ 2²⁷.
        """
        ...

    def fp_standard(self, values: U64Array) -> U64Array:
        """Coordinates out of Montgomery form: `[n, 4]` M, below q → S."""
        ...

    def fr_mul(self, a: U64Array, b: U64Array) -> U64Array:
        """aᵢ·bᵢ·R⁻¹ in Fr: M×M → M, and M×S → S. `b` may be one row, `[1, 4]`."""
        ...

    def fr_sub(self, a: U64Array, b: U64Array) -> U64Array:
        """aᵢ − bᵢ in Fr, both in one form."""
        ...

    def fr_add(self, a: U64Array, b: U64Array) -> U64Array:
        """aᵢ + bᵢ in Fr, both in one form. `b` may be one row, `[1, 4]`."""
        ...

    def fr_product(self, a: U64Array, b: U64Array) -> U64Array:
        """aᵢ·bᵢ in Fr: S×S → S. `b` may be one row, `[1, 4]`."""
        ...

    def fr_combine(self, weights: U64Array, rows: Sequence[U64Array]) -> U64Array:
        """Linear combinations of vectors: weights `[m, k, 4]` M, k rows `[n, 4]` S → `[m, n, 4]` S.

        Result q is Σ weights[q, k]·rows[k], value by value.
        """
        ...

    def fr_combine_wide(self, weights: U64Array, rows: U64Array) -> U64Array:
        """The same of integers of 320 bits, which are reduced modulo r on the way.

        weights `[k, s, 4]`, each w·2³⁸⁴ mod r; rows `uint64[k, n, s, 5]`, little-endian limbs →
        `[n, 4]` S, value i being Σ weights[k, j]·rows[k, i, j].
        """
        ...

    def fr_inverse(self, a: U64Array) -> U64Array:
        """1/aᵢ in Fr: S → S.

        Raises:
            ZeroDivisionError: a value is 0.
        """
        ...

    def fr_raise(self, a: U64Array, exponent: int) -> U64Array:
        """aᵢ^e in Fr, e ≥ 0: M → M; 0⁰ is 1."""
        ...

    def fr_powers(self, base: U64Array, count: int) -> U64Array:
        """1, b, b², … as `[count, 4]` M from `[1, 4]` M."""
        ...

    def sparse_product(
        self, indptr: U64Array, columns: U64Array, values: U64Array, vector: U64Array
    ) -> U64Array:
        """CSR matrix times vector over Fr.

        indptr `uint64[rows+1]`, columns `uint64[nnz]`, values `[nnz, 4]`, vector `[n, 4]` →
        `[rows, 4]`; each product is `fr_mul`, so values in M² (R²·v, as `.zkey` stores them) times
        a vector in S gives M.
        """
        ...

    def sparse_products(self, a: Csr, b: Csr, vector: U64Array) -> tuple[U64Array, U64Array]:
        """`sparse_product` of two matrices of as many rows with one vector.

        Rows that the two have in common need to be computed once only.
        """
        ...

    def run_tape(self, tape: Tape, inputs: U64Array) -> U64Array:
        """The assignment that a witness tape computes: inputs `[k, 4]` S, below r → `[wires, 4]` S.

        Functions that the tape calls run in this thread, and what they raise passes through.
        """
        ...

    def poseidon(self, tag: int, inputs: U64Array) -> U64Array:
        """Poseidon_tag of each row: `[n, k, 4]` S, 1 ≤ k ≤ 16 → `[n, 4]` S (`zk.hash.poseidon`).

        Raises:
            NonCanonical: the tag or an input is not below r: x and x + r would hash alike.
        """
        ...

    def babyjub_sum(self, points: U64Array, scalars: U64Array) -> U64Array:
        """Σ kᵢ·Pᵢ on Baby Jubjub: points `[n, 8]` S (x, y), scalars `[n, 4]` S → `[8]` S.

        Points of the curve in any order's subgroup, any 256-bit scalars. For public ones only.
        """
        ...

    def pairing_check(self, g1: U64Array, g2: U64Array) -> bool:
        """Whether Π e(Pᵢ, Qᵢ) = 1, for `[k, 8]` M and `[k, 16]` M; all in the right subgroups."""
        ...

    def prepare_g2(self, points: U64Array) -> PreparedG2:
        """For `pairing_product`: `[n, 16]` M, known to have order r, none at infinity."""
        ...

    def pairing_product(
        self, g1: U64Array, g2: U64Array, fixed_g1: U64Array, fixed: PreparedG2
    ) -> tuple[BoolArray, U64Array]:
        """Π e(Pᵢ, Qᵢ) · Π e(P'ⱼ, Q'ⱼ), and which of the Qᵢ have order r (or are infinity).

        g1 `[n, 8]`, g2 `[n, 16]`, known to be on the twist; fixed_g1 `[m, 8]` goes with the first m
        prepared points. The product is `[12, 4]` M, canonical: the coefficients of w⁰, w², w⁴, w¹,
        w³, w⁵, each real part first. It means nothing unless all Qᵢ have order r.
        """
        ...

    def prepare_g1(self, points: U64Array) -> PreparedG1:
        """For `combine_g1`: `[n, 8]` M."""
        ...

    def combine_g1(self, prepared: PreparedG1, scalars: U64Array) -> U64Array:
        """Σ kᵢ·Pᵢ of prepared points, scalars `[n, 4]` S → `[8]` M."""
        ...

    def sum_g1(self, points: U64Array) -> U64Array:
        """Σ Pᵢ of `[n, 8]` M, a few hundred at most → `[8]` M."""
        ...

    def weigh_g1(self, points: U64Array, weights: U64Array) -> U64Array:
        """ρ(uᵢ, vᵢ)·Pᵢ for `[n, 8]` M and words `[n, 2]` (`zk.curve.weights`) → `[n, 8]` M."""
        ...

    def in_g2_subgroup(self, points: U64Array) -> bool:
        """Whether all `[n, 16]` M, known to be on the twist, have order r (or are infinity)."""
        ...

    def first_off_curve_g1(self, points: U64Array) -> int:
        """Index of the first row of `[n, 8]` that is no point of G1 in M; n where all are.

        A point has coordinates below q that satisfy the curve's equation; infinity counts as one.
        The only methods that take rows of unknown contents are this one and its like for G2.
        """
        ...

    def first_off_curve_g2(self, points: U64Array) -> int:
        """The same for `[n, 16]` and the twist; the subgroup is not looked at."""
        ...
