"""The quadratic arithmetic program, in the form that snarkjs uses.

Rows live on a domain of N = 2^k points ω^i; N ≥ rows + publics + 1, since each public wire and the
constant one gets an extra row with coefficient 1 in A (and nothing in B): it keeps the polynomials
Aᵢ of public wires independent, without which a proof for some public inputs could be turned into
one for others.

With A(X) = Σ wᵢAᵢ(X), B likewise, and C the polynomial through the products aᵢ·bᵢ, the prover must
show that P = A·B − C vanishes on the domain. P has degree below 2N, so it is given by its values on
the domain of size 2N: at even points they are zero, and P(τ) = Σ P(g^(2i+1))·Lᵢ'(τ) where g has
order 2N and Lᵢ' are the odd elements of the Lagrange basis. No division by the vanishing polynomial
takes place: the witness being right is what makes the even values zero. (NOTES.md derives it.)
"""

from __future__ import annotations

import numpy as np

from zk.errors import ParamsError
from zk.field.arrays import U64Array, to_array, to_montgomery
from zk.field.params import FR
from zk.groth16.keys import ProvingKey
from zk.interfaces import Backend, Csr
from zk.r1cs.matrices import R1CS, Matrix

_R = FR.modulus
_ONE = to_array([1])
R_SQUARED = to_array([(1 << 512) % _R])
_R_CUBED = to_array([(1 << 768) % _R])


def root_of_unity(order: int) -> int:
    """The root of this order (a power of two ≤ 2²⁸) that all transforms use."""
    return int(pow(FR.root_of_unity, (1 << FR.two_adicity) // order, _R))


def standard(value: int) -> U64Array:
    """One value as an array of one row, standard form."""
    return to_array([value % _R])


def montgomery(value: int) -> U64Array:
    """One value as an array of one row, Montgomery form."""
    return to_array(to_montgomery([value % _R], _R))


def lagrange_basis(tau: int, order: int, backend: Backend) -> U64Array:
    """All Lᵢ(τ) of the domain: `[order, 4]`, standard form.

    For every polynomial Σ cⱼXʲ of degree below n with values vᵢ on the domain, Σ vᵢ·Lᵢ(τ) =
    Σ cⱼ·τʲ, and c is the inverse transform of v. That transform is symmetric, so the Lᵢ(τ) are the
    inverse transform of the powers of τ. (They are (τⁿ − 1)/n · ωⁱ/(τ − ωⁱ), too.)

    Raises:
        ParamsError: τ lies in the domain.
    """
    if pow(tau, order, _R) == 1:
        raise ParamsError("tau is a root of unity", why="every proof would verify", fix="redraw")
    powers = backend.fr_powers(montgomery(tau), order)
    return backend.fr_mul(backend.ntt(powers, inverse=True), _ONE)


def columns_at(matrix: Matrix, basis: U64Array, wires: int, backend: Backend) -> U64Array:
    """Σ_row M[row, i]·L_row(τ) for every wire i: the value of its polynomial at τ.

    Args:
        matrix: values times R².
        basis: `[rows, 4]`, standard form.
        wires: number of wires.
        backend: what computes.

    Returns:
        `[wires, 4]`, Montgomery form.
    """
    indptr, rows, values = transposed(matrix, wires)
    return backend.sparse_product(indptr, rows, values, basis)


def transposed(matrix: Matrix, wires: int) -> Csr:
    """The same entries by wire: row pointers `[wires + 1]`, rows, values as they were."""
    order = np.argsort(matrix.columns, kind="stable")
    indptr = np.zeros(wires + 1, dtype=np.uint64)
    counts = np.bincount(matrix.columns.astype(np.int64), minlength=wires)
    np.cumsum(counts, out=indptr[1:])
    rows = np.ascontiguousarray(matrix.row_indices()[order])
    return indptr, rows, np.ascontiguousarray(matrix.values[order])


def extended_rows(shape: R1CS, backend: Backend) -> tuple[Matrix, Matrix]:
    """A with its extra rows, and B, over the domain's N rows, values times R² as files hold them.

    R²·v is what turns a product with a vector in standard form into Montgomery form:
    `fr_mul(R²·v, w) = R·v·w`.
    """
    domain, publics = shape.domain, shape.publics
    extra = np.arange(publics + 1, dtype=np.uint64)
    a_end = int(shape.a.indptr[-1])
    tail = domain - shape.rows - publics - 1
    own = scaled(shape.a, backend)
    a = Matrix(
        indptr=np.concatenate(
            (own.indptr, a_end + extra + 1, np.full(tail, a_end + publics + 1))
        ).astype(np.uint64),
        columns=np.concatenate((own.columns, extra)),
        values=np.concatenate((own.values, np.repeat(R_SQUARED, publics + 1, axis=0))),
    )
    own = scaled(shape.b, backend)
    b_end = int(own.indptr[-1])
    b = Matrix(
        indptr=np.concatenate((own.indptr, np.full(domain - shape.rows, b_end))).astype(np.uint64),
        columns=own.columns,
        values=own.values,
    )
    return a, b


def scaled(matrix: Matrix, backend: Backend) -> Matrix:
    """The same matrix with its values times R²: v·R³/R."""
    values = backend.fr_mul(np.ascontiguousarray(matrix.values), _R_CUBED)
    return Matrix(matrix.indptr, matrix.columns, values)


def quotient(key: ProvingKey, assignment: U64Array, backend: Backend) -> U64Array:
    """P at the odd points of the domain of size 2N, as scalars for `key.h`.

    Args:
        key: a proving key.
        assignment: `[wires, 4]` standard form.
        backend: what computes.

    Returns:
        `[domain, 4]` standard form.
    """
    rows = [(m.indptr, m.columns, m.values) for m in (key.a_rows, key.b_rows)]
    a, b = backend.sparse_products(rows[0], rows[1], assignment)
    return backend.quotient(a, b)
