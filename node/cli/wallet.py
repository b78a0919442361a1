"""`chiaro wallet …`: the wallets of this machine, their words, passwords and viewing keys."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import keystore, output, prompts, start, wallet_report, wallets
from node.cli.session import Session, UsageError, load_toml, write_new, write_private
from node.cli.verify import read_file

if TYPE_CHECKING:
    from rich.console import Console

    from shielded.keys import ViewingKey

app = typer.Typer(help="Wallets: make, restore, look at, back up, remove.")
viewkey = typer.Typer(help="Viewing keys: hand out sight without the power to spend.")
app.add_typer(viewkey, name="viewkey")
app.add_typer(wallet_report.app)

NAME = typer.Argument(None, help="Name of the wallet; by default the chosen one.")


@app.command("new")
def new(
    context: typer.Context,
    name: str = typer.Argument(help="Of the new wallet."),
    password_file: Path | None = start.PASSWORD_FILE,
    *,
    show_words: bool = start.SHOW_WORDS,
) -> None:
    """Make a wallet; shows its 24 words once."""
    session: Session = context.obj
    start.check_new(session, name)
    start.new_wallet(session, name, password_file, show_words=show_words)


@app.command("restore")
def restore(
    context: typer.Context,
    name: str = typer.Argument(help="Name to give it here."),
    words_file: Path | None = start.WORDS_FILE,
    backup: Path | None = typer.Option(
        None, "--from-backup", help="Restore the encrypted file that `wallet backup --out` wrote."
    ),
    password_file: Path | None = start.PASSWORD_FILE,
    birthday: int | None = start.BIRTHDAY,
) -> None:
    """Restore a wallet from its 24 words or from a backup file."""
    session: Session = context.obj
    start.check_new(session, name)
    if backup is None:
        start.restore_wallet(session, name, words_file, password_file, birthday)
        return
    if words_file is not None:
        raise UsageError("restore from words or from a backup, not from both")
    stored = keystore.parse(name, read_file(backup), where=str(backup))
    # Scanning starts at genesis: the note tree at the birthday is not part of the backup.
    keystore.save(session.places, stored)
    start.report(session, replace(stored, birthday=0), None, None)


@app.command("list")
def list_wallets(context: typer.Context) -> None:
    """List the wallets of this machine."""
    session: Session = context.obj
    found = [keystore.load(session.places, name) for name in keystore.names(session.places)]
    try:
        chosen = wallets.choose(session) if found else None
    except keystore.WalletError:
        chosen = None
    items = [
        {
            "name": stored.name,
            "kind": stored.kind,
            "profile": stored.profile,
            "chosen": stored.name == chosen,
        }
        for stored in found
    ]
    rows = [(s.name, s.kind, s.profile, "✓" if s.name == chosen else "") for s in found]

    def render(out: Console) -> None:
        if rows:
            output.table(out, ("wallet", "kind", "profile", "chosen"), rows)
        else:
            out.print("no wallet yet: `chiaro init` makes one", markup=False)

    output.emit(session, "wallet.list", {"wallets": items}, render)


@app.command("use")
def use(context: typer.Context, name: str = typer.Argument(help="Of the wallet.")) -> None:
    """Choose the wallet that commands use when none is named."""
    session: Session = context.obj
    keystore.load(session.places, name)
    path = session.places.config / "config.toml"
    settings = {**load_toml(path), "wallet": name}
    lines = [f'{key} = "{value}"\n' for key, value in sorted(settings.items())]
    write_private(path, "".join(lines).encode())
    output.emit(session, "wallet.use", {"wallet": name, "file": str(path)})


@app.command("show")
def show(context: typer.Context, name: str | None = NAME) -> None:
    """Show a wallet: kind, first address, account, how far it has scanned. No password needed."""
    from shielded.viewing import view_of

    session: Session = context.obj
    chosen = wallets.choose(session, name)
    with wallets.opened(session.places, chosen) as wallet:
        stored, state = wallet.keystore, wallet.state
        chain = wallet.db.get("chain_id")
        data: dict[str, Any] = {
            "name": stored.name,
            "kind": stored.kind,
            "profile": stored.profile,
            "address": start.first_address(stored),
            "addresses": wallet.addresses,
            "account": "0x" + stored.account if stored.account else None,
            "birthday": state.birthday,
            "scanned": state.height,
            "notes": sum(not n.spent for n in state.notes) if state.sees_spending else None,
            "shows": None if stored.kind == "spending" else view_of(wallet.key).shows,
            "chain_id": None if chain is None else "0x" + chain.hex(),
            "operations": len(wallet.db.operations()),
            "folder": str(keystore.folder(session.places, chosen)),
        }
    output.emit(session, "wallet", data)


@app.command("backup")
def backup(
    context: typer.Context,
    name: str | None = NAME,
    out: Path | None = typer.Option(
        None, "--out", help="Copy the encrypted file there instead of showing the words."
    ),
    password_file: Path | None = start.PASSWORD_FILE,
    *,
    show_words: bool = start.SHOW_WORDS,
) -> None:
    """Show the 24 words again (asks the password), or copy the encrypted wallet file."""
    session: Session = context.obj
    chosen = wallets.choose(session, name)
    stored = keystore.load(session.places, chosen)
    if out is not None:
        if out.exists():
            raise UsageError(f"{out} exists; a backup overwrites nothing")
        source = keystore.folder(session.places, chosen) / "keystore.json"
        write_new(out, source.read_bytes())
        output.emit(session, "wallet.backup", {"name": chosen, "file": str(out)})
        return
    if not (show_words or prompts.can_ask(session)):
        raise prompts.ConfirmationNeeded(
            "nobody is there to read the words", fix="add `--show-words`, or `--out FILE`"
        )
    phrase = keystore.to_words(
        keystore.decrypt(stored, prompts.password(session, password_file, f"Password for {chosen}"))
    )
    if show_words:
        output.emit(session, "wallet.backup", {"name": chosen, "words": phrase})
    else:
        prompts.show_words(session, phrase)


@app.command("passwd")
def passwd(
    context: typer.Context,
    name: str | None = NAME,
    password_file: Path | None = start.PASSWORD_FILE,
    new_file: Path | None = typer.Option(
        None, "--new-password-file", help="Read the new password from this file."
    ),
) -> None:
    """Change a wallet's password."""
    session: Session = context.obj
    chosen = wallets.choose(session, name)
    keystore.load(session.places, chosen)
    old = prompts.password(session, password_file, f"Password for {chosen}")
    fresh = prompts.new_password(session, new_file, "New password")
    wallets.change_password(session.places, chosen, old, fresh)
    output.emit(session, "wallet.passwd", {"name": chosen, "changed": True})


