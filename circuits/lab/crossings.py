"""The crossings under examination: true statements of every sort, and lies about kinds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from circuits.crossing_example import example_donation, example_transit
from circuits.donation import Donation
from circuits.lab.subject import Case, Subject
from circuits.transit import Transit
from zk.curve import babyjub

AMOUNTS: Final[dict[str, tuple[int, int | None]]] = {
    "some": (0xC0FFEE_F00D_1234, None),
    "nothing, no blinding": (0, 0),
    "one": (1, babyjub.ORDER - 1),
    "most": ((1 << 64) - 1, (1 << 251) - 1),
}
"""Amounts and blindings; None takes one from the seed."""
WEIGHTS: Final[dict[str, tuple[int, int | None, int]]] = {
    "some": (0xBEEF_1234, None, 7),
    "nothing, no blinding": (0, 0, 0),
    "one": (1, babyjub.ORDER - 1, 8),
    "most": ((1 << 32) - 1, (1 << 251) - 1, 10),
}
"""Weights, blindings, and which member of the example gives."""

_KIND: Final = ("kind_x", "kind_y")


def transit(seed: str) -> Subject:
    """`transit/1`."""
    cases = [
        Case(name, *example_transit(f"{seed}/{name}".encode(), amount=amount, rcv=rcv))
        for name, (amount, rcv) in AMOUNTS.items()
    ]
    return Subject(Transit(), cases, [_off_the_curve(cases[0])], stated=(*_KIND, "amount", "nu"))


def donation(seed: str) -> Subject:
    """`donation/1`."""
    cases = [
        Case(
            name,
            *example_donation(f"{seed}/{name}".encode(), weight=weight, rcv=rcv, member=member),
        )
        for name, (weight, rcv, member) in WEIGHTS.items()
    ]
    stated = (*_KIND, "round", "weight", "nu")
    return Subject(Donation(), cases, [_off_the_curve(cases[0])], stated=stated)


def _off_the_curve(case: Case) -> Case:
    """The same with a kind that is no point: the law of addition means nothing there."""
    public: Any = replace(case.public, kind=(case.public.kind[0], 5))
    return Case("kind off the curve", public, case.witness)
