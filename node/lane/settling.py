"""Settling: solvers submit settlements of an opened batch, and the best one takes effect.

A settlement is believed in nothing. It is judged when it is submitted, for its score, and again at
the batch's end, where its components become parts of the end's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from node.core.effects import RESERVATIONS, Effects, Event, Part
from node.core.errors import ConsensusFault, InvalidTransaction, Outdated
from node.core.ids import FEE_ACCOUNT, NATIVE, EnvironmentId
from node.core.interfaces import StateReader, TxContext
from node.da import batch as batches
from node.da.batch import Refund, Solution
from node.execution.mempool import least_fee
from node.intents.check import Outcome, Read, check_settlement
from node.intents.errors import SettlementRefused
from node.intents.schema import MACHINE_FAULTS, Decoded, guarded
from node.intents.settlement import Settlement
from node.intents.view import View
from node.lane import components, covers, layout, lead, payload
from node.lane import view as views
from node.lane.domains import domain_of
from node.lane.errors import LaneRefused
from node.lane.layout import Best, Live, Stage
from node.lane.payload import Ending, EndTx, SubmitTx
from node.lane.services import Services
from transparent.accounts import Change, Ledger
from transparent.signature import check_signature
from zk.errors import ChiaroError

SCORE_UNIT: Final = 2**64
"""A score is an exact fraction; what is compared is its floor in these units."""
ENDS_IN_A_BLOCK: Final = 2
"""Ends of one height take at most one of so many parts of a block."""

Write = tuple[bytes, bytes | None]


def check_stateless(tx: SubmitTx, context: TxContext) -> None:
    """LN-16, IN-22: made for this chain, in time, signed by its solver, well-formed.

    Raises:
        LaneRefused, Outdated: LN-16.
        SettlementRefused: IN-22.
    """
    if tx.chain_id != context.chain_id:
        raise LaneRefused("LN-16", "made for another chain", where="chain_id")
    if tx.expiry < context.height:
        raise Outdated("LN-16", f"expired at {tx.expiry}, block {context.height}", where="expiry")
    check_signature(tx.solver, tx.digest, tx.signature, rule="LN-16")
    Settlement.from_bytes(tx.settlement)


def submit(tx: SubmitTx, state: StateReader, context: TxContext, services: Services) -> Effects:
    """LN-17 … LN-19, DA-29: keep a settlement that is better than what is there.

    Raises:
        LaneRefused: LN-17 no batch to be solved, LN-18 fee, LN-19 size.
        SettlementRefused: IN-12 … IN-22 of all of it; IN-27, nothing of it can take effect.
        DataRefused: DA-29, one that is as good or better is there.
    """
    live = _solving(tx, state, context)
    _check_room(tx, live, state, services)
    settlement = Settlement.from_bytes(tx.settlement)
    _check_fee(tx, len(settlement.intents), state, services)
    view = views.view(state, live.scope, live.height, services)
    batch = views.opened(state, live, services.genesis.chain_id)
    read = views.read(batch, services)
    _check_fee(tx, proofs_of(settlement, read, view), state, services)
    outcome = check_settlement(batch, settlement, view, services.registry, read=read)
    if not outcome.accepted:
        raise SettlementRefused("IN-27", "no component can take effect", where="settlement")
    solution = Solution(outcome.settlement_id, tx.solver, score_of(outcome))
    record = _record(state, live)
    domain = domain_of(services.genesis, live.domain)
    after = batches.step(record, batches.Submit(solution), domain, context.height)
    writes: tuple[Write, ...] = (
        layout.batch_write(live.ref, after),
        (layout.best_key(live.ref), Best(tx.solver, tx.settlement).to_bytes()),
    )
    event = Event(
        "solution",
        (*_batch_of(live), ("solver", tx.solver.hex()), ("settlement", solution.id.hex())),
    )
    return Effects(writes=writes, fee=tx.fee, payer=tx.solver, events=(event,))


def score_of(outcome: Outcome) -> int:
    """What solutions are compared by: ⌊score · 2⁶⁴⌋."""
    score = outcome.score
    return min(score.numerator * SCORE_UNIT // score.denominator, batches.MAX_SCORE)


def end(tx: EndTx, state: StateReader, context: TxContext, services: Services) -> Effects:
    """LN-20: end a batch as the state demands, and carry out its settlement.

    Whatever a schema or a component does, the batch ends: a chain whose batch cannot end stands
    still (EX-39).

    Raises:
        LaneRefused: LN-20, this end is not due, or not exactly so.
    """
    due = lead.ends(state, context.height)
    live = layout.live_batch(state, tx.domain, tx.number)
    if live is None or not due or payload.wire(tx) != due[0]:
        raise LaneRefused(
            "LN-20", f"batch {tx.number} of domain {tx.domain} does not end so here", where="end"
        )
    record = _record(state, live)
    domain = domain_of(services.genesis, live.domain)
    settled = tx.ending is Ending.SETTLED
    event = batches.Settle() if settled else batches.Expire()
    after = batches.step(record, event, domain, context.height)
    events = [Event("end", (*_batch_of(live), ("ending", tx.ending.name.lower())))]
    parts: tuple[Part, ...] = ()
    if settled:
        parts, told = _carry_out(tx, live, state, context, services)
        events += told
    elif isinstance(after, batches.Expired):
        parts = _refunds(after.refunds, state)
    remaining = layout.replaced(layout.live(state), live)
    writes = (
        layout.live_write(remaining),
        layout.batch_write(live.ref, after),
        *_cleared(state, live),
    )
    return Effects(writes=writes, events=tuple(events), parts=parts)


def _carry_out(
    tx: EndTx, live: Live, state: StateReader, context: TxContext, services: Services
) -> tuple[tuple[Part, ...], list[Event]]:
    """Parts of what holds now; events of what does not (S-19)."""
    view = views.view(state, live.scope, context.height, services)

    def judge() -> Outcome:
        batch = views.opened(state, live, services.genesis.chain_id)
        settlement = Settlement.from_bytes(tx.settlement)
        read = views.read(batch, services)
        return check_settlement(batch, settlement, view, services.registry, read=read)

    try:
        outcome = guarded(judge)
    except MACHINE_FAULTS:
        raise
    except ChiaroError as error:
        return (), [Event("part", (("name", "settlement"), ("code", error.id)))]
    rewards = _rewards(outcome, layout.best(state, live.ref))
    return components.parts(outcome, live.scope, rewards), [*components.left_out(outcome)]


def _rewards(outcome: Outcome, best: Best | None) -> dict[bytes, list[components.Payment]]:
    """LN-21: what settled intents pay goes to the solver; what ordering cost stays the chain's."""
    return {
        intent_id: [(best.solver, paid)]
        for item in outcome.accepted
        for intent_id, paid in item.paid.items()
        if best is not None
    }


