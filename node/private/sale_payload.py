"""Sales: what sellers, anybody and members say of them; bids and orders are in `gifts`.

    20 offer     head, terms, cv 32, input 4 + n, (proof 160, link 160) twice,   sellers
                 signature 64
    22 call      sale 32, attempt 4                                              anybody, unpaid
    23 result    sale 32, session 32, program 1, its sizes 1 each, its digest    members, unpaid
                 32, cells read 32 each, cells made (c 32, commitment 32) each,
                 proof 160, link, certificate
    24 blame     sale 32, session 32, certificate 4 + n, liars 2, certificate    members, unpaid
    25 silence   sale 32, session 32, member 1, unheard 2, signature 64          members, unpaid
    26 batch     head, terms, signature 64                                       anybody

A set of members is 2 bytes, bit m of it member m.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, tagged_hash
from node.private.batch_terms import BatchTerms
from node.private.gifts import CV_BYTES, LinkedProof
from node.private.messages import MAX_MESSAGE
from node.private.paid import Head, Paid
from node.private.sale_program import SaleProgram
from node.private.sale_terms import SaleTerms
from node.private.tags import Tag
from private_exec.committee.certificate import Certificate
from private_exec.mpc.labels import SessionId
from private_exec.provable.session import Made
from private_exec.roster import SIGNATURE_BYTES
from transparent.signature import SigningKey
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes


def mask_of(members: Iterable[int]) -> int:
    """A set of members as two bytes."""
    return sum(1 << member for member in members)


def members_of(mask: int) -> tuple[int, ...]:
    """Ascending."""
    return tuple(member for member in range(16) if mask >> member & 1)


@dataclass(frozen=True)
class OfferTx(Paid):
    """Offers something for sale, with a reserve that nobody sees.

    Attributes:
        head: who pays the fee.
        terms: of the sale.
        cv: commitment on Baby Jubjub to the reserve, compressed; nothing moves.
        input: the reserve shared among the members, as `private_exec.committee` encodes it.
        linked: the proof that cv holds what the input shares, 0 or more.
        bounded: the same of the rest to the highest bid that there is.
        signature: of the payer over `consent`.
    """

    tag = Tag.OFFER
    head: Head
    terms: SaleTerms
    cv: bytes
    input: bytes
    linked: LinkedProof
    bounded: LinkedProof
    signature: bytes = bytes(SIGNATURE_BYTES)

    @cached_property
    def sale(self) -> bytes:
        """The sale's id: of head and terms, so that the input can name it."""
        return sale_id(self.head, self.terms)

    def _write(self, writer: Writer) -> None:
        self.terms.write(writer)
        writer.raw(self.cv, CV_BYTES).blob(self.input)

    def to_bytes(self) -> bytes:
        proofs = self.linked.to_bytes() + self.bounded.to_bytes()
        return self._unsigned() + proofs + self.signature

    @cached_property
    def reference(self) -> bytes:
        """What the links are bound to."""
        return offer_reference(self.sale, self.cv, self.input)

    @staticmethod
    def read(reader: Reader) -> OfferTx:
        """Behind the tag. Raises DecodeError."""
        head, terms = Head.read(reader), SaleTerms.read(reader)
        cv, shared = reader.take(CV_BYTES), reader.blob(MAX_MESSAGE, "input")
        linked, bounded = LinkedProof.read(reader, 1), LinkedProof.read(reader, 1)
        return OfferTx(head, terms, cv, shared, linked, bounded, reader.take(SIGNATURE_BYTES))


def sign_offer(tx: OfferTx, payer: SigningKey) -> OfferTx:
    """With the payer's consent."""
    return replace(tx, signature=payer.sign(tx.consent))


@dataclass(frozen=True)
class BatchTx(Paid):
    """Has orders collected, to trade at one price.

    Attributes:
        head: who pays the fee; it has no part in it.
        terms: of the batch.
        signature: of the payer over `consent`.
    """

    tag = Tag.BATCH
    head: Head
    terms: BatchTerms
    signature: bytes = bytes(SIGNATURE_BYTES)

    @property
    def sale(self) -> bytes:
        """The batch's id."""
        return self.id

    def _write(self, writer: Writer) -> None:
        self.terms.write(writer)

    @staticmethod
    def read(reader: Reader) -> BatchTx:
        """Behind the tag. Raises DecodeError."""
        head, terms = Head.read(reader), BatchTerms.read(reader)
        return BatchTx(head, terms, reader.take(SIGNATURE_BYTES))


def sign_batch(tx: BatchTx, payer: SigningKey) -> BatchTx:
    """With the payer's consent."""
    return replace(tx, signature=payer.sign(tx.consent))


def sale_id(head: Head, terms: SaleTerms) -> bytes:
    """Id of an auction."""
    writer = Writer()
    head.write(writer)
    terms.write(writer)
    return tagged_hash("private/sale", writer.done())


def offer_reference(sale: bytes, cv: bytes, shared: bytes) -> bytes:
    """32 bytes that stand for all that an offer says."""
    return tagged_hash("private/offer", sale, cv, shared)


