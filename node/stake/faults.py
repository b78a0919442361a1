"""Faults that cost stake: what there is, who proves it, and what proof of one says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from node.core.ids import Height
from node.core.interfaces import StateReader
from node.core.stake import StakeParameters


class FaultKind(IntEnum):
    """Tag on the wire and in the state."""

    DUPLICATE_VOTE = 1
    TWO_ROOTS = 2
    WRONG_SHARE = 3
    KEY_GENERATION = 4

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", "-")

    def fraction(self, stake: StakeParameters) -> int:
        """What it costs, in parts per million."""
        return {
            FaultKind.DUPLICATE_VOTE: stake.duplicate_vote,
            FaultKind.TWO_ROOTS: stake.two_roots,
            FaultKind.WRONG_SHARE: stake.wrong_share,
            FaultKind.KEY_GENERATION: stake.key_generation,
        }[self]


Judges = Mapping[FaultKind, "Judge"]
"""Who judges evidence of which kind; of a kind that is not here there is none on this chain."""


@dataclass(frozen=True, slots=True)
class Offence:
    """What evidence proves.

    Attributes:
        key: consensus key of the validator.
        kind: of its fault.
        height: at which it was done.
    """

    key: bytes
    kind: FaultKind
    height: Height

    def epoch(self, stake: StakeParameters) -> int:
        """By whose roster it was done: votes for a block are those of the block before's (ST-3)."""
        votes = self.kind is FaultKind.DUPLICATE_VOTE
        return stake.epoch_of(max(1, self.height - 1) if votes else self.height)


class Judge(Protocol):
    """Says what evidence proves; engine and sealed lane, which lie above, know their own."""

    def judge(self, kind: FaultKind, evidence: bytes, state: StateReader) -> Offence:
        """What `evidence` of a fault of this kind proves, from its bytes and the state alone.

        Raises:
            ChiaroError: of the rule by which it proves nothing.
        """
        ...
