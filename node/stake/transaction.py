"""Transactions of stake: bond, unbond, withdraw, and evidence.  Rules ST-6 … ST-9.

1 bond      chain 32, fee 8, key 32, owner 32, amount 8, expiry 8, proof 1 [+ 64], signature 64
2 unbond    the same, without a proof
3 withdraw  the same, of amount 0: all that is due
4 evidence  chain 32, kind 1, evidence 4 + n
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from node.core.block import Transaction
from node.core.codec import Reader, Writer
from node.core.ed25519 import KEY_BYTES, SIGNATURE_BYTES
from node.core.ids import (
    ID_BYTES,
    NATIVE,
    AccountId,
    ChainId,
    EnvironmentId,
    Height,
    TxId,
    tagged_hash,
)
from node.stake.errors import StakeRefused
from node.stake.faults import FaultKind
from transparent import spec
from transparent.signature import SigningKey

MAX_EVIDENCE: Final = 96 * 1024
"""A message of shares as large as a vote carries it, the ids of its batch, and the ciphertexts of
a sub-batch, which packing makes many where validators are (LN-51)."""


class Tag(IntEnum):
    """First byte of a payload."""

    BOND = 1
    UNBOND = 2
    WITHDRAW = 3
    EVIDENCE = 4

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class BondTx:
    """What the owner of a validator's stake wants with it.

    Attributes:
        tag: `BOND`, `UNBOND` or `WITHDRAW`.
        chain_id: the one chain on which it is valid (ST-6).
        key: the validator's consensus key.
        owner: who pays, signs and gets.
        amount: base units of the native kind to bond or to give notice of.
        fee: base units of the native kind.
        expiry: last height at which it may be included.
        proof: signature of the consensus key over `possession`, on the first bond of a validator.
        signature: the owner's, over `consent`.
    """

    tag: Tag
    chain_id: ChainId
    key: bytes
    owner: AccountId
    amount: int
    fee: int
    expiry: Height
    proof: bytes = b""
    signature: bytes = bytes(SIGNATURE_BYTES)

    @property
    def id(self) -> TxId:
        """Covers everything but the two signatures."""
        return TxId(tagged_hash("stake/tx", self._body()))

    @property
    def debit(self) -> int:
        """What leaves the owner's account: bond and fee; of a withdrawal nothing does."""
        return {Tag.BOND: self.amount + self.fee, Tag.UNBOND: self.fee}.get(self.tag, 0)

    @property
    def consent(self) -> bytes:
        """What the owner signs, 32 bytes: the debit of its account for this transaction (TR-10)."""
        return spec.crossing_digest(self.owner, NATIVE, self.debit, self.id)

    @property
    def possession(self) -> bytes:
        """What the consensus key signs, 32 bytes."""
        return tagged_hash("stake/possession", self.id)

    def _body(self) -> bytes:
        return (
            Writer()
            .u8(self.tag)
            .raw(self.chain_id, ID_BYTES)
            .u64(self.fee)
            .raw(self.key, KEY_BYTES)
            .raw(self.owner, ID_BYTES)
            .u64(self.amount)
            .u64(self.expiry)
            .done()
        )

    def to_bytes(self) -> bytes:
        writer = Writer()
        if self.tag is Tag.BOND:
            writer.u8(bool(self.proof))
            if self.proof:
                writer.raw(self.proof, SIGNATURE_BYTES)
        return self._body() + writer.raw(self.signature, SIGNATURE_BYTES).done()


@dataclass(frozen=True, slots=True)
class EvidenceTx:
    """Proof of a fault, from whoever found it; it names nobody, for it proves by itself.

    Attributes:
        chain_id: ST-6.
        kind: of the fault; says how `evidence` is read.
        evidence: at most `MAX_EVIDENCE` bytes.
    """

    chain_id: ChainId
    kind: FaultKind
    evidence: bytes

    @property
    def id(self) -> TxId:
        return TxId(tagged_hash("stake/tx", self.to_bytes()))

    def to_bytes(self) -> bytes:
        writer = Writer().u8(Tag.EVIDENCE).raw(self.chain_id, ID_BYTES)
        return writer.u8(self.kind).blob(self.evidence).done()


StakeTx = BondTx | EvidenceTx


def decode(payload: bytes) -> StakeTx:
    """ST-7: exactly an encoding.

    Raises:
        DecodeError: of the codec.
        StakeRefused: ST-7, an unknown tag or kind.
    """
    reader = Reader(payload, "transaction of stake")
    tag, chain_id = _tag(reader.u8()), ChainId(reader.take(ID_BYTES))
    if tag is Tag.EVIDENCE:
        found = EvidenceTx(chain_id, _kind(reader.u8()), reader.blob(MAX_EVIDENCE, "evidence"))
        reader.done()
        return found
    fee, key, owner = reader.u64(), reader.take(KEY_BYTES), AccountId(reader.take(ID_BYTES))
    amount, expiry = reader.u64(), Height(reader.u64())
    proven = tag is Tag.BOND and reader.count(1, 1, "proof") == 1
    proof = reader.take(SIGNATURE_BYTES) if proven else b""
    signature = reader.take(SIGNATURE_BYTES)
    reader.done()
    return BondTx(tag, chain_id, key, owner, amount, fee, expiry, proof, signature)


def preview(payload: bytes) -> tuple[ChainId, int]:
    """Chain id and fee where an encoding has them, the rest unread."""
    reader = Reader(payload, "transaction of stake")
    tag, chain_id = _tag(reader.u8()), ChainId(reader.take(ID_BYTES))
    return chain_id, 0 if tag is Tag.EVIDENCE else reader.u64()


def is_evidence(payload: bytes) -> bool:
    """By the first byte."""
    return payload[:1] == bytes([Tag.EVIDENCE])


def sign(tx: BondTx, owner: SigningKey, validator: SigningKey | None = None) -> BondTx:
    """With the owner's consent, and the consensus key's proof where one is given."""
    proof = b"" if validator is None else validator.sign(tx.possession)
    return replace(tx, proof=proof, signature=owner.sign(tx.consent))


def wire(tx: StakeTx) -> bytes:
    """In its envelope, as it is sent."""
    return Transaction(EnvironmentId.STAKE, tx.to_bytes()).to_bytes()


def _tag(value: int) -> Tag:
    if value not in Tag.__members__.values():
        raise StakeRefused("ST-7", f"no transaction of stake has tag {value}", where="payload")
    return Tag(value)


def _kind(value: int) -> FaultKind:
    if value not in FaultKind.__members__.values():
        raise StakeRefused("ST-7", f"no fault is of kind {value}", where="payload")
    return FaultKind(value)
