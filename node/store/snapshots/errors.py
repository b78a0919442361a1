"""Why a snapshot is not taken."""

from __future__ import annotations

from enum import Enum

from zk.errors import Ruled


class Blame(Enum):
    """Who is at fault for what was refused, so what to do next."""

    SENDER = "sender"
    """Of the offer, or of this chunk: ask another for the same."""
    SNAPSHOT = "snapshot"
    """Everything hangs together and is wrong: take another snapshot."""
    FORMAT = "format"
    """Made by another version: take none like it."""


class SnapshotRefused(Ruled):
    """An offer, a chunk or a snapshot that a numbered rule refuses. `rule` is its id (`SN-4`).

    Attributes:
        blame: who is at fault.
    """

    code = "STO-002"
    exit_code = 5
    why = "a state that is not the one that validators signed would be another ledger"
    fix = "another peer's snapshot is taken; if none is left, replay the blocks"

    def __init__(self, rule: str, message: str, blame: Blame, *, where: str = "snapshot") -> None:
        super().__init__(rule, f"{rule}: {message}", where=where)
        self.blame = blame
