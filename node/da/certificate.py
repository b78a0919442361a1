"""Statements that rows are kept, signed by members, and certificates of more than two thirds.

A certificate says: at least a third of the stake is honest and has its rows, so the batch can be
read (or is ⊥ for everybody, `node.da.blob`) until its retention ends. Blocks order certificates
instead of batches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from node.core.codec import Reader, Writer
from node.core.committee import Committee, Member, Signers
from node.core.ed25519 import is_signed
from node.core.ids import ID_BYTES, ChainId, Height, tagged_hash
from node.da.domain import Domain, Placement
from node.da.errors import DataRefused
from node.da.rows import Commitment
from zk.errors import NonCanonical

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
        self.signed.write(writer)
        return writer.done()

    @property
    def signed(self) -> Signers:
        """Who signed the statement."""
        return Signers(self.members, self.signers, self.signatures)

    @staticmethod
    def from_bytes(data: bytes) -> Certificate:
        """Strict: one encoding per certificate (DA-13). Raises DecodeError; DataRefused (DA-2)."""
        where = "certificate"
        reader = Reader(data, where)
        statement = Statement.read(reader)
        signed = Signers.read(reader, "DA-13")
        reader.done()
        return Certificate(statement, signed.members, signed.places, signed.signatures)


def check_certificate(
    certificate: Certificate, domain: Domain, chain_id: ChainId, height: Height
) -> None:
    """DA-11 … DA-13: may be ordered in the block of `height`. Cheap rules come first.

    Raises:
        DataRefused: the rule that it breaks.
    """
    check_statement(certificate.statement, domain, chain_id, height)
    committee = domain.committee
    signed = certificate.signed
    if fault := signed.fault(committee):
        raise DataRefused("DA-12", fault, where="certificate")
    _check_weight(signed.weight(committee), committee)
    member = signed.not_signed(committee, certificate.statement.digest(committee))
    if member is not None:
        raise _not_signed(member)


def _check_weight(weight: int, committee: Committee) -> None:
    """DA-12: more than two thirds, exactly."""
    if weight < committee.quorum:
        raise DataRefused(
            "DA-12",
            f"signed by {weight} of {committee.total}, {committee.quorum} are needed",
            where="certificate",
            why="honest signers could be too few to give the batch back",
        )


def _not_signed(member: Member) -> DataRefused:
    """DA-13."""
    return DataRefused(
        "DA-13",
        "the signature is not over exactly this statement and committee",
        where=f"member {member.id.hex()[:16]}…",
    )


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
        member = self.committee.members[place]
        if not is_signed(member.key, self.statement.digest(self.committee), signature):
            raise _not_signed(member)
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
