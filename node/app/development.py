"""The development chain: a faucet with a published key and two assets to play with. UNSAFE.

Light to import: the command line reads names of assets from here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from node.core.genesis import (
    DEV_FAUCET_AMOUNT,
    DEV_PROFILE,
    Allocation,
    Genesis,
    Parameters,
    StatementKey,
    dev_faucet_account,
    development_genesis,
)
from node.core.ids import NATIVE, Kind
from node.core.lane import LaneDomain, LaneParameters
from node.core.private import STATEMENTS as PRIVATE_STATEMENTS
from node.core.private import PrivateParameters
from node.core.stake import GenesisBond, StakeParameters
from zk.hash import domains

if TYPE_CHECKING:
    from circuits.key_registry import Registry

ASSETS: Final = ("gold", "silver")
"""Named assets of the development genesis, beside the native kind; all of them the faucet's."""
STATEMENTS: Final = ("action/1",)
"""What every chain of this version verifies."""
PRIVATE: Final = PrivateParameters(step_heights=5)
"""The private environment of development chains, whose blocks are few."""
PRIVATE_BLOCK_MS: Final = 1000
"""Their blocks come by time, also empty ones: deadlines of rounds are heights."""
LANE: Final = LaneParameters(
    (
        LaneDomain(0, "main", period=20, solve_period=5),
        LaneDomain(1, "fast", period=1, solve_period=1),
    )
)
"""Domains of sealed intents of the development chain: for people, who type, and for programs."""


def asset(name: str) -> Kind:
    """The plain kind that a name stands for; `native` is the kind of fees."""
    return NATIVE if name == "native" else Kind(0, domains.asset_label(name))


BOND: Final = 10**12
"""A million units: what each validator of a development chain with stake has bonded."""


def stake(keys: Sequence[bytes], epoch_heights: int, bond: int = BOND) -> StakeParameters:
    """Equal bonds of a development chain's validators; the faucet owns them. UNSAFE like it.

    Args:
        keys: consensus keys.
        epoch_heights: of the lane, if there is one.
        bond: base units each.
    """
    owner = dev_faucet_account()
    return StakeParameters(
        tuple(GenesisBond(key, owner, bond) for key in sorted(keys)), epoch_heights=epoch_heights
    )


def names(genesis: Genesis) -> dict[Kind, str]:
    """Names of kinds beside `native`, as far as they are known: those of development chains."""
    if genesis.profile != DEV_PROFILE:
        return {}
    issued = genesis.supply()
    return {asset(name): name for name in ASSETS if asset(name) in issued}


def statements_of(private: PrivateParameters | None) -> tuple[str, ...]:
    """What a chain with, or without, a private environment may verify at most; sorted."""
    if private is None:
        return STATEMENTS
    from node.private.program_keys import programs

    return tuple(sorted((*STATEMENTS, *PRIVATE_STATEMENTS, *programs())))


def founded_with(
    private: PrivateParameters | None, listed: Registry, profile: str
) -> tuple[str, ...]:
    """What a chain begins with here: what it must verify, and programs that have a current key.

    Args:
        private: of its private environment.
        listed: keys.
        profile: of the chain.
    """
    required = required_of(private)
    return tuple(
        name
        for name in statements_of(private)
        if name in required or listed.has_current(name, profile)
    )


def required_of(private: PrivateParameters | None) -> frozenset[str]:
    """What such a chain verifies whatever its founders wanted."""
    return frozenset((*STATEMENTS, *(() if private is None else PRIVATE_STATEMENTS)))


def serves(named: Collection[str], private: PrivateParameters | None) -> bool:
    """PV-189 (RPC-14): whether this version verifies exactly what such a chain has named.

    A chain names those programs that its founders wanted; all else that it must verify is fixed.
    """
    return required_of(private) <= set(named) <= set(statements_of(private))


def genesis(
    time_ms: int,
    *,
    parameters: Parameters | None = None,
    registry: Registry | None = None,
    validators: tuple[bytes, ...] = (),
    lane: LaneParameters | None = LANE,
    allocations: Sequence[Allocation] = (),
    stake: StakeParameters | None = None,
    private: PrivateParameters | None = None,
) -> Genesis:
    """A new development chain under this installation's development keys, and of its runtime.

    Args:
        time_ms: now; part of the chain id, so that two development chains never share one, and a
            wallet of the last one notices.
        parameters: default: blocks on demand.
        registry: of keys; default: the installation's.
        validators: consensus keys; without one there is no lane.
        lane: of sealed intents.
        allocations: beside the faucet's.
        stake: of the validators.
        private: of the private environment.

    Raises:
        UnknownKey: the installation has no development keys.
    """
    from circuits.key_registry import Registry
    from node.app.runtime import fingerprint

    listed = registry or Registry.load()
    statements = []
    for statement in founded_with(private, listed, DEV_PROFILE):
        entry = listed.find(statement, DEV_PROFILE)
        r1cs, key = bytes.fromhex(entry.r1cs), bytes.fromhex(entry.verifying_key)
        statements.append(StatementKey(statement, r1cs, key))
    return development_genesis(
        tuple(statements),
        time_ms=time_ms,
        parameters=parameters or Parameters(block_time_ms=0),
        allocations=(
            *(Allocation(dev_faucet_account(), asset(name), DEV_FAUCET_AMOUNT) for name in ASSETS),
            *allocations,
        ),
        validators=validators,
        lane=lane if validators else None,
        stake=stake,
        runtime=fingerprint(),
        private=private,
    )
