"""Who saw what of a sealed intent, and from when on: this run's values, shown or veiled."""

from __future__ import annotations

from typing import Final

from node.cli.demo_facts import units
from node.cli.demo_intents_facts import IntentsFacts

ROLES: Final = (
    ("Alice", "whose intent it is"),
    ("Bob", "her counterparty"),
    ("A validator", "one of them"),
    ("The solver", "settles batches"),
    ("Everyone", "reads the chain"),
)

Cells = tuple[str | None, ...]


def rows(facts: IntentsFacts) -> tuple[tuple[str, Cells], ...]:
    """What → what each role can say of Alice's intent, in the order of `ROLES`; None is a veil."""
    alice, bob = facts.parties[0], facts.parties[1]
    terms = f"{units(alice.give, alice.gives)} for {units(alice.want, alice.wants)}"
    closed, opened, settled = (facts.moment(m).height for m in ("closed", "opened", "settled"))
    others = 4
    ordered = f"from block {alice.ordered}"
    payer = f"0x{alice.one_time[:8]}…, block {alice.ordered}"
    shape = f"{alice.size:,} bytes, as the others"
    spent = f"nullifier {alice.spent[0][:8]}…, block {opened}"
    hears = f"once {facts.needed} shares are out"
    before = dict(alice.before)[alice.gives]
    note, back = units(before, alice.gives), before - alice.give
    return (
        ("That an intent was ordered", (ordered,) * 5),
        ("Who paid for ordering", (payer,) * 5),
        ("Its size and expiry", (shape,) * 5),
        (f"What it says, up to block {closed}", (terms, *(None,) * others)),
        (f"What it says, then up to block {opened}", (terms, None, hears, None, None)),
        (f"What it says, from block {opened}", (terms,) * 5),
        ("What is spent, as a mark", (spent,) * 5),
        ("Which notes these were", (note, *(None,) * others)),
        ("Whose intent it was", ("her own", *(None,) * others)),
        ("Who got the " + bob.gives, (alice.name, *(None,) * others)),
        ("What is left to her", (units(back, alice.gives), *(None,) * others)),
        ("That the settlement holds", (f"block {settled}", *("verified",) * others)),
    )
