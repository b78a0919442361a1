"""Who pays for a transaction of the private environment, from a transparent account."""

from __future__ import annotations

from dataclasses import dataclass

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, AccountId, ChainId, Height


@dataclass(frozen=True, slots=True)
class Head:
    """Chain id 32, fee 8, expiry 8, payer 32.

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
