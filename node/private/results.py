"""What comes of a sale: a result that everybody verifies, its outputs opened, everybody paid.

    result   new cells, proved to be what the program gives for those that were read
    open     declared outputs, checked against these cells' commitments; not before the next block
    settle   what the market makes of them (auctions.py, batches.py)
    then     what is left goes back by claims and withdrawals (claims.py)

Prove, land, then open (P2-5): until the result is on the chain every deadline lets inputs go; from
then on none does, and what follows is opened and settled, however long that takes. If members never
open it, the freeze of their epoch ends it (PV-127): nothing is opened any more, and inputs go back.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from node.core.effects import Effects
from node.core.ids import EnvironmentId
from node.core.interfaces import ProofClaim, StateReader
from node.execution import pools
from node.private import committees, freezing, markets, sales
from node.private import sale_state as entries
from node.private.calls import present
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.messages import OpenTx, SettleTx
from node.private.sale_entries import Bid, Order, become
from node.private.sale_payload import ResultTx
from node.private.sale_state import Sale
from node.private.sales import event
from node.private.state import Status, Write
from private_exec import group
from private_exec.committee import opening
from private_exec.committee.cells import Cell
from private_exec.linking import Link, Linked
from private_exec.provable import session as sessions
from private_exec.provable.document import Transition
from private_exec.provable.transition import context_at, session_element
from zk.groth16.hidden import HiddenProof

# --- results ------------------------------------------------------------------------------------


def check_form(tx: ResultTx, statements: Collection[str]) -> None:
    """PV-178: of a program whose key the chain has, and of as many cells as it reads and makes.

    Raises:
        PrivateRefused: PV-178.
    """
    if tx.statement not in statements:
        raise PrivateRefused("PV-178", f"the chain has no key of {tx.statement}", where="program")
    if (len(tx.reads), len(tx.made)) != (tx.program.reads, tx.program.makes):
        raise PrivateRefused("PV-178", "its program reads and makes others", where="reads")


def claim_of(tx: ResultTx) -> ProofClaim:
    """PV-178: that the new cells hold what the program gives for those that were read."""
    context = context_at(tx.digest, tx.session)
    shown = (session_element(tx.session),)
    return tx.linked.claim(tx.statement, shown, tx.commitments, context)


def transition_of(tx: ResultTx) -> Transition:
    """The same as auditors have it, who ask no node (`chiaro private verify`).

    Raises:
        PrivateRefused: PV-178; DecodeError: a point that is none; LinkRefused: PV-62.
    """
    check_form(tx, {tx.program.statement})
    program, outputs = tx.program.traced, tuple(one.com for one in tx.made)
    hidden = HiddenProof.from_bytes(tx.linked.proof + tx.linked.point, order=False)
    link = Link.from_bytes(tx.linked.link, len(tx.commitments))
    shown, context = (session_element(tx.session),), context_at(tx.digest, tx.session)
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
    reads = tuple(one.com for one in markets.of(found).reads(state, tx.sale, found))
    program = found.terms.program
    if (tx.program, tx.digest, tx.reads) != (program, program.traced.digest, reads):
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


def due_outputs(state: StateReader, sale: bytes, found: Sale) -> list[list[Cell]]:
    """PV-180: cells whose sums are opened, in order."""
    made = sessions.new_cells(found.attempt.session, found.terms.epoch, found.made)
    return markets.of(found).declared(state, sale, found, made)


def is_broken(state: StateReader, found: Sale) -> bool:
    """PV-234: whether guardians declared the statement of its result insecure."""
    return found.terms.program.statement in pools.record(state, EnvironmentId.PRIVATE).insecure


def open_outputs(tx: OpenTx, sale: bytes, state: StateReader, height: int) -> Effects:
    """PV-180: the declared outputs, as their commitments have them, and nothing else.

    Raises:
        PrivateOutdated: PV-180; PrivateRefused: PV-170, PV-180, PV-205, PV-234.
        OpeningRefused: PV-45; FrozenRefused: PV-49, the epoch is frozen.
    """
    found = entries.sale_of(state, sale)
    check_openable(found, height)
    if is_broken(state, found):
        raise PrivateRefused("PV-234", "the statement of its result is insecure", where="session")
    freezing.require_live(state, found.terms.committee, found.terms.epoch, height, "an opening")
    groups = due_outputs(state, sale, found)
    due = [group.total_g1([cell.com for cell in cells]) for cells in groups]
    opening.check(tx.opened, found.attempt.session, due, named=False)
    after = markets.of(found).opened(tx.opened.outputs, state, sale, found)
    return replace(after, releases=True)


# --- settlement ---------------------------------------------------------------------------------


def check_due(found: Sale) -> None:
    """PV-181: opened, and not settled yet. Raises PrivateOutdated."""
    if found.outcome is None or found.settled:
        raise PrivateOutdated("PV-181", "settled once, when its outputs are open", where="sale")


def settle(tx: SettleTx, state: StateReader) -> Effects:
    """PV-181: by anybody; all at once.

    Raises:
        PrivateOutdated: PV-181; PrivateRefused: PV-170.
    """
    found = entries.sale_of(state, tx.round)
    check_due(found)
    return replace(markets.of(found).settle(state, tx.round, found), releases=True)


# --- what goes back -----------------------------------------------------------------------------


def goes_back(status: Status, found: Sale, height: int, *, closed: bool) -> bool:
    """PV-182, PV-208: whether a bid or order goes back, in a block of this height.

    Refused, or not accepted in time; or the sale has failed; or it is settled; or, though perhaps
    proved, it was not opened before it was closed: by a freeze of its epoch (PV-183), or with its
    statement (PV-234), which also ends what still waits for members.
    """
    match status:
        case Status.REFUSED:
            return True
        case Status.PENDING:
            return height > found.terms.accept or closed
        case Status.ACCEPTED:
            unopened = closed and found.outcome is None
            return found.settled or found.has_failed(height) or unopened
        case _:
            return False


def gone(identity: bytes, entry: Bid | Order) -> list[Write]:
    """PV-182: what the state has when a bid or order has left."""
    after = become(entry, Status.CLAIMED)
    cells = sales.forgotten(identity, len(entry.commitments))
    return [(entries.entry_key(identity), after.to_bytes()), *cells]
