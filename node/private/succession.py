"""Who follows a committee, and how its cells get there.  Rules PV-223 … PV-228.

    name         a member's word; of 2t + 1 the same: the committee has a successor
    open         a transfer of some of its cells to the successor's keys, with three deadlines
    masks        every old member deals masks for them to both committees (PV-47)
    complaints   of dealings that gave a member no right masks, from either side (PV-34)
    handed       what the old members opened of it, with their will (PV-48)
    handover     the new members' change of masks: custody.py

    p/t/ ‖ committee                words, and the transfer that is under way
    p/b/ ‖ committee ‖ dealer       a dealing of it; 0: what was handed
    p/j/ ‖ successor ‖ committee    cells may come from there

The two committees have no link between them: all that one says to the other is on the chain.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import Effects, Event
from node.core.ids import ID_BYTES
from node.core.interfaces import StateReader
from node.core.private import PrivateParameters
from node.private import committees, freezing, held
from node.private import state as entries
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.state import Write
from node.private.succession_payload import Left, NameTx, Step, TransferTx, epoch_in
from private_exec.committee import certificate as certificates
from private_exec.committee import reshare
from private_exec.committee.accusation import Accusation, Verdict
from private_exec.committee.cells import Cell
from private_exec.committee.reshare import MaskDealing, Side, Transfer
from private_exec.mpc.shamir import SIZES
from private_exec.roster import SIGNATURE_BYTES

_SUCCESSION: Final = b"p/t/"
_SAID: Final = b"p/b/"
_COMING: Final = b"p/j/"
_NOBODY: Final = bytes(ID_BYTES)
MOST_CELLS: Final = 32
"""Of one transfer: a dealing of thirteen members to thirteen is a quarter of a transaction."""
_MOST_LISTED: Final = 256
"""Entries that are looked at for them."""
LAST_STEP: Final = 6
"""Steps that a transfer takes: dealings, complaints, and four for both committees to open."""
_MAX_DOUBLINGS: Final = 5
"""Of the rest behind transfers that moved nothing, as when the successor does not run yet."""
_SIDES: Final = {Step.OLD_COMPLAINT: Side.OLD, Step.NEW_COMPLAINT: Side.NEW}


@dataclass(frozen=True, slots=True)
class Going:
    """A transfer that is under way.

    Attributes:
        epoch: whose keys mask the cells.
        successor, serving: committee and epoch whose keys will.
        opened: height of its block.
        cells: as they were then.
        dealt: who dealt masks, ascending.
        guilty: whose masks were wrong, ascending.
        heard: side, accuser and dealer of each complaint, three bytes.
        handed: the old committee has opened.
    """

    epoch: int
    successor: bytes
    serving: int
    opened: int
    cells: tuple[Cell, ...]
    dealt: tuple[int, ...] = ()
    guilty: tuple[int, ...] = ()
    heard: tuple[bytes, ...] = ()
    handed: bool = False

    def to_bytes(self) -> bytes:
        writer = Writer().u64(self.epoch).raw(self.successor, ID_BYTES).u64(self.serving)
        head = writer.u64(self.opened).u16(len(self.cells)).done()
        tail = Writer()
        for members in (self.dealt, self.guilty):
            tail.u8(len(members))
            for member in members:
                tail.u8(member)
        tail.u16(len(self.heard))
        for one in self.heard:
            tail.raw(one, 3)
        return head + b"".join(map(Cell.to_bytes, self.cells)) + tail.u8(self.handed).done()

    @staticmethod
    def read(reader: Reader) -> Going:
        places = reader.u64(), reader.take(ID_BYTES), reader.u64(), reader.u64()
        cells = tuple(Cell.read(reader) for _ in range(reader.count(2, MOST_CELLS, "cells")))
        dealt, guilty = (
            tuple(reader.u8() for _ in range(reader.count(1, SIZES[-1], name)))
            for name in ("dealers", "guilty members")
        )
        most = 2 * SIZES[-1] * SIZES[-1]
        heard = tuple(reader.take(3) for _ in range(reader.count(2, most, "complaints")))
        return Going(*places, cells, dealt, guilty, heard, _flag(reader))

    def last(self, step: Step, step_heights: int) -> int:
        """The last height at which a message of this step counts."""
        steps = {Step.MASKS: 1, Step.OLD_COMPLAINT: 2, Step.NEW_COMPLAINT: 2}
        return self.opened + steps.get(step, LAST_STEP) * step_heights

    def transfer(self, state: StateReader, committee: bytes, retry: int) -> Transfer:
        """What its messages are bound to. Raises PrivateRefused: PV-106."""
        old = committees.epoch_of(state, committee, self.epoch).record
        new = committees.epoch_of(state, self.successor, self.serving).record
        return Transfer(old, new, tuple(cell.id for cell in self.cells), retry)


@dataclass(frozen=True, slots=True)
class Succession:
    """Of one committee.

    Attributes:
        words: of each member 1 … n, whom it named, and how many epochs had keys then, plus one;
            0: it never did.
        retry: number of the transfer under way, or of the next.
        failed: transfers in a row that moved nothing.
        going: the one under way, also when its time is over.
        signatures: of the words, by which a member knows its own; zeros where there is none.
    """

    words: tuple[tuple[bytes, int], ...]
    retry: int = 0
    failed: int = 0
    going: Going | None = field(default=None)
    signatures: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not self.signatures:
            object.__setattr__(self, "signatures", (bytes(SIGNATURE_BYTES),) * len(self.words))

    def to_bytes(self) -> bytes:
        writer = Writer().u8(len(self.words))
        for (successor, made), signature in zip(self.words, self.signatures, strict=True):
            writer.raw(successor, ID_BYTES).u64(made).raw(signature, SIGNATURE_BYTES)
        writer.u32(self.retry).u32(self.failed).u8(self.going is not None)
        return writer.done() + (b"" if self.going is None else self.going.to_bytes())

    @staticmethod
    def from_bytes(data: bytes) -> Succession:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "succession")
        said = [
            (reader.take(ID_BYTES), reader.u64(), reader.take(SIGNATURE_BYTES))
            for _ in range(reader.count(1, SIZES[-1], "words"))
        ]
        words = tuple((successor, made) for successor, made, _ in said)
        retry, failed = reader.u32(), reader.u32()
        going = Going.read(reader) if _flag(reader) else None
        found = Succession(words, retry, failed, going, tuple(one for *_, one in said))
        reader.done()
        return found

    def named(self, committee: bytes, quorum: int) -> bytes | None:
        """PV-223: the committee that 2t + 1 members name; None: none, or they name their own."""
        said = [successor for successor, made in self.words if made]
        agreed = [one for one in set(said) if said.count(one) >= quorum and one != committee]
        return agreed[0] if agreed else None

    def opens(self, step_heights: int) -> int:
        """PV-224: first height at which a transfer may be opened."""
        if self.going is None:
            return 0
        rest = step_heights << min(self.failed, _MAX_DOUBLINGS)
        return self.going.last(Step.HANDED, step_heights) + rest


def _flag(reader: Reader) -> bool:
    """One byte, 0 or 1."""
    return bool(reader.count(1, 1, "flag"))


def succession_key(committee: bytes) -> bytes:
    """Where the state has who follows a committee."""
    return _SUCCESSION + committee


def said_key(committee: bytes, dealer: int) -> bytes:
    """Where it has a dealing of the transfer under way; of 0: what was handed."""
    return _SAID + committee + bytes([dealer])


def succession_of(state: StateReader, committee: bytes) -> Succession:
    """Raises PrivateRefused: PV-104, nobody declared the committee."""
    declaration = committees.committee_of(state, committee).declaration
    data = state.get(succession_key(committee))
    if data is None:
        return Succession(((_NOBODY, 0),) * len(declaration.seats))
    return Succession.from_bytes(data)


def coming(state: StateReader, successor: bytes) -> Iterator[bytes]:
    """Committees from which cells may come, by id."""
    prefix = _COMING + successor
    for key, _ in state.iterate(prefix):
        yield key[len(prefix) :]


# --- names --------------------------------------------------------------------------------------


def check_name(tx: NameTx, state: StateReader) -> Succession:
    """PV-223: a member's word, once for each epoch's keys.

    Raises:
        PrivateRefused: PV-104, PV-223; PrivateOutdated: PV-223.
    """
    found = committees.committee_of(state, tx.committee)
    committees.committee_of(state, tx.successor)
    if not found.declaration.is_signed(tx.member, tx.digest, tx.signature):
        raise PrivateRefused("PV-223", "not signed by a member of the committee", where="member")
    known = succession_of(state, tx.committee)
    if tx.made != found.made or known.words[tx.member - 1][1] == tx.made + 1:
        raise PrivateOutdated(
            "PV-223", f"a member has a word when {found.made} epochs have keys", where="made"
        )
    return known


def name(tx: NameTx, state: StateReader) -> Effects:
    """PV-223. Raises PrivateRefused, PrivateOutdated."""
    known = check_name(tx, state)
    words, signatures = list(known.words), list(known.signatures)
    words[tx.member - 1] = tx.successor, tx.made + 1
    signatures[tx.member - 1] = tx.signature
    after = replace(known, words=tuple(words), signatures=tuple(signatures))
    quorum = committees.committee_of(state, tx.committee).declaration.quorum
    agreed = after.named(tx.committee, quorum)
    event = Event(
        "named",
        (
            ("committee", tx.committee.hex()),
            ("member", str(tx.member)),
            ("successor", tx.successor.hex()),
            ("agreed", "" if agreed is None else agreed.hex()),
        ),
    )
    return Effects(writes=((succession_key(tx.committee), after.to_bytes()),), events=(event,))


# --- transfers ----------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _dealing(data: bytes) -> MaskDealing:
    return MaskDealing.from_bytes(data)


def check_form(tx: TransferTx) -> None:
    """What needs no state. Raises DecodeError."""
    match tx.step:
        case Step.OPEN:
            epoch_in(tx.message)
        case Step.MASKS:
            _dealing(tx.message)
        case Step.HANDED:
            Left.from_bytes(tx.message)
        case _:
            Accusation.from_bytes(tx.message)


def check_place(
    tx: TransferTx, state: StateReader, height: int, parameters: PrivateParameters
) -> Succession:
    """PV-224, PV-225: the message belongs to the transfer under way, or may open one; cheap.

    Raises:
        PrivateRefused: PV-104; PrivateOutdated: PV-224, PV-225.
    """
    known = succession_of(state, tx.committee)
    going, step = known.going, parameters.step_heights
    if tx.step is Step.OPEN:
        number = known.retry + (going is not None)
        if tx.retry != number or height <= known.opens(step):
            raise PrivateOutdated(
                "PV-224", f"transfer {number} may be opened behind {known.opens(step)}",
                where="retry",
            )  # fmt: skip
        return known
    if going is None or tx.retry != known.retry:
        raise PrivateOutdated("PV-225", "no such transfer is under way", where="retry")
    first = going.opened + 1
    if tx.step is Step.HANDED:
        first = going.last(Step.OLD_COMPLAINT, step) + 1
    if not first <= height <= going.last(tx.step, step):
        raise PrivateOutdated(
            "PV-225", f"counts from {first} to {going.last(tx.step, step)}", where="step"
        )
    return known


def hear(tx: TransferTx, state: StateReader, height: int, parameters: PrivateParameters) -> Effects:
    """PV-224 … PV-227: opens a transfer, or takes a message of the one under way.

    Raises:
        PrivateRefused: PV-104, PV-106, PV-224 … PV-227; PrivateOutdated: PV-224 … PV-227.
        CommitteeRefused: PV-33, PV-34, PV-43, PV-47, PV-48, PV-49.
    """
    known = check_place(tx, state, height, parameters)
    if tx.step is Step.OPEN or known.going is None:
        return _open(tx, known, state, height, parameters)
    match tx.step:
        case Step.MASKS:
            return _deal(tx, known, known.going, state)
        case Step.HANDED:
            return _hand(tx, known, known.going, state)
        case _:
            return _complain(tx, known, known.going, state)


def _open(
    tx: TransferTx,
    known: Succession,
    state: StateReader,
    height: int,
    parameters: PrivateParameters,
) -> Effects:
    """PV-224: of the first cells under an epoch's keys, to the successor's latest."""
    declaration = committees.committee_of(state, tx.committee).declaration
    successor = known.named(tx.committee, declaration.quorum)
    if successor is None:
        raise PrivateRefused("PV-224", "the committee has named no successor", where="committee")
    made = committees.committee_of(state, successor).made
    if not made:
        raise PrivateOutdated("PV-224", "the successor has no keys yet", where="keys")
    epoch, serving = epoch_in(tx.message), made - 1
    for committee, number in ((tx.committee, epoch), (successor, serving)):
        freezing.require_live(state, committee, number, height, "transfer")
    committees.epoch_of(state, tx.committee, epoch)
    until = committees.epoch_of(state, successor, serving).until
    if height + LAST_STEP * parameters.step_heights > until:
        raise PrivateOutdated(
            "PV-224", f"the successor's keys serve to {until}, which is too short", where="keys"
        )
    there = tuple(itertools.islice(_cells(state, tx.committee, epoch), MOST_CELLS))
    if not there:
        raise PrivateOutdated("PV-224", "no cell is under the keys of this epoch", where="epoch")
    going = Going(epoch, successor, serving, height, there)
    failed = known.failed + (known.going is not None)
    after = replace(known, retry=tx.retry, failed=failed, going=going)
    writes = [*_forgotten(tx.committee, known), (_COMING + successor + tx.committee, b"\x01")]
    return _effects(tx, after, writes, cells=str(len(there)))


def _cells(state: StateReader, committee: bytes, epoch: int) -> Iterator[Cell]:
    """Under the keys of an epoch, those that are cells already; among the first that are listed."""
    for identity in itertools.islice(held.cells_of(state, committee, epoch), _MOST_LISTED):
        data = state.get(entries.cell_key(identity))
        if data is not None:
            yield entries.cell_from(data)


def _deal(tx: TransferTx, known: Succession, going: Going, state: StateReader) -> Effects:
    """PV-225: a member's masks, once."""
    dealing = _dealing(tx.message)
    if dealing.dealer in going.dealt:
        raise PrivateOutdated("PV-225", "this member dealt before", where="dealer")
    reshare.check(dealing, going.transfer(state, tx.committee, known.retry))
    dealt = tuple(sorted((*going.dealt, dealing.dealer)))
    after = replace(known, going=replace(going, dealt=dealt))
    place = said_key(tx.committee, dealing.dealer), tx.message
    return _effects(tx, after, [place], member=str(dealing.dealer))


