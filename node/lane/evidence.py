"""Evidence about holders of the lane's keys, for who punishes.  Rules LN-50 … LN-53.

    two roots        domain 4, two messages of shares              LN-50 (PX-19)
    wrong share      domain 4, message, ids, place, ciphertexts    LN-51 (PX-18)
    key generation   domain 4, epoch 8, attempt 4, member 2, kind 1   LN-52, from the state

Whoever has it proves with it: it is judged by its bytes, the epoch's key in the state, and nothing
that a node saw. So it stays good when the batch is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.genesis import Genesis
from node.core.ids import ID_BYTES, Height
from node.core.interfaces import StateReader
from node.lane import generation, holders, layout, sealed
from node.lane.errors import LaneRefused
from node.stake.faults import FaultKind, Offence
from private_exec import misconduct
from private_exec.batch import Batch
from private_exec.errors import SealRefused
from private_exec.keygen.protocol import Fault
from private_exec.keygen.protocol import FaultKind as KeyFault
from private_exec.keys import EpochKey
from private_exec.misconduct import Ciphertext
from private_exec.parameters import MAX_BATCH
from private_exec.shares import ShareMessage, check_two_roots, is_signed
from private_exec.weights import MAX_MESSAGE_BYTES
from zk.errors import ChiaroError

PUNISHABLE: Final = (
    KeyFault.INVALID_DEALING,
    KeyFault.BAD_SHARE,
    KeyFault.FALSE_COMPLAINT,
    KeyFault.TWO_COMMITS,
)
"""What nobody does by being cut off: that a dealing was not opened may be others' doing."""
_KINDS: Final = tuple(KeyFault)
_MAX_SEAL: Final = 8 * 1024
_WHERE: Final = "evidence"


class Judge:
    """`node.stake.faults.Judge` of the lane's kinds of evidence.

    Args:
        genesis: of the chain; it has a lane.
    """

    def __init__(self, genesis: Genesis) -> None:
        self._genesis: Final = genesis

    def judge(self, kind: FaultKind, evidence: bytes, state: StateReader) -> Offence:
        """Who did what, and when.

        Raises:
            LaneRefused: LN-50 … LN-53, it proves nothing.
            DecodeError, SealRefused: it is no evidence of this kind.
        """
        match kind:
            case FaultKind.TWO_ROOTS:
                return self._two_roots(evidence, state)
            case FaultKind.WRONG_SHARE:
                return self._wrong_share(evidence, state)
            case FaultKind.KEY_GENERATION:
                return self._key_generation(evidence, state)
            case _:
                raise LaneRefused("LN-53", f"{kind.label} is no fault of the lane", where=_WHERE)

    def _two_roots(self, evidence: bytes, state: StateReader) -> Offence:
        """LN-50."""
        key = self._signed(evidence, 2, "LN-50", state)
        reader = Reader(evidence, _WHERE)
        reader.u32()
        first, second = _message(reader), _message(reader)
        reader.done()
        if not first.root < second.root:  # the same two in another order would be other evidence
            raise LaneRefused("LN-50", "two messages in the order of their roots", where=_WHERE)
        try:
            check_two_roots(key, first, second)
        except SealRefused as error:
            raise LaneRefused("LN-50", f"{error.id}: {error.message}", where=_WHERE) from error
        return _offence(FaultKind.TWO_ROOTS, key, first)

    def _wrong_share(self, evidence: bytes, state: StateReader) -> Offence:
        """LN-51."""
        key = self._signed(evidence, 1, "LN-51", state)
        found = WrongShare.from_bytes(evidence)
        try:
            misconduct.check_wrong_share(
                key, found.message, found.ids, found.place, found.ciphertexts
            )
        except SealRefused as error:
            raise LaneRefused("LN-51", f"{error.id}: {error.message}", where=_WHERE) from error
        return _offence(FaultKind.WRONG_SHARE, key, found.message)

    def _key_generation(self, evidence: bytes, state: StateReader) -> Offence:
        """LN-52: the state has judged it; its height is the first of the epoch."""
        reader = Reader(evidence, _WHERE)
        domain, epoch, attempt = reader.u32(), reader.u64(), reader.u32()
        fault = Fault(reader.u16(), _KINDS[reader.count(1, len(_KINDS) - 1, "kind of fault")])
        reader.done()
        found = generation.finding(state, domain, epoch, attempt)
        if found is None or fault not in found.faults:
            raise LaneRefused("LN-52", "the chain found no such fault", where=_WHERE)
        if fault.kind not in PUNISHABLE:
            raise LaneRefused("LN-52", f"{fault.kind.value}: no proof of intent", where=_WHERE)
        key = layout.key_of(state, domain, epoch)
        roster = holders.of(state, self._genesis, epoch).roster if key is None else key.roster
        height = sealed.parameters_of(self._genesis).first_height(epoch)
        validator = roster.members[fault.member].key
        return Offence(validator, FaultKind.KEY_GENERATION, Height(height))

    def _signed(self, evidence: bytes, messages: int, rule: str, state: StateReader) -> EpochKey:
        """The key under which its messages were signed, by their member.

        Evidence pays nothing, and the points of a message cost a hundred times as much as its
        signature: what nobody signed is refused before one is read.
        """
        reader = Reader(evidence, _WHERE)
        domain, keys = reader.u32(), []
        for _ in range(messages):
            data = reader.blob(MAX_MESSAGE_BYTES, "shares")
            height, epoch, _member = ShareMessage.peek(data)
            keys.append(self._key(domain, height, epoch, state))
            if not is_signed(keys[-1], data):
                raise LaneRefused(rule, "not signed by the member", where=_WHERE)
        return keys[0]

    def _key(self, domain: int, height: int, epoch: int, state: StateReader) -> EpochKey:
        """LN-53: under which it was signed; the height is one at which its batches close."""
        lane = sealed.parameters_of(self._genesis)
        first, last = lane.first_height(epoch), lane.last_height(epoch)
        key = layout.key_of(state, domain, epoch)
        if key is None or not first <= height <= last:
            raise LaneRefused(
                "LN-53", f"no key of epoch {epoch} closed a batch at {height}", where=_WHERE
            )
        return key


