"""Transactions of the private environment, as payloads.

    1 declare    head, declaration 4 + n, signature 64                     anybody; its payer pays
    2 ceremony   committee 32, epoch 8, attempt 4, step 1, message 4 + n   members, unpaid
    3 round      head, terms, signature 64, signature 64                   providers of funds
    4 donate     chain id 32, round 32, project 1, members 32,             donors; what is carried
                 nullifier 32, cv 32, input 4 + n, proof 160, link 256,    pays
                 shielded transaction
    5 complaint  input 32, message 4 + n                                   members, unpaid
    6 accept     round 32, acceptance 4 + n                                members, unpaid
    7 open       round 32, count 2, (value 32, blinding 32) each           members, unpaid
    8 settle     round 32                                                  anybody, unpaid
    9 claim      chain id 32, input 32, commitment 32, cv 32,              owners; what is carried
                 proof 160, link 160, signature 64, shielded transaction   pays
    10 deposit   chain id 32, cv 32, input 4 + n, proof 160, link 160,     owners; what is carried
                 shielded transaction                                      pays
    11 place     head, kind 64, amount 8, input 4 + n, signature 64,       owners
                 signature 64
    12 withdraw  head, input 32, account 32, value 8, blinding 32,         owners
                 signature 64, signature 64
    13 remask    committee 32, epoch 8, message 4 + n                      members, unpaid
    14 freeze    committee 32, epoch 8                                     anybody, unpaid
    15 handover  committee 32, epoch 8, successor 32, epoch 8, retry 4,    members, unpaid
                 certificate, message 4 + n

    head         chain id 32, fee 8, expiry 8, payer 32

One encoding each (PV-101). A shielded transaction stands last, so that its fee is where it always
is. Proofs and signatures are in no id.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import ClassVar, Final, TypeVar

from node.core.block import MAX_TX_BYTES, Transaction
from node.core.codec import Reader, Writer
from node.core.ids import (
    ID_BYTES,
    AccountId,
    ChainId,
    EnvironmentId,
    Height,
    Kind,
    TxId,
    tagged_hash,
)
from node.private import gifts
from node.private.errors import PrivateRefused
from node.private.gifts import Carrying, ClaimTx, DepositTx, DonateTx
from node.private.terms import Terms
from private_exec.committee.certificate import Certificate
from private_exec.committee.opening import OpenStatement
from private_exec.pedersen import Opening
from private_exec.roster import SIGNATURE_BYTES, Signer
from shielded.transaction import ShieldedTx
from transparent.signature import SigningKey
from transparent.spec import crossing_digest

MAX_MESSAGE: Final = MAX_TX_BYTES


class Tag(IntEnum):
    """What a payload is; its first byte."""

    DECLARE = 1
    CEREMONY = 2
    ROUND = 3
    DONATE = gifts.DONATE
    COMPLAINT = 5
    ACCEPT = 6
    OPEN = 7
    SETTLE = 8
    CLAIM = gifts.CLAIM
    DEPOSIT = gifts.DEPOSIT
    PLACE = 11
    WITHDRAW = 12
    REMASK = 13
    FREEZE = 14
    HANDOVER = 15

    @property
    def label(self) -> str:
        return self.name.lower()


UNPAID: Final = frozenset(
    {
        Tag.CEREMONY,
        Tag.COMPLAINT,
        Tag.ACCEPT,
        Tag.OPEN,
        Tag.SETTLE,
        Tag.REMASK,
        Tag.FREEZE,
        Tag.HANDOVER,
    }
)
"""What pays by being what somebody paid for: each counts once, and only if the state awaits it."""


class Step(IntEnum):
    """The three steps of a key ceremony."""

    NOTICE = 1
    DEALING = 2
    COMPLAINT = 3

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Head:
    """Who pays, from a transparent account.

    Attributes:
        chain_id: the one chain on which it is valid.
        fee: base units of the native kind.
        expiry: last height at which it may be included.
        payer: who signs, and pays.
    """

    chain_id: ChainId
    fee: int
    expiry: Height
    payer: AccountId

    def write(self, writer: Writer) -> None:
        writer.raw(self.chain_id, ID_BYTES).u64(self.fee).u64(self.expiry)
        writer.raw(self.payer, ID_BYTES)

    @staticmethod
    def read(reader: Reader) -> Head:
        chain_id, fee, expiry = ChainId(reader.take(ID_BYTES)), reader.u64(), reader.u64()
        return Head(chain_id, fee, Height(expiry), AccountId(reader.take(ID_BYTES)))


class Paid(ABC):
    """What an account pays for: it signs the id, which covers all but signatures.

    Attributes:
        tag: its first byte.
        head: who pays.
        signature: of the payer over `consent`, for the fee.
    """

    tag: ClassVar[Tag]
    head: Head
    signature: bytes

    @abstractmethod
    def _write(self, writer: Writer) -> None:
        """What stands between head and signatures."""

    def _unsigned(self) -> bytes:
        writer = Writer().u8(self.tag)
        self.head.write(writer)
        self._write(writer)
        return writer.done()

    def to_bytes(self) -> bytes:
        return self._unsigned() + self.signature

    @cached_property
    def id(self) -> TxId:
        """Of a round, also the round's."""
        return TxId(tagged_hash("private/tx", self._unsigned()))

    @property
    def consent(self) -> bytes:
        """What the payer signs for the fee."""
        return tagged_hash("private/consent", self.id)


