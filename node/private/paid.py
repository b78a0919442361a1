"""Private transactions that an account pays for: it signs the fee, and what leaves it (TR-10)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, TypeVar

from node.core.codec import Reader, Writer
from node.core.ids import (
    ID_BYTES,
    AccountId,
    ChainId,
    Height,
    Kind,
    TxId,
    tagged_hash,
)
from node.private.tags import Tag
from node.private.terms import Terms
from private_exec.pedersen import Opening
from private_exec.roster import SIGNATURE_BYTES, Signer
from transparent.signature import SigningKey
from transparent.spec import crossing_digest


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
    """What an account pays for: it signs for the id, which covers all but proofs and signatures.

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
        input: id of a deposit, of an input that goes back, or of what an order traded.
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


Take = TypeVar("Take", RoundTx, PlaceTx)


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
