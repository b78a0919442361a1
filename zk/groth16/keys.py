"""Groth16's keys, proofs and blinding factors.

Notation of the paper (Groth 2016, eprint 2016/260, section 3.2): the verifying key holds α in G1,
β, γ, δ in G2 and one point of G1 per public input and one for the constant wire; a proof is
A ∈ G1, B ∈ G2, C ∈ G1.

A `ProvingKey` holds exactly the sections of a `.zkey` file (docs/adr/0004).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from zk.curve.bn254 import G2, G2_GENERATOR, G1Affine, G2Affine, check_g1, check_g2
from zk.curve.encoding import (
    G1_BYTES,
    G2_BYTES,
    g1_from_bytes,
    g1_to_bytes,
    g2_from_bytes,
    g2_to_bytes,
)
from zk.errors import (
    BackendError,
    DecodeError,
    IdentityPoint,
    NonCanonical,
    UnsafeKey,
    WrongLength,
)
from zk.field.arrays import LIMBS, U64Array
from zk.field.params import FP, FR
from zk.groth16.points import G1_WIDTH, G2_WIDTH, g1_points, g2_points
from zk.r1cs.matrices import Matrix

PROOF_BYTES: Final = 2 * G1_BYTES + G2_BYTES
KEY_DOMAIN: Final = b"chiaro/v1/verifying-key"
MAX_DOMAIN: Final = 1 << (FR.two_adicity - 1)
"""Largest domain: the quotient needs roots of unity of twice the order."""
MAX_PUBLICS: Final = 1 << 16

NO_CONTRIBUTION: Final = (
    "UNSAFE: the key records no contribution, so whoever made it may know its secret"
)


def negate_g2(point: G2Affine) -> G2Affine:
    """−Q, by integers."""
    if point is None:
        return None
    x, (y0, y1) = point
    return x, (-y0 % FP.modulus, -y1 % FP.modulus)


@dataclass(frozen=True)
class VerifyingKey:
    """What a verifier needs; one that rule S-11 refuses cannot be constructed.

    Attributes:
        alpha: α in G1.
        beta: β in G2.
        gamma: γ in G2; ceremonies leave it at the generator.
        delta: δ in G2, the product of all contributions.
        ic: one point of G1 for the constant wire, then one per public input.

    Raises:
        UnsafeKey: by `lint`.
    """

    alpha: G1Affine
    beta: G2Affine
    gamma: G2Affine
    delta: G2Affine
    ic: tuple[G1Affine, ...]

    def __post_init__(self) -> None:
        self.lint()

    def lint(self) -> None:
        """Refuse keys under which false statements can be proved (rule S-11).

        With δ = ±γ the proof (α, β, ∓Σ xᵢ·ICᵢ) is accepted for every x; with δ = ±generator the
        second phase of the ceremony never happened. A point at infinity drops its term from the
        equation, and with ICs equal up to sign a proof of two public inputs is one of others: only
        their sum, or difference, is proved.

        Raises:
            UnsafeKey: names what is wrong.
        """
        if not 1 <= len(self.ic) <= MAX_PUBLICS + 1:
            raise UnsafeKey(f"the key has {len(self.ic)} IC points", where="IC")
        try:
            check_g1(self.alpha, what="alpha")
            for name, point in (("beta", self.beta), ("gamma", self.gamma), ("delta", self.delta)):
                check_g2(point, what=name)
            for index, element in enumerate(self.ic):
                check_g1(element, what=f"IC[{index}]")
        except DecodeError as error:
            raise UnsafeKey(error.message, where=error.where) from error
        if self.delta in (self.gamma, negate_g2(self.gamma)):
            raise UnsafeKey("gamma and delta are equal up to sign", where="delta")
        if self.delta in (G2_GENERATOR, negate_g2(G2_GENERATOR)):
            raise UnsafeKey("delta is the generator: nobody has contributed", where="delta")
        if len({point[0] for point in self.ic if point is not None}) != len(self.ic):
            raise UnsafeKey("two IC points are equal up to sign", where="IC")

    @property
    def publics(self) -> int:
        """Number of public inputs."""
        return len(self.ic) - 1

    def to_bytes(self) -> bytes:
        """Compressed α, β, γ, δ; number of ICs (u32, little-endian); the ICs."""
        return b"".join(
            (
                g1_to_bytes(self.alpha),
                g2_to_bytes(self.beta),
                g2_to_bytes(self.gamma),
                g2_to_bytes(self.delta),
                len(self.ic).to_bytes(4, "little"),
                *map(g1_to_bytes, self.ic),
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> VerifyingKey:
        """The key of `to_bytes`.

        Raises:
            WrongLength: too short, or not as long as its number of ICs says.
            DecodeError: a point that does not decode.
            UnsafeKey: rule S-11.
        """
        head = G1_BYTES + 3 * G2_BYTES
        count = int.from_bytes(data[head : head + 4], "little")
        if len(data) < head + 4 or len(data) != head + 4 + count * G1_BYTES:
            raise WrongLength("a verifying key of another length", where="verifying key")
        at = G1_BYTES
        beta, gamma, delta = (
            g2_from_bytes(data[at + i * G2_BYTES : at + (i + 1) * G2_BYTES], what=what)
            for i, what in enumerate(("beta", "gamma", "delta"))
        )
        at = head + 4
        return cls(
            alpha=g1_from_bytes(data[:G1_BYTES], what="alpha"),
            beta=beta,
            gamma=gamma,
            delta=delta,
            ic=tuple(
                g1_from_bytes(data[at + i * G1_BYTES : at + (i + 1) * G1_BYTES], what=f"IC[{i}]")
                for i in range(count)
            ),
        )

    @cached_property
    def id(self) -> str:
        """Hex of BLAKE2b-256 over a domain string and the canonical bytes."""
        return hashlib.blake2b(KEY_DOMAIN + self.to_bytes(), digest_size=32).hexdigest()


@dataclass(frozen=True, slots=True)
class Proof:
    """A ∈ G1, B ∈ G2, C ∈ G1: on their curves, none at infinity.

    That B lies in the subgroup is checked by `from_bytes` and again by `verify`.

    Proofs are malleable: (−A, −B, C) and re-randomised forms verify too. Nothing may take proof
    bytes for an identity.

    Raises:
        IdentityPoint, NonCanonical, NotOnCurve: names the point.
    """

    a: G1Affine
    b: G2Affine
    c: G1Affine

    def __post_init__(self) -> None:
        check_g1(self.a, what="proof.a")
        check_g1(self.c, what="proof.c")
        if self.b is None:
            raise IdentityPoint("proof.b is the point at infinity", where="proof.b")
        try:
            G2.from_affine(self.b, subgroup=False)
        except DecodeError as error:
            raise type(error)(f"proof.b: {error.message}", where="proof.b") from None

    def to_bytes(self) -> bytes:
        """128 bytes: A, B, C, compressed."""
        return g1_to_bytes(self.a) + g2_to_bytes(self.b) + g1_to_bytes(self.c)

    @classmethod
    def from_bytes(cls, data: bytes, *, order: bool = True) -> Proof:
        """The proof of exactly these 128 bytes.

        Args:
            data: A, B, C, compressed.
            order: check that B has order r. `verify` and batches check it again, by kernels and
                much faster: who asks them next may leave it out here.

        Raises:
            WrongLength: not 128 bytes.
            DecodeError: which point, and how it fails: NonCanonical, NotOnCurve, NotInSubgroup,
                IdentityPoint.
        """
        if len(data) != PROOF_BYTES:
            raise WrongLength(f"a proof takes {PROOF_BYTES} bytes, not {len(data)}", where="proof")
        return cls(
            a=g1_from_bytes(data[:G1_BYTES], what="proof.a"),
            b=g2_from_bytes(data[G1_BYTES : G1_BYTES + G2_BYTES], what="proof.b", order=order),
            c=g1_from_bytes(data[G1_BYTES + G2_BYTES :], what="proof.c"),
        )


@dataclass(frozen=True, slots=True)
class Blinding:
    """The two random scalars that make a proof reveal nothing; drawn by the plan (S-13).

    Whoever learns them, or sees them used for two witnesses, learns about the witness; zero hides
    nothing, so it is refused.

    Raises:
        NonCanonical: outside [1, r).
    """

    r: int
    s: int

    def __post_init__(self) -> None:
        if not (0 < self.r < FR.modulus and 0 < self.s < FR.modulus):
            raise NonCanonical(
                "a blinding factor is outside [1, r)",
                where="blinding",
                why="without blinding a proof tells about its witness",
                fix="draw both from the plan's seed",
            )

    def __repr__(self) -> str:
        return "Blinding(<secret>)"


@dataclass(frozen=True, slots=True, eq=False)
class ProvingKey:
    """The sections of a Groth16 `.zkey`; points affine, Montgomery.

    Attributes:
        wires: number of wires, the constant one included.
        publics: public inputs, without the one.
        domain: size N of the FFT, a power of two.
        alpha_g1: `[8]`.
        beta_g1: `[8]`.
        beta_g2: `[16]`.
        gamma_g2: `[16]`.
        delta_g1: `[8]`.
        delta_g2: `[16]`.
        ic: `[publics + 1, 8]`: (β·Aᵢ(τ) + α·Bᵢ(τ) + Cᵢ(τ))/γ of the public wires.
        a_rows: matrix A over the domain's N rows, with one extra row per public wire that makes
            the Aᵢ of public wires independent; values R²·v.
        b_rows: matrix B over the domain's N rows; values R²·v.
        a: `[wires, 8]`: Aᵢ(τ).
        b1: `[wires, 8]`: Bᵢ(τ).
        b2: `[wires, 16]`: Bᵢ(τ).
        c: `[wires − publics − 1, 8]`: (β·Aᵢ(τ) + α·Bᵢ(τ) + Cᵢ(τ))/δ of the private wires.
        h: `[domain, 8]`: odd elements of the Lagrange basis of size 2N at τ, over δ.
        circuit_hash: 64 bytes, the csHash of snarkjs over the key before any contribution.
        contributions: the encoded contributions of a ceremony, with their number (section 10).
        note: free text that travels in the file; development keys say UNSAFE here.
    """

    wires: int
    publics: int
    domain: int
    alpha_g1: U64Array
    beta_g1: U64Array
    beta_g2: U64Array
    gamma_g2: U64Array
    delta_g1: U64Array
    delta_g2: U64Array
    ic: U64Array
    a_rows: Matrix
    b_rows: Matrix
    a: U64Array
    b1: U64Array
    b2: U64Array
    c: U64Array
    h: U64Array
    circuit_hash: bytes
    contributions: bytes = bytes(4)
    note: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.publics < self.wires:
            raise BackendError("a proving key with more public inputs than wires")
        if self.domain & (self.domain - 1) or not 0 < self.domain <= MAX_DOMAIN:
            raise BackendError("a proving key whose domain is not a power of two")
        shapes: tuple[tuple[str, Any, tuple[int, ...]], ...] = (
            ("alpha_g1", self.alpha_g1, (G1_WIDTH,)),
            ("beta_g1", self.beta_g1, (G1_WIDTH,)),
            ("beta_g2", self.beta_g2, (G2_WIDTH,)),
            ("gamma_g2", self.gamma_g2, (G2_WIDTH,)),
            ("delta_g1", self.delta_g1, (G1_WIDTH,)),
            ("delta_g2", self.delta_g2, (G2_WIDTH,)),
            ("ic", self.ic, (self.publics + 1, G1_WIDTH)),
            ("a", self.a, (self.wires, G1_WIDTH)),
            ("b1", self.b1, (self.wires, G1_WIDTH)),
            ("b2", self.b2, (self.wires, G2_WIDTH)),
            ("c", self.c, (self.wires - self.publics - 1, G1_WIDTH)),
            ("h", self.h, (self.domain, G1_WIDTH)),
            ("a_rows", self.a_rows.indptr, (self.domain + 1,)),
            ("a_rows", self.a_rows.values, (self.a_rows.nonzeros, LIMBS)),
            ("b_rows", self.b_rows.indptr, (self.domain + 1,)),
            ("b_rows", self.b_rows.values, (self.b_rows.nonzeros, LIMBS)),
        )
        for name, array, shape in shapes:
            if array.shape != shape or array.dtype != np.uint64:
                raise BackendError(f"a proving key whose {name} is not uint64{list(shape)}")

    @property
    def contributed(self) -> int:
        """How many contributions the file says it has; rules CER-n decide whether they hold."""
        return int.from_bytes(self.contributions[:4], "little")

    @property
    def warning(self) -> str:
        """What must be said of the key: its note, or that nobody's contribution is recorded."""
        return self.note or ("" if self.contributed else NO_CONTRIBUTION)

    @property
    def verifying_key(self) -> VerifyingKey:
        """The part that verifiers need.

        Raises:
            UnsafeKey: rule S-11; so for a key that nobody contributed to.
        """
        (alpha,) = g1_points(self.alpha_g1)
        beta, gamma, delta = (
            g2_points(row)[0] for row in (self.beta_g2, self.gamma_g2, self.delta_g2)
        )
        return VerifyingKey(alpha, beta, gamma, delta, tuple(g1_points(self.ic)))
