"""Showing one payment to a third party. Rules SH-57, SH-62.

A disclosure opens one created note: its commitment and its ciphertext. With the transaction from
the chain its reader recomputes both, so that nothing in it is believed.

It proves   that the note with this amount, kind and memo was created by that transaction, and that
            its ciphertext reaches the address named: whoever holds that address could read it.
It does not who paid (both sides can make the same disclosure, and may hand it on), whether the note
prove       was spent since, or that the address belongs to a certain person.
It reveals  that one note. Together with nk it would show when the note is spent; alone it does not.

On request the sender also signs it under the key of the action (`shielded.authority`). Version 2 of
the document has a place for that; version 1, which has none, can still be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from node.core.amounts import check_amount
from node.core.ids import ID_BYTES, Kind
from shielded import authority, encryption, spec
from shielded import json_values as values
from shielded.address import Address
from shielded.authority import Claim, SenderAuthority
from shielded.encryption import MEMO_BYTES, NoteRefused, Output
from shielded.keys import (
    FullViewingKey,
    IncomingViewingKey,
    OutgoingViewingKey,
    SpendingKey,
    ViewingKey,
)
from shielded.notes import Note
from shielded.scan import ScannedTransaction
from shielded.schnorr import SIGNATURE_BYTES
from shielded.transaction import MAX_ACTIONS
from zk.curve.babyjub import Point
from zk.errors import DecodeError, Ruled, WrongLength

VERSION: Final = 2
VERSIONS: Final = (1, 2)
"""What is read; the first has no place for the sender's signature."""
KIND: Final = "chiaro-payment-disclosure"


class DisclosureRefused(Ruled, DecodeError):
    """The chain does not bear out what the disclosure says."""

    code = "SHD-030"
    exit_code = 1
    why = "a payment is only proved if commitment and ciphertext on the chain follow from it"
    fix = "ask the discloser for the disclosure of exactly this transaction and output"

    def __init__(self, message: str, *, rule: str = "SH-57") -> None:
        super().__init__(rule, message, where="disclosure")


@dataclass(frozen=True, slots=True, repr=False)
class Disclosure:
    """One created note, opened. Whoever gets it can hand it on.

    Attributes:
        chain_id, tx_id: where it is; 32 bytes each.
        action, slot: which output of the transaction.
        kind, quantity, data: what was paid.
        address: to whom.
        memo: 512 bytes.
        rseed: the note's seed, from which the rest follows.
        sender: the signature of who authorised the action; None: not asked for.
        version: of the document, 1 or 2.
    """

    chain_id: bytes
    tx_id: bytes
    action: int
    slot: int
    kind: Kind
    quantity: int
    data: int
    address: Address
    memo: bytes
    rseed: bytes
    sender: SenderAuthority | None = None
    version: int = VERSION

    def __post_init__(self) -> None:
        sizes = (len(self.chain_id), len(self.tx_id), len(self.memo), len(self.rseed))
        if sizes != (ID_BYTES, ID_BYTES, MEMO_BYTES, spec.RSEED_BYTES):
            raise WrongLength("a disclosure has a part of another length", where="disclosure")
        if self.slot not in (0, 1) or not 0 <= self.action < MAX_ACTIONS:
            raise DecodeError("a disclosure of an impossible output", where="disclosure")
        if self.version not in VERSIONS or (self.version == 1 and self.sender is not None):
            raise DecodeError("not a payment disclosure of this version", where="disclosure")
        check_amount(self.quantity, "quantity of a disclosure")

    def __repr__(self) -> str:
        return "<Disclosure: hidden>"

    @property
    def claim(self) -> Claim:
        """What a sender signs."""
        return Claim(
            self.chain_id,
            self.tx_id,
            self.action,
            self.slot,
            self.kind,
            self.quantity,
            self.data,
            self.address,
            self.memo,
            self.rseed,
        )

    def to_json(self) -> dict[str, Any]:
        """The document to hand over."""
        document = {
            "type": KIND,
            "version": self.version,
            "chain_id": self.chain_id.hex(),
            "tx_id": self.tx_id.hex(),
            "action": self.action,
            "slot": self.slot,
            "logic": values.fr_to_hex(self.kind.logic),
            "label": values.fr_to_hex(self.kind.label),
            "quantity": self.quantity,
            "data": values.fr_to_hex(self.data),
            "address": self.address.to_bytes().hex(),
            "memo": self.memo.hex(),
            "rseed": self.rseed.hex(),
        }
        return document if self.version == 1 else document | {"sender": _sender_json(self.sender)}

    @staticmethod
    def from_json(data: object) -> Disclosure:
        """Strict: no member is missing, unknown or written in a second way.

        Raises:
            DecodeError: anything but what `to_json` writes.
        """
        version = values.get(data, "version", int)
        if values.get(data, "type", str) != KIND or version not in VERSIONS:
            raise DecodeError(
                "not a payment disclosure of this version",
                where="disclosure",
                fix=f"ask for one of version {VERSION}, or use a newer program",
            )
        disclosure = Disclosure(
            chain_id=values.bytes_from_hex(values.field(data, "chain_id"), ID_BYTES),
            tx_id=values.bytes_from_hex(values.field(data, "tx_id"), ID_BYTES),
            action=values.get(data, "action", int),
            slot=values.get(data, "slot", int),
            kind=Kind(
                values.fr_from_hex(values.field(data, "logic")),
                values.fr_from_hex(values.field(data, "label")),
            ),
            quantity=values.get(data, "quantity", int),
            data=values.fr_from_hex(values.field(data, "data")),
            address=Address.from_bytes(values.bytes_from_hex(values.field(data, "address"))),
            memo=values.bytes_from_hex(values.field(data, "memo"), MEMO_BYTES),
            rseed=values.bytes_from_hex(values.field(data, "rseed"), spec.RSEED_BYTES),
            sender=_sender(values.field(data, "sender")),
            version=version,
        )
        if disclosure.to_json() != data:
            raise DecodeError("a disclosure with missing or unknown members", where="disclosure")
        return disclosure


