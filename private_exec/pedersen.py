"""Pedersen commitments on G1: Com = x·G + ρ·H.  Rule PV-60.

They hide x perfectly for a uniform ρ, and bind whoever does not know the logarithm of H to G; H is
hashed from its name, so nobody does. Sums of commitments commit to sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from node.core.codec import Writer
from private_exec import group
from private_exec.hash_to_curve import hash_to_g1
from zk.curve.bn254 import G1Affine

BLINDING_TAG: Final = b"chiaro/v1/private/pedersen_BN254G1_XMD:SHA-256_SVDW_RO_"
H: Final = hash_to_g1(b"blinding", BLINDING_TAG)
"""Base of blindings."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a commitment opens to; prints neither.

    Attributes:
        value: x in [0, r).
        blinding: ρ in [0, r).

    Raises:
        MalformedSeal: PX-13, one of them is not below r.
    """

    value: int = field(repr=False)
    blinding: int = field(repr=False)

    def __post_init__(self) -> None:
        group.check_scalar(self.value, "committed value")
        group.check_scalar(self.blinding, "blinding")

    @property
    def commitment(self) -> G1Affine:
        """x·G + ρ·H."""
        return commit([self])[0]

    def to_bytes(self) -> bytes:
        """Value, then blinding, 32 bytes each; as secret as they are."""
        return Writer().fr(self.value).fr(self.blinding).done()


def commit(openings: Sequence[Opening]) -> list[G1Affine]:
    """The commitments of many openings at once."""
    values = group.base_g1([opening.value for opening in openings])
    blindings = group.base_g1([opening.blinding for opening in openings], H)
    return [group.total_g1(pair) for pair in zip(values, blindings, strict=True)]


def opens(commitment: G1Affine, opening: Opening) -> bool:
    """Whether a commitment opens to this; callers refuse by their own rule."""
    return commitment == opening.commitment
