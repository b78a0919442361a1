"""`chiaro tx …`: one id from draft to settlement; transactions of others; disclosures."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import (
    connection,
    disclose,
    exported,
    identify,
    keystore,
    output,
    show,
    tx_export,
    wallets,
)
from node.cli.session import Session, UsageError
from node.cli.transfer import TIMEOUT
from node.cli.wallet_db import Operation
from node.core.errors import NotFound, Unreachable

if TYPE_CHECKING:
    from rich.console import Console

    from node.core.ids import Kind
    from node.rpc.schema import TransactionView
    from shielded.history import HistoryEntry
    from shielded.transaction import ShieldedTx

app = typer.Typer(help="Operations of this wallet, and any transaction of the chain.")
app.add_typer(disclose.app)
app.add_typer(tx_export.app)

ID = typer.Argument(help="Number of an operation, transaction id, or a unique prefix of one.")


@app.command("list")
def list_operations(
    context: typer.Context,
    limit: int = typer.Option(50, "--limit", min=1, help="How many, newest first."),
    *,
    movements: bool = typer.Option(
        False, "--movements", help="Show what was seen on the chain instead of operations."
    ),
) -> None:
    """List this wallet's operations, newest first; of a view-only wallet what it has seen."""
    from node.cli import wallet_sync

    session: Session = context.obj
    name = wallets.choose(session)
    with (
        suppress(wallets.WalletBusy),  # the log can be read while another command works
        wallets.opened(session.places, name, profile=session.profile, timeout=0.2) as wallet,
        connection.if_reachable(session) as client,
    ):
        if client is not None:
            wallet_sync.check_chain(wallet, client.status())
            wallet_sync.reconcile(wallet, client)
        else:
            session.warnings.append(f"no node at {session.node}: states may be old")
    with identify.log_of(session) as db:
        found = [] if db is None else db.operations()[:limit]
    seen = _seen(session, limit)
    data = {
        "wallet": name,
        "operations": [show.operation_data(item) for item in found],
        "movements": seen,
    }
    headings = ("op", "action", "amount", "state", "block", "tx", "made")
    view_only = keystore.load(session.places, name).secret is None

    def render(out: Console) -> None:
        if movements or view_only:
            _render_seen(out, seen)
        elif found:
            output.table(out, headings, [show.operation_row(item) for item in found])
        else:
            out.print("no operations yet: `chiaro shield AMOUNT` makes the first", markup=False)

    output.emit(session, "tx.list", data, render)


@app.command("status")
def status(
    context: typer.Context,
    identity: str = ID,
    timeout: float = TIMEOUT,
    *,
    wait: bool = typer.Option(False, "--wait", help="Until it is settled, or --timeout."),
) -> None:
    """Say how far an operation or transaction is. Exit 1: refused or expired, 7: --wait is over."""
    session: Session = context.obj
    found = identify.resolve(session, identity)
    if found.operation is None:
        if found.tx_id is None:
            raise NotFound(f"no transaction {identity!r}")
        _foreign_status(session, found.tx_id, timeout, wait=wait)
        return
    operation = _settled(session, found.operation, timeout, wait=wait)
    show.report_operation(session, wallets.choose(session), operation)


def _settled(session: Session, operation: Operation, timeout: float, *, wait: bool) -> Operation:
    """The operation as it stands now, as far as it can be known."""
    from node.cli import wallet_spend, wallet_sync

    if operation.state.final or operation.tx_id is None:
        return operation
    name = wallets.choose(session)
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        try:
            wallet_sync.check_chain(wallet, client.status())
        except Unreachable:
            if wait:
                raise
            session.warnings.append(f"no node at {session.node}: this is what the log says")
            return operation
        if wait:
            return wallet_spend.wait(wallet, client, operation, timeout)
        return wallet_sync.settle(wallet, operation, client.transaction(operation.tx_id))


def _foreign_status(session: Session, tx_id: bytes, timeout: float, *, wait: bool) -> None:
    """Status of a transaction that this wallet did not make."""
    if wait:
        with connection.connected(session) as client:
            view = client.wait_for_tx(tx_id, timeout)
    else:
        view = identify.fetch(session, tx_id)
    session.exit_code = 1 if view.status == "rejected" else 0
    receipt = view.receipt
    data = {
        "tx_id": view.tx_id,
        "state": view.status,
        "height": None if receipt is None else receipt.height,
        "error": _error(view),
    }
    output.emit(session, "tx.status", data)


