"""Votes of a round, and the certificate that more than two thirds precommitted one block.

A certificate makes its block final under the usual bound: validators of less than a third of the
weight lie. Signers of one certificate and of another of the same height share an honest validator,
who is locked on what it precommitted; so there is no second certificate for another block. That
holds for precommits of *one* round only: those of several rounds do not add up (CL-3).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from node.consensus.errors import CertificateRefused
from node.core.codec import Reader, Writer
from node.core.committee import MAX_MEMBERS, Committee
from node.core.ids import ID_BYTES, ChainId, Height, tagged_hash
from zk.errors import NonCanonical

SIGNATURE_BYTES: Final = 64
_VERSION: Final = 1


class VoteKind(IntEnum):
    """Which of a round's two votes; the value is signed."""

    PREVOTE = 1
    PRECOMMIT = 2


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a validator signs in a round.

    Attributes:
        chain_id: S-12.
        kind: prevote or precommit.
        height: of the block.
        round: of the height, from 0.
        block_hash: of the header; `None` votes for no block.
    """

    chain_id: ChainId
    kind: VoteKind
    height: Height
    round: int
    block_hash: bytes | None

    def digest(self, committee: Committee) -> bytes:
        """CL-3: the bytes under the signature; bound to the committee, too."""
        writer = Writer().u8(_VERSION).u8(self.kind).raw(self.chain_id, ID_BYTES)
        writer.u64(self.height).u32(self.round).u8(self.block_hash is not None)
        writer.raw(self.block_hash or bytes(ID_BYTES), ID_BYTES)
        return tagged_hash("consensus/vote", writer.done(), committee.digest)


@dataclass(frozen=True, slots=True)
class CommitCertificate:
    """Precommits of one round for one block.

    Attributes:
        chain_id: S-12.
        height: of the block.
        round: in which they precommitted.
        block_hash: of the header.
        members: number of members of the committee.
        signers: places in the committee, ascending.
        signatures: one for each.
    """

    chain_id: ChainId
    height: Height
    round: int
    block_hash: bytes
    members: int
    signers: tuple[int, ...]
    signatures: tuple[bytes, ...]

    @staticmethod
    def of(ballot: Ballot, members: int, signatures: Mapping[int, bytes]) -> CommitCertificate:
        """The certificate of these signatures (place → signature) over a precommit; unchecked."""
        if ballot.block_hash is None:
            raise CertificateRefused("CL-3", "votes for no block certify none")
        places = tuple(sorted(signatures))
        return CommitCertificate(
            ballot.chain_id,
            ballot.height,
            ballot.round,
            ballot.block_hash,
            members,
            places,
            tuple(signatures[place] for place in places),
        )

    def to_bytes(self) -> bytes:
        """Version, chain, height, round, block, members u16, a bit for each, signatures in order.

        Written field by field as signed, so a certificate has one encoding (CL-4).
        """
        writer = Writer().u8(_VERSION).raw(self.chain_id, ID_BYTES).u64(self.height)
        writer.u32(self.round).raw(self.block_hash, ID_BYTES).u16(self.members)
        bits = sum(1 << place for place in self.signers)
        writer.uint(bits, (self.members + 7) // 8)
        for signature in self.signatures:
            writer.raw(signature, SIGNATURE_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> CommitCertificate:
        """Strict (CL-4). Raises DecodeError."""
        where = "certificate"
        reader = Reader(data, where)
        if (version := reader.u8()) != _VERSION:
            raise NonCanonical(f"CL-4: unknown version {version} of a certificate", where=where)
        chain_id, height, number = (
            ChainId(reader.take(ID_BYTES)),
            Height(reader.u64()),
            reader.u32(),
        )
        block_hash = reader.take(ID_BYTES)
        members = reader.count(2, MAX_MEMBERS, "CL-4: members")
        bits = reader.uint((members + 7) // 8)
        if bits >> members:
            raise NonCanonical("CL-4: bits are set beyond the last member", where=where)
        signers = tuple(place for place in range(members) if bits >> place & 1)
        signatures = tuple(reader.take(SIGNATURE_BYTES) for _ in signers)
        reader.done()
        return CommitCertificate(chain_id, height, number, block_hash, members, signers, signatures)


def check_certificate(
    certificate: CommitCertificate, committee: Committee, chain_id: ChainId
) -> None:
    """CL-1 … CL-3: more than two thirds of the committee precommitted this block in one round.

    Args:
        certificate: to be checked; cheap rules come first.
        committee: of the certificate's height, from a source that is trusted.
        chain_id: of this chain.

    Raises:
        CertificateRefused: the rule that it breaks.
    """
    signers, count = certificate.signers, len(committee.members)
    if certificate.members != count:
        raise CertificateRefused(
            "CL-1", f"of a committee of {certificate.members}, this one has {count}"
        )
    if any(not a < b for a, b in itertools.pairwise(signers)) or any(
        not 0 <= place < count for place in signers
    ):
        raise CertificateRefused("CL-1", "signers are not members, in order and once each")
    if len(certificate.signatures) != len(signers):
        raise CertificateRefused("CL-1", "not one signature for each signer")
    _check_weight(sum(committee.members[place].weight for place in signers), committee)
    if certificate.chain_id != chain_id:
        raise CertificateRefused("CL-3", f"made for chain {certificate.chain_id.hex()[:16]}…")
    ballot = Ballot(
        chain_id,
        VoteKind.PRECOMMIT,
        certificate.height,
        certificate.round,
        certificate.block_hash,
    )
    digest = ballot.digest(committee)
    for place, signature in zip(signers, certificate.signatures, strict=True):
        member = committee.members[place]
        if not is_signed(member.key, digest, signature):
            raise CertificateRefused(
                "CL-3",
                "the signature is not over exactly this precommit",
                where=f"member {member.id.hex()[:16]}…",
            )


def _check_weight(weight: int, committee: Committee) -> None:
    """CL-2: more than two thirds, exactly."""
    if weight < committee.quorum:
        raise CertificateRefused(
            "CL-2", f"signed by {weight} of {committee.total}, {committee.quorum} are needed"
        )


def is_signed(key: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether `key`, of a member, signed."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, digest)
    except (InvalidSignature, ValueError):
        return False
    return True
