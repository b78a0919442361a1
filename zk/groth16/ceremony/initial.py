"""The initial key of a circuit: from the first phase, before anyone has contributed to it.

Wire i's polynomials at τ are combinations of the Lagrange basis, so its points are a sparse matrix
times that basis in the groups; γ and δ are one. Making the key takes the bases; checking it takes
only the powers: a random combination of a query is one polynomial, whose coefficients an inverse
transform of numbers gives,

    Σᵢ ρᵢ·Aᵢ(τ)·G  =  Σⱼ (A·ρ)ⱼ·Lⱼ(τ)·G  =  Σₖ (NTT⁻¹(A·ρ))ₖ·τᵏ·G,

so an auditor needs some sums of many points, and neither bases nor minutes.
"""

from __future__ import annotations

import numpy as np

from zk.errors import ParamsError
from zk.field.arrays import U64Array
from zk.groth16.ceremony.errors import CeremonyError
from zk.groth16.ceremony.lagrange import lagrange_points
from zk.groth16.ceremony.powers import PowersOfTau
from zk.groth16.ceremony.ratio import random_weights
from zk.groth16.keys import ProvingKey
from zk.groth16.qap import R_SQUARED, extended_rows, scaled, standard, transposed
from zk.groth16.setup import SNARKJS_CHUNK, circuit_hash
from zk.interfaces import Backend, Csr, Progress
from zk.r1cs.matrices import R1CS, Matrix

_MINUS_ONE = standard(-1)
_ONE = standard(1)


def check_size(shape: R1CS, powers: PowersOfTau) -> None:
    """That a first phase is large enough for a circuit.

    Raises:
        ParamsError: how many powers it needs.
    """
    log = shape.domain.bit_length() - 1
    needed = log + (shape.domain > SNARKJS_CHUNK)  # its hash takes one power more
    if needed > powers.power:
        raise ParamsError(
            f"{shape.name} needs powers of tau of 2^{needed}, these are 2^{powers.power}",
            fix="take a larger first phase",
        )


def initial_key(
    shape: R1CS, powers: PowersOfTau, backend: Backend, progress: Progress | None = None
) -> ProvingKey:
    """The key that phase 2 starts from, byte for byte what snarkjs makes.

    Args:
        shape: the circuit.
        powers: a verified first phase; its bases, if it has any, were verified, too.
        backend: what computes.
        progress: called with `basis_g1 basis_alpha basis_beta basis_g2 basis_h`, then `a b1 b2 c`,
            `hash`.

    Raises:
        ParamsError: too few powers.
    """
    check_size(shape, powers)
    report: Progress = progress or (lambda _phase, _share: None)
    n, publics = shape.domain, shape.publics

    def basis(phase: str, name: str, source: U64Array, size: int) -> U64Array:
        if powers.lagrange is not None:
            return np.ascontiguousarray(getattr(powers.lagrange, name)[size - 1 : 2 * size - 1])
        return lagrange_points(source, backend, lambda share: report(phase, share))

    tau = basis("basis_g1", "g1", powers.tau_g1[:n], n)
    alpha = basis("basis_alpha", "alpha_g1", powers.alpha_g1[:n], n)
    beta = basis("basis_beta", "beta_g1", powers.beta_g1[:n], n)
    tau_g2 = basis("basis_g2", "g2", powers.tau_g2[:n], n)
    odd = basis("basis_h", "g1", _padded(powers.tau_g1, 2 * n), 2 * n)[1::2]

    a_rows, b_rows = extended_rows(shape, backend)
    columns = [
        _by_wire(matrix, shape.wires, backend)
        for matrix in (a_rows, b_rows, scaled(shape.c, backend))
    ]

    def query(phase: str, matrix: Csr, points: U64Array) -> U64Array:
        report(phase, 0.0)
        product = backend.sparse_points_g2 if phase == "b2" else backend.sparse_points_g1
        made = product(matrix, points)
        report(phase, 1.0)
        return made

    a, b1 = query("a", columns[0], tau), query("b1", columns[1], tau)
    b2 = query("b2", columns[1], tau_g2)
    mixed = query("c", _beside(columns, n), np.concatenate((beta, alpha, tau)))
    ic, c = mixed[: publics + 1].copy(), mixed[publics + 1 :].copy()
    report("hash", 0.0)
    key = _assembled(shape, powers, backend, (a_rows, b_rows), (ic, a, b1, b2, c, odd.copy()))
    report("hash", 1.0)
    return key


