"""`chiaro wallet report`: what a wallet's key shows and what it cannot prove, as a page or text."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from node.cli import books, output, show
from node.cli.session import Session, UsageError, write_new

if TYPE_CHECKING:
    from node.cli.books import Books

app = typer.Typer()

FORMATS: Final = ("html", "txt")
MOST_ROWS: Final = 2000
"""Movements that a report lists; the ledger has all of them."""


@app.command("report")
def report(
    context: typer.Context,
    out: Path = typer.Option(..., "--out", "-o", help="The page, .html, or text, .txt (0600)."),
    chosen: str | None = typer.Option(
        None, "--format", help="html or txt; by default what the file's name says, else html."
    ),
) -> None:
    """Write a report: sums over time, movements, and what this key cannot prove."""
    from node.cli import wallet_report_page

    session: Session = context.obj
    if out.exists():
        raise UsageError(f"{out} exists; it is not overwritten", fix="name another file")
    wanted = books.format_of(chosen, out.suffix, FORMATS, "html")
    found = books.load(session)
    now = show.when(time.time_ns() // 1_000_000)
    text = wallet_report_page.page(found, now) if wanted == "html" else plain(found, now)
    write_new(out, text.encode())
    ledger = found.ledger
    data = {
        "wallet": found.wallet,
        "seen_with": str(ledger.view),
        "format": wanted,
        "movements": len(ledger.movements),
        "scanned": ledger.height,
        "not_proved": list(found.statement),
        "file": str(out),
    }
    freshness = {"height": found.tip, "synced": ledger.height}
    output.emit(
        session,
        "wallet.report",
        data,
        lambda console: console.print(
            f"✓ {out}: {len(ledger.movements)} movements up to block {ledger.height}", markup=False
        ),
        freshness=freshness,
    )


def plain(found: Books, now: str) -> str:
    """The report as text; what strangers wrote has no control characters."""
    ledger = found.ledger
    lines = [
        f"Wallet {found.wallet}, seen with the {ledger.view} viewing key",
        f"profile {found.profile}, chain {found.chain_id or 'not met yet'}",
        f"made {now}",
        "",
        f"This key shows {ledger.view.shows}.",
        "",
        "What this report speaks for, and what it cannot prove:",
        *(f"  - {line}" for line in found.statement),
        "",
        *(
            f"{ledger.view.running}: {show.amount_text(total)} {output.printable(name)}"
            for name, total in totals(found)
        ),
        "",
        "block | time | movement | amount | effect | running | with | memo | transaction",
        *(" | ".join(row) for row in rows(found)),
    ]
    if len(ledger.movements) > MOST_ROWS:
        left = len(ledger.movements) - MOST_ROWS
        lines.append(f"{left} older movements: `chiaro tx export`")
    return "\n".join((*lines, ""))


def totals(found: Books) -> list[tuple[str, int]]:
    """Per asset, name and last running sum; the native one also where it never moved."""
    from node.core.ids import NATIVE

    sums = {NATIVE: 0, **found.ledger.totals}
    return [
        (found.names(kind), sums[kind])
        for kind in sorted(sums, key=lambda kind: (kind != NATIVE, found.names(kind)))
    ]


def rows(found: Books) -> list[tuple[str, ...]]:
    """The last movements, oldest first, as printable text that is not yet escaped for any markup.

    Columns: block, time, movement, amount, effect, running, with, memo, transaction.
    """
    from shielded.encryption import memo_to_text

    listed: list[tuple[str, ...]] = []
    for item in found.ledger.movements[-MOST_ROWS:]:
        unit = output.printable(found.names(item.kind))
        memo = memo_to_text(item.memo)
        listed.append(
            (
                str(item.height),
                found.time(item.height) or "time unknown",
                item.direction + (" (internal)" if item.internal else ""),
                f"{show.amount_text(item.quantity)} {unit}",
                show.amount_text(item.effect),
                show.amount_text(item.running),
                found.counterparty(item),
                output.printable("(not text)" if memo is None else memo),
                item.tx_id.hex(),
            )
        )
    return listed
