"""The domains of a chain, as `node.da` sees them: closing rule, fees, committee.

All validators of genesis keep and sign for every domain, with equal weight.
"""

from __future__ import annotations

from functools import lru_cache

from node.core.committee import Committee, Member
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.lane import LaneDomain
from node.da.domain import CloseRule, Domain
from node.lane.errors import LaneRefused


@lru_cache(maxsize=16)
def committee(validators: tuple[bytes, ...]) -> Committee:
    """Validators of genesis, in its order, one unit of weight each. Their ids are their keys."""
    return Committee(tuple(Member(key, key, 1) for key in validators))


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
    """Its parameters for batches.

    Raises:
        LaneRefused: LN-2.
        DataRefused: DA-7, DA-21; no chain with such parameters starts.
    """
    item = entry(genesis, number)
    return _domain(item, genesis.validators, genesis.parameters.max_expiry)


@lru_cache(maxsize=512)
def _domain(item: LaneDomain, validators: tuple[bytes, ...], lifetime: int) -> Domain:
    return Domain(
        item.id,
        CloseRule(Height(item.period), item.period),
        item.criterion,
        item.fee,
        committee(validators),
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
