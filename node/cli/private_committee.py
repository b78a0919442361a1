"""`chiaro private committee`: who keeps hidden values, under which keys, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import connection, output, prompts, show, start, wallet_fund, wallets
from node.cli.private_fund import lines, unlock
from node.cli.session import Session, UsageError, utf8
from node.cli.transfer import NO_WAIT, TIMEOUT
from node.cli.typed import digits

if TYPE_CHECKING:
    from rich.console import Console

    from node.rpc.client import NodeClient
    from node.rpc.private_schema import CommitteeView, TransferView
    from private_exec.committee.declaration import Seat

app = typer.Typer(help="Committees: who keeps hidden values, under which keys.")

ID: Final = typer.Argument(metavar="COMMITTEE", help="Its id, 0x and 64 digits.")
_MEMBERS: Final = typer.Option(
    ...,
    "--member",
    help="KEY@HOST:PORT, in order, 4, 7, 10 or 13 times; a member's key is what "
    "`chiaro private member init` prints.",
)


@app.command()
def declare(
    context: typer.Context,
    member: list[str] = _MEMBERS,
    epoch_blocks: int = typer.Option(
        ..., "--epoch-blocks", min=1, help="For how many blocks an epoch's keys serve."
    ),
    purpose: str = typer.Option("", "--purpose", help="A line that says what it is for; hashed."),
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Declare a committee. Its members make keys by themselves, once their processes run."""
    from node.core.ids import AccountId, ChainId, Height, tagged_hash
    from node.private.paid import DeclareTx, Head, sign_declare
    from node.private.payload import wire
    from node.rpc.text import bytes_of
    from private_exec.committee.declaration import Declaration

    session: Session = context.obj
    seats = tuple(map(_seat, member))
    name = wallets.choose(session)
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        wallets.check_spends(wallet.keystore)
        status = client.status()
        chain, fee = ChainId(bytes_of(status.chain_id, 32)), int(status.parameters.fee_floor)
        digest = tagged_hash("private/purpose", utf8(purpose, "--purpose"))
        declaration = Declaration(chain, digest, epoch_blocks, seats)
        expiry = Height(status.height + status.parameters.max_expiry // 2)
        head = Head(chain, fee, expiry, AccountId(wallet.account))
        tx = DeclareTx(head, declaration.to_bytes())
        missing = wallet_fund.missing_native(wallet, client, fee)
        if missing:
            wallet_fund.check_faucet(
                wallet, client, missing, why="the account pays the fee",
                fix="`chiaro unshield` or somebody else can pay it in",
            )  # fmt: skip
        lines(
            session,
            [
                (
                    "declare",
                    f"a committee of {len(seats)}; {declaration.size.t} may lie or be away",
                ),
                ("id", "0x" + declaration.id.hex()),
                ("keys", f"new ones every {epoch_blocks} blocks at least"),
                ("fee", f"{show.amount_text(fee)} native"),
            ],
        )
        if not prompts.confirm(session, f"Continue on {session.profile}?"):
            raise typer.Abort
        secrets = unlock(session, wallet, password_file)
        wallet_fund.fund(wallet, client, missing)
        client.submit(wire(sign_declare(tx, secrets.signing)))
        included = None if no_wait else client.wait_for_tx(tx.id, timeout)
    data = {
        "committee": "0x" + declaration.id.hex(),
        "members": len(seats),
        "threshold": declaration.size.t,
        "epoch_blocks": epoch_blocks,
    }
    named = f"committee  {data['committee']}"
    show.report_transaction(session, "private.committee.declare", tx.id, included, data, named)


@app.command("list")
def list_all(context: typer.Context) -> None:
    """List committees: members, epochs, until when their keys serve."""
    from node.cli.wallet_deposit import committees

    session: Session = context.obj
    with connection.connected(session) as client:
        height = client.status().height
        found = [client.private_committee(identity) for identity in committees(client)]
    rows = [
        (view.id, str(len(view.members)), str(view.made), _until(view), str(view.opens))
        for view in found
    ]
    headings = ("committee", "members", "epochs", "keys serve to", "next from")
    output.emit(
        session,
        "private.committee.list",
        {"committees": [_document(view) for view in found]},
        lambda out: output.table(out, headings, rows),
        freshness={"height": height},
    )


@app.command("show")
def show_one(context: typer.Context, identity: str = ID) -> None:
    """Show a committee: members, keys, the ceremony under way, what it keeps and under which."""
    session: Session = context.obj
    committee = digits(identity, 32, "COMMITTEE")
    with connection.connected(session) as client:
        view, ceremony = client.private_committee(committee), client.private_ceremony(committee)
        kept, followed = kept_by(client, committee), client.private_succession(committee)
    data = {
        **_document(view),
        "ceremony": {
            "epoch": ceremony.epoch,
            "attempt": ceremony.attempt,
            "opened": ceremony.opened,
            "messages": len(ceremony.words),
        },
        "keeps": kept,
        "successor": followed.successor,
        "words": [{"member": w.member, "successor": w.successor} for w in followed.words],
        "transfer": _transfer(followed.transfer),
        "coming": followed.coming,
    }

    def render(out: Console) -> None:
        out.print(f"committee  {view.id}", markup=False, style="bold")
        out.print(f"keys       epochs made: {view.made}; serve to block {_until(view)}")
        words = f"{len(ceremony.words)} messages" if ceremony.opened else f"from block {view.opens}"
        out.print(f"ceremony   of epoch {ceremony.epoch}, attempt {ceremony.attempt}: {words}")
        for item in kept:
            out.print(f"keeps      {item['deposits']} deposits under keys of epoch {item['epoch']}")
        if followed.successor is not None:
            out.print(f"followed   by committee {followed.successor}", markup=False)
        if (going := followed.transfer) is not None:
            out.print(f"transfer   {followed.retry}: {len(going.cells)} cells, to {going.until}")
        out.print()
        rows = [
            (str(number), show.safe(seat.endpoint), seat.key, _standing(view, number))
            for number, seat in enumerate(view.members, 1)
        ]
        output.table(out, ("", "endpoint", "key", "latest keys"), rows)

    output.emit(
        session, "private.committee.show", data, render, freshness={"height": ceremony.height}
    )


@app.command()
def freeze(
    context: typer.Context,
    identity: str = ID,
    epoch: int = typer.Option(..., "--epoch", min=0, max=2**64 - 1, help="Number of the epoch."),
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """End an epoch whose members left it lying, for good. Anybody may."""
    from node.core.ids import ChainId
    from node.private.messages import FreezeTx
    from node.private.payload import tx_id, wire
    from node.rpc.text import bytes_of

    session: Session = context.obj
    with connection.connected(session) as client:
        tx = FreezeTx(digits(identity, 32, "COMMITTEE"), epoch)
        name = tx_id(tx, ChainId(bytes_of(client.status().chain_id, 32)))
        client.submit(wire(tx))
        included = None if no_wait else client.wait_for_tx(name, timeout)
    data = {"committee": "0x" + tx.committee.hex(), "epoch": epoch}
    show.report_transaction(session, "private.committee.freeze", name, included, data)


# --- words and lines -----------------------------------------------------------------------------


def _seat(text: str) -> Seat:
    """`KEY@HOST:PORT`. Raises UsageError, MemberRefused: PV-152."""
    from node.private.member.transport import address
    from private_exec.committee.declaration import Seat

    key, at, endpoint = text.partition("@")
    if not at:
        raise UsageError("a member is KEY@HOST:PORT", where="--member")
    address(endpoint)
    return Seat(digits(key, 32, "--member"), endpoint)


def kept_by(client: NodeClient, committee: bytes) -> list[dict[str, int]]:
    """How many deposits lie under the keys of which epoch; those that were listed."""
    counts: dict[int, int] = {}
    for item in client.private_held(committee).cells:
        counts[item.epoch] = counts.get(item.epoch, 0) + 1
    return [{"epoch": epoch, "deposits": count} for epoch, count in counts.items()]


def _transfer(going: TransferView | None) -> dict[str, Any] | None:
    if going is None:
        return None
    return {
        "successor": going.successor,
        "cells": len(going.cells),
        "opened": going.opened,
        "until": going.until,
        "dealt": going.dealt,
        "guilty": going.guilty,
        "handed": going.handed,
    }


def _until(view: CommitteeView) -> str:
    return "none yet" if view.latest is None else str(view.latest.until)


def _standing(view: CommitteeView, member: int) -> str:
    if view.latest is None:
        return ""
    reasons = [fault.reason for fault in view.latest.faults if fault.member == member]
    return ", ".join(reasons) or ("yes" if member in view.latest.qualified else "no")


def _document(view: CommitteeView) -> dict[str, Any]:
    latest = view.latest
    return {
        "id": view.id,
        "purpose": view.purpose,
        "epoch_blocks": view.epoch_blocks,
        "threshold": view.threshold,
        "members": [{"key": seat.key, "endpoint": seat.endpoint} for seat in view.members],
        "epochs_made": view.made,
        "next_from": view.opens,
        "keys": None
        if latest is None
        else {
            "epoch": latest.epoch,
            "since": latest.since,
            "until": latest.until,
            "qualified": latest.qualified,
            "faults": [{"member": f.member, "reason": f.reason} for f in latest.faults],
        },
    }
