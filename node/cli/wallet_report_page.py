"""The page of `chiaro wallet report`: one HTML file without scripts, fonts or network."""

from __future__ import annotations

from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Final

from node.cli import output, show, svg
from node.cli.wallet_report import MOST_ROWS, rows

if TYPE_CHECKING:
    from node.cli.books import Books
    from node.core.ids import Kind

_TITLES: Final = {"balance": "Balance", "received": "Received", "sent": "Sent"}
_HEADINGS: Final = ("block", "time", "movement", "amount", "effect", "with", "memo", "transaction")
_NUMBERS: Final = (0, 3, 4, 5)
_IDENTITIES: Final = (6, 8)
_MEMO: Final = 7
_SAFETY: Final = (
    "Research software; nobody has audited it; do not put value on it. "
    "BN254 gives about 100 bits of security."
)


def page(found: Books, now: str) -> str:
    """The whole page. Every text that others wrote is made printable and escaped.

    Args:
        found: the books.
        now: when it is made, as text.
    """
    style = resources.files("node.cli").joinpath("report.css").read_text(encoding="utf-8")
    view = found.ledger.view
    title = f"Wallet {found.wallet}, seen with the {view} viewing key"
    limits = "".join(f"<li>{escape(line)}</li>" for line in found.statement)
    chain = f"<code>0x{escape(found.chain_id)}</code>" if found.chain_id else "not met yet"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
        f'<section><p class="over">Chiaroscuro</p><h1>{escape(title)}</h1>'
        f"<p>This key shows {escape(view.shows)}.</p>"
        f'<p class="aside break">profile {escape(found.profile)} · chain {chain} · '
        f"scanned to block {found.ledger.height} · made {escape(now)}</p>"
        f'</section><section><p class="over">Limits</p><h2>What this cannot prove</h2>'
        f'<ul class="limits">{limits}</ul></section>'
        f'<section><p class="over">Sums</p><h2>{_TITLES[view.running]} over time</h2>'
        f"{_charts(found)}</section>"
        f'<section><p class="over">Movements</p><h2>What was seen</h2>{_movements(found)}</section>'
        f"</main><footer><p>{escape(_SAFETY)}</p><p>Made offline by <code>chiaro wallet report"
        "</code>; this file loads nothing and runs nothing. It is as private as the key.</p>"
        "</footer></body></html>\n"
    )


def _charts(found: Books) -> str:
    from node.core.ids import NATIVE

    kinds = {NATIVE, *found.ledger.totals}
    ordered = sorted(kinds, key=lambda kind: (kind != NATIVE, found.names(kind)))
    return "".join(_chart(found, kind) for kind in ordered)


def _chart(found: Books, kind: Kind) -> str:
    """The running sum of one asset after each block in which it moved."""
    ledger = found.ledger
    unit = output.printable(found.names(kind))
    last = dict[int, int]()
    for item in ledger.movements:
        if item.kind == kind:
            last[item.height] = item.running
    total = ledger.totals.get(kind, 0)
    head = f"<h3>{escape(f'{show.amount_text(total)} {unit}')}</h3>"
    if not last:
        return f"{head}<p class='aside'>It never moved in these blocks.</p>"
    points = {ledger.birthday: 0, **last, ledger.height: total}
    ticks = sorted(points)
    label = f"{_TITLES[ledger.view.running]} of {unit} after each block"
    band = svg.Band(unit, [float(points[tick]) for tick in ticks], "area-light")
    chart = svg.stacked_steps(ticks, (band,), label, lambda value: show.amount_text(round(value)))
    return f"{head}{chart}<p class='axis'>block</p>"


def _movements(found: Books) -> str:
    listed = rows(found)
    if not listed:
        return "<p>No movement in these blocks.</p>"
    older = len(found.ledger.movements) - MOST_ROWS
    note = (
        f"<p class='aside'>{older} older movements are not listed: <code>chiaro tx export</code> "
        "writes all of them.</p>"
        if older > 0
        else ""
    )
    names = (*_HEADINGS[:5], found.ledger.view.running, *_HEADINGS[5:])
    head = "".join(_cell("th", column, name) for column, name in enumerate(names))
    body = "".join(
        "<tr>" + "".join(_cell("td", i, text) for i, text in enumerate(row)) + "</tr>"
        for row in listed
    )
    return (
        f'{note}<div class="scroll"><table class="plain"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(tag: str, column: int, text: str) -> str:
    """A cell of the movements; long identities show their ends, and all of it under the pointer."""
    css = ' class="number"' if column in _NUMBERS else ' class="long"' if column == _MEMO else ""
    short = show.shorten(text) if column in _IDENTITIES else text
    title = "" if short == text else f' title="{escape(text, quote=True)}"'
    return f"<{tag}{css}{title}>{escape(short)}</{tag}>"