@app.command("rm")
def remove(
    context: typer.Context, name: str = typer.Argument(help="Of the wallet to remove.")
) -> None:
    """Remove a wallet from this machine; only its 24 words bring it back."""
    session: Session = context.obj
    stored = keystore.load(session.places, name)
    question = (
        f"Remove wallet {name}? Without its 24 words its funds are lost."
        if stored.kind == "spending"
        else f"Remove the view-only wallet {name}?"
    )
    if not prompts.confirm(session, question):
        raise typer.Abort
    wallets.remove(session.places, name)
    shutil.rmtree(keystore.folder(session.places, name), ignore_errors=True)
    output.emit(session, "wallet.rm", {"name": name, "removed": True})


@viewkey.command("export")
def export(
    context: typer.Context,
    which: str | None = typer.Argument(None, help="full (the default), incoming or outgoing."),
    kind: str | None = typer.Option(None, "--kind", help="The same, as an option."),
    out: Path | None = typer.Option(None, "--out", "-o", help="Write it to this file (0600)."),
) -> None:
    """Export a viewing key. Whoever holds it sees that part of the wallet, for ever."""
    from shielded.keys import FullViewingKey
    from shielded.viewing import View

    session: Session = context.obj
    wanted = kind or which or "full"
    if which is not None and kind not in {None, which}:
        raise UsageError(f"{which!r} and --kind {kind!r} are two keys", fix="name one of them")
    if wanted not in set(View):
        raise UsageError(f"no viewing key is called {wanted!r}; known: {', '.join(View)}")
    view = View(wanted)
    stored = keystore.load(session.places, wallets.choose(session))
    key = wallets.viewing_key(stored)
    if isinstance(key, FullViewingKey):
        parts: dict[str, ViewingKey] = {
            View.FULL: key,
            View.INCOMING: key.incoming,
            View.OUTGOING: key.outgoing,
        }
        text = parts[view].encode(stored.profile)
    elif stored.kind == view:
        text = stored.viewing_key
    else:
        raise keystore.ViewOnly(
            f"wallet {stored.name} holds only the {stored.kind} viewing key",
            fix="export it from the wallet that holds the words",
        )
    data = {
        "name": stored.name,
        "kind": str(view),
        "shows": view.shows,
        "cannot_prove": list(view.cannot_prove),
    }
    if out is not None:
        write_new(out, text.encode() + b"\n")
        output.emit(session, "wallet.viewkey", {**data, "file": str(out)})
        return
    output.note(session, f"this {view} viewing key shows {view.shows}")
    output.emit(
        session,
        "wallet.viewkey",
        {**data, "viewing_key": text},
        lambda console: console.print(text, markup=False),
    )


@viewkey.command("import")
def import_key(
    context: typer.Context,
    name: str = typer.Argument(help="Name of the view-only wallet to make."),
    file: Path = typer.Argument(help="File with the viewing key."),
    birthday: int | None = start.BIRTHDAY,
) -> None:
    """Make a view-only wallet of a viewing key."""
    session: Session = context.obj
    start.check_new(session, name)
    start.import_view_only(session, name, file, birthday)
