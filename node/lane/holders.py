"""Who holds the key of an epoch: its roster, and the virtual shares that stake comes to.

    roster of the epoch (node.stake)  →  shares by PX-11  →  members, n, T, ℓ, capacity of a batch

A validator's stake may be too small for a share: then it has a part in the chain and none in the
key. A member is known by its place among those who have shares; the place is the epoch's, so nobody
keeps it from one epoch to the next (LN-44).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from node.core.committee import Committee
from node.core.genesis import Genesis
from node.core.ids import tagged_hash
from node.core.interfaces import StateReader
from node.lane.errors import LaneRefused
from node.stake import rosters
from private_exec import weights
from private_exec.errors import MalformedSeal, UnsafeWeights
from private_exec.parameters import Parameters
from private_exec.roster import Roster
from private_exec.weights import Assignment

_MOST_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Holders:
    """Who makes and holds the keys of an epoch, of every domain alike.

    Attributes:
        committee: all who have stake in the epoch.
        assignment: shares by place in the committee, and what they protect.
        roster: of the key: those who have shares, in the committee's order.
    """

    committee: Committee
    assignment: Assignment
    roster: Roster

    @property
    def parameters(self) -> Parameters:
        """n, T, ℓ."""
        return self.assignment.parameters

    def member(self, key: bytes) -> int | None:
        """Place of a consensus key among those who have shares."""
        return member(self.roster, key)


def digest(roster: Roster, parameters: Parameters) -> bytes:
    """32 bytes that name the holders of a key: who has which shares, and n, T, ℓ.

    With another T the same members' key would open with fewer of them, so it is a part of it.
    """
    return tagged_hash("lane/holders", roster.to_bytes(), parameters.to_bytes())


def member(roster: Roster, key: bytes) -> int | None:
    """Place of a consensus key in the roster of a key."""
    return next((place for place, item in enumerate(roster.members) if item.key == key), None)


def of(state: StateReader, genesis: Genesis, epoch: int) -> Holders:
    """LN-44: by the roster that the state has for the epoch.

    Raises:
        LaneRefused: LN-45.
    """
    return of_committee(rosters.committee(state, genesis, epoch))


def member_in(state: StateReader, genesis: Genesis, epoch: int, key: bytes) -> int | None:
    """LN-46: place of a consensus key among who has shares of an epoch; None: it has none.

    Nobody has, where stakes give no safe shares (LN-45).
    """
    try:
        return of(state, genesis, epoch).member(key)
    except LaneRefused:
        return None


def of_committee(committee: Committee) -> Holders:
    """LN-44, LN-45: by stakes alone, the same for everybody who asks.

    Raises:
        LaneRefused: LN-45, no number of shares keeps both bounds of PX-11.
    """
    found = _of(committee)
    if isinstance(found, str):
        raise LaneRefused(
            "LN-45",
            found,
            where=f"roster of {len(committee.members)}",
            why="with such shares a third of the stake could read, or two thirds not open",
            fix="the epoch has no key; stake that is spread otherwise gives the next one a key",
        )
    return found


@lru_cache(maxsize=_MOST_KEPT)
def _of(committee: Committee) -> Holders | str:
    """Holders, or why there are none: either costs a search."""
    try:
        found = weights.assign([item.weight for item in committee.members])
        sharing = [
            (item.key, count)
            for item, count in zip(committee.members, found.shares, strict=True)
            if count
        ]
        roster = Roster.of([key for key, _ in sharing], [count for _, count in sharing])
    except (MalformedSeal, UnsafeWeights) as error:
        return f"{error.id}: {error.message}"
    return Holders(committee, found, roster)


def capacity(roster: Roster, parameters: Parameters) -> int:
    """PX-24: most sealed intents of a batch, by what the shares of all members weigh."""
    return weights.largest_batch([item.shares for item in roster.members], parameters)
