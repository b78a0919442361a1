"""Which cells of deposits a committee holds, and whose a deposit is.  Rules PV-220, PV-221.

    p/y/ ‖ committee ‖ epoch ‖ cell     a cell under these keys, or what waits to be one
    p/k/ ‖ owner ‖ deposit              a deposit of this owner, for ever

Entries say nothing that deposits and cells do not; they are there so that nobody reads all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from node.core.interfaces import StateReader
from node.private.state import Write
from private_exec.mpc.labels import CellId

_HELD: Final = b"p/y/"
_OWNED: Final = b"p/k/"
_EPOCH_BYTES: Final = 8
_THERE: Final = b"\x01"


def held_key(committee: bytes, epoch: int, cell: bytes) -> bytes:
    """Where the state says that a committee holds a cell under the keys of an epoch."""
    return _prefix(committee, epoch) + cell


def owned_key(owner: bytes, deposit: bytes) -> bytes:
    """Where the state says whose a deposit is."""
    return _OWNED + owner + deposit


def _prefix(committee: bytes, epoch: int) -> bytes:
    return _HELD + committee + epoch.to_bytes(_EPOCH_BYTES, "big")


def cells(state: StateReader, committee: bytes, first: int) -> Iterator[tuple[int, CellId]]:
    """PV-220: epoch and id of each cell, from an epoch on: what must move first comes first."""
    prefix = _HELD + committee
    for key, _ in state.iterate(prefix):
        place = key[len(prefix) :]
        epoch = int.from_bytes(place[:_EPOCH_BYTES], "big")
        if epoch >= first:
            yield epoch, CellId(place[_EPOCH_BYTES:])


def cells_of(state: StateReader, committee: bytes, epoch: int) -> Iterator[CellId]:
    """PV-220: those under the keys of one epoch, by id."""
    prefix = _prefix(committee, epoch)
    for key, _ in state.iterate(prefix):
        yield CellId(key[len(prefix) :])


def has_cells(state: StateReader, committee: bytes, epoch: int) -> bool:
    """PV-220: whether any is left under the keys of an epoch."""
    return next(cells_of(state, committee, epoch), None) is not None


def owned(state: StateReader, owner: bytes) -> Iterator[bytes]:
    """PV-221: ids of the deposits of an owner, those that left among them."""
    prefix = _OWNED + owner
    for key, _ in state.iterate(prefix):
        yield key[len(prefix) :]


def gained(committee: bytes, epoch: int, cell: bytes) -> Write:
    """PV-220: the committee holds a cell under these keys, or will when its members agree."""
    return held_key(committee, epoch, cell), _THERE


def lost(committee: bytes, epoch: int, cell: bytes) -> Write:
    """PV-220: it holds it no more, or under other keys."""
    return held_key(committee, epoch, cell), None


def entered(owner: bytes, deposit: bytes) -> Write:
    """PV-221."""
    return owned_key(owner, deposit), _THERE
