"""How amounts, identities and operations look, for people and in JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from node.cli import output
from node.core.amounts import format_amount

if TYPE_CHECKING:
    from rich.console import Console

    from node.cli.session import Session
    from node.cli.wallet_db import Operation
    from node.core.effects import HiddenValue
    from node.rpc.schema import TransactionView

_NEXT = {
    "draft": "interrupted before its proof was done: nothing was sent; run the command again",
    "proved": "it was not handed to a node, or no answer came: `chiaro tx submit {id}`",
    "submitted": "it waits for a block: `chiaro tx status {id} --wait`",
    "included": "",
    "rejected": "its notes can be spent again",
    "expired": "no block took it in time; its notes can be spent again",
}


def amount(base: int, unit: str) -> dict[str, str]:
    """An amount in JSON: decimal text and its unit."""
    return {"amount": format_amount(base), "unit": unit}


def amount_text(base: int) -> str:
    """An amount for people."""
    return format_amount(base)


def hidden_value(value: HiddenValue, asset: str) -> dict[str, Any]:
    """An amount that crosses and that nobody sees, in JSON."""
    return {
        "environment": value.target.label,
        "direction": "enters" if value.enters else "leaves",
        "asset": asset,
        "reference": "0x" + value.reference.hex(),
        "cv": "0x" + value.cv.hex(),
    }


def in_the_dark(asset: str, joint: int, into: int, out_of: int) -> str:
    """What the figures of the two dark pools do not say; nothing, where nothing moved so."""
    if not into and not out_of:
        return ""
    return (
        f"{asset}: amounts that nobody sees went into the private pool {into} times, back {out_of} "
        "times; of each of the two pools only the rest is known, of both together all: "
        + amount_text(joint)
    )


def shorten(text: str, ends: int = 14) -> str:
    """The two ends of a long identity."""
    return text if len(text) <= 2 * ends + 4 else f"{text[:ends]}…{text[-ends // 2 :]}"


def safe(text: str) -> str:
    """Text of others, without what would steer a terminal."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def when(milliseconds: int) -> str:
    """A time for people and JSON alike: UTC, to the second.

    Whoever makes a block writes its time: one beyond the calendar is shown as its number.
    """
    try:
        found = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds} ms after 1970"
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")


def next_step(operation: Operation) -> str:
    """What to do about an operation in its state; empty when nothing is left to do."""
    return _NEXT[operation.state].format(id=operation.id)


def operation_data(operation: Operation) -> dict[str, Any]:
    """An operation in JSON."""
    return {
        "id": operation.id,
        "action": operation.action,
        "state": str(operation.state),
        "amount": amount(operation.amount, operation.asset),
        "fee": amount(operation.fee, "native"),
        "to": operation.target,
        "memo": operation.memo,
        "tx_id": None if operation.tx_id is None else "0x" + operation.tx_id.hex(),
        "height": operation.height,
        "expiry": operation.expiry,
        "created": when(operation.created_ms),
        "updated": when(operation.updated_ms),
        "error": operation.error,
        "next": next_step(operation),
    }


def operation_row(operation: Operation) -> tuple[str, ...]:
    """One line of a list."""
    return (
        str(operation.id),
        operation.action,
        f"{amount_text(operation.amount)} {operation.asset}",
        str(operation.state),
        "" if operation.height is None else str(operation.height),
        "" if operation.tx_id is None else operation.tx_id.hex()[:12],
        when(operation.created_ms),
    )


def report_transaction(
    session: Session,
    schema: str,
    tx_id: bytes,
    view: TransactionView | None,
    data: dict[str, Any],
    *more: str,
) -> None:
    """Say how a transaction stands that no wallet keeps; a refused one is the answer no.

    Args:
        session: of the command.
        schema: of the document.
        tx_id: its id.
        view: what a node says of it; None: nobody waited.
        data: what else the document has.
        more: lines for people.
    """
    receipt = None if view is None else view.receipt
    included = view is not None and view.status == "included"
    session.exit_code = 0 if included or view is None else 1
    code = None if receipt is None else receipt.code
    full = {
        "tx_id": "0x" + tx_id.hex(),
        "status": "pending" if view is None else view.status,
        "height": None if receipt is None else receipt.height,
        "code": code,
        **data,
    }
    line = "… the node has it" if view is None else f"✗ refused: {code}"
    if included and receipt is not None:
        line = f"✓ in block {receipt.height}"

    def render(out: Console) -> None:
        for text in (line, *more):
            out.print(text, markup=False)

    output.emit(session, schema, full, render)


def report_operation(session: Session, wallet: str, operation: Operation) -> None:
    """Say how an operation stands; a refused one is the answer no."""
    if operation.state in {"rejected", "expired"}:
        session.exit_code = 1
    data = {"wallet": wallet, "operation": operation_data(operation)}

    def render(out: Console) -> None:
        mark = {"included": "✓", "rejected": "✗", "expired": "✗"}.get(operation.state, "…")
        tx_id = "" if operation.tx_id is None else f"tx {operation.tx_id.hex()}  "
        place = "" if operation.height is None else f" in block {operation.height}"
        line = f"{mark} {tx_id}{operation.state}{place}  (op {operation.id})"
        out.print(line, markup=False)
        if operation.error:
            out.print(f"  {safe(operation.error)}", markup=False)
        if step := next_step(operation):
            out.print(f"  {step}", markup=False)

    output.emit(session, "operation", data, render)
