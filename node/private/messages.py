"""Private transactions that nobody pays for: what members say, and what follows from the state.

Each counts once, and only where the state awaits it (PV-120).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.core.block import MAX_TX_BYTES
from node.core.codec import Writer
from node.core.ids import ID_BYTES
from node.private.errors import PrivateRefused
from node.private.tags import Tag
from private_exec.committee.certificate import Certificate
from private_exec.committee.opening import OpenStatement

MAX_MESSAGE: Final = MAX_TX_BYTES


class Step(IntEnum):
    """The three steps of a key ceremony."""

    NOTICE = 1
    DEALING = 2
    COMPLAINT = 3

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class CeremonyTx:
    """A member's message of a key ceremony, as `private_exec.committee` encodes it."""

    committee: bytes
    epoch: int
    attempt: int
    step: Step
    message: bytes

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.CEREMONY).raw(self.committee, ID_BYTES).u64(self.epoch)
        return head.u32(self.attempt).u8(self.step).blob(self.message).done()


@dataclass(frozen=True)
class ComplaintTx:
    """A member says that an input gave it no share.

    Attributes:
        input: id.
        message: as `private_exec.committee` encodes it.
    """

    input: bytes
    message: bytes

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.COMPLAINT).raw(self.input, ID_BYTES)
        return head.blob(self.message).done()


@dataclass(frozen=True)
class AcceptTx:
    """Inputs of a round or sale, or deposits, become cells, by the signatures of 2t + 1 members.

    Attributes:
        round: id, or the sale's; of deposits, their committee's.
        message: the acceptance, as `private_exec.committee` encodes it.
    """

    round: bytes
    message: bytes

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.ACCEPT).raw(self.round, ID_BYTES)
        return head.blob(self.message).done()


@dataclass(frozen=True)
class OpenTx:
    """The declared outputs of a round, or session: nothing else is ever opened (PV-116, PV-180).

    Attributes:
        opened: of the round's id: S and T, with their blindings, of each project with enough
            donations, in order.
    """

    opened: OpenStatement

    @property
    def round(self) -> bytes:
        """Id."""
        return self.opened.session

    def to_bytes(self) -> bytes:
        return bytes([Tag.OPEN]) + self.opened.to_bytes()


@dataclass(frozen=True)
class SettleTx:
    """Ends a round or sale; all that it does follows from the state."""

    round: bytes

    def to_bytes(self) -> bytes:
        return Writer().u8(Tag.SETTLE).raw(self.round, ID_BYTES).done()


@dataclass(frozen=True)
class RemaskTx:
    """Cells of deposits go to the keys of the epoch behind theirs.

    Attributes:
        committee: id.
        epoch: whose keys mask them.
        message: the remasking, as `private_exec.committee` encodes it.
    """

    committee: bytes
    epoch: int
    message: bytes

    def to_bytes(self) -> bytes:
        head = Writer().u8(Tag.REMASK).raw(self.committee, ID_BYTES).u64(self.epoch)
        return head.blob(self.message).done()


@dataclass(frozen=True)
class FreezeTx:
    """An epoch that its committee left lying ends for it; the rest follows from the state."""

    committee: bytes
    epoch: int

    def to_bytes(self) -> bytes:
        return Writer().u8(Tag.FREEZE).raw(self.committee, ID_BYTES).u64(self.epoch).done()


@dataclass(frozen=True)
class HandoverTx:
    """Cells of deposits go to another committee.

    Attributes:
        committee, epoch: whose keys mask them.
        successor, serving: committee and epoch whose keys will.
        retry: attempt of the members at this transfer, from 0.
        will: of the old committee, over `private_exec.committee.reshare.Transfer`.
        message: the remasking, by the new one, as `private_exec.committee` encodes it.
    """

    committee: bytes
    epoch: int
    successor: bytes
    serving: int
    retry: int
    will: Certificate
    message: bytes

    def to_bytes(self) -> bytes:
        writer = Writer().u8(Tag.HANDOVER).raw(self.committee, ID_BYTES).u64(self.epoch)
        writer.raw(self.successor, ID_BYTES).u64(self.serving).u32(self.retry)
        return writer.done() + self.will.to_bytes() + Writer().blob(self.message).done()


def step_of(value: int) -> Step:
    """PV-101. Raises PrivateRefused."""
    if value in Step.__members__.values():
        return Step(value)
    raise PrivateRefused("PV-101", f"no step {value} of a key ceremony", where="step")
