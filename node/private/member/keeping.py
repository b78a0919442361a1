"""What the chain has a member do about cells that stay longer than keys do.  Rule PV-164.

    cells of deposits under keys behind which others have been made     a session of `rekeying`

Nobody waits for the old keys to end: when they do, the cells have moved, and with them goes what
the old keys were made of (PV-156). What is opened of a cell follows from its id and both keys, not
from the session, so batches need not be the same twice; they are as like as can be, so that members
who look at different times meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from node.private.member.due import Job
from node.private.member.keys import Keys
from node.private.member.view import View
from node.private.messages import RemaskTx
from node.private.succession_payload import Step
from private_exec.committee import together
from private_exec.committee.cells import Cell
from private_exec.committee.participant import EpochSecrets
from private_exec.mpc.context import Context
from private_exec.mpc.rounds import Rounds

MOST_CELLS: Final = 128
"""Of one batch."""


class KeepingDuties:
    """Of one member.

    Args:
        keys: its keys.
        step_heights: of the chain.
    """

    def __init__(self, keys: Keys, step_heights: int) -> None:
        self._keys = keys
        self._step = step_heights

    def look(self, view: View) -> list[Job]:
        """PV-164: sessions that move cells to the keys of the epoch behind theirs.

        Raises:
            ChiaroError: the node does not answer, or a secret is lost.
        """
        behind, away = view.behind(self._keys.first()), self._away(view)
        return [
            job
            for epoch, held in behind.items()
            for job in self._moving(view, epoch, [cell for cell in held if cell.id not in away])
        ]

    def _away(self, view: View) -> frozenset[bytes]:
        """Cells that are on their way to another committee."""
        known = view.succession(view.identity)
        going = None if known is None else known.going
        if going is None or view.height >= going.last(Step.HANDED, self._step):
            return frozenset()
        return frozenset(cell.id for cell in going.cells)

    def _moving(self, view: View, epoch: int, cells: Sequence[Cell]) -> Iterator[Job]:
        old, new = (self._keys.of_epoch(view, number) for number in (epoch, epoch + 1))
        if old is None or new is None or view.is_frozen(epoch) or view.is_frozen(epoch + 1):
            return
        for batch in batches(cells):
            yield _rekeying(old, new, batch)


def _rekeying(old: EpochSecrets, new: EpochSecrets, batch: Sequence[Cell]) -> Job:
    committee, epoch = old.record.declaration.id, old.record.epoch

    def protocol(context: Context) -> Rounds[RemaskTx]:
        made = yield from together.rekeying(context, old.record, new.record, old.prss, batch)
        return RemaskTx(committee, epoch, made.to_bytes())

    session = together.rekey_session(old.record, new.record, [cell.id for cell in batch])
    about = f"{len(batch)} cells to the keys of epoch {epoch + 1}"
    return Job(session, new.prss, protocol, about)


def batches(cells: Sequence[Cell], bit: int = 0) -> Iterator[Sequence[Cell]]:
    """PV-164: by the first bits of ids: one cell more or less changes no batch but its own.

    Args:
        cells: in the order of their ids.
        bit: those before it are the same in all.
    """
    if len(cells) > MOST_CELLS:
        for side in (0, 1):
            part = [cell for cell in cells if cell.id[bit // 8] >> (7 - bit % 8) & 1 == side]
            yield from batches(part, bit + 1)
    elif cells:
        yield cells
