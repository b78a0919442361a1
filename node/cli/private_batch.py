"""`chiaro private batch`: dark pools; hidden orders that trade at one price, computed together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import (
    connection,
    output,
    private_leave,
    private_return,
    private_schedule,
    prompts,
    show,
    start,
    wallet_fund,
    wallets,
)
from node.cli.private_batch_show import batch_document, draw_batch, order_documents
from node.cli.private_fund import COMMITTEE, lines, spending, unlock
from node.cli.private_sale import Market
from node.cli.session import Session, UsageError
from node.cli.transfer import DRY_RUN, NO_WAIT, TIMEOUT, amount_of, hidden_amount_of
from node.cli.typed import digits

if TYPE_CHECKING:
    from node.cli.wallet_batch import Asked, Returning
    from node.cli.wallets import Secrets, Wallet
    from node.private.batch_terms import BatchTerms
    from node.rpc.batch_schema import BatchView
    from node.rpc.client import NodeClient
    from node.rpc.schema import Status

app = typer.Typer(help="Dark pools: orders that nobody reads, all traded at one price.")

BATCH: Final = typer.Argument(metavar="BATCH", help="Its id, 0x and 64 digits.")
_SIDE: Final = typer.Argument(metavar="SIDE", help="buy or sell.")
_QUANTITY: Final = typer.Argument(None, metavar="[QUANTITY]", help="In lots, a whole number.")
_LIMIT: Final = typer.Argument(None, metavar="[PRICE]", help="The worst price for a lot.")
_ORDER_FILE: Final = typer.Option(
    None, "--order-file", help="Read QUANTITY and PRICE from the first line of this file."
)
_MARKET: Final = Market(
    "batch", "batch", lambda client, identity: client.private_batch(identity), batch_document
)


@app.command("list")
def list_all(context: typer.Context) -> None:
    """List batches: where each stands, what is traded, at which price it was."""
    session: Session = context.obj
    with connection.connected(session) as client:
        found = client.private_batches()
    headings = ("batch", "status", "orders", "trades", "price")
    _MARKET.listed(session, "batches", found.batches, found.height, headings, _row)


@app.command("show")
def show_one(context: typer.Context, identity: str = BATCH) -> None:
    """Show a batch: prices, deadlines, orders that are there, and the price once it is open."""
    session: Session = context.obj
    batch = digits(identity, 32, "BATCH")
    with connection.connected(session) as client:
        view, orders = client.private_batch(batch), client.private_orders(batch)
    output.emit(
        session,
        "private.batch.show",
        {**batch_document(view), "places_taken": order_documents(orders)},
        lambda out: draw_batch(out, view, orders),
        freshness={"height": view.height},
    )


@app.command()
def new(
    context: typer.Context,
    committee: str = COMMITTEE,
    base: str = typer.Option(..., "--base", help="Asset that is traded."),
    quote: str = typer.Option("native", "--quote", help="Asset that is paid."),
    lot: str = typer.Option("1", "--lot", help="How much of the base a quantity of one is."),
    low: str = typer.Option(..., "--low", help="The lowest price for a lot."),
    step: str = typer.Option(..., "--step", help="From each price to the next."),
    places: int = typer.Option(4, "--places", min=2, max=16, help="Orders that there may be."),
    order_for: int | None = typer.Option(
        None, "--order-for", min=1, help="Blocks in which orders are taken; by default 4 steps."
    ),
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Have hidden orders collected, to trade together at one of a ladder of prices."""
    from node.cli import wallet_auction
    from node.core.ids import AccountId, Height
    from node.private.paid import Head
    from node.private.payload import wire
    from node.private.sale_payload import BatchTx, sign_batch

    session: Session = context.obj
    ladder = amount_of(lot, "--lot"), amount_of(low, "--low"), amount_of(step, "--step")
    name, chosen = wallets.choose(session), digits(committee, 32, "--committee")
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        wallets.check_spends(wallet.keystore)
        status = client.status()
        terms = _terms(client, status, chosen, (base, quote), ladder, places, order_for)
        fee = int(status.parameters.fee_floor)
        missing = wallet_fund.missing_native(wallet, client, fee)
        if missing:
            wallet_fund.check_faucet(
                wallet,
                client,
                missing,
                why="the fee comes from the account",
                fix="`chiaro unshield` or somebody else can pay it in",
            )
        _show_terms(session, status, terms, fee, (base, quote))
        if not prompts.confirm(session, f"Continue on {session.profile}?"):
            raise typer.Abort
        secrets = unlock(session, wallet, password_file)
        wallet_fund.fund(wallet, client, missing)
        expiry = Height(client.status().height + status.parameters.max_expiry // 2)
        head = Head(wallet_auction.chain_of(status), fee, expiry, AccountId(wallet.account))
        tx = sign_batch(BatchTx(head, terms), secrets.signing)
        client.submit(wire(tx))
        included = None if no_wait else client.wait_for_tx(tx.id, timeout)
    data = {
        "batch": "0x" + tx.sale.hex(),
        "places": terms.orders,
        "prices": terms.ticks,
        "close": terms.close,
        "accept": terms.accept,
        "prove": terms.prove,
    }
    named = f"batch  {data['batch']}"
    show.report_transaction(session, "private.batch.new", tx.id, included, data, named)


@app.command()
def order(
    context: typer.Context,
    identity: str = BATCH,
    side: str = _SIDE,
    quantity: str | None = _QUANTITY,
    price: str | None = _LIMIT,
    order_file: Path | None = _ORDER_FILE,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    again: bool = typer.Option(False, "--again", help="Beside an order that is there already."),
    dry_run: bool = DRY_RUN,
    no_wait: bool = NO_WAIT,
) -> None:
    """Buy or sell at a hidden limit a hidden quantity, from notes. It is locked meanwhile.

    A seller locks what it sells, a buyer as much at the dearest price; what is left comes back.
    """
    from node.cli import private_trust, wallet_auction, wallet_batch, wallet_private, wallet_spend
    from node.private.sale_terms import Side

    session: Session = context.obj
    batch = digits(identity, 32, "BATCH")
    if side not in {"buy", "sell"}:
        raise UsageError("an order buys or sells", where="SIDE")
    lots, limit = _said(session, quantity, price, order_file)
    name = wallets.choose(session)
    with spending(session, name) as (wallet, client):
        status = client.status()
        chain = wallet_auction.chain_of(status)
        terms = private_trust.batch_terms_of(client, chain, batch)
        wallet_spend.check_keys(status, session.profile, wallet_batch.ORDER)
        way, tick = Side[side.upper()], _tick(terms, limit)
        kind, locked = terms.locks(way), terms.unit(way) * lots
        fee = wallet_private.fee_of(wallet, status, kind, locked, wallet_batch.LINKS)
        asked = wallet_batch.Asked(batch, terms, way, tick, lots, fee, again)
        asset = wallet_spend.asset_names(status)
        if status.height >= terms.close:
            session.warnings.append(f"orders ended at block {terms.close}")
        if dry_run:
            output.emit(session, "private.batch.draft", _draft(asked, asset(kind)))
            return
        _show_order(session, asked, asset(terms.quote), asset(kind))
        if not prompts.confirm(session, f"Continue on {session.profile}?"):
            raise typer.Abort
        secrets = unlock(session, wallet, password_file)
        operation = private_return.proved(
            session, wallet, client, wallet_batch.ORDER,
            lambda prove: wallet_batch.order(wallet, client, asked, secrets, prove),
            None if no_wait else timeout,
        )  # fmt: skip
    show.report_operation(session, name, operation)


@app.command()
def call(
    context: typer.Context,
    identity: str = BATCH,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Have the committee compute, once orders are accepted; free. Members do it by themselves."""
    _MARKET.call(context.obj, identity, None if no_wait else timeout)


@app.command()
def settle(
    context: typer.Context,
    identity: str = BATCH,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """End a batch whose price is open: everybody can take what it traded, and what is left."""
    _MARKET.settle(context.obj, identity, None if no_wait else timeout)


@app.command()
def claim(
    context: typer.Context,
    identity: str = BATCH,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Take what an order traded, or what is left of what it locked.

    One of them at a time, what was traded first. Nobody is asked, and no amount is shown.
    """
    from node.cli import wallet_batch, wallet_carry

    session: Session = context.obj
    batch, name = digits(identity, 32, "BATCH"), wallets.choose(session)
    with spending(session, name) as (wallet, client):
        secrets, first = _first(session, wallet, client, batch, password_file)
        operation = private_return.proved(
            session, wallet, client, wallet_carry.CLAIM,
            lambda prove: wallet_batch.claim(wallet, client, batch, first, secrets, prove),
            None if no_wait else timeout,
        )  # fmt: skip
    show.report_operation(session, name, operation)


@app.command()
def withdraw(
    context: typer.Context,
    identity: str = BATCH,
    to: str = private_leave.TO,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Take it into an account, the amount shown: also from a pool that is exit-only.

    One at a time, of what `claim` would take.
    """
    from node.cli import wallet_spend

    session: Session = context.obj
    batch, name = digits(identity, 32, "BATCH"), wallets.choose(session)
    target = private_leave.account_of(to)
    with spending(session, name) as (wallet, client):
        secrets, first = _first(session, wallet, client, batch, password_file)
        unit = wallet_spend.asset_names(client.status())(first.kind)
        leaving = private_leave.Leaving(first.id, first.owner, first.opening, unit)
        private_leave.withdraw(
            session, wallet, client, secrets, leaving, target, name="order",
            schema="private.batch.withdraw", timeout=None if no_wait else timeout,
        )  # fmt: skip


# --- words and lines -----------------------------------------------------------------------------


def _first(
    session: Session, wallet: Wallet, client: NodeClient, batch: bytes, file: Path | None
) -> tuple[Secrets, Returning]:
    """What is taken this time, for the wallet's password. Raises NothingBack."""
    from node.cli import private_trust, wallet_batch

    terms = private_trust.kept_batch_terms_of(client, batch)
    secrets = unlock(session, wallet, file)
    found = wallet_batch.returning(wallet, client, batch, terms, secrets)
    return secrets, private_return.first(session, found, "to take")


def _row(view: BatchView) -> tuple[str, ...]:
    return (
        view.id,
        view.status,
        f"{view.orders}/{view.places}",
        f"{view.base.name or ''} for {view.quote.name or ''}",
        "" if view.price is None else show.amount_text(int(view.price)),
    )


def _said(
    session: Session, quantity: str | None, price: str | None, file: Path | None
) -> tuple[int, int]:
    """Lots and price, from the command line, a file, or typed unseen. Raises UsageError."""
    from node.private.sale_terms import LIMIT

    if file is not None:
        if quantity is not None:
            raise UsageError("say it once: QUANTITY and PRICE, or --order-file", where="QUANTITY")
        quantity, _, price = prompts.read_secret_file(session, file).splitlines()[0].partition(" ")
    quantity = prompts.hidden(session, "Quantity") if quantity is None else quantity
    price = prompts.hidden(session, "Price") if price is None else price
    short = quantity.isascii() and quantity.isdigit() and len(quantity) <= len(str(LIMIT))
    if not short or not 0 < int(quantity) <= LIMIT:
        raise UsageError(f"a quantity is 1 to {LIMIT} lots", where="QUANTITY")
    return int(quantity), hidden_amount_of(price.strip(), "PRICE")


def _tick(terms: BatchTerms, price: int) -> int:
    """Where on the ladder a price is. Raises UsageError."""
    tick, rest = divmod(price - terms.low, terms.step)
    if rest or not 0 <= tick < terms.ticks:
        low, top, by = map(show.amount_text, (terms.low, terms.top, terms.step))
        raise UsageError(f"prices are {low} to {top}, by {by}", where="PRICE")
    return tick


def _terms(
    client: NodeClient,
    status: Status,
    committee: bytes,
    assets: tuple[str, str],
    ladder: tuple[int, int, int],
    places: int,
    order_for: int | None,
) -> BatchTerms:
    """Of the longest ladder that there is a key for with so many places. Raises UsageError."""
    from node.cli.wallet_spend import kind_of
    from node.private import batches
    from node.private.batch_terms import BatchTerms
    from node.private.program_keys import programs
    from node.private.sale_program import Market

    named = {statement.id for statement in status.statements}
    known = [one for name, one in programs().items() if name in named]
    had = sorted(one.sizes for one in known if one.market is Market.BATCH)
    ladders = [ticks for orders, ticks in had if orders == places]
    if not ladders:
        text = ", ".join(str(orders) for orders, _ in had) or "no number of"
        raise UsageError(f"this chain has keys for {text} places", where="--places")
    base, quote = (kind_of(status, asset) for asset in assets)
    when = private_schedule.of(client, status, committee, order_for, "--order-for")
    terms = BatchTerms(
        committee, when.epoch, base, quote, *ladder, places, max(ladders),
        when.close, when.accept, when.prove,
    )  # fmt: skip
    batches.check_terms(terms)
    return terms


def _draft(asked: Asked, asset: str) -> dict[str, Any]:
    return {
        "batch": "0x" + asked.batch.hex(),
        "side": asked.side.label,
        "quantity": str(asked.quantity),
        "limit": str(asked.tick),
        "locked": show.amount(asked.locked, asset),
        "fee": show.amount(asked.fee, "native"),
        "close": asked.terms.close,
        "sent": False,
    }


def _show_order(session: Session, asked: Asked, quote: str, locks: str) -> None:
    terms = asked.terms
    price = show.amount_text(terms.price(asked.tick))
    lines(
        session,
        [
            (asked.side.label, f"{asked.quantity} lots at {price} {quote}, or better"),
            ("locks", f"{show.amount_text(asked.locked)} {locks}"),
            ("fee", f"{show.amount_text(asked.fee)} native"),
            ("in", f"batch {show.shorten(asked.batch.hex())}"),
            ("hidden", "limit and quantity, what it trades; who trades"),
            ("reveals", f"that somebody wants to {asked.side.label}, the fee, the time"),
            ("ends", f"block {terms.close}; a result by block {terms.prove}, or it all goes back"),
            *(("beware", text) for text in session.warnings),
        ],
    )


def _show_terms(
    session: Session, status: Status, terms: BatchTerms, fee: int, assets: tuple[str, str]
) -> None:
    base, quote = assets
    low, top, by = map(show.amount_text, (terms.low, terms.top, terms.step))
    lines(
        session,
        [
            ("trade", f"{show.amount_text(terms.lot)} {base} a lot"),
            ("prices", f"{low} to {top} {quote}, by {by}"),
            ("places", str(terms.orders)),
            ("fee", f"{show.amount_text(fee)} native"),
            (
                "blocks",
                f"now {status.height}; order to {terms.close}, accept to {terms.accept}, "
                f"prove to {terms.prove}",
            ),
        ],
    )
