"""Sharing a committed pair (x, ρ) verifiably: Pedersen's scheme.  Rules PV-40, PV-47.

    f(X) = x + f₁X + …     g(X) = ρ + g₁X + …     degree t        Vₖ = fₖ·G + gₖ·H,  V₀ = Com
    member i holds (f(i), g(i));  it is right iff  f(i)·G + g(i)·H = Σ iᵏ·Vₖ

(Pedersen, CRYPTO 1991.) The commitments hide the polynomials perfectly, and fix them for whoever
does not know log_G H.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.halving import failing
from private_exec.mpc.shamir import SIZES, Size
from private_exec.pedersen import H, Opening, commit
from private_exec.transcript import coefficients, secret_scalar
from zk.curve.bn254 import G1_GENERATOR, G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes

PAIR_BYTES: Final = 64
MAX_COMMITMENTS: Final = Size.of(SIZES[-1]).t + 1
Commitments = tuple[G1Affine, ...]
"""V₀ … V_t."""


@dataclass(frozen=True, slots=True)
class PairPolynomial:
    """f and g, by their coefficients (fₖ, gₖ); prints neither."""

    coefficients: tuple[Opening, ...] = field(repr=False)

    @staticmethod
    def of(secret: Opening, degree: int, tag: str, *seed: bytes) -> PairPolynomial:
        """Sharing of a pair; the other coefficients are drawn from a seed and the pair."""
        own = secret.to_bytes()

        def draw(name: str, k: int) -> int:
            return secret_scalar(f"{tag}/{name}/{k}", own, *seed)

        rest = (Opening(draw("value", k), draw("blinding", k)) for k in range(1, degree + 1))
        return PairPolynomial((secret, *rest))

    def commitments(self) -> Commitments:
        return tuple(commit(self.coefficients))

    def share(self, member: int) -> Opening:
        """(f(i), g(i))."""
        value = blinding = 0
        for coefficient in reversed(self.coefficients):
            value = (value * member + coefficient.value) % group.R
            blinding = (blinding * member + coefficient.blinding) % group.R
        return Opening(value, blinding)


def check_points(rows: Sequence[Commitments]) -> None:
    """Raises a DecodeError where one is no point."""
    for row in rows:
        for point in row:
            check_g1(point, what="commitment")


def write_rows(rows: Sequence[Commitments]) -> bytes:
    """Points row by row, 32 bytes each; how many, the message says."""
    return b"".join(g1_to_bytes(point) for row in rows for point in row)


def read_rows(reader: Reader, count: int, width: int) -> tuple[Commitments, ...]:
    """So many rows of so many points."""
    return tuple(
        tuple(g1_from_bytes(reader.take(G1_BYTES), what=f"V{k}") for k in range(width))
        for _ in range(count)
    )


def write(pairs: Sequence[Opening]) -> bytes:
    """Pairs as they are sealed, 64 bytes each."""
    return b"".join(map(Opening.to_bytes, pairs))


def read(data: bytes, count: int) -> list[Opening] | None:
    """So many pairs, or None: another length, or a number that is not below r."""
    if len(data) != PAIR_BYTES * count:
        return None
    numbers = [int.from_bytes(data[at : at + 32], "little") for at in range(0, len(data), 32)]
    if any(number >= group.R for number in numbers):
        return None
    return [Opening(*numbers[at : at + 2]) for at in range(0, len(numbers), 2)]


Claim = tuple[Commitments, int, Opening]
"""Commitments, a member's point, and what it was given."""


def wrong(claims: Sequence[Claim], seed: bytes) -> list[int]:
    """Positions of pairs that their commitments do not hold; one sum where all do.

    Args:
        claims: what to check.
        seed: hashed with all of them into the sum's coefficients.
    """
    data = [
        Writer().u16(member).done() + pair.to_bytes() + b"".join(map(g1_to_bytes, commitments))
        for commitments, member, pair in claims
    ]
    weights = coefficients(tagged_hash("private/pairs", seed, *data), "pair", len(claims))
    return failing(
        len(claims), lambda part: _holds([claims[k] for k in part], [weights[k] for k in part])
    )


def _holds(claims: Sequence[Claim], weights: Sequence[int]) -> bool:
    """Whether Σ wⱼ(xⱼG + ρⱼH − Σ iⱼᵏVⱼₖ) = O."""
    scalars: list[int] = [0, 0]
    points: list[G1Affine] = [G1_GENERATOR, H]
    for weight, (commitments, member, pair) in zip(weights, claims, strict=True):
        scalars[0] += weight * pair.value
        scalars[1] += weight * pair.blinding
        scalars += [-weight * member**k for k in range(len(commitments))]
        points += commitments
    return group.sum_g1(scalars, points) is None
