"""A shielded transaction: parties with their actions, what crosses, a fee, one balance signature.

    ShieldedTx    chain id, parties, public values, hidden values, fee, delta signature
    Party         mode, expiry, scope, actions         what one participant signs as a whole
    Crossing      target, account, kind, ± amount      value that leaves or enters the pool
    HiddenValue   target, reference, kind, ±, cv       the same, its amount seen by nobody

Encoding: fixed layout, little-endian; counts are one byte and capped. The *body* leaves out proofs,
signatures and authorizations: the transaction's id is its hash (SH-29).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.core.amounts import MAX_AMOUNT
from node.core.codec import Reader, Writer
from node.core.effects import Crossing, HiddenValue
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
from shielded import hidden
from shielded.action import UNSIGNED, Action
from shielded.errors import MalformedTransaction
from shielded.fields import read_environment, read_flag
from shielded.scan import ScannedTransaction
from shielded.schnorr import SIGNATURE_BYTES
from zk.errors import DecodeError

MAX_PARTIES: Final = 32
MAX_ACTIONS: Final = 64
"""Actions of one transaction, over all parties."""
MAX_PUBLIC_VALUES: Final = 32
MAX_AUTHORIZATION_BYTES: Final = 256
_MAX_U32: Final = 2**32 - 1
_MAX_U64: Final = 2**64 - 1
_FEE_BYTES: Final = 8


class Mode(IntEnum):
    """How much a party's signature binds."""

    PARTY = 0
    """The party's own actions: anyone may compose them with others'."""
    TRANSACTION = 1
    """The whole transaction: ordinary transfers."""


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """Where a party's actions may settle: the batch of one epoch of one DA domain (S-19)."""

    domain: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Party:
    """What one participant brings and signs as a whole (S-18).

    Attributes:
        actions: in order, at least one; each is signed under its own rk over all of them.
        expiry: last height at which they may be included.
        mode: how much the signatures bind.
        scope: None: anywhere.

    Raises:
        MalformedTransaction: SH-5 no action, or too many; SH-1 a number out of range.
    """

    actions: tuple[Action, ...]
    expiry: Height
    mode: Mode = Mode.TRANSACTION
    scope: Scope | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.actions) <= MAX_ACTIONS:
            raise MalformedTransaction(
                "SH-5", f"{len(self.actions)} actions of a party", where="actions"
            )
        if not 0 <= self.expiry <= _MAX_U64:
            raise MalformedTransaction("SH-1", "the expiry is no u64", where="expiry")
        if self.scope is not None and not (
            0 <= self.scope.domain <= _MAX_U32 and 0 <= self.scope.epoch <= _MAX_U64
        ):
            raise MalformedTransaction("SH-1", "the scope is out of range", where="scope")

    def flags(self) -> bytes:
        """Mode, expiry, scope."""
        writer = Writer().u8(self.mode).u64(self.expiry).u8(self.scope is not None)
        if self.scope is not None:
            writer.u32(self.scope.domain).u64(self.scope.epoch)
        return writer.done()

    def body(self) -> bytes:
        parts = [self.flags(), bytes((len(self.actions),))]
        return b"".join((*parts, *(action.body() for action in self.actions)))

    def to_bytes(self) -> bytes:
        parts = [self.flags(), bytes((len(self.actions),))]
        return b"".join((*parts, *(action.to_bytes() for action in self.actions)))

    @staticmethod
    def read(reader: Reader) -> Party:
        mode, expiry, scope = _read_mode(reader), Height(reader.u64()), _read_scope(reader)
        count = _read_count(reader, 1, MAX_ACTIONS, "actions")
        return Party(tuple(Action.read(reader) for _ in range(count)), expiry, mode, scope)


