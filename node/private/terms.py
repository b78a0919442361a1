"""What a provider of matching funds offers: the terms of a round, fixed before anybody gives.

    block of the round … close      donations
    … accept                        members complain about inputs, or accept them
    accept + 1 … open               members open the sums of each project, and nothing else

Each name is that of the last height of its step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, AccountId, Kind

MAX_PROJECTS: Final = 32
MAX_LEAST: Final = 255


class Phase(IntEnum):
    """Where a round stands in a block of some height, as far as heights say it."""

    DONATING = 1
    ACCEPTING = 2
    OPENING = 3
    OVER = 4

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Project:
    """Who asks for money.

    Attributes:
        recipient: transparent account.
        minimum: base units; below it the project takes nothing, and its donors have theirs back.
    """

    recipient: AccountId
    minimum: int


@dataclass(frozen=True, slots=True)
class Terms:
    """See the module.

    Attributes:
        committee: id of its declaration, 32 bytes.
        epoch: whose keys the inputs are sealed to.
        kind: of all amounts.
        pool: base units that the provider locks.
        members: root of the tree of those who may give, a field element.
        projects: 1 to 32.
        least: a project with fewer accepted donations is not opened, and takes nothing.
        close, accept, open: last heights of the three steps.
    """

    committee: bytes
    epoch: int
    kind: Kind
    pool: int
    members: int
    projects: tuple[Project, ...]
    least: int
    close: int
    accept: int
    open: int

    def phase(self, height: int) -> Phase:
        """In a block of this height."""
        for phase, last in zip(Phase, (self.close, self.accept, self.open), strict=False):
            if height <= last:
                return phase
        return Phase.OVER

    def write(self, writer: Writer) -> None:
        writer.raw(self.committee, ID_BYTES).u64(self.epoch).raw(self.kind.to_bytes(), 64)
        writer.u64(self.pool).fr(self.members).u8(len(self.projects))
        for project in self.projects:
            writer.raw(project.recipient, ID_BYTES).u64(project.minimum)
        writer.u8(self.least).u64(self.close).u64(self.accept).u64(self.open)

    @staticmethod
    def read(reader: Reader) -> Terms:
        """Strict. Raises DecodeError."""
        committee, epoch, kind = reader.take(ID_BYTES), reader.u64(), Kind.read(reader)
        pool, members = reader.u64(), reader.fr()
        projects = tuple(
            Project(AccountId(reader.take(ID_BYTES)), reader.u64())
            for _ in range(reader.count(1, MAX_PROJECTS, "projects"))
        )
        return Terms(
            committee, epoch, kind, pool, members, projects, reader.u8(), reader.u64(),
            reader.u64(), reader.u64(),
        )  # fmt: skip
