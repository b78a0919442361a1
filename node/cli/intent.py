"""`chiaro intent …`: orders that nobody can read before their place in the order is final.

new ──▶ kept ── submit ──▶ pending ─▶ ordered ─▶ closed ─▶ opened ─▶ settled | expired
          └── submit --open ──▶ published ──────────────────────────▶ settled | expired
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from node.cli import (
    connection,
    intent_files,
    intent_new,
    intent_notes,
    intent_publish,
    intent_show,
    keystore,
    output,
    prompts,
    start,
    wallets,
)
from node.cli.intent_files import Kept, Outcome
from node.cli.session import Session, UsageError
from node.cli.transfer import amount_of
from node.core.errors import PolicyRefused

if TYPE_CHECKING:
    from rich.console import Console

    from node.cli.intent_make import Place
    from node.cli.intent_standing import Standing
    from node.cli.wallets import Wallet
    from node.core.genesis import Genesis
    from node.gossip.sealed import Contact
    from node.rpc.client import NodeClient

app = typer.Typer(help="Sealed intents: orders that are read only after their place is final.")
app.add_typer(intent_new.app, name="new")

WAIT_SECONDS: Final = 120.0

IDENTITY = typer.Argument(
    metavar="INTENT", help="Number of an intent (3 or i-3), or eight digits or more of its id."
)
TIMEOUT = typer.Option(WAIT_SECONDS, "--timeout", min=0.0, help="Seconds to wait.")


# --- submit ---------------------------------------------------------------------------------------


@app.command()
def submit(
    context: typer.Context,
    identity: str = IDENTITY,
    pay: str = typer.Option(
        "account", "--pay", help="account: yours pays; shielded: a one-time account from the pool."
    ),
    to: str | None = typer.Option(
        None, "--to", metavar="CONTACT", help="Unsealed, for one solver alone to read."
    ),
    fee_model: str | None = typer.Option(
        None, "--fee-model", help="ordering: sealed; settlement or none: with --open or --to."
    ),
    fee: str | None = typer.Option(None, "--fee", help="With --open, --to: due if it settles."),
    reserved: str | None = typer.Option(
        None, "--reserved", help="Of the fee: what only the solver gets, no node on the way."
    ),
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    unsealed: bool = typer.Option(
        False, "--open", help="Publish it unsealed, for everyone to read at once."
    ),
    no_wait: bool = typer.Option(False, "--no-wait", help="Return once the node has taken it."),
    out: Path | None = typer.Option(
        None, "--out", "-o", help="Seal it into this file and send nothing: for `chiaro da pack`."
    ),
) -> None:
    """Seal an intent to the validators' key and have it ordered. Then it cannot be taken back.

    With --open or --to it is published unsealed instead, before it has any place in an order.
    """
    from node.cli import intent_make, intent_send, intent_stage, wallet_sync

    session: Session = context.obj
    if pay not in intent_send.PAYERS:
        raise UsageError(f"no way to pay {pay!r}", where="--pay", fix="account or shielded")
    publishes = intent_publish.check_words(
        unsealed=unsealed or to is not None, model=fee_model, fee=fee, reserved=reserved
    )
    _check_out(out, publishes=publishes)
    name = wallets.choose(session)
    kept = intent_files.find(session.places, name, identity)
    if publishes or kept.published is not None:
        words = _Words(
            to,
            fee_model,
            None if fee is None else amount_of(fee, "--fee"),
            amount_of(reserved or "0", "--reserved"),
        )
        _publish(session, name, kept, words, password_file)
        return
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        with output.progress(session, "sync") as progress:
            wallet_sync.sync(wallet, client, progress)
        if intent_stage.can_repeat(kept, client.status().height):
            kept = intent_stage.repeated(wallet, kept)
        _check_open(kept)
        if kept.sent is None:
            where = intent_make.place(client, str(kept.domain), wallet)
            _check_chain(kept, where)
            kept = _seal(session, wallet, client, where, kept, pay, password_file, timeout)
        if out is not None:
            intent_send.write(kept, out)
            output.note(session, f"sealed into {out}; nothing was sent: `chiaro da pack {out} …`")
        else:
            kept = intent_send.send(session.places, wallet, client, kept)
            _tell_of_solvers(session, client, kept)
        if no_wait or out is not None:
            found = intent_stage.standing(client, kept)
        else:
            tell = intent_show.told(session, kept)
            kept, found = intent_stage.wait(
                client,
                kept,
                timeout,
                lambda item, stage: intent_stage.record(session.places, wallet, item, stage),
                tell,
                _ORDERED,
            )
    intent_show.report(session, name, kept, found)


def _check_out(out: Path | None, *, publishes: bool) -> None:
    """Refuse early what could not be written, or is not sealed. Raises UsageError."""
    if out is None:
        return
    if publishes:
        raise UsageError("what is published is not sealed", where="--out")
    if out.exists():
        raise UsageError(f"{out} exists; it is not overwritten", where="--out")


def _tell_of_solvers(session: Session, client: NodeClient, kept: Kept) -> None:
    """Nothing settles by itself: say so where nobody was seen to do it."""
    from node.cli import intent_send

    if not intent_send.has_seen_solver(client, kept.domain):
        session.warnings.append(
            f"no settlement was seen in the last batches of domain {kept.domain_name}: somebody "
            "must run a solver while the batch is open to them: `chiaro solver run`"
        )


@dataclass(frozen=True, slots=True)
class _Words:
    """What was said about publishing: recipient, fee model, amounts in base units."""

    to: str | None
    model: str | None
    fee: int | None
    reserved: int


def _publish(
    session: Session, name: str, kept: Kept, words: _Words, password_file: Path | None
) -> None:
    """Say who reads it at once, ask, sign under fresh keys, hand it to the node."""
    from node.cli import intent_make, intent_stage, wallet_sync

    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        with output.progress(session, "sync") as progress:
            wallet_sync.sync(wallet, client, progress)
        _check_open(kept)
        if kept.published is None:
            where = intent_make.place(client, str(kept.domain), wallet)
            _check_chain(kept, where)
            intent_notes.check_unspent(wallet, kept)
            height = where.status.height
            intent_publish.check_publishable(kept, height)
            contact = None if words.to is None else _contact(words.to, where.genesis)
            offer = intent_publish.offer_of(kept, words.model, words.fee, words.reserved)
            anew = intent_publish.needs_signature(kept, offer)
            to = None if contact is None else contact.node
            intent_show.publish_lines(session, kept, offer, to)
            if not prompts.confirm(session, f"Publish intent {kept.name} on {session.profile}?"):
                raise typer.Abort
            if anew:
                keys, _ = intent_new.unlock(session, wallet, password_file)
                kept = intent_publish.with_fee(kept, offer.fee, where.genesis, keys)
            intent_make.reserve(wallet, kept)
            kept = intent_publish.publish(
                session.places, wallet, where.genesis, kept, offer, contact, height
            )
        kept = intent_publish.send(session.places, wallet, client, kept)
        found = intent_stage.standing(client, kept)
        kept = intent_stage.record(session.places, wallet, kept, found)
    intent_show.report(session, name, kept, found)


def _contact(text: str, genesis: Genesis) -> Contact:
    """Where directed messages go. Raises UsageError, InvalidMessage (GO-24)."""
    from node.gossip.sealed import Contact

    try:
        data = bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError:
        raise UsageError(
            "this is no solver's contact",
            where="--to",
            fix="paste what `chiaro solver contact` prints",
        ) from None
    return Contact.from_bytes(data, genesis.chain_id)


_ORDERED: Final = frozenset({"ordered", "closed", "opened"})


def _seal(
    session: Session,
    wallet: Wallet,
    client: NodeClient,
    where: Place,
    kept: Kept,
    pay: str,
    password_file: Path | None,
    timeout: float,
) -> Kept:
    """Say what becomes public, ask, get the key, pay from where it was said, seal."""
    from node.cli import intent_make, intent_send

    wallets.check_spends(wallet.keystore)
    intent_notes.check_unspent(wallet, kept)
    price = intent_send.cost(where, kept)
    short = 0
    if pay == intent_send.ACCOUNT:
        short = intent_send.missing(wallet, client, price.fee)
    intent_show.price_lines(session, kept, price, pay)
    if not prompts.confirm(session, f"Send intent {kept.name} on {session.profile}?"):
        raise typer.Abort
    keys, entropy = intent_new.unlock(session, wallet, password_file)
    intent_make.reserve(wallet, kept)
    if pay == intent_send.SHIELDED:
        kept = intent_send.with_account(session.places, wallet, kept)
    index = kept.one_time if pay == intent_send.SHIELDED else 0
    payer = intent_send.payer_of(keys, entropy, index)
    output.note(session, "asking the validators for the epoch's key")
    with output.progress(session, "seal") as progress:
        intent_send.key_for(client, where.genesis, kept.domain, timeout, progress)
        if index:
            intent_send.fund_once(
                wallet, client, payer.account, price.fee, keys, timeout=timeout, progress=progress
            )
        elif short:
            output.note(session, "the account lacks the fee: the development faucet pays it in")
            client.faucet(wallet.account, short)
        # Blocks went by meanwhile: the epoch may have turned, and prices count from now.
        where = intent_make.place(client, str(kept.domain), wallet)
        key = intent_send.key_for(client, where.genesis, kept.domain, timeout, progress)
        intent_send.check_epoch(where, key)
        now = intent_send.cost(where, kept)
        return intent_send.seal(session.places, wallet, where, kept, key, payer, index, now)


def _check_open(kept: Kept) -> None:
    """Refuse what is over. Raises PolicyRefused."""
    if kept.over:
        raise PolicyRefused(
            f"intent {kept.name} is {kept.outcome}",
            why=kept.why,
            fix="make another one: `chiaro intent new`",
        )


def _check_chain(kept: Kept, where: Place) -> None:
    from node.cli.wallet_sync import OtherChain

    if kept.chain_id != where.genesis.chain_id:
        raise OtherChain(f"intent {kept.name} was made for chain {kept.chain_id.hex()[:12]}…")


# --- status, list ---------------------------------------------------------------------------------


@app.command()
def status(
    context: typer.Context,
    identity: str = IDENTITY,
    timeout: float = TIMEOUT,
    *,
    wait: bool = typer.Option(False, "--wait", help="Until it is over, or --timeout."),
) -> None:
    """Say in which stage an intent is and whom it waits for. Exit 1: not settled, 7: not over."""
    from node.cli import intent_stage, wallet_sync

    session: Session = context.obj
    name = wallets.choose(session)
    kept = intent_files.find(session.places, name, identity)

    def write(item: Kept, stage: Standing) -> Kept:
        """The wallet is held for this only: other commands go on while this one waits."""
        with wallets.opened(session.places, name, profile=session.profile) as wallet:
            after = intent_stage.record(session.places, wallet, item, stage)
            if after is not item and after.outcome is Outcome.SETTLED:
                wallet_sync.sync(wallet, client)
            return after

    with connection.connected(session) as client:
        with wallets.opened(session.places, name, profile=session.profile) as wallet:
            wallet_sync.check_chain(wallet, client.status())
        if wait and (kept.sent is not None or kept.published is not None):
            tell = intent_show.told(session, kept)
            kept, found = intent_stage.wait(client, kept, timeout, write, tell)
        else:
            found = intent_stage.standing(client, kept)
            kept = write(kept, found)
    intent_show.report(session, name, kept, found)


@app.command("list")
def list_intents(context: typer.Context) -> None:
    """List this wallet's intents, newest first."""
    from node.cli import intent_stage
    from node.cli.intent_make import sums_text
    from zk.errors import ChiaroError

    session: Session = context.obj
    name = wallets.choose(session)
    keystore.load(session.places, name)
    found = intent_files.all_of(session.places, name)
    stages: dict[int, str] = {}
    with connection.if_reachable(session) as client:
        if client is None:
            session.warnings.append(f"no node at {session.node}: stages may be old")
        for kept in found:
            stages[kept.number] = intent_show.stage_on_disk(kept)
            if client is not None and not kept.over:
                try:
                    stages[kept.number] = intent_stage.standing(client, kept).stage
                except ChiaroError as error:
                    session.warnings.append(f"intent {kept.name}: {error.message}")
    data = {
        "wallet": name,
        "intents": [
            intent_show.intent_data(kept, {"stage": stages[kept.number]}) for kept in found
        ],
    }

    def render(out: Console) -> None:
        if not found:
            out.print("no intents yet: `chiaro intent new` makes one", markup=False)
            return
        headings = ("intent", "schema", "gives", "wants", "stage", "batch", "expires")
        rows = [
            (
                kept.name,
                kept.schema,
                sums_text(kept.gives),
                sums_text(kept.wants),
                stages[kept.number],
                "" if kept.batch is None else f"{kept.domain_name}/{kept.batch}",
                str(kept.expiry),
            )
            for kept in found
        ]
        output.table(out, headings, rows)

    output.emit(session, "intent.list", data, render)


