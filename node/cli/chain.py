"""`chiaro chain …`: what everyone can see. No wallet is opened and no key is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import audit, chain_migrate, connection, output, pool_state, show
from node.cli.chain_lane import lane_data
from node.cli.chain_private import private_data
from node.cli.demo_facts import units
from node.cli.identify import shielded_of
from node.cli.session import Session, UsageError
from node.cli.typed import digits
from node.core.errors import NotFound

if TYPE_CHECKING:
    from rich.console import Console

    from node.rpc.schema import BlockView, KindView, SupplyView, TransactionView

MAX_DIGITS: Final = 77
"""Of a field element in decimal."""

app = typer.Typer(help="Public data of the chain: blocks, transactions, roots, supply, pools.")
app.command("pools")(pool_state.pools)
app.command("migrate")(chain_migrate.migrate)


@app.command()
def head(context: typer.Context) -> None:
    """Show the last block and the chain it belongs to."""
    session: Session = context.obj
    with connection.connected(session) as client:
        status = client.status()
    data = {
        "chain_id": status.chain_id,
        "name": status.name,
        "chain_profile": status.profile,
        "height": status.height,
        "block_hash": status.block_hash,
        "time": show.when(status.time_ms),
        "state_root": status.state_root,
        "pools": pool_state.data_of(status),
        "predecessor": pool_state.predecessor_of(status),
    }

    def render(out: Console) -> None:
        plain = {key: value for key, value in data.items() if key not in {"pools", "predecessor"}}
        for key, value in (*plain.items(), ("pools", "; ".join(pool_state.lines_of(status)))):
            out.print(f"{key:<13}  {value}", markup=False)
        if (before := status.predecessor) is not None:
            text = f"{before.chain_id} after block {before.height}"
            out.print(f"{'predecessor':<13}  {text}", markup=False)

    output.emit(session, "chain.head", data, render, freshness={"height": status.height})


@app.command()
def block(
    context: typer.Context, height: str = typer.Argument("tip", help="Height, or tip.")
) -> None:
    """Show a block and how its transactions ended."""
    session: Session = context.obj
    if height != "tip" and not (height.isascii() and height.isdigit() and len(height) < 19):
        raise UsageError(f"not a height: {height!r}", where="HEIGHT", fix="a number, or tip")
    with connection.connected(session) as client:
        found = client.block("tip" if height == "tip" else int(height))
    data = {
        "height": found.height,
        "hash": found.hash,
        "previous": found.previous,
        "time": show.when(found.time_ms),
        "chain_id": found.chain_id,
        "state_root_before": found.state_root,
        "state_root": found.root_after,
        "tx_root": found.tx_root,
        "bytes": found.bytes,
        "transactions": [
            {
                "index": receipt.index,
                "tx_id": receipt.tx_id,
                "environment": receipt.environment,
                "code": receipt.code,
                "message": receipt.message,
                "fee": show.amount(int(receipt.fee), "native"),
            }
            for receipt in found.receipts
        ],
    }
    output.emit(session, "chain.block", data, lambda out: _draw_block(out, found))


def _draw_block(out: Console, found: BlockView) -> None:
    for key, value in (
        ("block", str(found.height)),
        ("hash", found.hash),
        ("previous", found.previous),
        ("time", show.when(found.time_ms)),
        ("state", f"{found.root_after} after it"),
        ("size", f"{found.bytes} bytes, {len(found.receipts)} transactions"),
    ):
        out.print(f"{key:<9} {value}", markup=False)
    if found.receipts:
        out.print()
        rows = [
            (
                receipt.tx_id,
                receipt.environment,
                "ok" if receipt.ok else f"{receipt.code}: {show.safe(receipt.message)}",
                units(int(receipt.fee)),
            )
            for receipt in found.receipts
        ]
        output.table(out, ("transaction", "environment", "result", "fee"), rows)


@app.command()
def tx(context: typer.Context, identity: str = typer.Argument(help="Transaction id.")) -> None:
    """Show what everyone sees of a transaction."""
    session: Session = context.obj
    tx_id = digits(identity.removeprefix("tx:"), 32, "ID")
    with connection.connected(session) as client:
        view, kinds = client.transaction(tx_id), client.status().assets
    if view.status == "unknown":
        raise NotFound(
            f"the node knows no transaction {tx_id.hex()}",
            where=session.node,
            fix="it may have expired, or belong to another chain",
        )
    data = transaction_data(view, {item.kind: item.name or "" for item in kinds})
    output.emit(session, "chain.tx", data, lambda out: draw_tx(out, data))


def transaction_data(view: TransactionView, names: dict[Any, str]) -> dict[str, Any]:
    """The public part of a transaction, decoded from its bytes."""
    from node.core.block import Transaction
    from node.core.ids import EnvironmentId
    from node.rpc.text import bytes_of
    from transparent.transaction import TransparentTx

    receipt = view.receipt
    data: dict[str, Any] = {
        "tx_id": view.tx_id,
        "state": view.status,
        "environment": view.environment,
        "height": None if receipt is None else receipt.height,
        "block_hash": view.block_hash,
        "code": receipt.code
        if receipt is not None
        else (None if view.error is None else view.error.code),
    }
    if view.carrier is not None:
        data["carrier"] = view.carrier
    if view.tx is None:
        return data
    wire = bytes_of(view.tx)
    data["bytes"] = len(wire)
    shielded = shielded_of(wire, bytes_of(view.tx_id))
    if shielded is not None:
        data |= {
            "fee": show.amount(shielded.fee, "native"),
            "expiry": shielded.expiry,
            "actions": [_action(action) for action in shielded.actions],
            "crossings": [
                {
                    "environment": value.target.label,
                    "account": "0x" + value.account.hex(),
                    **show.amount(abs(value.amount), _name(value.kind, names)),
                    "direction": "leaves the pool" if value.amount > 0 else "enters the pool",
                }
                for value in shielded.public_values
            ],
            "hidden_values": [
                show.hidden_value(value, _name(value.kind, names))
                for value in shielded.hidden_values
            ],
            "hidden": "amounts, assets, sender, receivers and memos of what stays in the pool",
        }
        return data
    envelope = Transaction.from_bytes(wire)
    if envelope.environment is EnvironmentId.CHAIN:
        data |= _order(envelope.payload)
    if envelope.environment is EnvironmentId.INTENTS:
        data |= lane_data(envelope.payload, receipt)
    if envelope.environment is EnvironmentId.PRIVATE:
        data |= private_data(envelope.payload, receipt)
    if envelope.environment is EnvironmentId.TRANSPARENT:
        plain = TransparentTx.from_bytes(envelope.payload)
        data |= {
            "fee": show.amount(plain.fee, "native"),
            "expiry": plain.expiry,
            "sender": "0x" + plain.sender.hex(),
            "sequence": plain.sequence,
            "transfers": [
                {
                    "account": "0x" + transfer.recipient.hex(),
                    **show.amount(transfer.amount, _name(transfer.kind, names)),
                }
                for transfer in plain.transfers
            ],
        }
    return data


def _order(payload: bytes) -> dict[str, Any]:
    from node.execution.order import Order

    order = Order.from_bytes(payload)
    return {
        "expiry": order.expiry,
        "sequence": order.sequence,
        "pool": order.pool.label,
        "orders": order.state.label,
        "insecure": order.insecure or None,
        "deadline": order.deadline or None,
        "reason": order.reason,
        "guardians": ["0x" + guardian.hex() for guardian, _ in order.signatures],
    }


def _action(action: Any) -> dict[str, Any]:
    public = action.public
    return {
        "anchor": str(public.anchor),
        "nullifiers": [str(value) for value in public.nullifiers],
        "commitments": [str(value) for value in public.commitments],
        "logics": [str(value) for value in action.logics],
        "rk": [str(value) for value in public.rk],
        "delta": [str(value) for value in public.delta],
        "proof": "0x" + action.proof.hex(),
    }


def _name(kind: Any, names: dict[Any, str]) -> str:
    from node.core.ids import NATIVE

    return "native" if kind == NATIVE else names.get(kind) or f"0x{kind.label:064x}"


def draw_tx(out: Console, data: dict[str, Any]) -> None:
    """`transaction_data` for people."""
    listed = {"crossings", "hidden_values", "transfers", "parts", "carried", "components"}
    nested = {"actions", *listed}
    for key, value in data.items():
        if key in nested or value is None:
            continue
        shown = f"{value['amount']} {value['unit']}" if isinstance(value, dict) else str(value)
        if isinstance(value, list):
            shown = ", ".join(value)
        out.print(f"{key:<12} {shown}", markup=False)
    for group in ("crossings", "transfers"):
        for item in data.get(group, ()):
            towards = item.get("direction", "is paid")
            out.print(
                f"{'in the clear':<12} {item['amount']} {item['unit']} {towards}: "
                f"account {item['account']}",
                markup=False,
            )
    for item in data.get("hidden_values", ()):
        out.print(
            f"{'in the dark':<12} some {show.safe(item['asset'])} {item['direction']} the pool, "
            f"private message {item['reference']}",
            markup=False,
        )
    for part in data.get("parts", ()):
        out.print(f"{part['name']:<12} {show.safe(part['code'])}", markup=False)
    for item in data.get("components", ()):
        out.print(f"{item['what']:<12} {len(item['intents'])} intents", markup=False)
    for item in data.get("carried", ()):
        out.print(f"{'carried out':<12} {item['tx_id']} ({item['environment']})", markup=False)
    for index, action in enumerate(data.get("actions", ())):
        out.print(f"action {index}", style="bold")
        for key, value in action.items():
            for number, part in enumerate(value if isinstance(value, list) else [value]):
                label = f"{key} {number}" if isinstance(value, list) else key
                out.print(f"  {label:<13} {part}", markup=False)


@app.command()
def root(context: typer.Context) -> None:
    """Show the state root and the root of the note tree after the last block."""
    session: Session = context.obj
    with connection.connected(session) as client:
        status = client.status()
        tree = client.anchor(status.height)
    data = {
        "height": status.height,
        "state_root": status.state_root,
        "anchor": tree.anchor,
        "notes": tree.notes,
    }
    output.emit(session, "chain.root", data, freshness={"height": status.height})


@app.command()
def nullifier(
    context: typer.Context,
    value: str = typer.Argument(help="Decimal field element, or 0x and 32 bytes."),
    environment: str = typer.Option("shielded", "--environment", help="shielded or private."),
) -> None:
    """Say whether a nullifier is spent. Exit 1: it is not in the set."""
    from zk.field.params import FR

    session: Session = context.obj
    if environment not in {"shielded", "private"}:
        raise UsageError(f"no set of nullifiers in {environment!r}", where="--environment")
    if value.isascii() and value.isdigit():
        number = int(value) if len(value) <= MAX_DIGITS else FR.modulus
        if number >= FR.modulus:
            raise UsageError("not below the field modulus r", where="VALUE")
        data = number.to_bytes(32, "little")
    else:
        data = digits(value, 32, "VALUE")
    with connection.connected(session) as client:
        found = client.nullifier(data, environment)
    session.exit_code = 0 if found.spent else 1
    shown = {
        "nullifier": str(int.from_bytes(data, "little")),
        "bytes": "0x" + data.hex(),
        "environment": found.environment,
        "spent": found.spent,
        "height": found.height,
    }

    def render(out: Console) -> None:
        out.print(
            f"spent in block {found.height}"
            if found.spent
            else f"not spent, as of block {found.at}"
        )

    output.emit(session, "chain.nullifier", shown, render, freshness={"height": found.at})


@app.command()
def supply(context: typer.Context) -> None:
    """Audit the supply: what was issued and where it is. Exit 1: it does not add up."""
    session: Session = context.obj
    with connection.connected(session) as client:
        report = client.supply()
    rows = [_supply_row(item) for item in report.kinds]
    balanced = report.balanced and all(row["balanced"] for row in rows)
    session.exit_code = 0 if balanced else 1
    data = {
        "height": report.height,
        "state_root": report.state_root,
        "unit": "base units",
        "kinds": rows,
        "balanced": balanced,
    }

    def render(out: Console) -> None:
        headings = ("asset", "issued", "transparent", "of it fees", *_PARTS[3:], "")
        output.table(
            out,
            headings,
            [
                (
                    str(row["asset"]),
                    *(units(int(row[part])) for part in _PARTS),
                    "✓" if row["balanced"] else "✗",
                )
                for row in rows
            ],
        )
        for item in report.kinds:
            line = show.in_the_dark(
                asset_name(item.kind), int(item.joint), item.hidden_into, item.hidden_out_of
            )
            if line:
                out.print(output.printable(line), markup=False)
        verdict = "the supply adds up" if balanced else "THE SUPPLY DOES NOT ADD UP"
        style = "bold green" if balanced else "bold red"
        out.print(f"{verdict}, as of block {report.height}", style=style)

    output.emit(session, "chain.supply", data, render, freshness={"height": report.height})


@app.command("audit")
def audit_chain(
    context: typer.Context,
    to: int | None = typer.Option(None, "--to", min=0, help="Last block; default: the tip."),
    work: Path | None = audit.WORK,
    report: Path | None = audit.REPORT,
    params: Path | None = audit.PARAMS,
    *,
    fresh: bool = audit.FRESH,
) -> None:
    """Check the whole chain of a node, or of this home's stopped one, and execute it again.

    What was checked before is not checked again. Exit 0: it holds; 1: the culprits are named.
    """
    from node.audit.perform import Options
    from node.cli import audit_source

    session: Session = context.obj
    audit.check_page(report)
    options = Options(audit.registry(params), work, fresh)
    found = audit.carry_out(session, lambda: audit_source.live(session, to), options)
    audit.conclude(session, "chain.audit", found, report, {})


_PARTS = ("issued", "transparent", "fees", "shielded", "private", "stake")


def _supply_row(item: SupplyView) -> dict[str, Any]:
    """One kind; the sum is done here again, so that a node's word alone is not enough."""
    parts = {part: int(getattr(item, part)) for part in _PARTS}
    inside = ("transparent", "shielded", "private", "stake")
    adds_up = sum(parts[part] for part in inside) == parts["issued"]
    return {
        "asset": asset_name(item.kind),
        "logic": item.kind.logic,
        "label": item.kind.label,
        **{part: str(value) for part, value in parts.items()},
        "joint": item.joint,
        "hidden_into": item.hidden_into,
        "hidden_out_of": item.hidden_out_of,
        "balanced": item.balanced and adds_up,
    }


def asset_name(kind: KindView) -> str:
    """A kind's name, or the start of its label."""
    return kind.name or _name(kind.kind, {})
