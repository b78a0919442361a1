"""Committees: declared by anybody, keyed by their members in ceremonies on the chain.

    p/c/ ‖ committee                        declaration, epochs made, attempt under way
    p/e/ ‖ committee ‖ epoch                the epoch's public record, and its heights
    p/m/ ‖ committee ‖ epoch ‖ attempt ‖ n  a message of a ceremony, with its height
    p/o/ ‖ committee                        a ceremony is under way

The state keeps messages; whoever wants to know where a ceremony stands replays them
(`private_exec.committee.ceremony`). A replay is remembered by content.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import Effects, Event
from node.core.ids import ChainId, tagged_hash
from node.core.interfaces import StateReader
from node.core.private import PrivateParameters
from node.execution.bounded import BoundedCache
from node.private import held
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.messages import MAX_MESSAGE, CeremonyTx, Step, step_of
from node.private.paid import DeclareTx
from node.private.state import Write
from private_exec.committee.accusation import Accusation
from private_exec.committee.ceremony import Ceremony, CeremonyFailed, Fault, FaultKind
from private_exec.committee.dealing import Dealing
from private_exec.committee.declaration import Declaration
from private_exec.committee.epoch import MAX_DECLARATION, EpochContext, EpochRecord, Schedule
from private_exec.committee.errors import CommitteeRefused
from private_exec.committee.notice import Notice

_COMMITTEE: Final = b"p/c/"
_EPOCH: Final = b"p/e/"
_WORD: Final = b"p/m/"
_UNDER_WAY: Final = b"p/o/"
_KINDS: Final = tuple(FaultKind)
_MAX_FAULTS: Final = 1 << 10
_MAX_DOUBLINGS: Final = 16
LEAST_STEPS: Final = 12
"""Steps of a ceremony that an epoch lasts at least: of messages that pay nothing there are few."""
_REPLAYS: Final[BoundedCache[bytes, Ceremony]] = BoundedCache(64)

Message = Notice | Dealing | Accusation


@dataclass(frozen=True, slots=True)
class Committee:
    """A committee as the chain knows it.

    Attributes:
        declaration: who.
        made: epochs that have keys: 0 … made − 1.
        attempt: number of the next, or present, attempt at the keys of epoch `made`.
        opened: height of the block that opened it; 0: none is under way.
        words: messages of it so far.
        until: last height of the latest epoch; 0: none was made.
        rests: after an attempt that failed, the first height at which another may be opened.
    """

    declaration: Declaration
    made: int = 0
    attempt: int = 0
    opened: int = 0
    words: int = 0
    until: int = 0
    rests: int = 0

    def to_bytes(self) -> bytes:
        writer = Writer().blob(self.declaration.to_bytes()).u64(self.made).u32(self.attempt)
        writer.u64(self.opened).u32(self.words).u64(self.until)
        return writer.u64(self.rests).done()

    @staticmethod
    def from_bytes(data: bytes) -> Committee:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "committee")
        declaration = Declaration.from_bytes(reader.blob(MAX_DECLARATION, "declaration"))
        found = Committee(
            declaration, reader.u64(), reader.u32(), reader.u64(), reader.u32(), reader.u64(),
            reader.u64(),
        )  # fmt: skip
        reader.done()
        return found

    @property
    def context(self) -> EpochContext:
        """Of the attempt."""
        return EpochContext(self.declaration, self.made, self.attempt)

    def opens(self) -> int:
        """PV-105: first height at which an attempt at the next epoch's keys may be opened."""
        return max(self.rests, self.until - self.declaration.epoch_blocks // 2)


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch that has keys.

    Attributes:
        record: what everybody knows of them.
        since, until: first and last height of blocks that may use them for something new.
        faults: who was to blame for what in the ceremony.
    """

    record: EpochRecord
    since: int
    until: int
    faults: tuple[Fault, ...]

    def to_bytes(self) -> bytes:
        writer = Writer().blob(self.record.to_bytes()).u64(self.since).u64(self.until)
        writer.u16(len(self.faults))
        for fault in self.faults:
            writer.u8(fault.member).u8(_KINDS.index(fault.kind))
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Epoch:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "epoch")
        record = EpochRecord.from_bytes(reader.blob(MAX_MESSAGE, "record"))
        since, until = reader.u64(), reader.u64()
        faults = tuple(
            Fault(reader.u8(), _KINDS[reader.count(1, len(_KINDS) - 1, "kind of fault")])
            for _ in range(reader.count(2, _MAX_FAULTS, "faults"))
        )
        reader.done()
        return Epoch(record, since, until, faults)


@dataclass(frozen=True, slots=True)
class Word:
    """A message of a ceremony, as the state keeps it.

    Attributes:
        height: of its block.
        step: its kind.
        message: encoded.
    """

    height: int
    step: Step
    message: bytes

    def to_bytes(self) -> bytes:
        return Writer().u64(self.height).u8(self.step).blob(self.message).done()

    @staticmethod
    def from_bytes(data: bytes) -> Word:
        """Strict. Raises DecodeError, PrivateRefused."""
        reader = Reader(data, "message of a ceremony")
        word = Word(reader.u64(), step_of(reader.u8()), reader.blob(MAX_MESSAGE, "message"))
        reader.done()
        return word


# --- reading ------------------------------------------------------------------------------------


def committee_key(identity: bytes) -> bytes:
    """Where the state has a committee."""
    return _COMMITTEE + identity


def epoch_key(identity: bytes, epoch: int) -> bytes:
    """Where the state has the keys' record of an epoch."""
    return _EPOCH + identity + epoch.to_bytes(8, "big")


def word_key(identity: bytes, epoch: int, attempt: int, number: int) -> bytes:
    """Where the state has a message of a ceremony, counted from 0."""
    return _words_prefix(identity, epoch, attempt) + number.to_bytes(4, "big")


def _words_prefix(identity: bytes, epoch: int, attempt: int | None = None) -> bytes:
    place = _WORD + identity + epoch.to_bytes(8, "big")
    return place if attempt is None else place + attempt.to_bytes(4, "big")


def committee_of(state: StateReader, identity: bytes) -> Committee:
    """A committee. Raises PrivateRefused: PV-104, nobody declared it."""
    data = state.get(committee_key(identity))
    if data is None:
        raise PrivateRefused("PV-104", "nobody declared this committee", where="committee")
    return Committee.from_bytes(data)


def is_declared(state: StateReader, identity: bytes) -> bool:
    """Whether somebody declared this committee."""
    return state.get(committee_key(identity)) is not None


def committees(state: StateReader) -> Iterator[tuple[bytes, Committee]]:
    """All of them, by id."""
    for key, value in state.iterate(_COMMITTEE):
        yield key[len(_COMMITTEE) :], Committee.from_bytes(value)


def epoch_of(state: StateReader, identity: bytes, epoch: int) -> Epoch:
    """An epoch with keys. Raises PrivateRefused: PV-106, it has none."""
    data = state.get(epoch_key(identity, epoch))
    if data is None:
        raise PrivateRefused("PV-106", f"epoch {epoch} of it has no keys", where="epoch")
    return Epoch.from_bytes(data)


def words(state: StateReader, identity: bytes, epoch: int, attempt: int) -> tuple[bytes, ...]:
    """Messages of an attempt in order, encoded as `Word`."""
    prefix = _words_prefix(identity, epoch, attempt)
    return tuple(value for _, value in state.iterate(prefix))


def replay(context: EpochContext, said: tuple[bytes, ...], step_heights: int) -> Ceremony:
    """A ceremony as its messages have left it; the caller's own, to go on with.

    Args:
        context: of the attempt.
        said: its messages, one at least: the first opened it.
        step_heights: of the chain.
    """
    return _replay(context, said, Word.from_bytes(said[0]).height, step_heights)[0]


def _replay(
    context: EpochContext, said: tuple[bytes, ...], opened: int, step_heights: int
) -> tuple[Ceremony, bytes]:
    """The ceremony after these words, and a name for all that it depends on."""
    plan = Schedule.starting(opened, step_heights)
    deadlines = Writer().u64(plan.notices).u64(plan.dealings).u64(plan.complaints).done()
    names = [tagged_hash("private/ceremony", context.digest, deadlines)]
    for data in said:
        names.append(tagged_hash("private/ceremony/word", names[-1], data))
    known = len(said)
    while known and _REPLAYS.get(names[known]) is None:
        known -= 1
    found = _REPLAYS.get(names[known]) if known else None
    ceremony = Ceremony(context, plan) if found is None else found.copy()
    for index in range(known if found is not None else 0, len(said)):
        word = Word.from_bytes(said[index])
        _hear(ceremony, word.step, word.message, word.height)
    if said:
        _REPLAYS.put(names[-1], ceremony.copy())
    return ceremony, names[-1]


@lru_cache(maxsize=256)
def read(step: Step, message: bytes) -> Message:
    """A message, strictly. Raises DecodeError."""
    match step:
        case Step.NOTICE:
            return Notice.from_bytes(message)
        case Step.DEALING:
            return Dealing.from_bytes(message)
        case _:
            return Accusation.from_bytes(message)


def _hear(ceremony: Ceremony, step: Step, message: bytes, height: int) -> CommitteeRefused | None:
    """Take a message; returns the refusal of one that does not count."""
    item = read(step, message)
    try:
        match item:
            case Notice():
                ceremony.notice(item, height)
            case Dealing():
                ceremony.deal(item, height)
            case _:
                ceremony.complain(item, height)
    except CommitteeRefused as error:
        return error
    return None


# --- transactions -------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def declaration_of(data: bytes) -> Declaration:
    """A declaration, strictly. Raises DecodeError: PV-30."""
    return Declaration.from_bytes(data)


def check_declaration(tx: DeclareTx, chain_id: ChainId, parameters: PrivateParameters) -> None:
    """PV-104: well-formed (PV-30), for this chain, and not renewed all the time.

    Raises:
        DecodeError: PV-30; PrivateRefused: PV-104.
    """
    declaration = declaration_of(tx.declaration)
    if declaration.chain != chain_id:
        raise PrivateRefused("PV-104", "declared for another chain", where="declaration")
    least = LEAST_STEPS * parameters.step_heights
    if declaration.epoch_blocks < least:
        raise PrivateRefused(
            "PV-104",
            f"epochs of {declaration.epoch_blocks} blocks, at least {least} are due",
            where="declaration",
        )


def declare(tx: DeclareTx, state: StateReader) -> Effects:
    """PV-104: a committee is declared once. Raises PrivateRefused."""
    declaration = declaration_of(tx.declaration)
    key = committee_key(declaration.id)
    if state.get(key) is not None:
        raise PrivateRefused("PV-104", "this committee was declared before", where="declaration")
    event = Event(
        "committee",
        (
            ("committee", declaration.id.hex()),
            ("purpose", declaration.purpose.hex()),
            ("members", str(len(declaration.seats))),
        ),
    )
    return Effects(
        writes=((key, Committee(declaration).to_bytes()),),
        nullifiers=(tx.id,),
        fee=tx.head.fee,
        payer=tx.head.payer,
        events=(event,),
    )


def check_place(tx: CeremonyTx, state: StateReader, height: int) -> Committee:
    """PV-105: the message belongs to the attempt that is under way, or opens it; cheap.

    Raises:
        PrivateRefused: PV-104, PV-105.
        PrivateOutdated: PV-105.
    """
    found = committee_of(state, tx.committee)
    if (tx.epoch, tx.attempt) != (found.made, found.attempt):
        raise PrivateOutdated(
            "PV-105",
            f"of epoch {tx.epoch}, attempt {tx.attempt}; it is at {found.made}, {found.attempt}",
            where="epoch",
        )
    if found.opened == 0:
        if tx.step is not Step.NOTICE:
            raise PrivateOutdated("PV-105", "no ceremony is under way", where="step")
        if height < found.opens():
            raise PrivateOutdated(
                "PV-105", f"the next keys are made from height {found.opens()}", where="height"
            )
        return replace(found, opened=height)
    return found


def hear(tx: CeremonyTx, state: StateReader, height: int, parameters: PrivateParameters) -> Effects:
    """PV-105: a message that counts is kept, and one that does not but shows who is at fault.

    Raises:
        PrivateRefused: PV-104, PV-105; DecodeError: no message.
        CommitteeRefused: of the rule that it breaks, where nobody can be blamed for it.
    """
    found = check_place(tx, state, height)
    said = words(state, tx.committee, tx.epoch, tx.attempt) if found.words else ()
    ceremony, name = _replay(found.context, said, found.opened, parameters.step_heights)
    known = len(ceremony.faults)
    refused = _hear(ceremony, tx.step, tx.message, height)
    blamed = ceremony.faults[known:]
    if refused is not None and not blamed:
        raise refused
    word = Word(height, tx.step, tx.message).to_bytes()
    _REPLAYS.put(tagged_hash("private/ceremony/word", name, word), ceremony)
    place = word_key(tx.committee, tx.epoch, tx.attempt, found.words)
    after = replace(found, words=found.words + 1)
    faults = ", ".join(f"member {fault.member}: {fault.kind.value}" for fault in blamed)
    event = Event(
        "ceremony",
        (
            ("committee", tx.committee.hex()),
            ("epoch", str(tx.epoch)),
            ("attempt", str(tx.attempt)),
            ("step", tx.step.label),
            ("member", str(sender(tx))),
            ("faults", faults),
        ),
    )
    writes = (
        (place, word),
        (committee_key(tx.committee), after.to_bytes()),
        (_UNDER_WAY + tx.committee, b"\x01"),
    )
    return Effects(writes=writes, events=(event,))


def sender(tx: CeremonyTx) -> int:
    """The member whose message it says it is: the first byte of every kind."""
    return tx.message[0] if tx.message else 0


# --- ends ---------------------------------------------------------------------------------------


def finish(state: StateReader, height: int, parameters: PrivateParameters) -> Iterator[Write]:
    """PV-106: at the end of a block, ceremonies whose last step it closes give keys, or none."""
    for key, _ in state.iterate(_UNDER_WAY):
        identity = key[len(_UNDER_WAY) :]
        found = committee_of(state, identity)
        plan = Schedule.starting(found.opened, parameters.step_heights)
        if plan.complaints <= height:
            yield key, None
            yield from _finish(state, identity, found, height, parameters)


def _finish(
    state: StateReader,
    identity: bytes,
    found: Committee,
    height: int,
    parameters: PrivateParameters,
) -> Iterator[Write]:
    said = words(state, identity, found.made, found.attempt)
    ceremony = replay(found.context, said, parameters.step_heights)
    outcome = ceremony.finish(ceremony.schedule.complaints + 1)
    if isinstance(outcome, CeremonyFailed):
        rests = height + (parameters.step_heights << min(found.attempt, _MAX_DOUBLINGS))
        again = replace(found, attempt=found.attempt + 1, opened=0, words=0, rests=rests)
        yield committee_key(identity), again.to_bytes()
        return
    until = height + found.declaration.epoch_blocks
    entry = Epoch(outcome.record, height + 1, until, outcome.faults)
    yield epoch_key(identity, found.made), entry.to_bytes()
    after = Committee(found.declaration, made=found.made + 1, until=until)
    yield committee_key(identity), after.to_bytes()
    # Rounds of the epoch before may still be given to, by donors who look who signed for its keys
    # (PV-143); what those of epochs before that were made of may go, unless cells wait for it.
    yield from _forget(state, identity, found.made - 1)


def _forget(state: StateReader, identity: bytes, before: int) -> Iterator[Write]:
    """PV-222: words of earlier epochs, but for those that a cell has still to pass through."""
    prefix, passed, needed = _WORD + identity, -1, False
    for key, _ in state.iterate(prefix):
        epoch = int.from_bytes(key[len(prefix) :][:8], "big")
        if epoch >= before:
            return
        if epoch != passed:
            comes = needed and epoch == passed + 1
            passed, needed = epoch, comes or held.has_cells(state, identity, epoch)
        if not needed:
            yield key, None


def forget_words(state: StateReader, identity: bytes, epoch: int) -> Iterator[Write]:
    """PV-222: of an epoch whose keys nobody needs any more."""
    for key, _ in state.iterate(_words_prefix(identity, epoch)):
        yield key, None
