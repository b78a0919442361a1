"""Groth16's setup from known secrets: for development and for tests of ceremonies.

A setup draws τ, α, β, γ, δ and publishes points that hide them. Whoever knows them can prove false
statements. A real ceremony lets many people contribute so that nobody knows; here one process
knows everything, so its keys are stamped UNSAFE and refused outside the `dev` profile.

The result is the `.zkey` that snarkjs would make from powers of τ with the same α and β, after a
contribution of δ; γ is 1, as in every ceremony of that kind.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from zk.errors import ParamsError
from zk.field.arrays import LIMBS, U64Array, to_array
from zk.field.hashing import PREFIX
from zk.field.params import FR
from zk.groth16.keys import ProvingKey
from zk.groth16.points import G2_WIDTH
from zk.groth16.qap import (
    columns_at,
    extended_rows,
    lagrange_basis,
    montgomery,
    scaled,
    standard,
)
from zk.interfaces import Backend, Progress
from zk.r1cs.matrices import R1CS

UNSAFE_STAMP: Final = (
    "UNSAFE development key: its toxic waste is known, proofs under it prove nothing"
)
DEV_SEED: Final = "chiaroscuro development setup 1, published: toxic waste known"

SNARKJS_CHUNK: Final = 1 << 14
"""Above this size snarkjs hashes one power more."""


@dataclass(frozen=True, slots=True)
class ToxicWaste:
    """The secrets of a setup, each in [1, r).

    Raises:
        ParamsError: a value outside the range.
    """

    tau: int
    alpha: int
    beta: int
    gamma: int
    delta: int

    def __post_init__(self) -> None:
        for name in ("tau", "alpha", "beta", "gamma", "delta"):
            if not 0 < getattr(self, name) < FR.modulus:
                raise ParamsError(f"{name} is outside [1, r)", where="toxic waste")

    def __repr__(self) -> str:
        return "ToxicWaste(<secret>)"


@dataclass(frozen=True, slots=True)
class UnsafeDevSetup:
    """Keys from a published seed: anyone can make them again, and anyone can forge with them."""

    seed: str = DEV_SEED

    def toxic_waste(self, shape: R1CS) -> ToxicWaste:
        """Secrets of one circuit: BLAKE2b-512 of seed, circuit digest and name, mod r."""

        def draw(name: str) -> int:
            hasher = hashlib.blake2b(PREFIX + b"unsafe-dev-setup", digest_size=64)
            for part in (self.seed.encode(), shape.digest, name.encode()):
                hasher.update(len(part).to_bytes(8, "little") + part)
            return int.from_bytes(hasher.digest(), "little") % (FR.modulus - 1) + 1

        return ToxicWaste(draw("tau"), draw("alpha"), draw("beta"), 1, draw("delta"))

    def run(self, shape: R1CS, backend: Backend, progress: Progress | None = None) -> ProvingKey:
        """The development key of a circuit, stamped UNSAFE; the same for every backend."""
        return setup(shape, self.toxic_waste(shape), backend, progress, note=UNSAFE_STAMP)


def setup(
    shape: R1CS,
    toxic: ToxicWaste,
    backend: Backend,
    progress: Progress | None = None,
    *,
    note: str = "",
) -> ProvingKey:
    """The proving key of a circuit under given secrets. Deterministic.

    Args:
        shape: the circuit.
        toxic: the secrets.
        backend: what computes.
        progress: called with `scalars`, `a`, `b1`, `b2`, `c`, `h`, `hash`.
        note: text that travels in the key.

    Raises:
        ParamsError: the circuit is too large, or τ lies in its domain.
    """
    report: Progress = progress or (lambda _phase, _share: None)
    domain, publics = shape.domain, shape.publics
    if domain > 1 << (FR.two_adicity - 1):
        raise ParamsError("the circuit is too large for BN254", where=shape.name)

    report("scalars", 0.0)
    a_rows, b_rows = extended_rows(shape, backend)
    basis = lagrange_basis(toxic.tau, domain, backend)
    a, b = (columns_at(rows, basis, shape.wires, backend) for rows in (a_rows, b_rows))
    c = columns_at(scaled(shape.c, backend), basis[: shape.rows], shape.wires, backend)
    mixed = _mixed(toxic, a, b, c, backend)
    public, private = mixed[: publics + 1], mixed[publics + 1 :]
    odd = lagrange_basis(toxic.tau, 2 * domain, backend)[1::2]
    report("scalars", 1.0)

    def times(values: U64Array, factor: int) -> U64Array:
        """Montgomery form times a number → standard form."""
        return backend.fr_mul(np.ascontiguousarray(values), standard(factor))

    def g1(phase: str, scalars: U64Array) -> U64Array:
        report(phase, 0.0)
        points = backend.fixed_base_g1(scalars)
        report(phase, 1.0)
        return points

    over_delta = pow(toxic.delta, -1, FR.modulus)
    over_gamma = pow(toxic.gamma, -1, FR.modulus)
    alpha_g1, beta_g1, delta_g1 = g1("a", to_array([toxic.alpha, toxic.beta, toxic.delta]))
    beta_g2, gamma_g2, delta_g2 = backend.fixed_base_g2(
        to_array([toxic.beta, toxic.gamma, toxic.delta])
    )
    b_scalars = times(b, 1)
    points_a, points_b1 = g1("a", times(a, 1)), g1("b1", b_scalars)
    report("b2", 0.0)
    points_b2 = backend.fixed_base_g2(b_scalars)
    report("b2", 1.0)
    ic = g1("c", times(public, over_gamma))
    key = ProvingKey(
        wires=shape.wires,
        publics=publics,
        domain=domain,
        alpha_g1=alpha_g1,
        beta_g1=beta_g1,
        beta_g2=beta_g2,
        gamma_g2=gamma_g2,
        delta_g1=delta_g1,
        delta_g2=delta_g2,
        ic=ic,
        a_rows=a_rows,
        b_rows=b_rows,
        a=points_a,
        b1=points_b1,
        b2=points_b2,
        c=g1("c", times(private, over_delta)),
        h=g1("h", backend.fr_mul(np.ascontiguousarray(odd), montgomery(over_delta))),
        circuit_hash=circuit_hash(
            head=(alpha_g1, beta_g1, beta_g2, gamma_g2),
            ic=ic,
            vanishing=g1("hash", _vanishing_powers(toxic.tau, domain, backend)),
            c=g1("hash", times(private, 1)),
            queries=(points_a, points_b1, points_b2),
            domain=domain,
            backend=backend,
        ),
        note=note,
    )
    report("hash", 1.0)
    return key


def _mixed(toxic: ToxicWaste, a: U64Array, b: U64Array, c: U64Array, backend: Backend) -> U64Array:
    """β·Aᵢ + α·Bᵢ + Cᵢ, in Montgomery form as its operands; a sum is a difference of negatives."""
    left = backend.fr_mul(a, montgomery(toxic.beta))
    middle = backend.fr_mul(b, montgomery(-toxic.alpha))
    return backend.fr_sub(backend.fr_sub(left, middle), backend.fr_mul(c, montgomery(-1)))


def _vanishing_powers(tau: int, domain: int, backend: Backend) -> U64Array:
    """τⁱ·(τᴺ − 1), standard form, for the N − 1 values of i that snarkjs hashes.

    Above 2¹⁴ it hashes whole chunks of 2¹⁴ and so one value more.
    """
    count = domain - 1 if domain <= SNARKJS_CHUNK else domain
    vanishing = standard(pow(tau, domain, FR.modulus) - 1)
    return backend.fr_mul(backend.fr_powers(montgomery(tau), count), vanishing)


def circuit_hash(
    *,
    head: tuple[U64Array, U64Array, U64Array, U64Array],
    ic: U64Array,
    vanishing: U64Array,
    c: U64Array,
    queries: tuple[U64Array, U64Array, U64Array],
    domain: int,
    backend: Backend,
) -> bytes:
    """Snarkjs's csHash: BLAKE2b-512 over the key as it was before any contribution (δ = 1).

    Args:
        head: α in G1, β in G1, β in G2, γ in G2.
        ic: `[publics + 1, 8]`.
        vanishing: τⁱ·(τᴺ − 1) in G1.
        c: the C query with δ = 1.
        queries: A and B in G1, B in G2.
        domain: N.
        backend: what computes.
    """
    one = to_array([1])
    hasher = hashlib.blake2b(digest_size=64)
    generators = (backend.fixed_base_g1(one), backend.fixed_base_g2(one))
    for row in (*head, *generators):
        hasher.update(_big_endian(row.reshape(1, -1), backend))
    sections = ((len(ic), ic), (domain - 1, vanishing), (len(c), c))
    for count, rows in (*sections, *((len(query), query) for query in queries)):
        hasher.update(count.to_bytes(4, "big"))
        hasher.update(_big_endian(rows, backend))
    return hasher.digest()


def _big_endian(rows: U64Array, backend: Backend) -> bytes:
    """Points as snarkjs hashes them: coordinates big-endian, c1 before c0, infinity all zero."""
    flat = backend.fp_standard(np.ascontiguousarray(rows).reshape(-1, LIMBS))
    reversed_limbs = flat[:, ::-1]
    if rows.shape[-1] == G2_WIDTH:
        reversed_limbs = reversed_limbs.reshape(-1, 2, LIMBS)[:, ::-1]
    return reversed_limbs.astype(">u8").tobytes()
