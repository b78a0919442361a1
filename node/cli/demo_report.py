"""The report of a demonstration: one HTML file that needs no network, no scripts and no fonts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from importlib import resources
from typing import Final

from node.cli import svg
from node.cli.demo_facts import Checked, DemoFacts, duration, units
from node.cli.demo_picture import picture, sphere
from node.cli.demo_roles import roles_table

PHASES: Final = {
    "witness": "witness",
    "ntt": "quotient (NTT)",
    "msm_a": "A in G1",
    "msm_b1": "B in G1",
    "msm_b2": "B in G2",
    "msm_c": "C in G1",
    "msm_h": "H in G1",
    "verify": "own check",
}
SAFETY: Final = (
    "Research software; nobody has audited it; do not put value on it. "
    "The curve, BN254, gives about 100 bits of security. Nothing is constant-time. "
    "The keys of this run come from a published seed: anyone can forge proofs under them."
)


def render(facts: DemoFacts, next_commands: Sequence[tuple[str, str]]) -> str:
    """The whole page.

    Args:
        facts: of the run.
        next_commands: for whom, and what to type.
    """
    style = resources.files("node.cli").joinpath("report.css").read_text(encoding="utf-8")
    sections = (
        _section("The way", "The way of the transfer", _way(facts)),
        _section("The roles", "What each role saw", _roles(facts)),
        _section("The proof", "Making it, checking it", _proof(facts)),
        _section("The statement", "What the proof states, and what that costs", _statement(facts)),
        _section("The supply", "Hidden amounts, open sums", _supply(facts)),
        _section("The auditor", "One output, opened", _auditor(facts)),
        _section("The run", "Step by step", _run(facts)),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Chiaroscuro: a private transfer</title><style>{style}</style></head><body>"
        f"{_hero(facts)}<main>{_safety()}{''.join(sections)}{_next(next_commands)}</main>"
        f"{_footer(facts)}</body></html>\n"
    )


# --- frame ----------------------------------------------------------------------------------------


def _hero(facts: DemoFacts) -> str:
    when = datetime.fromtimestamp(facts.started_ms / 1000, UTC)
    figures = (
        (duration(facts.prove_seconds), "to prove"),
        (duration(facts.verify_seconds), "to verify"),
        (f"{facts.statement.proof_bytes} bytes", "of proof"),
        (duration(facts.seconds), "from start to end"),
    )
    cells = "".join(
        f"<div><strong>{escape(value)}</strong><span>{escape(what)}</span></div>"
        for value, what in figures
    )
    verdict = (
        "The proof verifies, the supply adds up."
        if facts.valid
        else "Something does not hold: see the checks below."
    )
    return (
        '<header class="hero"><div class="hero-in"><div class="hero-words">'
        '<p class="over">Chiaroscuro</p><h1>A private transfer, from end to end</h1>'
        f'<p class="lead">{escape(units(facts.transfer.amount, facts.transfer.asset))} went from '
        "Alice to Bob on a public chain. Everyone can check that nothing was made or spent twice; "
        "only those concerned can read who paid whom, and what.</p>"
        f'<p class="verdict {"good" if facts.valid else "bad"}">{verdict}</p></div>{sphere()}</div>'
        f'<div class="figures">{cells}</div>'
        f'<p class="stamp">chain <code>{facts.chain_id[:16]}…</code> · '
        f"{when:%-d %B %Y, %H:%M} UTC</p></header>"
    )


def _safety() -> str:
    return f'<aside class="safety"><p><strong>Not for value.</strong> {escape(SAFETY)}</p></aside>'


def _section(over: str, title: str, body: str) -> str:
    return f'<section><p class="over">{escape(over)}</p><h2>{escape(title)}</h2>{body}</section>'


def _next(commands: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f"<li><span>{escape(who)}</span><code>{escape(command)}</code></li>"
        for who, command in commands
    )
    return _section("Next", "Three commands to try", f'<ul class="next">{rows}</ul>')


def _footer(facts: DemoFacts) -> str:
    listed = " · ".join(f"{escape(name)} {escape(value)}" for name, value in facts.versions)
    return (
        f"<footer><p>{listed}</p><p>Made offline by <code>chiaro demo</code>; this file loads "
        "nothing and runs nothing. Alice and Bob lived for one run; their keys are gone.</p>"
        "</footer>"
    )


# --- sections -------------------------------------------------------------------------------------


def _way(facts: DemoFacts) -> str:
    t = facts.transfer
    return (
        "<p>The wallet chose a note, wrote the plan and proved it on this machine. The lit "
        "cards show what left it. Bob’s wallet read every output of every block and could open "
        f"exactly one of them.</p>{picture(facts)}"
        + _values(
            (
                ("transaction", "0x" + t.tx_id),
                ("block", f"{t.height}, 0x{t.block_hash}"),
                ("anchor", str(t.anchor)),
                *((f"nullifier {i}", str(v)) for i, v in enumerate(t.nullifiers)),
                *((f"commitment {i}", str(v)) for i, v in enumerate(t.commitments)),
            ),
            "Every public value of the transfer",
        )
    )


def _roles(facts: DemoFacts) -> str:
    crowd = facts.transfer.set_size
    return (
        "<p>The actual values of this run, as far as each role can read them. "
        '<span class="veil"></span> is what it cannot.</p>'
        f"{roles_table(facts)}"
        f"<p class='aside'>A note hides among all notes there are, and this tree held {crowd}: on "
        "a small chain the crowd is small. Shielding and unshielding happen in the light:</p>"
        + _table(
            ("", "account", "amount", "block"),
            [
                (
                    item.what,
                    f"0x{item.account[:12]}…",
                    units(item.amount, "native"),
                    str(item.height),
                )
                for item in facts.crossings
            ],
            numeric=(2, 3),
        )
    )


def _proof(facts: DemoFacts) -> str:
    start, items = 0.0, []
    for phase in facts.phases:
        name = PHASES.get(phase.name, phase.name)
        items.append(
            svg.Bar(
                name, phase.seconds, duration(phase.seconds), start, muted=phase.name == "verify"
            )
        )
        start += phase.seconds
    fast = f"{facts.backend} kernels"
    checking = (
        svg.Bar(f"equation, {fast}", facts.verify_seconds, duration(facts.verify_seconds)),
        svg.Bar(f"all checks, {fast}", facts.checks_seconds, duration(facts.checks_seconds)),
        svg.Bar(
            "all checks, reference", facts.reference_seconds, duration(facts.reference_seconds)
        ),
    )
    again = [c for c in facts.reference_checks if c.id == "pairing" or not c.ok]
    key = "it was built in this run" if facts.key_built else "it came from the cache"
    return (
        f"<h3>Making the proof: {escape(duration(facts.prove_seconds))}</h3>"
        f"<p>Groth16 over BN254, by the {escape(facts.backend)} kernels. The proving key is not "
        f"part of these times; {key}.</p>"
        f"{svg.bars(items, 'Time of each phase of the proof')}"
        "<h3>Checking it</h3><p>From the documents that any tool of this field reads, every "
        "property by itself. The equation is checked twice, by code that shares no arithmetic: "
        "compiled kernels, and the plain reference that is written to be read.</p>"
        f"{svg.bars(checking, 'Time of one verification', labels=220, css='bar-shade')}"
        f"{_checks((*facts.checks, *again))}"
        "<p class='aside'>One public input raised by one, and the same proof is refused: "
        f"<code>{escape(facts.tampered_refused_by)}</code>.</p>"
    )


def _statement(facts: DemoFacts) -> str:
    s = facts.statement
    used = s.rows + s.publics + 1
    rows = [
        svg.Bar(f"{clause.id}  {clause.title}", clause.rows, f"{clause.rows:,}")
        for clause in s.clauses
    ]
    return (
        f"<p>The statement <code>{escape(s.id)}</code>: two notes are consumed and two created. It "
        f"has {s.rows:,} rows, each one product that must come out right. With the public inputs "
        f"{used:,} of {s.domain:,} are taken.</p>"
        f"{svg.bars(rows, 'Rows of each clause', labels=260)}"
        + _values(
            (
                ("digest of the constraint system", "0x" + s.digest),
                ("verifying key", "0x" + s.verifying_key),
            ),
            "What ties this proof to its statement",
            opened=True,
        )
        + (f'<p class="aside">{escape(s.unsafe)}</p>' if s.unsafe else "")
    )


def _supply(facts: DemoFacts) -> str:
    s = facts.supply
    points = s.history
    bands = (
        svg.Band("shielded", [p.shielded for p in points], "area-shade"),
        svg.Band("public", [p.public for p in points], "area-light"),
    )
    chart = svg.stacked_steps(
        [p.height for p in points],
        bands,
        "Units outside the faucet after each block, in the shielded pool and on public accounts",
        lambda value: units(round(value)),
    )
    adds_up = f"{units(s.sum)} = {units(s.issued)}"
    return (
        "<p>Nobody sees amounts inside the shielded pool, yet everybody can count what entered and "
        "what left it. The chart shows what left the faucet, after each block.</p>"
        '<p class="legend"><span class="key area-shade-key"></span>shielded pool'
        '<span class="key area-light-key"></span>public accounts, fees included</p>'
        f"{chart}<p class='axis'>block</p>"
        + _table(
            ("pool", "units"),
            [
                ("transparent, the faucet included", units(s.transparent)),
                ("  of these, fees", units(s.fees)),
                ("shielded", units(s.shielded)),
                ("private", units(s.private)),
                ("sum", units(s.sum)),
                ("issued at genesis", units(s.issued)),
            ],
            numeric=(1,),
        )
        + f'<p class="verdict {"good" if s.balanced else "bad"}">'
        + (f"It adds up: {adds_up}." if s.balanced else f"It does not add up: {adds_up}.")
        + "</p>"
    )


def _auditor(facts: DemoFacts) -> str:
    d = facts.disclosure
    return (
        "<p>Alice handed one file to an auditor. With it and the public chain, and without any "
        "key, the auditor recomputed the commitment and the ciphertext of one output. It proves "
        "what was paid and to which address; it does not prove who paid.</p>"
        + _values(
            (
                ("output", f"action {d.action}, slot {d.slot}"),
                ("amount", units(d.amount, d.asset)),
                ("to", d.address),
                ("memo", d.memo),
                ("commitment, recomputed", str(d.commitment)),
                ("time", duration(d.seconds)),
            ),
            "",
            opened=True,
        )
        + "<p class='aside'>The same disclosure with one base unit more was refused: "
        f"<code>{escape(d.altered_refused_by)}</code>.</p>"
    )


def _run(facts: DemoFacts) -> str:
    start, items = 0.0, []
    for step in facts.steps:
        items.append(svg.Bar(step.title, step.seconds, duration(step.seconds), start))
        start += step.seconds
    return svg.bars(items, "Time of each step of the run", labels=230, css="bar-shade")


# --- parts ----------------------------------------------------------------------------------------


def _checks(checks: Sequence[Checked]) -> str:
    items = "".join(
        f'<li class="{"good" if check.ok else "bad"}"><b>{"✓" if check.ok else "✗"}</b>'
        f"<span><strong>{escape(check.id)}</strong> "
        f"{escape(f'[{check.code}] ' if check.code else '')}{escape(check.detail)}</span></li>"
        for check in checks
    )
    return f'<ul class="checks">{items}</ul>'


def _values(rows: Sequence[tuple[str, str]], title: str, *, opened: bool = False) -> str:
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows)
    listed = f'<dl class="values">{items}</dl>'
    if opened:
        return (f"<h4>{escape(title)}</h4>" if title else "") + listed
    return f"<details><summary>{escape(title)}</summary>{listed}</details>"


def _table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, numeric: Sequence[int] = ()
) -> str:
    def cell(tag: str, column: int, content: str) -> str:
        css = ' class="number"' if column in numeric else ""
        return f"<{tag}{css}>{escape(content)}</{tag}>"

    head = "".join(cell("th", i, h) for i, h in enumerate(headings))
    body = "".join(
        "<tr>" + "".join(cell("td", i, c) for i, c in enumerate(row)) + "</tr>" for row in rows
    )
    return f'<table class="plain"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
