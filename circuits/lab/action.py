"""The action under examination: true statements of every sort, and lies about kinds.

The lies are those that one changed wire does not reach: a kind is a hash, and what is wrong with it
must be wrong in the one way that a single row refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import gmpy2

from circuits.action import Action
from circuits.example import TRANSFER, Recipe, example_action
from circuits.lab.roots import square_root
from circuits.lab.subject import Case, Subject
from circuits.records import KindWitness
from zk.curve import babyjub
from zk.field.params import FR
from zk.hash import domains
from zk.hash.poseidon import poseidon

_MAX: Final = (1 << 64) - 1
_R: Final = gmpy2.mpz(FR.modulus)

RECIPES: Final[dict[str, Recipe]] = {
    "exchange of two kinds": Recipe(logics=(7, 0)),
    "payment": TRANSFER,
    "dummies, no blinding": Recipe(
        consumed=((0, 0), (1, 0)), created=((0, 0), (1, 0)), logics=(7, 8), alpha=0, rcv=0
    ),
    "ephemeral": Recipe(logics=(5, 6), ephemeral=(True, True)),
    "most consumed": Recipe(
        consumed=((0, _MAX), (0, _MAX)), created=((0, 0), (1, 0)), alpha=babyjub.ORDER - 1
    ),
    "most created": Recipe(
        consumed=((1, 0), (0, 0)), created=((1, _MAX), (1, _MAX)), rcv=(1 << 251) - 1
    ),
    "one bucket": Recipe(same_bucket=True, logics=(0, 9), ephemeral=(False, True)),
}
"""True statements: values from the seed, quantities and scalars at the ends of their ranges."""


def subject(seed: str, depth: int | None = None) -> Subject:
    """The action, in a tree of the usual depth or another."""
    action = Action() if depth is None else Action(depth)
    cases = [
        Case(name, *example_action(f"{seed}/{name}".encode(), depth=action.depth, recipe=recipe))
        for name, recipe in RECIPES.items()
    ]
    return Subject(action, cases, list(_suspects(seed, action.depth)))


def _suspects(seed: str, depth: int) -> Iterator[Case]:
    """Actions of dummies of the second kind; the first, which is not used, is false in one way."""
    nothing = ((1, 0), (1, 0))
    recipe = Recipe(consumed=nothing, created=nothing, logics=(7, 8))
    public, witness = example_action(f"{seed}/suspect".encode(), depth=depth, recipe=recipe)
    for name, logic, ephemeral, squares in (
        ("kind with the other root of y²: the first square is missing", 7, 0, (False, True)),
        ("kind with the other root of y²: the second square is missing", 7, 0, (True, False)),
        ("ephemeral kind without a logic", 0, 1, (True, True)),
        ("kind that is ephemeral twice over", 7, 2, (True, True)),
    ):
        kind = _kind(witness.kinds[0].label, logic, ephemeral, squares)
        yield Case(name, public, replace(witness, kinds=(kind, witness.kinds[1])))


def _kind(label: int, logic: int, ephemeral: int, squares: tuple[bool, bool]) -> KindWitness:
    """The first kind on the curve for which the two squares of the sign rule are as asked."""
    tag = domains.KIND + ephemeral * (domains.EPHEMERAL_KIND - domains.KIND)
    fifth = gmpy2.invert(5, _R)
    ctr = 0
    while True:
        x = poseidon(tag % FR.modulus, (logic, label, ctr))
        for y in _ordinates(x):
            found = (
                square_root((2 + y) % _R) is not None,
                square_root((2 - y) * fifth % _R) is not None,
            )
            if found == squares:
                return KindWitness(logic, label, ctr, ephemeral, y)
        ctr += 1


def _ordinates(x: int) -> list[int]:
    """Both y of the curve's points with this x, if there are any."""
    xx = gmpy2.mpz(x) * x
    y = square_root((1 - babyjub.A * xx) * gmpy2.invert((1 - babyjub.D * xx) % _R, _R) % _R)
    return [] if y is None else [int(y), int(-y % _R)]
