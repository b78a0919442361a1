"""What the state knows of the private environment, and how it is read.

    p/r/ ‖ round                    terms, provider, tallies, what was opened, what came of it
    p/l/ ‖ round ‖ n                the round's n-th input, from 0
    p/d/ ‖ input                    a donation: whose, for what, its commitments, its status
    p/i/ ‖ input                    the whole input, until it is accepted or refused
    p/x/ ‖ cell                     a cell: masked value and commitment
    p/w/ ‖ cell                     the input that it will come from, and which value of it
    p/u/ ‖ commitment               the input that used it
    p/h/ ‖ input ‖ member           the member complained of it

Committees have `p/c/`, `p/e/`, `p/m/` and `p/o/` (committees.py), deposits `p/g/`, `p/q/` and
`p/v/` (deposits.py), freezes `p/f/` (freezing.py). A round's id is that of its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, AccountId
from node.core.interfaces import StateReader
from node.private.errors import PrivateRefused
from node.private.terms import MAX_PROJECTS, Terms
from private_exec import group
from private_exec.committee.cells import Cell, cell_id
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes
from zk.errors import NonCanonical

_ROUND: Final = b"p/r/"
_DONATION: Final = b"p/d/"
_INPUT: Final = b"p/i/"
_CELL: Final = b"p/x/"
_USED: Final = b"p/u/"
_HEARD: Final = b"p/h/"
_WAITING: Final = b"p/w/"
_LISTED: Final = b"p/l/"
CELLS_OF_DONATION: Final = 2
"""Of w and of c = w²."""

Write = tuple[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class Tally:
    """Accepted donations of a project.

    Attributes:
        count: how many.
        weights, amounts: sums of the commitments of w and of c = w²; of none, infinity.
    """

    count: int = 0
    weights: G1Affine = None
    amounts: G1Affine = None

    def add(self, weights: Sequence[G1Affine], amounts: Sequence[G1Affine]) -> Tally:
        """With donations more, by the commitments of their cells."""
        return Tally(
            self.count + len(weights),
            group.total_g1([self.weights, *weights]),
            group.total_g1([self.amounts, *amounts]),
        )


@dataclass(frozen=True, slots=True)
class Sums:
    """What was opened of a project: S = Σw and T = Σc; 0 where nothing may be opened."""

    weights: int = 0
    amounts: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """A round as its transactions have left it.

    Attributes:
        terms: as its provider fixed them.
        provider: who locked the pool, and gets what is left of it.
        donations: that entered, accepted or not.
        tallies: by project.
        sums: by project, once they are opened; else empty.
        payouts: by project, once it is settled: what it gets beside its donations; None: not
            funded. Empty before, and where the round failed.
        settled: the pool went where it belongs.
    """

    terms: Terms
    provider: AccountId
    donations: int
    tallies: tuple[Tally, ...]
    sums: tuple[Sums, ...] = ()
    payouts: tuple[int | None, ...] = ()
    settled: bool = False

    def is_opened(self, project: int) -> bool:
        """Whether the project's sums were opened."""
        return bool(self.sums) and self.tallies[project].count >= self.terms.least

    def status(self, height: int) -> str:
        """For people, in a block of this height: running, opened, settled or failed."""
        if self.sums:
            return "settled" if self.settled else "opened"
        return "failed" if height > self.terms.open else "running"

    def refunds(self, project: int, height: int) -> bool:
        """PV-118: whether accepted donations to the project go back, in a block of this height."""
        if self.payouts:
            return self.payouts[project] is None
        return not self.sums and height > self.terms.open

    def to_bytes(self) -> bytes:
        writer = Writer()
        self.terms.write(writer)
        writer.raw(self.provider, ID_BYTES).u32(self.donations)
        for tally in self.tallies:
            writer.u32(tally.count)
            writer.raw(g1_to_bytes(tally.weights), G1_BYTES)
            writer.raw(g1_to_bytes(tally.amounts), G1_BYTES)
        writer.u8(bool(self.sums))
        for found in self.sums:
            writer.u64(found.weights).u64(found.amounts)
        writer.u8(bool(self.payouts))
        for payout in self.payouts:
            writer.u8(payout is not None).u64(payout or 0)
        return writer.u8(self.settled).done()

    @staticmethod
    def from_bytes(data: bytes) -> Round:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "round")
        terms = Terms.read(reader)
        provider, donations = AccountId(reader.take(ID_BYTES)), reader.u32()
        every = range(len(terms.projects))
        tallies = tuple(Tally(reader.u32(), _point(reader), _point(reader)) for _ in every)
        has_sums = reader.count(1, 1, "sums")
        sums = tuple(Sums(reader.u64(), reader.u64()) for _ in every) if has_sums else ()
        has_payouts = reader.count(1, 1, "payouts")
        payouts = tuple(_payout(reader) for _ in every) if has_payouts else ()
        settled = bool(reader.count(1, 1, "settled"))
        reader.done()
        return Round(terms, provider, donations, tallies, sums, payouts, settled)


