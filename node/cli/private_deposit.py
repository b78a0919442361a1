"""`chiaro private deposit`: values with a committee, and back."""

from __future__ import annotations

import secrets as randomness
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import (
    connection,
    output,
    private_leave,
    private_return,
    prompts,
    show,
    start,
    wallet_fund,
    wallets,
)
from node.cli.private_fund import lines, spending, unlock
from node.cli.session import Session, UsageError
from node.cli.transfer import AMOUNT, ASSET, DRY_RUN, NO_WAIT, TIMEOUT, amount_of
from node.cli.typed import digits

if TYPE_CHECKING:
    from node.cli.wallet_deposit import Giving, Own
    from node.rpc.client import NodeClient

app = typer.Typer(help="Deposits: hidden values that a committee keeps for their owners.")

_COMMITTEE: Final = typer.Argument(metavar="COMMITTEE", help="Its id, 0x and 64 digits.")
_DEPOSIT: Final = typer.Argument(metavar="DEPOSIT", help="Its id, 0x and 64 digits.")


@app.command()
def new(
    context: typer.Context,
    committee: str = _COMMITTEE,
    amount: str = AMOUNT,
    asset: str = ASSET,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    shown: bool = typer.Option(
        False, "--shown", help="From the account, the amount for everybody to see."
    ),
    dry_run: bool = DRY_RUN,
    no_wait: bool = NO_WAIT,
) -> None:
    """Give a committee an amount to keep: hidden, from notes, or `--shown`."""
    from node.cli import wallet_deposit, wallet_private, wallet_spend

    session: Session = context.obj
    base, chosen = amount_of(amount), digits(committee, 32, "COMMITTEE")
    name = wallets.choose(session)
    if shown:
        _place(session, name, chosen, base, asset, password_file, timeout, no_wait=no_wait,
               dry_run=dry_run)  # fmt: skip
        return
    with spending(session, name) as (wallet, client):
        status = client.status()
        wallet_spend.check_keys(status, session.profile, wallet_deposit.DEPOSIT)
        kind, epoch = wallet_spend.kind_of(status, asset), _epoch(session, client, chosen)
        fee = wallet_private.fee_of(wallet, status, kind, base)
        asked = wallet_deposit.Giving(chosen, epoch, kind, base, fee)
        if dry_run:
            output.emit(session, "private.deposit.draft", _draft(asked, asset, hidden=True))
            return
        _show(session, asked, asset, hidden=True)
        if not prompts.confirm(session, f"Continue on {session.profile}?"):
            raise typer.Abort
        secrets = unlock(session, wallet, password_file)
        operation = private_return.proved(
            session, wallet, client, wallet_deposit.DEPOSIT,
            lambda prove: wallet_deposit.give(wallet, client, asked, secrets, prove),
            None if no_wait else timeout,
        )  # fmt: skip
    show.report_operation(session, name, operation)


@app.command("list")
def list_own(
    context: typer.Context,
    password_file: Path | None = start.PASSWORD_FILE,
) -> None:
    """List this wallet's deposits: with whom, where they stand; found from the words alone."""
    from node.cli import wallet_deposit

    session: Session = context.obj
    name = wallets.choose(session)
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        secrets = unlock(session, wallet, password_file)
        height = client.status().height
        found = list(wallet_deposit.own(client, secrets))
    rows = [
        (
            item.view.id, item.view.status, item.view.kind.name or "",
            show.shorten(item.view.committee), str(item.view.epoch),
            "" if item.view.frozen is None else f"at {item.view.frozen}",
        )
        for item in found
    ]  # fmt: skip
    headings = ("deposit", "status", "asset", "committee", "keys", "frozen")
    output.emit(
        session,
        "private.deposit.list",
        {"wallet": name, "deposits": [_document(item) for item in found]},
        lambda out: output.table(out, headings, rows),
        freshness={"height": height},
    )


