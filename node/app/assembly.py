"""Which parts a chain needs, and whether this installation has them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

from circuits.keys import KeyStore
from node.app.development import serves, statements_of
from node.app.errors import ForeignGenesis, NotInstalled
from node.core.genesis import BATCH_HEIGHTS, DEV_PROFILE, Genesis, ceremony_digest
from node.core.ids import EnvironmentId
from node.core.interfaces import ExecutionEnvironment, ProofClaim, ProofVerifier
from node.execution.executor import Executor
from node.lane.blobs.blob import BlobSource
from node.lane.env import LaneEnvironment
from node.lane.evidence import Judge as LaneJudge
from node.private.env import PrivateEnvironment
from node.stake.env import StakeEnvironment
from node.stake.faults import FaultKind, Judge, Judges
from shielded.env import ShieldedEnvironment
from transparent.env import TransparentEnvironment
from zk.errors import UnknownKey
from zk.groth16.keys import Proof, VerifyingKey

LANE_FAULTS: Final = (FaultKind.TWO_ROOTS, FaultKind.WRONG_SHARE, FaultKind.KEY_GENERATION)
"""What only the sealed lane can judge."""


def check_interpreter(optimize: int | None = None) -> None:
    """RPC-15: no `python -O`. Raises NotInstalled."""
    if sys.flags.optimize if optimize is None else optimize:
        raise NotInstalled("RPC-15: the node does not run under `python -O`")


def environments(genesis: Genesis) -> dict[EnvironmentId, ExecutionEnvironment[Any]]:
    """The environments of the chain, with its constants."""
    found: dict[EnvironmentId, ExecutionEnvironment[Any]] = {
        EnvironmentId.TRANSPARENT: TransparentEnvironment(genesis.parameters.max_expiry),
        EnvironmentId.SHIELDED: _shielded(genesis),
    }
    if genesis.stake is not None:
        found[EnvironmentId.STAKE] = StakeEnvironment(genesis, judges(genesis))
    if genesis.private is not None:
        found[EnvironmentId.PRIVATE] = PrivateEnvironment(genesis, _shielded(genesis))
    return found


def judges(genesis: Genesis) -> Judges:
    """Who says what evidence proves, for each kind of fault that the chain knows."""
    from node.consensus.cometbft.duplicate import VoteJudge

    found: dict[FaultKind, Judge] = {FaultKind.DUPLICATE_VOTE: VoteJudge(genesis)}
    if genesis.lane is not None:
        found.update(dict.fromkeys(LANE_FAULTS, LaneJudge(genesis)))
    return found


def _shielded(genesis: Genesis) -> ShieldedEnvironment:
    p = genesis.parameters
    return ShieldedEnvironment(p.max_expiry, p.anchor_window, BATCH_HEIGHTS)


def executor(
    genesis: Genesis, verifier: ProofVerifier, blobs: BlobSource | None = None
) -> Executor:
    """The executor of the chain, with the sealed lane if genesis has one.

    Args:
        genesis: of the chain.
        verifier: of proofs.
        blobs: where this node gets the bytes of dispersed intents; by default nowhere.

    Raises:
        DataRefused: DA-7, DA-21, its validators are no committee for a domain of the lane.
    """
    found = environments(genesis)
    if genesis.lane is None:
        return Executor(genesis, found, verifier)
    inner = Executor(genesis, found, verifier)
    lane = LaneEnvironment(genesis, inner, verifier, _shielded(genesis), blobs)
    return Executor(genesis, {**found, lane.id: lane}, verifier, lane=lane)


def verifying_keys(genesis: Genesis, keys: KeyStore) -> dict[str, VerifyingKey]:
    """RPC-14, PV-189 (S-12): the keys of the chain's statements, all of them and no others.

    Raises:
        ForeignGenesis: a statement, circuit, key or ceremony that is not this installation's.
        ParamsError: the installation's own keys do not match its registry.
    """
    named = tuple(item.statement for item in genesis.statements)
    if not serves(named, genesis.private):
        installed = statements_of(genesis.private)
        raise ForeignGenesis(
            f"RPC-14: the chain verifies {', '.join(named) or 'nothing'}, "
            f"this version {', '.join(installed)}",
            where="genesis: statements",
        )
    found = {}
    for item in genesis.statements:
        try:
            entry = keys.entry(item.statement, genesis.profile)
        except UnknownKey as error:
            raise ForeignGenesis(f"RPC-14: {error.message}", where=item.statement) from error
        for what, ours, theirs in (
            ("circuit", entry.r1cs, item.r1cs.hex()),
            ("verifying key", entry.verifying_key, item.verifying_key.hex()),
        ):
            if ours != theirs:
                raise ForeignGenesis(
                    f"RPC-14: genesis names {what} {theirs[:16]}…, this installation has "
                    f"{ours[:16]}…",
                    where=item.statement,
                )
        found[item.statement] = keys.verifying_key(item.statement, genesis.profile)
    _check_ceremony(genesis, keys)
    return found


def ceremony_of(statements: Iterable[str], profile: str, keys: KeyStore) -> bytes | None:
    """CH-34: the digest over this installation's ceremonies of these statements; None for `dev`.

    Raises:
        UnknownKey, DevParamsRefused: a statement without a ceremony's key.
    """
    if profile == DEV_PROFILE:
        return None
    return ceremony_digest(
        {name: bytes.fromhex(keys.entry(name, profile).transcript) for name in statements}
    )


def _check_ceremony(genesis: Genesis, keys: KeyStore) -> None:
    """RPC-24 (S-12): the chain's ceremonies are those of the registry.

    A key has one id whatever ceremony it is said to come from, so keys alone would not do.

    Raises:
        ForeignGenesis: names both digests.
    """
    names = [item.statement for item in genesis.statements]
    ours = ceremony_of(names, genesis.profile, keys)
    if ours != genesis.ceremony:
        theirs, mine = ("none" if d is None else d.hex() for d in (genesis.ceremony, ours))
        raise ForeignGenesis(
            f"RPC-24: genesis names ceremony {theirs}, this installation's registry has {mine}",
            where="genesis: ceremony",
            why="the chain's founders trusted another record of who contributed to the keys",
        )


def check_new_chain(genesis: Genesis, keys: KeyStore) -> None:
    """RPC-25: no chain begins with a version of a circuit that is marked insecure.

    Raises:
        InsecureVersion: says which, since when and why.
    """
    for item in genesis.statements:
        keys.entry(item.statement, genesis.profile).require_current()


def warm_up(verifier: ProofVerifier, keys: Mapping[str, VerifyingKey]) -> None:
    """Let the first client not wait for what is loaded, or compiled, with the first proof.

    The proofs are made of the keys' own points: well-formed and false.
    """
    for name, key in keys.items():
        proof = Proof(key.alpha, key.beta, key.alpha).to_bytes()
        verifier.verify([ProofClaim(name, (0,) * key.publics, proof)])


def warnings(genesis: Genesis, keys: KeyStore) -> dict[str, str]:
    """Statement → what must be said of its key; development keys are UNSAFE."""
    return {
        item.statement: keys.entry(item.statement, genesis.profile).unsafe
        for item in genesis.statements
    }


def insecure(genesis: Genesis, keys: KeyStore) -> dict[str, str]:
    """RPC-25: statement → since when and why it is insecure; a chain that exists goes on."""
    marked = {
        item.statement: keys.entry(item.statement, genesis.profile).insecure
        for item in genesis.statements
    }
    return {statement: text for statement, text in marked.items() if text}
