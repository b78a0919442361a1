"""The chain as a member sees it: entries of the state behind one block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from node.core.interfaces import StateReader
from node.private import committees, deposits, freezing, sale_state, succession
from node.private import state as entries
from node.private.committees import Committee, Epoch, Word
from node.private.deposits import Deposit
from node.private.member.errors import MemberRefused
from node.private.messages import Step
from node.private.sale_state import Sale
from node.private.state import Donation, Round, Status
from node.private.succession import Succession
from private_exec.committee.cells import Cell
from private_exec.committee.notice import Notice
from private_exec.mpc.labels import CellId

T = TypeVar("T")


class Chain(Protocol):
    """A node, whoever asks it and how. Every method may raise a ChiaroError: no answer."""

    def height(self) -> int:
        """Of the last block."""
        ...

    def get(self, key: bytes, height: int) -> bytes | None:
        """An entry of the state behind the block of that height."""
        ...

    def rounds(self) -> list[bytes]:
        """Ids of rounds whose sums are not open and that are not over, of every committee."""
        ...

    def deposits(self) -> list[bytes]:
        """Ids of deposits that wait for the committee, ascending."""
        ...

    def sales(self) -> list[bytes]:
        """Ids of sales that are not opened and have not failed, of every committee."""
        ...

    def held(self, first: int) -> Held:
        """Cells of deposits under the committee's keys, from an epoch on."""
        ...

    def coming(self) -> list[bytes]:
        """Ids of committees whose cells are on their way to this one."""
        ...

    def send(self, tx: bytes) -> None:
        """Hand in a transaction."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """Cells of deposits that a committee holds, or will when its members agree.

    Attributes:
        cells: epoch and id of each, ascending; the first of them.
        more: there are others behind the last.
    """

    cells: list[tuple[int, bytes]]
    more: bool = False


class Past:
    """What does not change any more, read once."""

    def __init__(self) -> None:
        self.listed: dict[tuple[bytes, int], bytes] = {}
        self.decided: dict[bytes, Donation] = {}
        self.epochs: dict[int, Epoch] = {}


@dataclass(frozen=True)
class _Entries:
    """A state of which single entries are asked."""

    ask: Callable[[bytes], bytes | None]

    def get(self, key: bytes) -> bytes | None:
        return self.ask(key)

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Raises MemberRefused: PV-154, a node is asked for entries, not for all of them."""
        raise MemberRefused("PV-154", "a member asks for single entries", where=prefix.hex())


