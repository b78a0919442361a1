"""What an observer can check of the demonstration's chain: from blocks and states, with no key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from node.cli.demo_facts import Checked
from node.cli.demo_intents_facts import FAULTY, Moment

if TYPE_CHECKING:
    from node.cli.demo_intents_run import Way
    from node.cli.demo_intents_world import World
    from node.lane.layout import Live


def checks(
    world: World, ways: Sequence[Way], live: Live, moments: Sequence[Moment]
) -> list[Checked]:
    """One entry each; none of them believes a validator, a party or the solver."""
    from node.core.ids import NATIVE
    from node.testing.cluster import lane_checks
    from node.testing.cluster.invariants import Violation
    from transparent.accounts import Ledger

    history = world.history
    last = max(history.final)
    at = {moment.id: moment.height for moment in moments}
    blocks = {height: block.to_bytes() for height, (block, _) in history.final.items()}

    def holds(check: Callable[[], None]) -> tuple[bool, str]:
        try:
            check()
        except Violation as violation:
            return False, str(violation)
        return True, ""

    def said(word: bytes) -> set[int]:
        return {height for height, data in blocks.items() if word in data}

    agreed, why = holds(world.judge)
    no_look, look = holds(lambda: lane_checks.check_no_last_look(history, last))
    closed, early = holds(lambda: lane_checks.check_nothing_opened_early(history, last))
    texts = [way.intent.to_bytes() for way in ways if way.intent is not None]
    heights = [said(text) for text in texts]
    ledger = Ledger(history.state)
    publics = [(way.shielded, said(way.party.public.account)) for way in ways]
    linked = [
        way.party.name
        for way in ways
        if said(way.party.public.account) & said(way.party.one_time.account)
    ]
    return [
        Checked("agreement", agreed, "", why or "every honest validator has the "
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
        Checked("culprit", world.blamed() == {FAULTY}, "",
                "signed wrong shares name the faulty validator, and nobody else"),
    ]  # fmt: skip
