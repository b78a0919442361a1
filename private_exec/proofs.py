"""Schnorr proofs on G1: knowledge of a logarithm, equality of two; bound to a context.

    knowledge   R = [k]G,                  c = H(tag, context, X, R),            s = k + c·x
    equality    R = [k]G, R' = [k]B,       c = H(tag, context, B, X, Y, R, R'),  s = k + c·x

Nonces hash the secret, fresh entropy and the whole statement. Chaum and Pedersen, CRYPTO 1992.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.halving import failing
from private_exec.transcript import coefficients, scalar_hash, secret_scalar
from zk.curve.bn254 import G1_GENERATOR, G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A proof of knowledge of a logarithm, 64 bytes."""

    commitment: G1Affine
    response: int

    def __post_init__(self) -> None:
        check_g1(self.commitment, what="proof")
        group.check_scalar(self.response, "proof")

    def to_bytes(self) -> bytes:
        return g1_to_bytes(self.commitment) + Writer().fr(self.response).done()

    @staticmethod
    def read(reader: Reader) -> Knowledge:
        return Knowledge(g1_from_bytes(reader.take(G1_BYTES), what="proof"), reader.fr())


@dataclass(frozen=True, slots=True)
class Equality:
    """A proof that two logarithms are equal, 96 bytes."""

    first: G1Affine
    second: G1Affine
    response: int

    def __post_init__(self) -> None:
        check_g1(self.first, what="proof")
        check_g1(self.second, what="proof")
        group.check_scalar(self.response, "proof")

    def to_bytes(self) -> bytes:
        points = g1_to_bytes(self.first) + g1_to_bytes(self.second)
        return points + Writer().fr(self.response).done()

    @staticmethod
    def read(reader: Reader) -> Equality:
        first, second = (
            g1_from_bytes(reader.take(G1_BYTES), what="proof"),
            g1_from_bytes(reader.take(G1_BYTES), what="proof"),
        )
        return Equality(first, second, reader.fr())


def prove_knowledge(secret: int, tag: str, context: bytes, entropy: bytes) -> Knowledge:
    """That somebody knows x of X = xG, here and for this context."""
    public = group.base_g1([secret])[0]
    nonce = secret_scalar(
        f"{tag}/nonce", secret.to_bytes(32, "little"), entropy, context, g1_to_bytes(public)
    )
    commitment = group.base_g1([nonce])[0]
    challenge = _knowledge_challenge(tag, context, public, commitment)
    return Knowledge(commitment, (nonce + challenge * secret) % group.R)


def knows(public: G1Affine, proof: Knowledge, tag: str, context: bytes) -> bool:
    """Whether the proof holds; callers refuse by their own rule."""
    challenge = _knowledge_challenge(tag, context, public, proof.commitment)
    scalars = [proof.response, -1, -challenge]
    return group.sum_g1(scalars, [G1_GENERATOR, proof.commitment, public]) is None


def unknown(items: Sequence[tuple[G1Affine, Knowledge, bytes]], tag: str) -> list[int]:
    """Positions of those (X, proof, context) that do not hold; one sum where all do.

    Coefficients hash all of them (PX-9); of bad ones the sum misses any with probability 2⁻¹²⁸.
    """
    data = (g1_to_bytes(x) + proof.to_bytes() + context for x, proof, context in items)
    weights = coefficients(
        tagged_hash("private/knowledge/batch", tag.encode(), *data), tag, len(items)
    )

    def holds(part: Sequence[int]) -> bool:
        return _all_known([items[k] for k in part], [weights[k] for k in part], tag)

    return failing(len(items), holds)


def _all_known(
    items: Sequence[tuple[G1Affine, Knowledge, bytes]], weights: Sequence[int], tag: str
) -> bool:
    """Whether Σ wᵢ(sᵢG − Rᵢ − cᵢXᵢ) = O."""
    scalars: list[int] = [0]
    points: list[G1Affine] = [G1_GENERATOR]
    for weight, (public, proof, context) in zip(weights, items, strict=True):
        challenge = _knowledge_challenge(tag, context, public, proof.commitment)
        scalars[0] += weight * proof.response
        scalars += [-weight, -weight * challenge]
        points += [proof.commitment, public]
    return group.sum_g1(scalars, points) is None


def _knowledge_challenge(tag: str, context: bytes, public: G1Affine, commitment: G1Affine) -> int:
    return scalar_hash(tag, context, g1_to_bytes(public), g1_to_bytes(commitment))


def prove_equality(
    secret: int, base: G1Affine, tag: str, context: bytes, entropy: bytes
) -> Equality:
    """That X = xG and Y = x·base have one x."""
    public, image = group.base_g1([secret])[0], group.multiple_g1(secret, base)
    statement = (context, g1_to_bytes(base), g1_to_bytes(public), g1_to_bytes(image))
    nonce = secret_scalar(f"{tag}/nonce", secret.to_bytes(32, "little"), entropy, *statement)
    first, second = group.base_g1([nonce])[0], group.multiple_g1(nonce, base)
    challenge = _equality_challenge(tag, context, (base, public, image, first, second))
    return Equality(first, second, (nonce + challenge * secret) % group.R)


def are_equal(
    public: G1Affine, image: G1Affine, base: G1Affine, proof: Equality, tag: str, context: bytes
) -> bool:
    """Whether the proof holds: log_G(public) = log_base(image)."""
    points = (base, public, image, proof.first, proof.second)
    challenge = _equality_challenge(tag, context, points)
    left = group.sum_g1([proof.response, -1, -challenge], [G1_GENERATOR, proof.first, public])
    right = group.sum_g1([proof.response, -1, -challenge], [base, proof.second, image])
    return left is None and right is None


def _equality_challenge(tag: str, context: bytes, points: tuple[G1Affine, ...]) -> int:
    return scalar_hash(tag, context, *map(g1_to_bytes, points))