@app.command("submit")
def submit(context: typer.Context, identity: str = ID) -> None:
    """Hand a proved operation to the node again; the same bytes, so it cannot pay twice."""
    from node.cli import wallet_spend, wallet_sync

    session: Session = context.obj
    found = identify.resolve(session, identity)
    if found.operation is None:
        raise UsageError("only this wallet's own operations can be submitted")
    operation, name = found.operation, wallets.choose(session)
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        wallet_sync.check_chain(wallet, client.status())
        if operation.tx_id is not None:
            operation = wallet_sync.settle(wallet, operation, client.transaction(operation.tx_id))
        if not operation.state.final:
            operation = wallet_spend.submit(wallet, client, operation)
    show.report_operation(session, name, operation)


# --- show -----------------------------------------------------------------------------------------


@app.command("show")
def show_transaction(
    context: typer.Context,
    identity: str = ID,
    export: Path | None = typer.Option(
        None, "--export", help="Write proof.json, public.json, verification_key.json there."
    ),
) -> None:
    """Show a transaction: what everyone sees, and what this wallet knows beyond that."""
    from node.cli.chain_lane import lane_data
    from node.cli.chain_private import private_data
    from node.core.block import Transaction
    from node.core.ids import EnvironmentId

    session: Session = context.obj
    found = identify.resolve(session, identity)
    if found.tx_id is None and found.operation is not None and export is None:
        show.report_operation(session, wallets.choose(session), found.operation)
        return
    wire = identify.wire_of(session, found)
    tx_id = found.tx_id or b""
    tx = identify.shielded_of(wire, tx_id)
    envelope = Transaction.from_bytes(wire)
    data: dict[str, Any] = {
        "tx_id": "0x" + tx_id.hex(),
        **_receipt(session, tx_id),
        "bytes": len(wire),
        "environment": envelope.environment.label,
    }
    if envelope.environment is EnvironmentId.INTENTS:
        data["lane"] = lane_data(envelope.payload, None)
    if envelope.environment is EnvironmentId.PRIVATE:
        data["private"] = private_data(envelope.payload, None)
        tx = identify.carried_of(wire)
    names = _asset_names(session)
    if tx is not None:
        data.update(_public_part(tx, names))
    if found.operation is not None:
        data["operation"] = show.operation_data(found.operation)
    data["known"] = _known(session, tx_id if tx is None else tx.id, names)
    if export is not None:
        parts = exported.documents_of(session, wire, tx_id)
        data["exported"] = [str(place) for place in exported.write(parts, export)]
    output.emit(session, "tx", data, lambda out: _render(out, data))


def _receipt(session: Session, tx_id: bytes) -> dict[str, Any]:
    try:
        view = identify.fetch(session, tx_id)
    except Unreachable:
        session.warnings.append(f"no node at {session.node}: shown from the wallet's log")
        return {"state": "unknown", "height": None, "error": ""}
    except NotFound:
        return {"state": "unknown", "height": None, "error": ""}
    return {
        "state": view.status,
        "height": None if view.receipt is None else view.receipt.height,
        "error": _error(view),
        **({} if view.carrier is None else {"carrier": view.carrier}),
    }


def _error(view: TransactionView) -> str:
    if view.error is not None:
        return f"{view.error.code}: {view.error.message}"
    if view.receipt is not None and not view.receipt.ok:
        return f"{view.receipt.code}: {view.receipt.message}"
    return ""


def _asset_names(session: Session) -> Callable[[Kind], str]:
    """Names of assets: the node's, where it answers."""
    from node.cli.wallet_spend import asset_names

    with connection.if_reachable(session) as client:
        return asset_names(None if client is None else client.status())


def _public_part(tx: ShieldedTx, names: Callable[[Kind], str]) -> dict[str, Any]:
    """What everyone sees of a shielded transaction."""
    return {
        "fee": show.amount(tx.fee, "native"),
        "expiry": int(tx.expiry),
        "public_values": [
            {
                "environment": value.target.label,
                "account": "0x" + value.account.hex(),
                "direction": "leaves" if value.amount > 0 else "enters",
                **show.amount(abs(value.amount), names(value.kind)),
            }
            for value in tx.public_values
        ],
        "hidden_values": [show.hidden_value(item, names(item.kind)) for item in tx.hidden_values],
        "actions": [
            {
                "anchor": str(action.public.anchor),
                "nullifiers": [str(value) for value in action.public.nullifiers],
                "commitments": [str(value) for value in action.public.commitments],
            }
            for action in tx.actions
        ],
    }


