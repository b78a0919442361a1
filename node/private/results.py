"""What comes of a sale: a result that everybody verifies, its outputs opened, the price paid.

    result   cells of winner and price, proved to be what the program gives for the bids
    open     winner and price, checked against these cells' commitments; not before the next block
    settle   the price to the seller; the winner's bid is less by that
    then     bids go back by claims and withdrawals (claims.py)

Prove, land, then open (P2-5): until the result is on the chain every deadline lets bids go; from
then on none does, and what follows is opened and settled, however long that takes. If members never
open it, the freeze of their epoch ends it (PV-127): nothing is opened any more, and bids go back.
"""

from __future__ import annotations

from dataclasses import replace

from node.core.effects import Crossing, Effects
from node.core.ids import EnvironmentId
from node.core.interfaces import ProofClaim, StateReader
from node.private import committees, freezing
from node.private import sale_state as entries
from node.private.calls import present
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.messages import OpenTx, SettleTx
from node.private.sale_payload import ResultTx
from node.private.sale_state import Outcome, Sale
from node.private.sale_terms import LIMIT, MAX_BIDDERS, MIN_BIDDERS, program_of, statement_of
from node.private.sales import event
from node.private.state import Status, Write
from private_exec import group
from private_exec.committee import opening
from private_exec.committee.cells import cell_id
from private_exec.linking import Link, Linked
from private_exec.provable import session as sessions
from private_exec.provable.document import Transition
from private_exec.provable.transition import context_of, session_element
from zk.groth16.hidden import HiddenProof

# --- results ------------------------------------------------------------------------------------


def check_form(tx: ResultTx) -> None:
    """PV-178: of a program that there is. Raises PrivateRefused."""
    if not MIN_BIDDERS <= tx.bidders <= MAX_BIDDERS:
        raise PrivateRefused("PV-178", "no program reads so many cells", where="reads")


def claim_of(tx: ResultTx) -> ProofClaim:
    """PV-178: that the new cells hold what the program gives for those that were read."""
    program = program_of(tx.bidders)
    shown, context = (session_element(tx.session),), context_of(program, tx.session)
    return tx.linked.claim(statement_of(tx.bidders), shown, tx.commitments, context)


def transition_of(tx: ResultTx) -> Transition:
    """The same as auditors have it, who ask no node (`chiaro private verify`).

    Raises:
        PrivateRefused: PV-178; DecodeError: a point that is none; LinkRefused: PV-62.
    """
    check_form(tx)
    program, outputs = program_of(tx.bidders), tuple(one.com for one in tx.made)
    hidden = HiddenProof.from_bytes(tx.linked.proof + tx.linked.point, order=False)
    link = Link.from_bytes(tx.linked.link, len(tx.commitments))
    shown, context = (session_element(tx.session),), context_of(program, tx.session)
    linked = Linked(shown, tx.commitments, hidden, link, context)
    return Transition(program, tx.session, tx.reads, outputs, linked)


def check_result(tx: ResultTx, state: StateReader, height: int) -> Sale:
    """PV-178, PV-179: of the session under way, of exactly its cells, signed.

    Raises:
        PrivateRefused: PV-106, PV-170, PV-178; PrivateOutdated: PV-185.
        CertificateRefused: PV-43.
    """
    found = entries.sale_of(state, tx.sale)
    present(found, tx.session, height)
    reads = tuple(one.com for one in entries.reads_of(state, tx.sale, found))
    if tx.reads != reads:
        raise PrivateRefused("PV-178", "a result of other cells", where="reads")
    record = committees.epoch_of(state, found.terms.committee, found.terms.epoch).record
    sessions.check_certificate(record, tx.session, tx.made, tx.certificate)
    return found


def land(tx: ResultTx, state: StateReader, height: int) -> Effects:
    """PV-178: the new cells are there; from now on nothing unlocks (PV-183)."""
    found = check_result(tx, state, height)
    after = replace(found, proved=height, made=tx.made)
    return Effects(
        writes=((entries.sale_key(tx.sale), after.to_bytes()),),
        events=(event("result", tx.sale, session=tx.session.hex()),),
    )


# --- outputs ------------------------------------------------------------------------------------


