"""`chiaro chain pools`, and the early refusal of payments that a pool's state does not allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import connection, output, show
from node.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

    from node.rpc.schema import PoolView, Status

SHIELDED: Final = "shielded"


def check(status: Status, action: str) -> None:
    """Refuse a payment that the next block's rules would refuse.

    Args:
        status: the node's, fresh.
        action: `shield`, `send` or `unshield`.

    Raises:
        InvalidTransaction: EX-33, the pool is frozen; EX-34, it is exit-only.
    """
    from node.core.ids import EnvironmentId, Height
    from node.execution import pools
    from node.execution.order import PoolState
    from node.execution.pools import PoolRecord

    view = shielded(status)
    if view is None or view.state == "open":
        return
    record = PoolRecord(
        PoolState.of(view.ordered), Height(view.since), Height(view.deadline or 0),
        tuple(view.insecure), show.safe(view.reason),
    )  # fmt: skip
    pool = EnvironmentId.SHIELDED
    if (error := pools.refusal(record, pool, status.height + 1)) is not None:
        raise error
    if action == "shield":
        raise pools.narrowed(record, pool, "no value may enter")
    if action == "send":
        raise pools.narrowed(record, pool, "private payments are refused")


def warning(status: Status) -> list[str]:
    """What an owner of shielded value should hear, whatever they asked for; empty: all is well."""
    view = shielded(status)
    if view is None or view.state == "open":
        return []
    text = f"the shielded pool is {view.state}" + (
        f" ({show.safe(view.reason)})" * bool(view.reason)
    )
    if view.closed_for_good:
        return [f"{text}, for good: what it holds cannot be moved"]
    if view.state == "frozen":
        return [f"{text}: nothing enters it, moves in it or leaves it"]
    end = "" if view.deadline is None else f", by block {view.deadline} at the latest"
    return [f"{text}: value may only leave it{end}"]


def shielded(status: Status) -> PoolView | None:
    """The shielded pool's state, if the node says it."""
    return next((item for item in status.pools if item.environment == SHIELDED), None)


def data_of(status: Status) -> list[dict[str, Any]]:
    """The pools in JSON."""
    return [
        {
            "pool": item.environment,
            "state": item.state,
            "since": item.since,
            "deadline": item.deadline,
            "insecure": list(item.insecure),
            "reason": item.reason,
            "closed_for_good": item.closed_for_good,
        }
        for item in status.pools
    ]


def lines_of(status: Status) -> list[str]:
    """One line a pool, for people."""
    return [f"{item.environment} {_text(item)}" for item in status.pools]


def _text(item: PoolView) -> str:
    parts = [item.state.upper() if item.state != "open" else item.state]
    if item.closed_for_good:
        parts.append("for good")
    elif item.deadline is not None and item.state == item.ordered:
        parts.append(f"until block {item.deadline}")
    if item.insecure:
        parts.append(f"{', '.join(map(show.safe, item.insecure))} is insecure")
    text = ", ".join(parts)
    return f"{text}: {show.safe(item.reason)}" if item.reason else text


def predecessor_of(status: Status) -> dict[str, Any] | None:
    """The chain before, in JSON."""
    found = status.predecessor
    if found is None:
        return None
    return {"chain_id": found.chain_id, "height": found.height, "block_hash": found.block_hash}


def pools(context: typer.Context) -> None:
    """Show which pools are open, exit-only or frozen, why, and who can order it."""
    session: Session = context.obj
    with connection.connected(session) as client:
        status = client.status()
    guardians = status.guardians
    data = {
        "height": status.height,
        "pools": data_of(status),
        "guardians": [] if guardians is None else list(guardians.keys),
        "threshold": 0 if guardians is None else guardians.threshold,
        "next_order": None if guardians is None else guardians.next_order,
    }

    def render(out: Console) -> None:
        rows = [
            (
                item.environment,
                item.state,
                str(item.since or ""),
                str(item.deadline or ""),
                ", ".join(item.insecure),
                item.reason,
            )
            for item in status.pools
        ]
        output.table(out, ("pool", "state", "since", "deadline", "insecure", "reason"), rows)
        for item in status.pools:
            if item.closed_for_good:
                out.print(f"{item.environment}: closed for good", style="bold red")
        who = "no guardians: no order can change this"
        if guardians is not None:
            who = f"{guardians.threshold} of {len(guardians.keys)} guardians; "
            who += f"their next order is number {guardians.next_order}"
        out.print(f"{who}, as of block {status.height}", markup=False)

    output.emit(session, "chain.pools", data, render, freshness={"height": status.height})