class Authorized(Paid):
    """What somebody signs for beside the fee: the payer for an amount, or an input's owner."""

    authorization: bytes

    def to_bytes(self) -> bytes:
        return super().to_bytes() + self.authorization


class Taking(Authorized):
    """What leaves the payer's account, who signs for it (TR-10)."""

    @property
    @abstractmethod
    def taken(self) -> tuple[Kind, int]:
        """Kind and amount."""

    @property
    def debit(self) -> bytes:
        """What the payer signs for the amount."""
        return crossing_digest(self.head.payer, *self.taken, self.id)


@dataclass(frozen=True)
class DeclareTx(Paid):
    """Declares a committee.

    Attributes:
        head: who pays.
        declaration: as `private_exec.committee` encodes it.
        signature: of the payer over `consent`.
    """

    tag = Tag.DECLARE
    head: Head
    declaration: bytes
    signature: bytes = bytes(SIGNATURE_BYTES)

    def _write(self, writer: Writer) -> None:
        writer.blob(self.declaration)


@dataclass(frozen=True)
class CeremonyTx:
    """A member's message of a key ceremony, as `private_exec.committee` encodes it."""

    committee: bytes
    epoch: int
    attempt: int
    step: Step
    message: bytes

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.CEREMONY).raw(self.committee, ID_BYTES).u64(self.epoch)
        return head.u32(self.attempt).u8(self.step).blob(self.message).done()


@dataclass(frozen=True)
class RoundTx(Taking):
    """Opens a round of matching funds, and locks them.

    Attributes:
        head: who pays; it is the provider.
        terms: of the round.
        signature: of the provider over `consent`, for the fee.
        authorization: of the provider over `debit`, for the funds (TR-10).
    """

    tag = Tag.ROUND
    head: Head
    terms: Terms
    signature: bytes = bytes(SIGNATURE_BYTES)
    authorization: bytes = bytes(SIGNATURE_BYTES)

    def _write(self, writer: Writer) -> None:
        self.terms.write(writer)

    @property
    def taken(self) -> tuple[Kind, int]:
        """The pool."""
        return self.terms.kind, self.terms.pool


@dataclass(frozen=True)
class ComplaintTx:
    """A member says that an input gave it no share.

    Attributes:
        input: id.
        message: as `private_exec.committee` encodes it.
    """

    input: bytes
    message: bytes

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.COMPLAINT).raw(self.input, ID_BYTES)
        return head.blob(self.message).done()


@dataclass(frozen=True)
class AcceptTx:
    """Inputs of a round become cells, by the signatures of 2t + 1 members.

    Attributes:
        round: id.
        message: the acceptance, as `private_exec.committee` encodes it.
    """

    round: bytes
    message: bytes

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.ACCEPT).raw(self.round, ID_BYTES)
        return head.blob(self.message).done()


@dataclass(frozen=True)
class OpenTx:
    """The declared outputs of a round: nothing else of it is ever opened (PV-116).

    Attributes:
        opened: of the round's id: S and T, with their blindings, of each project with enough
            donations, in order.
    """

    opened: OpenStatement

    @property
    def round(self) -> bytes:
        """Id."""
        return self.opened.session

    def to_bytes(self) -> bytes:
        return bytes([Tag.OPEN]) + self.opened.to_bytes()


@dataclass(frozen=True)
class SettleTx:
    """Ends a round; all that it does follows from the state."""

    round: bytes

    def to_bytes(self) -> bytes:
        return Writer().u8(Tag.SETTLE).raw(self.round, ID_BYTES).done()


