"""The report of a demonstration of the private environment."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from node.cli import demo_private_roles as roles
from node.cli import svg
from node.cli.demo_facts import duration, units
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
from node.cli.demo_private_facts import MEMBERS, LeakFacts, PrivateFacts, SessionFacts, T
from node.cli.demo_private_picture import committee, journey


def render(facts: PrivateFacts, next_commands: Sequence[tuple[str, str]]) -> str:
    """The whole page.

    Args:
        facts: of the run.
        next_commands: for whom, and what to type.
    """
    liar, outage = facts.liar.member, facts.outage.member
    hero = Hero(
        title="computing in the dark",
        heading="Sums of what nobody can read",
        lead="Five people gave to public goods without showing how much. Four members added up "
        f"what none of them could read; member {liar} lied in every opening and was named, member "
        f"{outage} was killed and came back. Then four bid under seal for {facts.auction.item}, "
        "and four traded in a pool whose orders nobody saw.",
        verdict="Everything came out as in the clear, and every check holds."
        if facts.valid
        else "Something does not hold: see the checks below.",
        valid=facts.valid,
        figures=(
            (f"{T} of {MEMBERS}", "members may lie, vanish or listen"),
            (str(len(facts.donors)), "gifts, of which the chain shows no amount"),
            (duration(facts.auction.session.verify_seconds), "to verify an auction"),
            (duration(facts.seconds), "from start to end"),
        ),
        chain_id=facts.chain_id,
        started_ms=facts.started_ms,
    )
    sections = (
        section("The way", "From five wallets to two sums", _way(facts)),
        section("The committee", "Who said how much to whom", _committee(facts)),
        section("The roles: a gift", "Who could read what of a donation", _donation(facts)),
        section("The roles: a bid", "Who could read what of an auction", _auction(facts)),
        section("The roles: an order", "Who could read what of a dark pool", _pool(facts)),
        section("The leaks", "What results tell by themselves", _leaks(facts.leaks)),
        section("The liar", "What one bad member could do", _liar(facts)),
        section("The checks", "What was checked", checks(facts.checks)),
        section("The run", "Step by step", _run(facts)),
        next_steps(next_commands),
    )
    words = (
        "Made offline by <code>chiaro demo private</code>; this file loads nothing and runs "
        "nothing. Wallets, members and their keys lived for one run."
    )
    return page(hero, sections, footer(facts.versions, words))


def _way(facts: PrivateFacts) -> str:
    found = facts.round
    rows = [
        (
            project.name,
            str(project.donations),
            "not opened" if project.total is None else units(project.total),
            "not opened" if project.roots is None else f"{project.roots:,}",
            "nothing" if not project.payout else units(project.payout),
        )
        for project in found.projects
    ]
    given = [(f"{donor.name}: the cell’s number", "0x" + donor.masked) for donor in facts.donors]
    return (
        "<p>Each gift left its wallet cut into shares, one sealed to each member, with a proof "
        "that they fit what was paid. Members add up shares, and open the sums of a project, "
        f"never a gift; a project with fewer than {found.least} gifts is not opened at all. The "
        "match is (sum of roots)² less the sum.</p>"
        f"{journey(facts)}"
        + table(("", "gifts", "sum", "sum of roots", "from the pool"), rows, numeric=(1, 2, 3, 4))
        + values((("round", "0x" + found.id), *given), "What the chain shows of each gift")
    )


def _committee(facts: PrivateFacts) -> str:
    return (
        "<p>Counted from what each process told of itself: every message, its kind and its "
        "length. How much a member says depends on who is there, never on amounts.</p>"
        f"{committee(facts)}"
        f"<p class='aside'>Of {MEMBERS} members {T} may do what it likes. With one killed and "
        f"another lying, two honest ones were too few: {facts.outage.waiting} gifts waited "
        f"at block {facts.outage.stood}, and nothing of them was opened. The killed member "
        "came back with what was on its disk.</p>"
    )


def _donation(facts: PrivateFacts) -> str:
    return (
        "<p>The actual values of Ada’s gift, as far as each role can say them. "
        '<span class="veil"></span> is what it cannot.</p>'
        f"{roles_table(roles.DONATION_ROLES, roles.of_donation(facts))}"
        "<p class='aside'>The column of two members is no conjecture: at the end of the run the "
        "folders of members 1 and 3 were read, and their shares put together. No protocol "
        "prevents that; a committee is for those who trust that no two of its four do it.</p>"
    )


def _auction(facts: PrivateFacts) -> str:
    found = facts.auction
    moments = (
        (f"{found.seller} offers {found.item}", found.offered),
        (f"{len(found.bids)} bids, the last", found.bid),
        ("the result, with its proof", found.proved),
        ("winner and price opened", found.opened),
        (f"{units(found.paid)} to {found.seller}", found.settled),
        ("what is left is back in wallets", found.back[-1].height),
    )
    return (
        f"<p>{escape(found.winner)} wins and pays the second price. Each bid was locked with its "
        "amount hidden. The highest bid stays hidden, as do the others and the reserve; every node "
        "verified that the result is right before anything of it was opened.</p>"
        + table(("", "block"), [(what, str(height)) for what, height in moments], numeric=(1,))
        + roles_table(roles.AUCTION_ROLES, roles.of_auction(facts))
        + _session(found.session)
    )


def _pool(facts: PrivateFacts) -> str:
    found = facts.pool
    moments = (
        (f"orders for {found.base} are collected", found.collected),
        (f"{len(found.orders)} orders, the last", found.ordered),
        ("the result, with its proof", found.proved),
        ("the price opened, and fills under pads", found.opened),
        ("settled", found.settled),
        ("what was traded, and what is left, is in wallets", found.taken[-1].height),
    )
    return (
        "<p>Orders meet at one price. The kind that an order locks says its side; limit and "
        "quantity stay hidden. A fill is opened under a pad that its trader alone can take off, "
        "and an order that was not filled is never shown.</p>"
        + table(("", "block"), [(what, str(height)) for what, height in moments], numeric=(1,))
        + roles_table(roles.POOL_ROLES, roles.of_pool(facts))
        + _session(found.session)
    )


def _session(session: SessionFacts) -> str:
    """Where it ran, and what a member said in it."""
    bars = [
        svg.Bar(f"{kind.kind}, {kind.messages}", kind.bytes, f"{kind.bytes / 1000:,.1f} kB")
        for kind in session.kinds
    ]
    return (
        f"<p>Four processes, {session.rounds} rounds over their links, "
        f"{duration(session.seconds)} from the first block in which they might begin. One member "
        "says to each other one:</p>"
        f"{svg.bars(bars, 'Bytes that one member says to each other one, by kind of message')}"
        f"<p class='aside'>The proof has {session.proof_bytes:,} bytes and is verified in "
        f"{duration(session.verify_seconds)}; for another result it is refused "
        f"(<code>{escape(session.altered_refused_by)}</code>), whoever colludes, provided that "
        "the key’s ceremony had one honest contributor from outside the committee. The key of "
        "this run comes from a published seed. Such proofs verify with this project’s tools "
        "only.</p>"
    )


def _leaks(found: Sequence[LeakFacts]) -> str:
    parts = [
        "<p>Results are meant to be known. This follows from them, whatever the cryptography: "
        "the sentences are the programs’ own (<code>chiaro private programs</code>).</p>"
    ]
    for leak in found:
        said = "".join(f"<li>{escape(words)}</li>" for words in leak.leaks)
        parts.append(
            f"<h3>{escape(leak.program)}</h3>"
            + table(("comes out", "for"), leak.outputs)
            + f'<ul class="limits">{said}</ul>'
        )
    parts.append(
        "<p class='aside'>On a chain everybody also sees that somebody took part, when, and for "
        "which fee; of an order its side, by the kind that it locks. Whose notes pay, nobody sees."
        "</p>"
    )
    return "".join(parts)


def _liar(facts: PrivateFacts) -> str:
    liar = facts.liar
    named = ", ".join(map(str, liar.named_by))
    rows = [
        (
            "on the chain",
            f"wrong shares, in {liar.sessions} sessions in all",
            f"members {named}",
            liar.rule,
        ),
        _caught("auction", "wrong shares, in every opening", facts.auction.session),
        _caught("dark pool", "wrong shares, in every opening", facts.pool.session),
    ]
    return (
        f"<p>Member {liar.member} took part in making the keys, and then gave a wrong share in "
        "every opening. Shares are points of one polynomial: of four, three right ones say which "
        "is wrong, the result is corrected on the spot, and the signature on the message says "
        "whose it was. It changed nothing, and learned nothing more than an honest member.</p>"
        + table(("", "what it did", "found by", "rule"), rows)
    )


def _caught(name: str, did: str, session: SessionFacts) -> tuple[str, ...]:
    named = ", ".join(f"member {number}" for number in session.named)
    return (name, did, f"the others name {named}", ", ".join(session.rules))


def _run(facts: PrivateFacts) -> str:
    start, items = 0.0, []
    for step in facts.steps:
        items.append(svg.Bar(step.title, step.seconds, duration(step.seconds), start))
        start += step.seconds
    return svg.bars(items, "Time of each step of the run", labels=270, css="bar-shade")