def verify_initial(
    initial: ProvingKey,
    shape: R1CS,
    powers: PowersOfTau,
    backend: Backend,
    progress: Progress | None = None,
) -> None:
    """That a key is the initial one of a circuit and a first phase.

    Args:
        initial: the key; its points were checked where it was read.
        shape: the circuit.
        powers: a verified first phase.
        backend: what computes.
        progress: called with `parts a b1 b2 c h hash`.

    Raises:
        ParamsError: too few powers.
        CeremonyError: CER-008 names the part that is another one; CER-010 the circuit's hash.
    """
    check_size(shape, powers)
    report: Progress = progress or (lambda _phase, _share: None)
    report("parts", 0.0)
    a_rows, b_rows = extended_rows(shape, backend)
    queries = (initial.ic, initial.a, initial.b1, initial.b2, initial.c, initial.h)
    counts = {"wires": shape.wires, "publics": shape.publics, "domain": shape.domain}
    for name, count in counts.items():
        if getattr(initial, name) != count:
            raise CeremonyError("CER-008", f"{name} is not the circuit's", where=name)
    expected = _assembled(shape, powers, backend, (a_rows, b_rows), queries)
    for name in ("alpha_g1", "beta_g1", "beta_g2", "gamma_g2", "delta_g1", "delta_g2"):
        _same(name, getattr(initial, name), getattr(expected, name))
    for letter, mine, theirs in (("A", initial.a_rows, a_rows), ("B", initial.b_rows, b_rows)):
        for part in ("indptr", "columns", "values"):
            _same(f"matrix {letter}", getattr(mine, part), getattr(theirs, part))
    report("parts", 1.0)
    rho = random_weights(shape.wires)
    polynomials = [
        _coefficients(_times(matrix, rho, backend, shape.domain), backend)
        for matrix in (a_rows, b_rows, scaled(shape.c, backend))
    ]
    _check_queries(initial, powers, rho, polynomials, backend, report)
    report("hash", 0.0)
    if initial.circuit_hash != expected.circuit_hash:
        raise CeremonyError("CER-010", "another circuit's hash", where="section 10")
    report("hash", 1.0)


def _check_queries(
    initial: ProvingKey,
    powers: PowersOfTau,
    rho: U64Array,
    polynomials: list[U64Array],
    backend: Backend,
    report: Progress,
) -> None:
    n = initial.domain
    a, b, c = polynomials
    for name, rows, coefficients in (("a", initial.a, a), ("b1", initial.b1, b)):
        report(name, 0.0)
        _same(name, backend.msm_g1(rows, rho), _at_tau(powers.tau_g1, coefficients, backend))
        report(name, 1.0)
    report("b2", 0.0)
    wanted = backend.msm_g2(np.ascontiguousarray(powers.tau_g2[:n]), b)
    _same("b2", backend.msm_g2(initial.b2, rho), wanted)
    report("b2", 1.0)
    report("c", 0.0)
    mixed = backend.msm_g1(np.concatenate((initial.ic, initial.c)), rho)
    bases = np.concatenate((powers.beta_g1[:n], powers.alpha_g1[:n], powers.tau_g1[:n]))
    _same("c", mixed, backend.msm_g1(bases, np.concatenate((a, b, c))))
    report("c", 1.0)
    report("h", 0.0)
    weights = random_weights(n)
    spread = np.zeros((2 * n, weights.shape[1]), dtype=np.uint64)
    spread[1::2] = weights
    wanted = _at_tau(
        powers.tau_g1, _coefficients(_in_montgomery(spread, backend), backend), backend
    )
    _same("h", backend.msm_g1(initial.h, weights), wanted)
    report("h", 1.0)


def _at_tau(powers: U64Array, coefficients: U64Array, backend: Backend) -> U64Array:
    """Σ cₖ·τᵏ·G; what lies beyond the powers of the file is left out, as in its last basis."""
    count = min(len(powers), len(coefficients))
    return backend.msm_g1(
        np.ascontiguousarray(powers[:count]), np.ascontiguousarray(coefficients[:count])
    )


def _in_montgomery(values: U64Array, backend: Backend) -> U64Array:
    return backend.fr_mul(values, R_SQUARED)


