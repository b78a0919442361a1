"""A ledger as a file: CSV for spreadsheets, JSON for programs. Rule SH-65.

A spreadsheet would run what strangers wrote (memos, names of assets) if it looks like a formula; so
it is written as text there. Amounts are written by us and stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from node.cli import output, show
from node.cli.books import Books, asset_id, movement_data

if TYPE_CHECKING:
    from shielded.ledger import Movement

SCHEMA: Final = "chiaro.ledger/1"
COLUMNS: Final = (
    "height",
    "time",
    "tx_id",
    "direction",
    "asset",
    "asset_id",
    "amount",
    "effect",
    "running",
    "running_is",
    "fee",
    "counterparty",
    "memo",
    "internal",
    "output",
    "seen_with",
)
_FORMULA: Final = frozenset("=+-@")
_INNER: Final = re.compile("[;\n] *(?=([^ ]))")
"""Where a line, or a cell between semicolons, begins; and with what."""
_BLANK: Final = frozenset("\t\r\n")


def to_csv(books: Books) -> str:
    """RFC 4180: a header, one record a movement, CRLF, UTF-8 text. Ends of lines in memos stay."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(COLUMNS)
    for movement in books.ledger.movements:
        writer.writerow(_record(movement, books))
    return text.getvalue()


def _record(movement: Movement, books: Books) -> tuple[str, ...]:
    data, view = movement_data(movement, books), books.ledger.view
    memo = data["memo"] or data["memo_hex"] or ""
    return (
        str(movement.height),
        books.time(movement.height),
        data["tx_id"],
        movement.direction,
        cell(data["unit"]),
        asset_id(movement.kind),
        data["amount"],
        data["effect"],
        data["running"],
        view.running,
        data["fee"] or "",
        cell(data["counterparty"] or ""),
        cell(memo),
        "yes" if movement.internal else "no",
        "" if movement.output is None else str(movement.output),
        f"{view} viewing key: {view.shows}",
    )


def cell(text: str) -> str:
    """Text of others for a spreadsheet: never a formula, nothing that acts.  Rule SH-65.

    An apostrophe goes before what a program may read as a formula: the four signs, also in their
    full-width forms and behind blanks, and a leading tab or line end. So it does behind a semicolon
    or line end: where a comma is the decimal sign, programs split there, and heed no quotes that
    stand within a line. Other control characters become escapes.
    """
    shown = output.printable(text, lines=True)
    shown = _INNER.sub(lambda found: found[0] + "'" * _begins_formula(found[1]), shown)
    acts = _begins_formula(text.lstrip()) or text[:1] in _BLANK
    return f"'{shown}" if text and acts else shown


def _begins_formula(text: str) -> bool:
    return unicodedata.normalize("NFKC", text[:1])[:1] in _FORMULA


def head(books: Books) -> dict[str, Any]:
    """The document `chiaro.ledger/1` without its movements: whose, how far, sums and limits."""
    ledger = books.ledger
    return {
        "schema": SCHEMA,
        "wallet": books.wallet,
        "profile": books.profile,
        "chain_id": "0x" + books.chain_id if books.chain_id else None,
        "seen_with": str(ledger.view),
        "shows": ledger.view.shows,
        "not_proved": list(books.statement),
        "birthday": ledger.birthday,
        "scanned": ledger.height,
        "running_is": ledger.view.running,
        "totals": [
            {**show.amount(total, books.names(kind)), "asset_id": asset_id(kind)}
            for kind, total in sorted(ledger.totals.items(), key=lambda item: books.names(item[0]))
        ],
    }


def to_json(books: Books) -> dict[str, Any]:
    """The document `chiaro.ledger/1`; members are only ever added."""
    listed = [movement_data(movement, books) for movement in books.ledger.movements]
    return {**head(books), "movements": listed}
