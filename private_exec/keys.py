"""The public key of an epoch, and a validator's shares of the secret that nobody holds.

    pk₁ = sk·G₁     pk₂ = sk·G₂     vkᵢ = S(i)·G₂     Ḡ = hash_to_g1(pk₁ and where it belongs)

Ḡ is hashed from the key, so nobody knows its logarithm to G₁, and it has no counterpart in G₂
(NOTES.md says why both matter).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.errors import MalformedSeal, OwnShareWrong
from private_exec.hash_to_curve import hash_to_g1
from private_exec.parameters import Parameters
from private_exec.roster import Domain, Roster
from private_exec.sharing import slots
from private_exec.transcript import scalar_hash
from zk.curve.bn254 import G1Affine, G2Affine, check_g1
from zk.curve.encoding import G1_BYTES, G2_BYTES, g1_from_bytes, g1_to_bytes, g2_to_bytes

SECOND_BASE_TAG: Final = b"chiaro/v1/private/second-base_BN254G1_XMD:SHA-256_SVDW_RO_"
KEY_VERSION: Final = 1


@dataclass(frozen=True)
class EpochKey:
    """What everybody knows of an epoch's key.

    Attributes:
        domain: chain, instance, data availability domain.
        epoch: number; a key serves one.
        parameters: n, T, ℓ.
        roster: who holds which shares.
        pk1: sk·G₁, what senders use.
        pk2: sk·G₂, what observers check reveals against.
        vks: S(i)·G₂ for i = 1 … n.

    Raises:
        MalformedSeal: PX-22, the parts do not belong together.
        DecodeError: a point that is none (PX-13).
    """

    domain: Domain
    epoch: int
    parameters: Parameters
    roster: Roster
    pk1: G1Affine
    pk2: G2Affine
    vks: tuple[G2Affine, ...]

    def __post_init__(self) -> None:
        if not self.roster.shares == self.parameters.shares == len(self.vks):
            raise MalformedSeal("PX-22", "roster, parameters and keys disagree on n", where="key")
        if self.pk2 is None or None in self.vks:
            raise MalformedSeal("PX-22", "a public key is the point at infinity", where="key")
        check_g1(self.pk1, what="pk1")
        group.check_order_g2([self.pk2, *self.vks], "key")
        if not group.same_exponent(self.pk1, self.pk2):
            raise MalformedSeal("PX-22", "pk₁ and pk₂ are of different secrets", where="key")
        if not self._is_codeword():
            raise MalformedSeal(
                "PX-22",
                f"the keys of shares do not lie on one polynomial of degree "
                f"{self.parameters.degree} with the key at its slots",
                where="key",
            )

    def _is_codeword(self) -> bool:
        """Whether pk₂ at every slot and vkᵢ at every i are values of one S of the right degree.

        Σ vᵢ·f(xᵢ)·S(xᵢ) = 0 for all f of degree ≤ m − d − 2, where vᵢ = Π_{j≠i}(xᵢ − xⱼ)⁻¹, says
        so; one f, hashed from the key, finds any other word with probability 1 − 1/r (Cascudo and
        David, ACNS 2017).
        """
        xs = [*slots(self.parameters.packing), *range(1, self.parameters.shares + 1)]
        count = len(xs) - self.parameters.degree - 1
        seed = tagged_hash("private/codeword", self.to_bytes())
        f = [scalar_hash("private/codeword", seed, k.to_bytes(2, "little")) for k in range(count)]
        weights = []
        for x in xs:
            value, below = 0, 1
            for coefficient in f:
                value = (value * x + coefficient) % group.R
            for other in xs:
                if other != x:
                    below = below * (x - other) % group.R
            weights.append(value * pow(below, -1, group.R))
        at_slots = sum(weights[: self.parameters.packing])
        rest = weights[self.parameters.packing :]
        return group.sum_g2([at_slots, *rest], [self.pk2, *self.vks]) is None

    @functools.cached_property
    def digest(self) -> bytes:
        """32 bytes; part of every label."""
        return tagged_hash("private/epoch-key", self.to_bytes())

    @functools.cached_property
    def second_base(self) -> G1Affine:
        """Ḡ."""
        header = self.domain.to_bytes() + self.epoch.to_bytes(8, "little")
        return hash_to_g1(header + g1_to_bytes(self.pk1), SECOND_BASE_TAG)

    def to_bytes(self) -> bytes:
        writer = Writer().u8(KEY_VERSION).blob(self.domain.to_bytes()).u64(self.epoch)
        writer.blob(self.parameters.to_bytes()).blob(self.roster.to_bytes())
        writer.raw(g1_to_bytes(self.pk1), G1_BYTES).raw(g2_to_bytes(self.pk2), G2_BYTES)
        for vk in self.vks:
            writer.raw(g2_to_bytes(vk), G2_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> EpochKey:
        """Strict.

        Raises:
            DecodeError: no canonical encoding, or points that are none.
            MalformedSeal: PX-22.
        """
        reader = Reader(data, "epoch key")
        if reader.u8() != KEY_VERSION:
            raise MalformedSeal("PX-15", "unknown version of an epoch key", where="epoch key")
        inner = Reader(reader.blob(64, "domain"), "epoch key")
        domain = Domain.read(inner)
        inner.done()
        epoch = reader.u64()
        inner = Reader(reader.blob(64, "parameters"), "epoch key")
        parameters = Parameters.read(inner)
        inner.done()
        inner = Reader(reader.blob(1 << 16, "roster"), "epoch key")
        roster = Roster.read(inner)
        inner.done()
        pk1 = g1_from_bytes(reader.take(G1_BYTES), what="pk1")
        pk2 = group.g2_on_twist(reader.take(G2_BYTES), "pk2")
        vks = tuple(
            group.g2_on_twist(reader.take(G2_BYTES), f"vk {i + 1}")
            for i in range(parameters.shares)
        )
        reader.done()
        return EpochKey(domain, epoch, parameters, roster, pk1, pk2, vks)


@dataclass(frozen=True, slots=True)
class HeldShares:
    """A validator's secret: S(i) for its share numbers. Prints none of them.

    Attributes:
        member: whose.
        values: by share number.
    """

    member: int
    values: dict[int, int] = field(repr=False)

    def check(self, key: EpochKey) -> None:
        """PX-10: every value fits its public key.

        Raises:
            OwnShareWrong: PX-10; this validator sends no shares and counts as offline.
        """
        wanted = list(key.roster.indices(self.member))
        if sorted(self.values) != wanted:
            raise OwnShareWrong("PX-10", "shares of these numbers are not all held", where="shares")
        if wanted and group.base_g2([self.values[i] for i in wanted]) != [
            key.vks[i - 1] for i in wanted
        ]:
            raise OwnShareWrong("PX-10", "a share does not fit its public key", where="shares")
