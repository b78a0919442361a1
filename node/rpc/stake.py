"""What a node says of stake: one committed state, all of it.  Rules RPC-46, RPC-47."""

from __future__ import annotations

from typing import Final

from node.core.committee import Committee
from node.core.errors import NotFound
from node.core.genesis import Genesis
from node.core.ids import NATIVE, EnvironmentId
from node.core.interfaces import StateReader
from node.core.stake import StakeParameters
from node.execution import turnstile
from node.rpc.stake_schema import NoticeView, StakedView, StakeView
from node.rpc.text import hex_of
from node.stake import state as entries
from node.stake.faults import FaultKind
from node.stake.rosters import committee, consensus_set
from node.stake.state import Validator
from node.store.versioned import VersionedStore


class StakeViews:
    """Of one node.

    Args:
        genesis: of the chain.
        store: of the node.
    """

    def __init__(self, genesis: Genesis, store: VersionedStore) -> None:
        self._genesis: Final = genesis
        self._store: Final = store

    def stake(self) -> StakeView:
        """RPC-47: behind the last block. Raises NotFound: RPC-46, the chain has no stake."""
        stake = self._genesis.stake
        if stake is None:
            raise NotFound(
                "RPC-46: this chain has no stake",
                why="its validators are those of genesis, as equals, for ever",
            )
        state = self._store.reader()
        height = int(state.height)
        epoch = stake.epoch_of(height + 1)
        rosters = [
            _weights(committee(state, self._genesis, epoch)),
            _weights(committee(state, self._genesis, epoch + 1)),
            _weights(consensus_set(state, self._genesis)),
        ]
        return StakeView(
            height=height,
            epoch=epoch,
            until=stake.last_height(epoch),
            unit=str(stake.unit),
            min_bond=str(stake.min_bond),
            unbonding_epochs=stake.unbonding_epochs,
            max_validators=stake.max_validators,
            held=str(turnstile.totals(state, EnvironmentId.STAKE, NATIVE).held),
            lost=str(entries.lost(state)),
            fractions={kind.label: kind.fraction(stake) for kind in FaultKind},
            validators=[
                _validator(key, found, rosters, state, stake)
                for key, found in entries.validators(state)
            ],
        )


def _weights(found: Committee) -> dict[bytes, int]:
    return {member.key: member.weight for member in found.members}


def _validator(
    key: bytes,
    found: Validator,
    rosters: list[dict[bytes, int]],
    state: StateReader,
    stake: StakeParameters,
) -> StakedView:
    now, following, voting = (roster.get(key, 0) for roster in rosters)
    return StakedView(
        key=hex_of(key),
        owner=hex_of(found.owner),
        bonded=str(found.bonded),
        weight=now,
        next=following,
        power=voting,
        fault=found.fault,
        notices=[
            NoticeView(
                epoch=epoch,
                amount=str(amount),
                due=stake.last_height(epoch + stake.unbonding_epochs) + 1,
            )
            for epoch, amount in entries.notices(state, key)
        ],
    )