@dataclass(frozen=True)
class PlaceTx(Taking):
    """Puts an amount that everybody sees into a cell of one owner.

    Attributes:
        head: who pays the fee, and the amount.
        kind, amount: what leaves the payer's account.
        input: the amount shared among the members; committed to without a blinding.
        signature: of the payer over `consent`, for the fee.
        authorization: of the payer over `debit`, for the amount (TR-10).
    """

    tag = Tag.PLACE
    head: Head
    kind: Kind
    amount: int
    input: bytes
    signature: bytes = bytes(SIGNATURE_BYTES)
    authorization: bytes = bytes(SIGNATURE_BYTES)

    def _write(self, writer: Writer) -> None:
        writer.raw(self.kind.to_bytes(), 64).u64(self.amount).blob(self.input)

    @property
    def taken(self) -> tuple[Kind, int]:
        """What goes into the cell."""
        return self.kind, self.amount


@dataclass(frozen=True)
class WithdrawTx(Authorized):
    """Takes what an input holds into an account, in the clear.

    Attributes:
        head: who pays the fee.
        input: id of a deposit, or of a donation that goes back.
        account: who gets it.
        opened: value and blinding of its commitment, as the owner made it.
        signature: of the payer over `consent`, for the fee.
        authorization: of the input's owner over `digest`.
    """

    tag = Tag.WITHDRAW
    head: Head
    input: bytes
    account: AccountId
    opened: Opening
    signature: bytes = bytes(SIGNATURE_BYTES)
    authorization: bytes = bytes(SIGNATURE_BYTES)

    def _write(self, writer: Writer) -> None:
        writer.raw(self.input, ID_BYTES).raw(self.account, ID_BYTES)
        writer.u64(self.opened.value).fr(self.opened.blinding)

    @property
    def digest(self) -> bytes:
        """What the owner signs."""
        return tagged_hash("private/withdraw", self.id)


@dataclass(frozen=True)
class RemaskTx:
    """Cells of deposits go to the keys of the epoch behind theirs.

    Attributes:
        committee: id.
        epoch: whose keys mask them.
        message: the remasking, as `private_exec.committee` encodes it.
    """

    committee: bytes
    epoch: int
    message: bytes

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.REMASK).raw(self.committee, ID_BYTES).u64(self.epoch)
        return head.blob(self.message).done()


@dataclass(frozen=True)
class FreezeTx:
    """An epoch that its committee left lying ends for it; the rest follows from the state."""

    committee: bytes
    epoch: int

    def to_bytes(self) -> bytes:
        return Writer().u8(Tag.FREEZE).raw(self.committee, ID_BYTES).u64(self.epoch).done()


@dataclass(frozen=True)
class HandoverTx:
    """Cells of deposits go to another committee.

    Attributes:
        committee, epoch: whose keys mask them.
        successor, serving: committee and epoch whose keys will.
        retry: attempt of the members at this transfer, from 0.
        will: of the old committee, over `private_exec.committee.reshare.Transfer`.
        message: the remasking, by the new one, as `private_exec.committee` encodes it.
    """

    committee: bytes
    epoch: int
    successor: bytes
    serving: int
    retry: int
    will: Certificate
    message: bytes

    def to_bytes(self) -> bytes:
        writer = Writer().u8(Tag.HANDOVER).raw(self.committee, ID_BYTES).u64(self.epoch)
        writer.raw(self.successor, ID_BYTES).u64(self.serving).u32(self.retry)
        return writer.done() + self.will.to_bytes() + Writer().blob(self.message).done()


PrivateTx = (
    DeclareTx
    | CeremonyTx
    | RoundTx
    | DonateTx
    | ComplaintTx
    | AcceptTx
    | OpenTx
    | SettleTx
    | ClaimTx
    | DepositTx
    | PlaceTx
    | WithdrawTx
    | RemaskTx
    | FreezeTx
    | HandoverTx
)


def decode(payload: bytes) -> PrivateTx:
    """PV-101: strict, one encoding.

    Raises:
        DecodeError: not an encoding, of its own fields or of the carried transaction's.
        PrivateRefused: PV-101, an unknown tag.
    """
    tag = tag_of(payload)
    reader = Reader(payload[1:], f"private {tag.label}")
    found = _read(tag, reader)
    reader.done()
    return found


