"""`chiaro intent new …`: swaps, limit orders, whole payments; kept by the wallet, not sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from node.cli import connection, intent_show, keystore, output, prompts, start, wallets
from node.cli.session import Session, UsageError
from node.cli.transfer import amount_of

if TYPE_CHECKING:
    from node.cli.intent_make import Draft, Place, Terms
    from node.cli.wallets import Secrets, Wallet
    from node.rpc.client import NodeClient

    Planner = Callable[[Wallet, NodeClient, Place, Secrets], Draft]

app = typer.Typer(help="Make an intent; it is kept by the wallet and not sent.")

GIVE = typer.Option(..., "--give", metavar="AMOUNT ASSET", help="What you give, such as 2 gold.")
WANT = typer.Option(..., "--want", metavar="AMOUNT ASSET", help="What you want, such as 5 silver.")
DOMAIN = typer.Option(None, "--domain", help="Name of the domain; by default the chain's first.")
EXPIRES = typer.Option(None, "--expires", min=1, help="Blocks that it lives; by default the most.")


@app.command()
def swap(
    context: typer.Context,
    give: tuple[str, str] = GIVE,
    want: tuple[str, str] = WANT,
    domain: str | None = DOMAIN,
    expires: int | None = EXPIRES,
    fee: str = typer.Option("0", "--fee", help="Beside what is given, if it settles."),
    password_file: Path | None = start.PASSWORD_FILE,
    *,
    unsealed: bool = typer.Option(
        False, "--open", help="To be published unsealed: not bound to the batches of this epoch."
    ),
) -> None:
    """Swap private value: exactly these amounts, all or nothing, from this wallet's notes."""
    from node.cli import intent_make

    due, terms = amount_of(fee, "--fee"), _terms(give, want)

    def draft(wallet: Wallet, _client: NodeClient, where: Place, keys: Secrets) -> Draft:
        expiry = where.expiry(expires)
        return intent_make.swap(wallet, keys, where, terms, expiry, fee=due, unscoped=unsealed)

    _make(context.obj, draft, domain, password_file, proves=True)


@app.command()
def limit(
    context: typer.Context,
    give: tuple[str, str] = GIVE,
    want: tuple[str, str] = WANT,
    domain: str | None = DOMAIN,
    expires: int | None = EXPIRES,
    fee: str = typer.Option("0", "--fee", help="Beside what is given, due with the first fill."),
    password_file: Path | None = start.PASSWORD_FILE,
    *,
    partial: bool = typer.Option(False, "--partial", help="Any part of it may be filled."),
) -> None:
    """Sell from the transparent account, at this price or a better one."""
    from node.cli import intent_make

    due, terms = amount_of(fee, "--fee"), _terms(give, want)

    def draft(wallet: Wallet, _client: NodeClient, where: Place, _keys: Secrets) -> Draft:
        expiry = where.expiry(expires)
        return intent_make.limit(wallet, where, terms, expiry, partial=partial, fee=due)

    _make(context.obj, draft, domain, password_file, proves=False)


@app.command("tx")
def transaction(
    context: typer.Context,
    amount: str = typer.Argument(help="Such as 4.25."),
    address: str = typer.Argument(help="Shielded address of the receiver."),
    memo: str = typer.Option("", "--memo", help="Text for the receiver, at most 512 bytes."),
    asset: str = typer.Option("native", "--asset", help="Name of the asset."),
    domain: str | None = DOMAIN,
    password_file: Path | None = start.PASSWORD_FILE,
) -> None:
    """Pay a shielded address, as a whole transaction that is ordered before anybody sees it."""
    from node.cli import intent_make, wallet_spend
    from node.cli.address import decode_address
    from shielded.encryption import memo_from_text

    session: Session = context.obj
    base = amount_of(amount)
    memo_from_text(memo)
    receiver = decode_address(address, session.profile)
    request = wallet_spend.Request(wallet_spend.SEND, base, asset, address=receiver, memo=memo)

    def draft(wallet: Wallet, client: NodeClient, _where: Place, _keys: Secrets) -> Draft:
        return intent_make.payment(wallet, client, request)

    _make(session, draft, domain, password_file, proves=True)


def _terms(give: tuple[str, str], want: tuple[str, str]) -> Terms:
    from node.cli.intent_make import Terms

    amounts = [amount_of(text, what) for text, what in ((give[0], "--give"), (want[0], "--want"))]
    if not all(amounts):
        raise UsageError("an amount of zero moves nothing", fix="give more than 0")
    return Terms(amounts[0], give[1], amounts[1], want[1])


def _make(
    session: Session,
    draft: Planner,
    domain: str | None,
    password_file: Path | None,
    *,
    proves: bool,
) -> None:
    """Synchronise, plan, show, ask, prove or sign, keep."""
    from node.cli import intent_make, intent_stage, wallet_spend, wallet_sync

    name = wallets.choose(session)
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        wallets.check_spends(wallet.keystore)
        with output.progress(session, "sync") as progress:
            wallet_sync.sync(wallet, client, progress)
        where = intent_make.place(client, domain, wallet)
        if proves:
            wallet_spend.check_keys(where.status, session.profile, wallet_spend.SEND)
        keys, _ = unlock(session, wallet, password_file)
        planned: Draft = draft(wallet, client, where, keys)
        intent_show.draft_lines(session, where, planned)
        if not prompts.confirm(session, f"Keep this intent, on {session.profile}?"):
            raise typer.Abort
        with output.progress(session, "prove") as progress:
            prove = None
            if proves:
                prove = wallet_spend.prover(session.profile, wallet_spend.SEND, progress)
            kept = intent_make.keep(session.places, wallet, where, planned, keys, prove)
        found = intent_stage.standing(client, kept)
    intent_show.report(session, name, kept, found)


def unlock(session: Session, wallet: Wallet, file: Path | None) -> tuple[Secrets, bytes]:
    """Keys, and the entropy that one-time keys derive from."""
    wallets.check_spends(wallet.keystore)
    password = prompts.password(session, file, f"Password for {wallet.keystore.name}")
    entropy = keystore.decrypt(wallet.keystore, password)
    return wallets.secrets_of(wallet.keystore, entropy), entropy