def _complain(tx: TransferTx, known: Succession, going: Going, state: StateReader) -> Effects:
    """PV-226: a dealer of wrong masks does not count; a false complaint is told."""
    said, side = Accusation.from_bytes(tx.message), _SIDES[tx.step]
    transfer = going.transfer(state, tx.committee, known.retry)
    every = (dealing_of(state, tx.committee, dealer) for dealer in going.dealt)
    dealing = next((one for one in every if one.about(transfer, side) == said.about), None)
    if dealing is None:
        raise PrivateRefused("PV-226", "of no dealing of this transfer", where="about")
    place = bytes([side, said.accuser, dealing.dealer])
    if place in going.heard or dealing.dealer in going.guilty:
        raise PrivateOutdated("PV-226", "this was heard before", where="accuser")
    verdict, guilty = reshare.judge(said, dealing, transfer, side), going.guilty
    if verdict is Verdict.GUILTY_SENDER:
        guilty = tuple(sorted((*guilty, dealing.dealer)))
    after = replace(
        known, going=replace(going, guilty=guilty, heard=tuple(sorted((*going.heard, place))))
    )
    names = {"member": str(said.accuser), "dealer": str(dealing.dealer)}
    return _effects(tx, after, [], **names, verdict=verdict.name.lower())


def dealing_of(state: StateReader, committee: bytes, dealer: int) -> MaskDealing:
    """Of the transfer under way. Raises PrivateRefused: PV-225, there is none."""
    data = state.get(said_key(committee, dealer))
    if data is None:
        raise PrivateRefused("PV-225", "this member dealt no masks", where="dealer")
    return _dealing(data)


