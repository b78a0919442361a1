"""Whose word a client takes for who holds an epoch's key.  Rule LN-49.

What a quorum of a roster signed can be checked by replaying it (LN-43). Which roster it is that
signed, a node says; and who names another one needs no signature of the chain's validators. So a
client takes the roster that its user named; else the proven one, where it can have it proven; else
that of genesis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from node.core.committee import Committee
from node.core.genesis import Genesis
from node.lane import holders
from node.lane.errors import LaneRefused
from node.stake import rosters
from private_exec.keys import EpochKey


@dataclass(frozen=True, slots=True)
class Trust:
    """What a client goes by, beside genesis.

    Attributes:
        pins: digests of holders (`holders.digest`) that the user named.
        proven: the roster of an epoch in a state whose root somebody other than the asked node
            vouches for, such as a light client; None where it has none. Of an
            epoch whose roster is not fixed, or forgotten, it proves nothing.
    """

    pins: frozenset[bytes] = frozenset()
    proven: Callable[[int], Committee | None] | None = None


GENESIS_ONLY: Final = Trust()
_LAST_OF_GENESIS: Final = 1
"""ST-1: the roster of genesis is that of epochs 0 and 1, whatever happens."""


def check_holders(genesis: Genesis, key: EpochKey, trust: Trust = GENESIS_ONLY) -> None:
    """LN-49: the key is held by whom the client knows, in shares that follow from their stake.

    Args:
        genesis: of the chain; trusted.
        key: what is said to be the key of its domain and epoch.
        trust: what else is.

    Raises:
        LaneRefused: LN-49.
    """
    found = holders.digest(key.roster, key.parameters)
    if found in trust.pins:
        return
    fixed = genesis.stake is None or key.epoch <= _LAST_OF_GENESIS
    known: Committee | None
    if fixed or trust.proven is None:
        known, whose = rosters.genesis_roster(genesis), "genesis"
    else:  # what validators of genesis sign long after they left is not the chain's
        known, whose = trust.proven(key.epoch), "the proven roster"
    if known is not None and _is(key, known):
        return
    raise LaneRefused(
        "LN-49",
        f"its holders {found.hex()} are not those of {whose}",
        where=f"key of epoch {key.epoch}",
        why="who names its own validators can read everything that is sealed under their key",
        fix="begin a light client, which proves rosters (`chiaro light init`), or compare the "
        "digest with one that you trust and name it: `chiaro config set holders DIGEST`",
    )


def _is(key: EpochKey, committee: Committee) -> bool:
    """No key is held by a roster with which none is safe (LN-45)."""
    try:
        held = holders.of_committee(committee)
    except LaneRefused:
        return False
    return (key.roster, key.parameters) == (held.roster, held.parameters)
