"""`chiaro private fund`: quadratic funding of public goods, with donations that nobody sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
from node.cli.address import decode_account
from node.cli.private_show import draw_round, round_document
from node.cli.session import Session, UsageError
from node.cli.transfer import AMOUNT, ASSET, DRY_RUN, NO_WAIT, TIMEOUT, amount_of
from node.cli.typed import digits

if TYPE_CHECKING:
    from rich.console import Console

    from node.cli.wallet_private import Donation, Returning
    from node.cli.wallets import Secrets, Wallet
    from node.private.paid import RoundTx
    from node.private.terms import Project, Terms
    from node.rpc.client import NodeClient
    from node.rpc.private_schema import RoundView
    from node.rpc.schema import Status

app = typer.Typer(help="Quadratic funding with hidden donations.")

ROUND: Final = typer.Argument(metavar="ROUND", help="Its id, 0x and 64 digits.")
MEMBERS: Final = typer.Option(..., "--members", help="File with the list of who may give.")
_PROJECTS: Final = typer.Option(
    ..., "--project", help="ACCOUNT or ACCOUNT=MINIMUM; once for each project."
)
COMMITTEE: Final = typer.Option(..., "--committee", help="Its id, 0x and 64 digits.")


@app.command()
def member(
    context: typer.Context,
    group: str = typer.Argument(help="Name of the list, the same for all its members."),
    password_file: Path | None = start.PASSWORD_FILE,
) -> None:
    """Show this wallet's entry for a list of members. Whoever keeps the list needs it."""
    from circuits.membership import leaf
    from node.cli.wallet_private import group_id
    from shielded.json_values import fr_to_hex
    from shielded.private_owner import member_secret

    session: Session = context.obj
    name = wallets.choose(session)
    with wallets.opened(session.places, name, profile=session.profile) as wallet:
        secrets = unlock(session, wallet, password_file)
        entry = fr_to_hex(leaf(member_secret(secrets.spending, group_id(group))))
    data = {"wallet": name, "group": group, "leaf": "0x" + entry}
    output.emit(session, "private.fund.member", data)


@app.command("list")
def list_all(context: typer.Context) -> None:
    """List rounds: where each stands, its pool, its projects."""
    session: Session = context.obj
    with connection.connected(session) as client:
        found = client.private_rounds()
    rows = [
        (
            view.id,
            view.status,
            view.phase,
            f"{show.amount_text(int(view.pool))} {view.kind.name or ''}",
            str(len(view.projects)),
            str(view.inputs),
        )
        for view in found.rounds
    ]
    headings = ("round", "status", "phase", "pool", "projects", "donations")
    output.emit(
        session,
        "private.fund.list",
        {"rounds": [round_document(view) for view in found.rounds]},
        lambda out: output.table(out, headings, rows),
        freshness={"height": found.height},
    )


@app.command("show")
def show_one(context: typer.Context, identity: str = ROUND) -> None:
    """Show a round: deadlines, projects, sums once they are open, and what follows from them."""
    session: Session = context.obj
    with connection.connected(session) as client:
        view = client.private_round(digits(identity, 32, "ROUND"))
    output.emit(
        session,
        "private.fund.show",
        round_document(view),
        lambda out: draw_round(out, view),
        freshness={"height": view.height},
    )


