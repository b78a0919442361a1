"""How a plan's notes are laid out in actions: two consumed, two created, at most two kinds each.

Actions need not balance, only their sum does, so any layout will do. Order is drawn from the plan:
which slot is a payment, change or dummy must not follow from its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from node.core.ids import NATIVE, Kind
from shielded.errors import PlanRefused
from shielded.plan import Payment, Plan, Randomness, Spend
from shielded.transaction import MAX_ACTIONS
from zk.hash import domains

FILLER: Final = Kind(0, domains.asset_label("filler"))
"""Second kind of an action that needs one only; nothing of it ever exists."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, repr=False)
class Slots:
    """One action's share of a plan; None is a dummy.

    Attributes:
        kinds: the two kinds of the action, different.
        consumed, created: two slots each.
    """

    kinds: tuple[Kind, Kind]
    consumed: tuple[Spend | None, Spend | None]
    created: tuple[Payment | None, Payment | None]

    def __repr__(self) -> str:
        return "<Slots: hidden>"


@dataclass(slots=True, repr=False)
class _Open:
    """An action that still has room."""

    kinds: list[Kind] = field(default_factory=list)
    consumed: list[Spend] = field(default_factory=list)
    created: list[Payment] = field(default_factory=list)

    def __repr__(self) -> str:
        return "<Open action: hidden>"

    def takes(self, kind: Kind, slots: Sequence[object]) -> bool:
        return len(slots) < 2 and (kind in self.kinds or len(self.kinds) < 2)


def pack(plan: Plan) -> tuple[Slots, ...]:
    """Lay out: first fit, kind by kind; at least one action.

    Raises:
        PlanRefused: SH-5, more actions than a transaction may have.
    """
    randomness = plan.randomness
    opened: list[_Open] = []

    def place(kind: Kind, side: str, item: Spend | Payment) -> None:
        for action in opened:
            if action.takes(kind, getattr(action, side)):
                break
        else:
            action = _Open()
            opened.append(action)
        if kind not in action.kinds:
            action.kinds.append(kind)
        getattr(action, side).append(item)

    kinds = sorted({s.note.kind for s in plan.spends} | {p.kind for p in plan.payments})
    spends = shuffled(plan.spends, randomness, "order/spends")
    payments = shuffled(plan.payments, randomness, "order/payments")
    for kind in kinds:
        for spend in spends:
            if spend.note.kind == kind:
                place(kind, "consumed", spend)
        for payment in payments:
            if payment.kind == kind:
                place(kind, "created", payment)
    if not opened:
        opened.append(_Open())
    if len(opened) > MAX_ACTIONS:
        raise PlanRefused(
            "SH-5", f"{len(opened)} actions are needed, {MAX_ACTIONS} fit", where="plan"
        )
    ordered = shuffled(opened, randomness, "order/actions")
    return tuple(_close(action, randomness, index) for index, action in enumerate(ordered))


def shuffled(items: Sequence[_T], randomness: Randomness, purpose: str, *of: int) -> list[_T]:
    """The items in an order drawn from the plan."""
    keys = [randomness.seed(purpose, *of, index) for index in range(len(items))]
    return [items[index] for index in sorted(range(len(items)), key=keys.__getitem__)]


def _close(action: _Open, randomness: Randomness, index: int) -> Slots:
    first = action.kinds[0] if action.kinds else NATIVE
    second = action.kinds[1] if len(action.kinds) > 1 else NATIVE if first == FILLER else FILLER
    consumed: list[Spend | None] = [*action.consumed, None, None][:2]
    created: list[Payment | None] = [*action.created, None, None][:2]
    c0, c1 = shuffled(consumed, randomness, "order/consumed", index)
    n0, n1 = shuffled(created, randomness, "order/created", index)
    return Slots((first, second), (c0, c1), (n0, n1))