class View:
    """Of one committee, behind the block of one height.

    Args:
        chain: who is asked.
        committee: id of its declaration.
        height: of the block.
        past: of earlier views.
    """

    def __init__(self, chain: Chain, committee: bytes, height: int, past: Past) -> None:
        self.height = height
        self._chain = chain
        self.identity = committee
        self._past = past

    def committee(self) -> Committee:
        """Raises MemberRefused: PV-154, nobody declared it."""
        found = self._read(committees.committee_key(self.identity), Committee.from_bytes)
        if found is None:
            raise MemberRefused(
                "PV-154", "nobody declared this committee on this chain", where="committee",
                fix="wait for the block of its declaration",
            )  # fmt: skip
        return found

    def epoch(self, number: int) -> Epoch | None:
        """One that has keys."""
        if number not in self._past.epochs:
            found = self._read(committees.epoch_key(self.identity, number), Epoch.from_bytes)
            if found is None:
                return None
            self._past.epochs[number] = found
        return self._past.epochs[number]

    def words(self, epoch: int, attempt: int) -> tuple[bytes, ...]:
        """Messages of a ceremony, encoded as `Word`; none, if they are kept no more."""
        found: list[bytes] = []
        while True:
            key = committees.word_key(self.identity, epoch, attempt, len(found))
            data = self._get(key)
            if data is None:
                return tuple(found)
            Word.from_bytes(data)
            found.append(data)

    def notices(self, committee: bytes, epoch: int, attempt: int) -> list[Notice]:
        """With which a ceremony of any committee began; none, if they are kept no more."""
        found: list[Notice] = []
        while True:
            key = committees.word_key(committee, epoch, attempt, len(found))
            word = self._read(key, Word.from_bytes)
            if word is None or word.step is not Step.NOTICE:
                return found
            found.append(Notice.from_bytes(word.message))

    def rounds(self) -> dict[bytes, Round]:
        """Rounds of the committee that may need its members, by id."""
        read = {i: self._read(entries.round_key(i), Round.from_bytes) for i in self._chain.rounds()}
        return {
            identity: found
            for identity, found in sorted(read.items())
            if found is not None and found.terms.committee == self.identity
        }

    def donations(self, identity: bytes, of: Round) -> list[tuple[bytes, Donation]]:
        """Of a round, in the order of their blocks."""
        return [self._donation(identity, number) for number in range(of.donations)]

    def _donation(self, identity: bytes, number: int) -> tuple[bytes, Donation]:
        past, place = self._past, (identity, number)
        if place not in past.listed:
            past.listed[place] = self._need(entries.listed_key(identity, number))
        key = past.listed[place]
        if key in past.decided:
            return key, past.decided[key]
        found = Donation.from_bytes(self._need(entries.donation_key(key)))
        if found.status is not Status.PENDING:
            past.decided[key] = found
        return key, found

    def deposits(self) -> list[tuple[bytes, Deposit]]:
        """That wait for the committee, by id."""
        read = [
            (i, self._read(deposits.deposit_key(i), Deposit.from_bytes))
            for i in self._chain.deposits()
        ]
        return [
            (identity, found)
            for identity, found in read
            if found is not None and found.status is Status.PENDING
        ]

    def sales(self) -> dict[bytes, Sale]:
        """Sales of the committee that may need its members, by id."""
        read = {i: sale_state.find(self.reader, i) for i in self._chain.sales()}
        return {
            identity: found
            for identity, found in sorted(read.items())
            if found is not None and found.terms.committee == self.identity
        }

    @property
    def reader(self) -> StateReader:
        """Its entries, one by one."""
        return _Entries(self._get)

    def behind(self, first: int) -> dict[int, list[Cell]]:
        """Cells of deposits under keys before the latest, from an epoch on; the oldest first."""
        latest, found = self.committee().made - 1, dict[int, list[Cell]]()
        for epoch, identity in self._chain.held(first).cells:
            data = self._get(entries.cell_key(identity)) if epoch < latest else None
            cell = None if data is None else entries.cell_from(data)
            if cell is not None and cell.epoch == epoch:
                found.setdefault(epoch, []).append(cell)
        return found

    def epochs_with_cells(self, first: int) -> list[int]:
        """Epochs whose keys mask cells of deposits, from one on, ascending."""
        listed = self._chain.held(first).cells
        return sorted({e for e, cell in listed if self._get(entries.cell_key(cell)) is not None})

    def succession(self, committee: bytes) -> Succession | None:
        """Who follows a committee, and the transfer under way; None: nobody was ever named."""
        return self._read(succession.succession_key(committee), Succession.from_bytes)

    def coming(self) -> list[bytes]:
        """Committees whose cells are on their way to this one."""
        return self._chain.coming()

    def is_frozen(self, epoch: int) -> bool:
        """Whether nothing of an epoch lands any more."""
        return freezing.find(self.reader, self.identity, epoch) is not None

    def awaits(self, epoch: int, first: int) -> bool:
        """Whether anything awaits the keys of an epoch: an input, a sum, a cell on its way.

        Args:
            epoch: of which others were made since.
            first: from which on anything may.
        """
        rounds, sales = self.rounds().values(), self.sales().values()
        if epoch in {*(of.terms.epoch for of in rounds), *(of.terms.epoch for of in sales)}:
            return True
        held = self._chain.held(first)
        listed = {number for number, _ in held.cells if number <= epoch}
        return any(
            not any(self.is_frozen(on) for on in range(number, epoch + 2)) for number in listed
        ) or (held.more and held.cells[-1][0] <= epoch)

    def input(self, identity: bytes) -> bytes | None:
        """The whole input, while it waits."""
        return self._get(entries.input_key(identity))

    def has_heard(self, identity: bytes, member: int) -> bool:
        """Whether this member complained of an input."""
        return self._get(entries.heard_key(identity, member)) is not None

    def cell(self, identity: CellId) -> Cell:
        """As the state has it."""
        return entries.cell_from(self._need(entries.cell_key(identity)))

    def _get(self, key: bytes) -> bytes | None:
        return self._chain.get(key, self.height)

    def _need(self, key: bytes) -> bytes:
        data = self._get(key)
        if data is None:
            raise MemberRefused("PV-154", "the node lacks an entry of the state", where=key.hex())
        return data

    def _read(self, key: bytes, decode: Callable[[bytes], T]) -> T | None:
        data = self._get(key)
        return None if data is None else decode(data)
