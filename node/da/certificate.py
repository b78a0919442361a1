"""Statements that rows are kept, signed by members, and certificates of more than two thirds.

A certificate says: at least a third of the stake is honest and has its rows, so the batch can be
read (or is ⊥ for everybody, `node.da.blob`) until its retention ends. Blocks order certificates
instead of batches.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from node.core.codec import Reader, Writer
from node.core.committee import MAX_MEMBERS, Committee, Member
from node.core.ids import ID_BYTES, ChainId, Height, tagged_hash
from node.da.domain import Domain, Placement
from node.da.errors import DataRefused
from node.da.rows import Commitment
from zk.errors import NonCanonical

SIGNATURE_BYTES: Final = 64
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Statement:
    """What a member signs: "my rows of this blob are on my disk".

    Attributes:
        chain_id: of the chain that orders it.
        domain: id of the domain.
        commitment: coding (code, K, n), size and root of the blob.
        height: last height that the uploader had seen; it fixes the committee.
        expiry: last height at which a certificate may be ordered.
    """

    chain_id: ChainId
    domain: bytes
    commitment: Commitment
    height: Height
    expiry: Height

    def write(self, writer: Writer) -> None:
        writer.u8(_VERSION).raw(self.chain_id, ID_BYTES).raw(self.domain, ID_BYTES)
        self.commitment.write(writer)
        writer.u64(self.height).u64(self.expiry)

    def to_bytes(self) -> bytes:
        writer = Writer()
        self.write(writer)
        return writer.done()

    @staticmethod
    def read(reader: Reader) -> Statement:
        if (version := reader.u8()) != _VERSION:
            raise NonCanonical(f"unknown version {version} of a statement", where=reader.where)
        return Statement(
            ChainId(reader.take(ID_BYTES)),
            reader.take(ID_BYTES),
            Commitment.read(reader),
            Height(reader.u64()),
            Height(reader.u64()),
        )

    @staticmethod
    def from_bytes(data: bytes) -> Statement:
        """Strict. Raises DecodeError; DataRefused (DA-2)."""
        reader = Reader(data, "statement")
        statement = Statement.read(reader)
        reader.done()
        return statement

    def digest(self, committee: Committee) -> bytes:
        """What is signed: with the committee, since another one shares the rows out differently."""
        return tagged_hash("da/statement", self.to_bytes(), committee.digest)


def check_statement(
    statement: Statement, domain: Domain, chain_id: ChainId, height: Height
) -> None:
    """DA-11: for this chain and domain, coded as it codes, and at a height of its time.

    Args:
        statement: what is to be signed or ordered.
        domain: the domain as of the statement's height.
        chain_id: of this chain.
        height: of the block that it is checked for.

    Raises:
        DataRefused: DA-11, or DA-23 for the size.
    """
    where = "statement"
    if statement.chain_id != chain_id:
        raise DataRefused("DA-11", "made for another chain", where=where)
    if statement.domain != domain.id:
        raise DataRefused("DA-11", "made for another domain", where=where)
    if statement.commitment.coding != domain.coding:
        raise DataRefused(
            "DA-11",
            f"coded by {statement.commitment.coding}",
            where=where,
            fix=f"use {domain.coding}",
        )
    if domain.placement(statement.commitment.size) is Placement.INLINE:
        raise DataRefused(
            "DA-11",
            f"{statement.commitment.size} bytes lie in the block, without a certificate",
            where=where,
        )
    if not statement.height <= height <= statement.expiry:
        raise DataRefused(
            "DA-11",
            f"for heights {statement.height} to {statement.expiry}, this is {height}",
            where=where,
        )
    if statement.expiry - statement.height > domain.lifetime:
        raise DataRefused(
            "DA-11",
            f"{statement.expiry - statement.height} heights of life, at most {domain.lifetime}",
            where=where,
        )


@dataclass(frozen=True, slots=True)
class Certificate:
    """A statement with the signatures of more than two thirds of the stake.

    Attributes:
        statement: what they signed.
        members: number of members of the committee.
        signers: places in the committee, ascending.
        signatures: one for each.
    """

    statement: Statement
    members: int
    signers: tuple[int, ...]
    signatures: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """Statement, number of members u16, a bit per member, signatures in order."""
        writer = Writer()
        self.statement.write(writer)
        bits = sum(1 << place for place in self.signers)
        writer.u16(self.members).uint(bits, (self.members + 7) // 8)
        for signature in self.signatures:
            writer.raw(signature, SIGNATURE_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Certificate:
        """Strict: one encoding per certificate (DA-13). Raises DecodeError; DataRefused (DA-2)."""
        where = "certificate"
        reader = Reader(data, where)
        statement = Statement.read(reader)
        members = reader.count(2, MAX_MEMBERS, "members")
        bits = reader.uint((members + 7) // 8)
        if bits >> members:
            raise NonCanonical("DA-13: bits are set beyond the last member", where=where)
        signers = tuple(place for place in range(members) if bits >> place & 1)
        signatures = tuple(reader.take(SIGNATURE_BYTES) for _ in signers)
        reader.done()
        return Certificate(statement, members, signers, signatures)


def check_certificate(
    certificate: Certificate, domain: Domain, chain_id: ChainId, height: Height
) -> None:
    """DA-11 … DA-13: may be ordered in the block of `height`. Cheap rules come first.

    Raises:
        DataRefused: the rule that it breaks.
    """
    check_statement(certificate.statement, domain, chain_id, height)
    committee = domain.committee
    signers = certificate.signers
    where = "certificate"
    if certificate.members != len(committee.members):
        raise DataRefused(
            "DA-12",
            f"of a committee of {certificate.members}, this one has {len(committee.members)}",
            where=where,
        )
    if any(not a < b for a, b in itertools.pairwise(signers)) or any(
        not 0 <= place < certificate.members for place in signers
    ):
        raise DataRefused("DA-12", "signers are not members, in order and once each", where=where)
    if len(certificate.signatures) != len(signers):
        raise DataRefused("DA-12", "not one signature for each signer", where=where)
    weight = sum(committee.members[place].weight for place in signers)
    _check_weight(weight, committee)
    digest = certificate.statement.digest(committee)
    for place, signature in zip(signers, certificate.signatures, strict=True):
        _check_signature(committee.members[place], digest, signature)


def _check_weight(weight: int, committee: Committee) -> None:
    """DA-12: more than two thirds, exactly."""
    if weight < committee.quorum:
        raise DataRefused(
            "DA-12",
            f"signed by {weight} of {committee.total}, {committee.quorum} are needed",
            where="certificate",
            why="honest signers could be too few to give the batch back",
        )


def _check_signature(member: Member, digest: bytes, signature: bytes) -> None:
    """DA-13."""
    try:
        if len(signature) != SIGNATURE_BYTES:
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(member.key).verify(signature, digest)
    except (InvalidSignature, ValueError) as error:
        raise DataRefused(
            "DA-13",
            "the signature is not over exactly this statement and committee",
            where=f"member {member.id.hex()[:16]}…",
        ) from error


@dataclass
class Collector:
    """Gathers signatures for one statement, until they are enough.

    Args:
        statement: already checked by whoever collects.
        committee: the domain's.
    """

    statement: Statement
    committee: Committee
    _signatures: dict[int, bytes] = field(default_factory=dict, init=False, repr=False)

    def add(self, member_id: bytes, signature: bytes) -> int:
        """Take a member's signature; the weight so far. A second one of the same is no matter.

        Raises:
            DataRefused: DA-12, no member; DA-13, no signature over this statement.
        """
        place = self.committee.index(member_id)
        if place is None:
            raise DataRefused("DA-12", f"{member_id.hex()[:16]}… is no member", where="signature")
        digest = self.statement.digest(self.committee)
        _check_signature(self.committee.members[place], digest, signature)
        self._signatures.setdefault(place, signature)
        return self.weight

    @property
    def weight(self) -> int:
        """Stake that signed."""
        return sum(self.committee.members[place].weight for place in self._signatures)

    def certificate(self) -> Certificate:
        """All that was gathered. Raises DataRefused (DA-12) below the quorum."""
        _check_weight(self.weight, self.committee)
        signers = tuple(sorted(self._signatures))
        return Certificate(
            self.statement,
            len(self.committee.members),
            signers,
            tuple(self._signatures[place] for place in signers),
        )
