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

import gmpy2
import numpy as np

from zk.errors import ParamsError
from zk.field.arrays import U64Array, from_array, to_array
from zk.field.params import FR
from zk.groth16.keys import ProvingKey
from zk.interfaces import Backend
from zk.r1cs.matrices import R1CS, Matrix

_R = gmpy2.mpz(FR.modulus)
_R_SQUARED = gmpy2.mpz(1 << 512) % _R


def root_of_unity(order: int) -> int:
    """The root of this order (a power of two ≤ 2²⁸) that all transforms use."""
    return int(pow(FR.root_of_unity, (1 << FR.two_adicity) // order, FR.modulus))


def inverses(values: list[gmpy2.mpz]) -> list[gmpy2.mpz]:
    """1/vᵢ mod r by Montgomery's trick: one inversion, 3(n − 1) products. No vᵢ may be 0."""
    prefix = [gmpy2.mpz(1)]
    for value in values:
        prefix.append(prefix[-1] * value % _R)
    running = gmpy2.invert(prefix[-1], _R)
    out = [running] * len(values)
    for i in range(len(values) - 1, -1, -1):
        out[i] = running * prefix[i] % _R
        running = running * values[i] % _R
    return out


def lagrange_basis(tau: int, order: int) -> list[gmpy2.mpz]:
    """All Lᵢ(τ) of the domain: (τⁿ − 1)/n · ωⁱ/(τ − ωⁱ).

    Raises:
        ParamsError: τ lies in the domain.
    """
    root, point = gmpy2.mpz(root_of_unity(order)), gmpy2.mpz(tau)
    vanishing = (gmpy2.powmod(point, order, _R) - 1) % _R
    if vanishing == 0:
        raise ParamsError("tau is a root of unity", why="every proof would verify", fix="redraw")
    powers = [gmpy2.mpz(1)]
    for _ in range(order - 1):
        powers.append(powers[-1] * root % _R)
    share = vanishing * gmpy2.invert(order, _R) % _R
    return [
        share * power % _R * inverse % _R
        for power, inverse in zip(powers, inverses([point - p for p in powers]), strict=True)
    ]


def columns_at(matrix: Matrix, basis: list[gmpy2.mpz], wires: int) -> list[gmpy2.mpz]:
    """Σ_row M[row, i]·L_row(τ) for every wire i: the value of its polynomial at τ."""
    sums = [gmpy2.mpz(0)] * wires
    rows = matrix.row_indices().tolist()
    for row, wire, value in zip(
        rows, matrix.columns.tolist(), from_array(matrix.values), strict=True
    ):
        sums[wire] += basis[row] * value
    return [s % _R for s in sums]


def extended_rows(shape: R1CS) -> tuple[Matrix, Matrix]:
    """A with its extra rows, and B, over the domain's N rows, values times R² as files hold them.

    R²·v is what turns a product with a vector in standard form into Montgomery form:
    `fr_mul(R²·v, w) = R·v·w`.
    """
    domain, publics = shape.domain, shape.publics
    extra = np.arange(publics + 1, dtype=np.uint64)
    a_end = int(shape.a.indptr[-1])
    tail = domain - shape.rows - publics - 1
    a = Matrix(
        indptr=np.concatenate(
            (shape.a.indptr, a_end + extra + 1, np.full(tail, a_end + publics + 1))
        ).astype(np.uint64),
        columns=np.concatenate((shape.a.columns, extra)),
        values=np.concatenate(
            (_times_r_squared(shape.a.values), to_array([int(_R_SQUARED)] * (publics + 1)))
        ),
    )
    b_end = int(shape.b.indptr[-1])
    b = Matrix(
        indptr=np.concatenate((shape.b.indptr, np.full(domain - shape.rows, b_end))).astype(
            np.uint64
        ),
        columns=shape.b.columns,
        values=_times_r_squared(shape.b.values),
    )
    return a, b


def _times_r_squared(values: U64Array) -> U64Array:
    return to_array(int(v * _R_SQUARED % _R) for v in map(gmpy2.mpz, from_array(values)))


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
