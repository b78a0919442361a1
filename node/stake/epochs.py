"""What stake does by itself: genesis, and the end of every block.  Rules ST-1, ST-3 … ST-5, ST-18.

What nobody can use any more is removed at the end of an epoch: rosters of epochs whose faults are
too old to be punished, and the memory of what was punished then.
"""

from __future__ import annotations

from node.core.genesis import Genesis
from node.core.interfaces import StateReader
from node.core.stake import StakeParameters
from node.stake import state as entries
from node.stake.rosters import DELAY, committee, encoded, genesis_roster, next_roster, voters
from node.stake.state import Validator

Writes = dict[bytes, bytes | None]


def begin(genesis: Genesis, stake: StakeParameters) -> Writes:
    """The state after genesis: its bonds, and its roster for the first two epochs."""
    roster = encoded(genesis_roster(genesis))
    writes: Writes = {
        entries.validator_key(bond.key): Validator(bond.owner, bond.amount).to_bytes()
        for bond in stake.bonds
    }
    return {
        **writes,
        entries.roster_key(0): roster,
        entries.roster_key(1): roster,
        entries.VOTERS_KEY: roster,
    }


def close(state: StateReader, height: int, genesis: Genesis, stake: StakeParameters) -> Writes:
    """The end of block `height`: the roster of the epoch after next, and who votes from now on."""
    writes: Writes = {}
    epoch = stake.epoch_of(height)
    if height == stake.last_height(epoch):
        fixed = next_roster(state, stake, committee(state, genesis, epoch + 1))
        writes[entries.roster_key(epoch + 2)] = encoded(fixed)
        writes.update(_forgotten(state, epoch, genesis, stake))
    # The votes for a block carry shares of what closed in the block before (ST-3).
    roster = committee(state, genesis, stake.epoch_of(height + DELAY - 1))
    chosen = encoded(voters(state, roster))
    if chosen != state.get(entries.VOTERS_KEY):
        writes[entries.VOTERS_KEY] = chosen
    return writes


def oldest_fault(epoch: int, stake: StakeParameters) -> int:
    """ST-18: the oldest epoch whose faults can still be punished in `epoch`.

    Stake that was given notice in epoch e stands for faults up to epoch e + 1, and is due behind
    the end of epoch e + `unbonding_epochs`: until then it is there to be taken.
    """
    return max(epoch - stake.unbonding_epochs + 1, 0)


def _forgotten(state: StateReader, epoch: int, genesis: Genesis, stake: StakeParameters) -> Writes:
    oldest = oldest_fault(epoch + 1, stake)
    lane = genesis.lane
    behind = 0 if lane is None else -(-lane.opening_heights // lane.epoch_heights)
    punished = entries.punished_before(state, oldest)
    rosters = entries.rosters_before(state, min(oldest, epoch - behind))
    return dict.fromkeys((*punished, *rosters))
