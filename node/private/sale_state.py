"""What the state knows of sales.

    p/s/s/ ‖ sale                   terms, a reserve, the attempt under way, what came of it
    p/s/b/ ‖ input                  a bid or order: of which sale, whose, commitments, its status
    p/s/g/ ‖ fill                   what an order traded, in the other kind, and whether it left
    p/s/r/ ‖ input                  the sale whose reserve it is
    p/s/n/ ‖ sale ‖ n               the sale's n-th bid or order, from 0
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
from node.core.ids import ID_BYTES, tagged_hash
from node.core.interfaces import StateReader
from node.private.batch_terms import BatchTerms, Clearing
from node.private.errors import PrivateRefused
from node.private.sale_entries import Bid, Fill, Order, read, read_status
from node.private.sale_program import Market
from node.private.sale_terms import SalePhase, SaleTerms
from node.private.state import Status
from private_exec.committee.cells import Cell
from private_exec.mpc.labels import CellId, SessionId
from private_exec.provable.session import Made
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes
from zk.errors import NonCanonical

_SALE: Final = b"p/s/s/"
_ENTRY: Final = b"p/s/b/"
_FILL: Final = b"p/s/g/"
_RESERVE: Final = b"p/s/r/"
_PLACE: Final = b"p/s/n/"
_CELL: Final = b"p/s/x/"
_SESSION: Final = b"p/s/k/"
_UNHEARD: Final = b"p/s/u/"
_BLAMED: Final = b"p/s/f/"
CALLS: Final = b"p/s/c/"
BOTH_SIDES: Final = 3
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

    def write(self, writer: Writer) -> None:
        writer.u16(self.winner).u64(self.price)

    @staticmethod
    def read(reader: Reader) -> Outcome:
        return Outcome(reader.u16(), reader.u64())


@dataclass(frozen=True, slots=True)
class Reserve:
    """The least that the seller of an auction takes.

    Attributes:
        input: id of the input that has it.
        amount: commitment to it, as the seller made it.
        status: of that input.
    """

    input: bytes
    amount: G1Affine
    status: Status = Status.PENDING

    def write(self, writer: Writer) -> None:
        writer.raw(self.input, ID_BYTES).raw(g1_to_bytes(self.amount), G1_BYTES).u8(self.status)

    @staticmethod
    def read(reader: Reader) -> Reserve:
        identity = reader.take(ID_BYTES)
        amount = g1_from_bytes(reader.take(G1_BYTES), what="commitment")
        return Reserve(identity, amount, read_status(reader))


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as its transactions have left it.

    Attributes:
        terms: as they were fixed, of an auction or of a batch.
        reserve: of an auction.
        entered: bids, or orders, accepted or not.
        sides: of accepted orders, bit s is `Side` s; of an auction 0.
        attempt: the present one.
        proved: height of the result; 0: none.
        made: its cells, in the order of the program's outputs.
        outcome: what is public of it, once it is opened.
        settled: everything went where it belongs.
    """

    terms: SaleTerms | BatchTerms
    reserve: Reserve | None = None
    entered: int = 0
    sides: int = 0
    attempt: Attempt = Attempt()
    proved: int = 0
    made: tuple[Made, ...] = ()
    outcome: Outcome | Clearing | None = None
    settled: bool = False

    @property
    def lacks(self) -> bool:
        """PV-175, PV-204: what every call needs is not accepted: reserve, or both sides."""
        if self.reserve is not None:
            return self.reserve.status is not Status.ACCEPTED
        return self.sides != BOTH_SIDES

    def has_failed(self, height: int) -> bool:
        """PV-183: there is no result, and none can come; a block of this height finds it so."""
        phase = self.terms.phase(height)
        never = self.lacks and phase is SalePhase.COMPUTING
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
        writer = Writer().u8(self.terms.program.market)
        self.terms.write(writer)
        if self.reserve is not None:
            self.reserve.write(writer)
        writer.u8(self.entered).u8(self.sides)
        self.attempt.write(writer)
        writer.u64(self.proved)
        for one in self.made:
            one.write(writer)
        writer.u8(self.outcome is not None)
        if self.outcome is not None:
            self.outcome.write(writer)
        return writer.u8(self.settled).done()

    @staticmethod
    def from_bytes(data: bytes) -> Sale:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "sale")
        auction = _market(reader) is Market.AUCTION
        terms = SaleTerms.read(reader) if auction else BatchTerms.read(reader)
        reserve = Reserve.read(reader) if auction else None
        entered, sides = reader.u8(), reader.count(1, BOTH_SIDES, "sides")
        attempt, proved = Attempt.read(reader), reader.u64()
        made = tuple(Made.read(reader) for _ in range(terms.program.makes)) if proved else ()
        outcome: Outcome | Clearing | None = None
        if reader.count(1, 1, "outcome"):
            outcome = Outcome.read(reader) if auction else Clearing.read(reader)
        settled = bool(reader.count(1, 1, "settled"))
        reader.done()
        return Sale(terms, reserve, entered, sides, attempt, proved, made, outcome, settled)


