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
    16, 17       hand-overs: succession_payload.py                         members, unpaid
    20 … 26      sales: sale_payload.py; but for
    21 bid       chain id 32, sale 32, cv 32, input 4 + n,                 bidders; what is carried
                 (proof 160, link 160) twice, shielded transaction         pays
    27 order     chain id 32, sale 32, unit 8, ticks 1, cv 32 twice,       traders; what is carried
                 input 4 + n, (proof 160, link 160) four times,            pays
                 shielded transaction

    head         chain id 32, fee 8, expiry 8, payer 32

One encoding each (PV-101). A shielded transaction stands last, so that its fee is where it always
is. Proofs and signatures are in no id.
"""

from __future__ import annotations

from node.core.block import Transaction
from node.core.codec import Reader
from node.core.ids import ID_BYTES, AccountId, ChainId, EnvironmentId, Kind, TxId, tagged_hash
from node.private import gifts
from node.private.gifts import BidTx, Carrying, ClaimTx, DepositTx, DonateTx, OrderTx
from node.private.messages import (
    MAX_MESSAGE,
    AcceptTx,
    CeremonyTx,
    ComplaintTx,
    FreezeTx,
    HandoverTx,
    OpenTx,
    RemaskTx,
    SettleTx,
    step_of,
)
from node.private.paid import DeclareTx, Head, Paid, PlaceTx, RoundTx, WithdrawTx
from node.private.sale_payload import BatchTx, BlameTx, CallTx, OfferTx, ResultTx, SilenceTx
from node.private.succession_payload import NameTx, TransferTx
from node.private.tags import UNPAID, Tag, tag_of
from node.private.terms import Terms
from private_exec.committee.certificate import Certificate
from private_exec.committee.opening import OpenStatement
from private_exec.pedersen import Opening
from private_exec.roster import SIGNATURE_BYTES
from shielded.transaction import ShieldedTx

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
    | NameTx
    | TransferTx
    | OfferTx
    | BidTx
    | CallTx
    | ResultTx
    | BlameTx
    | SilenceTx
    | BatchTx
    | OrderTx
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
        case Tag.NAME:
            return NameTx.read(reader)
        case Tag.TRANSFER:
            return TransferTx.read(reader)
        case Tag.BID:
            return gifts.read_bid(reader)
        case Tag.OFFER:
            return OfferTx.read(reader)
        case Tag.CALL:
            return CallTx.read(reader)
        case Tag.RESULT:
            return ResultTx.read(reader)
        case Tag.BLAME:
            return BlameTx.read(reader)
        case Tag.SILENCE:
            return SilenceTx.read(reader)
        case Tag.BATCH:
            return BatchTx.read(reader)
        case Tag.ORDER:
            return gifts.read_order(reader)


def _read_ceremony(reader: Reader) -> CeremonyTx:
    committee, epoch, attempt = reader.take(ID_BYTES), reader.u64(), reader.u32()
    step = step_of(reader.u8())
    return CeremonyTx(committee, epoch, attempt, step, reader.blob(MAX_MESSAGE, "message"))


def _signature(reader: Reader) -> bytes:
    return reader.take(SIGNATURE_BYTES)


def preview(payload: bytes) -> tuple[ChainId | None, int]:
    """Chain id, where there is one, and fee, read in place.

    Raises:
        DecodeError: too short.
        PrivateRefused: PV-101.
    """
    tag = tag_of(payload)
    if tag in UNPAID:
        return None, 0
    if tag in (Tag.DONATE, Tag.CLAIM, Tag.DEPOSIT, Tag.BID, Tag.ORDER):
        return ShieldedTx.preview(payload[1:])
    reader = Reader(payload[1:], f"private {tag.label}")
    return ChainId(reader.take(ID_BYTES)), reader.u64()


def tx_id(tx: PrivateTx, chain_id: ChainId) -> TxId:
    """Identity: everything but proofs and signatures; of a member's message, all of it."""
    if isinstance(tx, Paid | Carrying):
        return tx.id
    return TxId(tagged_hash("private/tx", chain_id, tx.to_bytes()))


def wire(tx: PrivateTx) -> bytes:
    """In its envelope, as it is sent."""
    return Transaction(EnvironmentId.PRIVATE, tx.to_bytes()).to_bytes()
