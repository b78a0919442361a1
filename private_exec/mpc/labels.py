"""Typed ids: what a shared random value is *for* is all that it is drawn from (PV-3).

Members draw common randomness from keys that they hold together, each for itself. What they draw
is a function of a label, and a label says where the value is used: the mask of one cell, or one
gate of one session. Nothing counts draws, so a restart, a retry or a member that was away for a
while changes nothing; and since a session's id covers the inputs, two states are never opened under
one mask. There is a type for each kind of use, and functions take the type that they are safe for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NewType

from node.core.codec import Writer
from node.core.ids import ID_BYTES, ChainId, Height, tagged_hash
from private_exec.mpc.errors import MpcRefused
from zk.field.arrays import BYTES

CellId = NewType("CellId", bytes)
"""32 bytes, never used again: a changed cell has another."""
SessionId = NewType("SessionId", bytes)
"""32 bytes: `session`."""

MAX_GATE = 1 << 32


class Part(Enum):
    """What of a cell is masked."""

    VALUE = "value"
    BLINDING = "blinding"


class Draw(Enum):
    """What a gate draws as shares of degree t."""

    LEFT = "left"
    RIGHT = "right"
    OUTPUT = "output"
    COIN = "coin"
    BIT = "bit"
    MASK = "mask"
    CHECK = "check"
    NONCE = "nonce"


class Zero(Enum):
    """What a sharing of zero of degree 2t hides: one value that is published with that degree."""

    TRIPLE = "triple"
    SQUARE = "square"
    CHECK = "check"
    PROOF = "proof"


@dataclass(frozen=True)
class MaskLabel:
    """The mask of one part of one cell: what its value is hidden by as long as it exists."""

    cell: CellId
    part: Part

    def __post_init__(self) -> None:
        _check_id(self.cell, "a cell's id")

    @cached_property
    def digest(self) -> bytes:
        return tagged_hash("mpc/label/mask", self.part.value.encode(), self.cell)


@dataclass(frozen=True)
class GateLabel:
    """What one gate of one session draws.

    Attributes:
        session: `session`.
        gate: its number in the program; a vector of gates that run together has one.
        what: which of its draws.
        retry: of this draw alone, where an outcome is refused (a bit whose square is 0); it is part
            of the protocol, not of what a member does after a failure.
    """

    session: SessionId
    gate: int
    what: Draw
    retry: int = 0

    def __post_init__(self) -> None:
        _check_gate(self.session, self.gate, self.retry)

    @cached_property
    def digest(self) -> bytes:
        return tagged_hash("mpc/label/gate", *_parts(self))


@dataclass(frozen=True)
class ZeroLabel:
    """The sharing of zero that is added to one published value of degree 2t (P2-6)."""

    session: SessionId
    gate: int
    what: Zero
    retry: int = 0

    def __post_init__(self) -> None:
        _check_gate(self.session, self.gate, self.retry)

    @cached_property
    def digest(self) -> bytes:
        return tagged_hash("mpc/label/zero", *_parts(self))


ValueLabel = MaskLabel | GateLabel
"""What shares of random values are drawn for."""
SessionLabel = GateLabel | ZeroLabel
"""What belongs to one session, and may be revealed when that has touched nothing private."""
Label = MaskLabel | GateLabel | ZeroLabel
"""Everything that a pseudo-random function is asked for."""


def _check_id(data: bytes, what: str) -> None:
    if len(data) != ID_BYTES:
        raise MpcRefused("PV-3", f"{what} takes {ID_BYTES} bytes, not {len(data)}")


def _check_gate(session: SessionId, gate: int, retry: int) -> None:
    _check_id(session, "a session's id")
    if not (0 <= gate < MAX_GATE and 0 <= retry < MAX_GATE):
        raise MpcRefused("PV-3", "gates and retries are counted from 0 to 2³² − 1")


def _parts(label: GateLabel | ZeroLabel) -> tuple[bytes, ...]:
    numbers = Writer().u32(label.gate).u32(label.retry).done()
    return label.what.value.encode(), label.session, numbers


@dataclass(frozen=True, slots=True)
class Touched:
    """A cell that a session reads, as the chain has it then.

    Attributes:
        cell: its id.
        version: how often it was changed.
        c: value plus mask, below r.
        com: its commitment, compressed, 32 bytes.
    """

    cell: CellId
    version: int
    c: int
    com: bytes

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.cell, ID_BYTES).u64(self.version)
        return writer.fr(self.c).raw(self.com, BYTES).done()


@dataclass(frozen=True, slots=True)
class Call:
    """Where a session comes from: all that its id covers, so that another state is another session.

    Attributes:
        chain: the chain.
        block: hash of the block that ordered the call, or that last advanced `retry`.
        height: of that block.
        index: of the call in it.
        epoch: of the committee.
        committee: id of its declaration.
        program: digest of what is computed.
        cells: that are read, in the program's order.
        retry: advanced by a record on the chain, by nothing else.
    """

    chain: ChainId
    block: bytes
    height: Height
    index: int
    epoch: int
    committee: bytes
    program: bytes
    cells: Sequence[Touched]
    retry: int = 0


def session(call: Call) -> SessionId:
    """PV-3 (P2-3): the id of a session, a hash of everything that it depends on."""
    head = Writer().raw(call.chain, ID_BYTES).raw(call.block, ID_BYTES).u64(call.height)
    head = head.u32(call.index).u64(call.epoch).raw(call.committee, ID_BYTES)
    head = head.raw(call.program, ID_BYTES).u32(call.retry)
    cells = (touched.to_bytes() for touched in call.cells)
    return SessionId(tagged_hash("mpc/session", head.done(), *cells))
