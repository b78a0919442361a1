"""Sales: what all of them share, from their inputs to what goes back.

    auction    an item, a hidden reserve, hidden bids           auctions.py
    batch      hidden orders of both sides, one price           batches.py

    complaint  an input is wrong: it goes back, or there is no auction
    accept     2t + 1 members have their shares                 → cells of the sale

What is computed of them is in calls.py, what comes of it in results.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import replace

from node.core.effects import Effects, Event
from node.core.ids import AccountId
from node.core.interfaces import StateReader
from node.core.private import PrivateParameters
from node.private import committees
from node.private import sale_state as entries
from node.private import state as shared
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.messages import AcceptTx
from node.private.rounds import read_input
from node.private.sale_entries import PAD_AT, Bid, Order, become
from node.private.sale_state import Sale
from node.private.sale_terms import SalePhase, Terms
from node.private.state import Status, Write
from private_exec.committee import acceptance as acceptances
from private_exec.committee import inputs
from private_exec.committee.acceptance import Acceptance
from private_exec.committee.cells import cell_id
from private_exec.committee.inputs import Input
from private_exec.mpc.labels import CellId
from transparent.signature import check_key
from zk.curve.bn254 import G1Affine

COMPUTING_STEPS = 2
"""Steps between the last acceptance and the last result, at least: those of one attempt."""

# --- entering -----------------------------------------------------------------------------------


def check_kept(
    terms: Terms,
    state: StateReader,
    height: int,
    parameters: PrivateParameters,
    statements: Collection[str],
    rule: str,
) -> None:
    """That a sale can be held under its terms, from a block of this height.

    Raises:
        PrivateRefused: `rule`, which says so of this kind of sale; PV-106, no such epoch.
    """
    step, name = parameters.step_heights, terms.program.statement
    if name not in statements:
        raise PrivateRefused(rule, f"the chain has no key of {name}", where="program")
    epoch = committees.epoch_of(state, terms.committee, terms.epoch)
    last = min(epoch.until - step, height + parameters.round_heights)
    heights = (height, *terms.deadlines)
    if any(b - a < step for a, b in itertools.pairwise(heights)) or (
        terms.prove - terms.accept < COMPUTING_STEPS * step
    ):
        raise PrivateRefused(
            rule,
            f"deadlines {heights[1:]} are not {step} heights apart, the last two twice as much",
            where="deadlines",
        )
    if terms.prove > last:
        raise PrivateRefused(
            rule, f"ends at {terms.prove}; its keys, or any sale, at {last}", where="deadlines"
        )


def check_input(data: bytes, sale: bytes, values: int, rule: str) -> Input:
    """An input of so many values for this sale, as far as it needs no state.

    Raises:
        PrivateRefused: `rule`; DecodeError: no input; InvalidTransaction: TR-3.
    """
    given = read_input(data)
    if given.reference != sale or len(given.values) != values:
        text = f"its input is not of {values} values for this sale"
        raise PrivateRefused(rule, text, where="input")
    check_key(AccountId(given.owner), what="owner")
    return given


def entered(given: Input, data: bytes, terms: Terms, state: StateReader) -> list[Write]:
    """An input that waits for members, under the keys of the sale's epoch; its commitments are new.

    Raises:
        PrivateRefused: PV-106, PV-113; InputRefused: PV-33, PV-40, PV-41.
    """
    epoch = committees.epoch_of(state, terms.committee, terms.epoch)
    used = shared.used(state, given.duplicate_keys, given.id)
    inputs.check(given, epoch.record)
    waiting = shared.waiting_entries(given.id, len(given.values))
    return [(shared.input_key(given.id), data), *waiting, *used]


def entry(given: Input, made: Bid | Order, found: Sale) -> list[Write]:
    """The sale's next bid or order."""
    after = replace(found, entered=found.entered + 1)
    return [
        (entries.sale_key(made.sale), after.to_bytes()),
        (entries.place_key(made.sale, found.entered), given.id),
        (entries.entry_key(given.id), made.to_bytes()),
    ]


# --- members ------------------------------------------------------------------------------------


def sale_of_input(state: StateReader, identity: bytes) -> bytes | None:
    """The sale that an input belongs to, as a bid or order, or as its reserve."""
    if (found := entries.find_entry(state, identity)) is not None:
        return found.sale
    return state.get(entries.reserve_key(identity))


def pending(state: StateReader, identity: bytes, sale: bytes, height: int) -> Sale:
    """PV-174: an input of a sale about which members may still say something.

    Raises:
        PrivateRefused: PV-170; PrivateOutdated: PV-174.
    """
    found = entries.sale_of(state, sale)
    status = _waits(state, identity, found)[0]
    late = found.terms.phase(height) not in (SalePhase.BIDDING, SalePhase.ACCEPTING)
    if status is not Status.PENDING or late:
        raise PrivateOutdated(
            "PV-174",
            f"the input is {status.label}; members are heard to {found.terms.accept}",
            where="input",
        )
    return found


