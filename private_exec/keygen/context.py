"""What one attempt at a key is: everything that its messages are bound to, and its deadlines."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from node.core.codec import Writer
from node.core.ids import tagged_hash
from private_exec.errors import MalformedSeal
from private_exec.parameters import Parameters
from private_exec.roster import Domain, Roster


@dataclass(frozen=True)
class Context:
    """One attempt.

    Attributes:
        domain: chain, instance, data availability domain.
        epoch: for which the key will serve.
        attempt: 0, 1, …: a failed generation starts anew, with fresh keys of everybody (PX-2).
        parameters: n, T, ℓ.
        roster: who takes part.

    Raises:
        MalformedSeal: PX-22, roster and parameters disagree on n.
    """

    domain: Domain
    epoch: int
    attempt: int
    parameters: Parameters
    roster: Roster

    def __post_init__(self) -> None:
        if self.roster.shares != self.parameters.shares:
            raise MalformedSeal("PX-22", "roster and parameters disagree on n", where="context")

    @functools.cached_property
    def digest(self) -> bytes:
        """32 bytes that stand for all of it."""
        numbers = Writer().u64(self.epoch).u32(self.attempt).done()
        return tagged_hash(
            "private/keygen",
            self.domain.to_bytes(),
            numbers,
            self.parameters.to_bytes(),
            self.roster.digest,
        )

    @property
    def commitments(self) -> int:
        """How many coefficients a dealing commits to: s and T's p."""
        return self.parameters.privacy + 1


@dataclass(frozen=True, slots=True)
class Schedule:
    """The last heights at which each kind of message counts (PX-23).

    Raises:
        MalformedSeal: PX-23, deadlines that do not follow one another.
    """

    notices: int
    commits: int
    dealings: int
    complaints: int

    def __post_init__(self) -> None:
        if not self.notices < self.commits < self.dealings < self.complaints:
            raise MalformedSeal("PX-23", "deadlines do not follow one another", where="schedule")

    @staticmethod
    def starting(height: int, rounds: int = 1) -> Schedule:
        """Every round takes `rounds` blocks, the first one begins at `height`."""
        ends = (height + rounds * (k + 1) - 1 for k in range(4))
        return Schedule(*ends)