def check_openable(found: Sale, height: int) -> None:
    """PV-180: a result is final, and was not opened. Raises PrivateOutdated."""
    if found.outcome is not None or not found.proved or height <= found.proved:
        raise PrivateOutdated(
            "PV-180", "opened once, in a block behind that of the result", where="session"
        )


def open_outputs(tx: OpenTx, sale: bytes, state: StateReader, height: int) -> Effects:
    """PV-180: both outputs, as their commitments have them, and nothing else.

    Raises:
        PrivateOutdated: PV-180; PrivateRefused: PV-170, PV-180; OpeningRefused: PV-45.
        FrozenRefused: PV-49, the epoch is frozen.
    """
    found = entries.sale_of(state, sale)
    check_openable(found, height)
    freezing.require_live(state, found.terms.committee, found.terms.epoch, height, "an opening")
    opening.check(tx.opened, found.attempt.session, [one.com for one in found.made])
    place, price = (output.value for output in tx.opened.outputs)
    if place > found.terms.bidders or price > LIMIT:
        raise PrivateRefused("PV-180", "no auction has such an outcome", where="outputs")
    # The program counts accepted bids; everybody else counts those that entered.
    bids = entries.accepted(state, sale, found)
    winner = bids[place][1].number if place < len(bids) else found.terms.bidders
    after = replace(found, outcome=Outcome(winner, price))
    return Effects(
        writes=((entries.sale_key(sale), after.to_bytes()),),
        events=(event("outcome", sale, winner=str(winner), price=str(price)),),
        releases=True,
    )


# --- settlement ---------------------------------------------------------------------------------


def check_due(found: Sale) -> Outcome:
    """PV-181: opened, and not settled yet. Raises PrivateOutdated."""
    if found.outcome is None or found.settled:
        raise PrivateOutdated("PV-181", "settled once, when its outputs are open", where="sale")
    return found.outcome


def settle(tx: SettleTx, state: StateReader) -> Effects:
    """PV-181: the price goes to the seller out of the winner's bid; all at once.

    Raises:
        PrivateOutdated: PV-181; PrivateRefused: PV-170.
    """
    found = entries.sale_of(state, tx.round)
    outcome = check_due(found)
    bids = entries.accepted(state, tx.round, found)
    writes: list[Write] = [(entries.cell_key(cell_id(key, 0)), None) for key, _ in bids]
    writes.append((entries.cell_key(cell_id(found.reserve, 0)), None))
    writes.append((entries.sale_key(tx.round), replace(found, settled=True).to_bytes()))
    if (won := entries.bid_at(state, tx.round, outcome.winner)) is None:
        gone = event("settled", tx.round, sold="0")
        return Effects(writes=tuple(writes), events=(gone,), releases=True)
    key, bid = won
    price = outcome.price
    paid = group.base_g1([price])[0] if price else None
    change = group.total_g1([bid.amount, group.negative(paid)])
    writes.append((entries.bid_key(key), replace(bid, amount=change).to_bytes()))
    terms = found.terms
    due = Crossing(EnvironmentId.TRANSPARENT, terms.seller, terms.kind, price)
    return Effects(
        writes=tuple(writes),
        crossings=(due,) if price else (),
        events=(event("settled", tx.round, sold="1", input=key.hex(), price=str(price)),),
        releases=True,
    )


# --- what goes back -----------------------------------------------------------------------------


def goes_back(status: Status, found: Sale, height: int, *, frozen: bool) -> bool:
    """PV-182: whether a bid goes back, in a block of this height.

    Refused, or not accepted in time; or the sale has failed; or it is settled; or, though proved,
    it was not opened before its epoch was frozen, and is never opened (PV-183).
    """
    match status:
        case Status.REFUSED:
            return True
        case Status.PENDING:
            return height > found.terms.accept
        case Status.ACCEPTED:
            unopened = frozen and found.outcome is None
            return found.settled or found.has_failed(height) or unopened
        case _:
            return False


def gone(state: StateReader, identity: bytes) -> list[Write]:
    """PV-182: what the state has when a bid has left."""
    bid = replace(entries.bid_of(state, identity), status=Status.CLAIMED)
    return [
        (entries.bid_key(identity), bid.to_bytes()),
        (entries.cell_key(cell_id(identity, 0)), None),
    ]
