"""What can be checked of the demonstration, from its chain and from what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from node.cli.demo_facts import Checked, units
from node.cli.demo_private_facts import LIAR, PoolFacts, PrivateFacts, SessionFacts

if TYPE_CHECKING:
    from node.rpc.schema import SupplyReport


def checks(
    facts: PrivateFacts, blocks: Sequence[bytes], supply: SupplyReport
) -> tuple[Checked, ...]:
    """One entry each.

    Args:
        facts: of the run; its own checks do not count.
        blocks: of the chain, encoded.
        supply: as the node tells it.
    """
    return (*_of_round(facts, blocks, supply), *_of_committee(facts), *_of_sessions(facts))


def _of_round(facts: PrivateFacts, blocks: Sequence[bytes], supply: SupplyReport) -> list[Checked]:
    from private_exec.programs.quadratic import Tally, settle

    found, amounts = facts.round, [donor.amount for donor in facts.donors]
    amounts += [bid for _, bid in facts.auction.bids if bid != facts.auction.price]
    amounts += [facts.auction.reserve, *(order.locked for order in facts.pool.orders)]
    shown = [a for a in amounts if any(a.to_bytes(8, "little") in block for block in blocks)]
    sums, tallies = [], []
    for project in found.projects:
        roots = [_root(d.amount) for d in facts.donors if d.project == project.name]
        least = len(roots) >= found.least
        sums.append((sum(roots), sum(r * r for r in roots)) if least else (None, None))
        tallies.append(Tally(*(sums[-1] if least else (0, 0))))
    plain = settle(found.pool, tallies)
    paid = [project.payout or 0 for project in found.projects]
    opened = [(project.roots, project.total) for project in found.projects]
    return [
        Checked("no amount on chain", not shown, "",
                f"{len(blocks)} blocks hold none of {len(amounts)} hidden amounts as a number"),
        Checked("sums", opened == sums, "",
                "what was opened is what the donations give; too few were not opened"),
        Checked("settlement", (paid, found.rest) == (list(plain.payouts), plain.back), "",
                f"as in the clear: {units(sum(paid))} paid, {units(found.rest)} back"),
        Checked("claim", facts.donors[-1].status == "claimed", "",
                f"{facts.claim.name} has {units(facts.claim.amount)} again, less the fee"),
        Checked("supply", supply.balanced, "", "nothing was made and nothing lost"),
        Checked("audit", facts.audit.clean, "", "the exported chain holds, whoever checks it"),
    ]  # fmt: skip


def _of_committee(facts: PrivateFacts) -> list[Checked]:
    liar, outage = facts.liar, facts.outage
    honest = tuple(member.number for member in facts.members if member.number != LIAR)
    named = {name for member in facts.members for name in member.named}
    differ = [d for d in facts.donors if any(int(share, 16) == d.amount for share in d.shares)]
    return [
        Checked("liar named", named == {LIAR} and liar.named_by == honest, liar.rule,
                f"every honest member names member {LIAR}, and nobody else"),
        Checked("two are too few", outage.waiting == len(facts.donors), "",
                "with one gone and one lying nothing is accepted, and nothing is opened"),
        Checked("t members", not differ, "", "no share is an amount"),
        Checked("t + 1 members", all(d.read == d.amount for d in facts.donors), "",
                "two folders together gave all amounts: what no protocol prevents"),
    ]  # fmt: skip


def _of_sessions(facts: PrivateFacts) -> list[Checked]:
    auction, pool = facts.auction, facts.pool
    bids = dict(auction.bids)
    best = max(bids, key=lambda name: bids[name])
    second = max(auction.reserve, *(bid for name, bid in bids.items() if name != best))
    left = {name: bid - (auction.price if name == best else 0) for name, bid in bids.items()}
    return [
        Checked("auction", (auction.winner, auction.price, auction.paid) == (best, second, second),
                "", f"{auction.winner} bid most and pays the second price, to {auction.seller}"),
        Checked("bids back", {one.name: one.amount for one in auction.back} == left, "",
                "everybody has its bid again, the winner less the price"),
        Checked("dark pool", _cleared(pool), "",
                f"{units(pool.price)} a lot, and fills, as in the clear"),
        Checked("fills", {(t.name, t.what): t.amount for t in pool.taken} == _due(pool), "",
                "everybody has what was traded for it, and the rest of what it locked"),
        *_of_session("auction", auction.session, (*bids.values(), auction.reserve)),
        *_of_session("dark pool", pool.session,
                     (*(o.limit for o in pool.orders), *(o.quantity for o in pool.orders))),
    ]  # fmt: skip


def _cleared(pool: PoolFacts) -> bool:
    """Whether the same orders give this in the clear."""
    from private_exec.programs import clear
    from private_exec.programs.darkpool import darkpool

    given = {
        "buys": [int(order.buys) for order in pool.orders],
        "limits": [order.limit for order in pool.orders],
        "quantities": [order.quantity for order in pool.orders],
    }
    found = clear.run(darkpool.at(orders=len(pool.orders), ticks=pool.ticks), given)
    fills = tuple(order.fill for order in pool.orders)
    return (found["tick"], found["fills"]) == ((pool.tick,), fills)


def _due(pool: PoolFacts) -> dict[tuple[str, str], int]:
    """What traders must have taken out; of nothing there is no entry."""
    due = {}
    for order in pool.orders:
        traded, paid = order.fill * pool.lot, order.fill * pool.price
        gets, gives = (traded, paid) if order.buys else (paid, traded)
        due[order.name, "traded"], due[order.name, "left"] = gets, order.locked - gives
    return {key: amount for key, amount in due.items() if amount}


def _of_session(name: str, session: SessionFacts, given: Sequence[int]) -> list[Checked]:
    return [
        Checked(f"{name}: t + 1", session.read == tuple(given), "",
                "two folders together gave all of it"),
        Checked(f"{name}: liar", session.named == (LIAR,), ", ".join(session.rules),
                f"member {LIAR} lied in every opening, and is named"),
        Checked(f"{name}: sizes", session.even, "",
                "whoever spoke in a round said as much, the liar too"),
        Checked(f"{name}: proof", bool(session.altered_refused_by), session.altered_refused_by,
                "verified from the result alone; for another one it is refused"),
    ]  # fmt: skip


def _root(amount: int) -> int:
    from node.cli.wallet_private import root_of

    return root_of(amount)
