"""Acceptance: inputs whose shares 2t + 1 members have become cells, and count.  Rule PV-115.

The certificate and the cells' commitments are `private_exec.committee.acceptance`'s; here is which
inputs may become cells, and that a donation becomes both of its cells or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from node.core.effects import Effects, Event
from node.core.interfaces import StateReader
from node.private import committees, deposits, sale_state, sales
from node.private import state as entries
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.messages import AcceptTx
from node.private.sale_state import Sale
from node.private.state import CELLS_OF_DONATION, Donation, Round, Status, Write
from node.private.terms import Phase
from private_exec.committee import acceptance as acceptances
from private_exec.committee.acceptance import Acceptance
from private_exec.committee.cells import Cell
from private_exec.mpc.labels import CellId


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What a cell to be comes from."""

    input: bytes
    index: int
    donation: Donation


@lru_cache(maxsize=64)
def read(data: bytes) -> Acceptance:
    """An acceptance, strictly. Raises DecodeError."""
    return Acceptance.from_bytes(data)


def check_place(tx: AcceptTx, state: StateReader, height: int) -> Round | Sale | None:
    """PV-115, PV-174: round or sale still take acceptances; None: a committee, which always does.

    Raises:
        PrivateRefused: PV-107; PrivateOutdated: PV-115, PV-174.
    """
    if committees.is_declared(state, tx.round):
        return None
    if sale_state.find(state, tx.round) is not None:
        return sales.check_place(state, tx.round, height)
    found = entries.round_of(state, tx.round)
    if found.terms.phase(height) not in (Phase.DONATING, Phase.ACCEPTING):
        raise PrivateOutdated(
            "PV-115", f"inputs were accepted until {found.terms.accept}", where="round"
        )
    return found


def accept(tx: AcceptTx, state: StateReader, height: int) -> Effects:
    """PV-115.

    Raises:
        PrivateRefused: PV-107, PV-115; PrivateOutdated: PV-115.
        CommitteeRefused: PV-43, PV-44.
    """
    of, said = check_place(tx, state, height), read(tx.message)
    if of is None:
        return deposits.accept(tx, said, state, height)
    if isinstance(of, Sale):
        return sales.accept(tx, said, state, height)
    epoch = committees.epoch_of(state, of.terms.committee, of.terms.epoch)
    waiting = _waiting(state, tx.round, said)
    commitments = {
        cell: (found.donation.weight, found.donation.amount)[found.index]
        for cell, found in waiting.items()
    }
    made = {cell.id: cell for cell in acceptances.accept(said, epoch.record, commitments)}
    whole = _by_input(waiting, made)
    writes: list[Write] = []
    for identity, (donation, cells) in whole.items():
        writes += entries.over(donation, identity, Status.ACCEPTED)
        writes += [(entries.cell_key(cell.id), cell.to_bytes()) for cell in cells]
    after = _tallied(of, [(donation, cells) for donation, cells in whole.values()])
    writes.append((entries.round_key(tx.round), after.to_bytes()))
    names = ("round", tx.round.hex()), ("inputs", ",".join(key.hex() for key in whole))
    return Effects(writes=tuple(writes), events=(Event("accepted", names),))


def _waiting(state: StateReader, identity: bytes, said: Acceptance) -> dict[CellId, _Waiting]:
    """The inputs that the accepted cells come from; one that does not wait is not among them."""
    found: dict[CellId, _Waiting] = {}
    for cell in said.cells:
        place = state.get(entries.waiting_key(cell.id))
        if place is None:
            continue
        if deposits.find(state, place[:-1]) is not None:
            continue
        if sales.sale_of_input(state, place[:-1]) is not None:
            continue
        donation = entries.donation_of(state, place[:-1])
        if donation.round == identity and donation.status is Status.PENDING:
            found[cell.id] = _Waiting(place[:-1], place[-1], donation)
    return found


def _by_input(
    waiting: Mapping[CellId, _Waiting], made: Mapping[CellId, Cell]
) -> dict[bytes, tuple[Donation, tuple[Cell, ...]]]:
    """Cells of each input in order, all of them.

    Raises:
        PrivateRefused: PV-115.
    """
    parts: dict[bytes, dict[int, Cell]] = {}
    donations: dict[bytes, Donation] = {}
    for identity, found in waiting.items():
        parts.setdefault(found.input, {})[found.index] = made[identity]
        donations[found.input] = found.donation
    for key, cells in parts.items():
        if len(cells) != CELLS_OF_DONATION:
            raise PrivateRefused(
                "PV-115", "one of a donation's cells alone", where=f"input {key.hex()[:16]}"
            )
    return {
        key: (donations[key], tuple(cells[index] for index in sorted(cells)))
        for key, cells in parts.items()
    }


def _tallied(of: Round, accepted: Sequence[tuple[Donation, tuple[Cell, ...]]]) -> Round:
    """The round with the cells' commitments added to the tallies of their projects."""
    tallies = list(of.tallies)
    for project in {donation.project for donation, _ in accepted}:
        mine = [cells for donation, cells in accepted if donation.project == project]
        tallies[project] = tallies[project].add(
            [weight.com for weight, _ in mine], [amount.com for _, amount in mine]
        )
    return replace(of, tallies=tuple(tallies))
