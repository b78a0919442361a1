"""A committee, painted: four spheres in the dark around what the chain shows of them.

As in `demo_picture` the drawing has its own palette, and is drawn across and down. A line between
two members is as thick as what they said to each other; the liar's rim is red, that of the one that
was killed is broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.cli import svg
from node.cli.demo_facts import units
from node.cli.demo_picture import Stage, way
from node.cli.demo_private_facts import LIAR, MemberFacts, PrivateFacts

_WIDTH: Final = 1180.0
_HEIGHT: Final = 520.0
_CENTRES: Final = ((330.0, 124.0), (850.0, 124.0), (850.0, 396.0), (330.0, 396.0))
_RADIUS: Final = 66.0
_ROW: Final = 128.0
_RED: Final = "#e0674d"
_GOLD: Final = "#c9a878"


@dataclass(frozen=True, slots=True)
class _Look:
    """What is said of a member, and how its rim is drawn."""

    name: str
    lines: tuple[str, ...]
    rim: str
    broken: bool


def journey(facts: PrivateFacts) -> str:
    """The way of five donations: wallets, chain, members, sums, wallets."""
    found, claim = facts.round, facts.claim
    first, second = found.projects
    sizes = {donor.size for donor in facts.donors}
    size = f"{max(sizes):,} bytes each" if len(sizes) == 1 else f"up to {max(sizes):,} bytes"
    return way(
        "The way of the donations",
        (
            Stage(
                "Five wallets",
                f"from block {found.created}",
                tuple(f"{d.name} gives {units(d.amount)}" for d in facts.donors),
                "dark",
            ),
            Stage(
                "On the chain",
                f"blocks {facts.donors[0].height} to {facts.donors[-1].height}",
                (f"{len(facts.donors)} proofs", size, "amounts: none", "names: none"),
                "half",
            ),
            Stage(
                "Four members",
                f"blocks {facts.outage.killed} to {facts.outage.back}",
                (
                    f"{2 * len(facts.donors)} cells, no shares",
                    f"member {facts.outage.member}: killed",
                    f"member {facts.liar.member}: lies",
                    f"waited at block {facts.outage.stood}",
                ),
                "dark",
            ),
            Stage(
                "Two sums",
                f"block {found.opened}",
                (
                    f"{first.name}:",
                    f"{_sum(first.total)} in all",
                    f"roots: {first.roots or 0:,}",
                    f"{second.name}: not opened",
                ),
                "lit",
            ),
            Stage(
                "Settled",
                f"block {found.settled}",
                (
                    f"pool of {units(found.pool)}",
                    f"adds {_sum(first.payout)}",
                    f"{units(found.rest)} go back",
                    "anybody computes it",
                ),
                "lit",
            ),
            Stage(
                f"{claim.name}’s wallet",
                f"block {claim.height}",
                (f"has {units(claim.amount)} again", "amount: not shown", "asked nobody"),
                "dark",
            ),
        ),
    )


def committee(facts: PrivateFacts) -> str:
    """Both drawings; the page shows one."""
    looks = [_look(facts, member) for member in facts.members]
    label = "The committee: " + "; ".join(f"{o.name}, {', '.join(o.lines)}" for o in looks)
    return svg.both(
        lambda narrow: _down(facts, looks, label) if narrow else _across(facts, looks, label)
    )


def _look(facts: PrivateFacts, member: MemberFacts) -> _Look:
    lines = [
        f"said {_messages(member.said, member.said_bytes)}",
        f"heard {_messages(member.heard, member.heard_bytes)}",
    ]
    lies, killed = member.number == LIAR, member.number == facts.outage.member
    if lies:
        lines.append(f"lies; named by {', '.join(map(str, facts.liar.named_by))}")
    elif killed:
        lines.append(f"killed at {facts.outage.killed}, back by {facts.outage.back}")
    else:
        lines.append(f"names {', '.join(f'member {n}' for n in member.named) or 'nobody'}")
    rim = _RED if lies else _GOLD
    return _Look(f"Member {member.number}", tuple(lines), rim, killed)


def _across(facts: PrivateFacts, looks: Sequence[_Look], label: str) -> str:
    most = max((link.bytes for link in facts.links), default=1)
    parts = [_defs("kw"), _backdrop(_WIDTH, _HEIGHT, "kw")]
    for link in facts.links:
        (x1, y1), (x2, y2) = _CENTRES[link.one - 1], _CENTRES[link.other - 1]
        red = LIAR in (link.one, link.other)
        parts.append(_thread(x1, y1, x2, y2, 1.5 + 4.5 * link.bytes / most, red=red))
        said = _messages(link.messages, link.bytes)
        if y1 == y2:
            x, y, anchor = _WIDTH / 2, y1 - 14, "middle"
        elif x1 == x2:
            outside = -16 if x1 < _WIDTH / 2 else 16
            x, y, anchor = x1 + outside, (y1 + y2) / 2 + 4, "end" if outside < 0 else "start"
        else:  # across, behind the chain
            continue
        parts.append(svg.text(x, y, said, "p-on-dark-soft", anchor=anchor, size=13))
    parts.append(_chain(facts, _WIDTH / 2 - 150, 185, 300))
    for (x, y), look in zip(_CENTRES, looks, strict=True):
        parts.append(_sphere(x, y, _RADIUS, look, "kw", right=x < _WIDTH / 2))
        left = x < _WIDTH / 2
        beside, anchor = (x - _RADIUS - 24, "end") if left else (x + _RADIUS + 24, "start")
        name = svg.text(beside, y - 22, look.name, "p-name p-on-dark", anchor=anchor, size=20)
        parts.append(name)
        for index, words in enumerate(look.lines):
            ink = "p-on-dark" if index == 2 else "p-on-dark-soft"
            parts.append(svg.text(beside, y + 4 + 20 * index, words, ink, anchor=anchor, size=14))
    return svg.drawing(_WIDTH, _HEIGHT, "".join(parts), label, "picture")


def _down(facts: PrivateFacts, looks: Sequence[_Look], label: str) -> str:
    width, height = float(svg.NARROW), len(looks) * _ROW + 190
    parts = [_defs("kn"), _backdrop(width, height, "kn")]
    for above in range(len(looks) - 1):
        red = LIAR in (above + 1, above + 2)
        top = 74 + above * _ROW
        parts.append(_thread(68, top, 68, top + _ROW, 3.0, red=red))
    for index, look in enumerate(looks):
        y = 74 + index * _ROW
        parts.append(_sphere(68, y, 40, look, "kn", right=True))
        parts.append(svg.text(128, y - 26, look.name, "p-name p-on-dark", size=19))
        for number, words in enumerate(look.lines):
            ink = "p-on-dark" if number == 2 else "p-on-dark-soft"
            parts.append(svg.text(128, y - 4 + 19 * number, words, ink, size=13))
    parts.append(_chain(facts, 25, len(looks) * _ROW + 20, 300))
    return svg.drawing(width, height, "".join(parts), label, "picture")


def _chain(facts: PrivateFacts, x: float, top: float, width: float) -> str:
    """What everybody sees of all this."""
    bids, orders = len(facts.auction.bids), len(facts.pool.orders)
    # Of a gift weight and amount; bids, a reserve, winner and price; limit, quantity, pad and fill
    # of an order, and a tick.
    cells = 2 * len(facts.donors) + bids + 3 + 4 * orders + 1
    lines = (
        f"{cells} cells: numbers under masks",
        f"{sum(member.sent for member in facts.members)} transactions of members",
        "opened: two sums, two prices",
        "amounts of gifts, bids, orders: none",
    )
    parts = [
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:g}" height="150" rx="10" fill="#f9eed6" '
        'stroke="#fffaf0"/>',
        svg.text(x + 20, top + 36, "The chain", "p-name p-on-light", size=20),
    ]
    parts += [
        svg.text(x + 20, top + 62 + 22 * index, words, "p-on-light", size=14)
        for index, words in enumerate(lines)
    ]
    return "".join(parts)


def _sphere(x: float, y: float, radius: float, look: _Look, key: str, *, right: bool) -> str:
    """A member, lit from where the chain is."""
    dashes = ' stroke-dasharray="9 7"' if look.broken else ""
    side = "r" if right else "l"
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="url(#{key}ball{side})"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius + 5:g}" fill="none" stroke="{look.rim}" '
        f'stroke-width="2.2"{dashes}/>'
    )


def _thread(x1: float, y1: float, x2: float, y2: float, width: float, *, red: bool) -> str:
    colour, dashes = (_RED, ' stroke-dasharray="2 9"') if red else (_GOLD, "")
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width:.1f}" stroke-linecap="round" opacity="0.6"{dashes}/>'
    )


def _defs(key: str) -> str:
    def ball(side: str, at: str) -> str:
        return (
            f'<radialGradient id="{key}ball{side}" cx="{at}" cy="0.42" r="0.78">'
            '<stop offset="0" stop-color="#f3d496"/><stop offset="0.22" stop-color="#a76d2e"/>'
            '<stop offset="0.5" stop-color="#3a2414"/><stop offset="1" stop-color="#0b0705"/>'
            "</radialGradient>"
        )

    return (
        f"<defs>{ball('r', '0.82')}{ball('l', '0.18')}"
        f'<radialGradient id="{key}lamp" cx="0.5" cy="0.44" r="0.62">'
        '<stop offset="0" stop-color="#8a5a2a"/><stop offset="0.45" stop-color="#4a2f1a"/>'
        '<stop offset="1" stop-color="#120c08"/></radialGradient></defs>'
    )


def _backdrop(width: float, height: float, key: str) -> str:
    return f'<rect width="{width:g}" height="{height:g}" rx="14" fill="url(#{key}lamp)"/>'


def _messages(count: int, size: int) -> str:
    return f"{count} messages, {size / 1000:,.1f} kB"


def _sum(value: int | None) -> str:
    return "nothing" if value is None else units(value)
