"""The report of a demonstration: one HTML file that needs no network, no scripts and no fonts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from node.cli import svg
from node.cli.demo_facts import DemoFacts, duration, units
from node.cli.demo_page import (
    Hero,
    checks,
    footer,
    next_steps,
    page,
    roles_table,
    section,
    table,
    values,
)
from node.cli.demo_picture import picture
from node.cli.demo_roles import ROLES, rows

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


def render(facts: DemoFacts, next_commands: Sequence[tuple[str, str]]) -> str:
    """The whole page.

    Args:
        facts: of the run.
        next_commands: for whom, and what to type.
    """
    hero = Hero(
        title="a private transfer",
        heading="A private transfer, from end to end",
        lead=f"{units(facts.transfer.amount, facts.transfer.asset)} went from Alice to Bob on a "
        "public chain. Everyone can check that nothing was made or spent twice; only those "
        "concerned can read who paid whom, and what.",
        verdict="The proof verifies, the supply adds up."
        if facts.valid
        else "Something does not hold: see the checks below.",
        valid=facts.valid,
        figures=(
            (duration(facts.prove_seconds), "to prove"),
            (duration(facts.verify_seconds), "to verify"),
            (f"{facts.statement.proof_bytes} bytes", "of proof"),
            (duration(facts.seconds), "from start to end"),
        ),
        chain_id=facts.chain_id,
        started_ms=facts.started_ms,
    )
    sections = (
        section("The way", "The way of the transfer", _way(facts)),
        section("The roles", "What each role saw", _roles(facts)),
        section("The proof", "Making it, checking it", _proof(facts)),
        section("The statement", "What the proof states, and what that costs", _statement(facts)),
        section("The supply", "Hidden amounts, open sums", _supply(facts)),
        section("The auditor", "One output, opened", _auditor(facts)),
        section("The run", "Step by step", _run(facts)),
        next_steps(next_commands),
    )
    words = (
        "Made offline by <code>chiaro demo</code>; this file loads nothing and runs nothing. Alice "
        "and Bob lived for one run; their keys are gone."
    )
    return page(hero, sections, footer(facts.versions, words))


# --- sections -------------------------------------------------------------------------------------


def _way(facts: DemoFacts) -> str:
    t = facts.transfer
    return (
        "<p>The wallet chose a note, wrote the plan and proved it on this machine. The lit "
        "cards show what left it. Bob’s wallet read every output of every block and could open "
        f"exactly one of them.</p>{picture(facts)}"
        + values(
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
        f"{roles_table(ROLES, rows(facts))}"
        f"<p class='aside'>A note hides among all notes there are, and this tree held {crowd}: on "
        "a small chain the crowd is small. Shielding and unshielding happen in the light:</p>"
        + table(
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
        f"{checks((*facts.checks, *again))}"
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
        + values(
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
        + table(
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
        + values(
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
