"""An epoch of a committee: what its messages are bound to, its deadlines, and its public record."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec.committee.declaration import Declaration
from private_exec.committee.errors import CeremonyRefused, MalformedCommittee
from zk.curve.bn254 import G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes

MAX_DECLARATION: Final = 1 << 12
_NOBODY: Final = bytes(G1_BYTES)


@dataclass(frozen=True)
class EpochContext:
    """One attempt at an epoch's keys.

    Attributes:
        declaration: the committee.
        epoch: for which the keys will serve.
        attempt: 0, 1, …: a failed ceremony starts anew, with fresh keys of everybody (PV-31).
    """

    declaration: Declaration
    epoch: int
    attempt: int = 0

    @functools.cached_property
    def digest(self) -> bytes:
        """32 bytes that stand for all of it: chain, committee, epoch, attempt."""
        numbers = Writer().u64(self.epoch).u32(self.attempt).done()
        return tagged_hash("private/committee/epoch", self.declaration.id, numbers)

    def session(self, keys: dict[int, G1Affine]) -> bytes:
        """The attempt and the encryption keys that take part, as 32 bytes."""
        parts = (Writer().u8(m).done() + g1_to_bytes(keys[m]) for m in sorted(keys))
        return tagged_hash("private/committee/session", self.digest, *parts)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The last heights at which each kind of message counts (PV-35).

    Raises:
        MalformedCommittee: PV-35, deadlines that do not follow one another.
    """

    notices: int
    dealings: int
    complaints: int

    def __post_init__(self) -> None:
        if not self.notices < self.dealings < self.complaints:
            raise MalformedCommittee(
                "PV-35", "deadlines do not follow one another", where="schedule"
            )

    @staticmethod
    def starting(height: int, rounds: int = 1) -> Schedule:
        """Every round takes `rounds` blocks, the first one begins at `height`."""
        return Schedule(*(height + rounds * (k + 1) - 1 for k in range(3)))

    def in_time(self, height: int, first: int, last: int, what: str) -> None:
        """Refuse what comes outside of its heights.

        Raises:
            CeremonyRefused: PV-35.
        """
        if not first <= height <= last:
            raise CeremonyRefused(
                "PV-35", f"a {what} counts from {first} to {last}, not at {height}", where=what
            )


@dataclass(frozen=True)
class EpochRecord:
    """What everybody knows of an epoch's keys.

    Attributes:
        context: committee, epoch, attempt.
        keys: the members' encryption keys, by member; who gave none has no share of anything.
        qualified: whose parts the keys are made of, ascending.
        faulty: who was silent or blamed in the ceremony, ascending; at most t.

    Raises:
        MalformedCommittee: PV-36, members that cannot be, or more than t faulty.
        DecodeError: a key that is no point.
    """

    context: EpochContext
    keys: dict[int, G1Affine]
    qualified: tuple[int, ...]
    faulty: tuple[int, ...]

    def __post_init__(self) -> None:
        for key in self.keys.values():
            check_g1(key, what="encryption key")
        declaration = self.context.declaration
        listed = (tuple(sorted(self.keys)), self.qualified, self.faulty)
        if any(not _is_ascending(part, declaration.members) for part in listed):
            raise MalformedCommittee("PV-36", "members stand once, ascending", where="record")
        if not set(self.qualified) <= set(self.keys):
            raise MalformedCommittee("PV-36", "a dealer gave no encryption key", where="record")
        if not set(declaration.members) - set(self.qualified) <= set(self.faulty):
            raise MalformedCommittee("PV-36", "who dealt nothing counts as faulty", where="record")
        if len(self.faulty) > declaration.size.t:
            raise MalformedCommittee(
                "PV-36", f"{len(self.faulty)} members are faulty", where="record"
            )

    @property
    def declaration(self) -> Declaration:
        return self.context.declaration

    @property
    def epoch(self) -> int:
        return self.context.epoch

    @functools.cached_property
    def session(self) -> bytes:
        """The attempt and its encryption keys, 32 bytes."""
        return self.context.session(self.keys)

    @functools.cached_property
    def digest(self) -> bytes:
        """32 bytes; part of everything that is done under these keys."""
        return tagged_hash("private/committee/record", self.to_bytes())

    def to_bytes(self) -> bytes:
        writer = Writer().blob(self.declaration.to_bytes())
        writer.u64(self.context.epoch).u32(self.context.attempt)
        for member in self.declaration.members:
            key = self.keys.get(member)
            writer.raw(_NOBODY if key is None else g1_to_bytes(key), G1_BYTES)
        for members in (self.qualified, self.faulty):
            writer.u8(len(members))
            for member in members:
                writer.u8(member)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> EpochRecord:
        """Strict; raises a DecodeError (MalformedCommittee by PV-36) for everything else."""
        reader = Reader(data, "epoch record")
        declaration = Declaration.from_bytes(reader.blob(MAX_DECLARATION, "declaration"))
        context = EpochContext(declaration, reader.u64(), reader.u32())
        keys = {}
        for member in declaration.members:
            raw = reader.take(G1_BYTES)
            if raw != _NOBODY:
                keys[member] = g1_from_bytes(raw, what=f"encryption key {member}")
        count = len(declaration.members)
        qualified, faulty = (
            tuple(reader.u8() for _ in range(reader.count(1, count, name)))
            for name in ("dealers", "faulty members")
        )
        reader.done()
        return EpochRecord(context, keys, qualified, faulty)


def _is_ascending(part: tuple[int, ...], members: range) -> bool:
    return part == tuple(sorted(set(part))) and set(part) <= set(members)