@dataclass(frozen=True, slots=True)
class ShieldedTx:
    """What goes on the chain.

    Attributes:
        chain_id: the one chain on which it is valid.
        parties: in order, at least one.
        public_values: sorted by target, account, kind; no such triple twice. Positive amounts
            leave the shielded pool.
        fee: base units of the native kind, leaves the pool.
        delta_signature: proves that everything balances.
        hidden_values: sorted by their references; with any, it is good only inside the private
            transaction that names them (SH-69).

    Raises:
        MalformedTransaction: SH-1, SH-5, SH-21 … SH-24, SH-28, SH-66, SH-67.
    """

    chain_id: ChainId
    parties: tuple[Party, ...]
    public_values: tuple[Crossing, ...] = ()
    fee: int = 0
    delta_signature: bytes = UNSIGNED
    hidden_values: tuple[HiddenValue, ...] = ()

    def __post_init__(self) -> None:
        if len(self.chain_id) != ID_BYTES or len(self.delta_signature) != SIGNATURE_BYTES:
            raise MalformedTransaction("SH-1", "chain id or signature of another length")
        if not 1 <= len(self.parties) <= MAX_PARTIES:
            raise MalformedTransaction("SH-5", f"{len(self.parties)} parties", where="parties")
        if len(self.actions) > MAX_ACTIONS:
            raise MalformedTransaction("SH-5", f"{len(self.actions)} actions", where="actions")
        if not 0 <= self.fee <= MAX_AMOUNT:
            raise MalformedTransaction("SH-28", "the fee is outside [0, 2^64)", where="fee")
        check_public_values(self.public_values)
        hidden.check_form(self.hidden_values)

    @property
    def actions(self) -> tuple[Action, ...]:
        """All actions, party by party."""
        return tuple(itertools.chain.from_iterable(party.actions for party in self.parties))

    @property
    def nullifiers(self) -> tuple[int, ...]:
        return tuple(nf for action in self.actions for nf in action.public.nullifiers)

    @property
    def commitments(self) -> tuple[int, ...]:
        """In the order in which they enter the tree."""
        return tuple(cm for action in self.actions for cm in action.public.commitments)

    @property
    def expiry(self) -> Height:
        """It expires with its earliest party."""
        return min(party.expiry for party in self.parties)

    @property
    def id(self) -> TxId:
        """Hash of the body: everything but proofs, signatures and authorizations.  Rule SH-29.

        No key for caches or bans: one id has many full encodings.  Rule SH-18 (S-23).
        """
        return TxId(tagged_hash("shielded/tx", self.body()))

    @property
    def scanned(self) -> ScannedTransaction:
        """What a wallet reads of it."""
        actions = tuple(action.scanned for action in self.actions)
        return ScannedTransaction(
            self.id, actions, self.fee, self.public_values, self.hidden_values
        )

    def body(self) -> bytes:
        writer = Writer().raw(self.chain_id, ID_BYTES).u8(len(self.parties))
        for party in self.parties:
            writer.blob(party.body())
        writer.u8(len(self.public_values))
        for value in self.public_values:
            _write_public_value(writer, value)
        hidden.write(writer, self.hidden_values)
        return writer.u64(self.fee).done()

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.chain_id, ID_BYTES).u8(len(self.parties))
        head = writer.done() + b"".join(party.to_bytes() for party in self.parties)
        writer = Writer().u8(len(self.public_values))
        for value in self.public_values:
            _write_public_value(writer, value)
            if value.amount < 0:
                writer.blob(value.authorization)
        hidden.write(writer, self.hidden_values)
        writer.u64(self.fee).raw(self.delta_signature, SIGNATURE_BYTES)
        return head + writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> ShieldedTx:
        """Strict: what it returns encodes to exactly `data`.

        Raises:
            MalformedTransaction: names the rule.
        """
        reader = Reader(data, "shielded transaction")
        try:
            tx = _read(reader)
            reader.done()
        except MalformedTransaction:
            raise
        except DecodeError as error:
            raise MalformedTransaction("SH-1", error.message, where=error.where) from error
        if tx.to_bytes() != data:
            raise MalformedTransaction("SH-1", "not the one encoding of this transaction")
        return tx

    @staticmethod
    def preview(data: bytes) -> tuple[ChainId, int]:
        """Chain id and fee where an encoding has them, first and before the last field.

        Raises:
            MalformedTransaction: SH-1, too short for them.
        """
        if len(data) < ID_BYTES + _FEE_BYTES + SIGNATURE_BYTES:
            raise MalformedTransaction("SH-1", "shorter than any transaction")
        fee = data[-SIGNATURE_BYTES - _FEE_BYTES : -SIGNATURE_BYTES]
        return ChainId(data[:ID_BYTES]), int.from_bytes(fee, "little")


