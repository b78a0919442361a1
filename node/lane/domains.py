"""The domains of a chain, as `node.da` sees them: closing rule, fees, committee.

The roster of an epoch keeps and signs for every domain, by stake (LN-47). Clocks and fees are those
of genesis, whoever keeps the bytes.
"""

from __future__ import annotations

from functools import lru_cache

from node.core.committee import Committee
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.interfaces import StateReader
from node.core.lane import LaneDomain
from node.da.domain import CloseRule, Domain
from node.da.errors import DataRefused
from node.lane.errors import LaneRefused
from node.stake import rosters


def entry(genesis: Genesis, number: int) -> LaneDomain:
    """What genesis says of a domain.

    Raises:
        LaneRefused: LN-2, the chain has no such domain.
    """
    found = None if genesis.lane is None else genesis.lane.domain(number)
    if found is None:
        raise LaneRefused("LN-2", f"this chain has no domain {number}", where="domain")
    return found


def domain_of(genesis: Genesis, number: int) -> Domain:
    """Its parameters for batches, with the committee of genesis; who keeps blobs, `keeping` says.

    Raises:
        LaneRefused: LN-2.
        DataRefused: DA-7, DA-21; no chain with such parameters starts.
    """
    item = entry(genesis, number)
    return _domain(item, rosters.genesis_roster(genesis), genesis.parameters.max_expiry)


def keeping(state: StateReader, genesis: Genesis, number: int, height: int) -> Domain:
    """LN-47: with the committee that keeps what is stated at a height: its epoch's roster.

    Args:
        state: of this height or a later one.
        genesis: of the chain.
        number: of the domain.
        height: of a statement; before the first block, that of its epoch.

    Raises:
        LaneRefused: LN-2; LN-47, this roster cannot keep rows safely (DA-7).
    """
    item = entry(genesis, number)
    epoch = epoch_at(genesis, height)
    try:
        roster = rosters.committee(state, genesis, epoch)
        return _domain(item, roster, genesis.parameters.max_expiry)
    except DataRefused as error:
        raise LaneRefused(
            "LN-47",
            f"{error.id}: {error.message}",
            where=f"roster of epoch {epoch}",
            fix="send the intents by themselves, or wait for another epoch",
        ) from error


def epoch_at(genesis: Genesis, height: int) -> int:
    """The epoch whose roster is in office at a height."""
    return 0 if genesis.lane is None else genesis.lane.epoch_of(max(1, height))


@lru_cache(maxsize=512)
def _domain(item: LaneDomain, committee: Committee, lifetime: int) -> Domain:
    return Domain(
        item.id,
        CloseRule(Height(item.period), item.period),
        item.criterion,
        item.fee,
        committee,
        reveal_window=item.reveal_window,
        solve_period=item.solve_period,
        lifetime=lifetime,
    )


def closing(item: LaneDomain, height: int) -> int:
    """Height at which a batch closes that is open in the block of `height`: a multiple (P1-7)."""
    return -(-height // item.period) * item.period


def least_fee(genesis: Genesis, number: int, size: int, gas_cap: int) -> int:
    """LN-4: what a sealed intent pays at least, base units of the native kind.

    Args:
        genesis: of the chain.
        number: of the domain.
        size: bytes of the envelope.
        gas_cap: how many proofs the opened intent may have.

    Raises:
        LaneRefused: LN-2.
    """
    floor = genesis.parameters.fee_floor * max(1, gas_cap)
    return max(domain_of(genesis, number).fee_of(size), floor)