@dataclass(frozen=True)
class CallTx:
    """Has the committee compute; all that it does follows from the state.

    Attributes:
        sale: id.
        attempt: which one it opens, from 0: what was opened is not opened again.
    """

    sale: bytes
    attempt: int

    def to_bytes(self) -> bytes:
        return Writer().u8(Tag.CALL).raw(self.sale, ID_BYTES).u32(self.attempt).done()

    @staticmethod
    def read(reader: Reader) -> CallTx:
        return CallTx(reader.take(ID_BYTES), reader.u32())


@dataclass(frozen=True)
class ResultTx:
    """What a session came to: new cells, and a proof that they are right.

    Attributes:
        sale: id.
        session: id.
        program: that was run.
        digest: its digest; so who reads a result traces nothing.
        reads: commitments of the cells that it read, in the program's order.
        made: the new cells, in the order of its outputs.
        linked: the proof, over `reads` and the commitments of `made`.
        certificate: of 2t + 1 members.
    """

    sale: bytes
    session: SessionId
    program: SaleProgram
    digest: bytes
    reads: tuple[G1Affine, ...]
    made: tuple[Made, ...]
    linked: LinkedProof
    certificate: Certificate

    @property
    def statement(self) -> str:
        """Under which it is proved."""
        return self.program.statement_at(self.digest)

    @property
    def commitments(self) -> tuple[G1Affine, ...]:
        """What the proof is about."""
        return (*self.reads, *(one.com for one in self.made))

    def to_bytes(self) -> bytes:
        writer = Writer().u8(Tag.RESULT).raw(self.sale, ID_BYTES).raw(self.session, ID_BYTES)
        self.program.write(writer)
        writer.raw(self.digest, ID_BYTES)
        for point in self.reads:
            writer.raw(g1_to_bytes(point), G1_BYTES)
        for one in self.made:
            one.write(writer)
        return writer.done() + self.linked.to_bytes() + self.certificate.to_bytes()

    @staticmethod
    def read(reader: Reader) -> ResultTx:
        """Behind the tag. Raises DecodeError, or PrivateRefused: PV-178."""
        sale, session = reader.take(ID_BYTES), SessionId(reader.take(ID_BYTES))
        program, digest = SaleProgram.read(reader), reader.take(ID_BYTES)
        reads = tuple(
            g1_from_bytes(reader.take(G1_BYTES), what="commitment") for _ in range(program.reads)
        )
        made = tuple(Made.read(reader) for _ in range(program.makes))
        linked = LinkedProof.read(reader, program.reads + program.makes)
        signed = Certificate.read(reader)
        return ResultTx(sale, session, program, digest, reads, made, linked, signed)


@dataclass(frozen=True)
class BlameTx:
    """A batch of preparation was spoiled, and given up: the attempt is over.

    Attributes:
        sale: id.
        session: id.
        blamed: the certificate of the batch, as `private_exec.mpc.certificate` encodes it.
        liars: who spoiled it, as members found by what they revealed.
        certificate: of 2t + 1 members, of all this.
    """

    sale: bytes
    session: SessionId
    blamed: bytes
    liars: int
    certificate: Certificate

    def to_bytes(self) -> bytes:
        writer = Writer().u8(Tag.BLAME).raw(self.sale, ID_BYTES).raw(self.session, ID_BYTES)
        return writer.blob(self.blamed).u16(self.liars).done() + self.certificate.to_bytes()

    @staticmethod
    def read(reader: Reader) -> BlameTx:
        """Behind the tag. Raises DecodeError."""
        sale, session = reader.take(ID_BYTES), SessionId(reader.take(ID_BYTES))
        blamed, liars = reader.blob(MAX_MESSAGE, "certificate"), reader.u16()
        return BlameTx(sale, session, blamed, liars, Certificate.read(reader))


@dataclass(frozen=True)
class SilenceTx:
    """A member is there, and says whom it did not hear in a session.

    Attributes:
        sale: id.
        session: id.
        member: 1 … n.
        unheard: those whose message of some round it lacks; nobody, where it only answers.
        signature: of the member over `digest`.
    """

    sale: bytes
    session: SessionId
    member: int
    unheard: int
    signature: bytes = bytes(SIGNATURE_BYTES)

    def _unsigned(self) -> bytes:
        writer = Writer().u8(Tag.SILENCE).raw(self.sale, ID_BYTES).raw(self.session, ID_BYTES)
        return writer.u8(self.member).u16(self.unheard).done()

    def to_bytes(self) -> bytes:
        return self._unsigned() + self.signature

    @property
    def digest(self) -> bytes:
        """What the member signs; the session's id is of one chain and committee."""
        return tagged_hash("private/silence", self._unsigned())

    @staticmethod
    def read(reader: Reader) -> SilenceTx:
        """Behind the tag. Raises DecodeError."""
        sale, session = reader.take(ID_BYTES), SessionId(reader.take(ID_BYTES))
        return SilenceTx(sale, session, reader.u8(), reader.u16(), reader.take(SIGNATURE_BYTES))
