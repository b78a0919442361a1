"""What the state knows of sales.

    p/s/s/ ‖ sale                   terms, the reserve, the attempt under way, what came of it
    p/s/b/ ‖ input                  a bid: of which sale, whose, its commitment, its status
    p/s/r/ ‖ input                  the sale whose reserve it is
    p/s/n/ ‖ sale ‖ n               the sale's n-th bid, from 0
    p/s/x/ ‖ cell                   a cell that belongs to a sale, and to nothing else (PV-177)
    p/s/k/ ‖ session                the sale whose session it is, or was
    p/s/u/ ‖ session ‖ member       whom the member did not hear
    p/s/f/ ‖ session                who spoiled a batch of it, and the certificate that says so
    p/s/c/                          height of the last block with calls, and how many

Inputs that wait are where those of rounds are (`p/i/`, `p/w/`, `p/u/`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES
from node.core.interfaces import StateReader
from node.private.errors import PrivateRefused
from node.private.sale_terms import OUTPUTS, SalePhase, SaleTerms
from node.private.state import Status
from private_exec.committee.cells import Cell, cell_id
from private_exec.mpc.labels import CellId, SessionId
from private_exec.provable.session import Known, Made, Read
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes
from zk.errors import NonCanonical

_SALE: Final = b"p/s/s/"
_BID: Final = b"p/s/b/"
_RESERVE: Final = b"p/s/r/"
_PLACE: Final = b"p/s/n/"
_CELL: Final = b"p/s/x/"
_SESSION: Final = b"p/s/k/"
_UNHEARD: Final = b"p/s/u/"
_BLAMED: Final = b"p/s/f/"
CALLS: Final = b"p/s/c/"
NO_SESSION: Final = SessionId(bytes(ID_BYTES))


@dataclass(frozen=True, slots=True)
class Attempt:
    """The session that is under way.

    Attributes:
        number: of calls before it.
        called: height of its call; 0: none was.
        session: its id.
        absent: members whose word does not count in it, as a mask.
        asked: height at which members were first asked who is there; 0: not.
        spoiled: a batch of it was blamed: it is over.
    """

    number: int = 0
    called: int = 0
    session: SessionId = NO_SESSION
    absent: int = 0
    asked: int = 0
    spoiled: bool = False

    def write(self, writer: Writer) -> None:
        writer.u32(self.number).u64(self.called).raw(self.session, ID_BYTES)
        writer.u16(self.absent).u64(self.asked).u8(self.spoiled)

    @staticmethod
    def read(reader: Reader) -> Attempt:
        number, called, session = reader.u32(), reader.u64(), SessionId(reader.take(ID_BYTES))
        absent, asked = reader.u16(), reader.u64()
        spoiled = bool(reader.count(1, 1, "spoiled"))
        return Attempt(number, called, session, absent, asked, spoiled)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an auction came to, once it is opened.

    Attributes:
        winner: number of the bid, as it entered; the number of places: nothing is sold.
        price: base units.
    """

    winner: int
    price: int


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as its transactions have left it.

    Attributes:
        terms: as the seller fixed them.
        reserve: id of the input that has the reserve.
        asked: commitment to the reserve, as the seller made it.
        status: of that input.
        bids: that entered, accepted or not.
        attempt: the present one.
        proved: height of the result; 0: none.
        made: its cells: of the winner, and of the price.
        outcome: once it is opened.
        settled: price and change went where they belong.
    """

    terms: SaleTerms
    reserve: bytes
    asked: G1Affine
    status: Status = Status.PENDING
    bids: int = 0
    attempt: Attempt = Attempt()
    proved: int = 0
    made: tuple[Made, ...] = ()
    outcome: Outcome | None = None
    settled: bool = False

    def has_failed(self, height: int) -> bool:
        """PV-183: there is no result, and none can come; a block of this height finds it so."""
        phase = self.terms.phase(height)
        never = phase is SalePhase.COMPUTING and self.status is not Status.ACCEPTED
        return not self.proved and (never or phase is SalePhase.OVER)

    def label(self, height: int) -> str:
        """For people, in a block of this height."""
        if self.settled:
            return "settled"
        if self.outcome is not None:
            return "opened"
        if self.proved:
            return "proved"
        return "failed" if self.has_failed(height) else self.terms.phase(height).label

    def to_bytes(self) -> bytes:
        writer = Writer()
        self.terms.write(writer)
        writer.raw(self.reserve, ID_BYTES).raw(g1_to_bytes(self.asked), G1_BYTES)
        writer.u8(self.status).u8(self.bids)
        self.attempt.write(writer)
        writer.u64(self.proved)
        for one in self.made:
            one.write(writer)
        writer.u8(self.outcome is not None)
        if self.outcome is not None:
            writer.u16(self.outcome.winner).u64(self.outcome.price)
        return writer.u8(self.settled).done()

    @staticmethod
    def from_bytes(data: bytes) -> Sale:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "sale")
        terms, reserve = SaleTerms.read(reader), reader.take(ID_BYTES)
        asked = g1_from_bytes(reader.take(G1_BYTES), what="commitment")
        status, bids = _status(reader), reader.u8()
        attempt, proved = Attempt.read(reader), reader.u64()
        made = tuple(Made.read(reader) for _ in range(OUTPUTS)) if proved else ()
        has_outcome = reader.count(1, 1, "outcome")
        outcome = Outcome(reader.u16(), reader.u64()) if has_outcome else None
        settled = bool(reader.count(1, 1, "settled"))
        reader.done()
        return Sale(terms, reserve, asked, status, bids, attempt, proved, made, outcome, settled)


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

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.sale, ID_BYTES).u8(self.number).raw(self.owner, ID_BYTES)
        writer.u8(self.status).raw(g1_to_bytes(self.amount), G1_BYTES)
        return writer.u64(self.height).done()

    @staticmethod
    def from_bytes(data: bytes) -> Bid:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "bid")
        sale, number, owner = reader.take(ID_BYTES), reader.u8(), reader.take(ID_BYTES)
        status, point = _status(reader), reader.take(G1_BYTES)
        amount = g1_from_bytes(point, what="commitment", allow_identity=True)
        found = Bid(sale, number, owner, status, amount, reader.u64())
        reader.done()
        return found


def _status(reader: Reader) -> Status:
    value = reader.u8()
    if value not in Status.__members__.values():
        raise NonCanonical(f"unknown status {value}", where=reader.where)
    return Status(value)


# --- keys ---------------------------------------------------------------------------------------


def sale_key(identity: bytes) -> bytes:
    """Where the state has a sale."""
    return _SALE + identity


def bid_key(identity: bytes) -> bytes:
    """Where the state has a bid, by its input."""
    return _BID + identity


def reserve_key(identity: bytes) -> bytes:
    """Where the state says whose reserve an input is."""
    return _RESERVE + identity


def place_key(sale: bytes, number: int) -> bytes:
    """Where the state has the input of a sale's n-th bid."""
    return _PLACE + sale + bytes([number])


