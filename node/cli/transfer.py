"""`chiaro balance`, `sync`, `shield`, `send`, `unshield`: what moves and what there is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import connection, output, pool_state, prompts, show, start, wallets
from node.cli.address import decode_account, decode_address
from node.cli.session import Session, UsageError
from node.core.amounts import parse_amount
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from rich.console import Console

    from node.cli.intent_notes import Holder
    from node.cli.wallet_spend import Proposal, Request
    from node.cli.wallet_sync import AssetBalance, AssetSum, Synced
    from node.cli.wallets import Secrets, Wallet
    from node.rpc.client import NodeClient

app = typer.Typer()

WAIT_SECONDS: Final = 60.0

AMOUNT = typer.Argument(help="Such as 4.25; at most six decimals.")
ASSET = typer.Option("native", "--asset", help="Name of the asset.")
FEE = typer.Option(None, "--fee", help="Fee in units of the native asset; by default the least.")
DRY_RUN = typer.Option(False, "--dry-run", help="Show the draft; send nothing.")
NO_WAIT = typer.Option(False, "--no-wait", help="Return once the node has taken it.")
TIMEOUT = typer.Option(WAIT_SECONDS, "--timeout", min=0.0, help="Seconds to wait for a block.")


def amount_of(text: str, what: str = "AMOUNT") -> int:
    """An amount from the command line.

    Raises:
        UsageError: not one, or zero.
    """
    try:
        amount = parse_amount(text)
    except ChiaroError as error:
        raise UsageError(error.message, where=what, fix="write it like 4.25") from None
    if amount == 0 and what == "AMOUNT":
        raise UsageError("an amount of zero moves nothing", where=what, fix="give more than 0")
    return amount


def hidden_amount_of(text: str, what: str) -> int:
    """The same of what nobody else shall see: errors do not repeat it. Raises UsageError."""
    try:
        return amount_of(text, what)
    except UsageError:
        raise UsageError(
            "that is no amount, or out of range", where=what, fix="write it like 4.25"
        ) from None


# --- balance, sync --------------------------------------------------------------------------------


@app.command()
def sync(
    context: typer.Context,
    *,
    watch: bool = typer.Option(False, "--watch", help="Follow the chain until Ctrl-C."),
    rescan: bool = typer.Option(
        False, "--rescan", help="Forget what was scanned and start at the birthday."
    ),
) -> None:
    """Scan the chain for this wallet; goes on where it stopped."""
    from node.cli import wallet_sync

    session: Session = context.obj
    name = wallets.choose(session)
    with connection.connected(session) as client:
        with _opened(session, name) as wallet, output.progress(session, "sync") as progress:
            found = wallet_sync.sync(wallet, client, progress, rescan=rescan)
        if not watch:
            _report_sync(session, name, found)
            return
        _watch(session, name, client, found)


def _report_sync(session: Session, name: str, found: Synced) -> None:
    data = {
        "wallet": name,
        "from": found.start,
        "height": found.height,
        "blocks": found.blocks,
        "movements": found.found,
    }
    output.emit(
        session,
        "sync",
        data,
        lambda out: out.print(
            f"✓ {name}: scanned up to block {found.height} "
            f"({found.blocks} new, {found.found} movements)",
            markup=False,
        ),
        freshness={"height": found.tip, "synced": found.height},
    )


def _watch(session: Session, name: str, client: NodeClient, found: Synced) -> None:
    """One line per step: NDJSON events with `--json`. The lock is free between two steps."""
    from node.cli import wallet_sync

    while True:
        if session.json:
            event = {
                "schema": "chiaro.sync.event/1",
                "ok": True,
                "profile": session.profile,
                "data": {"wallet": name, "height": found.height, "movements": found.found},
            }
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()
        elif found.found or found.blocks:
            _report_sync(session, name, found)
            sys.stdout.flush()
        while not client.events(found.height).blocks:
            pass  # each question waits at the node
        with _opened(session, name) as wallet:
            found = wallet_sync.sync(wallet, client)


@app.command()
def balance(
    context: typer.Context,
    *,
    light: bool = typer.Option(
        False, "--light", help="Believe what validators signed for, by `chiaro light`, only."
    ),
) -> None:
    """Show what can be spent, what is under way, and what lies in the clear."""
    from node.cli import intent_notes, wallet_light, wallet_spend, wallet_sync
    from shielded.viewing import View, view_of

    session: Session = context.obj
    name = wallets.choose(session)
    with (
        _opened(session, name) as wallet,
        connection.if_reachable(session) as client,
    ):
        status = None if client is None else client.status()
        if client is None:
            session.warnings.append(
                f"no node at {session.node}: not scanned after height {wallet.state.height}"
            )
        else:
            with output.progress(session, "sync") as progress:
                wallet_sync.sync(wallet, client, progress)
        if status is not None:
            session.warnings += pool_state.warning(status)
        proved = None if not light else wallet_light.proved(session, wallet)
        names, view = wallet_spend.asset_names(status), view_of(wallet.key)
        holding: tuple[Holder, ...] = ()
        if view is View.FULL:
            found = wallet_sync.balances(wallet, client, names, proved)
            assets, rows = [_asset(item) for item in found], [_row(item) for item in found]
            headings: tuple[str, ...] = ("asset", "spendable", "pending", "reserved", "transparent")
            holding = intent_notes.holders(wallet)
        else:
            seen = wallet_sync.sums(wallet, names)
            assets = [_sum(item, view.running) for item in seen]
            rows = [(item.asset, show.amount_text(item.amount)) for item in seen]
            headings = ("asset", view.running)
            blind = "cannot tell spent notes" if view is View.INCOMING else "sees no receipts"
            session.warnings.append(
                f"this viewing key {blind}: these are sums {view.running}, not balances"
            )
        height = wallet.state.height
    data = {
        "wallet": name,
        "view": str(view),
        "scanned": height,
        "height": None if status is None else status.height,
        "proved": light,
        "assets": assets,
        "intents": [
            {
                "intent": item.name,
                "until": item.until,
                "reserved": [show.amount(n, names(k)) for k, n in item.amounts.items()],
            }
            for item in holding
        ],
        "cannot_prove": [] if wallet.keystore.secret else list(view.cannot_prove),
    }

    def render(out: Console) -> None:
        output.table(out, headings, rows)
        for item in holding:
            what = " + ".join(f"{show.amount_text(n)} {names(k)}" for k, n in item.amounts.items())
            out.print(
                f"reserved for intent {item.name}: {what}, up to block {item.until}", markup=False
            )
        tip = "?" if status is None else status.height
        out.print(f"scanned up to block {height} of {tip}", markup=False)

    freshness = {"height": data["height"], "synced": height}
    output.emit(session, "balance", data, render, freshness=freshness)


def _asset(item: AssetBalance) -> dict[str, Any]:
    return {
        "asset": item.asset,
        "spendable": show.amount(item.spendable, item.asset),
        "pending": show.amount(item.pending, item.asset),
        "reserved": show.amount(item.reserved, item.asset),
        "transparent": None
        if item.transparent is None
        else show.amount(item.transparent, item.asset),
        "received": None,
        "sent": None,
    }


def _sum(item: AssetSum, what: str) -> dict[str, Any]:
    """Without a full viewing key nothing can be called spendable: those are null."""
    empty = ("spendable", "pending", "reserved", "transparent", "received", "sent")
    seen = show.amount(item.amount, item.asset)
    return {"asset": item.asset, **dict.fromkeys(empty), what: seen}


def _row(item: AssetBalance) -> tuple[str, ...]:
    text = show.amount_text
    clear = "?" if item.transparent is None else text(item.transparent)
    reserved = text(item.reserved)
    return (item.asset, text(item.spendable), text(item.pending), reserved, clear)


# --- shield, send, unshield -----------------------------------------------------------------------


@app.command()
def shield(
    context: typer.Context,
    amount: str = AMOUNT,
    asset: str = ASSET,
    fee: str | None = FEE,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    dry_run: bool = DRY_RUN,
    no_wait: bool = NO_WAIT,
) -> None:
    """Move value from the wallet's transparent account into the shielded pool."""
    from node.cli.wallet_spend import SHIELD, Request

    request = Request(SHIELD, amount_of(amount), asset, fee=_fee(fee))
    _run(context.obj, request, password_file, timeout, dry_run=dry_run, no_wait=no_wait)