def _sender_json(sender: SenderAuthority | None) -> dict[str, str] | None:
    if sender is None:
        return None
    return {
        "audience": sender.audience,
        "challenge": sender.challenge,
        "signature": sender.signature.hex(),
    }


def _sender(data: object) -> SenderAuthority | None:
    if data is None:
        return None
    if not isinstance(data, Mapping):
        raise DecodeError("the sender's part is malformed", where="disclosure")
    return SenderAuthority(
        values.get(data, "audience", str),
        values.get(data, "challenge", str),
        values.bytes_from_hex(values.field(data, "signature"), SIGNATURE_BYTES),
    )


@dataclass(frozen=True, slots=True)
class DisclosedPayment:
    """What a verified disclosure establishes; see the module's docstring for what it does not.

    Attributes:
        sender: the verified signature of who authorised the action; None: not proved.
        version: of the document.
    """

    chain_id: bytes
    tx_id: bytes
    action: int
    slot: int
    kind: Kind
    quantity: int
    data: int
    address: Address
    memo: bytes
    commitment: int
    sender: SenderAuthority | None = None
    version: int = VERSION


def create(
    key: ViewingKey,
    chain_id: bytes,
    transaction: ScannedTransaction,
    action: int,
    slot: int,
) -> Disclosure:
    """Disclose one output, as its sender (outgoing key) or its receiver (incoming key).

    Raises:
        NoteRefused: this key opens neither side of the output.
        DisclosureRefused: no such output.
    """
    output, tx_id = _output(transaction, action, slot), transaction.tx_id
    if isinstance(key, FullViewingKey | OutgoingViewingKey):
        sent = encryption.recover_outgoing(key.ovk, output)
        if sent is not None:
            return _disclosure(chain_id, tx_id, action, slot, sent.note, sent.address, sent.memo)
    if isinstance(key, FullViewingKey | IncomingViewingKey):
        for viewer in encryption.viewers(key):
            received = encryption.try_decrypt(viewer, output)
            if received is not None:
                address = (
                    key.address(received.address_index, internal=received.internal)
                    if isinstance(key, FullViewingKey)
                    else key.address(received.address_index)
                )
                return _disclosure(
                    chain_id, tx_id, action, slot, received.note, address, received.memo
                )
    raise NoteRefused("SH-57", "this key opens neither side of the output")


