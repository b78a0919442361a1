"""Whose word a client takes for who holds an epoch's key.  Rule LN-49.

What a quorum of a roster signed can be checked by replaying it (LN-43). Which roster it is that
signed, a node says; and who names another one needs no signature of the chain's validators. So a
client takes the roster of genesis, one that its user named, or one that is proven.
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
            vouches for, such as a light client; None where it has none.
    """

    pins: frozenset[bytes] = frozenset()
    proven: Callable[[int], Committee | None] | None = None


GENESIS_ONLY: Final = Trust()


def check_holders(genesis: Genesis, key: EpochKey, trust: Trust = GENESIS_ONLY) -> None:
    """LN-49: the key is held by whom the client knows, in shares that follow from their stake.

    Args:
        genesis: of the chain; trusted.
        key: what is said to be the key of its domain and epoch.
        trust: what else is.

    Raises:
        LaneRefused: LN-49; LN-45, no key is safe with a roster that was proven.
    """
    if _is(key, rosters.genesis_roster(genesis)):
        return
    found = holders.digest(key.roster, key.parameters)
    if found in trust.pins:
        return
    proven = None if trust.proven is None else trust.proven(key.epoch)
    if proven is not None and _is(key, proven):
        return
    raise LaneRefused(
        "LN-49",
        f"its holders {found.hex()} are not those of genesis"
        + ("" if proven is None else ", nor those of the proven roster"),
        where=f"key of epoch {key.epoch}",
        why="who names its own validators can read everything that is sealed under their key",
        fix="begin a light client, which proves rosters (`chiaro light init`), or compare the "
        "digest with one that you trust and name it: `chiaro config set holders DIGEST`",
    )


def _is(key: EpochKey, committee: Committee) -> bool:
    held = holders.of_committee(committee)
    return (key.roster, key.parameters) == (held.roster, held.parameters)
