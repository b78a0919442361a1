"""`chiaro tx …`: one id from draft to settlement; transactions of others; disclosures."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import connection, exported, identify, keystore, output, show, wallets
from node.cli.prompts import SecretFile
from node.cli.session import Session, UsageError
from node.cli.transfer import TIMEOUT
from node.cli.verify import read_file
from node.cli.wallet import write_backup
from node.cli.wallet_db import Operation
from node.core.errors import NotFound, Unreachable
from zk import jsontext
from zk.errors import DecodeError

if TYPE_CHECKING:
    from rich.console import Console

    from node.core.ids import Kind
    from node.rpc.schema import TransactionView
    from shielded.disclosure import DisclosedPayment, Disclosure
    from shielded.keys import ViewingKey
    from shielded.scan import ScannedTransaction
    from shielded.transaction import ShieldedTx

app = typer.Typer(help="Operations of this wallet, and any transaction of the chain.")

ID = typer.Argument(help="Number of an operation, transaction id, or a unique prefix of one.")


@app.command("list")
def list_operations(
    context: typer.Context,
    limit: int = typer.Option(50, "--limit", min=1, help="How many, newest first."),
) -> None:
    """List this wallet's operations, newest first."""
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
    data = {"wallet": name, "operations": [show.operation_data(item) for item in found]}
    headings = ("op", "action", "amount", "state", "block", "tx", "made")

    def render(out: Console) -> None:
        if found:
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
    session: Session = context.obj
    found = identify.resolve(session, identity)
    if found.tx_id is None and found.operation is not None and export is None:
        show.report_operation(session, wallets.choose(session), found.operation)
        return
    wire = identify.wire_of(session, found)
    tx_id = found.tx_id or b""
    tx = identify.shielded_of(wire, tx_id)
    data: dict[str, Any] = {
        "tx_id": "0x" + tx_id.hex(),
        **_receipt(session, tx_id),
        "bytes": len(wire),
        "environment": "transparent" if tx is None else "shielded",
    }
    names = _asset_names(session)
    if tx is not None:
        data.update(_public_part(tx, names))
    if found.operation is not None:
        data["operation"] = show.operation_data(found.operation)
    data["known"] = _known(session, tx_id, names)
    if export is not None:
        parts = exported.documents_of(session, "0x" + tx_id.hex())
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
        "actions": [
            {
                "anchor": str(action.public.anchor),
                "nullifiers": [str(value) for value in action.public.nullifiers],
                "commitments": [str(value) for value in action.public.commitments],
            }
            for action in tx.actions
        ],
    }


def _known(session: Session, tx_id: bytes, names: Callable[[Kind], str]) -> list[dict[str, Any]]:
    """What the wallet's scanned history says of a transaction; private."""
    from shielded.encryption import memo_to_text

    with identify.log_of(session) as db:
        if db is None:
            return []
        stored = keystore.load(session.places, wallets.choose(session))
        state = wallets.load_state(db, wallets.viewing_key(stored))
    return [
        {
            "direction": str(entry.direction),
            **show.amount(entry.quantity, names(entry.kind)),
            "memo": memo_to_text(entry.memo) or "",
            "to": None if entry.address is None else entry.address.encode(stored.profile),
            "output": 2 * entry.action + entry.slot
            if entry.direction in {"received", "change", "sent"}
            else None,
        }
        for entry in state.history
        if entry.tx_id == tx_id
    ]


def _render(out: Console, data: dict[str, Any]) -> None:
    place = "" if data["height"] is None else f" in block {data['height']}"
    out.print(f"tx {data['tx_id']}", markup=False)
    out.print(
        f"  {data['state']}{place}, {data['environment']}, {data['bytes']} bytes", markup=False
    )
    if data["error"]:
        out.print(f"  {show.safe(data['error'])}", markup=False)
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
    for item in data["known"]:
        to = "" if item["to"] is None else f" to {show.shorten(item['to'])}"
        memo = f"  “{show.safe(item['memo'])}”" if item["memo"] else ""
        where = "" if item["output"] is None else f"  (output {item['output']})"
        line = f"  private  {item['direction']:<9} {item['amount']} {item['unit']}{to}{memo}{where}"
        out.print(line, markup=False)
    for place in data.get("exported", ()):
        out.print(f"✓ {place}/: {exported.PROOF} {exported.PUBLIC} {exported.KEY}", markup=False)


# --- disclosures ----------------------------------------------------------------------------------


