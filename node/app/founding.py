"""A genesis for a chain whose keys come from ceremonies. Development chains: `development`."""

from __future__ import annotations

from circuits.keys import KeyStore
from node.app import assembly, runtime
from node.app.development import founded_with
from node.core.genesis import DEV_PROFILE, Allocation, Genesis, Parameters, StatementKey
from node.core.lane import LaneParameters
from node.core.private import PrivateParameters
from node.core.stake import StakeParameters
from zk.errors import DevParamsRefused


def genesis(
    name: str,
    profile: str,
    keys: KeyStore,
    *,
    time_ms: int,
    parameters: Parameters | None = None,
    allocations: tuple[Allocation, ...] = (),
    guardians: tuple[bytes, ...] = (),
    guardian_threshold: int | None = None,
    validators: tuple[bytes, ...] = (),
    lane: LaneParameters | None = None,
    stake: StakeParameters | None = None,
    private: PrivateParameters | None = None,
) -> Genesis:
    """A new chain under the ceremonies' keys of a registry, and of this installation's runtime.

    Args:
        name: of the chain.
        profile: of the chain; never `dev`.
        keys: each key is loaded, so that one which S-11 refuses founds nothing.
        time_ms: part of the chain id.
        parameters: default `Parameters()`.
        allocations: all that there will ever be; sorted here.
        guardians: keys of those who may close a pool; sorted here.
        guardian_threshold: how many of them it takes; default: the least majority.
        validators: consensus keys; sorted here.
        lane: of sealed intents; it needs a validator.
        stake: of the validators; its bonds are issued beside the allocations.
        private: of the private environment; the chain names those programs, too, that the registry
            has a current key of (PV-189).

    Raises:
        DevParamsRefused: profile `dev`, or only development keys.
        InsecureVersion: RPC-25.
        UnknownKey, DigestMismatch, UnsafeKey: no usable key.
        DecodeError: CH-16 … CH-19, CH-28, CH-35, CH-45 … CH-47.
    """
    if profile == DEV_PROFILE:
        raise DevParamsRefused(
            "CH-17: a chain of profile `dev` has no ceremony",
            where=f"profile {profile}",
            fix="`chiaro up` makes development chains; for others name a profile",
        )
    least = len(guardians) // 2 + 1 if guardians else 0
    statements = []
    named = founded_with(private, keys.registry, profile)
    for statement in named:
        entry = keys.entry(statement, profile)
        entry.require_current()
        key = keys.verifying_key(statement, profile)
        statements.append(StatementKey(statement, bytes.fromhex(entry.r1cs), bytes.fromhex(key.id)))
    return Genesis(
        profile,
        name,
        time_ms,
        parameters or Parameters(),
        statements=tuple(sorted(statements)),
        allocations=tuple(sorted(allocations)),
        ceremony=assembly.ceremony_of(named, profile, keys),
        guardians=tuple(sorted(guardians)),
        guardian_threshold=least if guardian_threshold is None else guardian_threshold,
        validators=tuple(sorted(validators)),
        lane=lane,
        stake=stake,
        private=private,
        runtime=runtime.fingerprint(),
    )
