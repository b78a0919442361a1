"""What entered a sale: a bid of an auction, or an order of a batch; for ever.

1 bid       sale 32, number 1, owner 32, status 1, height 8, amount 32
2 order     the same, side 1, (limit, quantity, pad, left) 32 each, told 1, (value, ρ) 32 each
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeVar

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, AccountId, Kind
from node.private.sale_program import Market
from node.private.sale_terms import Side
from node.private.state import Status
from private_exec.pedersen import Opening
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes
from zk.errors import NonCanonical

LIMIT_AT, QUANTITY_AT, PAD_AT = range(3)
"""Places of an order's values in its input."""
VALUES: Final = 3

E = TypeVar("E", bound="Bid | Order")


def become(entry: E, status: Status) -> E:
    """Of this status from now on."""
    return replace(entry, status=status)


@dataclass(frozen=True, slots=True)
class Bid:
    """A bid.

    Attributes:
        sale: id, 32 bytes.
        number: from 0, in the order of blocks.
        owner: Ed25519 key that may take it back, made for this input alone.
        status: what became of it.
        amount: commitment to what its owner has here: the bid, as the owner made it; behind the
            settlement, of the winner, the bid less the price.
        height: of its block.
    """

    sale: bytes
    number: int
    owner: bytes
    status: Status
    amount: G1Affine
    height: int

    @property
    def side(self) -> Side:
        """Whoever bids wants to buy."""
        return Side.BUY

    @property
    def left(self) -> G1Affine:
        """What its owner has here."""
        return self.amount

    @property
    def commitments(self) -> tuple[G1Affine, ...]:
        """Of its input's values, before it is settled: each becomes a cell."""
        return (self.amount,)

    def to_bytes(self) -> bytes:
        return _head(Market.AUCTION, self).raw(g1_to_bytes(self.amount), G1_BYTES).done()


@dataclass(frozen=True, slots=True)
class Order:
    """An order.

    Attributes:
        sale, number, owner, status, height: as a bid's.
        side: whether it buys.
        limit, quantity, pad: commitments of its input.
        left: commitment to what its owner has here of what was locked, in base units; behind the
            settlement less what was paid.
        told: what it traded, under its pad, once that is opened.
    """

    sale: bytes
    number: int
    owner: bytes
    status: Status
    height: int
    side: Side
    limit: G1Affine
    quantity: G1Affine
    pad: G1Affine
    left: G1Affine
    told: Opening | None = None

    @property
    def commitments(self) -> tuple[G1Affine, ...]:
        """Of its input's values: each becomes a cell."""
        return self.limit, self.quantity, self.pad

    def to_bytes(self) -> bytes:
        writer = _head(Market.BATCH, self).u8(self.side)
        for point in (*self.commitments, self.left):
            writer.raw(g1_to_bytes(point), G1_BYTES)
        writer.u8(self.told is not None)
        return writer.done() + (self.told.to_bytes() if self.told else b"")


@dataclass(frozen=True, slots=True)
class Fill:
    """What an order traded: it waits for the order's owner, in the other kind.

    Attributes:
        sale: id, 32 bytes.
        owner: of the order.
        kind: of the amount.
        amount: commitment to it, in base units.
        claimed: it left.
    """

    sale: bytes
    owner: AccountId
    kind: Kind
    amount: G1Affine
    claimed: bool = False

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.sale, ID_BYTES).raw(self.owner, ID_BYTES)
        writer.raw(self.kind.to_bytes(), 64).raw(g1_to_bytes(self.amount), G1_BYTES)
        return writer.u8(self.claimed).done()

    @staticmethod
    def from_bytes(data: bytes) -> Fill:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "fill")
        sale, owner = reader.take(ID_BYTES), AccountId(reader.take(ID_BYTES))
        kind, amount = Kind.read(reader), _point(reader)
        found = Fill(sale, owner, kind, amount, bool(reader.count(1, 1, "claimed")))
        reader.done()
        return found


def read(data: bytes) -> Bid | Order:
    """Strict. Raises DecodeError."""
    reader = Reader(data, "entry")
    market = reader.u8()
    if market not in Market.__members__.values():
        raise NonCanonical(f"unknown entry {market}", where=reader.where)
    head = reader.take(ID_BYTES), reader.u8(), reader.take(ID_BYTES), read_status(reader)
    height = reader.u64()
    found: Bid | Order
    if market == Market.AUCTION:
        found = Bid(*head, _point(reader), height)
    else:
        side = Side(reader.count(1, 1, "side"))
        limit, quantity, pad, left = (_point(reader) for _ in range(4))
        told = Opening(reader.fr(), reader.fr()) if reader.count(1, 1, "told") else None
        found = Order(*head, height, side, limit, quantity, pad, left, told)
    reader.done()
    return found


def read_status(reader: Reader) -> Status:
    """Raises NonCanonical."""
    value = reader.u8()
    if value not in Status.__members__.values():
        raise NonCanonical(f"unknown status {value}", where=reader.where)
    return Status(value)


def _head(market: Market, entry: Bid | Order) -> Writer:
    writer = Writer().u8(market).raw(entry.sale, ID_BYTES).u8(entry.number)
    return writer.raw(entry.owner, ID_BYTES).u8(entry.status).u64(entry.height)


def _point(reader: Reader) -> G1Affine:
    data = reader.take(G1_BYTES)
    return g1_from_bytes(data, what="commitment", allow_identity=True)
