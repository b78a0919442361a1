"""`chiaro tx export`: every movement of a wallet as CSV or JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import books, output
from node.cli.session import Session, UsageError, write_new

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer()

FORMATS: Final = ("csv", "json")


@app.command("export")
def export(
    context: typer.Context,
    out: Path | None = typer.Option(
        None, "--out", "-o", help="Write it to this file (0600); by default it is printed."
    ),
    chosen: str | None = typer.Option(
        None, "--format", help="csv or json; by default what the file's name says, else csv."
    ),
) -> None:
    """Export every movement: amounts, effects, running balance. The sums are checked first."""
    from node.cli import ledger_files

    session: Session = context.obj
    if out is not None and out.exists():
        raise UsageError(f"{out} exists; it is not overwritten", fix="name another file")
    wanted = books.format_of(chosen, out.suffix if out else "", FORMATS, "csv")
    found = books.load(session)
    if wanted == "csv":
        document, text = ledger_files.head(found), ledger_files.to_csv(found)
    else:
        document = ledger_files.to_json(found)
        text = output.json_text(document, indent=1) + "\n"
    ledger = found.ledger
    data: dict[str, Any] = {
        "wallet": found.wallet,
        "seen_with": str(ledger.view),
        "format": wanted,
        "movements": len(ledger.movements),
        "scanned": ledger.height,
        "running_is": ledger.view.running,
        "totals": document["totals"],
        "not_proved": document["not_proved"],
        "file": None if out is None else str(out),
    }
    if out is None:
        data["ledger"] = document if wanted == "json" else text
    else:
        write_new(out, text.encode())

    def render(console: Console) -> None:
        if out is None:
            sys.stdout.write(text)
            return
        count = len(ledger.movements)
        console.print(f"✓ {out}: {count} movements up to block {ledger.height}", markup=False)
        for total in document["totals"]:
            unit = output.printable(total["unit"])
            console.print(f"  {ledger.view.running} {total['amount']} {unit}", markup=False)
        if not session.quiet:
            for line in document["not_proved"]:
                console.print(f"  {line}", markup=False)

    freshness = {"height": found.tip, "synced": ledger.height}
    output.emit(session, "tx.export", data, render, freshness=freshness)