def _message(reader: Reader) -> ShareMessage:
    return ShareMessage.from_bytes(reader.blob(MAX_MESSAGE_BYTES, "shares"))


def _offence(kind: FaultKind, key: EpochKey, message: ShareMessage) -> Offence:
    return Offence(key.roster.members[message.member].key, kind, Height(message.height))


# WHAT IS SAID


def two_roots(domain: int, first: ShareMessage, second: ShareMessage) -> bytes:
    """LN-50, encoded: the lesser root first."""
    writer = Writer().u32(domain)
    for message in sorted((first, second), key=lambda item: item.root):
        writer.blob(message.to_bytes())
    return writer.done()


@dataclass(frozen=True, slots=True)
class WrongShare:
    """LN-51: see `private_exec.misconduct`.

    Attributes:
        domain: number.
        message: of the member.
        ids: of the batch that it signed for.
        place: which point is wrong.
        ciphertexts: of the sub-batch of that point.
    """

    domain: int
    message: ShareMessage
    ids: tuple[bytes, ...]
    place: int
    ciphertexts: tuple[Ciphertext, ...]

    @staticmethod
    def of(domain: int, batch: Batch, message: ShareMessage) -> WrongShare:
        """From the batch and the message.

        Raises:
            SealRefused: PX-18, all shares are right.
        """
        place = misconduct.wrong_place(batch, message)
        owed = len(batch.key.roster.indices(message.member)) * batch.sub_batches
        positions = (
            batch.members(place % batch.sub_batches) if owed == len(message.points) else range(0)
        )
        ciphertexts = tuple(
            (batch.labels[j], batch.envelopes[j].seal.to_bytes()) for j in positions
        )
        return WrongShare(domain, message, batch.ids, place, ciphertexts)

    def to_bytes(self) -> bytes:
        writer = Writer().u32(self.domain).blob(self.message.to_bytes()).u16(len(self.ids))
        for name in self.ids:
            writer.raw(name, ID_BYTES)
        writer.u16(self.place).u16(len(self.ciphertexts))
        for label, data in self.ciphertexts:
            writer.raw(label, ID_BYTES).blob(data)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> WrongShare:
        """Strict. Raises DecodeError; SealRefused (PX-24)."""
        reader = Reader(data, _WHERE)
        domain, message = reader.u32(), _message(reader)
        ids = tuple(reader.take(ID_BYTES) for _ in range(reader.count(2, MAX_BATCH, "ids")))
        place = reader.u16()
        ciphertexts = tuple(
            (reader.take(ID_BYTES), reader.blob(_MAX_SEAL, "ciphertext"))
            for _ in range(reader.count(2, MAX_BATCH, "ciphertexts"))
        )
        reader.done()
        return WrongShare(domain, message, ids, place, ciphertexts)


def of_keys(state: StateReader, genesis: Genesis, epochs: range) -> Iterator[bytes]:
    """LN-52: everything that the state found about the making of these epochs' keys."""
    for domain in sealed.parameters_of(genesis).domains:
        for epoch in epochs:
            latest = layout.attempt(state, domain.number, epoch)
            for attempt in range(latest.number + 1 if latest is not None else 0):
                found = generation.finding(state, domain.number, epoch, attempt)
                for fault in () if found is None else found.faults:
                    if fault.kind in PUNISHABLE:
                        yield _said(domain.number, epoch, attempt, fault)


def _said(domain: int, epoch: int, attempt: int, fault: Fault) -> bytes:
    writer = Writer().u32(domain).u64(epoch).u32(attempt)
    return writer.u16(fault.member).u8(_KINDS.index(fault.kind)).done()


def wrong_share(domain: int, batch: Batch, message: ShareMessage) -> bytes:
    """LN-51, encoded; empty where nothing is proved by it."""
    try:
        return WrongShare.of(domain, batch, message).to_bytes()
    except ChiaroError:
        return b""