# --- cancel, explain ------------------------------------------------------------------------------


@app.command()
def cancel(
    context: typer.Context,
    identity: str = IDENTITY,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
) -> None:
    """Give an intent up: before it is ordered, or after its batch, while it could be used again."""
    from node.cli import intent_cancel, intent_stage, wallet_sync

    session: Session = context.obj
    name = wallets.choose(session)
    kept = intent_files.find(session.places, name, identity)
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        with output.progress(session, "sync") as progress:
            wallet_sync.sync(wallet, client, progress)
        found = intent_stage.standing(client, kept)
        kept = intent_stage.record(session.places, wallet, kept, found)
        way = intent_cancel.way(wallet, kept, found)
        if way.spends:
            request = intent_cancel.request(wallet, client, kept)
            intent_show.lines(session, [("cancel", way.text)])
            if not prompts.confirm(session, f"Spend its notes to yourself on {session.profile}?"):
                raise typer.Abort
            keys, _ = intent_new.unlock(session, wallet, password_file)
            with output.progress(session, "prove") as progress:
                intent_cancel.spend(wallet, client, kept, request, keys, timeout, progress)
        kept = intent_cancel.conclude(session.places, wallet, kept, way)
        found = intent_stage.standing(client, kept)
    session.exit_code = 0
    intent_show.report(session, name, kept, found, text=way.text)


@app.command()
def explain(
    context: typer.Context,
    what: str = typer.Argument(metavar="INTENT", help="Number or id of an intent, or its file."),
) -> None:
    """Show what an intent gives, wants and costs, and who can see what of it, and when."""
    from node.cli import intent_roles

    session: Session = context.obj
    path = Path(what)
    if path.suffix == ".json" and path.is_file():
        kept = intent_files.load(path)
    else:
        kept = intent_files.find(session.places, wallets.choose(session), what)
    sights = intent_roles.table(kept)
    data = {
        "intent": intent_show.intent_data(kept, {"stage": intent_show.stage_on_disk(kept)}),
        "sees": [{"when": s.when, "who": s.who, "what": s.what} for s in sights],
    }

    def render(out: Console) -> None:
        for label, text in intent_show.description(kept):
            out.print(f"{label:<8} {text}", markup=False)
        output.table(out, ("when", "who", "sees"), [(s.when, s.who, s.what) for s in sights])

    output.emit(session, "intent.explain", data, render)