def with_authority(
    disclosure: Disclosure,
    key: SpendingKey,
    transaction: ScannedTransaction,
    rk: Sequence[Point],
    *,
    audience: str = "",
    challenge: str = "",
) -> Disclosure:
    """The disclosure, signed by the wallet that authorised its action.  Rule SH-62.

    Args:
        disclosure: of an output of `transaction` (`create`).
        key: spending key of the sender.
        transaction: from the chain.
        rk: the key of each of its actions, in order.
        audience: for whom; at most 256 bytes of text.
        challenge: what the reader asked to be signed; likewise.

    Raises:
        NotTheSender: SH-61, this wallet did not authorise that action.
        DecodeError: a text that cannot be signed.
    """
    _output(transaction, disclosure.action, disclosure.slot)
    sender = authority.sign(
        key,
        disclosure.claim,
        transaction.actions[disclosure.action],
        rk[disclosure.action],
        audience=audience,
        challenge=challenge,
    )
    return replace(disclosure, sender=sender, version=VERSION)


def verify(
    disclosure: Disclosure,
    chain_id: bytes,
    transaction: ScannedTransaction,
    rk: Sequence[Point] = (),
    *,
    require_sender: bool = False,
    audience: str | None = None,
    challenge: str | None = None,
) -> DisclosedPayment:
    """Check a disclosure against the chain.

    Args:
        disclosure: what was handed over.
        chain_id: of the chain that was asked.
        transaction: fetched from it by its id.
        rk: the key of each of its actions, in order; needed where the sender signed.
        require_sender: refuse a document without the sender's signature.
        audience: for whom the sender must have signed; implies `require_sender`.
        challenge: what the sender must have signed; implies `require_sender`.

    Raises:
        DisclosureRefused: SH-57, another chain or transaction; the commitment is of another note;
            epk or the ciphertext do not follow from the note, address and memo.
        AuthorityRefused: SH-62, the sender's signature is missing, for another audience or
            challenge, or not by rk over this disclosure.
    """
    if (disclosure.chain_id, disclosure.tx_id) != (chain_id, transaction.tx_id):
        raise DisclosureRefused("the disclosure is of another chain or transaction")
    output = _output(transaction, disclosure.action, disclosure.slot)
    note = Note(
        kind=disclosure.kind,
        quantity=disclosure.quantity,
        data=disclosure.data,
        diversifier=disclosure.address.diversifier,
        owner=disclosure.address.owner,
        nonce=output.nonce,
        rseed=disclosure.rseed,
    )
    if note.commitment != output.commitment:
        raise DisclosureRefused("the commitment on the chain is of another note")
    esk = spec.ephemeral_secret(disclosure.rseed, output.commitment, disclosure.memo)
    try:
        opened = encryption.decrypt_with(
            esk, disclosure.address.pk_d, disclosure.address.owner, output
        )
    except NoteRefused as error:
        raise DisclosureRefused(
            "the ciphertext on the chain does not carry this note and memo to this address",
            rule=error.rule,
        ) from error
    if opened != (note, disclosure.memo):
        raise DisclosureRefused("the ciphertext on the chain carries another note or memo")
    asked = require_sender or audience is not None or challenge is not None
    if disclosure.sender is not None or asked:
        if len(rk) != len(transaction.actions):
            raise DisclosureRefused("a key per action is needed to check the sender", rule="SH-62")
        authority.verify(
            disclosure.sender,
            disclosure.claim,
            rk[disclosure.action],
            audience=audience,
            challenge=challenge,
        )
    return DisclosedPayment(
        chain_id,
        transaction.tx_id,
        disclosure.action,
        disclosure.slot,
        note.kind,
        note.quantity,
        note.data,
        disclosure.address,
        disclosure.memo,
        output.commitment,
        disclosure.sender,
        disclosure.version,
    )


def _output(transaction: ScannedTransaction, action: int, slot: int) -> Output:
    if not 0 <= action < len(transaction.actions) or slot not in (0, 1):
        raise DisclosureRefused("the transaction has no such output")
    return transaction.actions[action].outputs[slot]


def _disclosure(
    chain_id: bytes,
    tx_id: bytes,
    action: int,
    slot: int,
    note: Note,
    address: Address,
    memo: bytes,
) -> Disclosure:
    return Disclosure(
        chain_id,
        tx_id,
        action,
        slot,
        note.kind,
        note.quantity,
        note.data,
        address,
        memo,
        note.rseed,
    )
