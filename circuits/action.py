"""The action: consume two resources, create two, publish their balance as a point."""

from __future__ import annotations

from circuits.records import (
    ARITY,
    DEPTH,
    ActionPublic,
    ActionWitness,
    Children,
    ConsumedWitness,
    CreatedWitness,
    KindWitness,
)

__all__ = [
    "ARITY",
    "DEPTH",
    "ActionPublic",
    "ActionWitness",
    "Children",
    "ConsumedWitness",
    "CreatedWitness",
    "KindWitness",
]
