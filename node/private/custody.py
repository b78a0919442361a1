"""Whose keys mask the cells of deposits: those of a next epoch, or of another committee.

    remask      to the keys of the committee's next epoch (PV-126)
    handover    to another committee's, by the will of both (PV-130)

Of a cell only its mask changes. Its commitment stays, and so do its owner and what he may do.
Cells of rounds go nowhere: a round ends within its epoch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from node.core.effects import Effects, Event
from node.core.interfaces import StateReader
from node.private import committees, deposits, freezing, held, succession
from node.private import state as entries
from node.private.committees import Epoch
from node.private.deposits import Deposit
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.messages import HandoverTx, RemaskTx
from node.private.state import Write
from private_exec.committee import certificate as certificates
from private_exec.committee import remask
from private_exec.committee.cells import Cell
from private_exec.committee.remask import Remasking
from private_exec.committee.reshare import Transfer
from private_exec.mpc.labels import CellId


@lru_cache(maxsize=64)
def read(data: bytes) -> Remasking:
    """A remasking, strictly. Raises DecodeError."""
    return Remasking.from_bytes(data)


def _between(
    state: StateReader, height: int, old: tuple[bytes, int], new: tuple[bytes, int]
) -> tuple[Epoch, Epoch]:
    """Both epochs, by committee and number. Raises PrivateRefused: PV-106; FrozenRefused: PV-49."""
    found = committees.epoch_of(state, *old), committees.epoch_of(state, *new)
    for committee, epoch in (old, new):
        freezing.require_live(state, committee, epoch, height, "remasking")
    return found


def _held(
    state: StateReader, said: Remasking, committee: bytes
) -> dict[CellId, tuple[bytes, Deposit]]:
    """Of the cells that are to move, those of deposits that this committee holds, by deposit."""
    every = ((change.id, deposits.of_cell(state, change.id)) for change in said.changes)
    return {
        cell: found
        for cell, found in every
        if found is not None and found[1].committee == committee
    }


def _moved(
    state: StateReader, said: Remasking, old: Epoch, new: Epoch, there: Iterable[CellId]
) -> list[Cell]:
    """PV-46. Raises CommitteeRefused."""
    cells = {cell: entries.cell_of(state, cell) for cell in there}
    return remask.apply(said, old.record, new.record, cells)


def _cells(moved: Iterable[Cell], old: tuple[bytes, int], holder: bytes) -> list[Write]:
    writes: list[Write] = []
    for cell in moved:
        writes.append((entries.cell_key(cell.id), cell.to_bytes()))
        writes += [held.lost(*old, cell.id), held.gained(holder, cell.epoch, cell.id)]
    return writes


def check_remask(tx: RemaskTx, state: StateReader, height: int) -> tuple[Epoch, Epoch]:
    """PV-126: from an epoch of the committee to the one behind it.

    Raises:
        PrivateRefused: PV-106; FrozenRefused: PV-49.
    """
    return _between(state, height, (tx.committee, tx.epoch), (tx.committee, tx.epoch + 1))


def move(tx: RemaskTx, state: StateReader, height: int) -> Effects:
    """PV-126: cells of the committee's deposits go to the next epoch's keys.

    Raises:
        PrivateRefused: PV-106; CommitteeRefused: PV-43, PV-46, PV-49.
    """
    old, new = check_remask(tx, state, height)
    said = read(tx.message)
    moved = _moved(state, said, old, new, _held(state, said, tx.committee))
    writes = _cells(moved, (tx.committee, tx.epoch), tx.committee)
    about = ("committee", tx.committee.hex()), ("epoch", str(tx.epoch + 1))
    event = Event("remasked", (*about, ("cells", str(len(moved)))))
    return Effects(writes=tuple(writes), events=(event,))


def check_handover(tx: HandoverTx, state: StateReader, height: int) -> tuple[Epoch, Epoch]:
    """PV-130: to another committee, whose keys serve.

    Raises:
        PrivateRefused: PV-106, PV-130; PrivateOutdated: PV-130; FrozenRefused: PV-49.
    """
    if tx.successor == tx.committee:
        raise PrivateRefused("PV-130", "a committee does not succeed itself", where="successor")
    old, new = _between(state, height, (tx.committee, tx.epoch), (tx.successor, tx.serving))
    if not new.since <= height <= new.until:
        raise PrivateOutdated(
            "PV-130", f"the new keys serve from {new.since} to {new.until}", where="serving"
        )
    return old, new


def hand_over(tx: HandoverTx, state: StateReader, height: int) -> Effects:
    """PV-130: 2t + 1 of the old committee name the new one, and for which cells; each time anew.

    Raises:
        PrivateRefused: PV-106, PV-130; PrivateOutdated: PV-130.
        CommitteeRefused: PV-43, PV-46, PV-49.
    """
    old, new = check_handover(tx, state, height)
    said = read(tx.message)
    there = _held(state, said, tx.committee)
    moved = _moved(state, said, old, new, there)
    named = tuple(change.id for change in said.changes)
    transfer = Transfer(old.record, new.record, named, tx.retry)
    certificates.check(tx.will, old.record.declaration, transfer.digest)
    writes = _cells(moved, (tx.committee, tx.epoch), tx.successor)
    for cell in moved:
        identity, found = there[cell.id]
        after = replace(found, committee=tx.successor)
        writes.append((deposits.deposit_key(identity), after.to_bytes()))
    writes += succession.landed(state, tx.committee, transfer)
    event = Event(
        "handed_over",
        (
            ("committee", tx.committee.hex()),
            ("successor", tx.successor.hex()),
            ("epoch", str(tx.serving)),
            ("cells", str(len(moved))),
        ),
    )
    return Effects(writes=tuple(writes), nullifiers=(transfer.digest,), events=(event,))
