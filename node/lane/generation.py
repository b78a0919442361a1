"""Keys of epochs, made on chain: `private_exec.keygen`, with blocks as its broadcast channel.

    notice (opens an attempt)  →  commit  →  dealing  →  complaint  →  key, or attempt + 1

Every round takes `round_heights` blocks. The state keeps the messages, each with its height;
whoever wants to know where an attempt stands replays them. A replay is remembered by content.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import Effects, Event
from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.ids import tagged_hash
from node.core.interfaces import StateReader
from node.execution.bounded import BoundedCache
from node.lane import domains, holders, layout, sealed
from node.lane.errors import LaneOutdated, LaneRefused
from node.lane.layout import Attempt
from node.lane.payload import MAX_MESSAGE, KeyMessage, KeyTx, key_message
from private_exec.errors import KeygenRefused
from private_exec.keygen import dealing as dealings
from private_exec.keygen.complaint import Complaint
from private_exec.keygen.context import Context, Schedule
from private_exec.keygen.dealing import Dealing, digest_of, session_of
from private_exec.keygen.notice import Notice
from private_exec.keygen.protocol import (
    Commit,
    FailureReason,
    Fault,
    FaultKind,
    Keygen,
    KeygenSucceeded,
)
from zk.curve.bn254 import G1Affine

ROUNDS: Final = len(KeyMessage)
_REASONS: Final = tuple(FailureReason)
_KINDS: Final = tuple(FaultKind)
_MAX_FAULTS: Final = 1 << 16
_REPLAYS: Final[BoundedCache[bytes, Keygen]] = BoundedCache(256)
_DEALT: Final[BoundedCache[bytes, bool]] = BoundedCache(2048)

Write = tuple[bytes, bytes | None]
Message = Notice | Commit | Dealing | Complaint


@dataclass(frozen=True, slots=True)
class Word:
    """A message of an attempt, as the state keeps it.

    Attributes:
        height: of its block.
        what: its kind.
        message: encoded.
    """

    height: int
    what: KeyMessage
    message: bytes

    def to_bytes(self) -> bytes:
        return Writer().u64(self.height).u8(self.what).blob(self.message).done()

    @staticmethod
    def from_bytes(data: bytes) -> Word:
        reader = Reader(data, "message of key generation")
        word = Word(reader.u64(), key_message(reader.u8()), reader.blob(MAX_MESSAGE, "message"))
        reader.done()
        return word


@dataclass(frozen=True, slots=True)
class Finding:
    """How an attempt ended.

    Attributes:
        reason: why there is no key; None where there is one.
        faults: who is to blame for what; late complaints add to it.
    """

    reason: FailureReason | None
    faults: tuple[Fault, ...]

    def to_bytes(self) -> bytes:
        writer = Writer().u8(0 if self.reason is None else 1 + _REASONS.index(self.reason))
        writer.u16(len(self.faults))
        for fault in self.faults:
            writer.u16(fault.member).u8(_KINDS.index(fault.kind))
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Finding:
        reader = Reader(data, "finding")
        reason = reader.count(1, len(_REASONS), "reason")
        faults = tuple(
            Fault(reader.u16(), _KINDS[reader.count(1, len(_KINDS) - 1, "kind of fault")])
            for _ in range(reader.count(2, _MAX_FAULTS, "faults"))
        )
        reader.done()
        return Finding(_REASONS[reason - 1] if reason else None, faults)


@dataclass(frozen=True, slots=True)
class Phase:
    """What the key of an epoch waits for, in a block of some height.

    Attributes:
        attempt: number of the attempt that is under way, over with a key, or to be opened.
        opened: height at which it was; None: a notice would open it.
        what: kind of message that counts at this height; None: none.
        until: last height at which it counts.
        made: whether there is a key.
    """

    attempt: int
    opened: int | None
    what: KeyMessage | None
    until: int
    made: bool = False


# READING


def first_opening(genesis: Genesis, epoch: int) -> int:
    """LN-6: first height of a block that may open an attempt."""
    lane = sealed.parameters_of(genesis)
    return max(1, lane.first_height(epoch) - lane.lead)


def last_opening(genesis: Genesis, epoch: int) -> int:
    """LN-6: last height of such a block: the key can still take an intent in its epoch."""
    lane = sealed.parameters_of(genesis)
    return lane.last_height(epoch) - ROUNDS * lane.round_heights


def schedule(genesis: Genesis, opened: int) -> Schedule:
    """Last heights of the four rounds."""
    return Schedule.starting(opened, sealed.parameters_of(genesis).round_heights)


def words(state: StateReader, domain: int, epoch: int, attempt: int) -> Iterator[bytes]:
    """Messages of an attempt in order, encoded as `Word`."""
    prefix = layout.word_prefix(domain, epoch, attempt)
    return (value for _, value in state.iterate(prefix))


def replay(state: StateReader, genesis: Genesis, domain: int, epoch: int, attempt: int) -> Keygen:
    """An attempt as its messages have left it; the caller's own, to go on with.

    Raises:
        ConsensusFault: nobody opened it.
    """
    latest = layout.attempt(state, domain, epoch)
    said = tuple(words(state, domain, epoch, attempt))
    if latest is None or not said:
        raise ConsensusFault(f"no attempt {attempt} at the key of epoch {epoch} in this state")
    opened = Word.from_bytes(said[0]).height  # an attempt is opened by its first message
    context = context_of(state, genesis, domain, epoch, attempt)
    return _replay(context, schedule(genesis, opened), said)[0]


def replayed(genesis: Genesis, context: Context, said: tuple[bytes, ...]) -> Keygen:
    """The same from messages alone, for who has no state to ask: by the roster of the context.

    Raises:
        ConsensusFault: there are no messages.
    """
    if not said:
        raise ConsensusFault(f"no attempt {context.attempt} at the key of epoch {context.epoch}")
    return _replay(context, schedule(genesis, Word.from_bytes(said[0]).height), said)[0]


def context_of(
    state: StateReader, genesis: Genesis, domain: int, epoch: int, attempt: int
) -> Context:
    """What the messages of an attempt are bound to: the epoch's roster among it (LN-44).

    Raises:
        LaneRefused: LN-45.
    """
    held = holders.of(state, genesis, epoch)
    return sealed.context_of(genesis.chain_id, held.roster, held.parameters, domain, epoch, attempt)


def _replay(context: Context, plan: Schedule, said: tuple[bytes, ...]) -> tuple[Keygen, bytes]:
    """The attempt after these words, and a name for all that it depends on."""
    deadlines = Writer().u64(plan.notices).u64(plan.commits).u64(plan.dealings)
    names = [tagged_hash("lane/attempt", context.digest, deadlines.u64(plan.complaints).done())]
    for data in said:
        names.append(tagged_hash("lane/word", names[-1], data))
    known = len(said)
    while known and _REPLAYS.get(names[known]) is None:
        known -= 1
    found = _REPLAYS.get(names[known]) if known else None
    keygen = Keygen(context, plan, _check_dealing) if found is None else found.copy()
    for index in range(known if found is not None else 0, len(said)):
        word = Word.from_bytes(said[index])
        _hear(keygen, word.what, word.message, word.height)
    if said:
        _REPLAYS.put(names[-1], keygen.copy())
    return keygen, names[-1]


def _check_dealing(message: Dealing, context: Context, keys: dict[int, G1Affine]) -> None:
    """As `dealing.check`; pools and blocks ask for the same, in other orders of messages."""
    name = message.digest(session_of(context, keys))
    if _DEALT.get(name) is None:
        dealings.check(message, context, keys)
        _DEALT.put(name, True)


def _hear(keygen: Keygen, what: KeyMessage, message: bytes, height: int) -> KeygenRefused | None:
    """Take a message; returns the refusal of one that does not count."""
    item = read(what, message)
    try:
        match item:
            case Notice():
                keygen.notice(item, height)
            case Commit():
                keygen.commit(item, height)
            case Dealing():
                keygen.deal(item, height)
            case _ if height <= keygen.schedule.complaints:
                keygen.complain(item, height)
            case _:
                keygen.complain_late(item, height)
    except KeygenRefused as error:
        return error
    return None


def _check_size(tx: KeyTx, context: Context) -> None:
    """LN-6: a dealing has no more commitments and shares than one of this epoch may.

    Its counts are read in place: each commitment costs more to decode than all the rest.

    Raises:
        LaneRefused: LN-6.
    """
    most = context.commitments, context.parameters.shares
    counts = [int.from_bytes(tx.message[at : at + 2], "little") for at in (2, 4)]
    if tx.what is KeyMessage.DEALING and any(n > m for n, m in zip(counts, most, strict=True)):
        raise LaneRefused(
            "LN-6", f"{counts[0]} commitments and {counts[1]} shares", where="message"
        )


@lru_cache(maxsize=256)
def read(what: KeyMessage, message: bytes) -> Message:
    """A message, strictly; the same object again for the same bytes.

    Raises:
        DecodeError: no encoding, or points that are none (PX-13).
    """
    match what:
        case KeyMessage.NOTICE:
            return Notice.from_bytes(message)
        case KeyMessage.COMMIT:
            return Commit.from_bytes(message)
        case KeyMessage.DEALING:
            return Dealing.from_bytes(message)
        case _:
            return Complaint.from_bytes(message)


def finding(state: StateReader, domain: int, epoch: int, attempt: int) -> Finding | None:
    """How an attempt ended; None before its end."""
    data = state.get(layout.fault_key(domain, epoch, attempt))
    return None if data is None else Finding.from_bytes(data)


def phase(state: StateReader, genesis: Genesis, domain: int, epoch: int, height: int) -> Phase:
    """What counts in a block of `height` on top of this state.

    Raises:
        LaneRefused: LN-2.
    """
    domains.entry(genesis, domain)
    latest = layout.attempt(state, domain, epoch)
    made = layout.key_of(state, domain, epoch) is not None
    if latest is not None and (made or not latest.over):
        plan = schedule(genesis, latest.opened)
        rounds = (plan.notices, plan.commits, plan.dealings, plan.complaints)
        for what, until in zip(KeyMessage, rounds, strict=True):
            if not made and height <= until:
                return Phase(latest.number, latest.opened, what, until)
        return Phase(latest.number, latest.opened, None, plan.complaints, made)
    number = 0 if latest is None else latest.number + 1
    first, last = first_opening(genesis, epoch), last_opening(genesis, epoch)
    return Phase(number, None, KeyMessage.NOTICE if first <= height <= last else None, last)


# MESSAGES


def check_place(tx: KeyTx, state: StateReader, height: int, genesis: Genesis) -> None:
    """LN-6: the message belongs to an attempt that is under way, or opens one.

    Cheap: before a signature or a point is looked at.

    Raises:
        LaneRefused: LN-2, LN-6, LN-45.
        LaneOutdated: LN-6.
    """
    _attempt(tx, state, height, genesis)
    _check_size(tx, context_of(state, genesis, tx.domain, tx.epoch, tx.attempt))
    if tx.what is KeyMessage.DEALING:
        keygen = replay(state, genesis, tx.domain, tx.epoch, tx.attempt)
        digest = digest_of(keygen.session, tx.message)
        if keygen.commits.get(sender(tx)) != digest:
            raise LaneOutdated("LN-6", "its dealer committed to another, or none", where="message")


def sender(tx: KeyTx) -> int:
    """The member whose message it says it is: the first number of every kind."""
    return int.from_bytes(tx.message[:2], "little")


def _attempt(tx: KeyTx, state: StateReader, height: int, genesis: Genesis) -> Attempt:
    now = phase(state, genesis, tx.domain, tx.epoch, height)
    late = tx.what is KeyMessage.COMPLAINT and now.made
    if late and height > sealed.parameters_of(genesis).last_height(tx.epoch):
        raise LaneOutdated("LN-6", f"epoch {tx.epoch} is over", where="epoch")
    if tx.attempt != now.attempt:
        raise LaneOutdated(
            "LN-6", f"of attempt {tx.attempt}, this is {now.attempt}", where="attempt"
        )
    if not late and tx.what is not now.what:
        wanted = "nothing" if now.what is None else f"a {now.what.name.lower()}"
        raise LaneOutdated(
            "LN-6",
            f"a {tx.what.name.lower()}; {wanted} counts at height {height}",
            where=f"key of epoch {tx.epoch}",
        )
    found = layout.attempt(state, tx.domain, tx.epoch)
    if now.opened is None or found is None:
        return Attempt(tx.attempt, height, 0)
    return found


def accept(tx: KeyTx, state: StateReader, height: int, genesis: Genesis) -> Effects:
    """LN-7: a message that counts is kept, and one that does not but shows who is at fault.

    Raises:
        LaneRefused: LN-2, LN-45; LaneOutdated: LN-6.
        KeygenRefused: PX-2, PX-3, PX-20, PX-21, PX-23, and nobody can be blamed for it.
        DecodeError: no message.
    """
    attempt = _attempt(tx, state, height, genesis)
    said = tuple(words(state, tx.domain, tx.epoch, tx.attempt)) if attempt.words else ()
    context = context_of(state, genesis, tx.domain, tx.epoch, tx.attempt)
    keygen, name = _replay(context, schedule(genesis, attempt.opened), said)
    known = len(keygen.faults)
    refused = _hear(keygen, tx.what, tx.message, height)
    blamed = keygen.faults[known:]
    if refused is not None and not blamed:
        raise refused
    word = Word(height, tx.what, tx.message).to_bytes()
    _REPLAYS.put(tagged_hash("lane/word", name, word), keygen)
    after = replace(attempt, words=attempt.words + 1)
    writes: list[Write] = [
        (layout.word_key(tx.domain, tx.epoch, tx.attempt, attempt.words), word),
        (layout.attempt_key(tx.domain, tx.epoch), after.to_bytes()),
    ]
    if attempt.over:
        writes.append(_blame(tx, state, blamed))
    return Effects(writes=tuple(writes), events=(_event(tx, blamed),))


def _blame(tx: KeyTx, state: StateReader, blamed: list[Fault]) -> Write:
    """PX-10: a late complaint adds to what was found, and changes nothing else."""
    before = finding(state, tx.domain, tx.epoch, tx.attempt)
    if before is None:
        raise ConsensusFault("an attempt is over and nothing was found")
    after = replace(before, faults=tuple(dict.fromkeys((*before.faults, *blamed))))
    return layout.fault_key(tx.domain, tx.epoch, tx.attempt), after.to_bytes()


def _event(tx: KeyTx, blamed: list[Fault]) -> Event:
    faults = ", ".join(f"member {fault.member}: {fault.kind.value}" for fault in blamed)
    return Event(
        "key",
        (
            ("domain", str(tx.domain)),
            ("epoch", str(tx.epoch)),
            ("attempt", str(tx.attempt)),
            ("what", tx.what.name.lower()),
            ("member", str(sender(tx))),
            ("faults", faults),
        ),
    )


# ENDS


def finish(state: StateReader, height: int, genesis: Genesis) -> tuple[Write, ...]:
    """LN-8: at the end of a block, attempts whose last round it closes give a key, or none.

    What an epoch's shares were made from is forgotten when none of its batches can be revealed.
    """
    lane = sealed.parameters_of(genesis)
    writes: list[Write] = []
    for item in lane.domains:
        for epoch in range(lane.epoch_of(height), lane.epoch_of(height + lane.lead) + 1):
            latest = layout.attempt(state, item.number, epoch)
            if latest is None or latest.over:
                continue
            if schedule(genesis, latest.opened).complaints <= height:
                writes += _finish(state, genesis, item.number, epoch, latest)
        gone = height - lane.opening_heights
        if gone > 0 and gone == lane.last_height(lane.epoch_of(gone)):
            writes += _forget(state, item.number, lane.epoch_of(gone))
    return tuple(writes)


def _finish(
    state: StateReader, genesis: Genesis, domain: int, epoch: int, latest: Attempt
) -> Iterator[Write]:
    keygen = replay(state, genesis, domain, epoch, latest.number)
    outcome = keygen.finish(keygen.schedule.complaints + 1)
    reason = None
    if isinstance(outcome, KeygenSucceeded):
        yield layout.epoch_key(domain, epoch), outcome.key.to_bytes()
    else:
        reason = outcome.reason
    found = Finding(reason, outcome.faults)
    yield layout.attempt_key(domain, epoch), replace(latest, over=True).to_bytes()
    yield layout.fault_key(domain, epoch, latest.number), found.to_bytes()


def _forget(state: StateReader, domain: int, epoch: int) -> Iterator[Write]:
    latest = layout.attempt(state, domain, epoch)
    for number in range(latest.number + 1 if latest else 0):
        for key, _ in state.iterate(layout.word_prefix(domain, epoch, number)):
            yield key, None
