"""Who saw what of the private transfer: the actual values of the run, shown or veiled."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
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


def roles_table(facts: DemoFacts) -> str:
    """The table; on narrow screens each row becomes a card."""
    head = "".join(
        f'<th scope="col">{escape(name)}<small>{escape(what)}</small></th>' for name, what in ROLES
    )
    body = []
    for what, cells in rows(facts):
        filled = "".join(
            f'<td data-role="{escape(name, quote=True)}">{_cell(value)}</td>'
            for (name, _), value in zip(ROLES, cells, strict=True)
        )
        body.append(f'<tr><th scope="row">{escape(what)}</th>{filled}</tr>')
    return (
        f'<table class="roles"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _cell(value: str | None) -> str:
    if value is None:
        return '<span class="veil"><span class="unseen">hidden</span></span>'
    return f"<span class='seen'>{escape(value)}</span>"


def _short(address: str) -> str:
    return address if len(address) <= 22 else f"{address[:12]}…{address[-6:]}"
