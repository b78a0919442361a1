"""Where an intent stands: the answer that every command about intents gives."""

from __future__ import annotations

from dataclasses import dataclass

from node.cli.intent_files import Outcome


@dataclass(frozen=True, slots=True)
class Standing:
    """An intent's stage.

    Attributes:
        stage: `kept`, `published`, `pending`, `ordered`, `closed`, `opened`, or an outcome.
        waits_for: whom; empty when it is over.
        until: up to which height that may last; None: no bound.
        text: one sentence.
        tip: height of the chain when this was asked.
        batch: number of its batch.
        opened: everybody could read it.
        why: of an outcome that is not `settled`.
        height: of the block that ended it.
    """

    stage: str
    waits_for: str
    until: int | None
    text: str
    tip: int
    batch: int | None = None
    opened: bool = False
    why: str = ""
    height: int | None = None

    @property
    def outcome(self) -> Outcome:
        """How it ended; OPEN while it has not."""
        return Outcome(self.stage) if self.stage in set(Outcome) else Outcome.OPEN