@app.command("disclose")
def disclose(
    context: typer.Context,
    identity: str = ID,
    number: int | None = typer.Option(
        None, "--output", min=0, help="Which output (`tx show` numbers them)."
    ),
    out: Path | None = typer.Option(None, "--out", help="Write the document to this file."),
) -> None:
    """Prove one payment to a third party; opens that output and nothing else."""
    from shielded import disclosure

    session: Session = context.obj
    found = identify.resolve(session, identity)
    tx = _included(session, found)
    stored = keystore.load(session.places, wallets.choose(session))
    key = wallets.viewing_key(stored)
    scanned = tx.scanned
    index = _first_payment(key, scanned) if number is None else number
    made = disclosure.create(key, tx.chain_id, scanned, index // 2, index % 2)
    document = made.to_json()
    data: dict[str, Any] = {"tx_id": "0x" + tx.id.hex(), "output": index}
    if out is not None:
        if out.exists():
            raise UsageError(f"{out} exists; it is not overwritten")
        write_backup(out, json.dumps(document, indent=1).encode() + b"\n")
        output.emit(session, "tx.disclosure", {**data, "file": str(out)})
        return
    text = json.dumps(document, indent=1)
    output.emit(
        session,
        "tx.disclosure",
        {**data, "disclosure": document},
        lambda console: console.print(text, markup=False),
    )


def _included(session: Session, found: identify.Identified) -> ShieldedTx:
    """A shielded transaction that the node has in a block."""
    from node.rpc.schema import bytes_of

    if found.tx_id is None:
        raise NotFound("this operation has no transaction yet")
    view = identify.fetch(session, found.tx_id)
    if view.status != "included" or view.tx is None:
        raise NotFound(
            f"the transaction is {view.status}: only what is in a block proves a payment"
        )
    tx = identify.shielded_of(bytes_of(view.tx), found.tx_id)
    if tx is None:
        raise NotFound("a transparent transaction hides nothing to disclose")
    return tx


def _first_payment(key: ViewingKey, scanned: ScannedTransaction) -> int:
    """The first output that this key sent to somebody, else the first that it received."""
    from shielded import encryption
    from shielded.keys import IncomingViewingKey, OutgoingViewingKey

    outputs = [item for action in scanned.actions for item in action.outputs]
    if not isinstance(key, IncomingViewingKey):
        for index, item in enumerate(outputs):
            sent = encryption.recover_outgoing(key.ovk, item)
            if sent is not None and sent.note.quantity:
                return index
    if not isinstance(key, OutgoingViewingKey):
        for index, item in enumerate(outputs):
            for viewer in encryption.viewers(key):
                received = encryption.try_decrypt(viewer, item)
                if received is not None and received.note.quantity:
                    return index
    raise NotFound("this wallet neither sent nor received an output of that transaction")


@app.command("verify-disclosure")
def verify_disclosure(
    context: typer.Context, file: Path = typer.Argument(help="The document that was handed over.")
) -> None:
    """Check a disclosure against the chain; needs no keys. Exit 1: the chain refutes it."""
    from shielded import disclosure
    from shielded.disclosure import DisclosureRefused

    session: Session = context.obj
    shown = _read_disclosure(file)
    with connection.connected(session) as client:
        chain_id = client.status().chain_id
    tx = _included(session, identify.Identified(shown.tx_id, None))
    try:
        paid = disclosure.verify(shown, bytes.fromhex(chain_id.removeprefix("0x")), tx.scanned)
    except DisclosureRefused as refused:
        session.exit_code = 1
        data = {"valid": False, "code": refused.id, "detail": refused.message}
        line = f"✗ [{refused.id}] {refused.message}"
        output.emit(session, "tx.disclosed", data, lambda out: out.print(line, markup=False))
        return
    _report_disclosed(session, paid)


def _read_disclosure(file: Path) -> Disclosure:
    """A disclosure document, bare or in the envelope of `--json`.

    Raises:
        DecodeError, SecretFile: not one.
    """
    from shielded.disclosure import Disclosure

    try:
        document = jsontext.loads(read_file(file))
    except ValueError:
        raise SecretFile("not a JSON document", where=str(file), fix="ask for it again") from None
    if isinstance(document, dict) and isinstance(document.get("data"), dict):
        document = document["data"].get("disclosure")
    try:
        return Disclosure.from_json(document)
    except DecodeError as error:
        error.where = str(file)
        raise


def _report_disclosed(session: Session, paid: DisclosedPayment) -> None:
    from shielded.encryption import memo_to_text

    unit = _asset_names(session)(paid.kind)
    memo, to = memo_to_text(paid.memo) or "", paid.address.encode(session.profile)
    data = {
        "valid": True,
        "tx_id": "0x" + paid.tx_id.hex(),
        "output": 2 * paid.action + paid.slot,
        **show.amount(paid.quantity, unit),
        "to": to,
        "memo": memo,
    }

    def render(out: Console) -> None:
        out.print(f"✓ {show.amount_text(paid.quantity)} {unit} to {to}", markup=False)
        out.print(f"  tx {paid.tx_id.hex()}, output {data['output']}", markup=False)
        if memo:
            out.print(f"  memo “{show.safe(memo)}”", markup=False)
        out.print("  who paid, and whether it was spent since, is not shown", markup=False)

    output.emit(session, "tx.disclosed", data, render)
