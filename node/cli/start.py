"""`chiaro init`: the first wallet; and the making of wallets that `chiaro wallet` shares."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import connection, keystore, output, prompts, wallets
from node.cli.session import Session, UsageError
from node.core.errors import NotFound

if TYPE_CHECKING:
    from rich.console import Console

    from node.cli.keystore import Keystore
    from node.cli.wallets import Birthday

app = typer.Typer()

PASSWORD_FILE = typer.Option(
    None, "--password-file", help="Read the password from the first line of this file."
)
WORDS_FILE = typer.Option(None, "--from-words-file", help="Restore from the 24 words in this file.")
VIEW_ONLY = typer.Option(
    None, "--view-only", help="Make a wallet that only sees, from the viewing key in this file."
)
SHOW_WORDS = typer.Option(
    False, "--show-words", help="With --json or without a terminal: put the words on stdout, once."
)
BIRTHDAY = typer.Option(
    None, "--birthday", min=0, help="Scan from this recent height; the wallet is not older."
)


@app.command()
def init(
    context: typer.Context,
    name: str | None = typer.Option(None, "--name", help="Of the wallet; asked if not given."),
    password_file: Path | None = PASSWORD_FILE,
    words_file: Path | None = WORDS_FILE,
    view_only: Path | None = VIEW_ONLY,
    birthday: int | None = BIRTHDAY,
    *,
    restore: bool = typer.Option(False, "--restore", help="Type the 24 words of an old wallet."),
    show_words: bool = SHOW_WORDS,
) -> None:
    """Make a wallet: a name, a password, 24 words to write down."""
    session: Session = context.obj
    chosen = name or session.wallet or prompts.text(session, "Wallet name", wallets.DEFAULT_NAME)
    check_new(session, chosen)
    if view_only is not None:
        if words_file is not None or restore:
            raise UsageError("a view-only wallet has no words")
        import_view_only(session, chosen, view_only, birthday)
    elif words_file is not None or restore:
        restore_wallet(session, chosen, words_file, password_file, birthday)
    else:
        new_wallet(session, chosen, password_file, show_words=show_words)


def check_new(session: Session, name: str) -> None:
    """Refuse a taken name before anything is asked.

    Raises:
        WalletExists, WalletError.
    """
    if (keystore.folder(session.places, name) / "keystore.json").exists():
        raise keystore.WalletExists(f"wallet {name} exists")


def new_wallet(
    session: Session, name: str, password_file: Path | None, *, show_words: bool
) -> None:
    """Ask for a password, make the wallet, show its words once."""
    password = prompts.new_password(session, password_file)
    entropy = keystore.new_entropy()
    phrase = keystore.to_words(entropy)
    asked = prompts.can_ask(session) and not session.yes
    if asked:
        # Before anything is written: whoever breaks off here has no wallet without a paper copy.
        prompts.show_words(session, phrase)
        prompts.ask_back(phrase, tuple(sorted(secrets.SystemRandom().sample(range(24), 2))))
    elif not show_words:
        session.warnings.append(
            "the 24 words were not shown; `chiaro wallet backup` shows them, and nothing else "
            "restores this wallet"
        )
    birthday = birthday_now(session)
    stored = wallets.create(
        session.places, name, session.profile, entropy, password, birthday=birthday
    )
    report(session, stored, birthday, phrase if show_words and not asked else None)


def restore_wallet(
    session: Session,
    name: str,
    words_file: Path | None,
    password_file: Path | None,
    height: int | None,
) -> None:
    """Make the wallet of 24 words again; without a birthday it scans from genesis."""
    entropy = keystore.from_words(prompts.words(session, words_file))
    password = prompts.new_password(session, password_file)
    birthday = birthday_of(session, height)
    stored = wallets.create(
        session.places, name, session.profile, entropy, password, birthday=birthday
    )
    report(session, stored, birthday, None)


def import_view_only(session: Session, name: str, file: Path, height: int | None) -> None:
    """Make a wallet of a viewing key."""
    text = prompts.read_secret_file(session, file)
    birthday = birthday_of(session, height)
    stored = wallets.create_view_only(
        session.places, name, session.profile, text, birthday=birthday
    )
    report(session, stored, birthday, None)


def birthday_now(session: Session) -> Birthday | None:
    """The tip, for a wallet that did not exist before; None where no node answers."""
    with connection.if_reachable(session) as client:
        if client is None:
            return None
        if client.status().profile != session.profile:
            return None
        return wallets.birthday_at(client)


def birthday_of(session: Session, height: int | None) -> Birthday | None:
    """The birthday that was asked for; None (genesis) where the node cannot give its note tree."""
    if not height:
        return None
    with connection.connected(session) as client:
        try:
            return wallets.birthday_at(client, height)
        except NotFound:
            session.warnings.append(
                f"the node no longer keeps the note tree of height {height}: scanning from genesis"
            )
            return None


def report(
    session: Session, stored: Keystore, birthday: Birthday | None, phrase: list[str] | None
) -> None:
    """Say what was made."""
    data: dict[str, Any] = {
        "name": stored.name,
        "kind": stored.kind,
        "birthday": 0 if birthday is None else birthday.height,
        "account": "0x" + stored.account if stored.account else None,
        "address": first_address(stored),
        "folder": str(keystore.folder(session.places, stored.name)),
    }
    if phrase is not None:
        data["words"] = phrase

    def render(out: Console) -> None:
        out.print(f"✓ wallet {stored.name} ({stored.kind})", markup=False)
        if data["address"]:
            out.print(f"  address  {data['address']}", markup=False)
        if data["account"]:
            out.print(f"  account  {data['account']}  (transparent: in the clear)", markup=False)
        if phrase is not None:
            out.print(f"  words    {' '.join(phrase)}", markup=False)
        elif stored.kind == "spending":
            out.print("  balances need no password; spending asks for it", markup=False)

    output.emit(session, "wallet.created", data, render)


def first_address(stored: Keystore) -> str | None:
    """Address 0 as text; None for an outgoing key, which has none."""
    from shielded.keys import OutgoingViewingKey

    key = wallets.viewing_key(stored)
    return None if isinstance(key, OutgoingViewingKey) else key.address(0).encode(stored.profile)
