"""Votes of a round, and the certificate that more than two thirds precommitted one block.

A certificate makes its block final under the usual bound: validators of less than a third of the
weight lie. Signers of one certificate and of another of the same height share an honest validator,
who is locked on what it precommitted; so there is no second certificate for another block. That
holds for precommits of *one* round only: those of several rounds do not add up (CL-3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.consensus.errors import CertificateRefused
from node.core.codec import Reader, Writer
from node.core.committee import Committee, Signers
from node.core.ids import ID_BYTES, ChainId, Height, tagged_hash
from zk.errors import NonCanonical

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
        writer.u32(self.round).raw(self.block_hash, ID_BYTES)
        self.signed.write(writer)
        return writer.done()

    @property
    def signed(self) -> Signers:
        """Who precommitted."""
        return Signers(self.members, self.signers, self.signatures)

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
        signed = Signers.read(reader, "CL-4")
        reader.done()
        return CommitCertificate(
            chain_id, height, number, block_hash, signed.members, signed.places, signed.signatures
        )


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
    signed = certificate.signed
    if fault := signed.fault(committee):
        raise CertificateRefused("CL-1", fault)
    _check_weight(signed.weight(committee), committee)
    if certificate.chain_id != chain_id:
        raise CertificateRefused("CL-3", f"made for chain {certificate.chain_id.hex()[:16]}…")
    ballot = Ballot(
        chain_id,
        VoteKind.PRECOMMIT,
        certificate.height,
        certificate.round,
        certificate.block_hash,
    )
    if (member := signed.not_signed(committee, ballot.digest(committee))) is not None:
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
