"""The genesis of a chain's successor: what a chain whose pools are closed for good leaves behind.

A function of the old genesis, the state after one block and the successor's statements: anyone who
has them computes the same bytes. Transparent balances go along. What a closed pool still holds does
not: with a broken statement a real note cannot be told from a forged one. The turnstile says how
much that is, and is the most that anyone can have lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from node.core.block import Header
from node.core.errors import NodeError, PolicyRefused
from node.core.genesis import DEV_PROFILE, Allocation, Genesis, StatementKey
from node.core.guardians import Predecessor
from node.core.ids import NATIVE, AccountId, EnvironmentId, Height, Kind
from node.core.interfaces import StateReader
from node.core.stake import GenesisBond, StakeParameters
from node.execution import pools, turnstile
from node.stake import rosters
from node.stake import state as stakes
from transparent.accounts import every_balance


class NoSuccessor(PolicyRefused):
    """The chain cannot be continued by another one: CH-30, CH-31 or CH-32 says why."""

    code = "MIG-001"


class OtherSuccessor(NodeError):
    """CH-33: a genesis that is not what the old chain's state makes it."""

    code = "MIG-002"
    exit_code = 1
    why = "whoever wrote it changed balances, keys or rules of the new chain"
    fix = "do not start it; make your own with `chiaro chain migrate --out`"


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """Base units of a kind that stay in a closed pool, for ever."""

    pool: EnvironmentId
    kind: Kind
    amount: int


@dataclass(frozen=True, slots=True)
class Succession:
    """A successor's genesis, and what does not go along."""

    genesis: Genesis
    left_behind: tuple[LeftBehind, ...]


def successor(
    old: Genesis,
    state: StateReader,
    header: Header,
    statements: Iterable[StatementKey],
    *,
    ceremony: bytes | None = None,
    same_circuit: bool = False,
    rehearsal: bool = False,
) -> Succession:
    """CH-30 … CH-32: the chain that goes on after block `header`.

    Args:
        old: genesis of the chain that ends.
        state: after that block.
        header: of that block; its hash and time become the successor's.
        statements: what the successor verifies.
        ceremony: digest of the transcript of its keys; None on development chains.
        same_circuit: only the key of an insecure statement was broken, not its circuit.
        rehearsal: development chains: the same statements again, to try the way.

    Raises:
        NoSuccessor: CH-30, a pool may still change; CH-31, the statements are the broken ones;
            CH-32, units are missing or too many.
    """
    chosen = tuple(sorted(statements))
    if rehearsal and old.profile != DEV_PROFILE:
        raise NoSuccessor("CH-31: only a development chain rehearses", where="rehearsal")
    insecure = _closed_for_good(state, header.height)
    if not rehearsal:
        _check_statements(old, insecure, chosen, same_circuit=same_circuit)
    stake, returned = _bonds(old, state)
    balances = Counter({(account, kind): n for account, kind, n in every_balance(state)})
    balances.update(returned)
    allocations = tuple(sorted(Allocation(*who, n) for who, n in balances.items()))
    left = _left_behind(old, state, allocations, stake)
    genesis = Genesis(
        profile=old.profile,
        name=old.name,
        time_ms=header.time_ms,
        parameters=old.parameters,
        validators=old.validators if stake is None else tuple(b.key for b in stake.bonds),
        statements=chosen,
        allocations=allocations,
        ceremony=ceremony,
        guardians=old.guardians,
        guardian_threshold=old.guardian_threshold,
        predecessor=Predecessor(header.chain_id, header.height, header.hash),
        lane=old.lane,
        stake=stake,
        runtime=old.runtime,
        private=old.private,
    )
    return Succession(genesis, left)


def check_successor(found: Genesis, expected: Genesis) -> None:
    """CH-33: byte for byte what the old chain makes it.

    Raises:
        OtherSuccessor: names the first field that differs.
    """
    if found.to_bytes() == expected.to_bytes():
        return
    differs = next(
        field.name
        for field in fields(Genesis)
        if getattr(found, field.name) != getattr(expected, field.name)
    )
    raise OtherSuccessor(f"CH-33: {differs} is not what the old chain gives", where=differs)