@app.command()
def send(
    context: typer.Context,
    amount: str = AMOUNT,
    address: str = typer.Argument(help="Shielded address of the receiver."),
    memo: str = typer.Option("", "--memo", help="Text for the receiver, at most 512 bytes."),
    asset: str = ASSET,
    fee: str | None = FEE,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    dry_run: bool = DRY_RUN,
    no_wait: bool = NO_WAIT,
) -> None:
    """Pay a shielded address: amount, asset, sender and receiver stay hidden."""
    from node.cli.wallet_spend import SEND, Request
    from shielded.encryption import memo_from_text

    session: Session = context.obj
    base = amount_of(amount)
    memo_from_text(memo)
    receiver = decode_address(address, session.profile)
    request = Request(SEND, base, asset, address=receiver, memo=memo, fee=_fee(fee))
    _run(session, request, password_file, timeout, dry_run=dry_run, no_wait=no_wait)


@app.command()
def unshield(
    context: typer.Context,
    amount: str = AMOUNT,
    to: str | None = typer.Option(
        None, "--to", help="Transparent account, 0x and 64 digits; by default the wallet's own."
    ),
    asset: str = ASSET,
    fee: str | None = FEE,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    dry_run: bool = DRY_RUN,
    no_wait: bool = NO_WAIT,
) -> None:
    """Move value from the shielded pool to a transparent account, for everyone to see."""
    from node.cli.wallet_spend import UNSHIELD, Request

    base = amount_of(amount)
    account = None if to is None else decode_account(to)
    request = Request(UNSHIELD, base, asset, account=account, fee=_fee(fee))
    _run(context.obj, request, password_file, timeout, dry_run=dry_run, no_wait=no_wait)


