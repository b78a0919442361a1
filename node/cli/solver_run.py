"""Solving: problems from a node, settlements by a bounded process, submissions by an account.

Plain functions. Nobody is believed: the node's problem is checked for what it is posed for, the
solver's process is bounded (IN-30), and the chain computes validity and score of what is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from node.core.errors import NotFound, PolicyRefused

if TYPE_CHECKING:
    from node.core.genesis import Genesis
    from node.core.ids import AccountId, Kind
    from node.intents.settlement import Component, Settlement
    from node.intents.solvers.problem import Problem
    from node.intents.worker import Limits
    from node.lane.payload import EndTx, SubmitTx
    from node.rpc.client import NodeClient
    from node.rpc.lane_schema import BatchView, LiveBatchView
    from node.rpc.schema import ReceiptView
    from transparent.signature import SigningKey

SCORE_UNIT: Final = 2**64
LIFE: Final = 16
"""Heights that a submission may wait for a block; no batch is solved for longer by default."""


@dataclass(frozen=True, slots=True)
class Solved:
    """What a solver found for a batch.

    Attributes:
        domain, number: the batch.
        deadline: settlements are taken below it.
        intents: how many could settle at all.
        settlement: what it proposes; None: nothing can be settled together.
        why: of None.
    """

    domain: int
    number: int
    deadline: int
    intents: int
    settlement: Settlement | None
    why: str = ""


def solvable(client: NodeClient, domains: frozenset[int]) -> Iterator[LiveBatchView]:
    """Batches that are being solved, soonest deadline first; of these domains, or of all."""
    view = client.lane.state()
    live = [b for b in view.live if b.stage == "solving" and view.height + 1 < b.due]
    wanted = [b for b in live if not domains or b.domain in domains]
    yield from sorted(wanted, key=lambda b: (b.due, b.domain, b.number))


def solve(
    client: NodeClient, genesis: Genesis, domain: int, number: int, solver: str, limits: Limits
) -> Solved:
    """Pose a batch's problem and run a solver on it.

    Raises:
        NotFound: the batch is not being solved.
        BadAnswer: RPC-30.
        SolverFailed, TooComplex: of the solver's process.
    """
    from node.intents.worker import run_solver

    problem, deadline = client.lane.problem(genesis, domain, number)
    count = len(problem.entries)
    if not count:
        return Solved(domain, number, deadline, 0, None, "no intent of it can settle")
    found = run_solver(solver, problem, limits=limits)
    if not found.components:
        return Solved(domain, number, deadline, count, None, "no two of its intents fit together")
    return Solved(domain, number, deadline, count, found)


def submission(
    client: NodeClient, genesis: Genesis, solved: Solved, key: SigningKey
) -> tuple[bytes, int]:
    """A signed submission (whole transaction) and the fee that it pays.

    Raises:
        PolicyRefused: the account has too little, or nothing was found.
    """
    from node.core.ids import Height
    from node.execution.mempool import least_fee
    from node.lane.payload import SubmitTx, wire

    if solved.settlement is None:
        raise PolicyRefused("there is no settlement to submit", why=solved.why)
    status = client.status()
    data = solved.settlement.to_bytes()
    tx = SubmitTx(
        genesis.chain_id,
        solved.domain,
        solved.number,
        key.account,
        0,
        Height(min(solved.deadline - 1, status.height + LIFE)),
        data,
    )
    count = max(proofs_in(solved.settlement), len(solved.settlement.intents))
    fee = least_fee(len(wire(tx)), count, genesis.parameters.fee_floor)
    check_funds(client, key.account, fee)
    tx = replace(tx, fee=fee)
    return wire(replace(tx, signature=key.sign(tx.digest))), fee


def check_funds(client: NodeClient, account: AccountId, fee: int) -> None:
    """Raises PolicyRefused: a solver's account has too little for a fee."""
    from node.core.amounts import format_amount
    from node.core.ids import NATIVE

    held = client.account(account).balance(NATIVE)
    if held < fee:
        raise PolicyRefused(
            f"account 0x{account.hex()} holds {format_amount(held)} native, a submission "
            f"costs {format_amount(fee)}",
            fix="transfer to that account; on a development chain `chiaro solver run` asks the "
            "faucet",
        )


def proofs_in(settlement: Settlement) -> int:
    """At most so many proofs: one for each action of what it composes or names."""
    from node.intents.settlement import Complete, Composed
    from shielded.transaction import MAX_ACTIONS, ShieldedTx

    count = 0
    for component in settlement.components:
        if isinstance(component, Composed):
            count += len(ShieldedTx.from_bytes(component.tx).actions)
        elif isinstance(component, Complete):
            count += min(2, MAX_ACTIONS)
    return count


