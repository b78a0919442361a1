"""The report of a demonstration of sealed intents."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from node.cli import svg
from node.cli.demo_facts import duration, units
from node.cli.demo_intents_facts import IntentsFacts, PartyFacts
from node.cli.demo_intents_roles import ROLES, rows
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
from node.cli.demo_picture import Stage, way


def render(facts: IntentsFacts, next_commands: Sequence[tuple[str, str]]) -> str:
    """The whole page.

    Args:
        facts: of the run.
        next_commands: for whom, and what to type.
    """
    ordered, settled = facts.moment("ordered"), facts.moment("settled")
    hero = Hero(
        title="sealed intents",
        heading="A ring of three, sealed until it is ordered",
        lead="Alice, Bob and Carol swapped three assets without trusting each other. Nobody could "
        "read what they wanted before its order was final, and nobody can say whose wishes these "
        f"were. {_spoiled(facts)}",
        verdict="Everyone has what they wanted, and every check holds."
        if facts.valid
        else "Something does not hold: see the checks below.",
        valid=facts.valid,
        figures=(
            (f"{settled.height - ordered.height} blocks", "from order to settlement"),
            (f"{facts.needed} of {facts.validators}", "validators open a batch"),
            (duration(facts.settled.solve_seconds), "to find the ring"),
            (duration(facts.seconds), "from start to end"),
        ),
        chain_id=facts.chain_id,
        started_ms=facts.started_ms,
    )
    sections = (
        section("The way", "The way of three intents", _way(facts)),
        section("The roles", "Who could see what, and when", _roles(facts)),
        section("The parties", "Who has what", _parties(facts)),
        section("The liar", "What one bad validator could do", _liar(facts)),
        *_killed(facts),
        section("The checks", "What an observer checked, with no key", checks(facts.checks)),
        section("The run", "Step by step", _run(facts)),
        next_steps(next_commands),
    )
    story = "intents" if facts.killed is None else "validators"
    words = (
        f"Made offline by <code>chiaro demo {story}</code>; this file loads nothing and runs "
        "nothing. Validators, parties and solver lived for one run; their keys are gone."
    )
    return page(hero, sections, footer(facts.versions, words))


def _spoiled(facts: IntentsFacts) -> str:
    if facts.killed is None:
        return "One of the four validators did what it could to spoil it."
    return (
        "One of the four validators did what it could to spoil it, and another was killed in the "
        "middle."
    )


def picture(facts: IntentsFacts) -> str:
    """The intents' way: heights, and the chain's time."""
    alice = facts.parties[0]
    moments = {moment.id: moment for moment in facts.moments}

    def when(id_: str) -> str:
        moment = moments[id_]
        return f"block {moment.height} · {moment.at_ms / 1000:.2f} s"

    waited = moments["closed"].height - moments["ordered"].height
    return way(
        "The way of the intents",
        (
            Stage(
                "Three wallets",
                f"funded in block {alice.funded}",
                tuple(f"{party.gives} for {party.wants}" for party in facts.parties),
                "dark",
            ),
            Stage(
                "Ordered",
                when("ordered"),
                (
                    f"{len(facts.parties)} sealed intents",
                    f"{alice.size:,} bytes each",
                    f"fee {units(alice.fee)}",
                    "says: nothing",
                ),
                "half",
            ),
            Stage(
                "Closed",
                when("closed"),
                (
                    "the next block" if waited == 1 else f"{waited} blocks later",
                    "order is final",
                    "still sealed",
                    "shares go out",
                ),
                "half",
            ),
            Stage(
                "Opened",
                when("opened"),
                (
                    f"by {facts.needed} of {facts.validators}",
                    "wrong shares left out" if facts.fault.wrong_shares else "all shares right",
                    "kinds and amounts",
                    "owners: none",
                ),
                "lit",
            ),
            Stage(
                "Settled",
                when("settled"),
                (
                    f"tx {facts.settled.tx_id[:8]}…",
                    f"{facts.settled.actions} actions in one",
                    f"score {facts.settled.score}",
                    "no last look",
                ),
                "lit",
            ),
            Stage(
                "Three wallets",
                "found by scanning",
                tuple(f"got {units(party.want, party.wants)}" for party in facts.parties),
                "dark",
            ),
        ),
    )


def _way(facts: IntentsFacts) -> str:
    listed = [(m.title, str(m.height), f"{m.at_ms / 1000:.3f} s") for m in facts.moments]
    s = facts.settled
    return (
        "<p>Each intent left its wallet sealed under a key that the validators made together. "
        "They give out their shares of a batch only behind the final block that closed it, and "
        "until it is opened no block may carry anything else: nobody gets a last look.</p>"
        f"{picture(facts)}"
        + table(("", "block", _time(facts)), listed, numeric=(1, 2))
        + values(
            (
                ("settlement’s transaction", "0x" + s.tx_id),
                ("solver", "0x" + s.solver),
                *((f"nullifier {i}", "0x" + v) for i, v in enumerate(s.nullifiers)),
                *((f"commitment {i}", "0x" + v) for i, v in enumerate(s.commitments)),
            ),
            "Every public value of the settlement",
        )
    )


def _roles(facts: IntentsFacts) -> str:
    return (
        "<p>The actual values of Alice’s intent, as far as each role can say them. "
        '<span class="veil"></span> is what it cannot.</p>'
        f"{roles_table(ROLES, rows(facts))}"
        f"<p class='aside'>The seal holds as long as fewer than {facts.needed} of the "
        f"{facts.validators} validators work together: {facts.needed} of them can read an intent "
        "whenever they like. Once the batch is closed, whoever hears as many shares can read it, "
        "too; what they send then is too late (P1-1). After the opening, kinds and amounts are "
        "public; had the batch not settled, the marks of the notes would have linked the intent "
        "to their later spend. The "
        "three look alike because they paid the same fee at the same time; on a busy chain there "
        "are more of them.</p>"
    )


def _parties(facts: IntentsFacts) -> str:
    def held(balances: Sequence[tuple[str, int]]) -> str:
        return ", ".join(units(amount, asset) for asset, amount in balances)

    def row(party: PartyFacts) -> tuple[str, ...]:
        return (
            party.name,
            held(party.before),
            held(party.after),
            f"0x{party.public[:10]}…",
            f"0x{party.one_time[:10]}…",
        )

    return (
        "<p>Read back from the wallets, which found their notes by scanning. The account that "
        "paid for ordering was made for this, and funded out of the party’s own notes.</p>"
        + table(
            ("", "before", "after", "known account", "one-time account"),
            [row(party) for party in facts.parties],
        )
    )


def _time(facts: IntentsFacts) -> str:
    return "simulated time" if facts.killed is None else "time from genesis"


def _liar(facts: IntentsFacts) -> str:
    fault = facts.fault
    rules = ", ".join(fault.rules)
    return (
        f"<p>{escape(fault.name.capitalize())} took part in making the key, and then signed "
        "decryption shares of another secret, and proposed blocks that end a batch that is not "
        "due. A pairing check found the shares wrong, and they were left out; the signature names "
        f"who made them. {fault.refused} of its proposals were refused by every honest validator "
        f"({escape(rules)}), and the next one proposed instead.</p>"
        f"<p class='aside'>The four validators are real ones: each executes every block over its "
        f"own store. {_where(facts)}</p>"
    )


def _where(facts: IntentsFacts) -> str:
    if facts.killed is None:
        return "Their network and clock are simulated, in one process."
    return (
        "Each is a process with a CometBFT beside it; they met on addresses of this machine. "
        "Whoever checked was another process: it asked one of them for blocks and executed them."
    )


def _killed(facts: IntentsFacts) -> tuple[str, ...]:
    """The section of the one that was killed, where one was."""
    gone = facts.killed
    if gone is None:
        return ()
    body = (
        f"<p>{escape(gone.name.capitalize())} was killed (<code>kill -9</code>) behind block "
        f"{gone.killed}. Three of four are enough: {gone.without} more blocks were made. Then the "
        "batch was closed, and the liar’s votes, which carry its wrong shares, counted for "
        "nothing: with two of four out the others could decide nothing and open nothing, and "
        f"stood at block {gone.stood}. They did not split, and no intent was read.</p>"
        f"<p>Started again, it went on from its own disk, and had block {gone.back} soon after; "
        "three right shares opened the batch.</p>"
    )
    return (section("The killed one", "What a missing validator could stop", body),)


def _run(facts: IntentsFacts) -> str:
    start, items = 0.0, []
    for step in facts.steps:
        items.append(svg.Bar(step.title, step.seconds, duration(step.seconds), start))
        start += step.seconds
    return svg.bars(items, "Time of each step of the run", labels=270, css="bar-shade")