def _fee(text: str | None) -> int | None:
    return None if text is None else amount_of(text, "--fee")


def _run(
    session: Session,
    request: Request,
    password_file: Path | None,
    timeout: float,
    *,
    dry_run: bool,
    no_wait: bool,
) -> None:
    """Synchronise, propose, ask, prove, submit, wait."""
    from node.cli import wallet_fund, wallet_spend, wallet_sync

    name = wallets.choose(session)
    with _opened(session, name) as wallet, connection.connected(session) as client:
        wallets.check_spends(wallet.keystore)
        with output.progress(session, "sync") as progress:
            wallet_sync.sync(wallet, client, progress)
        wallet_spend.check_keys(client.status(), session.profile, request.action)
        proposal = wallet_spend.propose(wallet, client, request)
        session.warnings += pool_state.warning(client.status())
        missing = wallet_fund.missing_funds(wallet, client, proposal)
        if dry_run:
            _report_draft(session, name, proposal)
            return
        if missing:
            wallet_fund.check_faucet(wallet, client, missing)
        _show(session, proposal)
        if not prompts.confirm(session, f"Continue on {session.profile}?"):
            raise typer.Abort
        secrets = _unlock(session, wallet, password_file)
        if missing:
            for asset, short in missing.items():
                output.note(
                    session,
                    f"the account lacks {show.amount_text(short)} {asset}: "
                    "the development faucet pays it in",
                )
            wallet_fund.fund(wallet, client, missing)
        with output.progress(session, "prove") as progress:
            prove = wallet_spend.prover(session.profile, request.action, progress)
            operation = wallet_spend.confirm(wallet, client, proposal, secrets, prove)
        if not no_wait:
            output.note(session, f"operation {operation.id} is submitted; waiting for its block")
            operation = wallet_spend.wait(wallet, client, operation, timeout)
    show.report_operation(session, name, operation)


def _unlock(session: Session, wallet: Wallet, file: Path | None) -> Secrets:
    if wallet.keystore.secret is None:
        return wallets.unlock(wallet, "")  # says that the wallet is view-only
    password = prompts.password(session, file, f"Password for {wallet.keystore.name}")
    return wallets.unlock(wallet, password)


def _draft(proposal: Proposal) -> list[tuple[str, str]]:
    """What a person should know, one line each."""
    from node.cli import wallet_spend

    request, asset = proposal.request, proposal.request.asset
    actions = proposal.summary.actions
    crowd = f"{proposal.set_size} notes in the tree"
    if proposal.summary.inputs == 0:
        crowd += "; none is spent"
    elif proposal.set_size < wallet_spend.SMALL_SET:
        crowd += ": a small crowd to hide in"
    lines = [
        ("pay", f"{show.amount_text(request.amount)} {asset}  to {show.shorten(proposal.target)}"),
        ("fee", f"{show.amount_text(proposal.plan.fee)} native"),
        *([("change", f"{show.amount_text(proposal.change)} {asset}")] if proposal.notes else []),
        ("shape", f"{proposal.shape}, {actions} action{'s' if actions > 1 else ''}"),
        *(("reveals", line) for line in proposal.summary.reveals()),
        ("set", crowd),
    ]
    return lines if request.memo == "" else [*lines, ("memo", show.safe(request.memo))]


def _show(session: Session, proposal: Proposal) -> None:
    """The draft on stderr, before the question."""
    if session.json or session.quiet:
        return
    err = output.console(session, stderr=True)
    last = ""
    for label, text in _draft(proposal):
        err.print(f"  {'' if label == last else label:<8} {text}", markup=False)
        last = label


def _report_draft(session: Session, name: str, proposal: Proposal) -> None:
    request, asset = proposal.request, proposal.request.asset
    data = {
        "wallet": name,
        "action": request.action,
        "shape": proposal.shape,
        "to": proposal.target,
        "amount": show.amount(request.amount, asset),
        "fee": show.amount(proposal.plan.fee, "native"),
        "change": show.amount(proposal.change, asset),
        "actions": proposal.summary.actions,
        "notes_spent": proposal.summary.inputs,
        "reveals": list(proposal.summary.reveals()),
        "anonymity_set": proposal.set_size,
        "expiry": int(proposal.plan.expiry),
        "sent": False,
    }

    def render(out: Console) -> None:
        last = ""
        for label, text in _draft(proposal):
            out.print(f"  {'' if label == last else label:<8} {text}", markup=False)
            last = label
        out.print("draft only: nothing was sent", markup=False)

    output.emit(session, "draft", data, render)


@contextmanager
def _opened(session: Session, name: str) -> Iterator[Wallet]:
    with wallets.opened(session.places, name, profile=session.profile) as wallet:
        yield wallet