def _refunds(refunds: tuple[Refund, ...], state: StateReader) -> tuple[Part, ...]:
    """DA-28: fees of a batch that nobody opened go back.

    An account that cannot take its fee, for its balance would pass 2⁶⁴, does not stop the others:
    it stays where fees gather.
    """
    ledger = Ledger(state)
    moved: list[Change] = []
    for refund in refunds:
        try:
            ledger.credit(refund.payer, NATIVE, refund.amount)
        except InvalidTransaction:
            continue
        moved += [
            (FEE_ACCOUNT, NATIVE, -refund.amount),
            (refund.payer, NATIVE, refund.amount),
        ]
    events = tuple(
        Event("refund", (("account", account.hex()), ("amount", str(amount))))
        for account, _, amount in moved
        if amount > 0
    )
    effects = ((EnvironmentId.TRANSPARENT, Effects(events=events)),)
    return (Part("refunds", balances=tuple(moved), effects=effects, required=True),)


def _cleared(state: StateReader, live: Live) -> Iterator[Write]:
    """What nobody needs of a batch that is over, and what was reserved to it."""
    for prefix in (layout.seal_prefix(live.ref), layout.open_prefix(live.ref)):
        for key, _ in state.iterate(prefix):
            yield key, None
    yield layout.best_key(live.ref), None
    yield from covers.release(state, live.ref)
    for key, holder in state.iterate(RESERVATIONS):
        if holder == live.ref:
            yield key, None


def _solving(tx: SubmitTx, state: StateReader, context: TxContext) -> Live:
    """LN-17: opened in an earlier block, and not yet due."""
    live = layout.live_batch(state, tx.domain, tx.number)
    if live is None or live.stage is not Stage.SOLVING:
        raise LaneRefused(
            "LN-17", f"batch {tx.number} of domain {tx.domain} is not being solved", where="batch"
        )
    if context.height >= live.height or context.height < _record(state, live).height:
        raise LaneRefused(
            "LN-17",
            f"settlements are taken from the block behind the opening and below {live.height}",
            where="height",
        )
    return live


def _record(state: StateReader, live: Live) -> batches.Batch:
    record = layout.batch(state, live.ref)
    if record is None:
        raise ConsensusFault(f"batch {live.number} of domain {live.domain} is live and not there")
    return record


def _check_room(tx: SubmitTx, live: Live, state: StateReader, services: Services) -> None:
    """LN-19: the end fits a transaction, and all ends of its height fit half a block."""
    limits = services.genesis.parameters
    size = len(payload.wire(EndTx(tx.domain, tx.number, Ending.SETTLED, tx.settlement)))
    if size > limits.max_tx_bytes:
        raise LaneRefused(
            "LN-19", f"its end would have {size} bytes, a transaction has "
            f"{limits.max_tx_bytes}", where="settlement",
        )  # fmt: skip
    for other in layout.live(state):
        if (other.stage, other.height) == (Stage.SOLVING, live.height) and other != live:
            best = layout.best(state, other.ref)
            size += 0 if best is None else len(best.settlement)
    if ENDS_IN_A_BLOCK * size > limits.max_block_bytes:
        raise LaneRefused(
            "LN-19", f"the ends of block {live.height} would have {size} bytes together",
            where="settlement",
        )  # fmt: skip


def proofs_of(settlement: Settlement, read: Read, view: View) -> int:
    """How many proofs the intents have that a settlement covers; each intent counts once."""
    covered = (read.get(intent_id) for intent_id in set(settlement.intents))
    return sum(len(item.claims(view)) for item in covered if isinstance(item, Decoded))


def _check_fee(tx: SubmitTx, count: int, state: StateReader, services: Services) -> None:
    """LN-18: a floor for each of what is counted or each 4096 bytes; and the solver has it."""
    least = least_fee(len(payload.wire(tx)), count, services.genesis.parameters.fee_floor)
    if tx.fee < least:
        raise LaneRefused(
            "LN-18",
            f"a fee of {tx.fee}; {count} intents or proofs, and its size, cost {least}",
            where="fee",
        )
    Ledger(state).debit(tx.solver, NATIVE, tx.fee)  # before the work, not behind it


def _batch_of(live: Live) -> tuple[tuple[str, str], ...]:
    return ("domain", str(live.domain)), ("batch", str(live.number))
