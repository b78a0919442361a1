"""Who saw what of a donation, a bid and an order: this run's values, shown or veiled."""

from __future__ import annotations

from typing import Final

from node.cli.demo_facts import units
from node.cli.demo_private_facts import LIAR, PrivateFacts, SessionFacts, order_text

Cells = tuple[str | None, ...]
Roles = tuple[tuple[str, str], ...]

_COMMITTEE: Final = (
    ("A member", "one of four: t = 1"),
    (f"Member {LIAR}", "the liar"),
    ("Two members", "t + 1, who agree"),
)
DONATION_ROLES: Final[Roles] = (
    ("Everyone", "reads the chain"),
    ("Ada", "who gave it"),
    *_COMMITTEE,
    ("Auditor", "replays the chain"),
)
AUCTION_ROLES: Final[Roles] = (
    ("Everyone", "reads the chain"),
    ("Ada", "bids"),
    ("Ben", "bids"),
    ("Eve", "sells"),
    *_COMMITTEE,
    ("Auditor", "has the proof alone"),
)
POOL_ROLES: Final[Roles] = (
    ("Everyone", "reads the chain"),
    ("Ada", "trades"),
    ("Dan", "trades nothing"),
    *_COMMITTEE,
    ("Auditor", "has the proof alone"),
)


def of_donation(facts: PrivateFacts) -> tuple[tuple[str, Cells], ...]:
    """What → what each role read of Ada's donation, in the order of `DONATION_ROLES`."""
    ada, eve, found = facts.donors[0], facts.donors[-1], facts.round
    garden = found.projects[0]
    amount = units(ada.amount)
    others = ", ".join(f"{d.name} {units(d.amount)}" for d in facts.donors[1:])
    total = f"{units(garden.total or 0)}, from block {found.opened}"
    named = f"member {facts.liar.member}, by {facts.liar.rule}"
    return (
        ("That somebody gave", (f"block {ada.height}",) * 6),
        ("To which project", (ada.project,) * 6),
        ("That it may give, once", ("verified",) * 6),
        ("Who on the list gave", (None, "she herself", None, None, None, None)),
        ("The amount under its mask", (f"0x{ada.masked[:8]}…",) * 6),
        ("A share of the amount", (None, None, _hex(ada.shares[0]), _hex(ada.shares[LIAR - 1]),
                                   f"{_hex(ada.shares[0])}, {_hex(ada.shares[2])}", None)),
        ("The amount", (None, amount, None, None, units(ada.read), None)),
        ("What the others gave", (None, None, None, None, others, None)),
        ("All of it together", (total,) * 6),
        (f"What {eve.name} gave, and took back",
         (None, None, None, None, units(eve.read), None)),
        ("Who lied", (None, None, named, "itself", named, None)),
        ("That payouts follow", (f"block {found.settled}", *("verified",) * 5)),
    )  # fmt: skip


def of_auction(facts: PrivateFacts) -> tuple[tuple[str, Cells], ...]:
    """What → what each role read of the auction, in the order of `AUCTION_ROLES`."""
    found = facts.auction
    names, session = [name for name, _ in found.bids], found.session
    second = next((f"{n}’s bid" for n, b in found.bids if b == found.price), "the reserve")
    people = [name for name, _ in AUCTION_ROLES[1:4]]

    def own(owner: str, text: str, pooled: str) -> Cells:
        """What its owner knows, and members who agree."""
        cells = [text if who == owner else None for who in people]
        return (None, *cells, None, None, pooled, None)

    rows: list[tuple[str, Cells]] = [
        ("How many bid, and when", (f"{len(names)}, to block {found.bid}",) * 8)
    ]
    for (name, bid), read in zip(found.bids, session.read[: len(names)], strict=True):
        rows.append((f"{name}’s bid", own(name, units(bid), units(read))))
    setter = second.removesuffix("’s bid")
    left = next(one for one in found.back if one.name == found.winner)
    rows += [
        (f"What {left.name} took back", own(left.name, units(left.amount), "follows")),
        ("The reserve", own(found.seller, units(found.reserve), units(session.read[-1]))),
        ("A share of Ada’s bid", (*(None,) * 4, _hex(session.share), "one, too", "two", None)),
        ("Whose bid is whose", (None, "her own", "his own", *(None,) * 5)),
        ("Which bid won", (f"number {names.index(found.winner) + 1}",) * 8),
        ("The price", (units(found.price),) * 8),
        ("What set the price", own(setter, second, second)),
        ("Who lied", (*(None,) * 4, *_lied(session), None)),
        ("That the result is right", ("verified",) * 8),
    ]
    return tuple(rows)


def of_pool(facts: PrivateFacts) -> tuple[tuple[str, Cells], ...]:
    """What → what each role read of the dark pool, in the order of `POOL_ROLES`."""
    found = facts.pool
    session, count = found.session, len(found.orders)
    buyers = sum(order.buys for order in found.orders)
    volume = sum(order.fill for order in found.orders if order.buys)
    people = [name for name, _ in POOL_ROLES[1:3]]
    limits, quantities = session.read[:count], session.read[count:]

    def own(owner: str, text: str, pooled: str) -> Cells:
        """What its owner knows, and members who agree."""
        cells = [text if who == owner else None for who in people]
        return (None, *cells, None, None, pooled, None)

    rows: list[tuple[str, Cells]] = [
        ("How many orders", (f"{count}, to block {found.ordered}",) * 7),
        ("Which sides", (f"{buyers} buy, {count - buyers} sell",) * 7),
    ]
    for order, limit, quantity in zip(found.orders, limits, quantities, strict=True):
        read = order_text(order.buys, quantity, limit)
        rows.append((f"{order.name}’s order", own(order.name, order.text, read)))
    rows += [
        (f"{order.name}’s fill", own(order.name, f"{order.fill} lots", f"{order.fill} lots"))
        for order in found.orders
        if order.name in people
    ]
    rows += [
        ("The price of a lot", (units(found.price),) * 7),
        ("How much was traded", (None, None, None, None, None, f"{volume} lots", None)),
        ("A share of Ada’s limit", (*(None,) * 3, _hex(session.share), "one, too", "two", None)),
        ("Who lied", (*(None,) * 3, *_lied(session), None)),
        ("That the result is right", ("verified",) * 7),
    ]
    return tuple(rows)


def _lied(session: SessionFacts) -> tuple[str, str, str]:
    """What a member, the liar and two members know of who lied."""
    named = f"member {session.liar}"
    return (named, "itself", named)


def _hex(digits: str) -> str:
    """The first digits of a field element: with the rest they say no more."""
    return f"0x{digits[:8]}…"
