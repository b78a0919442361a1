"""`chiaro private auction`: sealed-bid second-price auctions, computed by a committee."""

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
from node.cli.address import decode_account
from node.cli.private_auction_show import bid_documents, draw_sale, sale_document
from node.cli.private_fund import COMMITTEE, lines, spending, unlock
from node.cli.private_sale import Market
from node.cli.session import Session, UsageError, utf8
from node.cli.transfer import ASSET, DRY_RUN, NO_WAIT, TIMEOUT, hidden_amount_of
from node.cli.typed import digits

if TYPE_CHECKING:
    from node.cli.wallet_auction import Asked, Returning
    from node.cli.wallets import Secrets, Wallet
    from node.core.ids import AccountId
    from node.private.sale_terms import SaleTerms
    from node.rpc.client import NodeClient
    from node.rpc.sale_schema import SaleView
    from node.rpc.schema import Status

app = typer.Typer(help="Sealed-bid second-price auctions: bids that nobody reads.")

SALE: Final = typer.Argument(metavar="SALE", help="Its id, 0x and 64 digits.")
_ITEM: Final = typer.Option(None, "--item", help="What is sold, in words.")
_ITEM_FILE: Final = typer.Option(None, "--item-file", help="The same from a file, byte for byte.")
_AMOUNT: Final = typer.Argument(
    None,
    metavar="[AMOUNT]",
    help="Such as 4.25; from --amount-file, or asked, where it is not said.",
)
_AMOUNT_FILE: Final = typer.Option(
    None, "--amount-file", help="Read it from the first line of this file."
)
_MARKET: Final = Market(
    "auction", "sale", lambda client, identity: client.private_sale(identity), sale_document
)


@app.command("list")
def list_all(context: typer.Context) -> None:
    """List auctions: where each stands, how many bid, what it came to."""
    session: Session = context.obj
    with connection.connected(session) as client:
        found = client.private_sales()
    headings = ("sale", "status", "bids", "asset", "price")
    _MARKET.listed(session, "sales", found.sales, found.height, headings, _row)


@app.command("show")
def show_one(context: typer.Context, identity: str = SALE) -> None:
    """Show an auction: deadlines, bids that are there, and winner and price once they are open."""
    session: Session = context.obj
    sale = digits(identity, 32, "SALE")
    with connection.connected(session) as client:
        view, bids = client.private_sale(sale), client.private_bids(sale)
    output.emit(
        session,
        "private.auction.show",
        {**sale_document(view), "places_taken": bid_documents(bids)},
        lambda out: draw_sale(out, view, bids),
        freshness={"height": view.height},
    )


