"""Who is in charge of an epoch, and who votes now.  Rules ST-1 … ST-5.

At the last block of epoch e the roster of epoch e + 2 is fixed: validators with the most stake, as
weights. Epochs 0 and 1 have the roster of genesis. So whoever makes the keys of an epoch together
is known one whole epoch before it begins.

Consensus follows the roster of the epoch in which the block before lies, without those whose fault
was proved. CometBFT heeds what it is told at height H from H + 2 on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from node.core.codec import Reader, Writer
from node.core.committee import Committee, Member
from node.core.genesis import Genesis
from node.core.interfaces import StateReader
from node.core.stake import StakeParameters
from node.stake import state as entries
from node.stake.errors import StakeRefused
from node.stake.state import Validator

DELAY: Final = 2
"""CometBFT: blocks from the one that changes the set of validators to the first that they vote
for."""
_MOST_READ: Final = 64


def genesis_roster(genesis: Genesis) -> Committee:
    """Of epochs 0 and 1, and of all epochs where there is no stake: then equals of weight 1.

    Raises:
        DecodeError: DA-1, the chain has no validators, or keys that are none.
    """
    stake = genesis.stake
    if stake is None:
        return _equals(genesis.validators)
    return Committee(tuple(_member(bond.key, bond.amount, stake) for bond in stake.bonds))


def committee(state: StateReader, genesis: Genesis, epoch: int) -> Committee:
    """ST-1: the roster of an epoch; ids are consensus keys, weights whole units of stake.

    Args:
        state: after any block behind which the roster is fixed.
        genesis: of the chain.
        epoch: 0 or more.

    Raises:
        StakeRefused: ST-2, it is not fixed yet, or forgotten.
        DecodeError: DA-1, the chain has no validators.
    """
    if genesis.stake is None:
        return _equals(genesis.validators)
    data = state.get(entries.roster_key(epoch)) if 0 <= epoch < 1 << 32 else None
    if data is None:
        raise StakeRefused(
            "ST-2",
            f"the state has no roster of epoch {epoch}",
            where="epoch",
            why="a roster is fixed one epoch ahead, and kept while a fault in it can be punished",
        )
    return decoded(data)


def consensus_set(state: StateReader, genesis: Genesis) -> Committee:
    """ST-3: who votes for the block two heights behind the last one of `state`.

    Raises:
        DecodeError: DA-1, the chain has no validators.
    """
    data = None if genesis.stake is None else state.get(entries.VOTERS_KEY)
    return genesis_roster(genesis) if data is None else decoded(data)


def next_roster(state: StateReader, stake: StakeParameters, before: Committee) -> Committee:
    """ST-4: those with the most stake, at most `max_validators`; of equals, the lower key.

    Whose fault was proved, and who has less than `min_bond`, is not among them. With nobody left
    the roster before stays: a chain without validators would stand still for good.
    """
    chosen = eligible(state, stake)
    if not chosen:
        return before
    return Committee(tuple(_member(key, chosen[key].bonded, stake) for key in sorted(chosen)))


def eligible(state: StateReader, stake: StakeParameters) -> dict[bytes, Validator]:
    """ST-4: who may be in a roster, by consensus key."""
    found = {
        key: validator
        for key, validator in entries.validators(state)
        if not validator.fault and validator.bonded >= stake.min_bond
    }
    ranked = sorted(found, key=lambda key: (-found[key].bonded, key))
    return {key: found[key] for key in ranked[: stake.max_validators]}


def voters(state: StateReader, roster: Committee) -> Committee:
    """ST-5: a roster without those whose fault was proved; with nobody left, all of it."""
    members = tuple(m for m in roster.members if not _at_fault(state, m.key))
    return Committee(members) if members else roster


def encoded(roster: Committee) -> bytes:
    """As the state has it."""
    writer = Writer()
    roster.write(writer)
    return writer.done()


def _at_fault(state: StateReader, key: bytes) -> bool:
    found = entries.validator(state, key)
    return found is not None and found.fault > 0


def _member(key: bytes, amount: int, stake: StakeParameters) -> Member:
    return Member(key, key, amount // stake.unit)


@lru_cache(maxsize=_MOST_READ)
def _equals(keys: tuple[bytes, ...]) -> Committee:
    return Committee(tuple(Member(key, key, 1) for key in keys))


@lru_cache(maxsize=_MOST_READ)
def decoded(data: bytes) -> Committee:
    """As the state has it. Raises DecodeError."""
    reader = Reader(data, "roster")
    found = Committee.read(reader)
    reader.done()
    return found
