"""Transactions of the sealed lane, as payloads of its environment.

    1 seal      envelope                                                  anybody; its payer pays
    2 reveal    domain 4, number 8, reveal                                whoever proposes
    3 end       domain 4, number 8, why 1, settlement 4 + n               whoever proposes
    4 key       domain 4, epoch 8, attempt 4, what 1, message 4 + n       validators, unpaid
    5 submit    chain id 32, domain 4, number 8, solver 32, fee 8, expiry 8, settlement 4 + n,
                signature 64                                              solvers
    6 disperse  certificate                                               anybody; payers pay
    7 direct    see `node.lane.direct`                                    solvers

One encoding each (LN-1).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Final

from node.core.block import MAX_TX_BYTES, Transaction
from node.core.codec import Reader, Writer
from node.core.effects import BatchScope
from node.core.ids import (
    ID_BYTES,
    AccountId,
    ChainId,
    EnvironmentId,
    Height,
    TxId,
    tagged_hash,
)
from node.da.certificate import Certificate
from node.lane import direct
from node.lane.direct import DirectTx
from node.lane.errors import LaneRefused
from private_exec.envelope import Envelope
from private_exec.reveal import Reveal
from private_exec.roster import SIGNATURE_BYTES
from zk.errors import DecodeError

MAX_MESSAGE: Final = MAX_TX_BYTES


class Tag(IntEnum):
    """What a payload is; its first byte."""

    SEAL = 1
    REVEAL = 2
    END = 3
    KEY = 4
    SUBMIT = 5
    DISPERSE = 6
    DIRECT = direct.TAG


LEAD: Final = frozenset({Tag.REVEAL, Tag.END})
"""Made by whoever proposes, at the beginning of a block; nobody sends them."""


class Ending(IntEnum):
    """How a batch ends."""

    UNREVEALED = 1
    UNSOLVED = 2
    SETTLED = 3


class KeyMessage(IntEnum):
    """The four rounds of key generation."""

    NOTICE = 1
    COMMIT = 2
    DEALING = 3
    COMPLAINT = 4


@dataclass(frozen=True)
class SealTx:
    """Orders a sealed intent.

    Attributes:
        domain: number of the domain; which is not in the envelope, but under its label.
        envelope: the intent.
    """

    domain: int
    envelope: Envelope

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.SEAL).u32(self.domain).done()
        return head + self.envelope.to_bytes()


@dataclass(frozen=True)
class RevealTx:
    """Opens a batch that is final."""

    domain: int
    number: int
    reveal: Reveal

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.REVEAL).u32(self.domain).u64(self.number)
        return head.blob(self.reveal.to_bytes()).done()


@dataclass(frozen=True)
class EndTx:
    """Ends a batch whose time is over; everything in it follows from the state (LN-12).

    Attributes:
        domain, number: the batch.
        ending: how.
        settlement: the best one, again, so that who reads blocks needs no state; else empty.
    """

    domain: int
    number: int
    ending: Ending
    settlement: bytes = b""

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.END).u32(self.domain).u64(self.number).u8(self.ending)
        return head.blob(self.settlement).done()


@dataclass(frozen=True)
class KeyTx:
    """A validator's message of key generation, as `private_exec.keygen` encodes it."""

    domain: int
    epoch: int
    attempt: int
    what: KeyMessage
    message: bytes

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.KEY).u32(self.domain).u64(self.epoch).u32(self.attempt)
        return head.u8(self.what).blob(self.message).done()


@dataclass(frozen=True)
class SubmitTx:
    """A solver's settlement of a batch.

    Attributes:
        chain_id: of the chain.
        domain, number: the batch.
        solver: transparent account that pays and signs.
        fee: base units of the native kind.
        expiry: last height.
        settlement: encoded (`node.intents.settlement`).
        signature: of the solver over all of it.
    """

    chain_id: ChainId
    domain: int
    number: int
    solver: AccountId
    fee: int
    expiry: Height
    settlement: bytes
    signature: bytes = bytes(SIGNATURE_BYTES)

    def _unsigned(self) -> bytes:
        writer = Writer().u8(Tag.SUBMIT).raw(self.chain_id, ID_BYTES).u32(self.domain)
        writer.u64(self.number).raw(self.solver, ID_BYTES).u64(self.fee).u64(self.expiry)
        return writer.blob(self.settlement).done()

    def to_bytes(self) -> bytes:
        return self._unsigned() + self.signature

    @cached_property
    def digest(self) -> bytes:
        """What the solver signs."""
        return tagged_hash("lane/submit", self._unsigned())


@dataclass(frozen=True)
class DisperseTx:
    """Orders the sealed intents of a blob that the domain's committee keeps."""

    domain: int
    certificate: Certificate

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.DISPERSE).u32(self.domain).done()
        return head + self.certificate.to_bytes()