def _market(reader: Reader) -> Market:
    value = reader.u8()
    if value not in Market.__members__.values():
        raise NonCanonical(f"unknown sale {value}", where=reader.where)
    return Market(value)


# --- keys ---------------------------------------------------------------------------------------


def sale_key(identity: bytes) -> bytes:
    """Where the state has a sale."""
    return _SALE + identity


def entry_key(identity: bytes) -> bytes:
    """Where the state has a bid or order, by its input."""
    return _ENTRY + identity


def fill_key(identity: bytes) -> bytes:
    """Where the state has what an order traded, by `fill_id`."""
    return _FILL + identity


def reserve_key(identity: bytes) -> bytes:
    """Where the state says whose reserve an input is."""
    return _RESERVE + identity


def place_key(sale: bytes, number: int) -> bytes:
    """Where the state has the input of a sale's n-th bid or order."""
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


def find_entry(state: StateReader, identity: bytes) -> Bid | Order | None:
    """A bid or order by its input, or none."""
    data = state.get(entry_key(identity))
    return None if data is None else read(data)


def find_bid(state: StateReader, identity: bytes) -> Bid | None:
    """A bid by its input, or none."""
    found = find_entry(state, identity)
    return found if isinstance(found, Bid) else None


def bid_of(state: StateReader, identity: bytes) -> Bid:
    """A bid. Raises PrivateRefused: PV-172, there is none of that input."""
    if (found := find_bid(state, identity)) is None:
        raise PrivateRefused("PV-172", "there is no such bid", where="input")
    return found


def order_of(state: StateReader, identity: bytes) -> Order:
    """An order. Raises PrivateRefused: PV-201, there is none of that input."""
    if not isinstance(found := find_entry(state, identity), Order):
        raise PrivateRefused("PV-201", "there is no such order", where="input")
    return found


def entries_of(
    state: StateReader, identity: bytes, of: Sale
) -> Iterator[tuple[bytes, Bid | Order]]:
    """Bids or orders of a sale in the order in which they entered."""
    for number in range(of.entered):
        if (found := entry_at(state, identity, number)) is not None:
            yield found


def entry_at(state: StateReader, sale: bytes, number: int) -> tuple[bytes, Bid | Order] | None:
    """A sale's bid or order of that number, by its input; None: none has it."""
    key = state.get(place_key(sale, number))
    found = None if key is None else find_entry(state, key)
    return None if key is None or found is None else (key, found)


def bids_of(state: StateReader, identity: bytes, of: Sale) -> Iterator[tuple[bytes, Bid]]:
    """Those of an auction."""
    for key, found in entries_of(state, identity, of):
        if isinstance(found, Bid):
            yield key, found


def orders_of(state: StateReader, identity: bytes, of: Sale) -> Iterator[tuple[bytes, Order]]:
    """Those of a batch."""
    for key, found in entries_of(state, identity, of):
        if isinstance(found, Order):
            yield key, found


def fill_id(identity: bytes) -> bytes:
    """By which the owner of an order claims what it traded; the order's input claims the rest."""
    return tagged_hash("private/fill", identity)


def find_fill(state: StateReader, identity: bytes) -> Fill | None:
    """What an order traded, or none of that id."""
    data = state.get(fill_key(identity))
    return None if data is None else Fill.from_bytes(data)


def cell_of(state: StateReader, identity: CellId) -> Cell:
    """A cell of a sale. Raises PrivateRefused: PV-174, there is none of that id."""
    data = state.get(cell_key(identity))
    if data is None:
        raise PrivateRefused("PV-174", "there is no such cell of a sale", where="cell")
    reader = Reader(data, "cell")
    found = Cell.read(reader)
    reader.done()
    return found


def accepted(state: StateReader, identity: bytes, of: Sale) -> list[tuple[bytes, Bid | Order]]:
    """Bids or orders that are cells, in order: the program's places from 0 on."""
    return [
        (key, item)
        for key, item in entries_of(state, identity, of)
        if item.status is Status.ACCEPTED
    ]