def public_value_key(value: Crossing) -> bytes:
    """What public values are sorted by, and unique in.  Rule SH-21."""
    return bytes((value.target,)) + value.account + value.kind.to_bytes()


def check_public_values(values: tuple[Crossing, ...]) -> None:
    """Form of public values.  Rules SH-21 … SH-24 (S-20).

    Raises:
        MalformedTransaction: names the rule.
    """
    if len(values) > MAX_PUBLIC_VALUES:
        raise MalformedTransaction("SH-5", f"{len(values)} public values", where="public values")
    for value in values:
        if len(value.account) != ID_BYTES:
            raise MalformedTransaction("SH-1", "an account has 32 bytes", where="public values")
        if value.amount == 0 or abs(value.amount) > MAX_AMOUNT:
            raise MalformedTransaction(
                "SH-22", "an amount is zero or not below 2^64", where="public values"
            )
        if value.target is EnvironmentId.SHIELDED:
            raise MalformedTransaction(
                "SH-24", "value cannot cross from the pool into the pool", where="public values"
            )
        size = len(value.authorization)
        if size and value.amount > 0:
            raise MalformedTransaction(
                "SH-23", "a credit carries an authorization", where="public values"
            )
        if size > MAX_AUTHORIZATION_BYTES:
            raise MalformedTransaction(
                "SH-23", "an authorization is too long", where="public values"
            )
    keys = [public_value_key(value) for value in values]
    if any(not a < b for a, b in itertools.pairwise(keys)):
        raise MalformedTransaction(
            "SH-21", "public values are not sorted, or one is there twice", where="public values"
        )


def _write_public_value(writer: Writer, value: Crossing) -> None:
    writer.u8(value.target).raw(value.account, ID_BYTES).raw(value.kind.to_bytes(), 64)
    writer.u8(value.amount < 0).u64(abs(value.amount))


def _read(reader: Reader) -> ShieldedTx:
    chain_id = ChainId(reader.take(ID_BYTES))
    count = _read_count(reader, 1, MAX_PARTIES, "parties")
    parties = tuple(_read_parties(reader, count))
    count = _read_count(reader, 0, MAX_PUBLIC_VALUES, "public values")
    values = tuple(_read_public_value(reader) for _ in range(count))
    count = _read_count(reader, 0, hidden.MAX_HIDDEN_VALUES, "hidden values")
    dark = tuple(hidden.read(reader) for _ in range(count))
    return ShieldedTx(chain_id, parties, values, reader.u64(), reader.take(SIGNATURE_BYTES), dark)


def _read_parties(reader: Reader, count: int) -> Iterator[Party]:
    """One by one, so that a count of actions is refused before they are read."""
    total = 0
    for _ in range(count):
        party = Party.read(reader)
        total += len(party.actions)
        if total > MAX_ACTIONS:
            raise MalformedTransaction("SH-5", f"more than {MAX_ACTIONS} actions", where="actions")
        yield party


def _read_public_value(reader: Reader) -> Crossing:
    target = read_environment(reader, "public values")
    account, kind = AccountId(reader.take(ID_BYTES)), Kind.read(reader)
    debit, amount = read_flag(reader, "public values"), reader.u64()
    authorization = reader.blob(MAX_AUTHORIZATION_BYTES, "authorization") if debit else b""
    return Crossing(target, account, kind, -amount if debit else amount, authorization)


def _read_mode(reader: Reader) -> Mode:
    value = reader.u8()
    if value not in Mode.__members__.values():
        raise MalformedTransaction("SH-1", f"unknown mode {value}", where="mode")
    return Mode(value)


def _read_scope(reader: Reader) -> Scope | None:
    return Scope(reader.u32(), reader.u64()) if read_flag(reader, "scope") else None


def _read_count(reader: Reader, least: int, most: int, what: str) -> int:
    count = reader.u8()
    if not least <= count <= most:
        raise MalformedTransaction("SH-5", f"{count} {what}", where=what)
    return count
