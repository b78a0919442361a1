"""Transactions of a hand-over: who follows a committee, and what its members deal for it.

    16 name        committee 32, successor 32, made 8, member 1, signature 64
    17 transfer    committee 32, retry 4, step 1, message 4 + n

Nobody pays for them: members' words are few, and transfers are of cells that somebody paid for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, tagged_hash
from node.private.errors import PrivateRefused
from node.private.messages import MAX_MESSAGE
from node.private.tags import Tag
from private_exec.committee.certificate import Certificate
from private_exec.committee.together import Handed
from private_exec.roster import SIGNATURE_BYTES

EPOCH_BYTES: Final = 8


class Step(IntEnum):
    """What a message of a transfer is."""

    OPEN = 0
    MASKS = 1
    OLD_COMPLAINT = 2
    NEW_COMPLAINT = 3
    HANDED = 4

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class NameTx:
    """A member's word on who follows its committee; the committee's own id: nobody.

    Attributes:
        committee: of the member.
        successor: id of a committee.
        made: epochs of the member's committee that have keys.
        member: 1 … n.
        signature: of the member, over `digest`.
    """

    committee: bytes
    successor: bytes
    made: int
    member: int
    signature: bytes = bytes(SIGNATURE_BYTES)

    def _unsigned(self) -> bytes:
        writer = Writer().u8(Tag.NAME).raw(self.committee, ID_BYTES).raw(self.successor, ID_BYTES)
        return writer.u64(self.made).u8(self.member).done()

    @property
    def digest(self) -> bytes:
        """What the member signs; the committee's id names the chain."""
        return tagged_hash("private/successor", self._unsigned())

    def to_bytes(self) -> bytes:
        return self._unsigned() + self.signature

    @staticmethod
    def read(reader: Reader) -> NameTx:
        committee, successor = reader.take(ID_BYTES), reader.take(ID_BYTES)
        return NameTx(committee, successor, reader.u64(), reader.u8(), reader.take(SIGNATURE_BYTES))


@dataclass(frozen=True, slots=True)
class TransferTx:
    """A message of the transfer that is under way, or what opens one.

    Attributes:
        committee: whose cells go.
        retry: number of the transfer, of all of this committee.
        step: its kind.
        message: as `private_exec.committee` encodes it; of `OPEN`, the epoch whose cells go.
    """

    committee: bytes
    retry: int
    step: Step
    message: bytes

    def to_bytes(self) -> bytes:
        writer = Writer().u8(Tag.TRANSFER).raw(self.committee, ID_BYTES).u32(self.retry)
        return writer.u8(self.step).blob(self.message).done()

    @staticmethod
    def read(reader: Reader) -> TransferTx:
        committee, retry, step = reader.take(ID_BYTES), reader.u32(), reader.u8()
        if step not in Step.__members__.values():
            raise PrivateRefused("PV-101", f"no step {step} of a transfer", where="step")
        return TransferTx(committee, retry, Step(step), reader.blob(MAX_MESSAGE, "message"))


def place_of(tx: TransferTx) -> bytes:
    """What of a transfer a message is: of each, one waits at a time."""
    about = {Step.MASKS: 1, Step.OLD_COMPLAINT: 33, Step.NEW_COMPLAINT: 33}
    return bytes([tx.step]) + tx.message[: about.get(tx.step, 0)]


def opening(committee: bytes, retry: int, epoch: int) -> TransferTx:
    """What opens a transfer of cells of an epoch."""
    return TransferTx(committee, retry, Step.OPEN, Writer().u64(epoch).done())


def epoch_in(message: bytes) -> int:
    """Of a message that opens a transfer. Raises DecodeError."""
    reader = Reader(message, "opening of a transfer")
    epoch = reader.u64()
    reader.done()
    return epoch


@dataclass(frozen=True, slots=True)
class Left:
    """What an old committee opened, and its will that these cells go where the transfer says.

    Attributes:
        handed: as `private_exec.committee.together.handing` came to.
        will: of 2t + 1, over the transfer.
    """

    handed: Handed
    will: Certificate

    def to_bytes(self) -> bytes:
        return self.handed.to_bytes() + self.will.to_bytes()

    @staticmethod
    def from_bytes(data: bytes) -> Left:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "handed")
        found = Left(Handed.read(reader), Certificate.read(reader))
        reader.done()
        return found
