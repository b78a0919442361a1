"""The report of an audit: one HTML page without scripts, fonts or network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import resources
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from node.cli import svg
from node.cli.audit_show import PARTS, culprit_row, dark_lines, kind_name, names
from node.cli.demo_facts import duration, units
from node.cli.demo_picture import sphere
from node.core.ids import EnvironmentId, Kind

if TYPE_CHECKING:
    from node.audit.report import AuditReport

_STYLE: Final = (
    ".pair{display:grid;grid-template-columns:1fr 1fr;gap:8px 40px;max-width:1240px}"
    ".pair h4{margin-bottom:0}"
    ".wide{overflow-x:auto}.wide .plain{max-width:none}"
    ".plain td.hash{font-family:var(--mono);font-size:.8rem;overflow-wrap:anywhere}"
    ".plain td.rule{white-space:nowrap}.plain .number+td,.plain .number+th{padding-left:24px}"
    ".line-light,.line-shade{fill:none;stroke-width:2.5;stroke-linejoin:round}"
    ".line-light{stroke:var(--light)}.line-shade{stroke:var(--shade)}"
    ".line-light-area{fill:var(--light);fill-opacity:.22}"
    ".line-shade-area{fill:var(--shade);fill-opacity:.22}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:.86rem/1.5 var(--mono);max-width:900px}"
    "@media (max-width:1000px){.pair{grid-template-columns:1fr}}"
    "@media (max-width:760px){.plain td.rule{white-space:normal}.plain{font-size:.85rem}}"
)
_MOST_KINDS: Final = 8
"""Drawn; the table has all of them."""
_MOST_CULPRITS: Final = 200

LIMITS: Final = (
    (
        "What is inside the shielded pool.",
        "Amounts of notes are hidden. The turnstile bounds their sum: never more can leave the "
        "pool than what entered it. If the proof system were broken, false notes could circulate "
        "inside unseen, up to that bound.",
    ),
    (
        "That the setup's secrets are gone.",
        "Whoever knows the secrets behind a verifying key can prove anything under it. A ceremony "
        "leaves that to its contributors; development keys come from a published seed and prove "
        "nothing to anybody.",
    ),
    (
        "That this is the history others have.",
        "A single validator signs nothing: a complete other history can be made for another "
        "audience. Compare the chain id and the hash of the last block with what others hold "
        "(--expect-chain, --expect-tip).",
    ),
    (
        "Who is behind a transaction.",
        "Keys, not persons; within the pool not even keys. Whether a transfer was lawful, wanted "
        "or paid for is not in the chain.",
    ),
    (
        "That this program is right.",
        "It has not been audited. It shares its rules with the node whose chain it checks; bundle "
        "and rules are documented so that another program can do the same.",
    ),
)


def render(report: AuditReport) -> str:
    """The whole page."""
    style = resources.files("node.cli").joinpath("report.css").read_text(encoding="utf-8")
    sections = [
        _section("The checks", "What was checked", _checks(report)),
        _section("The keys", "On whose word proofs count", _keys(report)),
        _section("The supply", "Where every unit is", _supply(report)),
        _section("The work", "Transactions and proofs", _work(report)),
        _section("The limits", "What an audit cannot tell", _limits()),
        _section("Again", "On your machine", _again(report)),
    ]
    if report.culprits:
        sections.insert(0, _section("The culprits", "What does not hold", _culprits(report)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Chiaroscuro: audit of {escape(report.name)}</title><style>{style}{_STYLE}</style>"
        f"</head><body>{_hero(report)}<main>{_warnings(report)}{''.join(sections)}</main>"
        f"{_footer()}</body></html>\n"
    )


# --- frame ----------------------------------------------------------------------------------------


def _hero(report: AuditReport) -> str:
    counts, per_proof = report.counts, report.milliseconds_per_proof
    figures = (
        (f"{counts.blocks:,}", "blocks executed"),
        (f"{counts.transactions:,}", "transactions in them"),
        (f"{counts.proofs:,}", "proofs in them"),
        (
            duration(report.seconds),
            "for this run" if per_proof is None else f"for this run; {per_proof:.2f} ms a proof",
        ),
    )
    cells = "".join(
        f"<div><strong>{escape(value)}</strong><span>{escape(what)}</span></div>"
        for value, what in figures
    )
    if report.valid:
        title = "The chain holds"
        lead = (
            f"All {report.height:,} blocks of {report.name}, from genesis on, were checked and "
            "executed again. Every proof and signature verifies, every root is the one computed "
            "here, and the supply adds up after every block."
        )
    else:
        title = "The chain does not hold"
        many = len(report.culprits) + report.more
        lead = (
            f"{many:,} {'place breaks' if many == 1 else 'places break'} the rules of "
            f"{report.name}. Execution holds up to block {report.executed:,}."
        )
    return (
        '<header class="hero"><div class="hero-in">'
        '<div class="hero-words"><p class="over">Chiaroscuro · audit</p>'
        f"<h1>{title}</h1>"
        f'<p class="lead">{escape(lead)}</p>'
        f'<p class="verdict {"good" if report.valid else "bad"}">'
        f"{'VALID' if report.valid else 'INVALID'}, as of block {report.height:,}</p></div>"
        f"{sphere()}</div>"
        f'<div class="figures">{cells}</div>'
        f'<p class="stamp">{escape(report.source)} · {datetime.now(UTC):%-d %B %Y, %H:%M} UTC</p>'
        "</header>"
    )


def _warnings(report: AuditReport) -> str:
    lines = [f"<strong>Keys.</strong> {escape(k.warning)}." for k in report.keys if k.warning]
    if not lines:
        return ""
    return '<aside class="safety">' + "".join(f"<p>{line}</p>" for line in lines) + "</aside>"


def _section(over: str, title: str, body: str) -> str:
    return f'<section><p class="over">{escape(over)}</p><h2>{escape(title)}</h2>{body}</section>'


def _footer() -> str:
    return (
        f"<footer><p>chiaroscuro {escape(version('chiaroscuro'))}</p><p>Made by "
        "<code>chiaro audit</code>; this file loads nothing and runs nothing.</p></footer>"
    )


# --- sections -------------------------------------------------------------------------------------


def _culprits(report: AuditReport) -> str:
    shown = report.culprits[:_MOST_CULPRITS]
    table = _table(
        ("block", "place", "transaction", "rule", "what"),
        [culprit_row(item) for item in shown],
        css={2: "hash", 3: "rule"},
    )
    left = len(report.culprits) - len(shown) + report.more
    text = (
        "<p>In the order of blocks. Links, forms, signatures and proofs were checked to the end of "
        "the history; what needs the state, up to the first block that does not hold. "
        f"{report.run_proofs:,} proofs were judged in this run.</p>"
    )
    if report.stopped:
        text += f"<p>Execution ended: {escape(report.stopped)}.</p>"
    return text + table + (f"<p>And {left:,} more.</p>" if left else "")


def _checks(report: AuditReport) -> str:
    counts = report.counts
    rows = (
        (
            "S-12",
            "Genesis hashes to the chain id: parameters, allocations, circuits, keys, ceremony",
            report.chain_id.hex()[:16] + "…",
        ),
        ("CH-1 … CH-6", "Each block follows the one before, and carries the transactions it names",
         f"{report.height:,} blocks"),
        ("CH-7, CH-8", "Sizes, encodings, expiries, stateless rules of every transaction",
         f"{counts.transactions:,} transactions"),
        ("SH-15 … SH-20, TR-4", "Every signature of a spender, of an account, of a balance",
         f"{counts.shielded:,} shielded, {counts.transactions - counts.shielded:,} other"),
        ("S-11, SH-6", "Every proof, under linted keys, in batches that name each false one",
         f"{counts.proofs:,} proofs"),
        ("EX-5 … EX-7", "No nullifier twice: in a transaction, in a block, ever",
         "by execution"),
        ("SH-12", "Every anchor is a recent root of the note tree", "by execution"),
        ("CH-4, AUD-014", "The state root after every block is the one that the next one names",
         f"{report.executed:,} roots"),
        ("AUD-013", "Receipts are byte for byte those of this execution",
         f"{counts.transactions:,} receipts, {counts.refused:,} of them refusals"),
        ("EX-15, AUD-016", "The turnstile follows from genesis and receipts, and is the state's",
         f"{report.executed:,} blocks"),
        ("AUD-016", "All balances summed, against the turnstile and genesis",
         f"{report.balances_audited:,} times"),
    )  # fmt: skip
    mark = "✓" if report.valid else ""
    text = (
        "<p>Nothing is taken from the file or the node but the blocks themselves. "
        "<code>chiaro explain RULE</code> has each of these.</p>"
    )
    if report.resumed:
        text += (
            f"<p>Blocks 1 to {report.resumed:,} were checked by an earlier run of this program, "
            "whose work was kept on this machine.</p>"
        )
    return text + _table(
        ("", "rule", "what", "how much"), [(mark, *row) for row in rows], css={1: "rule"}
    )


def _keys(report: AuditReport) -> str:
    rows = [(key.statement, key.made, key.verifying_key, key.r1cs) for key in report.keys]
    text = _table(
        ("statement", "made by", "verifying key", "circuit"),
        rows,
        css={2: "hash", 3: "hash"},
    )
    if report.ceremony:
        lines = "".join(f"<li>{escape(line)}</li>" for line in report.ceremony)
        text += f"<h3>Ceremonies on record</h3><ul>{lines}</ul>"
    else:
        text += '<p class="aside">No record of a ceremony came with this chain.</p>'
    return text + _values(
        (
            ("chain id", report.chain_id.hex()),
            ("profile", report.profile),
            ("last block", f"{report.height}, {report.tip.hex()}"),
            ("state root", f"{report.state_root.hex()}, after block {report.executed}"),
        )
    )


def _supply(report: AuditReport) -> str:
    known = names(report)
    heads = ("asset", *("of it fees" if part == "fees" else part for part in PARTS), "adds up")
    rows = [
        (
            kind_name(row.kind, known),
            *(units(getattr(row, part)) for part in PARTS),
            "✓" if row.adds_up else "✗",
        )
        for row in report.supply
    ]
    text = (
        "<p>Nobody sees amounts inside the pool, yet everybody can count what entered and what "
        "left it.</p>" + _table(heads, rows, numeric=range(1, 6))
    )
    text += "".join(f"<p>{escape(line)}</p>" for line in dark_lines(report, known))
    moved = _moved(report)
    for kind in moved[:_MOST_KINDS]:
        text += f"<h3>{escape(kind_name(kind, known))}, block by block</h3>"
        text += _curves(report, kind)
    still = len(report.supply) - len(moved)
    if still > 0:
        text += (
            f'<p class="aside">{still} '
            f"{'asset' if still == 1 else 'assets'} never crossed between environments.</p>"
        )
    return text


def _moved(report: AuditReport) -> list[Kind]:
    """Kinds that ever were outside the transparent environment, in the order of kinds."""
    hidden = (EnvironmentId.SHIELDED, EnvironmentId.PRIVATE, EnvironmentId.STAKE)
    found = {
        kind
        for point in report.points
        for kind, parts in point.held.items()
        if any(parts.get(place) for place in hidden)
    }
    return sorted(found, key=lambda kind: (kind.logic, kind.label))


def _curves(report: AuditReport, kind: Kind) -> str:
    titles = {
        EnvironmentId.SHIELDED: ("in the shielded pool", "line-shade"),
        EnvironmentId.PRIVATE: ("in the private pool", "line-shade"),
        EnvironmentId.STAKE: ("at stake", "line-light"),
        EnvironmentId.TRANSPARENT: ("on transparent accounts", "line-light"),
    }
    parts = []
    for place, (title, css) in titles.items():
        values = [float(p.held.get(kind, {}).get(place, 0)) / 1e6 for p in report.points]
        if place in (EnvironmentId.PRIVATE, EnvironmentId.STAKE) and not any(values):
            continue
        # Nearly all is on accounts: from zero it is a flat line. What of a dark pool is known may
        # lie below zero.
        cut = place is EnvironmentId.TRANSPARENT or min(values, default=0) < 0
        label = f"Units {title} after each block"
        chart = _steps(report, values, css, label, full if cut else short, cut=cut)
        note = "; the axis does not begin at zero" if cut else ""
        parts.append(f"<div><h4>{title}{note}</h4>{chart}</div>")
    return f'<div class="pair">{"".join(parts)}</div>'


def _work(report: AuditReport) -> str:
    if not report.points:
        return "<p>There is no block yet.</p>"
    proofs = [p.proofs / p.blocks for p in report.points]
    times = [p.proof_ms or 0.0 for p in report.points]
    run = report.points[0].blocks
    per = "block" if run == 1 else f"block, means of {run:,} blocks"
    parts = [
        f"<div><h4>proofs per {per}</h4>"
        + _steps(report, proofs, "line-light", "Proofs per block", short)
        + "</div>"
    ]
    if any(times):
        parts.append(
            "<div><h4>milliseconds a proof, where it was verified</h4>"
            + _steps(report, times, "line-shade", "Milliseconds per proof", short)
            + "</div>"
        )
    counts = report.counts
    return (
        f"<p>{counts.shielded:,} shielded transactions took effect; {counts.private_transfers:,} "
        "of them stayed wholly inside the pool. Proofs of many blocks are verified together by one "
        "random combination; where it fails, halves are tried down to each false proof.</p>"
        f'<div class="pair">{"".join(parts)}</div>'
    )


def _steps(
    report: AuditReport,
    values: Sequence[float],
    css: str,
    label: str,
    written: Callable[[float], str],
    *,
    cut: bool = False,
) -> str:
    ticks = [point.height - point.blocks + 1 for point in report.points]
    chart = svg.steps(ticks, values, label, written, css=css, cut=cut)
    return f'{chart}<p class="axis">block</p>'


def full(value: float) -> str:
    """A number for an axis that is cut: shortened only where nothing of it is lost."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.8g}{suffix}"
    return f"{value:.6g}"