def handed_of(state: StateReader, committee: bytes) -> Left | None:
    """What was handed in the transfer under way."""
    data = state.get(said_key(committee, 0))
    return None if data is None else Left.from_bytes(data)


def _hand(tx: TransferTx, known: Succession, going: Going, state: StateReader) -> Effects:
    """PV-227: what the old committee opened, under the masks that count, once."""
    if going.handed:
        raise PrivateOutdated("PV-227", "the cells were handed before", where="step")
    transfer = going.transfer(state, tx.committee, known.retry)
    reshare.qualified(transfer, going.dealt, set(going.guilty))
    left = Left.from_bytes(tx.message)
    left.handed.check(transfer)
    certificates.check(left.will, transfer.old.declaration, transfer.digest)
    after = replace(known, going=replace(going, handed=True))
    return _effects(tx, after, [(said_key(tx.committee, 0), tx.message)])


def landed(state: StateReader, committee: bytes, transfer: Transfer) -> Iterator[Write]:
    """PV-228: the transfer under way, if it is this one, is over, and the next may be opened."""
    data = state.get(succession_key(committee))
    if data is None:
        return
    known = Succession.from_bytes(data)
    going = known.going
    if going is None or going.transfer(state, committee, known.retry).digest != transfer.digest:
        return
    yield from _forgotten(committee, known)
    after = replace(known, retry=known.retry + 1, failed=0, going=None)
    yield succession_key(committee), after.to_bytes()


def _forgotten(committee: bytes, known: Succession) -> Iterator[Write]:
    """What was said in the transfer under way."""
    if (going := known.going) is not None:
        yield _COMING + going.successor + committee, None
        for dealer in (0, *going.dealt):
            yield said_key(committee, dealer), None


def _effects(tx: TransferTx, after: Succession, writes: list[Write], **fields: str) -> Effects:
    about = ("committee", tx.committee.hex()), ("retry", str(tx.retry)), ("step", tx.step.label)
    event = Event("transfer", (*about, *fields.items()))
    place = succession_key(tx.committee), after.to_bytes()
    return Effects(writes=(*writes, place), events=(event,))
