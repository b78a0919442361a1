"""From what a settlement comes to on a state, to the parts in which it takes effect there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from node.core.effects import BatchScope, Effects, Event, Part
from node.core.ids import FEE_ACCOUNT, NATIVE, AccountId, EnvironmentId
from node.intents.check import Accepted, Outcome
from node.intents.settlement import Complete

Payment = tuple[AccountId, int]
"""An account, and base units of the native kind."""


def parts(
    outcome: Outcome, scope: BatchScope | None, rewards: Mapping[bytes, Iterable[Payment]]
) -> tuple[Part, ...]:
    """One part for each accepted component, in order, named by its place in the settlement.

    A part that takes effect tells which intents it settled.

    Args:
        outcome: of the settlement on the state in which the parts will run.
        scope: of its batch; None for a settlement without one.
        rewards: per intent id, who gets how much of the fee that it pays. The fee reaches
            FEE_ACCOUNT with the component, and goes on from there in the same part.
    """
    return tuple(
        _part(f"component {number}", item, scope, rewards)
        for number, item in zip(outcome.places, outcome.accepted, strict=True)
    )


def _part(
    name: str,
    item: Accepted,
    scope: BatchScope | None,
    rewards: Mapping[bytes, Iterable[Payment]],
) -> Part:
    moved = list(item.balances)
    for intent_id in item.component.intents:
        for account, amount in rewards.get(intent_id, ()):
            if amount:
                moved += [(account, NATIVE, amount), (FEE_ACCOUNT, NATIVE, -amount)]
    effects, settled = item.effects, Effects(events=tuple(map(_settled, item.points)))
    own = ((EnvironmentId.TRANSPARENT, effects),) if effects.writes or effects.events else ()
    return Part(
        name,
        wires=() if item.wire is None else (item.wire,),
        balances=tuple(moved),
        effects=(*own, (EnvironmentId.INTENTS, settled)),
        scope=scope,
        told=isinstance(item.component, Complete),
    )


def _settled(intent_id: bytes) -> Event:
    return Event("settled", (("intent", intent_id.hex()),))


def left_out(outcome: Outcome) -> tuple[Event, ...]:
    """What is told of components that did not hold when they were judged."""
    return tuple(
        Event("part", (("name", f"component {index}"), ("code", error.id)))
        for index, error in outcome.refused
    )
