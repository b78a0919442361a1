"""States of pools: open, exit-only, frozen. Written by orders, obeyed by every transaction.

    o/sequence       number of the next order, u64
    o/pool/<tag>     state, since, deadline, insecure statements, reason; absent: open

What binds a block is the state *before* it (EX-32): where in a block an order stands means nothing,
and no transaction of its block can be early or late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import Crossing, HiddenValue
from node.core.errors import InvalidTransaction
from node.core.ids import EnvironmentId, Height
from node.core.interfaces import StateReader
from node.execution.order import MAX_REASON, MAX_STATEMENT, PoolState
from zk.errors import NonCanonical

SEQUENCE_KEY: Final = b"o/sequence"
POOLS: Final = (EnvironmentId.SHIELDED, EnvironmentId.PRIVATE)
"""Where value is hidden. Accounts are in the clear: no statement can be wrong about them."""
_POOL: Final = b"o/pool/"
_MAX_STATEMENTS: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class PoolRecord:
    """What the last order about a pool left.

    Attributes:
        state: as ordered; what it is at a height, `at` says.
        since: height of the block with the order; 0: none was given.
        deadline: last height of that state, 0: none.
        insecure: ids of statements that were ever declared insecure, sorted.
        reason: the guardians', for people.
    """

    state: PoolState = PoolState.OPEN
    since: int = 0
    deadline: int = 0
    insecure: tuple[str, ...] = ()
    reason: str = ""

    def at(self, height: int) -> PoolState:
        """The state that binds block `height`."""
        return PoolState.FROZEN if self.deadline and height > self.deadline else self.state

    def closed_for_good(self, height: int) -> bool:
        """EX-31: whether nothing can open the pool again, from block `height` on."""
        return bool(self.insecure) and bool(self.deadline) and height > self.deadline

    def to_bytes(self) -> bytes:
        writer = Writer().u8(self.state).u64(self.since).u64(self.deadline).u32(len(self.insecure))
        for statement in self.insecure:
            writer.blob(statement.encode())
        return writer.blob(self.reason.encode()).done()

    @staticmethod
    def from_bytes(data: bytes) -> PoolRecord:
        reader = Reader(data, "state of a pool")
        state = reader.u8()
        if state not in PoolState.__members__.values():
            raise NonCanonical(f"unknown state {state} of a pool", where=reader.where)
        since, deadline = reader.u64(), reader.u64()
        insecure = tuple(
            _text(reader, MAX_STATEMENT)
            for _ in range(reader.count(4, _MAX_STATEMENTS, "statements"))
        )
        reason = _text(reader, MAX_REASON)
        reader.done()
        return PoolRecord(PoolState(state), since, deadline, insecure, reason)


def _text(reader: Reader, most: int) -> str:
    try:
        return reader.blob(most).decode()
    except UnicodeDecodeError as error:
        raise NonCanonical("text that is not UTF-8", where=reader.where) from error


_WAY_OUT: Final = {
    EnvironmentId.SHIELDED: "with `chiaro unshield`",
    EnvironmentId.PRIVATE: "by a withdrawal, in the clear (PV-125)",
}


def pool_key(pool: EnvironmentId) -> bytes:
    """Where the state says what the last order about a pool was."""
    return _POOL + b"%d" % pool


def record(state: StateReader, pool: EnvironmentId) -> PoolRecord:
    """What a state says about a pool; one that no order named is open."""
    data = state.get(pool_key(pool))
    return PoolRecord() if data is None else PoolRecord.from_bytes(data)


def next_sequence(state: StateReader) -> int:
    """EX-29: the number that the next order must carry."""
    data = state.get(SEQUENCE_KEY)
    return 0 if data is None else int.from_bytes(data, "little")


def refusal(record: PoolRecord, pool: EnvironmentId, height: int) -> InvalidTransaction | None:
    """EX-33 for what touches a pool in block `height`; None where something may."""
    if record.at(height) is not PoolState.FROZEN:
        return None
    error = InvalidTransaction(
        "EX-33", f"the {pool.label} pool is frozen{_because(record)}", where="pool"
    )
    error.why = "its guardians ordered that nothing enters, moves in or leaves it"
    error.fix = "`chiaro chain pools` shows its state; wait for the guardians' next order"
    if record.closed_for_good(height):
        error.why = "a statement of it is insecure, and its deadline has passed: it stays closed"
        error.fix = (
            "what it holds cannot be moved; the chain may get a successor (docs/emergency.md)"
        )
    return error


def narrowed(record: PoolRecord, pool: EnvironmentId, what: str) -> InvalidTransaction:
    """EX-34 for what does not take value out of a pool that is exit-only."""
    error = InvalidTransaction(
        "EX-34", f"the {pool.label} pool is exit-only{_because(record)}: {what}", where="pool"
    )
    error.why = "its guardians ordered that value may only leave it"
    error.fix = f"take value out {_WAY_OUT[pool]}"
    if record.deadline:
        error.fix += f", by block {record.deadline} at the latest"
    return error


def _because(record: PoolRecord) -> str:
    return f" ({record.reason})" if record.reason else ""


class Gate:
    """EX-32 … EX-34, EX-42, EX-46: lets the transactions of one block into pools, or not.

    Args:
        state: before the block.
        height: of the block.
    """

    def __init__(self, state: StateReader, height: Height) -> None:
        self._state = state
        self._height = height
        self._records: dict[EnvironmentId, PoolRecord] = {}

    def check(self, pool: EnvironmentId) -> PoolState:
        """EX-33: a frozen pool is touched by nothing. Returns what the pool is."""
        if pool not in POOLS:
            return PoolState.OPEN
        found = self._record(pool)
        if (error := refusal(found, pool, self._height)) is not None:
            raise error
        return found.at(self._height)

    def check_hidden(self, pool: EnvironmentId, values: Sequence[HiddenValue]) -> None:
        """EX-42: amounts that nobody sees move between two pools only while both are open."""
        for end in sorted({pool, *(value.target for value in values)}) if values else ():
            if self.check(end) is PoolState.EXIT_ONLY:
                raise InvalidTransaction(
                    "EX-42",
                    f"the {end.label} pool is exit-only{_because(self._record(end))}: "
                    "hidden amounts neither enter nor leave it",
                    where="pool",
                )

    def check_crossings(
        self, pool: EnvironmentId, crossings: Sequence[Crossing], *, releases: bool = False
    ) -> None:
        """EX-33 for both ends of every crossing, EX-34 for the direction.

        Amounts inside a pool are hidden, so change cannot be told from a payment: of an exit-only
        pool's transaction it is asked that value leaves, and that none enters. What only releases
        others' value passes without (EX-46).
        """
        if self.check(pool) is PoolState.EXIT_ONLY:
            if any(crossing.amount < 0 for crossing in crossings):
                raise narrowed(self._record(pool), pool, "no value may enter")
            if not crossings and not releases:
                raise narrowed(self._record(pool), pool, "no value leaves with this transaction")
        for crossing in crossings:
            if self.check(crossing.target) is PoolState.EXIT_ONLY and crossing.amount > 0:
                target = crossing.target
                raise narrowed(self._record(target), target, "no value may enter")

    def _record(self, pool: EnvironmentId) -> PoolRecord:
        found = self._records.get(pool)
        if found is None:
            found = self._records[pool] = record(self._state, pool)
        return found
