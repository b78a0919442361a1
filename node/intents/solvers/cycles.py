"""Exact swaps: sets of parties whose nets sum to zero in every kind.  Rule IN-28.

A component of intents that share kinds is searched completely up to 16 parties: all minimal sets
that sum to zero, then the disjoint choice that settles most parties (ties: the lowest ids). Up to
64 parties sets of at most four are found, and chosen greedily; beyond that the component is left
alone. Minimal sets, because one bad transaction then costs the fewest others (S-19).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from node.core.ids import Kind, tagged_hash
from node.core.intent import Intent
from node.intents.errors import TooComplex
from node.intents.settlement import Component, Composed
from node.intents.solvers.problem import Problem
from node.intents.swap import SwapTerms
from shielded.compose import compose
from shielded.transaction import MAX_ACTIONS, MAX_PARTIES

COMPLETE_UP_TO: Final = 16
BOUNDED_UP_TO: Final = 64
MOST_STEPS: Final = 200_000
"""Of the search for a disjoint choice."""


@dataclass(frozen=True, slots=True)
class Party:
    """What the search sees of a swap.

    Attributes:
        nets: per kind, what counterparts must bring to zero.
        actions: how many of a transaction's it takes.
        uses: keys that one settled intent may use.
    """

    nets: Mapping[Kind, int]
    actions: int = 1
    uses: frozenset[bytes] = frozenset()


def solve(problem: Problem, seed: bytes) -> tuple[Component, ...]:
    """Settle what exact swaps can be settled.

    Raises:
        TooComplex: no component is small enough to be searched, and some are too large.
    """
    swaps = problem.swaps()
    parties = [
        Party(terms.remaining(intent.fee), len(terms.part.party.actions), frozenset(terms.uses))
        for intent, terms in swaps
    ]
    return tuple(_compose([swaps[at] for at in ring], seed) for ring in rings(parties))


def rings(parties: Sequence[Party]) -> list[tuple[int, ...]]:
    """Disjoint sets of parties that sum to zero, as ascending indices, in order of the first.

    Raises:
        TooComplex: nothing was found, and something was not searched.
    """
    found: list[tuple[int, ...]] = []
    left_out = 0
    for members in components(parties):
        if len(members) > BOUNDED_UP_TO:
            left_out += len(members)
            continue
        local = [parties[at] for at in members]
        sets = _minimal(local) if len(local) <= COMPLETE_UP_TO else _short(local)
        found += [tuple(members[at] for at in _indices(mask)) for mask in _choose(local, sets)]
    if left_out and not found:
        raise TooComplex(
            f"{left_out} swaps hang together, {BOUNDED_UP_TO} are searched", where="swaps"
        )
    return sorted(found)


def components(parties: Sequence[Party]) -> list[list[int]]:
    """Indices of parties that are connected by kinds, each list ascending."""
    root = list(range(len(parties)))

    def find(at: int) -> int:
        while root[at] != at:
            root[at] = root[root[at]]
            at = root[at]
        return at

    first: dict[Kind, int] = {}
    for at, party in enumerate(parties):
        for kind in party.nets:
            a, b = find(first.setdefault(kind, at)), find(at)
            root[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = {}
    for at in range(len(parties)):
        groups.setdefault(find(at), []).append(at)
    return list(groups.values())


def _fits(parties: Sequence[Party], mask: int) -> bool:
    """One transaction can hold them, and no two use the same."""
    chosen = [parties[at] for at in _indices(mask)]
    uses = [key for party in chosen for key in party.uses]
    return (
        len(chosen) <= MAX_PARTIES
        and sum(party.actions for party in chosen) <= MAX_ACTIONS
        and len(set(uses)) == len(uses)
    )


def _minimal(parties: Sequence[Party]) -> list[int]:
    """All sets that sum to zero and hold no smaller such set, as bit masks, ascending."""
    kinds = sorted({kind for party in parties for kind in party.nets})
    rows = [tuple(party.nets.get(kind, 0) for kind in kinds) for party in parties]
    sums: list[tuple[int, ...]] = [(0,) * len(kinds)]
    zero: list[int] = []
    for mask in range(1, 1 << len(parties)):
        top = mask.bit_length() - 1
        total = tuple(map(int.__add__, sums[mask ^ (1 << top)], rows[top]))
        sums.append(total)
        if not any(total):
            zero.append(mask)
    minimal: list[int] = []
    for mask in sorted(zero, key=lambda item: (item.bit_count(), item)):
        if not any(smaller & mask == smaller for smaller in minimal):
            minimal.append(mask)
    return [mask for mask in minimal if _fits(parties, mask)]


def _short(parties: Sequence[Party]) -> list[int]:
    """Minimal sets of at most four: a pair, or two pairs that cancel."""
    opposite: dict[frozenset[tuple[Kind, int]], list[int]] = {}
    pools: list[list[tuple[int, dict[Kind, int]]]] = [[], []]
    for at, party in enumerate(parties):
        pools[0].append((1 << at, {k: n for k, n in party.nets.items() if n}))
    for at, (mask, nets) in enumerate(pools[0]):
        for other, more in pools[0][at + 1 :]:
            pools[1].append((mask | other, _added(nets, more)))
    for mask, nets in (*pools[0], *pools[1]):
        opposite.setdefault(frozenset((k, -n) for k, n in nets.items()), []).append(mask)
    found = set[int]()
    for mask, nets in (*pools[0], *pools[1]):
        others = opposite.get(frozenset(nets.items()), ())
        found |= {mask | other for other in others if not mask & other}
    minimal: list[int] = []
    for mask in sorted(found, key=lambda item: (item.bit_count(), item)):
        if len(minimal) >= MOST_STEPS // BOUNDED_UP_TO:
            break
        if not any(smaller & mask == smaller for smaller in minimal) and _fits(parties, mask):
            minimal.append(mask)
    return minimal


def _added(first: Mapping[Kind, int], second: Mapping[Kind, int]) -> dict[Kind, int]:
    sums = {kind: first.get(kind, 0) + second.get(kind, 0) for kind in {*first, *second}}
    return {kind: amount for kind, amount in sums.items() if amount}


def _choose(parties: Sequence[Party], sets: Sequence[int]) -> list[int]:
    """Disjoint sets that settle most parties; greedily, where the search takes too long."""
    clash = [
        sum(
            1 << other
            for other in range(len(parties))
            if parties[at].uses & parties[other].uses or other == at
        )
        for at in range(len(parties))
    ]
    blocked = {mask: _union(clash, mask) for mask in sets}
    try:
        return list(_most(tuple(sets), blocked, (1 << len(parties)) - 1))
    except TooComplex:
        chosen, free = list[int](), (1 << len(parties)) - 1
        for mask in sets:
            if mask & free == mask:
                chosen.append(mask)
                free &= ~blocked[mask]
        return chosen


def _union(clash: Sequence[int], mask: int) -> int:
    total = 0
    for at in _indices(mask):
        total |= clash[at]
    return total


def _most(sets: tuple[int, ...], blocked: Mapping[int, int], everybody: int) -> tuple[int, ...]:
    """The disjoint choice with most parties; each party is in a set, or left out.

    Raises:
        TooComplex: more than MOST_STEPS steps.
    """
    by_lowest: dict[int, list[int]] = {}
    for mask in sets:
        by_lowest.setdefault(mask & -mask, []).append(mask)
    steps = 0

    @functools.cache
    def search(free: int) -> tuple[int, tuple[int, ...]]:
        nonlocal steps
        if not free:
            return 0, ()
        lowest = free & -free
        options = by_lowest.get(lowest, ())
        steps += 1 + len(options)
        if steps > MOST_STEPS:
            raise TooComplex("too many sets of swaps", where="swaps")
        # Among equals the lowest party is settled, in its smallest set: ids decide, not arrival.
        settled, chosen = -1, tuple[int, ...]()
        for mask in options:
            if mask & free == mask:
                more, rest = search(free & ~blocked[mask])
                if more + mask.bit_count() > settled:
                    settled, chosen = more + mask.bit_count(), (mask, *rest)
        without, others = search(free & ~lowest)
        if without > settled:
            settled, chosen = without, others
        return settled, chosen

    return search(everybody)[1]


def _indices(mask: int) -> list[int]:
    return [at for at in range(mask.bit_length()) if mask >> at & 1]


def _compose(swaps: Sequence[tuple[Intent, SwapTerms]], seed: bytes) -> Composed:
    ids = tuple(intent.id for intent, _ in swaps)
    fee = sum(intent.fee for intent, _ in swaps)
    parts = [terms.part for _, terms in swaps]
    tx = compose(parts, fee=fee, seed=tagged_hash("intents/compose", seed, *ids))
    return Composed(ids, tx.to_bytes())