def _coefficients(values: U64Array, backend: Backend) -> U64Array:
    """Of the polynomial with these values (Montgomery) on the domain; standard form."""
    return backend.fr_mul(backend.ntt(values, inverse=True), _ONE)


def _times(matrix: Matrix, vector: U64Array, backend: Backend, height: int) -> U64Array:
    """Matrix times vector over the domain's rows, Montgomery form."""
    product = backend.sparse_product(matrix.indptr, matrix.columns, matrix.values, vector)
    padded = np.zeros((height, product.shape[1]), dtype=np.uint64)
    padded[: len(product)] = product
    return padded


def _same(name: str, mine: U64Array, theirs: U64Array) -> None:
    if not np.array_equal(mine, theirs):
        raise CeremonyError("CER-008", f"{name} is not the circuit's", where=name)


def _padded(powers: U64Array, count: int) -> U64Array:
    """So many powers, infinity for the last where the file ends one short."""
    found = powers[:count]
    missing = np.zeros((count - len(found), powers.shape[1]), dtype=np.uint64)
    return np.concatenate((found, missing))


def _by_wire(matrix: Matrix, wires: int, backend: Backend) -> Csr:
    """The transposed matrix, values (R²·v in the argument) in standard form."""
    indptr, rows, values = transposed(matrix, wires)
    return indptr, rows, backend.fr_mul(backend.fr_mul(values, _ONE), _ONE)


def _beside(columns: list[Csr], n: int) -> Csr:
    """Matrices side by side, for points under each other, n apart: β·A + α·B + C of each wire."""
    parts = [
        (np.repeat(np.arange(len(indptr) - 1), np.diff(indptr).astype(np.int64)), rows + shift, v)
        for (indptr, rows, v), shift in zip(columns, (0, n, 2 * n), strict=True)
    ]
    wires, rows, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(wires, kind="stable")
    indptr = sum((indptr for indptr, _, _ in columns[1:]), columns[0][0])
    return indptr, rows[order].astype(np.uint64), np.ascontiguousarray(values[order])


def _assembled(
    shape: R1CS,
    powers: PowersOfTau,
    backend: Backend,
    rows: tuple[Matrix, Matrix],
    queries: tuple[U64Array, U64Array, U64Array, U64Array, U64Array, U64Array],
) -> ProvingKey:
    """A key with γ = δ = 1 and the hash of what it holds."""
    ic, a, b1, b2, c, h = queries
    (g1,), (g2,) = backend.fixed_base_g1(_ONE), backend.fixed_base_g2(_ONE)
    alpha, beta, beta_g2 = powers.alpha_g1[0], powers.beta_g1[0], powers.beta_g2[0]
    hashed = circuit_hash(
        head=(alpha, beta, beta_g2, g2),
        ic=ic,
        vanishing=_vanishing(powers, shape.domain, backend),
        c=c,
        queries=(a, b1, b2),
        domain=shape.domain,
        backend=backend,
    )
    return ProvingKey(
        wires=shape.wires,
        publics=shape.publics,
        domain=shape.domain,
        alpha_g1=np.ascontiguousarray(alpha),
        beta_g1=np.ascontiguousarray(beta),
        beta_g2=np.ascontiguousarray(beta_g2),
        gamma_g2=g2,
        delta_g1=g1,
        delta_g2=g2,
        ic=ic,
        a_rows=rows[0],
        b_rows=rows[1],
        a=a,
        b1=b1,
        b2=b2,
        c=c,
        h=h,
        circuit_hash=hashed,
    )


def _vanishing(powers: PowersOfTau, domain: int, backend: Backend) -> U64Array:
    """τⁱ·(τᴺ − 1) in G1 for the values of i that the circuit's hash covers."""
    count = domain - 1 if domain <= SNARKJS_CHUNK else domain
    indptr = np.arange(count + 1, dtype=np.uint64) * np.uint64(2)
    columns = np.empty((count, 2), dtype=np.uint64)
    columns[:, 0] = np.arange(count) + domain
    columns[:, 1] = np.arange(count)
    values = np.tile(np.concatenate((_ONE, _MINUS_ONE)), (count, 1))
    return backend.sparse_points_g1(
        (indptr, columns.reshape(-1), values), np.ascontiguousarray(powers.tau_g1)
    )