def short(value: float) -> str:
    """A number for an axis: at most five characters."""
    for size, suffix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def _limits() -> str:
    return "".join(f"<h4>{escape(what)}</h4><p>{escape(why)}</p>" for what, why in LIMITS)


def _again(report: AuditReport) -> str:
    tip, chain = report.tip.hex(), report.chain_id.hex()
    command = (
        f"chiaro audit verify BUNDLE.tar --fresh --expect-chain {chain} --expect-tip {tip}"
        if report.source.startswith("bundle")
        else "chiaro chain audit --fresh"
    )
    by_hand = (
        "tar tf BUNDLE.tar | grep -v '^end.json$' > names; tar xf BUNDLE.tar\n"
        "xargs b2sum -l 256 < names | b2sum -l 256; cat end.json"
    )
    return (
        f"<pre>{escape(command)}</pre>"
        "<p>The digest over all members of a bundle, without this program:</p>"
        f"<pre>{escape(by_hand)}</pre>"
        "<p class='aside'>docs/audit.md describes the bundle, member by member.</p>"
    )


# --- parts ----------------------------------------------------------------------------------------


def _values(rows: Sequence[tuple[str, str]]) -> str:
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows)
    return f'<dl class="values">{items}</dl>'


def _table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numeric: Sequence[int] = (),
    css: dict[int, str] | None = None,
) -> str:
    def cell(tag: str, column: int, content: str) -> str:
        name = "number" if column in numeric else (css or {}).get(column, "")
        return f'<{tag} class="{name}">{escape(content)}</{tag}>'

    head = "".join(cell("th", i, h) for i, h in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(cell("td", i, c) for i, c in enumerate(row)) + "</tr>" for row in rows
    )
    return (
        '<div class="wide"><table class="plain"><thead><tr>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