# --- what a given order would get -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order would get in a batch's book, if it were in it.

    Attributes:
        sold, bought: base units; 0: it would not trade.
        others: intents in the book.
    """

    sold: int
    bought: int
    others: int


def quote(
    problem: Problem, gives: Kind, give: int, wants: Kind, want: int, solver: str, limits: Limits
) -> Quote:
    """Solve a batch once more with a limit order added that nobody has made.

    Raises:
        SolverFailed, TooComplex: of the solver's process.
    """
    from math import gcd

    from node.core.ids import AccountId
    from node.core.intent import Intent
    from node.intents.limit import LimitOrder
    from node.intents.settlement import Fills
    from node.intents.worker import run_solver

    shared = gcd(give, want)
    order = LimitOrder(
        AccountId(bytes(32)), gives, give, wants, want // shared, give // shared, partial=True
    )
    added = Intent(bytes(29), "limit", order.to_bytes(), problem.height, 0, bytes(32))
    entries = tuple(sorted([*problem.entries, (added, give)], key=lambda entry: entry[0].id))
    found = run_solver(solver, replace(problem, entries=entries), limits=limits)
    for component in found.components:
        if isinstance(component, Fills):
            for fill in component.fills:
                if fill.intent_id == added.id:
                    return Quote(fill.sold, fill.bought, len(problem.entries))
    return Quote(0, 0, len(problem.entries))


# --- what was submitted ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Submitted:
    """A settlement that a block holds, and what became of it.

    Attributes:
        height: of the block.
        tx: the submission.
        settlement: decoded; None: it does not decode.
        code, message: `ok` where it was the best so far, else the rule that refused it.
    """

    height: int
    tx: SubmitTx
    settlement: Settlement | None
    code: str
    message: str


def submitted(client: NodeClient, genesis: Genesis, view: BatchView) -> list[Submitted]:
    """All settlements of a batch that blocks hold, in order; losing and refused ones too."""
    from node.lane.payload import SubmitTx

    found = []
    for height, data, receipt in _lane_transactions(client, genesis, view):
        tx = _lane_tx(data)
        if isinstance(tx, SubmitTx) and (tx.domain, tx.number) == (view.domain, view.number):
            found.append(
                Submitted(height, tx, settlement_of(tx.settlement), receipt.code, receipt.message)
            )
    return found


def _lane_transactions(
    client: NodeClient, genesis: Genesis, view: BatchView
) -> Iterator[tuple[int, bytes, ReceiptView]]:
    """Transactions of the blocks in which a batch was solved."""
    from node.rpc.text import bytes_of

    lane = genesis.lane
    domain = None if lane is None else lane.domain(view.domain)
    if domain is None:
        raise NotFound(f"this chain has no domain {view.domain}")
    tip = client.status().height
    last = view.due if view.due is not None else view.height
    for height in range(max(1, last - domain.solve_period - 1), min(tip, last) + 1):
        block = client.block(height)
        for data, receipt in zip(block.txs, block.receipts, strict=True):
            if receipt.environment == "intents":
                yield height, bytes_of(data), receipt


def _lane_tx(data: bytes) -> SubmitTx | EndTx | None:
    from node.core.block import Transaction
    from node.lane import payload
    from zk.errors import ChiaroError

    try:
        tx = payload.decode(Transaction.from_bytes(data).payload)
    except ChiaroError:
        return None
    return tx if isinstance(tx, (payload.SubmitTx, payload.EndTx)) else None


def settlement_of(data: bytes) -> Settlement | None:
    """A settlement, if these bytes are one."""
    from node.intents.settlement import Settlement
    from zk.errors import ChiaroError

    try:
        return Settlement.from_bytes(data)
    except ChiaroError:
        return None


def score_text(score: str | int) -> str:
    """A score for people: the chain's is in units of 2^-64."""
    value = Fraction(int(score), SCORE_UNIT)
    return f"{float(value):.4f}"


def component_text(component: Component, names: dict[Kind, str]) -> str:
    """A component in one sentence."""
    from node.core.amounts import format_amount
    from node.intents.settlement import Composed, Fills

    if isinstance(component, Composed):
        return f"{len(component.intents)} exact swaps joined into one shielded transaction"
    if isinstance(component, Fills):
        sold = ", ".join(
            f"{format_amount(f.sold)} for {format_amount(f.bought)}" for f in component.fills
        )
        kinds = " and ".join(names.get(kind, "?") for kind, _ in component.prices)
        return f"{len(component.fills)} orders between {kinds} at one price: {sold}"
    return "a whole transaction that an intent brought"