@app.command()
def new(
    context: typer.Context,
    pool: str = typer.Option(..., "--pool", help="What is locked, such as 100."),
    committee: str = COMMITTEE,
    project: list[str] = _PROJECTS,
    members: Path = MEMBERS,
    asset: str = ASSET,
    least: int = typer.Option(
        3, "--least", min=1, max=255, help="Projects with fewer donations are not opened."
    ),
    donate_for: int | None = typer.Option(
        None, "--donate-for", min=1, help="Blocks in which donations count; by default 4 steps."
    ),
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Open a round: lock a pool that is added to donations by the square of the sum of roots."""
    from node.cli.wallet_private import read_members
    from node.cli.wallet_spend import kind_of
    from node.core.ids import NATIVE, AccountId, ChainId, Height
    from node.private.paid import Head, RoundTx, sign_taking
    from node.private.payload import wire
    from node.private.terms import MAX_PROJECTS, Terms
    from node.rpc.text import bytes_of
    from private_exec.committee.declaration import MAX_EPOCH_BLOCKS

    session: Session = context.obj
    if len(project) > MAX_PROJECTS:
        raise UsageError(f"a round has {MAX_PROJECTS} projects at most", where="--project")
    if donate_for is not None and donate_for > MAX_EPOCH_BLOCKS:
        raise UsageError("no keys serve for so many blocks", where="--donate-for")
    locked, projects = amount_of(pool, "--pool"), tuple(map(_project, project))
    listed = read_members(members)
    name = wallets.choose(session)
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        wallets.check_spends(wallet.keystore)
        status, chosen = client.status(), digits(committee, 32, "--committee")
        view = client.private_committee(chosen)
        if view.latest is None:
            raise UsageError("this committee has no keys yet", where="--committee")
        step = client.private_ceremony(chosen).step_heights
        close = status.height + 1 + (donate_for or 4 * step)
        kind, fee = kind_of(status, asset), int(status.parameters.fee_floor)
        terms = Terms(
            chosen, view.latest.epoch, kind, locked, listed.tree.root, projects, least,
            close, close + 2 * step, close + 4 * step,
        )  # fmt: skip
        expiry = Height(status.height + status.parameters.max_expiry // 2)
        chain = ChainId(bytes_of(status.chain_id, 32))
        tx = RoundTx(Head(chain, fee, expiry, AccountId(wallet.account)), terms)
        needed = fee + (locked if kind == NATIVE else 0)
        missing = wallet_fund.missing_native(wallet, client, needed)
        if missing:
            wallet_fund.check_faucet(
                wallet,
                client,
                missing,
                why="the pool, and the fee, come from the account",
                fix="`chiaro unshield` or somebody else can pay it in; or lock less",
            )
        _show_round(session, status, tx, listed.group, asset)
        if not prompts.confirm(session, f"Continue on {session.profile}?"):
            raise typer.Abort
        secrets = unlock(session, wallet, password_file)
        wallet_fund.fund(wallet, client, missing)
        client.submit(wire(sign_taking(tx, secrets.signing)))
        included = None if no_wait else client.wait_for_tx(tx.id, timeout)
    data = {
        "round": "0x" + tx.id.hex(),
        "close": terms.close,
        "accept": terms.accept,
        "open": terms.open,
        "pool": show.amount(locked, asset),
    }
    named = f"round  {data['round']}"
    show.report_transaction(session, "private.fund.new", tx.id, included, data, named)


@app.command()
def donate(
    context: typer.Context,
    identity: str = ROUND,
    project: int = typer.Argument(min=0, help="Number of the project, from 0."),
    amount: str = AMOUNT,
    members: Path = MEMBERS,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    dry_run: bool = DRY_RUN,
    no_wait: bool = NO_WAIT,
) -> None:
    """Give a hidden amount to a project, from notes; the largest square up to AMOUNT is given."""
    from node.cli import wallet_private, wallet_spend

    session: Session = context.obj
    wanted, listed = amount_of(amount), wallet_private.read_members(members)
    name = wallets.choose(session)
    with spending(session, name) as (wallet, client):
        status, asked_for = client.status(), digits(identity, 32, "ROUND")
        terms = wallet_private.terms_of(client, asked_for)
        wallet_private.check_list(listed, terms)
        wallet_spend.check_keys(status, session.profile, wallet_private.DONATE)
        if project >= len(terms.projects):
            raise UsageError(f"the round has {len(terms.projects)} projects", where="PROJECT")
        weight = wallet_private.root_of(wanted)
        fee = wallet_private.fee_of(wallet, status, terms.kind, weight * weight)
        asked = wallet_private.Donation(asked_for, terms, listed, project, weight, fee)
        asset = wallet_spend.asset_names(status)(terms.kind)
        _warn(session, asked, client.private_round(asked_for))
        if dry_run:
            output.emit(session, "private.fund.draft", _draft(asked, asset))
            return
        _show_donation(session, asked, asset)
        if not prompts.confirm(session, f"Continue on {session.profile}?"):
            raise typer.Abort
        secrets = unlock(session, wallet, password_file)
        operation = private_return.proved(
            session, wallet, client, wallet_private.DONATE,
            lambda prove: wallet_private.donate(wallet, client, asked, secrets, prove),
            None if no_wait else timeout,
        )  # fmt: skip
    show.report_operation(session, name, operation)


@app.command()
def claim(
    context: typer.Context,
    identity: str = ROUND,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Take a donation back that was not used: refused, not accepted, or for nothing.

    One donation at a time. Nobody is asked, and no amount is shown.
    """
    from node.cli import wallet_carry, wallet_private

    session: Session = context.obj
    name = wallets.choose(session)
    with spending(session, name) as (wallet, client):
        chosen = digits(identity, 32, "ROUND")
        terms, secrets, item = _first(session, wallet, client, chosen, password_file)
        operation = private_return.proved(
            session, wallet, client, wallet_carry.CLAIM,
            lambda prove: wallet_private.claim(wallet, client, chosen, terms, item, secrets, prove),
            None if no_wait else timeout,
        )  # fmt: skip
    show.report_operation(session, name, operation)


@app.command()
def withdraw(
    context: typer.Context,
    identity: str = ROUND,
    to: str = private_leave.TO,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Take a donation back into an account, its amount shown: also from a pool that is exit-only.

    One donation at a time, of those that `claim` would take.
    """
    from node.cli import wallet_spend
    from node.rpc.text import bytes_of

    session: Session = context.obj
    name, chosen = wallets.choose(session), digits(identity, 32, "ROUND")
    target = private_leave.account_of(to)
    with spending(session, name) as (wallet, client):
        terms, secrets, item = _first(session, wallet, client, chosen, password_file)
        unit = wallet_spend.asset_names(client.status())(terms.kind)
        leaving = private_leave.Leaving(bytes_of(item.view.id, 32), item.owner, item.opening, unit)
        private_leave.withdraw(
            session, wallet, client, secrets, leaving, target, name="donation",
            schema="private.fund.withdraw", timeout=None if no_wait else timeout,
        )  # fmt: skip


@app.command()
def settle(
    context: typer.Context,
    identity: str = ROUND,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """End a round whose sums are open, or can be no more. Anybody may; what is paid follows."""
    from node.core.ids import ChainId
    from node.private.messages import SettleTx
    from node.private.payload import tx_id, wire
    from node.rpc.text import bytes_of

    session: Session = context.obj
    with connection.connected(session) as client:
        tx = SettleTx(digits(identity, 32, "ROUND"))
        name = tx_id(tx, ChainId(bytes_of(client.status().chain_id, 32)))
        client.submit(wire(tx))
        included = None if no_wait else client.wait_for_tx(name, timeout)
        after = client.private_round(tx.round)
    show.report_transaction(
        session, "private.fund.settle", name, included, {"round": round_document(after)}
    )


# --- words and lines -----------------------------------------------------------------------------


def _first(
    session: Session, wallet: Wallet, client: NodeClient, chosen: bytes, file: Path | None
) -> tuple[Terms, Secrets, Returning]:
    """What is taken this time, for the wallet's password. Raises NothingToClaim."""
    from node.cli import private_trust, wallet_private

    terms = private_trust.kept_terms_of(client, chosen)
    secrets = unlock(session, wallet, file)
    found = wallet_private.returning(wallet, client, chosen, terms, secrets)
    return terms, secrets, private_return.first(session, found, "go back")


def _project(text: str) -> Project:
    """`ACCOUNT` or `ACCOUNT=MINIMUM`."""
    from node.core.ids import AccountId
    from node.private.terms import Project

    account, _, minimum = text.partition("=")
    least = amount_of(minimum, "--project") if minimum else 0
    return Project(AccountId(decode_account(account)), least)


@contextmanager
def spending(session: Session, name: str) -> Iterator[tuple[Wallet, NodeClient]]:
    """A wallet that can spend, as the chain has it now, and a node."""
    from node.cli import wallet_sync

    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        wallets.check_spends(wallet.keystore)
        with output.progress(session, "sync") as progress:
            wallet_sync.sync(wallet, client, progress)
        yield wallet, client


def unlock(session: Session, wallet: Wallet, file: Path | None) -> Secrets:
    """The wallet's secrets, for its password."""
    return wallets.unlock(wallet, prompts.password(session, file, "Password of the wallet"))


def _warn(session: Session, asked: Donation, view: RoundView) -> None:
    """What a donor should know, and nobody else tells; what the node shows is its word alone."""
    shown = view.projects[asked.project : asked.project + 1]
    accepted = shown[0].donations if shown else 0
    if accepted < 2:
        session.warnings.append(
            f"the project has {accepted} other accepted donations: "
            "of a single donation the sum is its amount, of two both amounts follow"
        )
    if view.phase != "donating":
        session.warnings.append(f"donations to this round ended at block {view.close}")


def _draft(asked: Donation, asset: str) -> dict[str, Any]:
    return {
        "round": "0x" + asked.identity.hex(),
        "project": asked.project,
        "amount": show.amount(asked.weight**2, asset),
        "weight": str(asked.weight),
        "fee": show.amount(asked.fee, "native"),
        "sent": False,
    }


def lines(session: Session, rows: list[tuple[str, str]]) -> None:
    """The draft on stderr, before the question."""
    if session.json or session.quiet:
        return
    err: Console = output.console(session, stderr=True)
    for label, text in rows:
        err.print(f"  {label:<10} {text}", markup=False)


def _show_donation(session: Session, asked: Donation, asset: str) -> None:
    terms, amount = asked.terms, asked.weight**2
    lines(
        session,
        [
            ("give", f"{show.amount_text(amount)} {asset}, a square"),
            ("fee", f"{show.amount_text(asked.fee)} native"),
            ("to", f"project {asked.project} of round {show.shorten(asked.identity.hex())}"),
            ("account", "0x" + terms.projects[asked.project].recipient.hex()),
            ("hidden", "the amount; who gave, among all on the list"),
            ("reveals", "that a member gave to this project, the fee, the time"),
            ("ends", f"block {terms.close}; sums open by block {terms.open}"),
            *(("beware", text) for text in session.warnings),
        ],
    )


def _show_round(session: Session, status: Status, tx: RoundTx, group: str, asset: str) -> None:
    terms = tx.terms
    lines(
        session,
        [
            ("lock", f"{show.amount_text(terms.pool)} {asset}"),
            ("fee", f"{show.amount_text(tx.head.fee)} native"),
            ("projects", str(len(terms.projects))),
            ("members", f"list {group!r}"),
            ("least", f"{terms.least} donations to a project"),
            (
                "blocks",
                f"now {status.height}; give to {terms.close}, accept to {terms.accept}, "
                f"open to {terms.open}",
            ),
        ],
    )