def _closed_for_good(state: StateReader, height: Height) -> set[str]:
    """CH-30: no pool can change after `height`. Returns the statements that were given up."""
    found = turnstile.supply(state)
    holding = {tag for item in found for tag, amount in item.held.items() if amount}
    if any(item.hidden.into for item in found):  # how much of it is there, nobody sees
        holding.add(EnvironmentId.PRIVATE)
    insecure: set[str] = set()
    for pool in pools.POOLS:
        order = pools.record(state, pool)
        insecure.update(order.insecure)
        wanted = pool is EnvironmentId.SHIELDED or pool in holding
        if wanted and not order.closed_for_good(height + 1):
            raise NoSuccessor(
                f"CH-30: the {pool.label} pool is not closed for good after block {height}",
                where="height",
                why="what leaves it later would be on both chains, or on none",
                fix="guardians order exit-only or frozen with an insecure statement and a "
                "deadline; migrate when the deadline has passed",
            )
    return insecure


def _check_statements(
    old: Genesis, insecure: set[str], chosen: tuple[StatementKey, ...], *, same_circuit: bool
) -> None:
    """CH-31: nothing that the old chain declared insecure is verified again."""
    broken = [item for item in old.statements if item.statement in insecure]
    for item in chosen:
        for bad in broken:
            same_key = item.verifying_key == bad.verifying_key
            if same_key or (item.r1cs == bad.r1cs and not same_circuit):
                what = "key" if same_key else "circuit"
                raise NoSuccessor(
                    f"CH-31: {item.statement} has the {what} that {bad.statement} had, "
                    "which is insecure",
                    where="statements",
                    why="the new chain would be forged on as the old one was",
                    fix="install the version with the corrected statement"
                    + ("" if same_key else "; or, if only the key was broken, --same-circuit"),
                )


def _bonds(
    old: Genesis, state: StateReader
) -> tuple[StakeParameters | None, Counter[tuple[AccountId, Kind]]]:
    """CH-32: bonds of who may vote go along as such; other stake goes back to its owners.

    Returns:
        The successor's stake, and what accounts get back.

    Raises:
        NoSuccessor: CH-32, nobody may vote.
    """
    returned = Counter[tuple[AccountId, Kind]]()
    if old.stake is None:
        return None, returned
    chosen = rosters.eligible(state, old.stake)
    if not chosen:
        raise NoSuccessor(
            "CH-32: no validator has enough at stake to vote on the new chain", where="stake"
        )
    for key, found in stakes.validators(state):
        waiting = sum(n for _, n in stakes.notices(state, key))
        back = waiting if key in chosen else waiting + found.bonded
        if back:
            returned[found.owner, NATIVE] += back
    bonds = tuple(GenesisBond(key, v.owner, v.bonded) for key, v in sorted(chosen.items()))
    return replace(old.stake, bonds=bonds), returned


def _left_behind(
    old: Genesis,
    state: StateReader,
    allocations: tuple[Allocation, ...],
    stake: StakeParameters | None,
) -> tuple[LeftBehind, ...]:
    """CH-32: per kind, what goes along and what stays are all that was issued."""
    issued, carried = old.supply(), dict.fromkeys(old.supply(), 0)
    if stake is not None:
        carried[NATIVE] = carried.get(NATIVE, 0) + stake.bonded
    for item in allocations:
        carried[item.kind] = carried.get(item.kind, 0) + item.amount
    left: list[LeftBehind] = []
    stays = dict.fromkeys(carried, 0)
    for supply in turnstile.supply(state):
        for pool, held in sorted(supply.held.items()):
            amount = stakes.lost(state) if pool is EnvironmentId.STAKE else held
            if pool is not EnvironmentId.TRANSPARENT and amount:
                left.append(LeftBehind(pool, supply.kind, amount))
                stays[supply.kind] = stays.get(supply.kind, 0) + amount
    for kind in {*carried, *stays}:
        total = carried.get(kind, 0) + stays.get(kind, 0)
        if total != issued.get(kind, 0) or stays.get(kind, 0) < 0:
            raise NoSuccessor(
                f"CH-32: {total} base units of kind {kind.label:#x}, "
                f"{issued.get(kind, 0)} were issued",
                where="supply",
                why="the state is not one that the chain's rules allow",
                fix="compare its root with other nodes",
            )
    return tuple(left)