@app.command()
def new(
    context: typer.Context,
    committee: str = COMMITTEE,
    item: str | None = _ITEM,
    item_file: Path | None = _ITEM_FILE,
    reserve: str | None = typer.Option(
        None, "--reserve", help="Least price, which nobody learns; 0: any. Asked if not given."
    ),
    reserve_file: Path | None = typer.Option(
        None, "--reserve-file", help="Read it from the first line of this file."
    ),
    places: int = typer.Option(4, "--places", min=2, max=32, help="Bids that there may be."),
    seller: str | None = typer.Option(
        None, "--seller", help="Account that gets the price; by default the wallet's."
    ),
    asset: str = ASSET,
    bid_for: int | None = typer.Option(
        None, "--bid-for", min=1, help="Blocks in which bids are taken; by default 4 steps."
    ),
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Offer something for the second highest of hidden bids, and no less than a hidden reserve."""
    from node.cli import wallet_auction, wallet_private
    from node.core.ids import AccountId, Height
    from node.private.bidder import item_of
    from node.private.paid import Head
    from node.private.payload import wire
    from node.private.sale_terms import LIMIT

    session: Session = context.obj
    described = _described(item, item_file)
    if described is None:
        raise UsageError("say what is sold: --item or --item-file", where="--item")
    thing = item_of(described)
    least = _hidden(session, reserve, reserve_file, "--reserve")
    if least > LIMIT:
        raise UsageError(f"an auction takes {show.amount_text(LIMIT)} at most", where="--reserve")
    name, chosen = wallets.choose(session), digits(committee, 32, "--committee")
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        wallets.check_spends(wallet.keystore)
        status = client.status()
        account = AccountId(decode_account(seller) if seller else wallet.account)
        terms = _terms(client, status, chosen, thing, account, places, asset, bid_for)
        fee = wallet_auction.offer_fee(status)
        missing = wallet_fund.missing_native(wallet, client, fee)
        if missing:
            wallet_fund.check_faucet(
                wallet,
                client,
                missing,
                why="the fee comes from the account",
                fix="`chiaro unshield` or somebody else can pay it in",
            )
        _show_offer(session, status, terms, least, fee, asset)
        if not prompts.confirm(session, f"Continue on {session.profile}?"):
            raise typer.Abort
        secrets = unlock(session, wallet, password_file)
        wallet_fund.fund(wallet, client, missing)
        expiry = Height(client.status().height + status.parameters.max_expiry // 2)
        head = Head(wallet_auction.chain_of(status), fee, expiry, AccountId(wallet.account))
        with output.progress(session, "prove") as progress:
            progress("reserve", 0.0)
            prove = wallet_private.linked_proofs(session.profile)
            tx = wallet_auction.offer(client, head, terms, least, secrets, prove)
            progress("reserve", 1.0)
        client.submit(wire(tx))
        included = None if no_wait else client.wait_for_tx(tx.id, timeout)
    data = {
        "sale": "0x" + tx.sale.hex(),
        "item": "0x" + thing.hex(),
        "places": places,
        "close": terms.close,
        "accept": terms.accept,
        "prove": terms.prove,
    }
    named = f"sale  {data['sale']}"
    show.report_transaction(session, "private.auction.new", tx.id, included, data, named)


@app.command()
def bid(
    context: typer.Context,
    identity: str = SALE,
    amount: str | None = _AMOUNT,
    amount_file: Path | None = _AMOUNT_FILE,
    item: str | None = _ITEM,
    item_file: Path | None = _ITEM_FILE,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    again: bool = typer.Option(False, "--again", help="Beside a bid that is there already."),
    dry_run: bool = DRY_RUN,
    no_wait: bool = NO_WAIT,
) -> None:
    """Bid a hidden amount from notes. It is locked until the auction is over.

    With --item or --item-file only for this thing.
    """
    from node.cli import private_trust, wallet_auction, wallet_private, wallet_spend
    from node.private.sale_terms import LIMIT

    session: Session = context.obj
    sale, wanted = digits(identity, 32, "SALE"), _described(item, item_file)
    offered = _hidden(session, amount, amount_file, "AMOUNT")
    if not 0 < offered <= LIMIT:
        raise UsageError(
            f"a bid is more than 0, and {show.amount_text(LIMIT)} at most", where="AMOUNT"
        )
    name = wallets.choose(session)
    with spending(session, name) as (wallet, client):
        status = client.status()
        chain = wallet_auction.chain_of(status)
        terms = private_trust.sale_terms_of(client, chain, sale)
        _check_item(terms, wanted)
        wallet_spend.check_keys(status, session.profile, wallet_auction.BID)
        links = wallet_auction.LINKS
        fee = wallet_private.fee_of(wallet, status, terms.kind, offered, links)
        asked = wallet_auction.Asked(sale, terms, offered, fee, again)
        asset = wallet_spend.asset_names(status)(terms.kind)
        if status.height >= terms.close:
            session.warnings.append(f"bids ended at block {terms.close}")
        if dry_run:
            output.emit(session, "private.auction.draft", _draft(asked, asset))
            return
        _show_bid(session, asked, asset)
        if not prompts.confirm(session, f"Continue on {session.profile}?"):
            raise typer.Abort
        secrets = unlock(session, wallet, password_file)
        operation = private_return.proved(
            session, wallet, client, wallet_auction.BID,
            lambda prove: wallet_auction.bid(wallet, client, asked, secrets, prove),
            None if no_wait else timeout,
        )  # fmt: skip
    show.report_operation(session, name, operation)


@app.command()
def call(
    context: typer.Context,
    identity: str = SALE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Have the committee compute, once bids are accepted; free. Members do it by themselves."""
    _MARKET.call(context.obj, identity, None if no_wait else timeout)


@app.command()
def settle(
    context: typer.Context,
    identity: str = SALE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """End an auction whose outcome is open: the price goes to the seller. Anybody may."""
    _MARKET.settle(context.obj, identity, None if no_wait else timeout)


@app.command()
def claim(
    context: typer.Context,
    identity: str = SALE,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Take a bid back: all of it, or what the price left of it.

    One bid at a time. Nobody is asked, and no amount is shown.
    """
    from node.cli import wallet_auction, wallet_carry

    session: Session = context.obj
    sale, name = digits(identity, 32, "SALE"), wallets.choose(session)
    with spending(session, name) as (wallet, client):
        terms, secrets, first = _first(session, wallet, client, sale, password_file)
        operation = private_return.proved(
            session, wallet, client, wallet_carry.CLAIM,
            lambda prove: wallet_auction.claim(wallet, client, sale, terms, first, secrets, prove),
            None if no_wait else timeout,
        )  # fmt: skip
    show.report_operation(session, name, operation)


@app.command()
def withdraw(
    context: typer.Context,
    identity: str = SALE,
    to: str = private_leave.TO,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Take a bid back into an account, its amount shown: also from a pool that is exit-only.

    One bid at a time, of those that `claim` would take.
    """
    from node.cli import wallet_spend
    from node.rpc.text import bytes_of

    session: Session = context.obj
    sale, name = digits(identity, 32, "SALE"), wallets.choose(session)
    target = private_leave.account_of(to)
    with spending(session, name) as (wallet, client):
        terms, secrets, first = _first(session, wallet, client, sale, password_file)
        unit = wallet_spend.asset_names(client.status())(terms.kind)
        leaving = private_leave.Leaving(
            bytes_of(first.view.id, 32), first.owner, first.opening, unit
        )
        private_leave.withdraw(
            session, wallet, client, secrets, leaving, target, name="bid",
            schema="private.auction.withdraw", timeout=None if no_wait else timeout,
        )  # fmt: skip


# --- words and lines -----------------------------------------------------------------------------


def _first(
    session: Session, wallet: Wallet, client: NodeClient, sale: bytes, file: Path | None
) -> tuple[SaleTerms, Secrets, Returning]:
    """What is taken this time, for the wallet's password. Raises NoBidBack."""
    from node.cli import private_trust, wallet_auction

    terms = private_trust.kept_sale_terms_of(client, sale)
    secrets = unlock(session, wallet, file)
    found = wallet_auction.returning(wallet, client, sale, terms, secrets)
    return terms, secrets, private_return.first(session, found, "go back")


def _row(view: SaleView) -> tuple[str, ...]:
    return (
        view.id,
        view.status,
        f"{view.bids}/{view.bidders}",
        view.kind.name or "",
        "" if view.price is None else show.amount_text(int(view.price)),
    )


def _described(text: str | None, file: Path | None) -> bytes | None:
    """What is sold, as it is hashed. Raises UsageError."""
    from node.cli.verify import read_file

    if text is not None and file is not None:
        raise UsageError("say it once: --item or --item-file", where="--item")
    if file is not None:
        return read_file(file)
    return None if text is None else utf8(text, "--item")


def _hidden(session: Session, text: str | None, file: Path | None, what: str) -> int:
    """An amount from the command line, a file, or typed unseen. Raises UsageError, InputNeeded."""
    if text is not None and file is not None:
        raise UsageError(f"say it once: {what}, or its file", where=what)
    if file is not None:
        text = prompts.read_secret_file(session, file).splitlines()[0]
    said = text if text is not None else prompts.hidden(session, "Amount")
    return hidden_amount_of(said, what)


def _terms(
    client: NodeClient,
    status: Status,
    committee: bytes,
    item: bytes,
    seller: AccountId,
    places: int,
    asset: str,
    bid_for: int | None,
) -> SaleTerms:
    """Deadlines by steps, from the next block on. Raises UsageError."""
    from node.cli.wallet_spend import kind_of
    from node.private.program_keys import programs
    from node.private.sale_program import Market
    from node.private.sale_terms import SaleTerms

    named = {statement.id for statement in status.statements}
    auctions = (one for name, one in programs().items() if name in named)
    had = sorted(one.places for one in auctions if one.market is Market.AUCTION)
    if places not in had:
        text = ", ".join(map(str, had)) or "no number of"
        raise UsageError(f"this chain has keys for {text} places", where="--places")
    when = private_schedule.of(client, status, committee, bid_for, "--bid-for")
    return SaleTerms(
        committee, when.epoch, kind_of(status, asset), item, seller, places,
        when.close, when.accept, when.prove,
    )  # fmt: skip


def _check_item(terms: SaleTerms, wanted: bytes | None) -> None:
    from node.private.bidder import item_of

    if wanted is not None and item_of(wanted) != terms.item:
        raise UsageError("this sale is of something else", where="--item", fix="bid elsewhere")


def _draft(asked: Asked, asset: str) -> dict[str, Any]:
    return {
        "sale": "0x" + asked.sale.hex(),
        "item": "0x" + asked.terms.item.hex(),
        "amount": show.amount(asked.amount, asset),
        "fee": show.amount(asked.fee, "native"),
        "close": asked.terms.close,
        "sent": False,
    }


def _show_bid(session: Session, asked: Asked, asset: str) -> None:
    terms = asked.terms
    lines(
        session,
        [
            ("bid", f"{show.amount_text(asked.amount)} {asset}, locked until it is over"),
            ("fee", f"{show.amount_text(asked.fee)} native"),
            ("in", f"sale {show.shorten(asked.sale.hex())}"),
            ("item", "0x" + terms.item.hex()),
            ("to", "0x" + terms.seller.hex()),
            ("hidden", "the amount, whether it wins or not; who bids"),
            ("reveals", "that somebody bids, the fee, the time; the price, which is another's bid"),
            ("ends", f"block {terms.close}; a result by block {terms.prove}, or it all goes back"),
            *(("beware", text) for text in session.warnings),
        ],
    )


def _show_offer(
    session: Session, status: Status, terms: SaleTerms, reserve: int, fee: int, asset: str
) -> None:
    lines(
        session,
        [
            ("sell", "0x" + terms.item.hex()),
            ("reserve", f"{show.amount_text(reserve)} {asset}, which nobody learns"),
            ("fee", f"{show.amount_text(fee)} native"),
            ("to", "0x" + terms.seller.hex()),
            ("places", str(terms.bidders)),
            (
                "blocks",
                f"now {status.height}; bid to {terms.close}, accept to {terms.accept}, "
                f"prove to {terms.prove}",
            ),
        ],
    )
