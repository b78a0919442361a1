"""The frame of a demonstration's report: one HTML file that needs no network, scripts or fonts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib import resources
from typing import Final

from node.cli.demo_facts import Checked
from node.cli.demo_picture import sphere

SAFETY: Final = (
    "Research software; nobody has audited it; do not put value on it. "
    "The curve, BN254, gives about 100 bits of security. Nothing is constant-time. "
    "The keys of this run come from a published seed: anyone can forge proofs under them."
)


@dataclass(frozen=True, slots=True)
class Hero:
    """The head of a page.

    Attributes:
        title: of the browser's window.
        heading, lead: what it is about.
        verdict, valid: how it came out.
        figures: four of them: value and what it is.
        chain_id: hexadecimal.
        started_ms: wall clock, milliseconds since 1970.
    """

    title: str
    heading: str
    lead: str
    verdict: str
    valid: bool
    figures: Sequence[tuple[str, str]]
    chain_id: str
    started_ms: int


def page(hero: Hero, sections: Sequence[str], footer: str) -> str:
    """The whole page.

    Args:
        hero: its head.
        sections: made by `section`.
        footer: made by `footer`.
    """
    style = resources.files("node.cli").joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Chiaroscuro: {escape(hero.title)}</title><style>{style}</style></head><body>"
        f"{_hero(hero)}<main>{_safety()}{''.join(sections)}</main>{footer}</body></html>\n"
    )


def _hero(hero: Hero) -> str:
    when = datetime.fromtimestamp(hero.started_ms / 1000, UTC)
    cells = "".join(
        f"<div><strong>{escape(value)}</strong><span>{escape(what)}</span></div>"
        for value, what in hero.figures
    )
    return (
        '<header class="hero"><div class="hero-in"><div class="hero-words">'
        f'<p class="over">Chiaroscuro</p><h1>{escape(hero.heading)}</h1>'
        f'<p class="lead">{escape(hero.lead)}</p>'
        f'<p class="verdict {"good" if hero.valid else "bad"}">{escape(hero.verdict)}</p></div>'
        f'{sphere()}</div><div class="figures">{cells}</div>'
        f'<p class="stamp">chain <code>{hero.chain_id[:16]}…</code> · '
        f"{when:%-d %B %Y, %H:%M} UTC</p></header>"
    )


def _safety() -> str:
    return f'<aside class="safety"><p><strong>Not for value.</strong> {escape(SAFETY)}</p></aside>'


def section(over: str, title: str, body: str) -> str:
    """A section; `body` is HTML."""
    return f'<section><p class="over">{escape(over)}</p><h2>{escape(title)}</h2>{body}</section>'


def next_steps(commands: Sequence[tuple[str, str]]) -> str:
    """For whom, and what to type next."""
    rows = "".join(
        f"<li><span>{escape(who)}</span><code>{escape(command)}</code></li>"
        for who, command in commands
    )
    return section("Next", "Three commands to try", f'<ul class="next">{rows}</ul>')


def footer(versions: Sequence[tuple[str, str]], words: str) -> str:
    """Versions, and a last line of HTML."""
    listed = " · ".join(f"{escape(name)} {escape(value)}" for name, value in versions)
    return f"<footer><p>{listed}</p><p>{words}</p></footer>"


def checks(items: Sequence[Checked]) -> str:
    """A list of properties, held or not."""
    listed = "".join(
        f'<li class="{"good" if check.ok else "bad"}"><b>{"✓" if check.ok else "✗"}</b>'
        f"<span><strong>{escape(check.id)}</strong> "
        f"{escape(f'[{check.code}] ' if check.code else '')}{escape(check.detail)}</span></li>"
        for check in items
    )
    return f'<ul class="checks">{listed}</ul>'


def values(rows: Sequence[tuple[str, str]], title: str, *, opened: bool = False) -> str:
    """Names and values, folded away unless `opened`."""
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows)
    listed = f'<dl class="values">{items}</dl>'
    if opened:
        return (f"<h4>{escape(title)}</h4>" if title else "") + listed
    return f"<details><summary>{escape(title)}</summary>{listed}</details>"


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, numeric: Sequence[int] = ()
) -> str:
    """A plain table; columns of `numeric` are aligned to the right."""

    def cell(tag: str, column: int, content: str) -> str:
        css = ' class="number"' if column in numeric else ""
        return f"<{tag}{css}>{escape(content)}</{tag}>"

    head = "".join(cell("th", i, h) for i, h in enumerate(headings))
    body = "".join(
        "<tr>" + "".join(cell("td", i, c) for i, c in enumerate(row)) + "</tr>" for row in rows
    )
    return f'<table class="plain"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def roles_table(
    roles: Sequence[tuple[str, str]], rows: Sequence[tuple[str, Sequence[str | None]]]
) -> str:
    """Who saw what; on narrow screens each row becomes a card.

    Args:
        roles: names, and who that is.
        rows: what → what each role read of it; None is a veil.
    """
    head = "".join(
        f'<th scope="col">{escape(name)}<small>{escape(what)}</small></th>' for name, what in roles
    )
    body = []
    for what, cells in rows:
        filled = "".join(
            f'<td data-role="{escape(name, quote=True)}">{_cell(value)}</td>'
            for (name, _), value in zip(roles, cells, strict=True)
        )
        body.append(f'<tr><th scope="row">{escape(what)}</th>{filled}</tr>')
    return (
        f'<table class="roles"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _cell(value: str | None) -> str:
    if value is None:
        return '<span class="veil"><span class="unseen">hidden</span></span>'
    return f"<span class='seen'>{escape(value)}</span>"