def _waits(state: StateReader, identity: bytes, found: Sale) -> tuple[Status, tuple[G1Affine, ...]]:
    """Of an input of a sale: its status, and its commitments as its owner made them."""
    if (mine := entries.find_entry(state, identity)) is not None:
        return mine.status, mine.commitments
    if found.reserve is None or found.reserve.input != identity:
        raise PrivateRefused("PV-174", "no input of this sale", where="input")
    return found.reserve.status, (found.reserve.amount,)


def became(
    state: StateReader, identity: bytes, found: Sale, status: Status
) -> tuple[Sale, list[Write]]:
    """An input that waits no longer; the sale is written by the caller."""
    writes = shared.forget_input(identity, len(_waits(state, identity, found)[1]))
    if (mine := entries.find_entry(state, identity)) is not None:
        writes.append((entries.entry_key(identity), become(mine, status).to_bytes()))
    elif found.reserve is not None:
        found = replace(found, reserve=replace(found.reserve, status=status))
    return found, writes


def refused(state: StateReader, identity: bytes, sale: bytes, found: Sale) -> list[Write]:
    """PV-174: a bid that gave a member no share goes back; without a reserve there is no call."""
    after, writes = became(state, identity, found, Status.REFUSED)
    return [*writes, (entries.sale_key(sale), after.to_bytes())]


def check_place(state: StateReader, sale: bytes, height: int) -> Sale:
    """PV-174: the sale still takes acceptances. Raises PrivateOutdated."""
    found = entries.sale_of(state, sale)
    if found.terms.phase(height) not in (SalePhase.BIDDING, SalePhase.ACCEPTING):
        raise PrivateOutdated(
            "PV-174", f"inputs were accepted until {found.terms.accept}", where="sale"
        )
    return found


def accept(tx: AcceptTx, said: Acceptance, state: StateReader, height: int) -> Effects:
    """PV-174: inputs of a sale, named in the place of a round, become its cells.

    A pad's keeps the commitment as its owner made it (PV-203), and its `blind` takes the shift: so
    what is opened under it is opened under what the owner knows.

    Raises:
        PrivateRefused: PV-106, PV-174; PrivateOutdated: PV-174.
        CommitteeRefused: PV-43, PV-44.
    """
    found = check_place(state, tx.round, height)
    epoch = committees.epoch_of(state, found.terms.committee, found.terms.epoch)
    commitments: dict[CellId, G1Affine] = {}
    pads: dict[CellId, int] = {}
    missing: dict[bytes, int] = {}
    for row in said.cells:
        place = state.get(shared.waiting_key(row.id))
        if place is None or sale_of_input(state, place[:-1]) != tx.round:
            continue
        identity, index = place[:-1], place[-1]
        own = _waits(state, identity, found)[1]
        commitments[row.id] = own[index]
        if index == PAD_AT:
            pads[row.id] = row.shift
        missing[identity] = missing.get(identity, len(own)) - 1
    if any(missing.values()):
        raise PrivateRefused("PV-174", "some of an input's cells alone", where="acceptance")
    writes: list[Write] = []
    for made in acceptances.accept(said, epoch.record, commitments):
        shift = pads.get(made.id)
        cell = made if shift is None else replace(made, com=commitments[made.id], blind=shift)
        writes.append((entries.cell_key(cell.id), cell.to_bytes()))
    for identity in missing:
        found, changes = became(state, identity, found, Status.ACCEPTED)
        writes += changes
        if isinstance(order := entries.find_entry(state, identity), Order):
            found = replace(found, sides=found.sides | 1 << order.side)
    writes.append((entries.sale_key(tx.round), found.to_bytes()))
    names = ",".join(identity.hex() for identity in missing)
    return Effects(writes=tuple(writes), events=(event("accepted", tx.round, inputs=names),))


# --- the end ------------------------------------------------------------------------------------


def forgotten(identity: bytes, values: int) -> list[Write]:
    """Cells of an input that nothing reads any more."""
    return [(entries.cell_key(cell_id(identity, index)), None) for index in range(values)]


def over(state: StateReader, identity: bytes, of: Sale) -> list[Write]:
    """A sale that is settled, and whose cells are gone; entries are the caller's."""
    writes: list[Write] = [(entries.sale_key(identity), replace(of, settled=True).to_bytes())]
    for key, item in entries.accepted(state, identity, of):
        writes += forgotten(key, len(item.commitments))
    return writes + (forgotten(of.reserve.input, 1) if of.reserve else [])


def event(name: str, sale: bytes, **fields: str) -> Event:
    """Of a sale."""
    return Event(name, (("sale", sale.hex()), *fields.items()))