def cell_key(identity: bytes) -> bytes:
    """Where the state has a cell of a sale."""
    return _CELL + identity


def session_key(session: bytes) -> bytes:
    """Where the state says whose session it is."""
    return _SESSION + session


def unheard_key(session: bytes, member: int) -> bytes:
    """Where the state has whom a member did not hear in a session."""
    return _UNHEARD + session + bytes([member])


def blamed_key(session: bytes) -> bytes:
    """Where the state has the blame of a session."""
    return _BLAMED + session


# --- reading ------------------------------------------------------------------------------------


def find(state: StateReader, identity: bytes) -> Sale | None:
    """A sale, or none of that id."""
    data = state.get(sale_key(identity))
    return None if data is None else Sale.from_bytes(data)


def sale_of(state: StateReader, identity: bytes) -> Sale:
    """A sale. Raises PrivateRefused: PV-170, there is none of that id."""
    if (found := find(state, identity)) is None:
        raise PrivateRefused("PV-170", "there is no such sale", where="sale")
    return found


def sales(state: StateReader) -> Iterator[tuple[bytes, Sale]]:
    """All of them, by id."""
    for key, value in state.iterate(_SALE):
        yield key[len(_SALE) :], Sale.from_bytes(value)


def sale_with(state: StateReader, session: bytes) -> bytes | None:
    """The sale whose session it is."""
    return state.get(session_key(session))


def find_bid(state: StateReader, identity: bytes) -> Bid | None:
    """A bid by its input, or none."""
    data = state.get(bid_key(identity))
    return None if data is None else Bid.from_bytes(data)


def bid_of(state: StateReader, identity: bytes) -> Bid:
    """A bid. Raises PrivateRefused: PV-172, there is none of that input."""
    if (found := find_bid(state, identity)) is None:
        raise PrivateRefused("PV-172", "there is no such bid", where="input")
    return found


def bids_of(state: StateReader, identity: bytes, of: Sale) -> Iterator[tuple[bytes, Bid]]:
    """Bids of a sale in the order in which they entered."""
    for number in range(of.bids):
        if (found := bid_at(state, identity, number)) is not None:
            yield found


def bid_at(state: StateReader, sale: bytes, number: int) -> tuple[bytes, Bid] | None:
    """A sale's bid of that number, by its input; None: none has it."""
    key = state.get(place_key(sale, number))
    return None if key is None else (key, bid_of(state, key))


def cell_of(state: StateReader, identity: CellId) -> Cell:
    """A cell of a sale. Raises PrivateRefused: PV-174, there is none of that id."""
    data = state.get(cell_key(identity))
    if data is None:
        raise PrivateRefused("PV-174", "there is no such cell of a sale", where="cell")
    reader = Reader(data, "cell")
    found = Cell.read(reader)
    reader.done()
    return found


def accepted(state: StateReader, identity: bytes, of: Sale) -> list[tuple[bytes, Bid]]:
    """Bids that are cells, in order: the program's places from 0 on."""
    return [
        (key, bid) for key, bid in bids_of(state, identity, of) if bid.status is Status.ACCEPTED
    ]


def reads_of(state: StateReader, identity: bytes, of: Sale) -> list[Read]:
    """What a session of a sale reads: its bids, 0 in places that nobody took, the reserve."""
    taken: list[Read] = [
        cell_of(state, cell_id(key, 0)) for key, _ in accepted(state, identity, of)
    ]
    empty = range(len(taken), of.terms.bidders)
    places = [*taken, *(Known(cell_id(identity, number), 0) for number in empty)]
    return [*places, cell_of(state, cell_id(of.reserve, 0))]