def _history(session: Session) -> tuple[HistoryEntry, ...]:
    """What the chosen wallet has scanned, oldest first; empty where there is no wallet."""
    with identify.log_of(session) as db:
        if db is None:
            return ()
        stored = keystore.load(session.places, wallets.choose(session))
        return wallets.load_state(db, wallets.viewing_key(stored)).history


def _entry(session: Session, entry: HistoryEntry, names: Callable[[Kind], str]) -> dict[str, Any]:
    from shielded.encryption import memo_to_text

    return {
        "direction": str(entry.direction),
        **show.amount(entry.quantity, names(entry.kind)),
        "memo": memo_to_text(entry.memo) or "",
        "to": None if entry.address is None else entry.address.encode(session.profile),
        "address_index": entry.address_index,
        "output": 2 * entry.action + entry.slot
        if entry.direction in {"received", "change", "sent"}
        else None,
    }


def _known(session: Session, tx_id: bytes, names: Callable[[Kind], str]) -> list[dict[str, Any]]:
    """What the wallet's scanned history says of a transaction; private."""
    return [_entry(session, entry, names) for entry in _history(session) if entry.tx_id == tx_id]


def _seen(session: Session, limit: int) -> list[dict[str, Any]]:
    """The last movements of the scanned history, newest first; private."""
    history = _history(session)[-limit:]
    names = _asset_names(session)
    return [
        {
            "height": entry.height,
            "tx_id": "0x" + entry.tx_id.hex(),
            **_entry(session, entry, names),
        }
        for entry in reversed(history)
    ]


def _render_seen(out: Console, seen: list[dict[str, Any]]) -> None:
    rows = [
        (
            str(item["height"]),
            item["direction"],
            f"{item['amount']} {item['unit']}",
            show.shorten(item["to"] or ""),
            item["tx_id"].removeprefix("0x")[:12],
            item["memo"],
        )
        for item in seen
    ]
    if rows:
        output.table(out, ("block", "movement", "amount", "to", "tx", "memo"), rows)
    else:
        out.print("nothing seen yet: `chiaro sync` scans the chain", markup=False)


def _render(out: Console, data: dict[str, Any]) -> None:
    place = "" if data["height"] is None else f" in block {data['height']}"
    out.print(f"tx {data['tx_id']}", markup=False)
    out.print(
        f"  {data['state']}{place}, {data['environment']}, {data['bytes']} bytes", markup=False
    )
    if data["error"]:
        out.print(f"  {show.safe(data['error'])}", markup=False)
    if "lane" in data:
        lane = data["lane"]
        out.print(f"  public   {lane['kind']}, domain {lane['domain']}", markup=False)
    if "private" in data:
        about = ", ".join(f"{name} {value}" for name, value in data["private"].items())
        out.print(f"  public   {about}", markup=False)
    if "carrier" in data:
        out.print(f"  carried out by {data['carrier']}", markup=False)
    if "actions" in data:
        fee, actions = data["fee"]["amount"], data["actions"]
        out.print(
            f"  public   fee {fee} native, {len(actions)} action(s), expiry {data['expiry']}",
            markup=False,
        )
        for value in data["public_values"]:
            out.print(
                f"           {value['amount']} {value['unit']} {value['direction']} the pool, "
                f"account {value['account']}",
                markup=False,
            )
        for value in data["hidden_values"]:
            out.print(
                f"           some {value['asset']} {value['direction']} the pool in the dark, "
                f"private message {value['reference']}",
                markup=False,
            )
    for item in data["known"]:
        to = "" if item["to"] is None else f" to {show.shorten(item['to'])}"
        memo = f"  “{show.safe(item['memo'])}”" if item["memo"] else ""
        where = "" if item["output"] is None else f"  (output {item['output']})"
        line = f"  private  {item['direction']:<9} {item['amount']} {item['unit']}{to}{memo}{where}"
        out.print(line, markup=False)
    for place in data.get("exported", ()):
        out.print(f"✓ {place}/: {exported.PROOF} {exported.PUBLIC} {exported.KEY}", markup=False)
