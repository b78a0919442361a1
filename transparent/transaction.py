"""A transparent transaction: one sender, up to sixteen transfers, a fee."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import SIGNATURE_BYTES
from node.core.ids import ID_BYTES, AccountId, ChainId, Height, Kind, TxId
from transparent import spec
from transparent.signature import SigningKey

MAX_TRANSFERS: Final = 16


@dataclass(frozen=True, slots=True)
class Transfer:
    """`amount` base units of `kind` to `recipient`."""

    recipient: AccountId
    kind: Kind
    amount: int


@dataclass(frozen=True, slots=True)
class TransparentTx:
    """What the sender signed.

    Attributes:
        chain_id: the one chain on which it is valid (TR-1).
        sender: account that pays the transfers and the fee.
        sequence: number of transactions that the sender made before (TR-6).
        expiry: last height at which it may be included (TR-2).
        fee: base units of the native kind.
        transfers: 1 to 16, sorted by recipient and kind, no pair twice (TR-5).
        signature: the sender's, over everything above (TR-4).
    """

    chain_id: ChainId
    sender: AccountId
    sequence: int
    expiry: Height
    fee: int
    transfers: tuple[Transfer, ...]
    signature: bytes

    def body(self) -> bytes:
        """Everything but the signature."""
        writer = (
            Writer()
            .raw(self.chain_id, ID_BYTES)
            .raw(self.sender, ID_BYTES)
            .u64(self.sequence)
            .u64(self.expiry)
            .u64(self.fee)
            .u8(len(self.transfers))
        )
        for transfer in self.transfers:
            writer.raw(transfer.recipient, ID_BYTES)
            writer.fr(transfer.kind.logic).fr(transfer.kind.label).u64(transfer.amount)
        return writer.done()

    def to_bytes(self) -> bytes:
        return Writer().raw(self.body() + self.signature, len(self.body()) + SIGNATURE_BYTES).done()

    @staticmethod
    def from_bytes(data: bytes) -> TransparentTx:
        """Strict: exact lengths, canonical field elements, nothing after the signature."""
        reader = Reader(data, "transparent transaction")
        chain_id = ChainId(reader.take(ID_BYTES))
        sender = AccountId(reader.take(ID_BYTES))
        sequence, expiry, fee = reader.u64(), Height(reader.u64()), reader.u64()
        transfers = tuple(
            Transfer(AccountId(reader.take(ID_BYTES)), Kind.read(reader), reader.u64())
            for _ in range(reader.count(1, MAX_TRANSFERS, "transfers"))
        )
        signature = reader.take(SIGNATURE_BYTES)
        reader.done()
        return TransparentTx(chain_id, sender, sequence, expiry, fee, transfers, signature)

    @staticmethod
    def preview(data: bytes) -> tuple[ChainId, int]:
        """Chain id and fee where an encoding has them, the rest unread."""
        reader = Reader(data, "transparent transaction")
        chain_id = ChainId(reader.take(ID_BYTES))
        reader.take(ID_BYTES + 16)
        return chain_id, reader.u64()

    @property
    def id(self) -> TxId:
        return spec.tx_id(self.body())


def sign(
    key: SigningKey,
    chain_id: ChainId,
    sequence: int,
    expiry: Height,
    fee: int,
    transfers: tuple[Transfer, ...],
) -> TransparentTx:
    """Make a transaction; transfers are put into their canonical order."""
    ordered = tuple(sorted(transfers, key=lambda t: (t.recipient, t.kind)))
    unsigned = TransparentTx(chain_id, key.account, sequence, expiry, fee, ordered, bytes(64))
    signature = key.sign(spec.signed_digest(unsigned.id))
    return TransparentTx(chain_id, key.account, sequence, expiry, fee, ordered, signature)
