"""What an observer can check of the demonstration's chain: from blocks and states, with no key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from node.cli.demo_facts import Checked
from node.cli.demo_intents_facts import Moment

if TYPE_CHECKING:
    from node.cli.demo_intents_run import Way
    from node.lane.layout import Live
    from node.testing.cluster.simulation import Cluster


def checks(
    cluster: Cluster, ways: Sequence[Way], live: Live, moments: Sequence[Moment]
) -> list[Checked]:
    """One entry each; none of them believes a validator, a party or the solver."""
    from node.core.ids import NATIVE
    from node.testing.cluster import lane_checks
    from node.testing.cluster.invariants import Violation
    from node.testing.cluster.lane_host import keeper_of
    from transparent.accounts import Ledger

    checker = cluster.checker
    last = max(checker.final)
    at = {moment.id: moment.height for moment in moments}
    blocks = {height: block.to_bytes() for height, (block, _) in checker.final.items()}

    def holds(check: Callable[[], None]) -> tuple[bool, str]:
        try:
            check()
        except Violation as violation:
            return False, str(violation)
        return True, ""

    def said(word: bytes) -> set[int]:
        return {height for height, data in blocks.items() if word in data}

    one_state = len({cluster.running[p].app.info().state_root for p in cluster.honest}) == 1
    replayed, why = holds(cluster.finish)
    no_look, look = holds(lambda: lane_checks.check_no_last_look(checker, last))
    closed, early = holds(lambda: lane_checks.check_nothing_opened_early(checker, last))
    texts = [way.intent.to_bytes() for way in ways if way.intent is not None]
    heights = [said(text) for text in texts]
    ledger = Ledger(checker.state)
    publics = [(way.shielded, said(way.party.public.account)) for way in ways]
    linked = [
        way.party.name
        for way in ways
        if said(way.party.public.account) & said(way.party.one_time.account)
    ]
    keepers = [keeper_of(cluster.running[place].host) for place in cluster.honest]
    faults = {fault.member for keeper in keepers for fault in keeper.faults}
    return [
        Checked("agreement", one_state and replayed, "", why or "every honest validator has the "
                "state that a fresh replay of the blocks gives"),
        Checked("sealed", closed and not any(heights), "", early or "no block holds an intent in "
                f"the clear, no state before block {at['opened']}"),
        Checked("order first", live.closed < at["opened"] <= at["settled"], "",
                f"closed in {live.closed}, opened in {at['opened']}, settled in {at['settled']}"),
        Checked("no last look", no_look, "", look or "nothing but the opening stands between the "
                "close of the batch and its opening (P1-1)"),
        Checked("public accounts", all(h <= {s} for s, h in publics), "",
                "each is named in the block that shielded its assets, and never again"),
        Checked("one-time accounts", not linked, "",
                "no block names one together with its owner’s public account"),
        Checked("fees", all(ledger.balance(w.party.one_time.account, NATIVE) == 0 for w in ways),
                "", "ordering was paid for; nothing is left on the one-time accounts"),
        Checked("culprit", faults == set(cluster.faults.liars), "",
                "signed wrong shares name the faulty validator, and nobody else"),
    ]  # fmt: skip