LaneTx = SealTx | RevealTx | EndTx | KeyTx | SubmitTx | DisperseTx | DirectTx


def decode(payload: bytes) -> LaneTx:
    """LN-1: strict, one encoding.

    Raises:
        DecodeError: not an encoding; SealRefused: of an envelope or reveal.
        LaneRefused: LN-1, an unknown tag, ending or kind of message.
    """
    tag = tag_of(payload)
    if tag is Tag.DIRECT:
        return DirectTx.from_bytes(payload[1:])
    reader = Reader(payload[1:], tag.name.lower())
    domain = 0 if tag is Tag.SUBMIT else reader.u32()
    match tag:
        case Tag.SEAL:
            return SealTx(domain, Envelope.from_bytes(payload[5:]))
        case Tag.DISPERSE:
            return DisperseTx(domain, Certificate.from_bytes(payload[5:]))
        case Tag.REVEAL:
            tx: LaneTx = RevealTx(
                domain, reader.u64(), Reveal.from_bytes(reader.blob(MAX_MESSAGE, "reveal"))
            )
        case Tag.END:
            number, ending = reader.u64(), _ending(reader.u8())
            tx = EndTx(domain, number, ending, reader.blob(MAX_MESSAGE, "settlement"))
        case Tag.KEY:
            epoch, attempt, what = reader.u64(), reader.u32(), key_message(reader.u8())
            tx = KeyTx(domain, epoch, attempt, what, reader.blob(MAX_MESSAGE, "message"))
        case _:
            tx = _read_submit(reader)
    reader.done()
    return tx


def _read_submit(reader: Reader) -> SubmitTx:
    return SubmitTx(
        ChainId(reader.take(ID_BYTES)),
        reader.u32(),
        reader.u64(),
        AccountId(reader.take(ID_BYTES)),
        reader.u64(),
        Height(reader.u64()),
        reader.blob(MAX_MESSAGE, "settlement"),
        reader.take(SIGNATURE_BYTES),
    )


def tag_of(payload: bytes) -> Tag:
    """LN-1. Raises LaneRefused."""
    try:
        return Tag(payload[0]) if payload else Tag(0)
    except ValueError:
        raise LaneRefused("LN-1", "no transaction of the lane begins so", where="tag") from None


def fee_in_place(payload: bytes, chain_id: ChainId) -> int:
    """The fee that the whole transaction will declare, without decoding a point of it.

    Raises:
        DecodeError: too short.
        LaneRefused: LN-1, an unknown tag; LN-16, a settlement for another chain.
    """
    tag = tag_of(payload)
    reader = Reader(payload[1:], tag.name.lower())
    if tag is Tag.SEAL:
        reader.take(4 + 1 + 8 + ID_BYTES + 8)  # domain, version, epoch, payer, payer nonce
        return reader.u64()
    if tag is Tag.SUBMIT:
        if reader.take(ID_BYTES) != chain_id:
            raise LaneRefused("LN-16", "made for another chain", where="chain_id")
        reader.take(4 + 8 + ID_BYTES)  # domain, number, solver
        return reader.u64()
    if tag is Tag.DIRECT:
        if reader.take(ID_BYTES) != chain_id:
            raise LaneRefused("LN-39", "made for another chain", where="chain_id")
        reader.take(ID_BYTES)  # solver
        return reader.u64()
    return 0


def tag_of_wire(data: bytes) -> Tag | None:
    """What a whole transaction is in the lane; None if it is none of the lane."""
    try:
        envelope = Transaction.from_bytes(data)
        return tag_of(envelope.payload) if envelope.environment is EnvironmentId.INTENTS else None
    except (DecodeError, LaneRefused):
        return None


def wire(tx: LaneTx) -> bytes:
    """A whole transaction."""
    return Transaction(EnvironmentId.INTENTS, tx.to_bytes()).to_bytes()


def seal_tx_id(chain_id: ChainId, tx: SealTx) -> TxId:
    """Identity of a transaction that orders an intent: everything but the payer's signature."""
    return TxId(tagged_hash("lane/tx", chain_id, tx.to_bytes()[:-SIGNATURE_BYTES]))


def ref(domain: int, number: int) -> bytes:
    """12 bytes that name a batch."""
    return BatchScope(domain, 0, number).ref


def _ending(value: int) -> Ending:
    try:
        return Ending(value)
    except ValueError:
        raise LaneRefused("LN-1", f"no batch ends by {value}", where="ending") from None


def key_message(value: int) -> KeyMessage:
    """LN-1. Raises LaneRefused."""
    try:
        return KeyMessage(value)
    except ValueError:
        raise LaneRefused("LN-1", f"no message {value} of key generation", where="what") from None
