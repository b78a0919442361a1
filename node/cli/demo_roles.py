"""Who saw what of the private transfer: the actual values of the run, shown or veiled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from node.cli.demo_facts import DemoFacts, units

ROLES: Final = (
    ("Everyone", "reads the chain"),
    ("Validator", "took the transaction"),
    ("Bob", "the recipient"),
    ("Alice’s full viewing key", "whoever holds it"),
    ("Auditor", "with one disclosure"),
)


def rows(facts: DemoFacts) -> tuple[tuple[str, tuple[str | None, ...]], ...]:
    """What → what each role read of it, in the order of `ROLES`; None is a veil."""
    t = facts.transfer
    amount, memo = units(t.amount, t.asset), f"“{t.memo}”"
    recipient, sender = _short(t.recipient), _short(t.sender)
    when = f"block {t.height}, {datetime.fromtimestamp(t.time_ms / 1000, UTC):%H:%M:%S}"
    size = f"{t.actions} action, {t.size:,} bytes"
    fee = units(t.fee)
    note = f"note {t.spent_position}, {units(t.spent_amount)}"
    return (
        ("Amount and asset", (None, None, amount, amount, amount)),
        ("Sender", (None, None, None, sender, None)),
        ("Recipient", (None, None, recipient, recipient, recipient)),
        ("Memo", (None, None, memo, memo, memo)),
        ("Which note was spent", (None, None, None, note, None)),
        ("Change", (None, None, None, units(t.change), None)),
        ("Where it was handed in", (None, "127.0.0.1", None, None, None)),
        ("That it is valid", ("verified",) * 5),
        ("Fee", (fee,) * 5),
        ("When", (when,) * 5),
        ("Shape and size", (size,) * 5),
    )


def _short(address: str) -> str:
    return address if len(address) <= 22 else f"{address[:12]}…{address[-6:]}"