@app.command()
def claim(
    context: typer.Context,
    identity: str = _DEPOSIT,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Take a deposit back into a note. Nobody is asked, and no amount is shown."""
    from node.cli import wallet_carry, wallet_deposit

    session: Session = context.obj
    chosen, name = digits(identity, 32, "DEPOSIT"), wallets.choose(session)
    with spending(session, name) as (wallet, client):
        secrets = unlock(session, wallet, password_file)
        item = _standing(wallet_deposit.find(client, secrets, chosen))
        operation = private_return.proved(
            session, wallet, client, wallet_carry.CLAIM,
            lambda prove: wallet_deposit.claim(wallet, client, item, secrets, prove),
            None if no_wait else timeout,
        )  # fmt: skip
    show.report_operation(session, name, operation)


@app.command()
def withdraw(
    context: typer.Context,
    identity: str = _DEPOSIT,
    to: str = private_leave.TO,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Take a deposit out into an account. The amount is shown, also of a hidden deposit."""
    from node.cli import wallet_deposit

    session: Session = context.obj
    chosen, name = digits(identity, 32, "DEPOSIT"), wallets.choose(session)
    target = private_leave.account_of(to)
    with spending(session, name) as (wallet, client):
        secrets = unlock(session, wallet, password_file)
        item = _standing(wallet_deposit.find(client, secrets, chosen))
        opened = wallet_deposit.opening(wallet, client, item)
        unit = item.view.kind.name or "units"
        leaving = private_leave.Leaving(chosen, item.owner, opened, unit)
        private_leave.withdraw(
            session, wallet, client, secrets, leaving, target, name="deposit",
            schema="private.deposit.withdraw", timeout=None if no_wait else timeout,
        )  # fmt: skip


# --- shown ---------------------------------------------------------------------------------------


def _place(
    session: Session,
    name: str,
    committee: bytes,
    amount: int,
    asset: str,
    password_file: Path | None,
    timeout: float,
    *,
    no_wait: bool,
    dry_run: bool,
) -> None:
    """An amount that everybody sees, from the wallet's account."""
    from node.cli import private_trust, wallet_deposit, wallet_spend
    from node.core.ids import NATIVE
    from node.private.build import shown_input
    from node.private.paid import PlaceTx, sign_taking
    from node.private.payload import wire
    from node.private.rounds import read_input

    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        wallets.check_spends(wallet.keystore)
        status = client.status()
        kind, epoch = wallet_spend.kind_of(status, asset), _epoch(session, client, committee)
        head, missing = private_leave.paying(
            wallet, client, status, amount if kind == NATIVE else 0
        )
        asked = wallet_deposit.Giving(committee, epoch, kind, amount, head.fee)
        if dry_run:
            output.emit(session, "private.deposit.draft", _draft(asked, asset, hidden=False))
            return
        _show(session, asked, asset, hidden=False)
        if not prompts.confirm(session, f"Continue on {session.profile}?"):
            raise typer.Abort
        secrets = unlock(session, wallet, password_file)
        record = private_trust.trusted_keys(client, committee, epoch)
        owner = wallet_deposit.free_owner(client, secrets, committee)
        data = shown_input(record, kind, amount, owner, randomness.token_bytes(32))
        wallet_fund.fund(wallet, client, missing)
        tx = sign_taking(PlaceTx(head, kind, amount, data), secrets.signing)
        client.submit(wire(tx))
        included = None if no_wait else client.wait_for_tx(tx.id, timeout)
    said = {
        "deposit": "0x" + read_input(data).id.hex(),
        "committee": "0x" + committee.hex(),
        "amount": show.amount(amount, asset),
    }
    named = f"deposit  {said['deposit']}"
    show.report_transaction(session, "private.deposit.new", tx.id, included, said, named)


# --- words and lines -----------------------------------------------------------------------------


def _epoch(session: Session, client: NodeClient, committee: bytes) -> int:
    """The latest keys that serve. Raises UsageError: it has none."""
    latest = client.private_committee(committee).latest
    if latest is None:
        raise UsageError("this committee has no keys yet", where="COMMITTEE")
    follows = client.private_succession(committee).successor
    if follows is not None:
        session.warnings.append(f"its members hand what it keeps to committee {follows}")
    return latest.epoch


def _standing(item: Own) -> Own:
    """A deposit that has not left. Raises UsageError."""
    if item.view.status == "claimed":
        raise UsageError("this deposit left before", where=item.view.id)
    return item


def _draft(asked: Giving, asset: str, *, hidden: bool) -> dict[str, Any]:
    return {
        "committee": "0x" + asked.committee.hex(),
        "epoch": asked.epoch,
        "amount": show.amount(asked.amount, asset),
        "hidden": hidden,
        "fee": show.amount(asked.fee, "native"),
        "sent": False,
    }


def _show(session: Session, asked: Giving, asset: str, *, hidden: bool) -> None:
    reveals = "that something is deposited, the fee, the time"
    lines(
        session,
        [
            ("deposit", f"{show.amount_text(asked.amount)} {asset}"),
            ("fee", f"{show.amount_text(asked.fee)} native"),
            ("with", f"committee {show.shorten(asked.committee.hex())}, epoch {asked.epoch}"),
            ("reveals", reveals if hidden else "account and amount"),
            ("beware", "more than t of its members together can read it"),
        ],
    )


def _document(item: Own) -> dict[str, Any]:
    view = item.view
    return {
        "id": view.id,
        "status": view.status,
        "asset": view.kind.name,
        "given_to": "0x" + item.committee.hex(),
        "committee": view.committee,
        "epoch": view.epoch,
        "height": view.height,
        "frozen": view.frozen,
    }