def _read(tag: Tag, reader: Reader) -> PrivateTx:
    match tag:
        case Tag.DECLARE:
            head, declaration = Head.read(reader), reader.blob(MAX_MESSAGE, "declaration")
            return DeclareTx(head, declaration, _signature(reader))
        case Tag.CEREMONY:
            return _read_ceremony(reader)
        case Tag.ROUND:
            head, terms = Head.read(reader), Terms.read(reader)
            return RoundTx(head, terms, _signature(reader), _signature(reader))
        case Tag.DONATE:
            return gifts.read_donate(reader)
        case Tag.COMPLAINT:
            return ComplaintTx(reader.take(ID_BYTES), reader.blob(MAX_MESSAGE, "message"))
        case Tag.ACCEPT:
            return AcceptTx(reader.take(ID_BYTES), reader.blob(MAX_MESSAGE, "acceptance"))
        case Tag.OPEN:
            return OpenTx(OpenStatement.from_bytes(reader.rest()))
        case Tag.SETTLE:
            return SettleTx(reader.take(ID_BYTES))
        case Tag.CLAIM:
            return gifts.read_claim(reader)
        case Tag.DEPOSIT:
            return gifts.read_deposit(reader)
        case Tag.PLACE:
            head, kind, amount = Head.read(reader), Kind.read(reader), reader.u64()
            shared = reader.blob(MAX_MESSAGE, "input")
            return PlaceTx(head, kind, amount, shared, _signature(reader), _signature(reader))
        case Tag.WITHDRAW:
            head, identity = Head.read(reader), reader.take(ID_BYTES)
            account = AccountId(reader.take(ID_BYTES))
            opened = Opening(reader.u64(), reader.fr())
            signatures = _signature(reader), _signature(reader)
            return WithdrawTx(head, identity, account, opened, *signatures)
        case Tag.REMASK:
            committee, epoch = reader.take(ID_BYTES), reader.u64()
            return RemaskTx(committee, epoch, reader.blob(MAX_MESSAGE, "remasking"))
        case Tag.FREEZE:
            return FreezeTx(reader.take(ID_BYTES), reader.u64())
        case Tag.HANDOVER:
            places = reader.take(ID_BYTES), reader.u64(), reader.take(ID_BYTES), reader.u64()
            retry, will = reader.u32(), Certificate.read(reader)
            return HandoverTx(*places, retry, will, reader.blob(MAX_MESSAGE, "remasking"))


def _read_ceremony(reader: Reader) -> CeremonyTx:
    committee, epoch, attempt = reader.take(ID_BYTES), reader.u64(), reader.u32()
    step = step_of(reader.u8())
    return CeremonyTx(committee, epoch, attempt, step, reader.blob(MAX_MESSAGE, "message"))


def _signature(reader: Reader) -> bytes:
    return reader.take(SIGNATURE_BYTES)


def tag_of(payload: bytes) -> Tag:
    """PV-101. Raises PrivateRefused."""
    if payload and payload[0] in Tag.__members__.values():
        return Tag(payload[0])
    raise PrivateRefused("PV-101", "no private transaction begins so", where="tag")


def step_of(value: int) -> Step:
    """PV-101. Raises PrivateRefused."""
    if value in Step.__members__.values():
        return Step(value)
    raise PrivateRefused("PV-101", f"no step {value} of a key ceremony", where="step")


def preview(payload: bytes) -> tuple[ChainId | None, int]:
    """Chain id, where there is one, and fee, read in place.

    Raises:
        DecodeError: too short.
        PrivateRefused: PV-101.
    """
    tag = tag_of(payload)
    if tag in UNPAID:
        return None, 0
    if tag in (Tag.DONATE, Tag.CLAIM, Tag.DEPOSIT):
        return ShieldedTx.preview(payload[1:])
    reader = Reader(payload[1:], f"private {tag.label}")
    return ChainId(reader.take(ID_BYTES)), reader.u64()


Take = TypeVar("Take", RoundTx, PlaceTx)


def tx_id(tx: PrivateTx, chain_id: ChainId) -> TxId:
    """Identity: everything but proofs and signatures; of a member's message, all of it."""
    if isinstance(tx, Paid | Carrying):
        return tx.id
    return TxId(tagged_hash("private/tx", chain_id, tx.to_bytes()))


def sign_declare(tx: DeclareTx, payer: SigningKey) -> DeclareTx:
    """With the payer's consent."""
    return replace(tx, signature=payer.sign(tx.consent))


def sign_taking(tx: Take, payer: SigningKey) -> Take:
    """With the payer's consent to the fee, and to what leaves the account."""
    signature, debit = payer.sign(tx.consent), payer.sign(tx.debit)
    return replace(tx, signature=signature, authorization=debit)


def sign_withdraw(tx: WithdrawTx, payer: SigningKey, owner: Signer) -> WithdrawTx:
    """With the payer's consent to the fee, and the owner's to all of it."""
    signature, will = payer.sign(tx.consent), owner.sign(tx.digest)
    return replace(tx, signature=signature, authorization=will)


def wire(tx: PrivateTx) -> bytes:
    """In its envelope, as it is sent."""
    return Transaction(EnvironmentId.PRIVATE, tx.to_bytes()).to_bytes()