class Status(IntEnum):
    """Of a donation."""

    PENDING = 1
    ACCEPTED = 2
    REFUSED = 3
    CLAIMED = 4

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Donation:
    """An input of a round.

    Attributes:
        round: id, 32 bytes.
        project: index.
        owner: Ed25519 key that may claim it back, made for this input alone.
        status: what became of it.
        weight, amount: commitments to w and to c = w², as the donor made them.
        height: of its block.
    """

    round: bytes
    project: int
    owner: bytes
    status: Status
    weight: G1Affine
    amount: G1Affine
    height: int

    def to_bytes(self) -> bytes:
        return (
            Writer()
            .raw(self.round, ID_BYTES)
            .u8(self.project)
            .raw(self.owner, ID_BYTES)
            .u8(self.status)
            .raw(g1_to_bytes(self.weight), G1_BYTES)
            .raw(g1_to_bytes(self.amount), G1_BYTES)
            .u64(self.height)
            .done()
        )

    @staticmethod
    def from_bytes(data: bytes) -> Donation:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "donation")
        identity, project = reader.take(ID_BYTES), reader.count(1, MAX_PROJECTS - 1, "project")
        owner, status = reader.take(ID_BYTES), reader.u8()
        if status not in Status.__members__.values():
            raise NonCanonical(f"unknown status {status} of a donation", where=reader.where)
        found = Donation(
            identity, project, owner, Status(status), _point(reader), _point(reader), reader.u64()
        )
        reader.done()
        return found


def _point(reader: Reader) -> G1Affine:
    return g1_from_bytes(reader.take(G1_BYTES), what="commitment", allow_identity=True)


def _payout(reader: Reader) -> int | None:
    funded, amount = reader.count(1, 1, "funded"), reader.u64()
    if amount and not funded:
        raise NonCanonical("a payout of what is not funded", where=reader.where)
    return amount if funded else None


# --- keys ---------------------------------------------------------------------------------------


def round_key(identity: bytes) -> bytes:
    """Where the state has a round."""
    return _ROUND + identity


def donation_key(identity: bytes) -> bytes:
    """Where the state has a donation."""
    return _DONATION + identity


def input_key(identity: bytes) -> bytes:
    """Where the state has the whole input of a donation that waits."""
    return _INPUT + identity


def cell_key(identity: bytes) -> bytes:
    """Where the state has a cell."""
    return _CELL + identity


def used_key(commitment: bytes) -> bytes:
    """Where the state says which input used a commitment."""
    return _USED + commitment


def listed_key(identity: bytes, number: int) -> bytes:
    """Where the state says which was a round's n-th input."""
    return _LISTED + identity + number.to_bytes(4, "big")


def waiting_key(cell: bytes) -> bytes:
    """Where the state says which input a cell to be comes from: its id, then the index, u8."""
    return _WAITING + cell


def heard_key(identity: bytes, member: int) -> bytes:
    """Where the state says that a member complained of an input."""
    return _HEARD + identity + bytes([member])


def waiting_entries(identity: bytes, values: int = CELLS_OF_DONATION) -> list[Write]:
    """What says of each cell to be that it comes from this input."""
    return [
        (waiting_key(cell_id(identity, index)), identity + bytes([index]))
        for index in range(values)
    ]


def forget_input(identity: bytes, values: int = CELLS_OF_DONATION) -> list[Write]:
    """Of an input that is not to become cells any more: all but its donation."""
    gone = [key for key, _ in waiting_entries(identity, values)]
    return [(key, None) for key in (input_key(identity), *gone)]


def over(found: Donation, identity: bytes, status: Status) -> list[Write]:
    """Of a donation that does not wait any more."""
    after = replace(found, status=status)
    return [(donation_key(identity), after.to_bytes()), *forget_input(identity)]


def used(state: StateReader, keys: Iterable[bytes], identity: bytes) -> list[Write]:
    """PV-113: an input uses these commitments, for good.

    Raises:
        PrivateRefused: PV-113, another did before.
    """
    found = [used_key(key) for key in keys]
    if any(state.get(key) is not None for key in found):
        raise PrivateRefused(
            "PV-113", "a commitment of it was used before, by somebody else", where="input"
        )
    return [(key, identity) for key in found]


# --- reading ------------------------------------------------------------------------------------


def round_of(state: StateReader, identity: bytes) -> Round:
    """A round. Raises PrivateRefused: PV-107, there is none of that id."""
    data = state.get(round_key(identity))
    if data is None:
        raise PrivateRefused("PV-107", "there is no such round", where="round")
    return Round.from_bytes(data)


def rounds(state: StateReader) -> Iterator[tuple[bytes, Round]]:
    """All of them, by id."""
    for key, value in state.iterate(_ROUND):
        yield key[len(_ROUND) :], Round.from_bytes(value)


def donation_of(state: StateReader, identity: bytes) -> Donation:
    """A donation. Raises PrivateRefused: PV-109, there is none of that id."""
    data = state.get(donation_key(identity))
    if data is None:
        raise PrivateRefused("PV-109", "there is no such donation", where="input")
    return Donation.from_bytes(data)


def cell_of(state: StateReader, identity: bytes) -> Cell:
    """A cell. Raises PrivateRefused: PV-115, there is none of that id."""
    data = state.get(cell_key(identity))
    if data is None:
        raise PrivateRefused("PV-115", "there is no such cell", where="cell")
    return cell_from(data)


def cell_from(data: bytes) -> Cell:
    """A cell, strictly. Raises DecodeError."""
    reader = Reader(data, "cell")
    found = Cell.read(reader)
    reader.done()
    return found


def inputs_of(
    state: StateReader, identity: bytes, first: int, count: int
) -> Iterator[tuple[bytes, Donation]]:
    """Inputs of a round in the order of their blocks, from one on."""
    for number in range(first, first + count):
        found = state.get(listed_key(identity, number))
        if found is None:
            return
        yield found, donation_of(state, found)
